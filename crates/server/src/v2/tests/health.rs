use super::*;

const HEALTH: &str = "/v2/RA/health";

#[tokio::test]
async fn a_ca_that_can_be_asked_is_up() {
    let bench = Bench::new().await;
    let called = bench.fetch(HEALTH, &[]).await;
    assert_eq!(called.status, StatusCode::OK);
    assert_eq!(called.text(), r#"{"status":"up"}"#);
    assert_eq!(bench.ca.calls(), 0, "nothing is enrolled for it");
}

#[tokio::test]
async fn a_ca_that_is_down_is_unavailable_with_what_is_known_of_the_reason() {
    let bench = Bench::new().await;
    bench.ca.is_down("connection refused");
    let called = bench.fetch(HEALTH, &[]).await;
    assert_eq!(slug(&called), ProblemSlug::Unavailable);
    assert!(called.text().contains("connection refused"));
    assert_eq!(field(&called, "retry-after"), "10");
}

#[tokio::test]
async fn nobody_is_told_how_a_ca_does_and_an_unknown_one_is_not_found() {
    let bench = Bench::new().await;
    let request = Request::get(HEALTH).body(Body::empty()).unwrap();
    assert_eq!(
        slug(&bench.by_nobody(request).await),
        ProblemSlug::Unauthenticated
    );
    let called = bench.fetch("/v2/other/health", &[]).await;
    assert_eq!(slug(&called), ProblemSlug::UnknownCa);
}
