//! REST v1: ONAP CertService's interface, so that whatever was written for it can be pointed here (docs/COMPAT-ONAP.md).
//!
//! A private key travels in a header here, for compatibility; it is used for this call and never stored or logged. New clients use REST v2.

use std::sync::Arc;

use api::v1::{CertificationResponseModel, ErrorResponseModel};
use axum::Router;
use axum::extract::{Path, Request, State, rejection::PathRejection};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::{App, Unauthenticated};

mod actuator;
mod exchange;
mod failure;
mod headers;
mod openapi;
mod paths;
mod readiness;
mod request;

pub use failure::Failure;
pub use openapi::document;
pub use paths::without_matrix_parameters;

/// Every path of CertService. GET alone, and so HEAD, which runs the same and leaves the body out: operators reload with `curl -I`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/certificate/{ca}", get(initialize))
        .route("/v1/certificate/{ca}/", get(initialize))
        .route("/v1/certificate-update/{ca}", get(update))
        .route("/v1/certificate-update/{ca}/", get(update))
        .merge(readiness::routes())
        .merge(actuator::routes())
        .merge(openapi::routes())
}

/// A path nobody serves.
pub async fn not_found(uri: Uri) -> Response {
    Failure::framework(StatusCode::NOT_FOUND, "No message available").response(uri.path())
}

/// A path that is served, by another method.
pub async fn method_not_allowed(request: Request) -> Response {
    let message = format!("Request method '{}' not supported", request.method());
    let mut response =
        Failure::framework(StatusCode::METHOD_NOT_ALLOWED, message).response(request.uri().path());
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Sign certificate
#[utoipa::path(
    get, path = "/v1/certificate/{caName}", operation_id = "signCertificate", tag = "CertificationService",
    params(
        ("caName" = String, Path, description = "Name of the Certification Authority that will issue the certificate"),
        ("CSR" = String, Header, description = "Certificate signing request: PEM text in base64"),
        ("PK" = String, Header, description = "Private key of the CSR: PEM text in base64"),
    ),
    responses(
        (status = 200, description = "Certificate successfully signed", body = CertificationResponseModel),
        (status = 400, description = "Given CSR or/and PK is incorrect", body = ErrorResponseModel),
        (status = 404, description = "CA not found for given name", body = ErrorResponseModel),
        (status = 500, description = "Something went wrong during connecting to CMP client", body = ErrorResponseModel),
    )
)]
async fn initialize(
    State(app): State<Arc<App>>,
    ca: Result<Path<String>, PathRejection>,
    parts: Parts,
) -> Response {
    answer(&app, ca, &parts, request::Kind::Initialize).await
}

/// Update certificate
#[utoipa::path(
    get, path = "/v1/certificate-update/{caName}", operation_id = "updateCertificate", tag = "CertificationService",
    params(
        ("caName" = String, Path, description = "Name of the Certification Authority that will issue the certificate"),
        ("CSR" = String, Header, description = "Certificate signing request: PEM text in base64"),
        ("PK" = String, Header, description = "Private key of the CSR: PEM text in base64"),
        ("OLD_CERT" = String, Header, description = "Certificate to be replaced, or its chain: PEM text in base64"),
        ("OLD_PK" = String, Header, description = "Private key of the old certificate: PEM text in base64"),
    ),
    responses(
        (status = 200, description = "Certificate successfully updated", body = CertificationResponseModel),
        (status = 400, description = "Given CSR, PK, old certificate or/and old PK is incorrect", body = ErrorResponseModel),
        (status = 404, description = "CA not found for given name", body = ErrorResponseModel),
        (status = 500, description = "Something went wrong during connecting to CMP client", body = ErrorResponseModel),
    )
)]
async fn update(
    State(app): State<Arc<App>>,
    ca: Result<Path<String>, PathRejection>,
    parts: Parts,
) -> Response {
    answer(&app, ca, &parts, request::Kind::Update).await
}

async fn answer(
    app: &Arc<App>,
    ca: Result<Path<String>, PathRejection>,
    parts: &Parts,
    kind: request::Kind,
) -> Response {
    let path = parts.uri.path();
    match certificates(app, ca, parts, kind).await {
        Ok(model) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(model)).into_response(),
        Err(failure) => {
            failure.log(path);
            failure.response(path)
        }
    }
}

async fn certificates(
    app: &Arc<App>,
    ca: Result<Path<String>, PathRejection>,
    parts: &Parts,
    kind: request::Kind,
) -> Result<CertificationResponseModel, Failure> {
    let ca = paths::ca_name(parts.uri.path(), ca)?;
    match kind {
        request::Kind::Initialize => {
            tracing::info!("Received certificate initialization request for CA named: {ca}");
        }
        request::Kind::Update => {
            tracing::info!("Received certificate update request for CA named: {ca}");
        }
    }
    let site = app.site();
    let who = app.requester(&site, parts).await.map_err(|why| {
        let status = match why {
            Unauthenticated::NoKeys { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        };
        Failure::new(status, why.to_string())
    })?;
    let parsed = request::parse(kind, &parts.headers)?;
    let correlation = parts.extensions.get();
    exchange::run(&site, app.drain(), who, &ca, &parsed, correlation).await
}

#[cfg(test)]
mod tests;
