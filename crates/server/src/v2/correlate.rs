//! The name of a request: in its log lines, in its answer, in its problem.

use api::{Problem, headers, media};
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

const NAME: HeaderName = HeaderName::from_static(headers::CORRELATION_ID);
const LONGEST: usize = 64;

/// Gives a request of this front its name and writes the problem that came of it, if one did.
pub(crate) async fn correlate(request: Request, next: Next) -> Response {
    if !super::owns(request.uri().path()) {
        return next.run(request).await;
    }
    let id = given(request.headers()).unwrap_or_else(|| Uuid::now_v7().to_string());
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", correlation_id = %id, method = %request.method(), path = %path);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() {
        response = span.in_scope(|| written(response, *problem, &path, &id));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(NAME, value);
    }
    response
}

/// The caller's own name, where it is one that cannot forge a log line or be mistaken for something else.
fn given(fields: &HeaderMap) -> Option<String> {
    let mut all = fields.get_all(NAME).iter();
    let (Some(value), None) = (all.next(), all.next()) else {
        return None;
    };
    let text = value.to_str().ok()?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    ((1..=LONGEST).contains(&text.len()) && text.bytes().all(fits)).then(|| text.to_owned())
}

fn written(response: Response, problem: Problem, path: &str, id: &str) -> Response {
    let problem = Problem {
        instance: problem.instance.or_else(|| Some(path.to_owned())),
        correlation_id: Some(id.to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Option<String> {
        let mut fields = HeaderMap::new();
        for value in values {
            fields.append(NAME, HeaderValue::from_static(value));
        }
        given(&fields)
    }

    #[test]
    fn a_name_of_letters_digits_and_a_few_signs_is_taken() {
        assert_eq!(
            of(&["0192f0c1-a_b.c:1"]).as_deref(),
            Some("0192f0c1-a_b.c:1")
        );
    }

    #[test]
    fn anything_else_is_not() {
        let long = "a".repeat(LONGEST + 1).leak();
        for values in [
            &["a b"][..],
            &[""],
            &["a\"b"],
            &["a{b"],
            &[long],
            &["a", "b"],
            &[],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
