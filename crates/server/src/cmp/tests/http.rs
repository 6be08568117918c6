//! CMP over HTTP.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use pkixcmp::client::{Confirmation, Step};
use pkixcmp::{PkiBody, PkiMessage};

use super::client::{Client, ir, issued, key};
use super::house::House;
use crate::config::Limits;
use crate::router;
use crate::testing::{Called, called};

async fn send(house: &House, request: Request<Body>) -> Called {
    let router = router::cmp_router(Arc::clone(&house.app), &Limits::default());
    called(router, request).await
}

async fn post(house: &House, path: &str, body: impl Into<Body>) -> Called {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/pkixcmp")
        .body(body.into())
        .unwrap();
    send(house, request).await
}

#[tokio::test]
async fn every_path_leads_to_the_label() {
    let house = House::new().await;
    for path in [
        "/.well-known/cmp",
        "/.well-known/cmp/",
        "/.well-known/cmp/initialization",
        "/.well-known/cmp/p/RA",
        "/.well-known/cmp/p/RA/",
        "/.well-known/cmp/p/RA/initialization",
        "/pkix",
        "/pkix/",
        "/pkix/RA",
        "/pkix/RA/",
    ] {
        let client = Client::new();
        let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
        let called = post(&house, path, message).await;
        assert_eq!(called.status, StatusCode::OK, "{path}");
        assert_eq!(called.headers[header::CONTENT_TYPE], "application/pkixcmp");
        assert_eq!(called.headers[header::CACHE_CONTROL], "no-store");
        let answer = PkiMessage::decode(called.body).unwrap();
        assert!(
            matches!(answer.body(), PkiBody::Ip(_)),
            "{path}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_transaction_may_go_on_at_another_path() {
    let second = ra::Label::new("second");
    let house = House::with(|site, settings| {
        site.cmp.default_label = Some(second.clone());
        let other = crate::LabelSettings {
            cmp: Some(settings.clone()),
        };
        site.labels.insert(second.clone(), other);
    })
    .await;
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let called = post(&house, "/.well-known/cmp/p/RA/initialization", message).await;
    issued(talk.hear(&PkiMessage::decode(called.body).unwrap()));
    let message = talk.confirmation(&pkixcmp::client::Verdict::Accept);
    let called = post(&house, "/pkix/", message).await;
    let step = talk.hear(&PkiMessage::decode(called.body).unwrap());
    assert_eq!(step, Step::Confirmed);
}

#[tokio::test]
async fn only_post_is_taken() {
    let house = House::new().await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let request = Request::builder().method(method).uri("/pkix/");
        let called = send(&house, request.body(Body::empty()).unwrap()).await;
        assert_eq!(called.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(called.headers[header::ALLOW], "POST");
    }
}

#[tokio::test]
async fn a_path_that_names_nothing_is_not_found() {
    let house = House::new().await;
    for path in ["/.well-known/cmp/nonsense", "/pkix/RA/more", "/"] {
        assert_eq!(
            post(&house, path, "x").await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_media_type_is_compared_without_case_and_parameters() {
    let house = House::new().await;
    let client = Client::new();
    for (media_type, status) in [
        ("application/pkixcmp", StatusCode::OK),
        ("Application/PKIXCMP; charset=utf-8", StatusCode::OK),
        ("application/pkixcmp-poll", StatusCode::OK),
        (
            "application/octet-stream",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
        let request = Request::post("/pkix/").header(header::CONTENT_TYPE, media_type);
        let called = send(&house, request.body(message.into()).unwrap()).await;
        assert_eq!(called.status, status, "{media_type}");
    }
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let bare = Request::post("/pkix/").body(message.into()).unwrap();
    let called = send(&house, bare).await;
    assert_eq!(called.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn more_octets_than_are_read_here_are_too_many() {
    let house = House::with(|site, _| site.cmp.body = 4096).await;
    let called = post(&house, "/pkix/", vec![0x30; 4097]).await;
    assert_eq!(called.status, StatusCode::PAYLOAD_TOO_LARGE);
    let called = post(&house, "/pkix/", vec![0x30; 4096]).await;
    assert_eq!(called.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_of_unstated_length_is_read_no_further_than_the_bound() {
    let house = House::with(|site, _| site.cmp.body = 4096).await;
    let endless = futures::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0x30; 1024]))
    });
    let called = post(&house, "/pkix/", Body::from_stream(endless)).await;
    assert_eq!(called.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_empty_body_is_no_message() {
    let house = House::new().await;
    let called = post(&house, "/pkix/", Body::empty()).await;
    assert_eq!(called.status, StatusCode::BAD_REQUEST);
    assert_eq!(called.headers[header::CONTENT_TYPE], "application/pkixcmp");
    let answer = PkiMessage::decode(called.body).unwrap();
    assert!(matches!(answer.body(), PkiBody::Error(_)));
}
