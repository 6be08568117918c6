//! The client of `api` against the service, over a socket: both ends of the contract at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use api::client::{Answer, BaseUrl, Client, ClientError, IdempotencyKey, Progress};
use api::v2::{EnrollRequest, RevocationReason, RevokeRequest, RevokeTarget, TrustFormat};
use jiff::SignedDuration;
use ra::memory::Script;

use super::*;

async fn client(bench: &Bench) -> Client {
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = bench.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Client::new(http, base.parse::<BaseUrl>().unwrap()).with_bearer(TOKEN.parse().unwrap())
}

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

fn done<T: std::fmt::Debug>(answer: Answer<Progress<T>>) -> T {
    assert!(answer.correlation_id.is_some());
    match answer.body {
        Progress::Done(done) => done,
        Progress::Waiting(_) => panic!("still waiting"),
    }
}

#[tokio::test]
async fn the_client_enrolls_asks_again_and_revokes() {
    let bench = bench_with_token().await;
    let client = client(&bench).await;
    let request = EnrollRequest::new(web_csr().to_pem());
    let issued = done(client.enroll("RA", &request, &key("e1")).await.unwrap());
    let again = done(client.enrollment("RA", &issued.id).await.unwrap());
    assert_eq!(issued, again);
    let request = RevokeRequest {
        target: RevokeTarget::Certificate(issued.certificate.clone()),
        reason: RevocationReason::Superseded,
    };
    done(client.revoke("RA", &request, &key("r1")).await.unwrap());
    assert_eq!(bench.ca.revoked().len(), 1);
    let again = client.revoke("RA", &request, &key("r2")).await.unwrap_err();
    assert_eq!(again.slug(), Some(ProblemSlug::AlreadyRevoked));
}

#[tokio::test]
async fn the_client_waits_for_a_ca_that_takes_its_time() {
    let seconds = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_second()));
    let bench = Bench::with(|site| {
        site.callers = token_callers();
        let seconds = Arc::clone(&seconds);
        Arc::get_mut(&mut site.ra).unwrap().clock =
            Arc::new(move || jiff::Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap());
    })
    .await;
    let client = client(&bench).await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(60)));
    // Our client does not ask for being held less long; someone else with its token does.
    let request = post(CERTIFICATES, &json!({}))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("prefer", "wait=0")
        .body(Body::from(asked(&json!({})).to_string()));
    let waiting = bench.by_nobody(request.unwrap()).await;
    assert_eq!(waiting.status, StatusCode::ACCEPTED);
    let id = waiting.json()["id"].as_str().unwrap().to_owned();
    let pending = match client.enrollment("RA", &id).await.unwrap().body {
        Progress::Waiting(pending) => pending,
        Progress::Done(_) => panic!("the CA has not decided"),
    };
    assert_eq!(pending.check_after(), Duration::from_secs(60));
    seconds.fetch_add(61, Ordering::SeqCst);
    assert_eq!(Arc::clone(&bench.app.site().ra).sweep(10).await.unwrap(), 1);
    let issued = done(pending.ask().await.unwrap());
    assert_eq!(issued.roots, [bench.ca.root().to_pem()]);
}

#[tokio::test]
async fn the_client_gets_the_roots_in_every_form() {
    let bench = bench_with_token().await;
    let client = client(&bench).await;
    let trust = client.trust("RA").await.unwrap().body;
    assert_eq!(trust.roots[0].certificate, bench.ca.root().to_pem());
    for format in TrustFormat::ALL {
        let store = client.trust_store("RA", *format, Some("changed-it")).await;
        assert!(!store.unwrap().body.is_empty(), "{format}");
    }
}

#[tokio::test]
async fn the_client_hears_why_it_is_refused() {
    let bench = bench_with_token().await;
    let client = client(&bench).await.with_timeout(Duration::from_secs(20));
    let request = EnrollRequest::new("junk");
    let error = client.enroll("RA", &request, &key("e1")).await.unwrap_err();
    assert_eq!(error.slug(), Some(ProblemSlug::BadCsr));
    let nobody = client.with_bearer("wrong".parse().unwrap());
    let error: ClientError = nobody.trust("RA").await.unwrap_err();
    assert_eq!(error.slug(), Some(ProblemSlug::Unauthenticated));
    assert!(!error.is_transient());
}
