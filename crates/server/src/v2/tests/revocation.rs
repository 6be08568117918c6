use jiff::SignedDuration;
use ra::memory::Script;

use super::*;

async fn enrolled(bench: &Bench) -> (Issued, Certificate) {
    let issued = issued(&bench.send(CERTIFICATES, &asked(&json!({}))).await);
    let leaf = Certificate::from_pem(issued.certificate.as_bytes()).unwrap();
    (issued, leaf)
}

#[tokio::test]
async fn the_owner_revokes_by_certificate() {
    let bench = Bench::new().await;
    let (issued, leaf) = enrolled(&bench).await;
    let body = json!({ "certificate": issued.certificate, "reason": "keyCompromise" });
    let called = bench.send(REVOCATIONS, &body).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
    assert_eq!(called.json()["status"], "revoked");
    assert_eq!(bench.ca.revoked(), [leaf.id()]);
}

#[tokio::test]
async fn the_owner_revokes_by_issuer_and_serial_as_shown() {
    let bench = Bench::new().await;
    let (issued, leaf) = enrolled(&bench).await;
    let issuer = pki::name::onap::display(leaf.issuer()).to_uppercase();
    let body = json!({ "issuer": issuer, "serial": issued.serial });
    let called = bench.send(REVOCATIONS, &body).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
    assert_eq!(bench.ca.revoked(), [leaf.id()]);
}

#[tokio::test]
async fn a_certificate_revokes_itself_over_mtls() {
    let bench = Bench::new().await;
    let (issued, leaf) = enrolled(&bench).await;
    let body = json!({ "certificate": issued.certificate });
    let request = post(REVOCATIONS, &body).body(Body::from(body.to_string()));
    assert_eq!(
        bench.by(&leaf, request.unwrap()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn whoever_is_not_the_owner_hears_the_same_of_real_and_made_up_certificates() {
    let bench = Bench::new().await;
    let (issued, leaf) = enrolled(&bench).await;
    let bob = bob().await;
    let issuer = pki::name::onap::display(leaf.issuer());
    let mut details = Vec::new();
    for serial in [issued.serial.as_str(), "01"] {
        let body = json!({ "issuer": issuer, "serial": serial });
        let request = post(REVOCATIONS, &body).body(Body::from(body.to_string()));
        let called = bench.by(&bob, request.unwrap()).await;
        assert_eq!(slug(&called), ProblemSlug::NotAuthorized);
        details.push(problem(&called).detail);
    }
    assert_eq!(details[0], details[1]);
    assert!(bench.ca.revoked().is_empty());
}

#[tokio::test]
async fn what_is_revoked_is_not_revoked_again_but_under_the_same_key() {
    let bench = Bench::new().await;
    let (issued, _) = enrolled(&bench).await;
    let body = json!({ "certificate": issued.certificate });
    let mine = ("idempotency-key", "r1");
    let first = bench.send_with(REVOCATIONS, mine, &body).await;
    let again = bench.send_with(REVOCATIONS, mine, &body).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    let other = bench.send(REVOCATIONS, &body).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(slug(&other), ProblemSlug::AlreadyRevoked);
    assert_eq!(problem(&other).fail_info, ["certRevoked"]);
}

#[tokio::test]
async fn a_revocation_that_the_ca_thinks_about_can_be_asked_after() {
    let bench = Bench::new().await;
    let (issued, _) = enrolled(&bench).await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(60)));
    let body = json!({ "certificate": issued.certificate });
    let called = bench
        .send_with(REVOCATIONS, ("prefer", "respond-async"), &body)
        .await;
    assert_eq!(called.status, StatusCode::ACCEPTED, "{}", called.text());
    assert!(called.headers.contains_key("retry-after"));
    let again = bench.fetch(field(&called, "location"), &[]).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.json()["id"], called.json()["id"]);
}

#[tokio::test]
async fn an_unreadable_revocation_names_the_member() {
    let bench = Bench::new().await;
    for (body, named) in [
        (json!({ "certificate": "x" }), "certificate"),
        (json!({ "issuer": "CN=a" }), "serial"),
        (json!({ "issuer": "a", "serial": "1" }), "issuer"),
        (json!({ "issuer": "CN=a", "serial": "x" }), "serial"),
        (
            json!({ "issuer": "CN=a", "serial": "1", "reason": "bored" }),
            "bored",
        ),
        (
            json!({ "issuer": "CN=a", "serial": "1", "extra": 1 }),
            "extra",
        ),
        (json!({}), "issuer"),
    ] {
        let called = bench.send(REVOCATIONS, &body).await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest, "{body}");
        assert!(called.text().contains(named), "{}", called.text());
    }
}
