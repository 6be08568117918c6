//! What is answered to what cannot be served.

use super::*;

#[tokio::test]
async fn errors_come_in_certservices_order() {
    const CSR: &str = "Wrong certificate signing request (CSR) format";
    const KEY: &str = "Wrong key (PK) format";
    let bench = Bench::new().await;
    let unknown = "/v1/certificate/unknown";
    let good = fields("p256-pkcs8");
    let bad_both = with(with(good.clone(), "CSR", "!".into()), "PK", "!".into());
    let bad_key = with(good.clone(), "PK", "!".into());
    for (fields, status, text) in [
        (bad_both, 400, CSR),
        (bad_key, 400, KEY),
        (
            good,
            404,
            "Certification authority not found for given CAName",
        ),
    ] {
        assert_eq!(
            message(&bench.get(unknown, &fields).await),
            (status, text.to_owned())
        );
    }
}

#[tokio::test]
async fn csrs_that_are_none_or_do_not_verify_are_named_so() {
    let bench = Bench::new().await;
    let good = csr(&key("p256-pkcs8"), SUBJECT, &[]);
    let mut forged = good.der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    for text in [
        "not PEM".to_owned(),
        key_pem("rsa-pkcs1"),
        pki::pem::encode("CERTIFICATE REQUEST", b"junk"),
        pki::pem::encode("CERTIFICATE REQUEST", &forged),
    ] {
        let called = bench
            .get(
                CERTIFICATE,
                &with(fields("p256-pkcs8"), "CSR", encoded(&text)),
            )
            .await;
        assert_eq!(
            message(&called),
            (
                400,
                "Wrong certificate signing request (CSR) format".to_owned()
            )
        );
    }
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn keys_that_are_encrypted_weak_another_ones_or_none_are_named_so() {
    let bench = Bench::new().await;
    let request = csr(&key("p256-pkcs8"), SUBJECT, &[]).to_pem();
    for (name, text) in [
        ("encrypted", key_pem("p256-pbes2")),
        ("legacy encryption", key_pem("rsa-proc-type")),
        ("weak", key_pem("rsa1024-pkcs8")),
        ("another", key_pem("p384-sec1")),
        ("none", request),
    ] {
        let called = bench
            .get(
                CERTIFICATE,
                &with(fields("p256-pkcs8"), "PK", encoded(&text)),
            )
            .await;
        assert_eq!(
            message(&called),
            (400, "Wrong key (PK) format".to_owned()),
            "{name}"
        );
        assert!(
            called.json()["detail"]
                .as_str()
                .is_some_and(|detail| !detail.contains("MII")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn text_before_the_first_block_and_a_wrong_label_are_passed_over() {
    let bench = Bench::new().await;
    let request = csr(&key("p256-pkcs8"), SUBJECT, &[]);
    let text = format!(
        "some text\r\n{}",
        pki::pem::encode("NEW THING", request.der()).replace('\n', "\r\n")
    );
    let called = bench
        .get(
            CERTIFICATE,
            &with(fields("p256-pkcs8"), "CSR", encoded(&text)),
        )
        .await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
}

#[tokio::test]
async fn the_cas_rejection_is_passed_on_in_certservices_words() {
    let bench = Bench::new().await;
    let status = CaStatus {
        strings: vec!["no such end entity".into()],
        fail_info: vec!["badRequest".into()],
        authenticated: true,
    };
    bench.ca.will(Script::Reject(Refusal::by_ca(
        RefusalKind::RejectedByCa,
        "the CA refused",
        status,
    )));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    assert_eq!(
        message(&called),
        (
            500,
            "CMPv2 server returned following error: no such end entity".to_owned()
        )
    );
    assert!(
        called.json()["detail"]
            .as_str()
            .unwrap()
            .contains("badRequest")
    );
}

#[tokio::test]
async fn a_request_that_was_rejected_is_put_to_the_ca_again_when_it_comes_again() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "not today",
    )));
    let once = fields("p256-pkcs8");
    assert_eq!(
        bench.get(CERTIFICATE, &once).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(bench.get(CERTIFICATE, &once).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_ca_that_cannot_be_reached_is_named_by_its_name_and_not_by_its_address() {
    let bench = Bench::new().await;
    bench.ca.will(Script::NotSent);
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    let text = "Exception occurred during call to cmp client: IOException error while trying to connect CA RA";
    assert_eq!(message(&called), (500, text.to_owned()));
}

#[tokio::test]
async fn a_certificate_for_another_key_is_given_back_and_never_answered() {
    let bench = Bench::new().await;
    let other = key("p384-sec1");
    let template = pki::Template::new(
        pki::name::onap::parse(SUBJECT).unwrap(),
        other.public_key().clone(),
    );
    bench.ca.will(Script::IssueInstead(Box::new(template)));
    let (status, text) = message(&bench.get(CERTIFICATE, &fields("p256-pkcs8")).await);
    assert_eq!(status, 500);
    assert!(
        text.starts_with("Exception occurred during call to cmp client: "),
        "{text}"
    );
    assert_eq!(bench.ca.withdrawn().len(), 1);
}
