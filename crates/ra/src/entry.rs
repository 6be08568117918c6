use std::fmt;

use jiff::{SignedDuration, Timestamp};
use pki::{CertificateId, Template};
use serde::{Deserialize, Serialize};

use crate::{
    Answer, AuthorityName, ConfirmedBy, Correlation, CredentialId, Label, ProfileName, Refusal,
    Sealed, Verdict,
};

/// The journal's name for one request: the first 16 bytes of SHA-256 over scope and value of its key.
///
/// Shown as 32 hexadecimal digits, also in REST v2 URLs: who knows it still has to be the owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId(pub [u8; 16]);

impl EntryId {
    /// The id of `value` in the scope of a credential.
    pub fn of(scope: &CredentialId, value: &[u8]) -> Self {
        let scope = scope.as_str().as_bytes();
        let mut text = Vec::with_capacity(8 + scope.len() + value.len());
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        text.extend_from_slice(&(scope.len() as u64).to_be_bytes());
        text.extend_from_slice(scope);
        text.extend_from_slice(value);
        let digest = pki::digest::sha256(&text);
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Reads the 32 hexadecimal digits of [`fmt::Display`]; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(Self(id))
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({self})")
    }
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Asked {
    /// A certificate, as approved (policy may have changed what was wanted).
    Enroll(Box<Template>),
    /// A revocation.
    Revoke {
        /// Which certificate.
        of: CertificateId,
        /// CRLReason (RFC 5280 5.3.1).
        reason: u8,
    },
}

/// Where a request stands. One row goes through these in order and never back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// The row is written; the CA may or may not have been asked.
    Begun,
    /// The CA was asked and has not decided.
    Waiting,
    /// The requester gave up before the CA had decided: what it issues yet is given back.
    Abandoned(Refusal),
    /// The certificate is here and sound; the requester has yet to confirm it.
    Issued(Answer),
    /// The verdict is fixed; the CA may or may not have heard it.
    Confirming(Answer, Verdict),
    /// Done: the CA knows that the certificate is in use.
    Confirmed(Answer),
    /// Done: a certificate was issued and given back.
    Withdrawn(Refusal),
    /// Done: a revocation took effect.
    Revoked,
    /// Done: nothing was issued.
    Refused(Refusal),
    /// Done: nothing left us, so the same key may begin anew.
    NotSent,
    /// Done: the CA may have issued, and will not repeat its answer.
    Lost(Refusal),
}

impl Phase {
    /// Whether nothing more will happen to the row.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Begun
            | Self::Waiting
            | Self::Abandoned(_)
            | Self::Issued(_)
            | Self::Confirming(..) => false,
            Self::Confirmed(_)
            | Self::Withdrawn(_)
            | Self::Revoked
            | Self::Refused(_)
            | Self::NotSent
            | Self::Lost(_) => true,
        }
    }

    /// The phase as one word for logs, metrics and the journal's listing.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Waiting => "waiting",
            Self::Abandoned(_) => "abandoned",
            Self::Issued(_) => "issued",
            Self::Confirming(..) => "confirming",
            Self::Confirmed(_) => "confirmed",
            Self::Withdrawn(_) => "withdrawn",
            Self::Revoked => "revoked",
            Self::Refused(_) => "refused",
            Self::NotSent => "not-sent",
            Self::Lost(_) => "lost",
        }
    }
}

/// One request as the journal holds it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// The credential it was made with: who may ask after it.
    pub owner: CredentialId,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
    /// See [`crate::Key::replay_for`].
    pub replay_for: Option<SignedDuration>,
    /// Where it was sent.
    pub label: Label,
    /// Its name in logs and audit; rows of older programs have none.
    pub correlation: Option<Correlation>,
    /// Which CA was chosen; kept for the whole transaction.
    pub authority: AuthorityName,
    /// Which profile's limits and trust anchors apply.
    pub profile: ProfileName,
    /// What it is about.
    pub asked: Asked,
    /// Who confirms.
    pub confirmed_by: ConfirmedBy,
    /// The front's state.
    pub front: Sealed,
    /// The authority's state; emptied when final, since a message in it may let a reader guess at a shared secret.
    pub upstream: Sealed,
    /// Where it stands.
    pub phase: Phase,
    /// When to look at it again: next poll, resend, or the end of waiting for the client's confirmation.
    /// `None`: only the client's next call can move it.
    pub due: Option<Timestamp>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When its phase last changed.
    pub changed_at: Timestamp,
}

impl Entry {
    /// Whether the key of this entry is free again at `now`: nothing ever left us, or it ended longer ago than its
    /// replay span. A front with such a span has clients that cannot take another key: what ended without a certificate
    /// is free at once there, or nobody could try again once the reason is mended.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        match (&self.phase, self.replay_for) {
            (Phase::NotSent, _)
            | (Phase::Refused(_) | Phase::Withdrawn(_) | Phase::Lost(_), Some(_)) => true,
            (phase, Some(span)) => phase.is_final() && now.duration_since(self.changed_at) > span,
            (_, None) => false,
        }
    }
}
