//! A CA that is not there, is something else, or says nonsense: v1's texts, and a service that lives.

use std::time::{Duration, Instant};

use proto_tests::upstream::Reply;
use proto_tests::v1::{ENROLL, assert_error};
use proto_tests::{FakeUpstream, Port, Service, ca};
use serde_json::{Value, json};

use crate::{assert_log_keeps_secrets, impatient, request};

const NOT_CONNECTED: &str =
    "Exception occurred during call to cmp client: IOException error while trying to connect CA RA";

fn entry(url: &str) -> Value {
    json!({ "caName": "RA", "url": url, "issuerDN": ca::ISSUER_DN, "authentication": { "iak": ca::SECRET, "rv": ca::REFERENCE } })
}

/// The `errorMessage` of a request to a CA that always replies so, after the service was seen to live on.
fn message(reply: Reply) -> (u16, String) {
    let upstream = FakeUpstream::answering(reply);
    let service = impatient(&[entry(&upstream.url("/cmp"))]);
    let mut connection = service.client.connect().unwrap();
    let request = request();
    let answer = connection
        .request("GET", ENROLL, &request.fields(), b"")
        .unwrap();
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    let ready = connection.request("GET", "/ready", &[], b"").unwrap();
    assert_eq!(
        ready.status, 200,
        "a CA that fails is no reason to be unready"
    );
    assert_eq!(service.issued(), 0);
    assert_log_keeps_secrets(&service, &[ca::SECRET, &request.value("PK")[100..200]]);
    (answer.status, message)
}

#[track_caller]
fn fails(reply: Reply) -> String {
    let (status, message) = message(reply);
    assert_eq!(status, 500, "{message}");
    assert!(
        message.starts_with("Exception occurred during call to cmp client: "),
        "{message}"
    );
    message
}

#[test]
fn a_refused_connection_is_an_ioexception_as_before() {
    let nobody = Port::free();
    let service = Service::with(&[entry(&format!("http://{}/", nobody.address()))]);
    let answer = request().get(&service.client, ENROLL);
    assert_error(&answer, 500, NOT_CONNECTED);
}

#[test]
fn a_name_that_does_not_resolve_is_one_too() {
    let service = Service::with(&[entry("http://ca.invalid/cmp")]);
    assert_error(&request().get(&service.client, ENROLL), 500, NOT_CONNECTED);
}

#[test]
fn a_connection_that_is_closed_without_an_answer_is_an_error() {
    fails(Reply::Close);
}

#[test]
fn octets_that_are_no_http_are_an_error() {
    fails(Reply::Octets(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()));
    fails(Reply::Octets(b"\x16\x03\x01\x02\x00\x01\x00".to_vec()));
}

#[test]
fn junk_of_the_right_media_type_is_an_error() {
    for junk in [
        &b"junk"[..],
        b"\x30\x82\xff\xff",
        b"\x30\x00",
        &[0x30, 0x80].repeat(5000),
    ] {
        fails(Reply::cmp(junk));
    }
}

#[test]
fn an_empty_answer_is_an_error() {
    fails(Reply::cmp(""));
}

#[test]
fn html_with_503_or_200_is_an_error() {
    let html = "<html><body>Service Unavailable</body></html>";
    fails(Reply::http(503, "text/html", html));
    fails(Reply::http(200, "text/html", html));
}

#[test]
fn an_answer_cut_short_is_an_error() {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: 1000\r\n\r\n";
    fails(Reply::Octets([head.as_bytes(), &[0x30; 10]].concat()));
}

#[test]
fn an_endless_answer_is_cut_off() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: 999999999999\r\n\r\n";
    let body = vec![0x30; 32 << 20];
    let began = Instant::now();
    fails(Reply::Octets([head.as_bytes(), &body].concat()));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_redirect_is_not_followed() {
    let other = FakeUpstream::answering(Reply::Close);
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        other.url("/")
    );
    fails(Reply::Octets(head.into_bytes()));
    assert!(other.received().is_empty());
}

#[test]
fn our_own_request_sent_back_is_no_answer() {
    let upstream = FakeUpstream::start(|received| Reply::cmp(received.body.clone()));
    let service = impatient(&[entry(&upstream.url("/cmp"))]);
    let answer = request().get(&service.client, ENROLL);
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert_eq!(service.issued(), 0);
}
