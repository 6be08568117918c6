//! Carries on what is due: rows that wait, rows whose answer was lost, rows a stopped process left behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::time::MissedTickBehavior;

use crate::App;
use crate::clock::{Clocks, Set};
use crate::drain::Failed;

/// So many sweeps may be under way at a time: rows of a CA that takes its time hold up their own sweep, not the next.
const ABREAST: usize = 8;
/// Clocks of replicas may differ by so much; a row that was begun later than this from now is of a clock that was ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// Sweeps at once and then every so often, for as long as the process lives. A full sweep is followed by the next without a pause.
pub async fn run(app: Arc<App>, every: Duration, at_once: usize) {
    look_back(&app).await;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = FuturesUnordered::new();
    let mut clocks = Clocks::now();
    let mut rests_until = None;
    loop {
        let wanted = tokio::select! {
            _ = ticks.tick() => {
                app.cmp().say_held_back();
                sweeps.len() < ABREAST
            }
            Some(count) = sweeps.next() => count >= at_once,
        };
        match clocks.look(Clocks::now()) {
            Some(Set::Forward(by)) => rests_until = Some(rest(&app, by)),
            Some(Set::Back(by)) => {
                rests_until = None;
                set_back(&app, by).await;
            }
            None => {}
        }
        let rests = rests_until.is_some_and(|until| Instant::now() < until);
        if wanted && !rests && !app.drain().has_begun() {
            sweeps.push(sweep(&app, at_once));
        }
    }
}

/// By the clock as it is now all leases are over. They are not: calls that are under way get the time they were given, and nobody is to send
/// their messages a second time.
fn rest(app: &App, by: SignedDuration) -> Instant {
    let lease = app.site().ra.lease;
    tracing::warn!(
        seconds = by.as_secs(),
        "the clock was set forward, or the machine slept: what is due is looked at after a lease"
    );
    Instant::now() + Duration::try_from(lease).unwrap_or_default()
}

/// A process that ended before the clock was set back has put off rows until then.
async fn look_back(app: &App) {
    let newest = match app.site().ra.journal.newest().await {
        Ok(newest) => newest,
        Err(error) => {
            tracing::error!(%error, "the journal could not be swept");
            return;
        }
    };
    let ahead = newest.map(|newest| newest.duration_since(Timestamp::now()));
    if let Some(ahead) = ahead.filter(|ahead| *ahead > AHEAD) {
        set_back(app, ahead).await;
    }
}

async fn set_back(app: &App, by: SignedDuration) {
    match app.site().ra.clock_was_set_back().await {
        Ok(entries) => tracing::warn!(
            seconds = by.as_secs(),
            entries,
            "the clock was set back: what it had put off is looked at after a lease"
        ),
        // They are looked at when their time comes.
        Err(error) => tracing::error!(%error, "the journal could not be swept"),
    }
}

async fn sweep(app: &App, at_once: usize) -> usize {
    let task = app.drain().start(Arc::clone(&app.site().ra).sweep(at_once));
    match task.await {
        Ok(Ok(count)) => count,
        // The rows are still due, and the next start finds them.
        Ok(Err(Failed::GivenUp)) => 0,
        Ok(Err(error)) => {
            tracing::error!(%error, "the journal could not be swept");
            0
        }
        Err(error) => {
            tracing::error!(%error, "a sweep ended without a result");
            0
        }
    }
}
