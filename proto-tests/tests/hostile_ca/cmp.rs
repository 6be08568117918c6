//! The same to clients of the CMP front: they learn the CA's failInfo, never its words.

use std::sync::Arc;

use pkixcmp::PkiFailureInfo;
use proto_tests::certs::Issuer;
use proto_tests::openssl::Ran;
use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, CmpCa, Native, peer};

fn before(ca: &CmpCa) -> Native {
    Native::before_with(&ca.url(), &ca.root.certificate, "", "", "hold = \"0s\"")
}

/// An ir, of which only the answers' protection is tested by openssl too: no refusal here is unprotected.
fn ir(ra: &Native) -> Ran {
    ra.enrolling("ir", "/CN=wanted").run()
}

#[track_caller]
fn refused(ran: &Ran, failure: &str) {
    ran.refused(&["PKIStatus: rejection", failure]);
    let said = ran.said();
    let told: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("rejection"))
        .collect();
    for words in ["db-7", "127.0.0.1", "<html", proto_tests::ca::SECRET] {
        assert!(told.iter().all(|line| !line.contains(words)), "{said}");
    }
}

#[test]
fn a_rejection_keeps_its_failinfo_and_loses_its_words() {
    if peer::missing("openssl") {
        return;
    }
    let ca = CmpCa::start();
    let ra = before(&ca);
    let failure = PkiFailureInfo::BAD_CERT_TEMPLATE;
    ca.will([Act::Reject(failure, "host db-7 is down")]);
    refused(&ir(&ra), "badCertTemplate");
    assert_eq!(ra.issued(), 0);
    ir(&ra).verified(&ca.root.certificate);
}

#[test]
fn a_rejection_that_nothing_proves_loses_its_words_too() {
    if peer::missing("openssl") {
        return;
    }
    let ca = CmpCa::start();
    let ra = before(&ca);
    let failure = PkiFailureInfo::BAD_POP;
    ca.will([Act::BareError(failure, "host db-7 is down")]);
    let ran = ir(&ra);
    refused(&ran, "badPOP");
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_certificate_for_another_key_or_of_another_ca_is_given_back() {
    if peer::missing("openssl") {
        return;
    }
    let key = proto_tests::Keys::ec();
    let other_key = Act::IssueFor(key.public_key().clone());
    let other_ca = Act::IssueBy(Arc::new(Issuer::root("O=Elsewhere,CN=CMP CA")));
    for act in [other_key, other_ca] {
        let ca = CmpCa::start();
        let ra = before(&ca);
        ca.will([act]);
        refused(&ir(&ra), "systemFailure");
        eventually("given back", || ca.log() == ["issued", "refused"]);
    }
}

#[test]
fn a_ca_that_is_busy_makes_the_request_one_to_be_sent_again() {
    if peer::missing("openssl") {
        return;
    }
    let ca = CmpCa::start();
    let ra = before(&ca);
    let html = "<html>db-7</html>";
    ca.always(Act::Say(Reply::http(503, "text/html", html)));
    let ran = ir(&ra);
    ran.refused(&["systemUnavail", "try again later"]);
    ca.recovers();
    ir(&ra).verified(&ca.root.certificate);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn while_no_answer_can_be_believed_the_client_polls_and_gets_its_certificate_in_the_end() {
    if peer::missing("openssl") {
        return;
    }
    for act in [
        Act::Secret("another secret"),
        Act::Say(Reply::cmp(*b"junk")),
        Act::Lose,
        Act::Iterations(1_000_000_000),
    ] {
        let ca = CmpCa::start();
        let ra = before(&ca);
        ca.will([act]);
        let ran = ir(&ra);
        ran.verified(&ca.root.certificate);
        assert!(ran.said().contains("sending POLLREQ"), "{}", ran.said());
        let log = ca.log();
        assert_eq!(log.iter().filter(|one| **one == "issued").count(), 1);
        assert_eq!(log.last(), Some(&"accepted"));
        assert_eq!(ra.issued(), 1);
    }
}

#[test]
fn a_ca_that_dies_before_pkiconf_does_not_keep_the_client_from_its_own() {
    if peer::missing("openssl") {
        return;
    }
    let ca = CmpCa::start();
    let ra = before(&ca);
    ca.will([Act::Work]);
    ca.always(Act::Say(Reply::Close));
    let ran = ir(&ra);
    ran.verified(&ca.root.certificate);
    assert!(ran.said().contains("received PKICONF"), "{}", ran.said());
    ca.recovers();
    eventually("the CA hears it", || ca.log().contains(&"accepted"));
}
