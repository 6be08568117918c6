use pki::keystore::{self, Keystore};
use secrecy::SecretString;

use super::*;

fn roots(store: &Keystore) -> Vec<Certificate> {
    store
        .trusted
        .iter()
        .map(|e| e.certificate.clone())
        .collect()
}

#[tokio::test]
async fn the_roots_come_as_pem_text_to_whoever_does_not_say() {
    let bench = Bench::new().await;
    let called = bench.fetch(TRUST, &[]).await;
    assert_eq!(called.status, StatusCode::OK);
    assert_eq!(field(&called, "content-type"), "application/x-pem-file");
    assert_eq!(called.text(), bench.ca.root().to_pem());
}

#[tokio::test]
async fn the_roots_come_as_json_with_fingerprint_and_validity() {
    let bench = Bench::new().await;
    let called = bench.fetch(TRUST, &[("accept", "application/json")]).await;
    let trust: api::v2::Trust = serde_json::from_slice(&called.body).unwrap();
    let (root, own) = (&trust.roots[0], bench.ca.root());
    assert_eq!(trust.roots.len(), 1);
    assert_eq!(root.subject, "CN=Memory Root");
    assert_eq!(root.fingerprint, hex::encode(own.fingerprint()));
    assert_eq!(root.certificate, own.to_pem());
    assert_eq!(root.not_after, own.not_after());
}

#[tokio::test]
async fn the_roots_come_as_a_store_under_the_password_asked_for() {
    let bench = Bench::new().await;
    for media_type in ["application/x-pkcs12", "application/x-java-keystore"] {
        for (field_of, password) in [
            (None, "changeit"),
            (
                Some(("x-certway-store-password", "another-one")),
                "another-one",
            ),
        ] {
            let mut fields = vec![("accept", media_type)];
            fields.extend(field_of);
            let called = bench.fetch(TRUST, &fields).await;
            assert_eq!(field(&called, "content-type"), media_type);
            let store = keystore::read(&called.body, Some(&SecretString::from(password)));
            assert_eq!(roots(&store.unwrap()), [bench.ca.root().clone()]);
        }
    }
}

#[tokio::test]
async fn the_query_counts_before_accept() {
    let bench = Bench::new().await;
    let path = format!("{TRUST}?format=jks");
    let called = bench.fetch(&path, &[("accept", "application/json")]).await;
    assert_eq!(
        field(&called, "content-type"),
        "application/x-java-keystore"
    );
}

#[tokio::test]
async fn a_password_that_no_store_takes_is_refused_and_not_repeated() {
    let bench = Bench::new().await;
    for password in ["short", "with blank", &"x".repeat(129)] {
        let fields = [("x-certway-store-password", password)];
        let called = bench.fetch(TRUST, &fields).await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest);
        assert!(!called.text().contains(password));
    }
}

#[tokio::test]
async fn a_form_that_is_not_made_is_refused() {
    let bench = Bench::new().await;
    let called = bench.fetch(TRUST, &[("accept", "text/html")]).await;
    assert_eq!(slug(&called), ProblemSlug::NotAcceptable);
    for query in ["format=p7b", "password=changeit", "format=pem&format=jks"] {
        let called = bench.fetch(&format!("{TRUST}?{query}"), &[]).await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest, "{query}");
    }
}
