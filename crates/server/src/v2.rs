//! REST v2, for clients that keep their keys (docs/API.md): certificates, revocations, trust.
//!
//! A call goes one way: `call` says for whom and at which CA, `body` and `request` read it, the line decides, `render` writes what came of
//! it. Whatever goes wrong is a [`Failure`], and `told`, around every front, writes it as a problem.

use std::any::Any;
use std::sync::Arc;

use api::ProblemSlug;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{App, problem};

mod accept;
mod again;
mod body;
mod call;
mod enroll;
mod failure;
mod health;
mod json;
mod openapi;
mod render;
mod request;
mod revoke;
mod target;
mod told;
mod trust;

pub use failure::Failure;
pub(crate) use told::told;

/// The contract as pages. Not below `/v2`, where every name may be a label.
const PAGES: &str = "/docs/v2";

/// Whether a path belongs to this front: its failures are problems then.
#[must_use]
pub fn owns(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

/// Every path below `/v2`, the unknown ones included.
pub fn routes() -> Router<Arc<App>> {
    // Made anew for the few who ask: kept, it would be half a megabyte.
    let (resources, _) = documented().split_for_parts();
    let resources = resources.route("/v2/openapi.json", get(|| async { Json(document()) }));
    let unknown = Router::new().fallback(not_found);
    let pages = SwaggerUi::new(PAGES).config(Config::from("/v2/openapi.json"));
    resources
        .method_not_allowed_fallback(method_not_allowed)
        .nest("/v2", unknown)
        .route("/v2/", any(not_found))
        .layer(CatchPanicLayer::custom(panicked))
        .merge(pages)
}

/// The contract as an OpenAPI 3.1 document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(enroll::ask))
        .routes(routes!(enroll::ask_again))
        .routes(routes!(revoke::ask))
        .routes(routes!(revoke::ask_again))
        .routes(routes!(trust::ask))
        .routes(routes!(health::ask))
}

async fn not_found() -> Failure {
    Failure::new(
        ProblemSlug::NotFound,
        "there is nothing at this path; /v2/openapi.json lists what there is",
    )
}

async fn method_not_allowed(request: Request) -> Failure {
    let detail = format!("{} is not among the methods in Allow", request.method());
    Failure::new(ProblemSlug::MethodNotAllowed, detail)
}

/// A defect of ours ends one request, not the service. What the panic says is for the log.
#[allow(clippy::needless_pass_by_value)] // the layer's signature
fn panicked(what: Box<dyn Any + Send>) -> Response {
    let text = what
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| what.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("no text"), "a handler panicked");
    Failure::from(problem::internal()).into_response()
}

#[cfg(test)]
mod tests;
