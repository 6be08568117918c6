//! What is counted and measured, for `/metrics` of the admin listener (docs/LOGGING.md has the table).
//!
//! One registry of this process's own. Labels are bounded: routes as templates, names as configuration has them, words of ours; never what
//! a peer sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use pkixcmp::PkiFailureInfo;
use prometheus::core::Collector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use ra::Label;

use crate::seats::Room;
use crate::{Problems, Unauthenticated};

mod endpoints;
mod http;
mod scrape;
mod seats;
mod stages;
mod token_issuers;
mod witness;

pub(crate) use endpoints::trouble;
pub(crate) use http::measured;
pub(crate) use scrape::{MEDIA_TYPE, PATIENCE, healths};
pub use witness::Watch;

use stages::Stages;

/// Every metric of this process that is kept up as things happen; the rest is looked up when somebody asks.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_time: HistogramVec,
    in_flight: IntGauge,
    cmp_messages: IntCounterVec,
    unbelieved: IntCounterVec,
    unauthenticated: IntCounterVec,
    stages: Stages,
    calls: IntCounterVec,
    decisions: IntCounterVec,
    refusals: IntCounterVec,
    reloads: IntCounterVec,
    last_reload_successful: IntGauge,
    last_reload_at: Gauge,
    config_problems: IntGaugeVec,
    rooms: Mutex<Vec<(&'static str, Arc<Room>)>>,
}

/// From a tenth of a millisecond, which a local step takes, to the minute and a half that a slow CA may take.
const TIMES: [f64; 16] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0, 90.0,
];

/// What came of a CMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CmpOutcome {
    /// It got the answer that belongs to it, a rejection by policy or CA included.
    Answered,
    /// An error message.
    Error,
    /// Nobody was believed to have sent it.
    Unbelieved,
    /// No label takes it.
    Unrouted,
    /// It is no PKIMessage.
    Unreadable,
}

