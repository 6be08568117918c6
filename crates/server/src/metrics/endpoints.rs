//! How the endpoints of CAs are, as the guards before them know it.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use ra::{BreakerState, EndpointHealth};

use super::registered;
use crate::Site;

const LABELS: &[&str] = &["authority", "endpoint"];

/// Puts what is known into `registry`.
pub(super) fn look_up(site: &Site, registry: &Registry) -> Result<(), prometheus::Error> {
    let gauge = |name: &str, help: &str| {
        registered(registry, IntGaugeVec::new(Opts::new(name, help), LABELS)?)
    };
    let counter = |name: &str, help: &str| {
        registered(registry, IntCounterVec::new(Opts::new(name, help), LABELS)?)
    };
    let breaker = gauge(
        "certway_endpoint_breaker",
        "Whether an endpoint of a CA is asked: 0 as ever, 1 one call tells whether it is back, 2 it is left alone.",
    )?;
    let in_flight = gauge(
        "certway_endpoint_in_flight",
        "Calls an endpoint is working on.",
    )?;
    let queued = gauge("certway_endpoint_queued", "Calls that wait for their turn.")?;
    let answered = counter(
        "certway_endpoint_answered_total",
        "Calls that were answered.",
    )?;
    let failed = counter(
        "certway_endpoint_failed_total",
        "Calls without an answer that could be believed.",
    )?;
    let shed = counter(
        "certway_endpoint_shed_total",
        "Calls turned away because the endpoint was down or too much was asked of it.",
    )?;
    for (name, authority) in &site.ra.authorities {
        for health in authority.endpoints() {
            let labels = [name.as_str(), health.endpoint.as_str()];
            breaker
                .with_label_values(&labels)
                .set(number(health.breaker));
            in_flight
                .with_label_values(&labels)
                .set(count(health.in_flight));
            queued.with_label_values(&labels).set(count(health.queued));
            answered.with_label_values(&labels).inc_by(health.answered);
            failed.with_label_values(&labels).inc_by(health.failed);
            shed.with_label_values(&labels).inc_by(health.shed);
        }
    }
    Ok(())
}

/// What is wrong with an endpoint, if anything is.
pub(crate) fn trouble(health: &EndpointHealth) -> Option<String> {
    let why = health.trouble.as_deref().unwrap_or("it failed too often");
    match health.breaker {
        BreakerState::Closed => health.trouble.clone(),
        BreakerState::HalfOpen => Some(format!("{why}; the next call tells whether it is back")),
        BreakerState::Open => Some(format!("{why}; it is left alone for now")),
    }
}

fn number(state: BreakerState) -> i64 {
    match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
