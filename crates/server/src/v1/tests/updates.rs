//! Calls that are held, and updates.

use super::*;

#[tokio::test]
async fn a_call_is_held_while_the_ca_makes_us_wait_and_answered_when_the_sweeper_got_the_certificate()
 {
    let bench = Bench::with(|site| site.v1.hold = std::time::Duration::from_secs(20)).await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    let sweeper = tokio::spawn(crate::sweep::run(
        bench.app.clone(),
        std::time::Duration::from_millis(50),
        10,
    ));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    sweeper.abort();
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
}

#[tokio::test]
async fn a_call_that_was_held_for_as_long_as_configured_ends_with_503_and_not_with_empty_lists() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(60)));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    assert_eq!(called.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(called.headers.contains_key(header::RETRY_AFTER));
    assert!(called.json().get("certificateChain").is_none());
}

/// The four header fields of an update of a certificate with the key `old` by one with the key `new`.
async fn update_fields(
    bench: &Bench,
    old: &str,
    new: &str,
    subject: &str,
) -> Vec<(&'static str, String)> {
    let first = bench.get(CERTIFICATE, &fields(old)).await;
    let request = csr(&key(new), subject, &["test.onap.org"]).to_pem();
    let chain: String = texts(&first, "certificateChain").concat();
    vec![
        ("CSR", encoded(&request)),
        ("PK", encoded(&key_pem(new))),
        ("OLD_CERT", encoded(&chain)),
        ("OLD_PK", encoded(&key_pem(old))),
    ]
}

#[tokio::test]
async fn an_update_with_the_same_and_with_other_names_succeeds() {
    let bench = Bench::new().await;
    // Names in another order are the same names.
    for subject in [
        SUBJECT,
        "CN=onap.org,OU=ONAP,O=Linux-Foundation,C=US",
        "CN=new-onap.org",
    ] {
        let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", subject).await;
        let called = bench.get(UPDATE, &fields).await;
        assert_eq!(
            called.status,
            StatusCode::OK,
            "{subject}: {}",
            called.text()
        );
    }
}

#[tokio::test]
async fn the_spelling_without_underscores_and_the_go_clients_case_are_taken() {
    let bench = Bench::new().await;
    let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    for names in [
        ["Csr", "Pk", "Old_cert", "Old_pk"],
        ["csr", "pk", "OLDCERT", "OLDPK"],
    ] {
        let renamed: Vec<_> = names
            .into_iter()
            .zip(fields.iter().map(|(_, value)| value.clone()))
            .collect();
        assert_eq!(
            bench.get(UPDATE, &renamed).await.status,
            StatusCode::OK,
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn an_update_without_or_with_a_broken_header_is_400_and_a_bad_old_key_says_certificate() {
    let bench = Bench::new().await;
    let good = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    for (name, text) in [
        ("CSR", "Wrong certificate signing request (CSR) format"),
        ("PK", "Wrong key (PK) format"),
        ("OLD_CERT", "Wrong certificate format"),
        ("OLD_PK", "Wrong certificate format"),
    ] {
        assert_eq!(
            message(&bench.get(UPDATE, &without(good.clone(), name)).await).0,
            400,
            "{name}"
        );
        let called = bench
            .get(UPDATE, &with(good.clone(), name, encoded("junk")))
            .await;
        assert_eq!(message(&called), (400, text.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_key_update_with_a_wrong_old_key_is_500() {
    let bench = Bench::new().await;
    let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    let called = bench
        .get(
            UPDATE,
            &with(fields, "OLD_PK", encoded(&key_pem("p384-sec1"))),
        )
        .await;
    assert_eq!(called.status, StatusCode::INTERNAL_SERVER_ERROR);
}
