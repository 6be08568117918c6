//! The published contract: `/v3/api-docs`, and a page to read it at `/docs`.

use std::sync::Arc;

use api::v1::{CertificationResponseModel, ErrorResponseModel, StatusResponseModel};
use axum::response::Redirect;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;

use crate::App;

/// CertService's interface as an OpenAPI document.
#[derive(OpenApi)]
#[openapi(
    info(title = "CertService Documentation", version = "1.0.1", description = "Certification service API", license(name = "Apache-2.0")),
    servers((url = "https://localhost:8443", description = "Generated server url")),
    tags(
        (name = "CertificationService", description = "Certificates from a CMP CA"),
        (name = "Actuator", description = "Health and configuration"),
    ),
    paths(super::initialize, super::update, super::readiness::ready, super::readiness::reload, super::actuator::health),
    components(schemas(CertificationResponseModel, ErrorResponseModel, StatusResponseModel))
)]
struct Document;

/// The document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v3/api-docs", get(|| async { Json(document()) }))
        .route(
            "/docs",
            get(|| async { Redirect::to("/swagger-ui/index.html") }),
        )
        .route(
            "/docs/",
            get(|| async { Redirect::to("/swagger-ui/index.html") }),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_published_operations() {
        let document = serde_json::to_value(document()).unwrap();
        for (path, operation) in [
            ("/v1/certificate/{caName}", "signCertificate"),
            ("/v1/certificate-update/{caName}", "updateCertificate"),
            ("/ready", "checkReady"),
            ("/reload", "reloadConfiguration"),
            ("/actuator/health", "healthCheck"),
        ] {
            assert_eq!(document["paths"][path]["get"]["operationId"], operation);
        }
        assert_eq!(document["info"]["title"], "CertService Documentation");
    }
}
