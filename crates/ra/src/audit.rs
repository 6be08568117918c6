use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{CredentialId, EntryId, Label};

/// What was decided, as one word (docs/LOGGING.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// A request was allowed and its row written.
    Begun,
    /// A request was refused.
    Refused,
    /// The CA makes us wait.
    Waiting,
    /// A certificate was issued.
    Issued,
    /// The requester or we confirmed it; the CA may not know yet.
    Confirming,
    /// The certificate is confirmed on both sides.
    Confirmed,
    /// A certificate was given back.
    Withdrawn,
    /// A certificate was revoked.
    Revoked,
    /// A request could not be sent.
    NotSent,
    /// A certificate may exist that nobody will see.
    Lost,
}

impl AuditKind {
    /// The word as it stands in log and journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Issued => "issued",
            Self::Confirming => "confirming",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::NotSent => "not-sent",
            Self::Lost => "lost",
        }
    }
}

/// One decision: who, what, why, which certificate. Written with the change it is about, so it cannot be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// Which request, where there is one.
    pub entry: Option<EntryId>,
    /// Who asked.
    pub credential: CredentialId,
    /// Where.
    pub label: Label,
    /// The certificate, as lower-case hexadecimal serial number, where there is one.
    pub serial: Option<String>,
    /// Why, or what else there is to say. Never a secret.
    pub detail: String,
}
