//! REST v1 in front, CMP in CertService's dialect behind: an embedded CA as a CMP CA, in a process of its own. The scenarios of
//! ONAP's CSIT suite are among these.

use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE};
use proto_tests::{EmbeddedCa, Keys, Service, ca};

use crate::{NAMES, Pair, SUBJECT, assert_log_keeps_secrets, request};

#[test]
fn a_certificate_comes_with_its_chain_and_the_root() {
    let pair = Pair::start();
    let issued = Certificates::of(&request().get(&pair.service.client, ENROLL));
    assert_eq!(issued.leaf().public_key(), Keys::rsa().public_key());
    assert_eq!(issued.chain[1..], *std::slice::from_ref(&pair.ca.issuing));
    assert_eq!(issued.trusted, *std::slice::from_ref(&pair.ca.root));
    assert_eq!((pair.ca.issued(), pair.service.issued()), (1, 1));
    pair.service.program.log_has("Response type is: INIT_REP");
}

#[test]
fn an_entry_as_certservice_has_it_without_any_root_is_enough_for_a_ca_that_shows_its_own() {
    let ca = EmbeddedCa::start();
    let service = Service::with(&[ca.entry("RA")]);
    let issued = Certificates::of(&request().get(&service.client, ENROLL));
    assert_eq!(issued.trusted, *std::slice::from_ref(&ca.root));
}

#[test]
fn a_certificate_whose_root_nobody_knows_is_given_back_to_the_ca_and_not_passed_on() {
    let ca = EmbeddedCa::start();
    let service = Service::with(&[ca.entry("RA")]);
    let old = Certificates::of(&request().get(&service.client, ENROLL));
    // The CA shows its root with a first certificate and, as RFC 9483 has it, not with an update.
    let update = Request::for_names(SUBJECT, &NAMES, &Keys::ec())
        .replacing(&old.concatenated(), &Keys::rsa());
    let answer = update.get(&service.client, UPDATE);
    assert_eq!(answer.status, 500, "{}", answer.text());
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("Exception occurred during call to cmp client: "),
        "{message}"
    );
    assert_eq!((ca.issued(), ca.revoked()), (2, 1));
}

#[test]
fn names_of_all_kinds_reach_the_ca() {
    let pair = Pair::start();
    let names = [
        "dns:onap.org",
        "dns:test.onap.org",
        "dns:onap.com",
        "email:onap@onap.org",
        "ip:127.0.0.1",
        "ip:2001:db8::1",
        "uri:onap://cluster.local/",
    ];
    let request = Request::for_names(SUBJECT, &names, &Keys::rsa());
    let issued = Certificates::of(&request.get(&pair.service.client, ENROLL));
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let text = |names: &[pki::GeneralName]| sorted(names.iter().map(ToString::to_string).collect());
    assert_eq!(
        text(issued.leaf().sans()),
        text(&proto_tests::certs::sans(&names))
    );
}

#[test]
fn the_same_subject_and_names_go_out_as_a_key_update() {
    let pair = Pair::start();
    let old = Certificates::of(&request().get(&pair.service.client, ENROLL));
    for key in [Keys::rsa3072(), Keys::ec(), Keys::rsa()] {
        let update =
            Request::for_names(SUBJECT, &NAMES, &key).replacing(&old.concatenated(), &Keys::rsa());
        let issued = Certificates::of(&update.get(&pair.service.client, UPDATE));
        assert_eq!(issued.leaf().public_key(), key.public_key());
        assert_eq!(issued.trusted, *std::slice::from_ref(&pair.ca.root));
    }
    pair.service.program.log_has("Preparing Key Update Request");
    pair.service
        .program
        .log_has("Response type is: KEY_UPDATE_REP");
    assert_eq!(pair.ca.issued(), 4);
}

#[test]
fn another_subject_or_other_names_go_out_as_a_certification_request() {
    let pair = Pair::start();
    let old = Certificates::of(&request().get(&pair.service.client, ENROLL));
    let others = [
        Request::for_names(
            "C=US,O=Linux-Foundation,CN=new-onap.org",
            &NAMES,
            &Keys::ec(),
        ),
        Request::for_names(SUBJECT, &["dns:new.onap.org"], &Keys::ec()),
    ];
    for other in others {
        let update = other.replacing(&old.concatenated(), &Keys::rsa());
        Certificates::of(&update.get(&pair.service.client, UPDATE));
    }
    pair.service
        .program
        .log_has("Preparing Certification Request");
    pair.service.program.log_has("Response type is: CERT_REP");
    assert_eq!(pair.ca.issued(), 3);
}

