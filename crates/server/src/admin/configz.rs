//! `/configz`: what is served, as far as it is nobody's secret.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Admin;
use crate::expiry::KnownCertificate;

/// The configuration that is served, and how its last reading went.
pub(super) async fn answer(State(admin): State<Arc<Admin>>) -> Response {
    let Some(app) = admin.app.get() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the process is starting\n").into_response();
    };
    let site = app.site();
    let certificates: Vec<Value> = site.certificates.iter().map(shown).collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "configured": site.configured,
        "loaded_at": site.loaded_at,
        "reload_problems": app.reload_problems(),
        "configuration": site.shown,
        "certificates": certificates,
    }))
    .into_response()
}

fn shown(known: &KnownCertificate) -> Value {
    json!({
        "use": known.role,
        "name": known.name,
        "subject": known.subject,
        "serial": known.serial,
        "not_after": known.not_after,
    })
}
