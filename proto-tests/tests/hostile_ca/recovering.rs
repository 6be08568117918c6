//! Answers that are not believed. The CA may have issued, so the same octets are sent again until there is an answer that is.

use std::sync::Arc;

use der::asn1::OctetString;
use pkixcmp::body::enroll::CertRepMessage;
use pkixcmp::{PkiBody, Pvno};
use proto_tests::Act;
use proto_tests::certs::Issuer;
use proto_tests::upstream::Reply;

use crate::world::{Wish, World, assert_failed};

const DOUBT: &str = "no answer of CA RA that can be believed";

#[track_caller]
fn spoilt_and_mended(act: Act, logged: &str) {
    let world = World::new();
    let wish = world.spoilt(act, DOUBT, logged);
    world.recovers(&wish);
}

#[test]
fn an_answer_under_another_secret() {
    spoilt_and_mended(
        Act::Secret("another secret"),
        "another secret or key was used",
    );
}

#[test]
fn an_answer_without_protection() {
    spoilt_and_mended(Act::Unprotected, "not protected");
}

#[test]
fn an_answer_signed_by_someone_who_bears_the_cas_name() {
    let trust =
        "quirks = { signed_answers_to_mac = true }\ntrust = { anchors = [\"upstream.pem\"] }";
    let world = World::with(trust);
    let impostor = Issuer::root("O=Elsewhere,CN=CMP CA");
    let act = Act::Signed(Arc::new(impostor.key), impostor.certificate);
    let wish = world.spoilt(act, DOUBT, "not trusted");
    world.recovers(&wish);
}

#[test]
fn a_signed_answer_where_only_the_secret_is_trusted() {
    let impostor = Issuer::root("O=Elsewhere,CN=CMP CA");
    let act = Act::Signed(Arc::new(impostor.key), impostor.certificate);
    spoilt_and_mended(act, "signature");
}

#[test]
fn an_answer_of_another_transaction() {
    let act = Act::Header(|header| {
        header.transaction_id = Some(OctetString::new([7; 16]).unwrap());
    });
    spoilt_and_mended(act, "transactionID");
}

#[test]
fn an_answer_to_another_nonce() {
    let act = Act::Header(|header| header.recip_nonce = Some(OctetString::new([7; 16]).unwrap()));
    spoilt_and_mended(act, "recipNonce");
}

#[test]
fn an_answer_of_a_version_that_does_not_exist() {
    spoilt_and_mended(Act::Header(|header| header.pvno = Pvno(9)), "pvno 9");
}

#[test]
fn a_billion_iterations_are_not_done() {
    let iterations = "iterationCount 1000000000 is outside of";
    spoilt_and_mended(Act::Iterations(1_000_000_000), iterations);
}

fn responses(body: PkiBody, change: impl FnOnce(&mut CertRepMessage)) -> PkiBody {
    match body {
        PkiBody::Ip(mut content) => {
            change(&mut content);
            PkiBody::Ip(content)
        }
        other => other,
    }
}

#[test]
fn a_grant_without_a_certificate() {
    let act = Act::Body(|body| {
        responses(body, |content| {
            let mut all = content.response.clone().into_vec();
            all[0].certified_key_pair = None;
            content.response = all.into();
        })
    });
    spoilt_and_mended(act, "contradicts itself");
}

#[test]
fn an_answer_without_a_response() {
    let act = Act::Body(|body| responses(body, |content| content.response = Vec::new().into()));
    spoilt_and_mended(act, "0 responses");
}

#[test]
fn an_answer_to_another_certreqid() {
    let act = Act::Body(|body| {
        responses(body, |content| {
            let mut all = content.response.clone().into_vec();
            all[0].cert_req_id = pkixcmp::CertReqId(7);
            content.response = all.into();
        })
    });
    spoilt_and_mended(act, "certReqId 7");
}

#[test]
fn an_answer_of_another_type() {
    let act = Act::Body(|body| match body {
        PkiBody::Ip(content) => PkiBody::Kup(content),
        other => other,
    });
    spoilt_and_mended(act, "kup does not answer");
}

