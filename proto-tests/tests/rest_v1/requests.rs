//! What a request may look like and still be right: encodings, labels, kinds of keys, names, extensions.

use pki::{Csr, GeneralName, KeyKind, PrivateKey, Template, usage};
use proto_tests::certs::{dn, inner_der, pkcs8_pem, traditional_pem};
use proto_tests::v1::{Certificates, ENROLL, Request, base64, csr};
use proto_tests::{Keys, Service, peer};

use crate::{NAMES, SUBJECT, request};

#[test]
fn a_key_is_taken_as_pkcs1_or_pkcs8_whatever_its_label_says() {
    let service = Service::over_its_own_ca();
    let key = Keys::rsa();
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let pkcs1 = inner_der(&key);
    let forms: [(&str, &[u8]); 6] = [
        ("RSA PRIVATE KEY", &pkcs1),
        ("PRIVATE KEY", &pkcs8),
        ("RSA PRIVATE KEY", &pkcs8),
        ("PRIVATE KEY", &pkcs1),
        ("EC PRIVATE KEY", &pkcs1),
        ("WHATEVER ELSE", &pkcs8),
    ];
    for (label, der) in forms {
        let request = request().with("PK", base64(pki::pem::encode(label, der)));
        Certificates::of(&request.get(&service.client, ENROLL));
    }
}

#[test]
fn a_csrs_label_does_not_matter_either() {
    let service = Service::over_its_own_ca();
    let pem = csr(SUBJECT, &NAMES, &Keys::rsa());
    for label in ["NEW CERTIFICATE REQUEST", "CERTIFICATE", "X"] {
        let pem = pem.replace("CERTIFICATE REQUEST", label);
        let request = request().with("CSR", base64(pem));
        Certificates::of(&request.get(&service.client, ENROLL));
    }
}

#[test]
fn only_the_first_pem_block_counts() {
    let service = Service::over_its_own_ca();
    let (key, other) = (Keys::rsa(), Keys::ec());
    let csrs = csr(SUBJECT, &NAMES, &key) + &csr("CN=second", &[], &other);
    let keys = traditional_pem(&key) + &traditional_pem(&other);
    let request = Request::default()
        .with("CSR", base64(csrs))
        .with("PK", base64(keys));
    let issued = Certificates::of(&request.get(&service.client, ENROLL));
    assert_eq!(issued.leaf().public_key(), key.public_key());
}

#[test]
fn text_before_a_block_carriage_returns_and_a_missing_last_newline_are_taken() {
    let service = Service::over_its_own_ca();
    let key = Keys::rsa();
    let (csr, pk) = (csr(SUBJECT, &NAMES, &key), pkcs8_pem(&key));
    let changes: [fn(&str) -> String; 4] = [
        |pem| format!("Bag Attributes\n    localKeyID: 01\nKey Attributes: <No Attributes>\n{pem}"),
        |pem| pem.replace('\n', "\r\n"),
        |pem| pem.trim_end().to_owned(),
        |pem| format!("\n\n{pem}\n\n"),
    ];
    for change in changes {
        let request = Request::default()
            .with("CSR", base64(change(&csr)))
            .with("PK", base64(change(&pk)));
        Certificates::of(&request.get(&service.client, ENROLL));
    }
}

#[test]
fn base64_may_come_without_its_padding() {
    let service = Service::over_its_own_ca();
    let mut request = request();
    // Some text length gives padding; two newlines more make sure that one of the three does.
    for extra in ["", "\n", "\n\n"] {
        let padded = base64(csr(SUBJECT, &NAMES, &Keys::rsa()) + extra);
        request = request.with("CSR", padded.trim_end_matches('='));
        Certificates::of(&request.get(&service.client, ENROLL));
    }
}

#[test]
fn ec_and_ed25519_keys_are_taken_too() {
    let service = Service::over_its_own_ca();
    for kind in [
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::Ed25519,
    ] {
        let key = PrivateKey::generate(kind).unwrap();
        let request = Request::default()
            .with("CSR", base64(csr("CN=ec", &[], &key)))
            .with("PK", base64(pkcs8_pem(&key)));
        let issued = Certificates::of(&request.get(&service.client, ENROLL));
        assert_eq!(issued.leaf().public_key(), key.public_key(), "{kind:?}");
    }
}

#[test]
fn subject_and_key_are_certified_as_they_are_encoded_in_the_csr() {
    let service = Service::over_its_own_ca();
    let subject = "UID=7,CN=onap.org,O=Linux-Foundation,C=US,DC=org";
    let key = Keys::rsa();
    let request = Request::for_names(subject, &[], &key);
    let issued = Certificates::of(&request.get(&service.client, ENROLL));
    assert_eq!(issued.leaf().subject(), &dn(subject));
    assert_eq!(issued.leaf().public_key(), key.public_key());
}

