//! What came of the line, and how long a connection waits for it.

use std::time::Duration;

use jiff::SignedDuration;
use ra::{AuthorityName, Health, Outcome, Ra};
use tokio::task::{JoinError, JoinHandle};

/// How long to wait at least and at most between looks at a row that someone else moves.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(2);

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    /// The line says why.
    #[error(transparent)]
    Line(#[from] ra::Error),
    /// It ended in a panic.
    #[error("the work on a request ended without a result")]
    Ended(#[from] JoinError),
    /// The process ends, and had no more time. The journal has it.
    #[error("certway-ra is being stopped; what was begun goes on when it is started again")]
    GivenUp,
}

/// The line at work. Dropping it does not stop the work.
pub(crate) type Working<T = Outcome> = JoinHandle<Result<T, Failed>>;

/// What came of it.
///
/// # Errors
/// [`Failed`]
pub(crate) async fn end(work: &mut Working) -> Result<Outcome, Failed> {
    work.await?
}

/// What keeps a CA from answering, where it is not that it takes its time.
pub(crate) async fn trouble(ra: &Ra, authority: &AuthorityName) -> Option<String> {
    match ra.authorities.get(authority)?.health().await {
        Health::Down(why) => Some(why),
        Health::Up => None,
    }
}

/// How long to wait before a row is looked at again: what the row says, within bounds.
pub(crate) fn pause(check_after: SignedDuration) -> Duration {
    Duration::try_from(check_after)
        .unwrap_or(LATEST)
        .clamp(SOONEST, LATEST)
}
