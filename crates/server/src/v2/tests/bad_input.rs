use axum::http::Method;

use super::*;

async fn raw(bench: &Bench, content_type: &str, body: impl Into<Body>) -> Called {
    let request = Request::post(CERTIFICATES).header("content-type", content_type);
    bench.call(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn junk_in_every_form_is_a_csr_that_cannot_be_read() {
    let bench = Bench::new().await;
    let truncated = web_csr().der().slice(..100);
    for (content_type, body) in [
        ("application/pkcs10", Body::from("junk")),
        ("application/pkcs10", Body::from(truncated)),
        ("application/pkcs10", Body::from(web_csr().to_pem())),
        ("application/pkcs10", Body::empty()),
        ("application/x-pem-file", Body::from("junk")),
        (
            "application/x-pem-file",
            Body::from("-----BEGIN CERTIFICATE REQUEST-----\nMII"),
        ),
        ("application/json", Body::from(r#"{"csr":"junk"}"#)),
        ("application/json", Body::from(r#"{"csr":""}"#)),
    ] {
        let called = raw(&bench, content_type, body).await;
        assert_eq!(slug(&called), ProblemSlug::BadCsr, "{content_type}");
    }
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn json_that_is_not_a_request_names_place_and_member() {
    let bench = Bench::new().await;
    for (body, named) in [
        ("", "line 1"),
        ("[]", "line 1"),
        ("{}", "csr"),
        (r#"{"csr":1}"#, "csr"),
        (r#"{"csr":"","durration":"P1D"}"#, "durration"),
        (r#"{"csr":"","duration":"soon"}"#, "duration"),
        (r#"{"csr":"","duration":"P200Y"}"#, "duration"),
        (r#"{"csr":"","usages":["flying"]}"#, "flying"),
    ] {
        let called = raw(&bench, "application/json", body).await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest, "{body}");
        let detail = problem(&called).detail.unwrap();
        assert!(detail.contains(named), "{detail}");
    }
}

#[tokio::test]
async fn what_a_bad_body_says_is_not_repeated_at_length() {
    let bench = Bench::new().await;
    let body = format!(r#"{{"csr":"","{}":1}}"#, "x".repeat(50_000));
    let called = raw(&bench, "application/json", body).await;
    assert!(called.body.len() < 2_000, "{}", called.body.len());
    let profile = asked(&json!({ "profile": "p".repeat(50_000) }));
    let called = bench.send(CERTIFICATES, &profile).await;
    assert!(called.body.len() < 2_000, "{}", called.body.len());
    let path = format!("/v2/{}/certificates", "c".repeat(5_000));
    let called = bench.send(&path, &asked(&json!({}))).await;
    assert_eq!(slug(&called), ProblemSlug::UnknownCa);
    assert!(problem(&called).detail.unwrap().len() < 200);
}

#[tokio::test]
async fn a_csr_whose_signature_does_not_verify_proves_nothing() {
    let bench = Bench::new().await;
    let mut der = web_csr().der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let called = raw(&bench, "application/pkcs10", der).await;
    assert_eq!(slug(&called), ProblemSlug::BadPop);
    assert_eq!(problem(&called).fail_info, ["badPOP"]);
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn other_media_types_are_refused_with_those_that_are_taken() {
    let bench = Bench::new().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
    ] {
        let called = raw(&bench, content_type, asked(&json!({})).to_string()).await;
        assert_eq!(slug(&called), ProblemSlug::UnsupportedMediaType);
        assert!(field(&called, "accept").contains("application/pkcs10"));
    }
    let request = Request::post(CERTIFICATES).body(Body::from("{}")).unwrap();
    assert_eq!(
        slug(&bench.call(request).await),
        ProblemSlug::UnsupportedMediaType
    );
    let coded = ("content-encoding", "gzip");
    let called = bench
        .send_with(CERTIFICATES, coded, &asked(&json!({})))
        .await;
    assert_eq!(slug(&called), ProblemSlug::UnsupportedMediaType);
}

#[tokio::test]
async fn a_body_larger_than_any_request_is_refused_announced_or_not() {
    let bench = Bench::new().await;
    let large = vec![b'x'; 200 << 10];
    let called = raw(&bench, "application/pkcs10", large.clone()).await;
    assert_eq!(slug(&called), ProblemSlug::TooLarge);
    let stream = futures::stream::iter(
        std::iter::repeat_with(|| Ok::<_, std::io::Error>(vec![0u8; 4096])).take(1_000_000),
    );
    let called = raw(&bench, "application/pkcs10", Body::from_stream(stream)).await;
    assert_eq!(slug(&called), ProblemSlug::TooLarge);
    let request = Request::post(CERTIFICATES)
        .header("content-type", "application/pkcs10")
        .header("content-length", "99999999999");
    let called = bench.call(request.body(Body::empty()).unwrap()).await;
    assert_eq!(slug(&called), ProblemSlug::TooLarge);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_request() {
    let bench = Bench::new().await;
    let broken = futures::stream::iter([
        Ok(vec![0x30u8]),
        Err(std::io::Error::other("connection reset")),
    ]);
    let called = raw(&bench, "application/pkcs10", Body::from_stream(broken)).await;
    assert_eq!(slug(&called), ProblemSlug::BadRequest);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_no_request() {
    let bench = Bench::new().await;
    let endless = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let called = raw(&bench, "application/pkcs10", Body::from_stream(endless)).await;
    assert_eq!(slug(&called), ProblemSlug::BadRequest);
}

#[tokio::test]
async fn an_idempotency_key_out_of_bounds_is_refused() {
    let bench = Bench::new().await;
    for key in ["", "with blank", &"k".repeat(256)] {
        let called = bench
            .send_with(CERTIFICATES, ("idempotency-key", key), &asked(&json!({})))
            .await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest);
        assert!(called.text().contains("Idempotency-Key"));
    }
    let request = post(CERTIFICATES, &json!({}))
        .header("idempotency-key", "a")
        .header("idempotency-key", "b");
    let request = request.body(Body::from(asked(&json!({})).to_string()));
    assert_eq!(
        slug(&bench.call(request.unwrap()).await),
        ProblemSlug::BadRequest
    );
}

#[tokio::test]
async fn nobody_is_told_how_to_authenticate() {
    let bench = bench_with_token().await;
    let body = asked(&json!({}));
    let request = |token: Option<&str>| {
        let request = post(CERTIFICATES, &body);
        let request = match token {
            Some(token) => request.header("authorization", token),
            None => request,
        };
        request.body(Body::from(body.to_string())).unwrap()
    };
    let called = bench.by_nobody(request(None)).await;
    assert_eq!(slug(&called), ProblemSlug::Unauthenticated);
    assert_eq!(
        field(&called, "www-authenticate"),
        "Bearer realm=\"certway\""
    );
    for wrong in ["Bearer nope", "Basic dTpw", "Bearer "] {
        let called = bench.by_nobody(request(Some(wrong))).await;
        assert_eq!(slug(&called), ProblemSlug::Unauthenticated);
        assert!(field(&called, "www-authenticate").contains("invalid_token"));
        assert!(!called.text().contains("nope") && !called.text().contains("dTpw"));
    }
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn an_unknown_ca_or_profile_is_named() {
    let bench = Bench::new().await;
    let called = bench
        .send("/v2/Nope/certificates", &asked(&json!({})))
        .await;
    assert_eq!(slug(&called), ProblemSlug::UnknownCa);
    assert!(called.text().contains("Nope"));
    let called = bench
        .send(CERTIFICATES, &asked(&json!({ "profile": "nope" })))
        .await;
    assert_eq!(slug(&called), ProblemSlug::UnknownProfile);
}

#[tokio::test]
async fn what_the_profile_does_not_allow_is_named_by_kind() {
    let bench = Bench::new().await;
    for (more, kind) in [
        (json!({ "isCA": true }), ProblemSlug::CaNotAllowed),
        (
            json!({ "usages": ["cert sign"] }),
            ProblemSlug::UsageNotAllowed,
        ),
    ] {
        let called = bench.send(CERTIFICATES, &asked(&more)).await;
        assert_eq!(slug(&called), kind, "{more}");
    }
    let nameless = csr(&key("p256-pkcs8"), "CN=a", &[]).template().unwrap();
    let nameless = pki::Template::new(pki::Name::default(), nameless.public_key);
    let nameless = Csr::build(&nameless, &key("p256-pkcs8")).unwrap();
    let called = raw(&bench, "application/pkcs10", nameless.der().clone()).await;
    assert_eq!(slug(&called), ProblemSlug::NameNotAllowed);
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn a_form_of_answer_that_is_not_made_is_refused_before_anything_is_issued() {
    let bench = Bench::new().await;
    let called = bench
        .send_with(CERTIFICATES, ("accept", "text/html"), &asked(&json!({})))
        .await;
    assert_eq!(slug(&called), ProblemSlug::NotAcceptable);
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn other_methods_are_refused_with_those_there_are() {
    let bench = Bench::new().await;
    let id = format!("{CERTIFICATES}/{}", "0".repeat(32));
    for (path, allowed) in [
        (CERTIFICATES, "POST"),
        (REVOCATIONS, "POST"),
        (TRUST, "GET,HEAD"),
        (&id, "GET,HEAD"),
    ] {
        let request = Request::builder().method(Method::DELETE).uri(path);
        let called = bench.call(request.body(Body::empty()).unwrap()).await;
        assert_eq!(slug(&called), ProblemSlug::MethodNotAllowed, "{path}");
        assert_eq!(field(&called, "allow"), allowed, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_too() {
    let bench = Bench::new().await;
    for path in [
        "/v2",
        "/v2/",
        "/v2/RA",
        "/v2/RA/nothing",
        "/v2/RA/trust/",
        "/v2/RA/certificates/a/b",
    ] {
        let called = bench.fetch(path, &[]).await;
        assert!(called.headers.contains_key("x-correlation-id"), "{path}");
        assert_eq!(slug(&called), ProblemSlug::NotFound, "{path}");
        assert_eq!(problem(&called).instance.as_deref(), Some(path));
    }
}

#[tokio::test]
async fn a_path_that_is_not_utf_8_is_refused() {
    let bench = Bench::new().await;
    let called = bench.fetch("/v2/%ff/trust", &[]).await;
    assert_eq!(slug(&called), ProblemSlug::BadRequest);
}

#[tokio::test]
async fn before_a_first_configuration_every_call_is_to_be_made_again() {
    let bench = Bench::with(|site| site.configured = false).await;
    let called = bench.fetch(TRUST, &[]).await;
    assert_eq!(slug(&called), ProblemSlug::Unavailable);
    assert!(called.headers.contains_key("retry-after"));
}
