//! REST v2 as clients that keep their keys meet it: over TLS, against the program as built.

mod asking;
mod problems;
mod renewal;
mod repeating;
mod revocation;
mod signed_tokens;
mod trust;

use pki::{Certificate, Csr, PrivateKey, Template};
use proto_tests::certs::{dn, sans};
use proto_tests::native::{Native, NativeSetup};
use proto_tests::{Answer, EmbeddedCa, HttpsClient, Keys};
use serde_json::{Value, json};

const CERTIFICATES: &str = "/v2/RA/certificates";
const REVOCATIONS: &str = "/v2/RA/revocations";
const TRUST: &str = "/v2/RA/trust";
const JSON: &str = "application/json";
const TOKEN: &str = "token-of-a-pipeline-1b5e";
const SUBJECT: &str = "O=Example,CN=web";
const NAMES: [&str; 2] = ["dns:web.example", "ip:10.0.0.1"];

/// certway-ra over a CA of its own, with [`TOKEN`].
fn local() -> Native {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "") + &callers();
    setup.start(&config)
}

/// certway-ra before a CMP CA.
fn before(ca: &EmbeddedCa) -> Native {
    Native::before(ca)
}

/// Whoever bears [`TOKEN`] is `pipeline`.
fn callers() -> String {
    let hash = hex::encode(pki::digest::sha256(TOKEN.as_bytes()));
    format!("[callers.pipeline]\ntoken_sha256 = [\"{hash}\"]\n")
}

/// A client with a certificate.
fn client(native: &Native) -> HttpsClient {
    native.rest(Some(&native.setup.pki.client))
}

fn csr_of(subject: &str, names: &[&str], key: &PrivateKey) -> Csr {
    let mut template = Template::new(dn(subject), key.public_key().clone());
    template.sans = sans(names);
    Csr::build(&template, key).unwrap()
}

fn csr() -> Csr {
    csr_of(SUBJECT, &NAMES, &Keys::ec())
}

/// A request with nothing but a CSR, and what is added.
fn asked(more: &Value) -> Value {
    let mut body = json!({ "csr": csr().to_pem() });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn post(client: &HttpsClient, path: &str, body: &Value) -> Answer {
    post_with(client, path, &[], body)
}

fn post_with(client: &HttpsClient, path: &str, fields: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("Content-Type", JSON)];
    all.extend_from_slice(fields);
    client.request("POST", path, &all, body.to_string().as_bytes())
}

/// What an answer with a certificate has in it.
struct Issued {
    leaf: Certificate,
    chain: Vec<Certificate>,
    roots: Vec<Certificate>,
    body: Value,
}

#[track_caller]
fn issued(answer: &Answer) -> Issued {
    assert!(
        matches!(answer.status, 200 | 201),
        "{} {}",
        answer.status,
        answer.text()
    );
    assert_eq!(answer.media_type(), JSON);
    let body = answer.json();
    assert_eq!(body["status"], "issued");
    let one = |text: &Value| Certificate::from_pem(text.as_str().unwrap().as_bytes()).unwrap();
    let list = |name: &str| body[name].as_array().unwrap().iter().map(one).collect();
    Issued {
        leaf: one(&body["certificate"]),
        chain: list("chain"),
        roots: list("roots"),
        body,
    }
}

/// A problem of that status and kind, with what holds for each of them.
#[track_caller]
fn problem(answer: &Answer, status: u16, slug: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.media_type(), "application/problem+json");
    let body = answer.json();
    assert_eq!(
        body["type"],
        format!("https://certway.dev/problems/{slug}"),
        "{body}"
    );
    assert_eq!(body["status"], status);
    assert!(
        body["title"]
            .as_str()
            .is_some_and(|title| !title.is_empty())
    );
    assert!(body["detail"].is_string(), "{body}");
    let correlation = answer.header("x-correlation-id").unwrap();
    assert_eq!(body["correlationId"], correlation, "{body}");
    body
}
