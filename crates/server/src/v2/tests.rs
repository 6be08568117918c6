//! REST v2 as its clients see it: one behaviour, one test.

use std::sync::LazyLock;

use api::v2::{Enrollment, Issued};
use api::{Problem, ProblemSlug};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use pki::{Certificate, Csr, PrivateKey};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::jwt::TokenIssuers;
use crate::testing::{Bench, Called, called, csr, key};
use crate::{Callers, Peer};

mod bad_input;
mod client;
mod contract;
mod enrollment;
mod health;
mod renewal;
mod revocation;
mod trust;

pub(super) const CERTIFICATES: &str = "/v2/RA/certificates";
pub(super) const REVOCATIONS: &str = "/v2/RA/revocations";
pub(super) const TRUST: &str = "/v2/RA/trust";
const TOKEN: &str = "correct-horse-battery-staple";

/// The same bytes each time: an ECDSA signature made anew is another request.
pub(super) fn web_csr() -> Csr {
    static CSR: LazyLock<Csr> =
        LazyLock::new(|| csr(&key("p256-pkcs8"), "CN=web", &["web.example.com"]));
    CSR.clone()
}

/// A POST of this JSON, by nobody yet.
pub(super) fn post(path: &str, body: &Value) -> axum::http::request::Builder {
    assert!(body.is_object());
    Request::post(path).header(header::CONTENT_TYPE, "application/json")
}

/// The request for a certificate that most tests make.
pub(super) fn asked(more: &Value) -> Value {
    let mut body = json!({ "csr": web_csr().to_pem() });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

pub(super) trait ByClients {
    /// As whoever holds this certificate.
    async fn by(&self, certificate: &Certificate, request: Request<Body>) -> Called;
    /// As nobody.
    async fn by_nobody(&self, request: Request<Body>) -> Called;
    /// JSON by the holder of the first CA's root, whom all tests call alice.
    async fn send(&self, path: &str, body: &Value) -> Called;
    /// The same with one header field.
    async fn send_with(&self, path: &str, field: (&str, &str), body: &Value) -> Called;
    /// GET by alice.
    async fn fetch(&self, path: &str, fields: &[(&str, &str)]) -> Called;
}

impl ByClients for Bench {
    async fn by(&self, certificate: &Certificate, mut request: Request<Body>) -> Called {
        request.extensions_mut().insert(Peer {
            address: "192.0.2.2:40000".parse().unwrap(),
            certificate: Some(certificate.clone()),
        });
        called(self.router.clone(), request).await
    }

    async fn by_nobody(&self, request: Request<Body>) -> Called {
        called(self.router.clone(), request).await
    }

    async fn send(&self, path: &str, body: &Value) -> Called {
        let request = post(path, body).body(Body::from(body.to_string())).unwrap();
        self.call(request).await
    }

    async fn send_with(&self, path: &str, (name, value): (&str, &str), body: &Value) -> Called {
        let request = post(path, body).header(name, value);
        self.call(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn fetch(&self, path: &str, fields: &[(&str, &str)]) -> Called {
        let fields: Vec<(&str, String)> = fields
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        self.get(path, &fields).await
    }
}

pub(super) fn field<'a>(called: &'a Called, name: &str) -> &'a str {
    match called.headers.get(name) {
        Some(value) => value.to_str().unwrap(),
        None => panic!("no {name} in {called:?}"),
    }
}

pub(super) fn issued(called: &Called) -> Issued {
    match serde_json::from_slice(&called.body) {
        Ok(Enrollment::Issued(issued)) => *issued,
        other => panic!("{} {other:?} {}", called.status, called.text()),
    }
}

/// The problem, after everything that holds for each of them.
pub(super) fn problem(called: &Called) -> Problem {
    assert_eq!(
        field(called, "content-type"),
        "application/problem+json",
        "{called:?}"
    );
    assert_eq!(field(called, "cache-control"), "no-store");
    let problem: Problem = serde_json::from_slice(&called.body).unwrap();
    assert_eq!(problem.status, called.status.as_u16());
    assert_eq!(
        problem.correlation_id.as_deref(),
        Some(field(called, "x-correlation-id"))
    );
    assert!(problem.detail.as_ref().is_some_and(|text| !text.is_empty()));
    assert!(problem.instance.is_some());
    assert_eq!(
        problem.retry_after.map(|s| s.to_string()).as_deref(),
        called
            .headers
            .get("retry-after")
            .map(|v| v.to_str().unwrap())
    );
    problem
}

pub(super) fn slug(called: &Called) -> ProblemSlug {
    problem(called).slug().unwrap()
}

/// One caller, by token.
pub(super) fn token_callers() -> Callers {
    let builder = Caller {
        name: "builder".into(),
        tokens: vec![pki::digest::sha256(TOKEN.as_bytes())],
        certificates: Vec::new(),
        subjects: Vec::new(),
        acts_as_ra: false,
    };
    Callers::new(vec![builder], TokenIssuers::default())
}

/// A site that knows one caller by token.
pub(super) async fn bench_with_token() -> Bench {
    Bench::with(|site| site.callers = token_callers()).await
}

/// Someone who is not alice.
pub(super) async fn bob() -> Certificate {
    let ca = ra::memory::MemoryCa::new(jiff::Timestamp::now()).await;
    ca.unwrap().root().clone()
}

pub(super) const CREATED: StatusCode = StatusCode::CREATED;
