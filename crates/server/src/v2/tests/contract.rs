use super::*;

#[tokio::test]
async fn the_document_is_the_published_one() {
    let bench = Bench::new().await;
    let called = bench.fetch("/v2/openapi.json", &[]).await;
    assert_eq!(called.status, StatusCode::OK);
    insta::assert_json_snapshot!(called.json());
}

#[test]
fn the_document_has_the_paths_of_the_contract() {
    let document = serde_json::to_value(super::super::document()).unwrap();
    let documented: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    let mut paths = vec![
        api::paths::ENROLLMENTS,
        api::paths::ENROLLMENT,
        api::paths::REVOCATIONS,
        api::paths::REVOCATION,
        api::paths::TRUST,
    ];
    paths.sort_unstable();
    assert_eq!(documented, paths);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = serde_json::to_value(super::super::document()).unwrap();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1);
    let mut count = 0;
    for reference in references {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[tokio::test]
async fn the_page_that_shows_the_document_is_served() {
    let bench = Bench::new().await;
    let called = bench.fetch("/v2/docs/", &[]).await;
    assert_eq!(called.status, StatusCode::OK);
    assert!(field(&called, "content-type").starts_with("text/html"));
    let script = bench.fetch("/v2/docs/swagger-initializer.js", &[]).await;
    assert!(script.text().contains("/v2/openapi.json"));
}

#[tokio::test]
async fn every_answer_has_a_correlation_id_and_the_callers_own_is_kept() {
    let bench = Bench::new().await;
    let own = ("x-correlation-id", "build-42");
    for (path, name) in [(TRUST, "trust"), ("/v2/nothing", "unknown path")] {
        let called = bench.fetch(path, &[own]).await;
        assert_eq!(field(&called, "x-correlation-id"), "build-42", "{name}");
        let called = bench.fetch(path, &[]).await;
        assert_eq!(field(&called, "x-correlation-id").len(), 36, "{name}");
    }
    let forged = ("x-correlation-id", "a b\tc");
    let called = bench.fetch(TRUST, &[forged]).await;
    assert_eq!(field(&called, "x-correlation-id").len(), 36);
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let bench = Bench::new().await;
    let location = {
        let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
        field(&called, "location").to_owned()
    };
    for path in [TRUST, &location, "/v2/nothing"] {
        let head = bench.call(Request::head(path).body(Body::empty()).unwrap());
        let (head, get) = (head.await, bench.fetch(path, &[]).await);
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(
            head.headers.get("content-type"),
            get.headers.get("content-type")
        );
        assert_eq!(
            head.headers.get("content-length"),
            get.headers.get("content-length")
        );
    }
}

#[tokio::test]
async fn the_client_understands_every_answer() {
    // The shapes are shared by type; what is left to go wrong is status and media type.
    let bench = Bench::new().await;
    let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    assert_eq!(field(&called, "content-type"), "application/json");
    assert_eq!(field(&called, "vary"), "Accept");
}

#[tokio::test]
async fn other_fronts_keep_their_own_answers_to_unknown_paths() {
    let bench = Bench::new().await;
    let called = bench.fetch("/v3/nothing", &[]).await;
    assert_eq!(called.status, StatusCode::NOT_FOUND);
    assert!(!called.headers.contains_key("x-correlation-id"));
}
