//! Each problem that can be had from outside, and what bad input gets: a named reason, nothing issued, and a service that goes on.

use pkixcmp::PkiFailureInfo;
use proto_tests::cmp_ca::{Act, CmpCa};
use proto_tests::scripted::{Habits, ScriptedCa};
use proto_tests::{Keys, Port};

use super::*;

/// With limits to run into.
fn strict() -> Native {
    let setup = NativeSetup::new();
    let limits = r#"keys = ["ec:P-256"]
dns = ["**.example"]
max_validity = "30d""#;
    let config = setup.local_authority() + &setup.label(limits, "");
    setup.start(&config)
}

#[test]
fn what_the_profile_does_not_allow_is_named() {
    let native = strict();
    let with_csr = |csr: Csr| json!({ "csr": csr.to_pem() });
    for (body, slug) in [
        (
            with_csr(csr_of(SUBJECT, &NAMES, &Keys::rsa())),
            "key-not-allowed",
        ),
        (
            with_csr(csr_of(SUBJECT, &["dns:web.elsewhere"], &Keys::ec())),
            "name-not-allowed",
        ),
        (with_csr(nameless()), "name-not-allowed"),
        (
            asked(&json!({ "duration": "P31D" })),
            "validity-not-allowed",
        ),
        (
            asked(&json!({ "usages": ["cert sign"] })),
            "usage-not-allowed",
        ),
        (asked(&json!({ "isCA": true })), "ca-not-allowed"),
        (asked(&json!({ "profile": "other" })), "unknown-profile"),
    ] {
        problem(&post(&client(&native), CERTIFICATES, &body), 422, slug);
    }
    assert_eq!(native.issued(), 0);
    issued(&post(&client(&native), CERTIFICATES, &asked(&json!({}))));
}

#[test]
fn what_cannot_be_read_is_named_and_the_connection_lives() {
    let native = strict();
    let der = csr().der().to_vec();
    let mut forged = der.clone();
    *forged.last_mut().unwrap() ^= 1;
    let mut connection = client(&native).connect().unwrap();
    let pkcs10 = "application/pkcs10";
    let pem = "application/x-pem-file";
    for (media_type, body, status, slug) in [
        (pkcs10, b"junk".to_vec(), 400, "bad-csr"),
        (pkcs10, der[..100].to_vec(), 400, "bad-csr"),
        (
            pkcs10,
            vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            400,
            "bad-csr",
        ),
        (pkcs10, forged, 400, "bad-pop"),
        (
            pem,
            b"-----BEGIN CERTIFICATE REQUEST-----\nMII".to_vec(),
            400,
            "bad-csr",
        ),
        (
            pem,
            Keys::ec().to_pkcs8_pem().unwrap().as_bytes().to_vec(),
            400,
            "bad-csr",
        ),
        (JSON, b"{".to_vec(), 400, "bad-request"),
        (
            JSON,
            br#"{"csr":"","durration":"P1D"}"#.to_vec(),
            400,
            "bad-request",
        ),
        (JSON, vec![b'['; 100_000], 400, "bad-request"),
        ("text/plain", der.clone(), 415, "unsupported-media-type"),
    ] {
        let fields = [("Content-Type", media_type)];
        let answer = connection
            .request("POST", CERTIFICATES, &fields, &body)
            .unwrap();
        problem(&answer, status, slug);
    }
    let fields = [("Content-Type", pkcs10)];
    let answer = connection
        .request("POST", CERTIFICATES, &fields, &der)
        .unwrap();
    issued(&answer);
    assert_eq!(native.issued(), 1);
    assert!(!native.log().contains("PRIVATE KEY"), "a key is in the log");
}

