//! A CSR in each form, by each kind of caller, and what comes back.

use proto_tests::scripted::{Habits, ScriptedCa};
use proto_tests::{EmbeddedCa, Keys, peer};

use super::*;

#[test]
fn a_csr_in_pem_der_or_json_gets_leaf_chain_and_roots() {
    let ca = EmbeddedCa::start();
    let native = before(&ca);
    let client = client(&native);
    let key = Keys::ec();
    let request = csr_of(SUBJECT, &NAMES, &key);
    let json = json!({ "csr": request.to_pem() }).to_string();
    let pem = request.to_pem();
    for (media_type, body) in [
        ("application/pkcs10", request.der().as_ref()),
        ("application/x-pem-file", pem.as_bytes()),
        (JSON, json.as_bytes()),
    ] {
        let answer = client.post(CERTIFICATES, media_type, body);
        assert_eq!(answer.status, 201, "{media_type}: {}", answer.text());
        let issued = issued(&answer);
        assert_eq!(issued.leaf.public_key(), key.public_key());
        assert_eq!(issued.leaf.subject(), &dn(SUBJECT));
        assert_eq!(issued.leaf.sans(), sans(&NAMES));
        assert_eq!(issued.chain, std::slice::from_ref(&ca.issuing));
        assert_eq!(issued.roots, std::slice::from_ref(&ca.root));
        assert_eq!(issued.body["kind"], "p10cr");
        assert_eq!(issued.body["changes"], json!([]));
        let not_after = issued.body["notAfter"].as_str().unwrap();
        assert_eq!(not_after, issued.leaf.not_after().to_string());
        let location = answer.header("location").unwrap();
        let again = client.get(location, &[]);
        assert_eq!((again.status, &again.body), (200, &answer.body));
    }
    assert_eq!(native.issued(), 3, "each call is one more");
}

#[test]
fn a_pem_chain_is_had_for_the_asking_and_openssl_verifies_it() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let native = before(&ca);
    let accept = [("Accept", "application/pem-certificate-chain")];
    let answer = post_with(&client(&native), CERTIFICATES, &accept, &asked(&json!({})));
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.media_type(), "application/pem-certificate-chain");
    native.setup.write("chain.pem", &answer.body);
    native.setup.write("root.pem", ca.root.to_pem());
    let verified = peer::run(
        "openssl",
        native.setup.folder(),
        &[
            "verify",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "chain.pem",
            "chain.pem",
        ],
    );
    assert!(verified.contains("OK"), "{verified}");
}

#[test]
fn duration_and_usages_are_asked_of_a_ca_that_takes_our_word() {
    let ca = EmbeddedCa::start();
    let takes = "takes = { ra_verified = true }";
    let native = Native::before_with(&ca.url(), &ca.root, takes, "", "");
    let body = asked(&json!({ "duration": "P2D", "usages": ["digital signature", "client auth"] }));
    let issued = issued(&post(&client(&native), CERTIFICATES, &body));
    let life = issued
        .leaf
        .not_after()
        .duration_since(issued.leaf.not_before());
    let hours = life.as_hours();
    assert!((47..=49).contains(&hours), "{hours} hours");
    assert_eq!(
        issued.leaf.ext_key_usage(),
        Some(&[pki::usage::CLIENT_AUTH][..])
    );
    assert_eq!(issued.body["kind"], "ir", "a PKCS#10 cannot say this");
    assert_eq!(issued.body["changes"], json!([]));
}

#[test]
fn what_the_ca_changed_is_listed() {
    let ca = ScriptedCa::start(Habits::default());
    let takes = "takes = { ra_verified = true }";
    let native = Native::before_with(&ca.url(), &ca.root, takes, "", "");
    // This CA gives thirty days whatever is asked for.
    let body = asked(&json!({ "duration": "P1D" }));
    let issued = issued(&post(&client(&native), CERTIFICATES, &body));
    let changes = issued.body["changes"].as_array().unwrap();
    let named: Vec<&str> = changes
        .iter()
        .map(|change| change["field"].as_str().unwrap())
        .collect();
    assert!(named.contains(&"notAfter"), "{changes:?}");
    let after = changes.iter().find(|change| change["field"] == "notAfter");
    let given = after.unwrap()["issued"].as_str().unwrap();
    assert_eq!(given, issued.leaf.not_after().to_string());
}

#[test]
fn a_profile_is_chosen_by_name_among_those_of_the_label() {
    let setup = NativeSetup::new();
    let config = setup.local_authority()
        + &setup.label("", "").replace(
            "profile = \"any\"",
            "profile = \"any\"\nprofiles = [\"any\", \"short\"]",
        )
        + "[profiles.short]\nauthority = \"ca\"\nvalidity = \"2d\"\n";
    let native = setup.start(&config);
    let body = asked(&json!({ "profile": "short" }));
    let issued = issued(&post(&client(&native), CERTIFICATES, &body));
    let life = issued
        .leaf
        .not_after()
        .duration_since(issued.leaf.not_before());
    assert!(life.as_hours() <= 49, "{life}");
    let unknown = asked(&json!({ "profile": "long" }));
    problem(
        &post(&client(&native), CERTIFICATES, &unknown),
        422,
        "unknown-profile",
    );
}

#[test]
fn a_bearer_token_does_for_a_certificate_and_nothing_else_does() {
    let native = local();
    let nobody = native.rest(None);
    let bearer = |token: &str| format!("Bearer {token}");
    let answer = post_with(
        &nobody,
        CERTIFICATES,
        &[("Authorization", &bearer(TOKEN))],
        &asked(&json!({})),
    );
    issued(&answer);
    for fields in [
        vec![],
        vec![("Authorization", bearer("another"))],
        vec![("Authorization", "Basic dTpw".to_owned())],
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let answer = post_with(&nobody, CERTIFICATES, &fields, &asked(&json!({})));
        problem(&answer, 401, "unauthenticated");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
    }
    assert_eq!(native.issued(), 1);
    assert!(!native.log().contains(TOKEN), "a secret is in the log");
}

#[test]
fn whom_the_label_does_not_name_it_does_not_serve() {
    let setup = NativeSetup::new();
    let label = setup.label("", "").replace(
        "[labels.RA]\n",
        "[labels.RA]\nrequesters = [\"dns:client.example\"]\n",
    );
    let config = setup.local_authority() + &label;
    let native = setup.start(&config);
    let other = native.rest(Some(&native.setup.pki.other_client));
    issued(&post(&client(&native), CERTIFICATES, &asked(&json!({}))));
    problem(
        &post(&other, CERTIFICATES, &asked(&json!({}))),
        403,
        "not-authorized",
    );
    let foreign = native.rest(Some(&native.setup.pki.foreign_client));
    let refused = foreign.try_request("GET", TRUST, &[], b"");
    assert!(refused.is_err(), "TLS takes no stranger: {refused:?}");
}

#[test]
fn the_contract_is_served_as_openapi_3_1() {
    let native = local();
    let contract = client(&native).get("/v2/openapi.json", &[]).json();
    assert!(contract["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in [
        "/v2/{ca}/certificates",
        "/v2/{ca}/certificates/{id}",
        "/v2/{ca}/revocations",
        "/v2/{ca}/trust",
    ] {
        assert!(contract["paths"][path].is_object(), "{path}");
    }
}
