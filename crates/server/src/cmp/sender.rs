//! Who sent a message, or why nobody is believed to have.

use pkixcmp::protection::ProtectionError;
use pkixcmp::{PkiFailureInfo, PkiStatusInfo};
use ra::{JournalError, Requester};

use super::fail_info::{failure, later};
use super::protect::Reply;

/// Who sent a message, and how they are answered.
pub(super) struct Authenticated {
    pub(super) who: Requester,
    pub(super) reply: Reply,
}

/// Nobody is authenticated.
#[derive(Debug)]
pub(super) struct Unauthenticated {
    /// What the peer is told.
    pub(super) status: PkiStatusInfo,
    /// What the log is told.
    pub(super) why: String,
}

impl Unauthenticated {
    pub(super) fn new(failure: PkiFailureInfo, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            status: PkiStatusInfo::rejection(failure, text.as_str()),
            why: text,
        }
    }

    /// One answer for everything that would tell a reference from a secret.
    pub(super) fn mismatch(why: impl Into<String>) -> Self {
        let text = "the protection of the message cannot be verified";
        Self {
            why: why.into(),
            ..Self::new(PkiFailureInfo::BAD_MESSAGE_CHECK, text)
        }
    }

    /// Something of ours failed.
    pub(super) fn failure(why: impl std::fmt::Display) -> Self {
        Self {
            status: failure(),
            why: why.to_string(),
        }
    }

    pub(super) fn busy() -> Self {
        Self::new(
            PkiFailureInfo::SYSTEM_UNAVAIL,
            "too many messages are being verified; try again later",
        )
    }
}

impl From<ProtectionError> for Unauthenticated {
    fn from(error: ProtectionError) -> Self {
        match error {
            ProtectionError::Mismatch => Self::mismatch(error.to_string()),
            error => Self::new(error.failure(), error.to_string()),
        }
    }
}

impl From<JournalError> for Unauthenticated {
    fn from(error: JournalError) -> Self {
        Self {
            status: later(),
            why: error.to_string(),
        }
    }
}