#[test]
fn a_body_without_end() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\n\r\n";
    spoilt_and_mended(
        Act::Say(Reply::Endless(head.to_vec())),
        "longer than 1048576 octets",
    );
}

#[test]
fn an_announced_body_that_is_too_large() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: 999999999999\r\n\r\n";
    spoilt_and_mended(
        Act::Say(Reply::Endless(head.to_vec())),
        "longer than 1048576 octets",
    );
}

#[test]
fn a_message_cut_short() {
    let act = Act::Replace(|mut octets| {
        octets.truncate(octets.len() / 2);
        Reply::cmp(octets)
    });
    spoilt_and_mended(act, "no CMP message");
}

#[test]
fn a_body_shorter_than_announced() {
    let act = Act::Replace(|octets| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: {}\r\n\r\n",
            octets.len()
        );
        Reply::Octets([head.as_bytes(), &octets[..40]].concat())
    });
    spoilt_and_mended(act, "broke off");
}

#[test]
fn junk() {
    spoilt_and_mended(Act::Say(Reply::cmp(*b"junk")), "no CMP message");
}

#[test]
fn an_empty_body() {
    spoilt_and_mended(Act::Say(Reply::cmp([])), "no CMP message");
}

#[test]
fn what_is_not_http() {
    let act = Act::Say(Reply::Octets(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()));
    spoilt_and_mended(act, "error sending request");
}

#[test]
fn an_answer_octet_by_octet_beyond_the_deadline() {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: 900\r\n\r\n";
    let octets = [head.as_bytes(), &[0x30; 900]].concat();
    spoilt_and_mended(Act::Say(Reply::Drip(octets)), "timed out");
}

#[test]
fn silence_beyond_the_deadline() {
    spoilt_and_mended(Act::Say(Reply::Silence), "timed out");
}

#[test]
fn a_connection_that_is_closed_after_the_request() {
    spoilt_and_mended(Act::Lose, "error sending request");
}

#[test]
fn a_ca_that_dies_between_ip_and_pkiconf_hears_the_confirmation_when_it_is_back() {
    let world = World::new();
    world.ca.will([Act::Work]);
    world.ca.always(Act::Say(Reply::Close));
    let wish = Wish::new("CN=wanted");
    let answer = world.ask(&wish);
    assert_failed(&answer, DOUBT);
    world.others_are_served();
    world.recovers(&wish);
}

#[test]
fn a_pkiconf_that_is_not_the_cas_is_not_taken_for_one() {
    let world = World::new();
    world.ca.will([Act::Work]);
    world.ca.always(Act::Secret("another secret"));
    let wish = Wish::new("CN=wanted");
    let answer = world.ask(&wish);
    assert_failed(&answer, DOUBT);
    world.others_are_served();
    world.recovers(&wish);
}

/// OpenSSL's mock server forgets its transaction with the connection, so this is another CA's to play.
#[test]
fn a_wait_outlives_our_process() {
    let mut world = World::new();
    world.ca.always(Act::Wait(1));
    let wish = Wish::new("CN=wanted");
    let answer = world.ask(&wish);
    assert_failed(&answer, "the CA has not decided within 1 s");
    world.ra.program.kill();
    world.ra.program.restart(2);
    world.others_are_served();
    world.recovers(&wish);
    let kinds = world.ca.kinds();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == "ir").count(),
        1,
        "{kinds:?}"
    );
}

#[test]
fn a_client_polls_through_us_for_as_long_as_the_ca_does_not_decide() {
    if proto_tests::peer::missing("openssl") {
        return;
    }
    let ca = proto_tests::CmpCa::start();
    ca.will([Act::Wait(1), Act::Wait(1), Act::Wait(1)]);
    let root = &ca.root.certificate;
    let ra = proto_tests::Native::before_with(&ca.url(), root, "", "", "hold = \"0s\"");
    let ran = ra.enrolling("ir", "/CN=patient").run();
    ran.verified(root);
    assert!(ran.count("sending POLLREQ") >= 2, "{}", ran.said());
    assert_eq!(ca.log(), ["issued", "accepted"]);
    assert_eq!(ra.issued(), 1);
}
