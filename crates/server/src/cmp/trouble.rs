//! What went wrong on our side: logged here, and told without its reason.

use pkixcmp::{PkiFailureInfo, PkiStatusInfo};
use ra::Error;

use super::fail_info::{failure, unavailable};

/// The line failed.
pub(super) fn failed(error: &Error) -> PkiStatusInfo {
    tracing::warn!(%error, "the line failed");
    unavailable(error)
}

/// Something of ours that must not happen.
pub(super) fn lost(error: impl std::fmt::Display) -> PkiStatusInfo {
    tracing::error!(%error, "an answer could not be made");
    failure()
}

/// The process ends: whoever sends it again is answered by the next one.
pub(super) fn stopping() -> PkiStatusInfo {
    PkiStatusInfo::rejection(
        PkiFailureInfo::SYSTEM_UNAVAIL,
        "the service is being stopped; send the same message again",
    )
}
