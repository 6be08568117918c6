//! Successors: whose they may be, and what the CA is sent.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pki::PrivateKey;
use proto_tests::scripted::{Habits, ScriptedCa};
use proto_tests::{EmbeddedCa, Identity, Keys};

use super::*;

/// A certificate of the client's, with its key.
fn old(native: &Native) -> (Identity, Issued) {
    let key = Keys::ec();
    let body = json!({ "csr": csr_of(SUBJECT, &NAMES, &key).to_pem() });
    let first = issued(&post(&client(native), CERTIFICATES, &body));
    let mut chain = vec![first.leaf.clone()];
    chain.extend(first.chain.iter().cloned());
    (Identity { key, chain }, first)
}

fn with_proof(old: &Identity, signer: &PrivateKey) -> Value {
    let new = csr();
    let signature = signer.sign_now(new.der()).unwrap();
    json!({ "csr": new.to_pem(), "replaces": {
        "certificate": old.certificate().to_pem(),
        "proof": { "algorithm": "ecdsa-sha256", "signature": BASE64_STANDARD.encode(signature) },
    }})
}

#[test]
fn over_mtls_with_the_old_certificate_no_other_proof_is_needed() {
    let ca = EmbeddedCa::start();
    let setup = NativeSetup::new();
    let config = setup.cmp_authority(&ca.url(), &ca.root, "") + &setup.label("", "");
    let trusted = setup.pki.root.certificate.to_pem() + &ca.root.to_pem();
    setup.write("clients.pem", trusted);
    let native = setup.start(&config);
    let (old, _) = old(&native);
    let body = asked(&json!({ "replaces": { "certificate": old.certificate().to_pem() } }));
    let renewed = issued(&post(&native.rest(Some(&old)), CERTIFICATES, &body));
    assert_ne!(renewed.leaf, *old.certificate());
    assert_eq!(
        renewed.body["kind"], "p10cr",
        "this CA takes no word of ours"
    );
    // Who holds but the old certificate gains no name by it.
    let more = csr_of(
        SUBJECT,
        &["dns:web.example", "dns:bank.example"],
        &Keys::ec(),
    );
    let body =
        json!({ "csr": more.to_pem(), "replaces": { "certificate": old.certificate().to_pem() } });
    let refused = problem(
        &post(&native.rest(Some(&old)), CERTIFICATES, &body),
        422,
        "name-not-allowed",
    );
    assert!(refused["detail"].as_str().unwrap().contains("bank.example"));
}

#[test]
fn a_signature_with_the_old_key_proves_it_as_well_and_nothing_else_does() {
    let native = local();
    let (old, _) = old(&native);
    let renewed = issued(&post(
        &client(&native),
        CERTIFICATES,
        &with_proof(&old, &old.key),
    ));
    assert_eq!(renewed.leaf.subject(), old.certificate().subject());
    for body in [
        with_proof(&old, &Keys::ec()),
        asked(&json!({ "replaces": { "certificate": old.certificate().to_pem() } })),
    ] {
        problem(
            &post(&client(&native), CERTIFICATES, &body),
            403,
            "not-authorized",
        );
    }
    assert_eq!(native.issued(), 2);
}

#[test]
fn a_ca_that_lets_us_act_on_behalf_is_sent_a_kur_and_another_a_cr() {
    let ca = ScriptedCa::start(Habits::default());
    for (takes, kind) in [
        (
            "takes = { ra_verified = true, kur_on_behalf = true }",
            "kur",
        ),
        ("takes = { ra_verified = true, p10cr = false }", "cr"),
        ("", "p10cr"),
    ] {
        let native = Native::before_with(&ca.url(), &ca.root, takes, "", "");
        let (old, _) = old(&native);
        let body = with_proof(&old, &old.key);
        let renewed = issued(&post(&client(&native), CERTIFICATES, &body));
        assert_eq!(renewed.body["kind"], kind, "{takes}");
    }
}