#[test]
fn an_update_with_the_wrong_old_key_fails_with_500_and_the_ca_issues_nothing() {
    let pair = Pair::start();
    let old = Certificates::of(&request().get(&pair.service.client, ENROLL));
    let update = Request::for_names(SUBJECT, &NAMES, &Keys::ec())
        .replacing(&old.concatenated(), &Keys::rsa3072());
    let answer = update.get(&pair.service.client, UPDATE);
    assert_eq!(answer.status, 500, "{}", answer.text());
    pair.service.program.log_has("Preparing Key Update Request");
    assert_eq!(pair.ca.issued(), 1);
}

#[test]
fn a_key_update_of_a_certificate_of_another_ca_is_refused_in_certservices_words() {
    let pair = Pair::start();
    let stranger = proto_tests::Issuer::root("CN=Somebody else's CA").identity_of(
        Keys::rsa(),
        SUBJECT,
        &NAMES,
    );
    let update = Request::for_names(SUBJECT, &NAMES, &Keys::ec())
        .replacing(&stranger.chain_pem(), &Keys::rsa());
    let answer = update.get(&pair.service.client, UPDATE);
    assert_eq!(answer.status, 500, "{}", answer.text());
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("CMPv2 server returned following error: "),
        "{message}"
    );
    assert_eq!(pair.ca.issued(), 0);
}

#[test]
fn a_secret_the_ca_does_not_know_is_answered_in_certservices_words() {
    let ca = EmbeddedCa::start();
    for member in ["iak", "rv"] {
        let mut entry = ca.entry("RA");
        entry["authentication"][member] = "nobody-knows-this".into();
        let service = Service::with(&[entry]);
        let answer = request().get(&service.client, ENROLL);
        assert_eq!(answer.status, 500, "{member}: {}", answer.text());
        let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("CMPv2 server returned following error: "),
            "{member}: {message}"
        );
        assert_log_keeps_secrets(&service, &["nobody-knows-this"]);
    }
    assert_eq!(ca.issued(), 0);
}

#[test]
fn two_entries_with_the_same_ca_behind_them_are_two_names() {
    let pair = Pair::start();
    Certificates::of(&request().get(&pair.service.client, ENROLL));
    Certificates::of(&request().get(&pair.service.client, "/v1/certificate/Client"));
    assert_eq!(pair.ca.issued(), 2);
}

#[test]
fn neither_secrets_nor_keys_stand_in_any_log() {
    let pair = Pair::start();
    let key = Keys::rsa();
    let old = Certificates::of(&request().get(&pair.service.client, ENROLL));
    let update =
        Request::for_names(SUBJECT, &NAMES, &Keys::rsa3072()).replacing(&old.concatenated(), &key);
    Certificates::of(&update.get(&pair.service.client, UPDATE));
    let logs = pair.service.log() + &pair.ca.program.output().text();
    let keys = [
        proto_tests::certs::pkcs8_pem(&key),
        proto_tests::certs::traditional_pem(&key),
    ];
    for pem in &keys {
        let line = pem.lines().nth(3).unwrap();
        assert!(!logs.contains(line) && !logs.contains(&proto_tests::v1::base64(pem)[80..160]));
    }
    assert!(!logs.contains(ca::SECRET) && !logs.contains(&hex::encode(ca::SECRET)));
}

#[test]
fn clients_at_the_same_time_each_get_their_own() {
    let pair = Pair::start();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let client = &pair.service.client;
            scope.spawn(move || {
                let (key, subject) = (Keys::ec(), format!("CN=client {n}"));
                let issued =
                    Certificates::of(&Request::for_names(&subject, &[], &key).get(client, ENROLL));
                assert_eq!(issued.leaf().subject(), &proto_tests::certs::dn(&subject));
                assert_eq!(issued.leaf().public_key(), key.public_key());
            });
        }
    });
    assert_eq!(pair.ca.issued(), 16);
}

#[test]
fn the_same_request_from_many_at_once_gets_one_certificate() {
    let pair = Pair::start();
    let request = request();
    let all: Vec<Certificates> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Certificates::of(&request.get(&pair.service.client, ENROLL))))
            .collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|issued| issued.leaf() == all[0].leaf()));
    assert_eq!(pair.ca.issued(), 1);
}
