//! What operators see of certway-ra: the admin listener, the log, the traces.

mod admin;
mod audit;
mod correlation;
mod lines;
mod metrics;
mod secrets;
mod traces;

use proto_tests::native::{Native, NativeSetup};
use proto_tests::{HttpsClient, Keys};
use serde_json::{Value, json};

/// Enrolls over REST v2 under that profile's limits, and gives the answer.
fn enroll(native: &Native, subject: &str) -> proto_tests::Answer {
    enroll_with(&native.rest(Some(&native.setup.pki.client)), subject, &[])
}

/// The same as that client, with more header fields.
fn enroll_with(
    client: &HttpsClient,
    subject: &str,
    fields: &[(&str, &str)],
) -> proto_tests::Answer {
    let key = Keys::ec();
    let template = pki::Template::new(proto_tests::certs::dn(subject), key.public_key().clone());
    let csr = pki::Csr::build(&template, &key).unwrap();
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(fields);
    let body = json!({ "csr": csr.to_pem() }).to_string();
    client.request("POST", "/v2/RA/certificates", &all, body.as_bytes())
}

/// A service whose log is JSON, with a CA of its own behind.
fn logging() -> Native {
    let mut setup = NativeSetup::new();
    setup.log = "format = \"json\"".to_owned();
    let config = setup.local_authority() + &setup.label("subject = [\"CN=*\"]", "");
    setup.start(&config)
}

/// The log's lines as JSON, once it has said `sentence`.
fn lines(native: &Native, sentence: &str) -> Vec<Value> {
    native.program.log_has(sentence);
    let log = native.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// The audit lines among them.
fn decisions(lines: &[Value]) -> Vec<&Value> {
    lines
        .iter()
        .filter(|line| line["target"] == "certway::audit")
        .collect()
}

/// A check of `/readyz` by its name.
fn check<'a>(body: &'a Value, name: &str) -> &'a Value {
    let checks = body["checks"].as_array().unwrap();
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check `{name}` in {body}"))
}
