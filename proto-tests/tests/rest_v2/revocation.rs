//! Revocation: by whom, and twice.

use proto_tests::EmbeddedCa;

use super::*;

#[test]
fn the_owner_revokes_and_the_ca_knows() {
    let ca = EmbeddedCa::start();
    let native = before(&ca);
    let one = issued(&post(&client(&native), CERTIFICATES, &asked(&json!({}))));
    let body = json!({ "certificate": one.leaf.to_pem(), "reason": "keyCompromise" });
    let mine = [("Idempotency-Key", "revoke")];
    let answer = post_with(&client(&native), REVOCATIONS, &mine, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["status"], "revoked");
    assert!(ca.is_revoked(&one.leaf));
    let again = post_with(&client(&native), REVOCATIONS, &mine, &body);
    assert_eq!((again.status, again.body), (200, answer.body));
    let another = problem(
        &post(&client(&native), REVOCATIONS, &body),
        409,
        "already-revoked",
    );
    assert_eq!(another["failInfo"], json!(["certRevoked"]));
}

#[test]
fn a_stranger_learns_nothing_and_revokes_nothing() {
    let ca = EmbeddedCa::start();
    let native = before(&ca);
    let one = issued(&post(&client(&native), CERTIFICATES, &asked(&json!({}))));
    let other = native.rest(Some(&native.setup.pki.other_client));
    let issuer = pki::name::onap::display(one.leaf.issuer());
    let details = [one.body["serial"].as_str().unwrap(), "01"].map(|serial| {
        let body = json!({ "issuer": issuer, "serial": serial });
        problem(&post(&other, REVOCATIONS, &body), 403, "not-authorized")["detail"].clone()
    });
    assert_eq!(details[0], details[1]);
    assert!(!ca.is_revoked(&one.leaf));
    let body = json!({ "issuer": issuer, "serial": one.body["serial"] });
    assert_eq!(post(&client(&native), REVOCATIONS, &body).status, 200);
    assert!(ca.is_revoked(&one.leaf));
}
