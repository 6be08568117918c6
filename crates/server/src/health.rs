//! Looks after the endpoints of CAs, so that how they do is known before somebody needs them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::App;

/// How often it is looked which endpoint's turn it is; their own spans are longer.
const LOOK: Duration = Duration::from_millis(250);

/// Probes what is due, for as long as the process lives. A probe that takes its time keeps no other from its own.
pub(crate) async fn run(app: Arc<App>) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut probes = JoinSet::new();
    loop {
        ticks.tick().await;
        while probes.try_join_next().is_some() {}
        let site = app.site();
        let now = (site.ra.clock)();
        for guard in site.guards.values().filter(|guard| guard.is_probe_due()) {
            let guard = Arc::clone(guard);
            probes.spawn(async move { guard.probe_due(now).await });
        }
    }
}
