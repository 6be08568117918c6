use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use pki::Certificate;
use ra::memory::Script;
use ra::{CaStatus, Refusal, RefusalKind};

use crate::Site;
use crate::testing::{Bench, Called, called, csr, key, key_pem};

const CERTIFICATE: &str = "/v1/certificate/RA";
const UPDATE: &str = "/v1/certificate-update/RA";
const SUBJECT: &str = "C=US,O=Linux-Foundation,OU=ONAP,CN=onap.org";

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// The two header fields of a request for `SUBJECT` with this key of the fixtures.
fn fields(key_name: &str) -> Vec<(&'static str, String)> {
    let csr = csr(&key(key_name), SUBJECT, &["test.onap.org"]);
    vec![
        ("CSR", encoded(&csr.to_pem())),
        ("PK", encoded(&key_pem(key_name))),
    ]
}

fn with(
    fields: Vec<(&'static str, String)>,
    name: &'static str,
    value: String,
) -> Vec<(&'static str, String)> {
    let mut fields: Vec<_> = fields
        .into_iter()
        .filter(|(known, _)| *known != name)
        .collect();
    fields.push((name, value));
    fields
}

fn without(fields: Vec<(&'static str, String)>, name: &str) -> Vec<(&'static str, String)> {
    fields
        .into_iter()
        .filter(|(known, _)| *known != name)
        .collect()
}

fn message(called: &Called) -> (u16, String) {
    (
        called.status.as_u16(),
        called.json()["errorMessage"].as_str().unwrap().to_owned(),
    )
}

fn texts(called: &Called, member: &str) -> Vec<String> {
    serde_json::from_value(called.json()[member].clone()).unwrap()
}

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

#[tokio::test]
async fn errors_come_in_certservices_order() {
    const CSR: &str = "Wrong certificate signing request (CSR) format";
    const KEY: &str = "Wrong key (PK) format";
    let bench = Bench::new().await;
    let unknown = "/v1/certificate/unknown";
    let good = fields("p256-pkcs8");
    let bad_both = with(with(good.clone(), "CSR", "!".into()), "PK", "!".into());
    let bad_key = with(good.clone(), "PK", "!".into());
    for (fields, status, text) in [
        (bad_both, 400, CSR),
        (bad_key, 400, KEY),
        (
            good,
            404,
            "Certification authority not found for given CAName",
        ),
    ] {
        assert_eq!(
            message(&bench.get(unknown, &fields).await),
            (status, text.to_owned())
        );
    }
}

#[tokio::test]
async fn csrs_that_are_none_or_do_not_verify_are_named_so() {
    let bench = Bench::new().await;
    let good = csr(&key("p256-pkcs8"), SUBJECT, &[]);
    let mut forged = good.der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    for text in [
        "not PEM".to_owned(),
        key_pem("rsa-pkcs1"),
        pki::pem::encode("CERTIFICATE REQUEST", b"junk"),
        pki::pem::encode("CERTIFICATE REQUEST", &forged),
    ] {
        let called = bench
            .get(
                CERTIFICATE,
                &with(fields("p256-pkcs8"), "CSR", encoded(&text)),
            )
            .await;
        assert_eq!(
            message(&called),
            (
                400,
                "Wrong certificate signing request (CSR) format".to_owned()
            )
        );
    }
    assert_eq!(bench.ca.calls(), 0);
}

#[tokio::test]
async fn keys_that_are_encrypted_weak_another_ones_or_none_are_named_so() {
    let bench = Bench::new().await;
    let request = csr(&key("p256-pkcs8"), SUBJECT, &[]).to_pem();
    for (name, text) in [
        ("encrypted", key_pem("p256-pbes2")),
        ("legacy encryption", key_pem("rsa-proc-type")),
        ("weak", key_pem("rsa1024-pkcs8")),
        ("another", key_pem("p384-sec1")),
        ("none", request),
    ] {
        let called = bench
            .get(
                CERTIFICATE,
                &with(fields("p256-pkcs8"), "PK", encoded(&text)),
            )
            .await;
        assert_eq!(
            message(&called),
            (400, "Wrong key (PK) format".to_owned()),
            "{name}"
        );
        assert!(
            called.json()["detail"]
                .as_str()
                .is_some_and(|detail| !detail.contains("MII")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn text_before_the_first_block_and_a_wrong_label_are_passed_over() {
    let bench = Bench::new().await;
    let request = csr(&key("p256-pkcs8"), SUBJECT, &[]);
    let text = format!(
        "some text\r\n{}",
        pki::pem::encode("NEW THING", request.der()).replace('\n', "\r\n")
    );
    let called = bench
        .get(
            CERTIFICATE,
            &with(fields("p256-pkcs8"), "CSR", encoded(&text)),
        )
        .await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
}

#[tokio::test]
async fn the_cas_rejection_is_passed_on_in_certservices_words() {
    let bench = Bench::new().await;
    let status = CaStatus {
        strings: vec!["no such end entity".into()],
        fail_info: vec!["badRequest".into()],
        authenticated: true,
    };
    bench.ca.will(Script::Reject(Refusal::by_ca(
        RefusalKind::RejectedByCa,
        "the CA refused",
        status,
    )));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    assert_eq!(
        message(&called),
        (
            500,
            "CMPv2 server returned following error: no such end entity".to_owned()
        )
    );
    assert!(
        called.json()["detail"]
            .as_str()
            .unwrap()
            .contains("badRequest")
    );
}

#[tokio::test]
async fn a_request_that_was_rejected_is_put_to_the_ca_again_when_it_comes_again() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "not today",
    )));
    let once = fields("p256-pkcs8");
    assert_eq!(
        bench.get(CERTIFICATE, &once).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(bench.get(CERTIFICATE, &once).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_ca_that_cannot_be_reached_is_named_by_its_name_and_not_by_its_address() {
    let bench = Bench::new().await;
    bench.ca.will(Script::NotSent);
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    let text = "Exception occurred during call to cmp client: IOException error while trying to connect CA RA";
    assert_eq!(message(&called), (500, text.to_owned()));
}

#[tokio::test]
async fn a_certificate_for_another_key_is_given_back_and_never_answered() {
    let bench = Bench::new().await;
    let other = key("p384-sec1");
    let template = pki::Template::new(
        pki::name::onap::parse(SUBJECT).unwrap(),
        other.public_key().clone(),
    );
    bench.ca.will(Script::IssueInstead(Box::new(template)));
    let (status, text) = message(&bench.get(CERTIFICATE, &fields("p256-pkcs8")).await);
    assert_eq!(status, 500);
    assert!(
        text.starts_with("Exception occurred during call to cmp client: "),
        "{text}"
    );
    assert_eq!(bench.ca.withdrawn().len(), 1);
}

#[tokio::test]
async fn a_call_is_held_while_the_ca_makes_us_wait_and_answered_when_the_sweeper_got_the_certificate()
 {
    let bench = Bench::with(|site| site.v1.hold = std::time::Duration::from_secs(20)).await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    let sweeper = tokio::spawn(crate::sweep::run(
        bench.app.clone(),
        std::time::Duration::from_millis(50),
        10,
    ));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    sweeper.abort();
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
}

#[tokio::test]
async fn a_call_that_was_held_for_as_long_as_configured_ends_with_503_and_not_with_empty_lists() {
    let bench = Bench::new().await;
    bench.ca.will(Script::Wait(SignedDuration::from_secs(60)));
    let called = bench.get(CERTIFICATE, &fields("p256-pkcs8")).await;
    assert_eq!(called.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(called.headers.contains_key(header::RETRY_AFTER));
    assert!(called.json().get("certificateChain").is_none());
}

/// The four header fields of an update of a certificate with the key `old` by one with the key `new`.
async fn update_fields(
    bench: &Bench,
    old: &str,
    new: &str,
    subject: &str,
) -> Vec<(&'static str, String)> {
    let first = bench.get(CERTIFICATE, &fields(old)).await;
    let request = csr(&key(new), subject, &["test.onap.org"]).to_pem();
    let chain: String = texts(&first, "certificateChain").concat();
    vec![
        ("CSR", encoded(&request)),
        ("PK", encoded(&key_pem(new))),
        ("OLD_CERT", encoded(&chain)),
        ("OLD_PK", encoded(&key_pem(old))),
    ]
}

#[tokio::test]
async fn an_update_with_the_same_and_with_other_names_succeeds() {
    let bench = Bench::new().await;
    // Names in another order are the same names.
    for subject in [
        SUBJECT,
        "CN=onap.org,OU=ONAP,O=Linux-Foundation,C=US",
        "CN=new-onap.org",
    ] {
        let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", subject).await;
        let called = bench.get(UPDATE, &fields).await;
        assert_eq!(
            called.status,
            StatusCode::OK,
            "{subject}: {}",
            called.text()
        );
    }
}

#[tokio::test]
async fn the_spelling_without_underscores_and_the_go_clients_case_are_taken() {
    let bench = Bench::new().await;
    let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    for names in [
        ["Csr", "Pk", "Old_cert", "Old_pk"],
        ["csr", "pk", "OLDCERT", "OLDPK"],
    ] {
        let renamed: Vec<_> = names
            .into_iter()
            .zip(fields.iter().map(|(_, value)| value.clone()))
            .collect();
        assert_eq!(
            bench.get(UPDATE, &renamed).await.status,
            StatusCode::OK,
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn an_update_without_or_with_a_broken_header_is_400_and_a_bad_old_key_says_certificate() {
    let bench = Bench::new().await;
    let good = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    for (name, text) in [
        ("CSR", "Wrong certificate signing request (CSR) format"),
        ("PK", "Wrong key (PK) format"),
        ("OLD_CERT", "Wrong certificate format"),
        ("OLD_PK", "Wrong certificate format"),
    ] {
        assert_eq!(
            message(&bench.get(UPDATE, &without(good.clone(), name)).await).0,
            400,
            "{name}"
        );
        let called = bench
            .get(UPDATE, &with(good.clone(), name, encoded("junk")))
            .await;
        assert_eq!(message(&called), (400, text.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_key_update_with_a_wrong_old_key_is_500() {
    let bench = Bench::new().await;
    let fields = update_fields(&bench, "rsa-pkcs1", "p256-pkcs8", SUBJECT).await;
    let called = bench
        .get(
            UPDATE,
            &with(fields, "OLD_PK", encoded(&key_pem("p384-sec1"))),
        )
        .await;
    assert_eq!(called.status, StatusCode::INTERNAL_SERVER_ERROR);
}

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
