//! What is done when an object changes. Everything is decided by pure functions elsewhere; here are the calls.

mod issuer;
mod keystores;
mod publish;
mod renewal;
mod request;
mod signing;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::runtime::controller::Action;

pub use issuer::reconcile as reconcile_issuer;
pub use request::reconcile as reconcile_request;
pub use signing::reconcile as reconcile_signing_request;

/// The name under which our fields are ours (server-side apply).
pub const FIELD_MANAGER: &str = "certway-issuer";

/// Why a reconcile is done again: the API server did not take what was to be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(#[from] pub Box<kube::Error>);

impl From<kube::Error> for Failed {
    fn from(error: kube::Error) -> Self {
        Self(Box::new(error))
    }
}

/// An answer that says the object is gone, is another one of the same name, or is not any more what it was decided by: nothing is left to be done. The watch brings
/// what it is now, if it is anything.
fn is_past(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 404 | 409))
}

/// How long something has been going on, and never less than nothing.
fn age(since: Timestamp) -> Duration {
    let span: SignedDuration = Timestamp::now().duration_since(since);
    Duration::try_from(span).unwrap_or_default()
}

fn later(pause: Duration) -> Action {
    Action::requeue(pause.max(Duration::from_millis(50)))
}
