use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use ra::memory::Script;
use ra::{CaStatus, Refusal, RefusalKind};
use tokio::time::Instant;

use super::*;

const NO_HOLD: (&str, &str) = ("prefer", "wait=0");

async fn bare(bench: &Bench, content_type: &str, body: impl Into<Body>) -> Called {
    let request = Request::post(CERTIFICATES).header("content-type", content_type);
    bench.call(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_csr_gets_its_certificate_with_chain_roots_and_validity() {
    let bench = Bench::new().await;
    let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    assert_eq!(called.status, CREATED, "{}", called.text());
    let issued = issued(&called);
    let leaf = Certificate::from_pem(issued.certificate.as_bytes()).unwrap();
    assert_eq!(leaf.public_key(), key("p256-pkcs8").public_key());
    assert_eq!(issued.roots, [bench.ca.root().to_pem()]);
    assert!(issued.chain.is_empty(), "the root issued it");
    assert_eq!(
        (issued.not_before, issued.not_after),
        (leaf.not_before(), leaf.not_after())
    );
    assert!(hex::encode(leaf.serial()).ends_with(&issued.serial));
    assert!(!issued.serial.starts_with("00"));
    assert_eq!(issued.kind, api::v2::RequestKind::Ir);
    assert!(issued.changes.is_empty());
    assert_eq!(
        field(&called, "location"),
        format!("/v2/RA/certificates/{}", issued.id)
    );
    assert_eq!(field(&called, "cache-control"), "no-store");
}

#[tokio::test]
async fn a_bare_csr_is_taken_as_der_and_as_pem_text() {
    let bench = Bench::new().await;
    let der = bare(&bench, "application/pkcs10", web_csr().der().clone()).await;
    assert_eq!(der.status, CREATED, "{}", der.text());
    let pem = bare(&bench, "application/x-pem-file", web_csr().to_pem()).await;
    assert_eq!(pem.status, CREATED, "{}", pem.text());
}

#[tokio::test]
async fn the_chain_is_had_as_pem_text_by_whoever_accepts_that() {
    let bench = Bench::new().await;
    let accept = ("accept", "application/pem-certificate-chain");
    let called = bench
        .send_with(CERTIFICATES, accept, &asked(&json!({})))
        .await;
    assert_eq!(called.status, CREATED);
    assert_eq!(
        field(&called, "content-type"),
        "application/pem-certificate-chain"
    );
    let chain = pki::Certificate::all_from_pem(&called.body).unwrap();
    assert_eq!(chain, bench.ca.issued());
    let again = bench.fetch(field(&called, "location"), &[accept]).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &called.body));
}

