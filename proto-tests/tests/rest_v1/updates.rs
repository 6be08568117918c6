//! Updates: key update or one more certificate, decided by subject and names alone.

use proto_tests::certs::{pkcs8_pem, traditional_pem};
use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE, assert_error, base64};
use proto_tests::{EmbeddedCa, Keys, Service};

use crate::{BAD_CERTIFICATE, Pair, SUBJECT, request};

const KEY_UPDATE: &str = "Certificate Signing Request and Old Certificate have the same parameters. Preparing Key Update Request";
const CERTIFICATION: &str = "Certificate Signing Request and Old Certificate have different parameters. Preparing Certification Request";

/// A service, its CA, and a certificate of `subject` and `names` for [`Keys::rsa`].
struct Held {
    service: Service,
    ca: EmbeddedCa,
    old: Certificates,
}

impl Held {
    fn of(subject: &str, names: &[&str]) -> Self {
        let Pair { service, ca } = Pair::start();
        let first = Request::for_names(subject, names, &Keys::rsa());
        let old = Certificates::of(&first.get(&service.client, ENROLL));
        Self { service, ca, old }
    }

    /// An update to that subject and those names with a new key; the log has to say which way it goes.
    #[track_caller]
    fn update(&self, subject: &str, names: &[&str], sentence: &str) -> Certificates {
        let mark = self.service.program.output().mark();
        let key = Keys::ec();
        let update = Request::for_names(subject, names, &key)
            .replacing(&self.old.concatenated(), &Keys::rsa());
        let issued = Certificates::of(&update.get(&self.service.client, UPDATE));
        assert_eq!(issued.leaf().public_key(), key.public_key());
        assert_ne!(issued.leaf(), self.old.leaf());
        self.service.program.log_has_since(mark, sentence);
        issued
    }
}

#[test]
fn the_same_subject_and_names_are_a_key_update() {
    let held = Held::of(SUBJECT, &["dns:onap.org", "ip:10.0.0.1"]);
    held.update(SUBJECT, &["dns:onap.org", "ip:10.0.0.1"], KEY_UPDATE);
    held.service
        .program
        .log_has("Received certificate update request for CA named: RA");
}

#[test]
fn the_order_of_the_subjects_parts_does_not_count() {
    let held = Held::of("CN=onap.org,O=Linux-Foundation,C=US", &[]);
    held.update("C=US,O=Linux-Foundation,CN=onap.org", &[], KEY_UPDATE);
}

#[test]
fn case_and_repeated_blanks_in_the_subject_do_not_count() {
    let held = Held::of("C=US,O=Linux  Foundation,CN=onap.org", &[]);
    held.update("C=US,O=LINUX Foundation,CN=ONAP.org", &[], KEY_UPDATE);
}

#[test]
fn the_order_of_names_does_not_count() {
    let held = Held::of(SUBJECT, &["dns:a.org", "dns:b.org", "email:a@a.org"]);
    held.update(
        SUBJECT,
        &["email:a@a.org", "dns:b.org", "dns:a.org"],
        KEY_UPDATE,
    );
}

#[test]
fn no_names_are_the_same_as_no_names() {
    let held = Held::of(SUBJECT, &[]);
    held.update(SUBJECT, &[], KEY_UPDATE);
}

#[test]
fn another_subject_is_a_certification_request() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    for subject in [
        "C=US,O=Linux-Foundation,OU=ONAP,CN=new-onap.org",
        "CN=onap.org",
    ] {
        held.update(subject, &["dns:onap.org"], CERTIFICATION);
    }
}

#[test]
fn other_names_are_a_certification_request() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let others: [&[&str]; 5] = [
        &[],
        &["dns:test.onap.org"],
        &["dns:onap.org", "dns:test.onap.org"],
        &["email:onap.org"],
        // Names in a certificate are compared octet by octet.
        &["dns:ONAP.org"],
    ];
    for names in others {
        held.update(SUBJECT, names, CERTIFICATION);
    }
}

#[test]
fn the_same_key_once_more_is_still_a_key_update() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let mark = held.service.program.output().mark();
    let update = Request::for_names(SUBJECT, &["dns:onap.org"], &Keys::rsa())
        .replacing(&held.old.concatenated(), &Keys::rsa());
    let issued = Certificates::of(&update.get(&held.service.client, UPDATE));
    assert_eq!(issued.leaf().public_key(), held.old.leaf().public_key());
    held.service.program.log_has_since(mark, KEY_UPDATE);
}

#[test]
fn an_old_certificate_may_stand_alone_or_lead_its_chain_in_any_line_ends() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let (leaf, chain) = (held.old.leaf().to_pem(), held.old.concatenated());
    let texts = [
        leaf.clone(),
        chain.clone(),
        chain.replace('\n', "\r\n"),
        leaf.trim_end().to_owned(),
        format!("Bag Attributes\n    friendlyName: onap\nsubject=CN = onap.org\n\n{chain}"),
    ];
    for text in texts {
        let update = Request::for_names(SUBJECT, &["dns:onap.org"], &Keys::ec())
            .replacing(&text, &Keys::rsa());
        Certificates::of(&update.get(&held.service.client, UPDATE));
    }
}

#[test]
fn an_old_key_may_be_pkcs1_as_cert_manager_stores_it_or_pkcs8() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    for pem in [traditional_pem(&Keys::rsa()), pkcs8_pem(&Keys::rsa())] {
        let update = Request::for_names(SUBJECT, &["dns:onap.org"], &Keys::ec())
            .replacing(&held.old.concatenated(), &Keys::rsa())
            .with("OLD_PK", base64(pem));
        Certificates::of(&update.get(&held.service.client, UPDATE));
    }
}

#[test]
fn a_key_update_with_another_key_than_the_old_certificates_fails_with_500_and_issues_nothing() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let update = Request::for_names(SUBJECT, &["dns:onap.org"], &Keys::ec())
        .replacing(&held.old.concatenated(), &Keys::rsa3072());
    let answer = update.get(&held.service.client, UPDATE);
    assert_eq!(answer.status, 500, "{}", answer.text());
    let message = answer.json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("Exception occurred during call to cmp client: "),
        "{message}"
    );
    held.service.program.log_has(KEY_UPDATE);
    assert_eq!(held.ca.issued(), 1);
}

#[test]
fn a_certification_request_does_not_need_the_old_key_to_fit() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let update = Request::for_names("CN=other", &[], &Keys::ec())
        .replacing(&held.old.concatenated(), &Keys::rsa3072());
    Certificates::of(&update.get(&held.service.client, UPDATE));
}

#[test]
fn a_csr_or_a_key_in_place_of_the_old_certificate_is_a_wrong_certificate() {
    let held = Held::of(SUBJECT, &["dns:onap.org"]);
    let update = request().replacing(&held.old.concatenated(), &Keys::rsa());
    for other in ["CSR", "PK"] {
        let update = update.clone().with("OLD_CERT", update.value(other));
        assert_error(
            &update.get(&held.service.client, UPDATE),
            400,
            BAD_CERTIFICATE,
        );
    }
    let update = update.clone().with("OLD_PK", update.value("OLD_CERT"));
    assert_error(
        &update.get(&held.service.client, UPDATE),
        400,
        BAD_CERTIFICATE,
    );
    assert_eq!(held.ca.issued(), 1);
}
