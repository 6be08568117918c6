//! The same to clients of REST v2.

use std::sync::Arc;

use pki::{Certificate, PrivateKey};
use pkixcmp::PkiFailureInfo;
use proto_tests::ca::SECRET;
use proto_tests::certs::Issuer;
use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, Answer, Keys, v1};

use crate::world::World;

/// One enrollment under an idempotency key.
struct Wish {
    csr: String,
    key: PrivateKey,
}

impl Wish {
    fn new() -> Self {
        let key = Keys::ec();
        let csr = v1::csr("CN=wanted", &["dns:a.example"], &key);
        Self { csr, key }
    }

    fn post(&self, world: &World) -> Answer {
        let client = world.ra.rest(Some(&world.ra.setup.pki.client));
        let headers = [
            ("Content-Type", "application/x-pem-file"),
            ("Idempotency-Key", "wish-1"),
            ("Prefer", "wait=1"),
        ];
        client.request("POST", "/v2/RA/certificates", &headers, self.csr.as_bytes())
    }

    #[track_caller]
    fn is_granted(&self, answer: &Answer) {
        let pem = answer.json()["certificate"].as_str().unwrap().to_owned();
        let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(certificate.public_key(), self.key.public_key());
    }
}

/// A problem of that kind that says so, and tells nothing that is none of the client's business.
#[track_caller]
fn problem(answer: &Answer, status: u16, slug: &str, told: &str) {
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert_eq!(answer.media_type(), "application/problem+json");
    let kind = answer.json()["type"].as_str().unwrap().to_owned();
    assert_eq!(kind, format!("https://certway.dev/problems/{slug}"));
    assert!(text.contains(told), "`{told}` is not in {text}");
    nothing_leaks(&text);
}

#[track_caller]
fn nothing_leaks(text: &str) {
    for secret in [SECRET, "<html", "127.0.0.1", "BEGIN"] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
}

#[test]
fn what_is_not_believed_leaves_the_request_waiting_until_the_ca_recovers() {
    let junk = Reply::http(200, "application/pkixcmp", *b"junk");
    for act in [Act::Secret("another secret"), Act::Say(junk), Act::Lose] {
        let world = World::new();
        world.ca.always(act);
        let wish = Wish::new();
        let answer = wish.post(&world);
        let text = answer.text();
        assert_eq!(answer.status, 202, "{text}");
        assert!(answer.header("retry-after").is_some());
        let trouble = answer.json()["trouble"].as_str().unwrap_or("").to_owned();
        assert!(!trouble.is_empty(), "{text}");
        nothing_leaks(&text);
        world.others_are_served();
        world.ca.recovers();
        let location = answer.header("location").unwrap().to_owned();
        let client = world.ra.rest(Some(&world.ra.setup.pki.client));
        let mut later = client.get(&location, &[]);
        eventually("the certificate is there", || {
            later = client.get(&location, &[]);
            later.status == 200
        });
        wish.is_granted(&later);
        wish.is_granted(&wish.post(&world));
        assert_eq!(world.ra.issued(), 2);
    }
}

#[test]
fn a_rejection_is_a_problem_with_the_cas_words_and_failinfo() {
    let world = World::new();
    let failure = PkiFailureInfo::BAD_CERT_TEMPLATE | PkiFailureInfo::DUPLICATE_CERT_REQ;
    world.ca.will([Act::Reject(failure, "no such subject")]);
    let answer = Wish::new().post(&world);
    problem(&answer, 422, "rejected-by-ca", "no such subject");
    let named = answer.json()["failInfo"].to_string();
    assert_eq!(named, r#"["badCertTemplate","duplicateCertReq"]"#);
    world.others_are_served();
}

#[test]
fn an_unprotected_error_is_a_problem_that_says_that_nothing_proves_it() {
    let world = World::new();
    world
        .ca
        .will([Act::BareError(PkiFailureInfo::BAD_REQUEST, "who are you")]);
    let answer = Wish::new().post(&world);
    problem(&answer, 422, "rejected-by-ca", "nothing proves");
}

#[test]
fn a_certificate_for_another_key_or_of_another_ca_is_given_back() {
    let other_key = Act::IssueFor(Keys::ec().public_key().clone());
    let other_ca = Act::IssueBy(Arc::new(Issuer::root("O=Elsewhere,CN=CMP CA")));
    for act in [other_key, other_ca] {
        let world = World::new();
        world.ca.will([act]);
        let answer = Wish::new().post(&world);
        problem(&answer, 502, "bad-answer", "");
        eventually("given back", || world.ca.log() == ["issued", "refused"]);
        world.others_are_served();
    }
}

#[test]
fn html_and_nobody_there_are_unavailable_and_may_be_asked_again() {
    let world = World::new();
    let html = "<html><body>slow down, 127.0.0.1</body></html>";
    world
        .ca
        .always(Act::Say(Reply::http(503, "text/html", html)));
    let wish = Wish::new();
    problem(&wish.post(&world), 503, "unavailable", "");
    world.others_are_served();
    world.ca.recovers();
    let answer = wish.post(&world);
    assert_eq!(answer.status, 201, "{}", answer.text());
    wish.is_granted(&answer);
}
