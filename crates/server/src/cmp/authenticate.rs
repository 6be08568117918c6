//! Step 2 of the line for CMP: the protection of a message to [`Requester`], and to how answers will be protected.

use pkixcmp::protection::{ProtectionError, ProtectionKind};
use pkixcmp::{PkiFailureInfo, PkiStatusInfo};
use ra::{JournalError, Requester};

use super::call::Call;
use super::fail_info::failure;
use super::protect::Reply;
use super::{mac, signature};

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
        Self::failure(error)
    }
}

/// Verifies the protection of the call's message.
pub(super) async fn authenticate(call: &Call<'_>) -> Result<Authenticated, Unauthenticated> {
    let header = call.message.header();
    match ProtectionKind::announced(header.protection_alg.as_ref()) {
        _ if call.message.protection().is_none() => Err(ProtectionError::Unprotected.into()),
        ProtectionKind::None => Err(ProtectionError::Unprotected.into()),
        ProtectionKind::Mac => mac::authenticate(call).await,
        ProtectionKind::Signature => signature::authenticate(call).await,
    }
}