#[tokio::test]
async fn the_same_request_under_the_same_key_gets_the_same_answer() {
    let bench = Bench::new().await;
    let mine = ("idempotency-key", "order-66");
    let first = bench
        .send_with(CERTIFICATES, mine, &asked(&json!({})))
        .await;
    let again = bench
        .send_with(CERTIFICATES, mine, &asked(&json!({})))
        .await;
    assert_eq!((again.status, &again.body), (CREATED, &first.body));
    assert_eq!(field(&again, "location"), field(&first, "location"));
    assert_eq!(bench.ca.issued().len(), 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let bench = Bench::new().await;
    let mine = ("idempotency-key", "order-66");
    bench
        .send_with(CERTIFICATES, mine, &asked(&json!({})))
        .await;
    for more in [
        json!({ "duration": "P1D" }),
        json!({ "usages": ["server auth"] }),
        json!({ "profile": "web" }),
        json!({ "isCA": false }),
    ] {
        let called = bench.send_with(CERTIFICATES, mine, &asked(&more)).await;
        assert_eq!(slug(&called), ProblemSlug::OtherRequestUnderKey, "{more}");
        assert_eq!(problem(&called).fail_info, ["transactionIdInUse"]);
    }
    assert_eq!(bench.ca.issued().len(), 1);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused_without_holding_too() {
    let bench = Bench::new().await;
    let send = |more: Value| {
        let request = post(CERTIFICATES, &more)
            .header("idempotency-key", "order-66")
            .header(NO_HOLD.0, NO_HOLD.1);
        bench.call(request.body(Body::from(asked(&more).to_string())).unwrap())
    };
    send(json!({})).await;
    let called = send(json!({ "isCA": false })).await;
    assert_eq!(slug(&called), ProblemSlug::OtherRequestUnderKey);
}

#[tokio::test]
async fn without_a_key_each_call_asks_for_one_more_certificate() {
    let bench = Bench::new().await;
    let first = issued(&bench.send(CERTIFICATES, &asked(&json!({}))).await);
    let second = issued(&bench.send(CERTIFICATES, &asked(&json!({}))).await);
    assert_ne!(first.id, second.id);
    assert_eq!(bench.ca.issued().len(), 2);
}

#[tokio::test]
async fn the_same_key_of_another_caller_is_another_key() {
    let bench = Bench::new().await;
    let mine = ("idempotency-key", "order-66");
    let alices = issued(
        &bench
            .send_with(CERTIFICATES, mine, &asked(&json!({})))
            .await,
    );
    let request = post(CERTIFICATES, &json!({})).header(mine.0, mine.1);
    let request = request.body(Body::from(asked(&json!({})).to_string()));
    let bobs = issued(&bench.by(&bob().await, request.unwrap()).await);
    assert_ne!(alices.id, bobs.id);
}

#[tokio::test]
async fn duration_and_usages_beside_the_csr_are_asked_of_the_ca() {
    let bench = Bench::new().await;
    let more = json!({ "duration": "P30D", "usages": ["digital signature", "server auth", "server auth"] });
    let issued = issued(&bench.send(CERTIFICATES, &asked(&more)).await);
    let leaf = Certificate::from_pem(issued.certificate.as_bytes()).unwrap();
    let days = leaf
        .not_after()
        .duration_since(leaf.not_before())
        .as_hours()
        / 24;
    assert!((29..=30).contains(&days), "{days}");
    assert_eq!(leaf.key_usage(), Some(pki::KeyUsages::DIGITAL_SIGNATURE));
    assert_eq!(leaf.ext_key_usage(), Some(&[pki::usage::SERVER_AUTH][..]));
}

#[tokio::test]
async fn what_the_ca_changed_is_listed() {
    let bench = Bench::new().await;
    let mut other = web_csr().template().unwrap();
    other.subject = pki::name::onap::parse("CN=other").unwrap();
    bench.ca.will(Script::IssueInstead(Box::new(other)));
    let issued = issued(&bench.send(CERTIFICATES, &asked(&json!({}))).await);
    let change = &issued.changes[0];
    assert_eq!(
        (
            change.field.as_str(),
            change.requested.as_deref(),
            change.issued.as_deref()
        ),
        ("subject", Some("CN=web"), Some("CN=other"))
    );
}

#[tokio::test]
async fn while_the_ca_makes_us_wait_the_answer_says_where_and_when_to_ask() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(60)));
    let called = bench
        .send_with(CERTIFICATES, NO_HOLD, &asked(&json!({})))
        .await;
    assert_eq!(called.status, StatusCode::ACCEPTED, "{}", called.text());
    let body = called.json();
    assert_eq!(body["status"], "waiting");
    let seconds: u64 = field(&called, "retry-after").parse().unwrap();
    assert!((58..=60).contains(&seconds), "{seconds}");
    assert_eq!(body["checkAfter"], seconds);
    let asked_again = bench.fetch(field(&called, "location"), &[]).await;
    assert_eq!(asked_again.status, StatusCode::ACCEPTED);
    assert_eq!(asked_again.json()["id"], body["id"]);
}

/// A bench whose line has a clock that only the test moves: as paused as the runtime's.
async fn paused_bench() -> (Bench, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_second()));
    let clock = {
        let seconds = Arc::clone(&seconds);
        move || jiff::Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap()
    };
    let bench = Bench::with(|site| {
        Arc::get_mut(&mut site.ra).unwrap().clock = Arc::new(clock);
    });
    (bench.await, seconds)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_held_until_the_ca_has_decided() {
    let (bench, seconds) = paused_bench().await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(5)));
    let ra = Arc::clone(&bench.app.site().ra);
    let sweeper = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(6)).await;
        seconds.fetch_add(6, Ordering::SeqCst);
        ra.sweep(10).await.unwrap()
    });
    let begun = Instant::now();
    let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    assert_eq!(called.status, CREATED, "{}", called.text());
    assert_eq!(sweeper.await.unwrap(), 1);
    let held = begun.elapsed().as_secs();
    assert!((6..9).contains(&held), "{held} s");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_held_no_longer_than_it_wishes() {
    let (bench, _) = paused_bench().await;
    for (wish, seconds) in [("wait=3", 3), ("wait=9000", 30), ("return=minimal", 10)] {
        bench.ca.will(Script::Wait(SignedDuration::from_mins(5)));
        let begun = Instant::now();
        let called = bench
            .send_with(CERTIFICATES, ("prefer", wish), &asked(&json!({})))
            .await;
        assert_eq!(called.status, StatusCode::ACCEPTED, "{wish}");
        assert_eq!(begun.elapsed().as_secs(), seconds, "{wish}");
    }
}

