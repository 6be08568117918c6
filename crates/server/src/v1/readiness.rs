//! `/ready` and `/reload` by the truth table of certservice-compat 1.7.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::App;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ready", get(ready))
        .route("/ready/", get(ready))
        .route("/reload", get(reload))
        .route("/reload/", get(reload))
}

/// Check if CertService application is ready
#[utoipa::path(
    get, path = "/ready", operation_id = "checkReady", tag = "Actuator",
    responses((status = 200, description = "Configuration is loaded and CertService is ready to use"), (status = 503, description = "Configuration loading failed and CertService is unavailable"))
)]
// Empty bodies both ways: probes and operators look at the status.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let status = if app.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, [(header::CONTENT_TYPE, "application/json")]).into_response()
}

/// Reload service configuration from file
#[utoipa::path(
    get, path = "/reload", operation_id = "reloadConfiguration", tag = "Actuator",
    responses((status = 200, description = "Configuration has been successfully reloaded"), (status = 500, description = "Something went wrong during configuration loading", body = String, content_type = "text/plain"))
)]
// The failure's first line is CertService's text, the lines after it are the reasons.
pub(super) async fn reload(State(app): State<Arc<App>>) -> Response {
    match app.reload().await {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")]).into_response(),
        Err(error) => {
            let body = format!("{error}\n{}", error.problems());
            let headers = [(header::CONTENT_TYPE, "text/plain;charset=UTF-8")];
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                headers,
                body.trim_end().to_owned(),
            )
                .into_response()
        }
    }
}
