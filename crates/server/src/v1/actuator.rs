//! What probes ask: `/actuator` and `/actuator/health`.

use std::sync::Arc;

use api::v1::StatusResponseModel;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::App;

const MEDIA_TYPE: &str = "application/vnd.spring-boot.actuator.v3+json";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/actuator", get(links))
        .route("/actuator/", get(links))
        .route("/actuator/health", get(health))
        .route("/actuator/health/", get(health))
        .route("/actuator/health/liveness", get(part))
        .route("/actuator/health/readiness", get(part))
}

/// Check if CertService application is healthy
#[utoipa::path(
    get, path = "/actuator/health", operation_id = "healthCheck", tag = "Actuator",
    responses((status = 200, description = "Service is healthy", body = StatusResponseModel, content_type = "application/vnd.spring-boot.actuator.v3+json"))
)]
// The process lives and answers. Whether it can do its work is `/ready`.
pub(super) async fn health() -> Response {
    let mut body = json!(StatusResponseModel {
        status: "UP".to_owned()
    });
    body["groups"] = json!(["liveness", "readiness"]);
    answer(&body)
}

async fn part() -> Response {
    answer(&json!(StatusResponseModel {
        status: "UP".to_owned()
    }))
}

async fn links(headers: HeaderMap) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let link = |path: &str, templated: bool| json!({ "href": format!("https://{host}/actuator{path}"), "templated": templated });
    answer(&json!({ "_links": {
        "self": link("", false),
        "health": link("/health", false),
        "health-path": link("/health/{*path}", true),
    } }))
}

fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}
