use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// A certificate with a key of its own, enrolled by alice.
async fn old(bench: &Bench, key: &PrivateKey) -> Certificate {
    let body = json!({ "csr": csr(key, "CN=web", &["web.example.com"]).to_pem() });
    let called = bench.send(CERTIFICATES, &body).await;
    Certificate::from_pem(issued(&called).certificate.as_bytes()).unwrap()
}

fn successor(old: &Certificate, proof: Option<Value>) -> Value {
    let mut replaces = json!({ "certificate": old.to_pem() });
    if let Some(proof) = proof {
        replaces["proof"] = proof;
    }
    asked(&json!({ "replaces": replaces }))
}

fn proof(key: &PrivateKey, over: &[u8]) -> Value {
    assert_eq!(key.public_key().kind(), pki::KeyKind::P384);
    json!({ "algorithm": "ecdsa-sha384", "signature": STANDARD.encode(key.sign_now(over).unwrap()) })
}

async fn by(bench: &Bench, who: &Certificate, body: &Value) -> Called {
    let request = post(CERTIFICATES, body).body(Body::from(body.to_string()));
    bench.by(who, request.unwrap()).await
}

#[tokio::test]
async fn the_old_certificate_renews_itself_over_mtls() {
    let bench = Bench::new().await;
    let old = old(&bench, &key("p384-sec1")).await;
    let called = by(&bench, &old, &successor(&old, None)).await;
    assert_eq!(called.status, CREATED, "{}", called.text());
}

#[tokio::test]
async fn the_old_key_renews_by_a_signature_over_the_new_csr() {
    let bench = Bench::new().await;
    let old_key = key("p384-sec1");
    let old = old(&bench, &old_key).await;
    let body = successor(&old, Some(proof(&old_key, web_csr().der())));
    // The CSR is signed anew in each call; the body has to be about one of them.
    let csr = Csr::from_pem(body["csr"].as_str().unwrap().as_bytes()).unwrap();
    let body = json!({ "csr": csr.to_pem(), "replaces": {
        "certificate": old.to_pem(), "proof": proof(&old_key, csr.der()),
    }});
    let called = bench.send(CERTIFICATES, &body).await;
    assert_eq!(called.status, CREATED, "{}", called.text());
}

#[tokio::test]
async fn neither_another_connection_nor_another_signature_renews() {
    let bench = Bench::new().await;
    let old_key = key("p384-sec1");
    let old = old(&bench, &old_key).await;
    let forged = proof(&old_key, b"something else");
    for body in [successor(&old, None), successor(&old, Some(forged))] {
        let called = bench.send(CERTIFICATES, &body).await;
        assert_eq!(slug(&called), ProblemSlug::NotAuthorized);
    }
    assert_eq!(bench.ca.issued().len(), 1);
}

#[tokio::test]
async fn who_has_but_the_old_certificate_gains_no_names_by_renewal() {
    let bench = Bench::new().await;
    let old = old(&bench, &key("p384-sec1")).await;
    let more = csr(
        &key("p256-pkcs8"),
        "CN=web",
        &["web.example.com", "more.example.com"],
    );
    let body = json!({ "csr": more.to_pem(), "replaces": { "certificate": old.to_pem() } });
    let called = by(&bench, &old, &body).await;
    assert_eq!(slug(&called), ProblemSlug::NameNotAllowed);
    assert!(
        problem(&called)
            .detail
            .unwrap()
            .contains("more.example.com")
    );
}

#[tokio::test]
async fn a_proof_signed_anew_is_still_the_same_request() {
    let bench = Bench::new().await;
    let old_key = key("p384-sec1");
    let old = old(&bench, &old_key).await;
    let csr = web_csr();
    let body = || {
        json!({ "csr": csr.to_pem(), "replaces": {
            "certificate": old.to_pem(), "proof": proof(&old_key, csr.der()),
        }})
    };
    let mine = ("idempotency-key", "renewal");
    let first = bench.send_with(CERTIFICATES, mine, &body()).await;
    let again = bench.send_with(CERTIFICATES, mine, &body()).await;
    assert_eq!(first.body, again.body);
    assert_eq!(bench.ca.issued().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_read_of_the_old_certificate_is_named() {
    let bench = Bench::new().await;
    let replaces = |replaces: Value| asked(&json!({ "replaces": replaces }));
    for (body, named) in [
        (
            replaces(json!({ "certificate": "x" })),
            "replaces.certificate",
        ),
        (
            replaces(
                json!({ "certificate": "", "proof": { "algorithm": "md5", "signature": "" } }),
            ),
            "md5",
        ),
        (
            replaces(
                json!({ "certificate": "", "proof": { "algorithm": "ed25519", "signature": "*" } }),
            ),
            "base64",
        ),
    ] {
        let called = bench.send(CERTIFICATES, &body).await;
        assert_eq!(slug(&called), ProblemSlug::BadRequest);
        assert!(called.text().contains(named), "{}", called.text());
    }
}