#[tokio::test]
async fn the_owner_gets_the_certificate_again_and_nobody_else() {
    let bench = Bench::new().await;
    let first = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    let location = field(&first, "location");
    let again = bench.fetch(location, &[]).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    let request = Request::get(location).body(Body::empty()).unwrap();
    let foreign = bench.by(&bob().await, request).await;
    assert_eq!(slug(&foreign), ProblemSlug::NotFound);
}

#[tokio::test]
async fn an_enrollment_is_no_revocation_and_a_made_up_name_is_nothing() {
    let bench = Bench::new().await;
    let id = issued(&bench.send(CERTIFICATES, &asked(&json!({}))).await).id;
    for path in [
        format!("{REVOCATIONS}/{id}"),
        format!("{CERTIFICATES}/{}", "0".repeat(32)),
        format!("{CERTIFICATES}/7"),
        format!("{CERTIFICATES}/{id}{id}"),
    ] {
        assert_eq!(
            slug(&bench.fetch(&path, &[]).await),
            ProblemSlug::NotFound,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_refusal_by_the_ca_is_shown_with_its_words_and_reasons() {
    let bench = Bench::new().await;
    let status = CaStatus {
        strings: vec!["ask the helpdesk".into()],
        fail_info: vec!["badCertTemplate".into(), "badTime".into()],
        authenticated: true,
    };
    let refusal = Refusal::by_ca(
        RefusalKind::RejectedByCa,
        "the CA refused: ask the helpdesk",
        status,
    );
    bench.ca.will(Script::Reject(refusal));
    let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    let problem = problem(&called);
    assert_eq!(problem.slug(), Some(ProblemSlug::RejectedByCa));
    assert_eq!(problem.fail_info, ["badCertTemplate", "badTime"]);
    assert_eq!(
        problem.detail.as_deref(),
        Some("the CA refused: ask the helpdesk")
    );
    // The row is there: who asks after it gets the same refusal.
    let again = bench.fetch(problem.instance.as_deref().unwrap(), &[]).await;
    assert_eq!(slug(&again), ProblemSlug::RejectedByCa);
}

#[tokio::test]
async fn a_ca_that_cannot_be_asked_is_unavailable_and_says_when_to_come_back() {
    let bench = Bench::new().await;
    bench.ca.will(Script::NotSent);
    let mine = ("idempotency-key", "order-66");
    let called = bench
        .send_with(CERTIFICATES, mine, &asked(&json!({})))
        .await;
    let problem = problem(&called);
    assert_eq!(problem.slug(), Some(ProblemSlug::Unavailable));
    assert!(problem.retry_after.is_some());
    assert!(!called.text().contains("refused"), "{}", called.text());
    let again = bench
        .send_with(CERTIFICATES, mine, &asked(&json!({})))
        .await;
    assert_eq!(again.status, CREATED, "the key is free again");
}

#[tokio::test]
async fn an_answer_that_is_lost_for_good_is_said_to_be() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Lost);
    let called = bench.send(CERTIFICATES, &asked(&json!({}))).await;
    assert_eq!(slug(&called), ProblemSlug::Lost);
}

#[tokio::test]
async fn a_bearer_token_is_as_good_as_a_certificate() {
    let bench = bench_with_token().await;
    let request = post(CERTIFICATES, &json!({}))
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::from(asked(&json!({})).to_string()));
    let called = bench.by_nobody(request.unwrap()).await;
    assert_eq!(called.status, CREATED, "{}", called.text());
    assert!(!called.text().contains(TOKEN));
}
