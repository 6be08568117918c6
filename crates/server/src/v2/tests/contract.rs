use std::sync::{Arc, Mutex};

use super::*;
use crate::config::Limits;
use crate::router;
use crate::testing::called as called_by;

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
        api::paths::HEALTH,
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
    let called = bench.fetch("/docs/v2/", &[]).await;
    assert_eq!(called.status, StatusCode::OK);
    assert!(field(&called, "content-type").starts_with("text/html"));
    let script = bench.fetch("/docs/v2/swagger-initializer.js", &[]).await;
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
async fn other_fronts_keep_their_own_answers_to_unknown_paths() {
    let bench = Bench::new().await;
    let called = bench.fetch("/v3/nothing", &[]).await;
    assert_eq!(called.status, StatusCode::NOT_FOUND);
    assert_ne!(
        called.headers.get("content-type").unwrap(),
        "application/problem+json"
    );
    assert!(called.headers.contains_key("x-correlation-id"));
}

#[tokio::test]
async fn what_is_turned_away_before_the_front_is_a_problem_too() {
    let bench = Bench::new().await;
    let large = "x".repeat(300 << 10);
    let called = bench.fetch(TRUST, &[("x-large", &large)]).await;
    assert_eq!(slug(&called), ProblemSlug::TooLarge);
    let limits = Limits {
        requests: 0,
        ..Limits::default()
    };
    let full = router::router(Arc::clone(&bench.app), &limits);
    let request = Request::get(TRUST).body(Body::empty()).unwrap();
    let called = called_by(full, request).await;
    assert_eq!(slug(&called), ProblemSlug::Overloaded);
    assert_eq!(field(&called, "retry-after"), "1");
}

#[tokio::test]
async fn a_panic_is_answered_without_what_it_says() {
    let bench = Bench::new().await;
    let panics = post(CERTIFICATES, &json!({})).body(Body::from_stream(futures::stream::poll_fn(
        |_| -> std::task::Poll<Option<std::io::Result<Vec<u8>>>> { panic!("the secret is xyzzy") },
    )));
    let called = bench.call(panics.unwrap()).await;
    assert_eq!(slug(&called), ProblemSlug::Internal);
    assert!(!called.text().contains("xyzzy"));
}

/// Everything logged, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_failure_is_logged_once_under_the_correlation_id_and_without_secrets() {
    let bench = bench_with_token().await;
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // With one subscriber alone, whether a line is of interest is asked of whichever thread comes by it first, and remembered; another
    // test's thread has nobody who listens. A second one, for all threads, has every subscriber asked.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _logged = tracing::subscriber::set_default(subscriber);
    bench.ca.will(ra::memory::Script::NotSent);
    let send = |token: &str| {
        let request = post(CERTIFICATES, &json!({}))
            .header("x-correlation-id", "build-42")
            .header("authorization", format!("Bearer {token}"));
        bench.by_nobody(
            request
                .body(Body::from(asked(&json!({})).to_string()))
                .unwrap(),
        )
    };
    assert_eq!(slug(&send(TOKEN).await), ProblemSlug::Unavailable);
    assert_eq!(
        slug(&send("wrong-token").await),
        ProblemSlug::Unauthenticated
    );
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("build-42"))
        .collect();
    for sentence in ["the CA cannot be asked", "a request was refused"] {
        let count = ours.iter().filter(|line| line.contains(sentence)).count();
        assert_eq!(count, 1, "{sentence}: {text}");
    }
    assert!(
        !text.contains(TOKEN) && !text.contains("wrong-token"),
        "{text}"
    );
}
