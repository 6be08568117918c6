use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{AuthorityName, Correlation, CredentialId, EntryId, Label, ProfileName, RefusalKind};

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
    /// The requester gave up while the CA makes us wait; a certificate that comes yet is given back.
    Abandoned,
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
    /// Every kind, in the order of the table in docs/LOGGING.md.
    pub const ALL: &[Self] = &[
        Self::Begun,
        Self::Refused,
        Self::Waiting,
        Self::Abandoned,
        Self::Issued,
        Self::Confirming,
        Self::Confirmed,
        Self::Withdrawn,
        Self::Revoked,
        Self::NotSent,
        Self::Lost,
    ];

    /// The word as it stands in log and journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Abandoned => "abandoned",
            Self::Issued => "issued",
            Self::Confirming => "confirming",
            Self::Confirmed => "confirmed",
            Self::Withdrawn => "withdrawn",
            Self::Revoked => "revoked",
            Self::NotSent => "not-sent",
            Self::Lost => "lost",
        }
    }

    /// The decision as a sentence, for the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Begun => "a request was allowed",
            Self::Refused => "a request was refused",
            Self::Waiting => "the CA makes a request wait",
            Self::Abandoned => "a requester gave up while the CA made it wait",
            Self::Issued => "a certificate was issued",
            Self::Confirming => "the verdict on a certificate is fixed",
            Self::Confirmed => "a certificate is confirmed",
            Self::Withdrawn => "a certificate was given back",
            Self::Revoked => "a certificate was revoked",
            Self::NotSent => "a request could not be sent",
            Self::Lost => "a certificate may exist that nobody will see",
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
    /// The request's name in logs.
    pub correlation: Option<Correlation>,
    /// Who asked.
    pub credential: CredentialId,
    /// Where.
    pub label: Label,
    /// Under which profile, once it is known.
    pub profile: Option<ProfileName>,
    /// At which CA, once it is known.
    pub authority: Option<AuthorityName>,
    /// The subject asked for, where the request got that far; at most 256 characters.
    pub subject: Option<String>,
    /// The certificate, as lower-case hexadecimal serial number, where there is one.
    pub serial: Option<String>,
    /// The reason as a kind, where the decision is a no.
    pub refusal: Option<RefusalKind>,
    /// Why, or what else there is to say. Never a secret.
    pub detail: String,
}