impl CmpOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Error => "error",
            Self::Unbelieved => "unbelieved",
            Self::Unrouted => "unrouted",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Metrics {
    /// With everything at nought.
    ///
    /// # Errors
    /// When two of our own metrics have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let collector = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(collector))?;
        let build = IntGaugeVec::new(
            Opts::new("certway_build_info", "The program's version."),
            &["version"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registered(&registry, build)?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            registered(
                &registry,
                IntCounterVec::new(Opts::new(name, help), labels)?,
            )
        };
        let times = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::new(name, help).buckets(TIMES.to_vec());
            registered(&registry, HistogramVec::new(options, labels)?)
        };
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::new(name, help)?);
        Ok(Self {
            requests: counters(
                "certway_http_requests_total",
                "HTTP requests answered, by route template, method and status.",
                &["route", "method", "status"],
            )?,
            request_time: times(
                "certway_http_request_duration_seconds",
                "From the head of an HTTP request to the head of its answer.",
                &["route"],
            )?,
            in_flight: gauge(
                "certway_http_requests_in_flight",
                "HTTP requests being worked on.",
            )?,
            cmp_messages: counters(
                "certway_cmp_messages_total",
                "CMP messages received, by label, type and what came of them.",
                &["label", "type", "outcome"],
            )?,
            unbelieved: counters(
                "certway_cmp_unbelieved_total",
                "CMP messages whose protection was not believed, by the failInfo they got.",
                &["label", "fail_info"],
            )?,
            unauthenticated: counters(
                "certway_http_unauthenticated_total",
                "REST calls of nobody who is known, by reason.",
                &["reason"],
            )?,
            stages: Stages::new(times(
                "certway_step_duration_seconds",
                "How long stages of the line take (docs/ISSUANCE.md), by CA.",
                &["step", "authority"],
            )?),
            calls: counters(
                "certway_upstream_calls_total",
                "Exchanges with CAs, by what came of them.",
                &["authority", "result"],
            )?,
            decisions: counters(
                "certway_decisions_total",
                "Decisions, as in the audit, by kind, profile and CA.",
                &["event", "profile", "authority"],
            )?,
            refusals: counters(
                "certway_refusals_total",
                "Decisions that were a no, by reason.",
                &["reason", "profile"],
            )?,
            reloads: counters(
                "certway_config_reloads_total",
                "Times the configuration was read again, by result.",
                &["result"],
            )?,
            last_reload_successful: gauge(
                "certway_config_last_reload_successful",
                "1 when the configuration as it was last read is the one that is served.",
            )?,
            last_reload_at: registered(
                &registry,
                Gauge::new(
                    "certway_config_last_reload_success_timestamp_seconds",
                    "When the configuration that is served was read.",
                )?,
            )?,
            config_problems: registered(
                &registry,
                IntGaugeVec::new(
                    Opts::new(
                        "certway_config_problem",
                        "A key path that kept the configuration as it was last read from being served.",
                    ),
                    &["key"],
                )?,
            )?,
            registry,
            rooms: Mutex::default(),
        })
    }

    /// The seats of a listener, to be counted when somebody asks.
    pub(crate) fn seats_of(&self, listener: &'static str, room: Arc<Room>) {
        self.rooms().push((listener, room));
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<(&'static str, Arc<Room>)>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A CMP message came to its end; `label` is one of the configuration's.
    pub(crate) fn cmp_message(
        &self,
        label: Option<&Label>,
        kind: &'static str,
        outcome: CmpOutcome,
    ) {
        let label = label.map_or("", Label::as_str);
        self.cmp_messages
            .with_label_values(&[label, kind, outcome.as_str()])
            .inc();
    }

    /// A CMP message's protection was not believed.
    pub(crate) fn unbelieved(&self, label: &Label, why: Option<PkiFailureInfo>) {
        let name = why.and_then(|why| why.names().next()).unwrap_or("none");
        self.unbelieved
            .with_label_values(&[label.as_str(), name])
            .inc();
    }

    /// A REST call was nobody's.
    pub(crate) fn unauthenticated(&self, why: &Unauthenticated) {
        self.unauthenticated.with_label_values(&[why.word()]).inc();
    }

    /// The configuration was read; `Ok`: it is served.
    pub(crate) fn configured(&self, result: Result<(), &Problems>, now: Timestamp) {
        self.config_problems.reset();
        let word = match result {
            Ok(()) => {
                self.last_reload_successful.set(1);
                self.last_reload_at.set(seconds(now));
                "success"
            }
            Err(problems) => {
                self.last_reload_successful.set(0);
                for problem in &problems.0 {
                    self.config_problems
                        .with_label_values(&[&problem.key])
                        .set(1);
                }
                "failure"
            }
        };
        self.reloads.with_label_values(&[word]).inc();
    }
}

fn registered<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> Result<M, prometheus::Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

/// A time as prometheus has it.
#[allow(clippy::cast_precision_loss)] // whole milliseconds of any date fit
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Problem;

    fn text(metrics: &Metrics) -> String {
        prometheus::TextEncoder::new()
            .encode_to_string(&metrics.registry.gather())
            .unwrap()
    }

    #[test]
    fn a_failed_reload_names_the_keys_and_the_next_good_one_clears_them() {
        let metrics = Metrics::new().unwrap();
        let problems = Problems(vec![Problem {
            key: "profiles.web.validity".to_owned(),
            wrong: "no".to_owned(),
            valid: String::new(),
        }]);
        metrics.configured(Err(&problems), Timestamp::UNIX_EPOCH);
        let failed = text(&metrics);
        assert!(failed.contains("certway_config_last_reload_successful 0"));
        assert!(failed.contains(r#"certway_config_problem{key="profiles.web.validity"} 1"#));
        metrics.configured(Ok(()), Timestamp::from_second(1_800_000_000).unwrap());
        let mended = text(&metrics);
        assert!(mended.contains("certway_config_last_reload_successful 1"));
        assert!(mended.contains("certway_config_last_reload_success_timestamp_seconds 1800000000"));
        assert!(!mended.contains("profiles.web.validity"));
        assert!(mended.contains(r#"certway_config_reloads_total{result="failure"} 1"#));
    }

    #[test]
    fn the_process_itself_is_measured() {
        let metrics = Metrics::new().unwrap();
        assert!(text(&metrics).contains("process_resident_memory_bytes"));
    }
}
