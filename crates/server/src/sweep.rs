//! Carries on what is due: rows that wait, rows whose answer was lost, rows a stopped process left behind.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::MissedTickBehavior;

use crate::App;
use crate::held::Failed;

/// So many sweeps may be under way at a time: rows of a CA that takes its time hold up their own sweep, not the next.
const ABREAST: usize = 8;

/// Sweeps at once and then every so often, for as long as the process lives. A full sweep is followed by the next without a pause.
pub async fn run(app: Arc<App>, every: Duration, at_once: usize) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweeps = FuturesUnordered::new();
    loop {
        let wanted = tokio::select! {
            _ = ticks.tick() => {
                app.cmp().say_held_back();
                sweeps.len() < ABREAST
            }
            Some(count) = sweeps.next() => count >= at_once,
        };
        if wanted && !app.drain().has_begun() {
            sweeps.push(sweep(&app, at_once));
        }
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
