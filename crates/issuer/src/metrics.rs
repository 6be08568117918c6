//! What can be counted. Labels are names from objects of the cluster's administrators or words of ours; never a request's name.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::identity::IssuerId;

/// Every metric of the controller.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    duration: HistogramVec,
    ready: IntGaugeVec,
    status_writes: IntCounterVec,
    roots: IntGaugeVec,
    in_flight: IntGaugeVec,
    events_dropped: IntCounter,
}

/// From a millisecond to a minute and a half.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 90.0,
];

impl Metrics {
    /// Its own registry, with what the process uses.
    ///
    /// # Errors
    /// When two metrics have one name, which a test would have found.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let issuer = ["kind", "namespace", "issuer"];
        let counter = |name: &str, help: &str, more: &[&str]| {
            let labels = [&issuer[..], more].concat();
            let metric = IntCounterVec::new(Opts::new(name, help), &labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let gauge = |name: &str, help: &str| {
            let metric = IntGaugeVec::new(Opts::new(name, help), &issuer)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let requests = counter(
            "certway_issuer_requests_total",
            "Answers of the RA and what they were: issued, waiting, retry, failed, invalid, parked.",
            &["outcome"],
        )?;
        let status_writes = counter(
            "certway_issuer_status_writes_total",
            "Status writes to requests by reason of their Ready condition.",
            &["reason"],
        )?;
        let ready = gauge(
            "certway_issuer_ready",
            "Whether the issuer is Ready: 1 or 0.",
        )?;
        let roots = gauge(
            "certway_issuer_roots",
            "How many roots the issuer's CA has now.",
        )?;
        let in_flight = gauge(
            "certway_issuer_requests_in_flight",
            "Requests that the RA was asked for and has not answered.",
        )?;
        let events_dropped = IntCounter::new(
            "certway_issuer_events_dropped_total",
            "Events that were not written since too many were waiting already.",
        )?;
        registry.register(Box::new(events_dropped.clone()))?;
        let options = HistogramOpts::new(
            "certway_issuer_enroll_duration_seconds",
            "How long the RA took to answer a request.",
        );
        let duration = HistogramVec::new(options.buckets(BUCKETS.to_vec()), &issuer)?;
        registry.register(Box::new(duration.clone()))?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process))?;
        Ok(Self {
            registry,
            requests,
            duration,
            ready,
            status_writes,
            roots,
            in_flight,
            events_dropped,
        })
    }

    /// The RA is being asked, for as long as what is returned lives.
    pub fn asking(&self, issuer: &IssuerId) -> impl Drop + use<> {
        InFlight::of(self.in_flight.with_label_values(&labels(issuer)))
    }

    /// The RA answered, or did not, after so many seconds.
    pub fn asked(&self, issuer: &IssuerId, outcome: &str, seconds: f64) {
        let [kind, namespace, name] = labels(issuer);
        let labels = [kind, namespace, name, outcome];
        self.requests.with_label_values(&labels).inc();
        let duration = self.duration.with_label_values(&[kind, namespace, name]);
        duration.observe(seconds);
    }

    /// A status was written with this reason.
    pub fn written(&self, issuer: &IssuerId, reason: &str) {
        let [kind, namespace, name] = labels(issuer);
        let labels = [kind, namespace, name, reason];
        self.status_writes.with_label_values(&labels).inc();
    }

    /// An Event was not written.
    pub fn event_dropped(&self) {
        self.events_dropped.inc();
    }

    /// How the issuer does.
    pub fn checked(&self, issuer: &IssuerId, ready: bool) {
        self.ready
            .with_label_values(&labels(issuer))
            .set(i64::from(ready));
    }

    /// How many roots there are.
    pub fn trusts(&self, issuer: &IssuerId, roots: usize) {
        let roots = i64::try_from(roots).unwrap_or(i64::MAX);
        self.roots.with_label_values(&labels(issuer)).set(roots);
    }

    /// Forgets an issuer that is gone.
    pub fn forget(&self, issuer: &IssuerId) {
        // Absent where it was never checked.
        let _ready = self.ready.remove_label_values(&labels(issuer));
        let _roots = self.roots.remove_label_values(&labels(issuer));
        let _in_flight = self.in_flight.remove_label_values(&labels(issuer));
    }

    /// All of it in the text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "the metrics cannot be written");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// One request on its way, counted until it is dropped: also where the asking is abandoned.
struct InFlight(IntGauge);

impl InFlight {
    fn of(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn labels(issuer: &IssuerId) -> [&str; 3] {
    [
        issuer.kind.as_str(),
        issuer.namespace.as_deref().unwrap_or_default(),
        &issuer.name,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IssuerKind;

    #[test]
    fn an_issuer_that_is_gone_is_not_ready_nor_unready() {
        let metrics = Metrics::new().unwrap();
        let issuer = IssuerId::seen_from("web", IssuerKind::Issuer, "ca");
        metrics.checked(&issuer, true);
        metrics.asked(&issuer, "issued", 0.02);
        let line = "certway_issuer_ready{issuer=\"ca\",kind=\"Issuer\",namespace=\"web\"} 1";
        assert!(metrics.text().contains(line));
        let asking = metrics.asking(&issuer);
        let line =
            "certway_issuer_requests_in_flight{issuer=\"ca\",kind=\"Issuer\",namespace=\"web\"}";
        assert!(metrics.text().contains(&format!("{line} 1")));
        drop(asking);
        assert!(metrics.text().contains(&format!("{line} 0")));
        metrics.forget(&issuer);
        assert!(!metrics.text().contains("certway_issuer_ready{"));
    }
}
