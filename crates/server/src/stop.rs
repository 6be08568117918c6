//! Stop points for the tests that kill the process at every step of the line. Not in a build that anyone runs.

use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// Names the step, and which arrival at it: `8`, `11:2`.
const VARIABLE: &str = "CERTWAY_STOP_AT";

/// Ends the process, as `kill -9` would, when the step named by `CERTWAY_STOP_AT` is reached; does nothing without the variable.
pub(crate) fn layer<S: Subscriber>() -> impl Layer<S> {
    Stop::from(&std::env::var(VARIABLE).unwrap_or_default())
}

struct Stop {
    /// None: nowhere.
    step: Option<u64>,
    arrivals_left: AtomicU64,
}

impl Stop {
    fn from(text: &str) -> Self {
        let (step, nth) = text.split_once(':').unwrap_or((text, "1"));
        Self {
            step: step.parse().ok(),
            arrivals_left: AtomicU64::new(nth.parse().unwrap_or(1)),
        }
    }

    /// Whether this arrival is the one.
    fn is_here(&self, step: u64) -> bool {
        self.step == Some(step) && self.arrivals_left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl<S: Subscriber> Layer<S> for Stop {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != ra::step::TARGET {
            return;
        }
        let mut reached = Reached(None);
        event.record(&mut reached);
        if reached.0.is_some_and(|step| self.is_here(step)) {
            // No destructor, no flush: what is not on disk now is lost, which is the point.
            std::process::abort();
        }
    }
}

struct Reached(Option<u64>);

impl Visit for Reached {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "step" {
            self.0 = Some(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_arrival_at_the_named_step_stops() {
        let stop = Stop::from("8:2");
        let arrivals = [7, 8, 8, 8].map(|step| stop.is_here(step));
        assert_eq!(arrivals, [false, false, true, false]);
    }

    #[test]
    fn without_the_variable_nothing_stops() {
        assert!(!(0..20).any(|step| Stop::from("").is_here(step)));
    }
}