#[test]
fn bodies_and_headers_have_bounds() {
    let native = strict();
    let mut connection = client(&native).connect().unwrap();
    let head = format!(
        "POST {CERTIFICATES} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/pkcs10\r\nContent-Length: {}\r\n\r\n",
        1 << 20
    );
    connection.send(head.as_bytes()).unwrap();
    // Who does not send it is answered all the same; who does has it read, and so can read the answer.
    problem(&connection.answer(false).unwrap(), 413, "too-large");
    let large = client(&native).post(CERTIFICATES, "application/pkcs10", &[0; 1 << 20]);
    problem(&large, 413, "too-large");
    let header = "x".repeat(1 << 20);
    let answer = client(&native).try_request("GET", TRUST, &[("X-Large", &header)], b"");
    // Whoever sends so much may find the connection closed before the answer is read.
    if let Ok(answer) = answer {
        problem(&answer, 413, "too-large");
    }
    for key in ["with blank", &"k".repeat(256)] {
        let fields = [("Idempotency-Key", key)];
        let answer = post_with(&client(&native), CERTIFICATES, &fields, &asked(&json!({})));
        let refused = problem(&answer, 400, "bad-request");
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("Idempotency-Key")
        );
    }
    issued(&post(&client(&native), CERTIFICATES, &asked(&json!({}))));
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems_too() {
    let native = strict();
    let client = client(&native);
    let body = asked(&json!({}));
    problem(
        &post(&client, "/v2/Nope/certificates", &body),
        404,
        "unknown-ca",
    );
    let unknown = format!("{CERTIFICATES}/00000000000000000000000000000000");
    for path in [unknown.as_str(), "/v2/RA/nothing", "/v2/RA/certificates/x"] {
        problem(&client.get(path, &[]), 404, "not-found");
    }
    let deleted = client.request("DELETE", CERTIFICATES, &[], b"");
    problem(&deleted, 405, "method-not-allowed");
    assert!(deleted.header("allow").unwrap().contains("POST"));
    let answer = client.get(TRUST, &[("Accept", "image/png")]);
    problem(&answer, 406, "not-acceptable");
}

#[test]
fn a_ca_that_refuses_is_quoted_with_its_failinfo() {
    let ca = CmpCa::start();
    let native = Native::before_with(&ca.url(), ca_root(&ca), "", "", "");
    let refusal = PkiFailureInfo::BAD_CERT_TEMPLATE;
    ca.will([Act::Reject(refusal, "not on a Sunday")]);
    let answer = post(&client(&native), CERTIFICATES, &asked(&json!({})));
    let refused = problem(&answer, 422, "rejected-by-ca");
    assert_eq!(refused["failInfo"], json!(["badCertTemplate"]));
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("not on a Sunday")
    );
    ca.will([Act::Reject(PkiFailureInfo::BAD_POP, "no")]);
    let answer = post(&client(&native), CERTIFICATES, &asked(&json!({})));
    problem(&answer, 400, "bad-pop");
}

#[test]
fn a_certificate_for_another_key_is_given_back() {
    let ca = CmpCa::start();
    let native = Native::before_with(&ca.url(), ca_root(&ca), "", "", "");
    ca.will([Act::IssueFor(Keys::ec().public_key().clone())]);
    let answer = post(&client(&native), CERTIFICATES, &asked(&json!({})));
    problem(&answer, 502, "bad-answer");
    assert_eq!(ca.log(), ["issued", "refused"]);
}

#[test]
fn a_request_that_policy_changes_needs_a_ca_that_takes_our_word() {
    let ca = ScriptedCa::start(Habits::default());
    let native = Native::before_with(&ca.url(), &ca.root, "", "", "");
    let body = asked(&json!({ "duration": "P1D" }));
    problem(
        &post(&client(&native), CERTIFICATES, &body),
        422,
        "cannot-change",
    );
    assert!(ca.record(&dn(SUBJECT)).is_empty());
}

#[test]
fn a_ca_that_is_not_there_costs_nothing_but_a_retry() {
    let ca = ScriptedCa::start(Habits::default());
    let nowhere = Port::free();
    let url = format!("http://{}/cmp", nowhere.address());
    let native = Native::before_with(&url, &ca.root, "", "", "");
    let fields = [("Idempotency-Key", "later")];
    let answer = post_with(&client(&native), CERTIFICATES, &fields, &asked(&json!({})));
    let body = problem(&answer, 503, "unavailable");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(body["retryAfter"], seconds);
    assert!(
        !answer.text().contains(&url),
        "where the CA is, is ours to know"
    );
}

fn ca_root(ca: &CmpCa) -> &Certificate {
    &ca.root.certificate
}

fn nameless() -> Csr {
    let key = Keys::ec();
    let template = Template::new(pki::Name::default(), key.public_key().clone());
    Csr::build(&template, &key).unwrap()
}
