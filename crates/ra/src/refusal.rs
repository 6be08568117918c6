use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a request was turned down, in the terms its maker can act on.
///
/// Matched exhaustively where it becomes a CMP failInfo and where it becomes a REST problem (docs/ERRORS.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RefusalKind {
    /// The request is malformed or contradicts itself.
    BadRequest,
    /// The certification request cannot be read or its signature does not verify.
    BadCsr,
    /// Proof-of-possession of the private key is missing or wrong.
    BadPop,
    /// The kind or size of the key is not allowed.
    KeyNotAllowed,
    /// A subject or subjectAltName is not allowed, or belongs to someone else.
    NameNotAllowed,
    /// The validity asked for is not allowed.
    ValidityNotAllowed,
    /// A keyUsage or extendedKeyUsage is not allowed.
    UsageNotAllowed,
    /// A CA certificate was asked for and is not allowed.
    CaNotAllowed,
    /// No label of that name.
    UnknownLabel,
    /// No profile of that name under this label.
    UnknownProfile,
    /// Who asks is known, and may not do this.
    NotAuthorized,
    /// Another request was made under the same idempotency key or transactionID.
    OtherRequestUnderKey,
    /// Policy had to change the request, and its form does not allow a change (a PKCS#10 at a CA without raVerified).
    CannotChange,
    /// The CA cannot do what was asked (revocation at a CA without it, say).
    Unsupported,
    /// Nothing is known of the certificate or transaction named.
    NotFound,
    /// The certificate is revoked already.
    AlreadyRevoked,
    /// The certificate was confirmed already.
    AlreadyConfirmed,
    /// The client rejected the certificate, or did not confirm it in time.
    NotConfirmed,
    /// The CA refused; [`Refusal::ca`] has its words.
    RejectedByCa,
    /// What the CA issued is not what was asked for; it was withdrawn.
    BadAnswer,
    /// The CA may have issued and will not say it again.
    Lost,
}

impl RefusalKind {
    /// Every kind, in the order of the tables in docs/ERRORS.md.
    pub const ALL: &[Self] = &[
        Self::BadRequest,
        Self::BadCsr,
        Self::BadPop,
        Self::KeyNotAllowed,
        Self::NameNotAllowed,
        Self::ValidityNotAllowed,
        Self::UsageNotAllowed,
        Self::CaNotAllowed,
        Self::UnknownLabel,
        Self::UnknownProfile,
        Self::NotAuthorized,
        Self::OtherRequestUnderKey,
        Self::CannotChange,
        Self::Unsupported,
        Self::NotFound,
        Self::AlreadyRevoked,
        Self::AlreadyConfirmed,
        Self::NotConfirmed,
        Self::RejectedByCa,
        Self::BadAnswer,
        Self::Lost,
    ];
}

/// What the CA said when it refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaStatus {
    /// Its status strings, in order, bounded and without control characters.
    pub strings: Vec<String>,
    /// The names of the failInfo bits it set (RFC 9810 5.2.3).
    pub fail_info: Vec<String>,
    /// False when the message was not protected: anyone on the way could have written it.
    pub authenticated: bool,
}

/// A request turned down for a reason that its maker can know and mend: it is shown to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason as a kind.
    pub kind: RefusalKind,
    /// The reason in words: what was wrong, where, and what to do. Never holds a secret or an internal address.
    pub detail: String,
    /// The CA's own words, if it was the CA that refused.
    pub ca: Option<CaStatus>,
}

impl Refusal {
    /// A refusal of our own.
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            ca: None,
        }
    }

    /// A refusal by the CA, `kind` being what its failInfo means for the requester.
    pub fn by_ca(kind: RefusalKind, detail: impl Into<String>, status: CaStatus) -> Self {
        Self {
            kind,
            detail: detail.into(),
            ca: Some(status),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_kinds_is_complete_and_in_order() {
        let numbers: Vec<usize> = RefusalKind::ALL.iter().map(|kind| *kind as usize).collect();
        assert_eq!(
            numbers,
            (0..=RefusalKind::Lost as usize).collect::<Vec<_>>()
        );
    }
}
