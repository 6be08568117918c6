//! What a request may look like.

use super::*;

#[tokio::test]
async fn a_csr_and_its_key_get_a_chain_without_its_root_and_the_root_beside_it() {
    let bench = Bench::new().await;
    let called = bench.get(CERTIFICATE, &fields("rsa-pkcs1")).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
    assert_eq!(called.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(called.headers[header::CACHE_CONTROL], "no-store");
    let chain = texts(&called, "certificateChain");
    let leaf = Certificate::from_pem(chain[0].as_bytes()).unwrap();
    assert_eq!(pki::name::onap::display(leaf.subject()), SUBJECT);
    assert!(chain[0].ends_with("-----END CERTIFICATE-----\n"));
    assert_eq!(
        (chain.len(), texts(&called, "trustedCertificates")),
        (1, vec![bench.ca.root().to_pem()])
    );
}

#[tokio::test]
async fn ec_keys_and_keys_of_every_form_under_any_label_are_taken() {
    for name in [
        "p256-pkcs8",
        "p384-sec1",
        "rsa-pkcs8-labelled-pkcs1",
        "ed25519-pkcs8",
    ] {
        let called = Bench::new().await.get(CERTIFICATE, &fields(name)).await;
        assert_eq!(called.status, StatusCode::OK, "{name}: {}", called.text());
    }
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_certificate() {
    let bench = Bench::new().await;
    let once = fields("p256-pkcs8");
    let (first, second) = (
        bench.get(CERTIFICATE, &once).await,
        bench.get(CERTIFICATE, &once).await,
    );
    assert_eq!(first.body, second.body);
    assert_eq!(bench.ca.issued().len(), 1);
}

#[tokio::test]
async fn a_head_request_runs_the_enrollment_and_has_no_body() {
    let bench = Bench::new().await;
    let request = fields("p256-pkcs8")
        .into_iter()
        .fold(Request::head(CERTIFICATE), |r, (name, value)| {
            r.header(name, value)
        });
    let called = bench.call(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (called.status, called.body.len(), bench.ca.issued().len()),
        (StatusCode::OK, 0, 1)
    );
}

#[tokio::test]
async fn another_method_is_answered_with_405_and_the_frameworks_members() {
    let bench = Bench::new().await;
    let request = Request::builder()
        .method(Method::POST)
        .uri(CERTIFICATE)
        .body(Body::empty())
        .unwrap();
    let called = bench.call(request).await;
    assert_eq!(called.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(called.headers[header::ALLOW], "GET, HEAD");
    let body = called.json();
    assert_eq!(
        (
            body["status"].as_u64(),
            body["error"].as_str(),
            body["path"].as_str()
        ),
        (Some(405), Some("Method Not Allowed"), Some(CERTIFICATE))
    );
}

#[tokio::test]
async fn trailing_slashes_and_matrix_parameters_do_not_count() {
    let bench = Bench::new().await;
    for path in [
        "/v1/certificate/RA/",
        "/v1/certificate/RA;a=b",
        "/v1;x/certificate/RA",
    ] {
        let called = bench.get(path, &fields("p256-pkcs8")).await;
        assert_eq!(called.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_missing_header_is_400_before_anything_else_is_looked_at() {
    let bench = Bench::new().await;
    for name in ["CSR", "PK"] {
        let called = bench
            .get(
                "/v1/certificate/unknown",
                &with(without(fields("p256-pkcs8"), name), "X", "!".into()),
            )
            .await;
        let (status, text) = message(&called);
        assert_eq!(status, 400);
        assert!(text.contains(&format!("'{name}'")), "{text}");
    }
}

#[tokio::test]
async fn an_empty_ca_name_is_404() {
    let bench = Bench::new().await;
    for path in [
        "/v1/certificate/",
        "/v1/certificate",
        "/v1/certificate/;a=b",
        "/nothing",
    ] {
        assert_eq!(
            bench.get(path, &fields("p256-pkcs8")).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
