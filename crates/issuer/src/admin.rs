//! `/livez`, `/readyz`, `/metrics`: for kubelet and Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    /// Whether it knows what it needs to: every watch has listed once, or it waits for the Lease.
    pub synced: AtomicBool,
    /// How often watches failed since one last worked.
    pub watch_failures: AtomicU32,
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
    let failures = shown.health.watch_failures.load(Ordering::Relaxed);
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