#[test]
fn names_of_every_documented_kind_are_certified() {
    let service = Service::over_its_own_ca();
    let names = [
        "dns:onap.org",
        "dns:*.onap.org",
        "dns:localhost",
        "ip:10.1.2.3",
        "ip:2001:db8::1",
        "email:onap@onap.org",
        "uri:onap://cluster.local/",
        "rid:1.2.3.4",
        "dirname:O=ONAP,CN=directory",
    ];
    let request = Request::for_names(SUBJECT, &names, &Keys::rsa());
    let issued = Certificates::of(&request.get(&service.client, ENROLL));
    let text = |names: &[GeneralName]| -> Vec<String> {
        let mut texts: Vec<_> = names.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    assert_eq!(
        text(issued.leaf().sans()),
        text(&proto_tests::certs::sans(&names))
    );
}

#[test]
fn a_csr_without_names_gets_a_certificate_without_names() {
    let service = Service::over_its_own_ca();
    let request = Request::for_names(SUBJECT, &[], &Keys::rsa());
    assert!(
        Certificates::of(&request.get(&service.client, ENROLL))
            .leaf()
            .sans()
            .is_empty()
    );
}

#[test]
fn other_extensions_a_csr_asks_for_are_dropped_even_a_ca_certificate() {
    let service = Service::over_its_own_ca();
    let key = Keys::rsa();
    let mut template = Template::new(dn(SUBJECT), key.public_key().clone());
    template.ext_key_usage = vec![usage::CODE_SIGNING, usage::CMC_RA];
    template.ca = Some(pki::CaConstraint { path_len: None });
    template.key_usage = Some(pki::KeyUsages::KEY_CERT_SIGN);
    let pem = Csr::build(&template, &key).unwrap().to_pem();
    let issued = Certificates::of(&Request::new(&pem, &key).get(&service.client, ENROLL));
    let leaf = issued.leaf();
    assert!(!leaf.is_ca());
    assert!(
        !leaf
            .key_usage()
            .unwrap()
            .contains(pki::KeyUsages::KEY_CERT_SIGN)
    );
    let usages = leaf.ext_key_usage().unwrap_or_default();
    assert!(!usages.contains(&usage::CODE_SIGNING) && !usages.contains(&usage::CMC_RA));
}

#[test]
fn openssls_csr_with_a_challenge_password_before_its_extensions_keeps_its_names() {
    if peer::missing("openssl") {
        return;
    }
    let service = Service::over_its_own_ca();
    service.setup.write("client.key", pkcs8_pem(&Keys::rsa()));
    service.setup.write(
        "req.cnf",
        "[req]\nprompt=no\ndistinguished_name=dn\nattributes=attributes\nreq_extensions=extensions\n\
         [dn]\nC=US\nO=Linux-Foundation\nCN=onap.org\n[attributes]\nchallengePassword=change-it\n\
         [extensions]\nsubjectAltName=DNS:onap.org,email:a@onap.org,IP:10.0.0.1\n",
    );
    let pem = peer::run(
        "openssl",
        service.setup.folder(),
        &[
            "req",
            "-new",
            "-key",
            "client.key",
            "-config",
            "req.cnf",
            "-text",
        ],
    );
    let issued = Certificates::of(&Request::new(&pem, &Keys::rsa()).get(&service.client, ENROLL));
    assert_eq!(issued.leaf().sans().len(), 3);
}

#[test]
fn a_csr_with_a_challenge_password_and_no_names_is_taken() {
    if peer::missing("openssl") {
        return;
    }
    let service = Service::over_its_own_ca();
    service.setup.write("client.key", pkcs8_pem(&Keys::rsa()));
    service.setup.write(
        "req.cnf",
        "[req]\nprompt=no\ndistinguished_name=dn\nattributes=attributes\n[dn]\nCN=onap.org\n\
         [attributes]\nchallengePassword=change-it\n",
    );
    let pem = peer::run(
        "openssl",
        service.setup.folder(),
        &["req", "-new", "-key", "client.key", "-config", "req.cnf"],
    );
    let issued = Certificates::of(&Request::new(&pem, &Keys::rsa()).get(&service.client, ENROLL));
    assert!(issued.leaf().sans().is_empty());
}

#[test]
fn the_same_request_sent_again_at_once_is_a_retry_and_gets_the_same_certificate() {
    let service = Service::over_its_own_ca();
    let first = Certificates::of(&request().get(&service.client, ENROLL));
    let again = Certificates::of(&request().get(&service.client, ENROLL));
    assert_eq!(first.leaf(), again.leaf());
    assert_eq!(service.issued(), 1);
}

#[test]
fn the_same_csr_of_another_client_is_another_request() {
    let service = Service::over_its_own_ca();
    let other = service.setup.client(Some(&service.setup.pki.other_client));
    let first = Certificates::of(&request().get(&service.client, ENROLL));
    let second = Certificates::of(&request().get(&other, ENROLL));
    assert_ne!(first.leaf(), second.leaf());
    assert_eq!(service.issued(), 2);
}
