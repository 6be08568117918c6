//! Answers that end the request: the client is told why, at once.

use std::sync::Arc;

use pkixcmp::PkiFailureInfo;
use proto_tests::certs::Issuer;
use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, Keys};

use crate::world::{Wish, World, assert_failed};

#[test]
fn a_certificate_for_another_key_is_given_back() {
    let world = World::new();
    let other = Keys::ec().public_key().clone();
    world.ca.will([Act::IssueFor(other)]);
    let answer = world.ask(&Wish::new("CN=wanted"));
    assert_failed(&answer, "public key");
    eventually("given back", || world.ca.log() == ["issued", "refused"]);
    world.others_are_served();
}

#[test]
fn a_certificate_below_another_root_is_given_back() {
    let world = World::new();
    let stranger = Arc::new(Issuer::root("O=Elsewhere,CN=CMP CA"));
    world.ca.will([Act::IssueBy(stranger)]);
    let answer = world.ask(&Wish::new("CN=wanted"));
    assert_failed(&answer, "Exception occurred during call to cmp client");
    eventually("given back", || world.ca.log() == ["issued", "refused"]);
    world.others_are_served();
}

#[test]
fn a_rejection_is_passed_on_in_the_cas_words() {
    let world = World::new();
    let failure = PkiFailureInfo::BAD_CERT_TEMPLATE;
    world.ca.will([Act::Reject(failure, "no such subject")]);
    let answer = world.ask(&Wish::new("CN=wanted"));
    let said = "CMPv2 server returned following error: no such subject";
    assert_failed(&answer, said);
    assert!(
        answer.text().contains("badCertTemplate"),
        "{}",
        answer.text()
    );
    assert_eq!(world.ca.log(), [""; 0]);
}

#[test]
fn an_unprotected_error_is_passed_on_as_nobodys_words() {
    let world = World::new();
    let failure = PkiFailureInfo::BAD_REQUEST;
    world.ca.will([Act::BareError(failure, "who are you")]);
    let answer = world.ask(&Wish::new("CN=wanted"));
    assert_failed(&answer, "who are you");
    assert!(answer.text().contains("not protected"), "{}", answer.text());
}

#[test]
fn a_503_with_html_is_not_read_as_cmp_and_nothing_of_it_is_shown() {
    let world = World::new();
    let html = "<html><body>slow down, 127.0.0.1</body></html>";
    world
        .ca
        .always(Act::Say(Reply::http(503, "text/html", html)));
    let wish = Wish::new("CN=wanted");
    let answer = world.ask(&wish);
    assert_failed(&answer, "IOException error while trying to connect CA RA");
    world.ra.program.log_has("503");
    world.others_are_served();
    world.recovers(&wish);
}

#[test]
fn a_ca_that_is_not_there_is_told_at_once() {
    let mut world = World::new();
    let gone = std::mem::take(&mut world.ca);
    let port = gone.upstream.address();
    drop(gone);
    eventually("the port is closed", || {
        std::net::TcpStream::connect(port).is_err()
    });
    let answer = world.ask(&Wish::new("CN=wanted"));
    assert_failed(&answer, "IOException error while trying to connect CA RA");
    world.others_are_served();
}
