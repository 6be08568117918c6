//! How the process comes to its end: what was begun is finished within a deadline, new work is refused, and what is not finished by then is
//! left in the journal for the next start.
//!
//! | | new connections | requests on open ones | lines, sweeps, held requests |
//! |---|---|---|---|
//! | serving | taken | served | at work |
//! | begun | refused | 503 with Retry-After | finished |
//! | given up | refused | 503 with Retry-After | dropped; the journal has them |
//! | closing | refused | closed once answered | – |
//! | cut | refused | cut | – |

use std::future::Future;
use std::time::Duration;

use ra::Outcome;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::Instrument;

/// What is said in Retry-After, in seconds: by then another process serves, or this one again.
pub(crate) const RETRY_AFTER: u32 = 5;
/// For the answers of those that are given up, once the deadline is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

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

/// Where the process is between serving and its end. Clones are handles of one.
#[derive(Clone, Default)]
pub struct Drain {
    begun: CancellationToken,
    given_up: CancellationToken,
    closing: CancellationToken,
    cut: CancellationToken,
    work: TaskTracker,
    connections: TaskTracker,
}

impl Drain {
    /// From now on new work is refused.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Ends everything: at the latest `within` from now and two seconds more. To be called once.
    pub async fn run(&self, within: Duration) {
        let deadline = Instant::now() + within;
        self.begin();
        self.work.close();
        self.connections.close();
        if timeout_at(deadline, self.work.wait()).await.is_err() {
            tracing::warn!(
                count = self.work.len(),
                "what is under way has not ended in time; it is in the journal and goes on after the next start"
            );
            self.given_up.cancel();
            let _may_hang = timeout_at(Instant::now() + LAST_WORDS, self.work.wait()).await;
        }
        self.closing.cancel();
        let last = deadline.max(Instant::now()) + LAST_WORDS;
        if timeout_at(last, self.connections.wait()).await.is_err() {
            self.cut.cancel();
            self.connections.wait().await;
        }
    }

    /// Ends everything at once.
    pub(crate) fn cut_off(&self) {
        self.begin();
        self.closing.cancel();
        self.cut.cancel();
    }

    /// Whether new work is refused.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Ends when new work is refused.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Ends when nothing is waited for any longer.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Ends when connections are closed as soon as they are idle.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Ends when connections are closed whatever they do.
    pub(crate) async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// Work that the end waits for, as long as the value lives.
    pub(crate) fn at_work(&self) -> TaskTrackerToken {
        self.work.token()
    }

    /// The line in a task of its own: a client that goes away does not stop it half-way. Its log lines belong to the request that started it.
    pub(crate) fn start<T, F>(&self, line: F) -> Working<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ra::Error>> + Send + 'static,
    {
        let given_up = self.given_up.clone();
        // A line is some 8 KB: moved once, and not with everything that is put around it.
        let line = Box::pin(line);
        let line = async move {
            match given_up.run_until_cancelled(line).await {
                Some(ended) => ended.map_err(Failed::Line),
                None => Err(Failed::GivenUp),
            }
        };
        self.work.spawn(line.in_current_span())
    }

    /// A connection in a task of its own.
    pub(crate) fn connection(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(work);
    }
}
