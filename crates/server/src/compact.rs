//! Lets what is older than the configuration keeps go from the journal.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ra::Journal;
use store::{Compacted, Retention, SqlJournal};

use crate::clock::{Belief, Believed, Clocks};

/// At once and then every so often, for as long as the process lives; not while the clock may be ahead by mistake.
pub async fn run(journal: Arc<SqlJournal>, retention: Retention, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut belief: Option<Belief> = None;
    loop {
        ticks.tick().await;
        let believed = match &mut belief {
            Some(belief) => belief.look(Clocks::now()),
            None => {
                let Ok(known) = journal.newest().await else {
                    // It could not be compacted either.
                    continue;
                };
                let (new, believed) = Belief::begin(known, Clocks::now());
                belief = Some(new);
                believed
            }
        };
        match believed {
            Believed::Yes => {}
            Believed::NotYet => continue,
            Believed::NotFromNow(by) => {
                tracing::warn!(
                    seconds = by.as_secs(),
                    "the clock is far ahead of what was known: nothing is deleted from the journal before it has gone on for an hour"
                );
                continue;
            }
        }
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
