//! `/livez`, `/readyz`, `/metrics`: for kubelet and Prometheus.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::Metrics;

/// Watches that fail so often one after another make the replica unready.
const MOST_FAILURES: u32 = 5;

/// How the controller does.
#[derive(Default)]
pub struct Health {
    /// Whether it knows what it needs to: the issuers of the cluster, or of one of its namespaces; or it waits for the Lease.
    pub synced: AtomicBool,
    watches: Mutex<Vec<Weak<AtomicU32>>>,
}

impl Health {
    /// A watch begins: where it counts how often it failed since it last worked. It is forgotten when this is dropped.
    pub fn watch(&self) -> Arc<AtomicU32> {
        let failures = Arc::new(AtomicU32::new(0));
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&failures));
        failures
    }

    /// How often the watch failed that does best. One that fails alone is of a namespace that went, or lacks a rule; the others serve on.
    fn failures(&self) -> u32 {
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        let each = watches.iter().filter_map(Weak::upgrade);
        each.map(|failures| failures.load(Ordering::Relaxed))
            .min()
            .unwrap_or_default()
    }
}

struct Shown {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Serves until the process ends.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!("listening on {}", listener.local_addr()?);
    let app = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Arc::new(Shown { metrics, health }));
    axum::serve(listener, app).await
}

async fn ready(State(shown): State<Arc<Shown>>) -> Response {
    let failures = shown.health.failures();
    if !shown.health.synced.load(Ordering::Relaxed) {
        let why = "the issuers and requests of the cluster are not known yet";
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    } else if failures >= MOST_FAILURES {
        let why = format!("watches of the API server failed {failures} times in a row");
        (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
    } else {
        "ok".into_response()
    }
}

async fn metrics_text(State(shown): State<Arc<Shown>>) -> Response {
    let content_type = "text/plain; version=0.0.4";
    ([(header::CONTENT_TYPE, content_type)], shown.metrics.text()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_fails_alone_is_no_failure_of_all_and_one_that_ended_does_not_count() {
        let health = Health::default();
        assert_eq!(health.failures(), 0);
        let (one, other) = (health.watch(), health.watch());
        one.store(9, Ordering::Relaxed);
        assert_eq!(health.failures(), 0);
        other.store(7, Ordering::Relaxed);
        assert_eq!(health.failures(), 7);
        drop(other);
        assert_eq!(health.failures(), 9);
    }
}
