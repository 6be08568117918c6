//! Who may call, and what is served beside certificates.

use super::*;

#[tokio::test]
async fn a_client_that_is_not_on_the_cas_list_is_turned_away() {
    let only = |site: &mut Site| {
        let ra = std::sync::Arc::get_mut(&mut site.ra).unwrap();
        let rules = ra.labels.values_mut().next().unwrap();
        rules.requesters =
            ra::Requesters::Only(vec![ra::TextPattern::new("subject:CN=someone else")]);
    };
    let bench = Bench::with(only).await;
    assert_eq!(
        bench.get(CERTIFICATE, &fields("p256-pkcs8")).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn without_a_client_certificate_and_a_token_it_is_401() {
    let bench = Bench::new().await;
    let request = fields("p256-pkcs8")
        .into_iter()
        .fold(Request::get(CERTIFICATE), |r, (name, value)| {
            r.header(name, value)
        });
    let called = called(bench.router.clone(), request.body(Body::empty()).unwrap()).await;
    assert_eq!(called.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn before_a_configuration_could_be_loaded_calls_fail_and_the_process_is_not_ready() {
    let bench = Bench::with(|site| site.configured = false).await;
    assert_eq!(
        message(&bench.get(CERTIFICATE, &fields("p256-pkcs8")).await).0,
        500
    );
    assert_eq!(
        bench.get("/ready", &[]).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn probes_and_documents_are_served() {
    let bench = Bench::new().await;
    let health = bench.get("/actuator/health", &[]).await;
    assert_eq!(health.json()["status"], "UP");
    assert_eq!(
        health.headers[header::CONTENT_TYPE],
        "application/vnd.spring-boot.actuator.v3+json"
    );
    assert!(bench.get("/actuator", &[]).await.json()["_links"]["health"]["href"].is_string());
    let ready = bench.get("/ready", &[]).await;
    assert_eq!((ready.status, ready.body.len()), (StatusCode::OK, 0));
    let reload = bench.get("/reload", &[]).await;
    assert_eq!((reload.status, reload.body.len()), (StatusCode::OK, 0));
    assert!(bench.get("/docs", &[]).await.status.is_redirection());
    assert_eq!(
        bench.get("/swagger-ui/index.html", &[]).await.status,
        StatusCode::OK
    );
    assert!(bench.get("/v3/api-docs", &[]).await.json()["openapi"].is_string());
}

#[tokio::test]
async fn header_fields_beyond_the_bound_get_431_and_64_kib_pass() {
    let bench = Bench::new().await;
    let big = bench.get("/ready", &[("x", "a".repeat(300 << 10))]).await;
    assert_eq!(big.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(
        bench
            .get("/ready", &[("x", "a".repeat(64 << 10))])
            .await
            .status,
        StatusCode::OK
    );
}
