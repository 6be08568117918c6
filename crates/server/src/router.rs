//! One router out of the fronts' own: this is where a front is plugged in.

use std::sync::Arc;
use std::time::Duration;

use api::ProblemSlug;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::config::Limits;
use crate::correlate::correlated;
use crate::drain::RETRY_AFTER;
use crate::metrics::{Metrics, measured};
use crate::seats::{Seats, seated};
use crate::{App, Drain, cmp, crl, v1, v2};

/// Everything served on the REST listener.
///
/// Each front brings `pub fn routes() -> Router<Arc<App>>`; `merge` it here.
pub fn router(app: Arc<App>, limits: &Limits) -> Router {
    let fronts = Router::new()
        .merge(v1::routes())
        .merge(v2::routes())
        .merge(cmp::routes())
        .merge(crl::routes());
    let pages = SwaggerUi::new("/swagger-ui").config(Config::from("/v3/api-docs"));
    let routes = fronts
        .merge(pages)
        .fallback(not_found)
        .method_not_allowed_fallback(v1::method_not_allowed);
    bounded(routes, app, "rest", limits)
}

/// Everything served on the plain-HTTP listener: what is signed or protected by itself, CMP and CRLs.
pub fn cmp_router(app: Arc<App>, limits: &Limits) -> Router {
    let routes = cmp::routes().merge(crl::routes()).fallback(not_found);
    bounded(routes, app, "cmp", limits)
}

async fn not_found(uri: Uri) -> Response {
    v1::not_found(uri).await
}

/// What holds for every front, outermost last.
fn bounded(
    routes: Router<Arc<App>>,
    app: Arc<App>,
    listener: &'static str,
    limits: &Limits,
) -> Router {
    let gates = Gates {
        drain: app.drain().clone(),
        metrics: Arc::clone(app.metrics()),
        seats: Seats::new(Arc::clone(&app), listener, limits.requests),
        header: limits.header,
        request: limits.request,
    };
    let inner = routes
        .with_state(app)
        .layer(DefaultBodyLimit::max(limits.body))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::new(gates), pass));
    // Around the router and not in it: the path decides which route is taken.
    Router::new().fallback_service(tower::Layer::layer(&MapRequestLayer::new(stripped), inner))
}

/// What a request passes on its way to its route.
struct Gates {
    metrics: Arc<Metrics>,
    drain: Drain,
    seats: Arc<Seats>,
    /// The most octets of a header.
    header: usize,
    /// How long a request may take.
    request: Duration,
}

/// Through every gate, the last one written the first one passed. One layer for them all: each layer of a router copies those below it for
/// every request, and seven cost more than what they do.
async fn pass(State(gates): State<Arc<Gates>>, request: Request, next: Next) -> Response {
    let gates = &*gates;
    let next = |request| next.run(request);
    let next = |request| timed(gates.request, request, next);
    let next = |request| seated(&gates.seats, request, next);
    let next = |request| header_bounded(gates.header, request, next);
    let next = |request| draining(&gates.drain, request, next);
    let next = |request| v2::told(request, next);
    let next = |request| correlated(request, next);
    measured(&gates.metrics, request, next).await
}

fn stripped(mut request: Request) -> Request {
    if let Some(uri) = v1::without_matrix_parameters(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Once the process is told to end, new work is refused and every answer is the last on its connection. CMP says so in a message, and takes
/// what goes on with a transaction.
async fn draining<F>(drain: &Drain, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let path = request.uri().path();
    let mut response = if drain.has_begun() && !cmp::owns(path) {
        stopping(path)
    } else {
        let _at_work = drain.at_work();
        next(request).await
    };
    if drain.has_begun() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

fn stopping(path: &str) -> Response {
    if v2::owns(path) {
        let detail = "the service is being stopped; another process, or this one started again, takes the request";
        return v2::Failure::new(ProblemSlug::Unavailable, detail)
            .retry_after(RETRY_AFTER.into())
            .into_response();
    }
    v1::Failure::framework(
        StatusCode::SERVICE_UNAVAILABLE,
        "The service is being stopped",
    )
    .retry_after(SignedDuration::from_secs(RETRY_AFTER.into()))
    .response(path)
}

/// What takes too long is given up; an enrollment goes on in its own task, and asking again finds it. REST v1 holds its calls by a rule of
/// its own.
async fn timed<F>(most: Duration, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let path = request.uri().path().to_owned();
    if path.starts_with("/v1/") {
        return next(request).await;
    }
    match tokio::time::timeout(most, next(request)).await {
        Ok(response) => response,
        Err(_) if v2::owns(&path) => {
            let detail = "the request took too long; what it began goes on: ask again under the same idempotency key";
            v2::Failure::new(ProblemSlug::Unavailable, detail)
                .retry_after(5)
                .into_response()
        }
        Err(_) => {
            v1::Failure::framework(StatusCode::SERVICE_UNAVAILABLE, "The request took too long")
                .response(&path)
        }
    }
}

async fn header_bounded<F>(
    most: usize,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
    let fields = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4);
    let line = request
        .uri()
        .path_and_query()
        .map_or(0, |text| text.as_str().len());
    if fields.sum::<usize>() + line > most {
        let message = format!("The header fields are larger than {most} bytes");
        if v2::owns(request.uri().path()) {
            return v2::Failure::new(ProblemSlug::TooLarge, message).into_response();
        }
        let failure = v1::Failure::framework(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message);
        return failure.response(request.uri().path());
    }
    next(request).await
}

/// A defect of ours ends one request, not the service. What the panic says is for the log.
fn panicked(what: Box<dyn std::any::Any + Send>) -> Response {
    let text = match what.downcast::<&'static str>() {
        Ok(text) => (*text).to_owned(),
        Err(what) => what
            .downcast::<String>()
            .map_or_else(|_| "no text".to_owned(), |text| *text),
    };
    tracing::error!(panic = text, "a handler panicked");
    v1::Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected error")
        .response("")
        .into_response()
}
