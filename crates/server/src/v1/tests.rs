mod callers;
mod refusals;
mod requests;
mod updates;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use pki::Certificate;
use ra::memory::Script;
use ra::{CaStatus, Refusal, RefusalKind};

use crate::Site;
use crate::testing::{Bench, Called, called, csr, key, key_pem};

const CERTIFICATE: &str = "/v1/certificate/RA";
const UPDATE: &str = "/v1/certificate-update/RA";
const SUBJECT: &str = "C=US,O=Linux-Foundation,OU=ONAP,CN=onap.org";

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The two header fields of a request for `SUBJECT` with this key of the fixtures.
fn fields(key_name: &str) -> Vec<(&'static str, String)> {
    let csr = csr(&key(key_name), SUBJECT, &["test.onap.org"]);
    vec![
        ("CSR", encoded(&csr.to_pem())),
        ("PK", encoded(&key_pem(key_name))),
    ]
}

fn with(
    fields: Vec<(&'static str, String)>,
    name: &'static str,
    value: String,
) -> Vec<(&'static str, String)> {
    let mut fields: Vec<_> = fields
        .into_iter()
        .filter(|(known, _)| *known != name)
        .collect();
    fields.push((name, value));
    fields
}

fn without(fields: Vec<(&'static str, String)>, name: &str) -> Vec<(&'static str, String)> {
    fields
        .into_iter()
        .filter(|(known, _)| *known != name)
        .collect()
}

fn message(called: &Called) -> (u16, String) {
    (
        called.status.as_u16(),
        called.json()["errorMessage"].as_str().unwrap().to_owned(),
    )
}

fn texts(called: &Called, member: &str) -> Vec<String> {
    serde_json::from_value(called.json()[member].clone()).unwrap()
}
