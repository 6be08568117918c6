use super::{responder::Responder, *};
use crate::{
    ProblemSlug,
    v2::{RequestKind, RevocationReason, RevokeTarget},
};

const ISSUED: &str = r#"{"status":"issued","id":"7","certificate":"leaf\n","chain":[],"roots":["root\n"],"notBefore":"2026-01-01T00:00:00Z","notAfter":"2027-01-01T00:00:00Z","serial":"0a","kind":"ir","changes":[]}"#;
const WAITING: &str = r#"{"status":"waiting","id":"7","checkAfter":60,"kind":"ir"}"#;

fn answer(status: &str, fields: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn client(responder: &Responder) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    Client::new(
        http,
        format!("http://{}", responder.address).parse().unwrap(),
    )
    .with_timeout(Duration::from_secs(20))
}

async fn enroll(responder: &Responder) -> Result<Answer<Progress<Issued>>, ClientError> {
    client(responder)
        .enroll("web", &EnrollRequest::new("csr"), &"key-1".parse().unwrap())
        .await
}

async fn refused(bytes: Vec<u8>) -> ClientError {
    enroll(&Responder::of(vec![bytes])).await.unwrap_err()
}

#[tokio::test]
async fn an_enrollment_is_one_post_with_key_and_token() {
    let responder = Responder::of(vec![answer(
        "201 Created",
        "x-correlation-id: c-1\r\n",
        ISSUED,
    )]);
    let client = client(&responder).with_bearer("t0ken".parse().unwrap());
    let done = client
        .enroll("web", &EnrollRequest::new("csr"), &"key-1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(done.correlation_id.as_deref(), Some("c-1"));
    assert!(matches!(
        done.body,
        Progress::Done(Issued {
            kind: RequestKind::Ir,
            ..
        })
    ));
    let asked = &responder.asked()[0];
    assert!(
        asked.starts_with("POST /v2/web/certificates HTTP/1.1\r\n"),
        "{asked}"
    );
    for part in [
        "idempotency-key: key-1\r\n",
        "authorization: Bearer t0ken\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"csr\":\"csr\"}",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn a_waiting_enrollment_is_asked_for_again_at_its_location() {
    let responder = Responder::of(vec![
        answer(
            "202 Accepted",
            "location: /v2/web/certificates/7?poll=1\r\nretry-after: 2\r\n",
            WAITING,
        ),
        answer("202 Accepted", "", WAITING),
        answer("200 OK", "", ISSUED),
    ]);
    let Progress::Waiting(first) = enroll(&responder).await.unwrap().body else {
        panic!("not waiting")
    };
    assert_eq!(
        (first.id(), first.check_after()),
        ("7", Duration::from_secs(2))
    );
    let Progress::Waiting(second) = first.ask().await.unwrap().body else {
        panic!("not waiting")
    };
    assert_eq!(second.check_after(), Duration::from_secs(60));
    assert!(matches!(
        second.ask().await.unwrap().body,
        Progress::Done(_)
    ));
    assert!(responder.asked()[1].starts_with("GET /v2/web/certificates/7?poll=1 "));
    assert!(responder.asked()[2].starts_with("GET /v2/web/certificates/7 "));
}

#[tokio::test]
async fn a_location_elsewhere_is_not_followed() {
    let responder = Responder::of(vec![
        answer(
            "202 Accepted",
            "location: http://127.0.0.1:1/v2/web/certificates/7\r\n",
            WAITING,
        ),
        answer("200 OK", "", ISSUED),
    ]);
    let Progress::Waiting(pending) = enroll(&responder).await.unwrap().body else {
        panic!("not waiting")
    };
    assert!(matches!(
        pending.ask().await.unwrap().body,
        Progress::Done(_)
    ));
}

#[tokio::test]
async fn a_wait_of_nothing_or_for_ever_is_bounded() {
    for (seconds, bounded) in [("0", 1), ("99999999999", 24 * 3600)] {
        let responder = Responder::of(vec![answer(
            "202 Accepted",
            &format!("retry-after: {seconds}\r\n"),
            WAITING,
        )]);
        let Progress::Waiting(pending) = enroll(&responder).await.unwrap().body else {
            panic!("not waiting")
        };
        assert_eq!(pending.check_after(), Duration::from_secs(bounded));
    }
}

#[tokio::test]
async fn a_problem_is_a_typed_error_and_the_head_has_the_say() {
    let body = r#"{"type":"https://certway.dev/problems/unavailable","title":"t","status":200,"detail":"CA is down","retryAfter":1,"failInfo":["systemUnavail"]}"#;
    let error = refused(answer("503 Service Unavailable", "content-type: Application/Problem+JSON; charset=utf-8\r\nretry-after: 9\r\nx-correlation-id: c-2\r\n", body)).await;
    assert_eq!(error.slug(), Some(ProblemSlug::Unavailable));
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
    assert_eq!(
        error.to_string(),
        "t: CA is down [systemUnavail] (correlation id c-2)"
    );
    let ClientError::Problem(problem) = error else {
        panic!("{error}")
    };
    assert_eq!(problem.status, 503);
}

#[tokio::test]
async fn a_refusal_is_not_transient() {
    let body = serde_json::to_string(&crate::Problem::new(ProblemSlug::NameNotAllowed)).unwrap();
    let error = refused(answer(
        "422 Unprocessable Content",
        "content-type: application/problem+json\r\n",
        &body,
    ))
    .await;
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_gateways_html_is_named_with_its_status_and_first_words() {
    let error = refused(answer(
        "503 Service Unavailable",
        "content-type: text/html\r\nretry-after: 5\r\n",
        "<html>\n<h1>No backend</h1>",
    ))
    .await;
    assert_eq!(
        error.to_string(),
        "HTTP status 503: the body begins with: <html> <h1>No backend</h1>"
    );
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_success_that_is_not_the_contracts_is_an_error() {
    for body in ["", "<html>", "{}", r#"{"status":"rejected"}"#, "[1,2"] {
        let error = refused(answer("200 OK", "content-type: application/json\r\n", body)).await;
        assert!(
            matches!(error, ClientError::Unexpected { status: 200, .. }),
            "{body}: {error}"
        );
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_problem_document_that_is_junk_is_an_error() {
    let error = refused(answer(
        "400 Bad Request",
        "content-type: application/problem+json\r\n",
        "junk",
    ))
    .await;
    assert!(
        matches!(error, ClientError::Unexpected { status: 400, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_announced_too_long_is_not_read() {
    let error = refused(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_vec()).await;
    assert!(
        error.to_string().contains("longer than 1048576 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off() {
    let mut endless = b"HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\n".to_vec();
    endless.resize(endless.len() + (4 << 20), b'x');
    let error = refused(endless).await;
    assert!(
        error.to_string().contains("longer than 65536 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = refused(answer("302 Found", "location: http://127.0.0.1:1/\r\n", "")).await;
    assert!(
        matches!(error, ClientError::Unexpected { status: 302, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_cut_off_is_transient() {
    for bytes in [
        Vec::new(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec(),
    ] {
        let error = refused(bytes).await;
        assert!(
            matches!(error, ClientError::NotReached(_)) && error.is_transient(),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_transient() {
    let error = enroll(&Responder::of(Vec::new())).await.unwrap_err();
    assert!(
        matches!(error, ClientError::NotReached(_)) && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn a_revocation_may_wait_too() {
    let responder = Responder::of(vec![
        answer(
            "202 Accepted",
            "",
            r#"{"id":"9","status":"waiting","checkAfter":3}"#,
        ),
        answer("200 OK", "", r#"{"id":"9","status":"revoked"}"#),
    ]);
    let request = RevokeRequest {
        target: RevokeTarget::Certificate("pem".into()),
        reason: RevocationReason::Superseded,
    };
    let Progress::Waiting(pending) = client(&responder)
        .revoke("web", &request, &"k".parse().unwrap())
        .await
        .unwrap()
        .body
    else {
        panic!("not waiting")
    };
    let Progress::Done(done) = pending.ask().await.unwrap().body else {
        panic!("still waiting")
    };
    assert_eq!(done.id, "9");
    assert!(responder.asked()[1].starts_with("GET /v2/web/revocations/9 "));
}

#[tokio::test]
async fn trust_comes_as_a_list_or_as_a_store() {
    let responder = Responder::of(vec![
        answer("200 OK", "", r#"{"roots":[]}"#),
        answer("200 OK", "", "store"),
    ]);
    let client = client(&responder);
    assert_eq!(
        client.trust("web").await.unwrap().body,
        Trust { roots: Vec::new() }
    );
    assert_eq!(
        client
            .trust_store("web", TrustFormat::Jks, Some("pw"))
            .await
            .unwrap()
            .body,
        b"store"
    );
    let asked = &responder.asked()[1];
    assert!(
        asked.contains("accept: application/x-java-keystore\r\n")
            && asked.contains("x-certway-store-password: pw\r\n"),
        "{asked}"
    );
}
