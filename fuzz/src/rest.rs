//! REST requests: method, path, header fields and body, as the router gets them from a connection.

use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::site::with_house;

/// Octets are the text of a request: the line, header fields, an empty line, a body. Whatever they are, the answer is one that the
/// interface has: in REST v2 an error is a problem document with the same status, and nothing ends as a defect of ours.
pub(crate) fn headers(text: &[u8]) {
    let Some(request) = request(text) else {
        return;
    };
    let v2 = request.uri().path().starts_with("/v2/");
    let head = request.method() == http::Method::HEAD;
    with_house(|house| {
        let mut request = request;
        request.extensions_mut().insert(house.peer());
        let (parts, body) = house.runtime.block_on(async {
            let answer = house.router.clone().oneshot(request).await;
            let (parts, body) = answer.expect("the router always answers").into_parts();
            let body = body.collect().await.expect("its body is whole");
            (parts, body.to_bytes())
        });
        let status = parts.status;
        if !v2 || head {
            return;
        }
        assert_ne!(status.as_u16(), 500, "{}", String::from_utf8_lossy(&body));
        if status.is_client_error() || status.is_server_error() {
            let media = parts.headers.get(header::CONTENT_TYPE);
            assert_eq!(
                media.map(HeaderValue::as_bytes),
                Some(&b"application/problem+json"[..])
            );
            let problem: serde_json::Value = serde_json::from_slice(&body).expect("it is JSON");
            assert_eq!(problem["status"], status.as_u16());
        }
    });
}

/// None where it is nothing that could come out of a connection.
fn request(text: &[u8]) -> Option<Request<Body>> {
    let (line, mut rest) = first_line(text);
    let mut words = line.split(|octet| *octet == b' ');
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    loop {
        let (field, after) = first_line(rest);
        rest = after;
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|octet| *octet == b':')?;
        request = request.header(&field[..colon], field[colon + 1..].trim_ascii());
    }
    let request = request.body(Body::from(rest.to_vec())).ok()?;
    request.uri().path().starts_with('/').then_some(request)
}

/// Up to the line feed, and behind it.
fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|octet| *octet == b'\n');
    let (line, rest) = text.split_at(end.unwrap_or(text.len()));
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    (line, rest.get(1..).unwrap_or_default())
}
