//! Lets what is older than the configuration keeps go from the journal.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Compacted, Retention, SqlJournal};

/// At once and then every so often, for as long as the process lives.
pub async fn run(journal: Arc<SqlJournal>, retention: Retention, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match journal.compact(&retention, Timestamp::now()).await {
            Ok(gone) if gone == Compacted::default() => {}
            Ok(gone) => tracing::info!(
                entries = gone.entries,
                certificates = gone.issuances,
                events = gone.audit,
                "the journal was compacted"
            ),
            // Requests say it louder where it matters to them; the next time goes on from here.
            Err(error) => tracing::warn!(%error, "the journal could not be compacted"),
        }
    }
}
