//! The name of a request: in its log lines, in its answer, in its row and in every decision about it.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use ra::Correlation;
use tracing::Instrument;
use uuid::Uuid;

use crate::trace_context;

/// Ours; comes before the others, and every answer has it.
const OURS: HeaderName = HeaderName::from_static(api::headers::CORRELATION_ID);
/// What proxies and gateways call it.
const PROXIES: HeaderName = HeaderName::from_static("x-request-id");
/// W3C Trace Context.
const TRACE: HeaderName = HeaderName::from_static("traceparent");
/// What of a path is logged.
const LONGEST_PATH: usize = 256;

/// Gives a request its name, the caller's own where it has one.
pub(crate) async fn correlated<F>(mut request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let correlation = given(request.headers()).or_else(made);
    let path = request.uri().path();
    let span = tracing::info_span!(
        "request",
        correlation_id = correlation.as_ref().map(Correlation::as_str),
        method = %request.method(),
        path = path.get(..LONGEST_PATH).unwrap_or(path),
    );
    trace_context::continued(&span, request.headers());
    if let Some(correlation) = correlation.clone() {
        request.extensions_mut().insert(correlation);
    }
    let mut response = next(request).instrument(span).await;
    let value = correlation.and_then(|text| HeaderValue::from_str(text.as_str()).ok());
    if let Some(value) = value {
        response.headers_mut().insert(OURS, value);
    }
    response
}

/// A name that nobody has used.
fn made() -> Option<Correlation> {
    Correlation::parse(&Uuid::now_v7().to_string())
}

/// The caller's own name, where it is one that cannot forge a log line or be mistaken for something else.
fn given(fields: &HeaderMap) -> Option<Correlation> {
    let named = |name| Correlation::parse(only(fields, name)?);
    named(OURS)
        .or_else(|| named(PROXIES))
        .or_else(|| trace(only(fields, TRACE)?))
}

fn only(fields: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut all = fields.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The trace-id of a traceparent: `version-traceid-parentid-flags`.
fn trace(text: &str) -> Option<Correlation> {
    let mut parts = text.split('-');
    let (version, id) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_one = is_hex(version, 2) && is_hex(id, 32) && id.bytes().any(|byte| byte != b'0');
    is_one.then(|| Correlation::parse(id)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(HeaderName, &'static str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name, HeaderValue::from_static(value));
        }
        given(&map).map(String::from)
    }

    #[test]
    fn the_callers_own_name_is_taken_ours_before_a_proxys_before_the_trace() {
        let trace = (
            TRACE,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        );
        let all = [(OURS, "a"), (PROXIES, "b"), trace];
        assert_eq!(of(&all).as_deref(), Some("a"));
        assert_eq!(of(&all[1..]).as_deref(), Some("b"));
        assert_eq!(
            of(&all[2..]).as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
    }

    #[test]
    fn what_is_no_name_is_not_taken() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(OURS, "a b")]), None);
        assert_eq!(of(&[(OURS, "a"), (OURS, "b")]), None);
        assert_eq!(
            of(&[(
                TRACE,
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
            )]),
            None
        );
        assert_eq!(of(&[(TRACE, "4bf92f3577b34da6a3ce929d0e0e4736")]), None);
    }
}
