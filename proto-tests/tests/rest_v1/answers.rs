//! What comes back: the two lists of certificates, errors in both of CertService's shapes, and what the log says.

use pki::Certificate;
use proto_tests::Service;
use proto_tests::v1::{Certificates, ENROLL};

use crate::{Pair, request};

#[test]
fn the_chain_is_leaf_first_without_the_root_and_the_root_is_trusted() {
    let service = Service::over_its_own_ca();
    let issued = Certificates::of(&request().get(&service.client, ENROLL));
    let root = std::fs::read(service.setup.path("ca/root.crt")).unwrap();
    let issuing = std::fs::read(service.setup.path("ca/issuing.crt")).unwrap();
    assert_eq!(issued.chain.len(), 2);
    assert_eq!(issued.chain[1], Certificate::from_pem(&issuing).unwrap());
    assert_eq!(issued.trusted, [Certificate::from_pem(&root).unwrap()]);
    issued
        .leaf()
        .verify_signed_by(issued.chain[1].public_key())
        .unwrap();
    issued.chain[1]
        .verify_signed_by(issued.trusted[0].public_key())
        .unwrap();
}

#[test]
fn each_certificate_is_pem_of_64_columns_with_line_feeds_and_one_at_the_end() {
    let service = Service::over_its_own_ca();
    let issued = Certificates::of(&request().get(&service.client, ENROLL));
    for pem in issued.chain_pem.iter().chain(&issued.trusted_pem) {
        assert!(!pem.contains('\r') && pem.ends_with("-----END CERTIFICATE-----\n"));
        let lines: Vec<&str> = pem.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        let body = &lines[1..lines.len() - 1];
        assert!(body[..body.len() - 1].iter().all(|line| line.len() == 64));
        assert!((1..=64).contains(&body[body.len() - 1].len()));
    }
    // CSIT puts the entries together with nothing in between.
    let together = Certificate::all_from_pem(issued.concatenated().as_bytes()).unwrap();
    assert_eq!(together, issued.chain);
}

#[test]
fn answers_with_certificates_are_not_to_be_cached() {
    let service = Service::over_its_own_ca();
    let answer = request().get(&service.client, ENROLL);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn an_error_has_the_members_of_both_of_certservices_shapes() {
    let service = Service::over_its_own_ca();
    let answer = request().without("PK").get(&service.client, ENROLL);
    let body = answer.json();
    assert_eq!(body["status"], 400);
    assert_eq!(body["error"], "Bad Request");
    assert_eq!(body["path"], ENROLL);
    let timestamp = body["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with("+00:00") && timestamp.len() == "2022-09-21T10:00:00.000+00:00".len()
    );
    assert!(timestamp.parse::<jiff::Timestamp>().is_ok());
    assert!(body["errorMessage"].as_str().unwrap().contains("'PK'"));
}

#[test]
fn an_html_client_gets_json_all_the_same() {
    let service = Service::over_its_own_ca();
    let answer = service.client.get(ENROLL, &[("Accept", "text/html")]);
    assert_eq!(
        (answer.status, answer.media_type()),
        (400, "application/json")
    );
}

#[test]
fn the_log_has_the_sentences_that_external_tests_look_for() {
    let Pair { service, ca: _ca } = Pair::start();
    request().get(&service.client, ENROLL);
    service.client.get("/reload", &[]);
    let file = service.setup.path("cmpServers.json");
    let loaded = format!(
        "CMP Servers configuration successfully loaded from file {}",
        file.display()
    );
    for sentence in [
        "Loading initial configuration",
        &loaded,
        "Received certificate initialization request for CA named: RA",
        "Received response from Server",
        "Response type is: INIT_REP",
        "Reloading configuration",
    ] {
        service.program.log_has(sentence);
    }
}
