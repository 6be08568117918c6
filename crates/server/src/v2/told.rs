//! Problems, written where the name of the request is known.

use api::{Problem, media};
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use ra::Correlation;

/// Writes the problem that came of a request of this front, if one did.
pub(crate) async fn told<F>(request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let path = request.uri().path().to_owned();
    let correlation = request.extensions().get::<Correlation>().cloned();
    let mut response = next(request).await;
    match response.extensions_mut().remove::<Box<Problem>>() {
        Some(problem) => written(response, *problem, &path, correlation),
        None => response,
    }
}

fn written(
    response: Response,
    problem: Problem,
    path: &str,
    correlation: Option<Correlation>,
) -> Response {
    let problem = Problem {
        instance: problem.instance.or_else(|| Some(path.to_owned())),
        correlation_id: correlation.map(String::from),
        ..problem
    };
    // What is our fault or the CA's was logged with its reason already.
    if problem.status < 500 {
        let kind = problem.slug().map_or("?", api::ProblemSlug::as_str);
        let detail = problem.detail.as_deref().unwrap_or_default();
        tracing::info!(
            status = problem.status,
            kind,
            detail,
            "a request was refused"
        );
    }
    let (parts, _empty) = response.into_parts();
    let mut written = (parts.status, Json(problem)).into_response();
    let fields = written.headers_mut();
    fields.extend(parts.headers);
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(media::PROBLEM),
    );
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    written
}
