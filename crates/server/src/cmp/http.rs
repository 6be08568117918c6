//! CMP over HTTP (RFC 9811): paths, methods, media types and sizes.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use ra::Label;

use super::{Answer, Operation, Transport, answer};
use crate::App;
use crate::discard::discard;
use crate::drain::RETRY_AFTER;

const MEDIA_TYPE: &str = "application/pkixcmp";
/// What RFC 6712 drafts called the type of pollReq; still sent.
const POLL_MEDIA_TYPE: &str = "application/pkixcmp-poll";

/// The paths of RFC 9811 and RFC 9483 section 6.1, and `/pkix/`, which Nokia's CA and OpenSSL made a habit.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/.well-known/cmp", any(serve))
        .route("/.well-known/cmp/", any(serve))
        .route("/.well-known/cmp/{*rest}", any(serve))
        .route("/pkix", any(serve))
        .route("/pkix/", any(serve))
        .route("/pkix/{*rest}", any(serve))
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(target) = Target::parse(parts.uri.path()) else {
        return failure(StatusCode::NOT_FOUND, "no CMP service at this path");
    };
    if parts.method != Method::POST {
        let mut response = failure(
            StatusCode::METHOD_NOT_ALLOWED,
            "CMP messages are sent by POST",
        );
        let allow = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allow);
        return response;
    }
    if !is_cmp(&parts.headers) {
        return failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "CMP messages have the media type application/pkixcmp",
        );
    }
    let body = match read(body, &parts.headers, app.site().cmp.body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let transport = Transport {
        correlation: parts.extensions.get().cloned(),
    };
    let Target { label, operation } = target;
    let Answer { status, body } = answer(&app, label.as_ref(), operation, body, &transport).await;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        NO_STORE,
    ];
    let mut response = (status, headers, body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let fields = response.headers_mut();
        fields.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    }
    response
}

/// Whether a path belongs to this front: it says by itself, and in a message, what it refuses.
#[must_use]
pub(crate) fn owns(path: &str) -> bool {
    ["/.well-known/cmp", "/pkix"].iter().any(|known| {
        path.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

const NO_STORE: (HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

async fn read(mut body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Response> {
    let too_large = || {
        failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the message is larger than is read here",
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
    {
        discard(headers, body).await;
        return Err(too_large());
    }
    match Limited::new(&mut body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        // A body that breaks off looks the same; nobody is there to read the difference.
        Err(_) => {
            discard(headers, body).await;
            Err(too_large())
        }
    }
}

fn is_cmp(headers: &HeaderMap) -> bool {
    let stated = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = stated.and_then(|value| value.split(';').next());
    media_type.map(str::trim).is_some_and(|media_type| {
        [MEDIA_TYPE, POLL_MEDIA_TYPE]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(media_type))
    })
}

fn failure(status: StatusCode, text: &'static str) -> Response {
    (status, [NO_STORE], text).into_response()
}

/// What a path says.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    label: Option<Label>,
    operation: Option<Operation>,
}

impl Target {
    fn parse(path: &str) -> Option<Self> {
        let segments = |rest: &str| -> Option<Vec<String>> {
            let rest = rest.strip_prefix('/').unwrap_or(rest);
            let rest = rest.strip_suffix('/').unwrap_or(rest);
            if rest.is_empty() {
                return Some(Vec::new());
            }
            rest.split('/').map(decoded).collect()
        };
        let (label, operation) = if let Some(rest) = path.strip_prefix("/.well-known/cmp") {
            match segments(rest)?.as_slice() {
                [] => (None, None),
                [p, label] if p == "p" => (Some(Label::new(label)), None),
                [p, label, operation] if p == "p" => {
                    (Some(Label::new(label)), Some(Operation::parse(operation)?))
                }
                [operation] => (None, Some(Operation::parse(operation)?)),
                _ => return None,
            }
        } else {
            match segments(path.strip_prefix("/pkix")?)?.as_slice() {
                [] => (None, None),
                [label] => (Some(Label::new(label)), None),
                _ => return None,
            }
        };
        Some(Self { label, operation })
    }
}

/// One segment without its percent signs; `None` for what is not UTF-8 or empty.
pub(crate) fn decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut text = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let mut value = [0];
                hex::decode_to_slice(digits, &mut value).ok()?;
                value[0]
            }
            byte => byte,
        });
    }
    String::from_utf8(text).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Option<(Option<String>, Option<Operation>)> {
        let Target { label, operation } = Target::parse(path)?;
        Some((label.map(|label| label.as_str().to_owned()), operation))
    }

    #[test]
    fn a_path_names_a_label_an_operation_both_or_neither() {
        let ra = || Some("RA one".to_owned());
        assert_eq!(target("/.well-known/cmp"), Some((None, None)));
        assert_eq!(target("/.well-known/cmp/"), Some((None, None)));
        assert_eq!(
            target("/.well-known/cmp/initialization"),
            Some((None, Some(Operation::Initialization)))
        );
        assert_eq!(target("/.well-known/cmp/p/RA%20one"), Some((ra(), None)));
        assert_eq!(target("/.well-known/cmp/p/RA%20one/"), Some((ra(), None)));
        assert_eq!(
            target("/.well-known/cmp/p/RA%20one/keyupdate"),
            Some((ra(), Some(Operation::KeyUpdate)))
        );
        assert_eq!(target("/pkix/"), Some((None, None)));
        assert_eq!(target("/pkix/RA%20one"), Some((ra(), None)));
    }

    #[test]
    fn a_path_that_names_something_else_is_not_found() {
        for path in [
            "/.well-known/cmp/p",
            "/.well-known/cmp/nonsense",
            "/.well-known/cmp/p/RA/nonsense",
            "/.well-known/cmp/p/RA/pkcs10/more",
            "/.well-known/cmp/p//pkcs10",
            "/.well-known/cmp/p/%ff",
            "/.well-known/cmp/p/%4",
            "/pkix/RA/pkcs10",
        ] {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
