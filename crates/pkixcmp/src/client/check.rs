//! Whether an answer belongs to the transaction: everything but its body (RFC 9810 section 5.1.1, RFC 9483 section 3.5).

use bytes::Bytes;

use super::{ClientTransaction, Phase};
use crate::body::PkiBody;
use crate::header::Pvno;
use crate::message::PkiMessage;
use crate::protection::ProtectionKind;
use crate::raw::CmpCertificate;
use crate::transaction::{LONGEST_ID, octets};

/// What the protection of a received message proved. Whoever hands a message over has verified it and says so here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// The MAC is right.
    Mac,
    /// The signature is right and its certificate is trusted for this.
    Signature {
        /// The certificate.
        signer: CmpCertificate,
    },
    /// Nothing: there is no protection, or it could not be verified.
    Unproven,
}

impl Authenticity {
    fn kind(&self) -> ProtectionKind {
        match self {
            Self::Mac => ProtectionKind::Mac,
            Self::Signature { .. } => ProtectionKind::Signature,
            Self::Unproven => ProtectionKind::None,
        }
    }
}

/// Why an answer is not one to this transaction, or not one at all. The state is as it was: the right answer may still come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// Nothing proves who sent it.
    #[error("the answer ({body}) is not protected, or its protection could not be verified")]
    Unauthenticated {
        /// Its body.
        body: &'static str,
    },
    /// The protection is of another kind than that of the request.
    #[error("the answer is protected by {found}, the request was by {expected}")]
    Protection {
        /// What it has.
        found: ProtectionKind,
        /// What it should have.
        expected: ProtectionKind,
    },
    /// pvno is none we speak.
    #[error("the answer has pvno {found}; 2 and 3 are understood")]
    Version {
        /// Its pvno.
        found: u32,
    },
    /// transactionID is another one, or absent.
    #[error("the transactionID of the answer is not that of the request")]
    TransactionId,
    /// recipNonce is not what we sent, or absent.
    #[error("the recipNonce of the answer is not the senderNonce we sent")]
    RecipNonce,
    /// senderNonce is absent, empty or absurdly long.
    #[error("the senderNonce of the answer is missing or unusable")]
    SenderNonce,
    /// The body does not answer what was sent.
    #[error("{found} does not answer what was sent ({expected} was expected)")]
    Body {
        /// Its body.
        found: &'static str,
        /// What would have been right.
        expected: &'static str,
    },
    /// certReqId is not that of the request.
    #[error("the answer has certReqId {found}, the request had {expected}")]
    CertReqId {
        /// The one in the answer.
        found: i64,
        /// The one asked with.
        expected: i64,
    },
    /// There has to be exactly one response.
    #[error("the answer has {found} responses, not one")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// The status says granted, but there is no certificate, or the other way round, or it is one that makes no sense here.
    #[error("the answer contradicts itself: {0}")]
    Contradiction(&'static str),
    /// The certificate is encrypted, which was not asked for.
    #[error("the certificate in the answer is encrypted")]
    Encrypted,
    /// The certificate is not readable as far as its signature algorithm.
    #[error("the certificate in the answer is malformed")]
    Certificate,
    /// Nothing is expected any more.
    #[error("the transaction is over")]
    Over,
}

/// Checks protection, version, identifiers and nonces.
pub(super) fn header(
    transaction: &ClientTransaction,
    message: &PkiMessage,
    authenticity: &Authenticity,
) -> Result<(), Mismatch> {
    let (header, tolerance) = (message.header(), transaction.tolerance);
    let is_error = matches!(message.body(), PkiBody::Error(_));
    let unproven = *authenticity == Authenticity::Unproven;
    if unproven
        && !(is_error && tolerance.unprotected_errors)
        && transaction.protection != ProtectionKind::None
    {
        return Err(Mismatch::Unauthenticated {
            body: message.body().name(),
        });
    }
    if !unproven && !transaction.accepts(authenticity.kind()) {
        return Err(Mismatch::Protection {
            found: authenticity.kind(),
            expected: transaction.protection,
        });
    }
    let old = is_error && tolerance.version_1_in_errors && header.pvno == Pvno::CMP1999;
    if !old && header.pvno != Pvno::CMP2000 && header.pvno != Pvno::CMP2021 {
        return Err(Mismatch::Version {
            found: header.pvno.0,
        });
    }
    let may_lack = is_error && unproven && tolerance.unprotected_errors_without_ids;
    match octets(header.transaction_id.as_ref()) {
        Some(id) if id == transaction.transaction_id.0 => {}
        None if may_lack => {}
        _ => return Err(Mismatch::TransactionId),
    }
    match octets(header.recip_nonce.as_ref()) {
        Some(nonce) if answers(transaction, nonce, message.body()) => {}
        None if may_lack => {}
        _ => return Err(Mismatch::RecipNonce),
    }
    match octets(header.sender_nonce.as_ref()) {
        Some([]) => Err(Mismatch::SenderNonce),
        Some(nonce) if nonce.len() <= LONGEST_ID => Ok(()),
        None if is_error || matches!(message.body(), PkiBody::Pkiconf) => Ok(()),
        _ => Err(Mismatch::SenderNonce),
    }
}

/// A pollRep answers the pollReq. The final answer may refer to the last pollReq, as answers do, or to the request that was polled for:
/// RFC 9483 section 4.4 and implementations differ, and both nonces are ours and fresh.
fn answers(transaction: &ClientTransaction, nonce: &[u8], body: &PkiBody) -> bool {
    let polled = transaction
        .polled_nonce
        .filter(|_| !matches!(body, PkiBody::PollRep(_)));
    nonce == transaction.nonce.0 || polled.is_some_and(|polled| nonce == polled.0)
}

/// Notes what the next message needs.
pub(super) fn learn(
    transaction: &mut ClientTransaction,
    message: &PkiMessage,
    authenticity: Authenticity,
) {
    if let Some(nonce) = octets(message.header().sender_nonce.as_ref()) {
        transaction.peer_nonce = Some(Bytes::copy_from_slice(nonce));
    }
    if let Authenticity::Signature { signer } = authenticity {
        transaction.signer = Some(signer.der().clone());
    }
}

/// What is expected now, in words.
pub(super) fn expected(transaction: &ClientTransaction) -> &'static str {
    use crate::transaction::RequestKind::{Cr, Genm, Ir, Kur, P10cr, Rr};
    match (&transaction.phase, transaction.kind) {
        (Phase::Waiting { .. }, _) => "pollRep or the answer polled for",
        (Phase::Confirming, _) => "pkiconf",
        (_, Ir) => "ip",
        (_, Cr | P10cr) => "cp",
        (_, Kur) => "kup",
        (_, Rr) => "rp",
        (_, Genm) => "genp",
    }
}
