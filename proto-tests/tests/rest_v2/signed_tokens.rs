//! Callers by signed tokens (JWT): who is let in, what others are told, and what becomes of the issuer's keys.

use jiff::Timestamp;
use proto_tests::FakeClock;
use proto_tests::program::eventually;
use proto_tests::signed::{KeyServer, SigningKey, key_set};

use super::*;

const SUBJECT: &str = "system:serviceaccount:certway:certway-issuer";
const FILE_ISSUER: &str = "https://cluster.example";
const FILE: &str = r#"{ file = "jwks.json" }"#;

fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "sub": SUBJECT, "aud": ["certway-ra"],
        "exp": Timestamp::now().as_second() + 3600, "nbf": Timestamp::now().as_second(),
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// certway-ra over a CA of its own, that takes tokens of this issuer.
fn start(setup: NativeSetup, issuer: &str, keys: &str) -> Native {
    let config = config(&setup, issuer, keys);
    setup.start(&config)
}

fn config(setup: &NativeSetup, issuer: &str, keys: &str) -> String {
    setup.local_authority()
        + &setup.label("", "")
        + &format!(
            r#"
[reload]
every = "100ms"
[token_issuers.cluster]
issuer = "{issuer}"
audience = "certway-ra"
keys = {keys}
[callers.cert-manager]
service_account = {{ issuer = "cluster", namespace = "certway", name = "certway-issuer" }}
"#
        )
}

/// With the keys in a file.
fn by_file(keys: &[&SigningKey]) -> Native {
    let setup = NativeSetup::new();
    setup.write("jwks.json", key_set(keys));
    start(setup, FILE_ISSUER, FILE)
}

/// With the keys at a server, found by the issuer's description or by their address.
fn by_server(server: impl FnOnce(&NativeSetup) -> KeyServer, more: &str) -> (Native, KeyServer) {
    let setup = NativeSetup::new();
    let server = server(&setup);
    let keys = format!(r#"{{ tls_roots = ["clients.pem"]{more} }}"#);
    let issuer = server.issuer();
    (start(setup, &issuer, &keys), server)
}

fn shows(keys: &[&SigningKey]) -> impl FnOnce(&NativeSetup) -> KeyServer {
    move |setup| KeyServer::start(&setup.pki.server, keys)
}

fn enroll(native: &Native, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let fields = [("Authorization", bearer.as_str())];
    post_with(
        &native.rest(None),
        CERTIFICATES,
        &fields,
        &asked(&json!({})),
    )
}

fn metric(native: &Native, name: &str) -> Option<f64> {
    let text = native.program.admin().get("/metrics", &[]).text();
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().parse().ok()
}

#[test]
fn a_service_accounts_token_gets_a_certificate_and_the_audit_says_whose_it_was() {
    let key = SigningKey::new("k1");
    let native = by_file(&[&key]);
    issued(&enroll(&native, &key.token(&claims(FILE_ISSUER))));
    let credential = format!("jwt:cluster/{SUBJECT}");
    native.program.log_has(&credential);
    assert_eq!(native.issued(), 1);
}

#[test]
fn what_one_token_asked_for_is_there_for_the_next_of_the_same_service_account() {
    let key = SigningKey::new("k1");
    let native = by_file(&[&key]);
    let answer = enroll(&native, &key.token(&claims(FILE_ISSUER)));
    let renewed = key.token(&with(claims(FILE_ISSUER), "jti", json!("another")));
    let bearer = format!("Bearer {renewed}");
    let location = answer.header("location").unwrap();
    let again = native
        .rest(None)
        .get(location, &[("Authorization", &bearer)]);
    assert_eq!((again.status, again.body), (200, answer.body));
}

#[test]
fn a_token_that_our_clock_is_wrong_for_is_answered_so_and_good_once_it_is_right() {
    let key = SigningKey::new("k1");
    let setup = NativeSetup::new();
    let Some(clock) = FakeClock::right(setup.folder()) else {
        return;
    };
    setup.write("jwks.json", key_set(&[&key]));
    let config = config(&setup, FILE_ISSUER, FILE);
    let launch = clock.drives(setup.launch(&config));
    let native = setup.start_as(launch);
    let token = key.token(&claims(FILE_ISSUER));
    for (seconds, advice) in [(2 * 3600, "has expired"), (-3600, "compare the clocks")] {
        clock.set(seconds);
        let answer = enroll(&native, &token);
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(answer.text().contains(advice), "{}", answer.text());
    }
    clock.set(0);
    issued(&enroll(&native, &token));
    assert_eq!(native.issued(), 1);
}

#[test]
fn each_token_that_is_not_good_is_answered_with_what_to_do() {
    let (key, stranger) = (SigningKey::new("k1"), SigningKey::new("k1"));
    let native = by_file(&[&key]);
    let good = || claims(FILE_ISSUER);
    let now = Timestamp::now().as_second();
    let header = |alg: &str| json!({ "alg": alg, "kid": "k1" });
    for (token, advice) in [
        (
            key.token(&with(
                good(),
                "aud",
                json!("https://kubernetes.default.svc"),
            )),
            "get one with the audience `certway-ra`",
        ),
        (
            key.token(&with(
                good(),
                "sub",
                json!("system:serviceaccount:certway:default"),
            )),
            "name it in one of `callers`",
        ),
        (
            key.token(&with(good(), "exp", json!(now - 60))),
            "has expired",
        ),
        (
            key.token(&with(good(), "nbf", json!(now + 3600))),
            "compare the clocks",
        ),
        (
            key.token(&with(good(), "iss", json!("https://other.example"))),
            "`token_issuers`",
        ),
        (stranger.token(&good()), "get a new one"),
        (SigningKey::new("k2").token(&good()), "get a new token"),
        (
            key.token_under(&header("none"), &good()),
            "send one signed with",
        ),
        (
            key.token_under(&header("HS256"), &good()),
            "an algorithm that the key",
        ),
        (
            key.token_under(&header("RS256"), &good()),
            "an algorithm that the key",
        ),
        (
            key.token(&with(good(), "padding", json!("x".repeat(100_000)))),
            "fewer claims",
        ),
        ("a.b.c".to_owned(), "send one signed with"),
    ] {
        let body = problem(&enroll(&native, &token), 401, "unauthenticated");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(advice), "{advice}: {detail}");
    }
    assert_eq!(native.issued(), 0);
    let refused = r#"certway_http_unauthenticated_total{reason="audience"}"#;
    assert_eq!(metric(&native, refused), Some(1.0));
}

#[test]
fn a_file_of_keys_that_is_exchanged_counts_at_once_and_a_wrong_one_not_at_all() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let native = by_file(&[&old]);
    let token = |key: &SigningKey| key.token(&claims(FILE_ISSUER));
    issued(&enroll(&native, &token(&old)));
    native.setup.write("jwks.json", "no keys");
    native.program.log_has("token_issuers.cluster.keys.file: ");
    issued(&enroll(&native, &token(&old)));
    native.setup.write("jwks.json", key_set(&[&new]));
    eventually("the new key counts", || {
        enroll(&native, &token(&new)).status == 201
    });
    problem(&enroll(&native, &token(&old)), 401, "unauthenticated");
}

#[test]
fn keys_are_found_by_the_issuers_description_with_a_token_for_its_server_that_is_read_anew() {
    let (old, new) = (SigningKey::new("old"), SigningKey::new("new"));
    let server = |setup: &NativeSetup| {
        let server = KeyServer::start(&setup.pki.server, &[&old]);
        setup.write("own-token", "token-of-the-ra-1-9c31\n");
        server.only_for("token-of-the-ra-1-9c31");
        server
    };
    let (native, server) = by_server(
        server,
        r#", token_file = "own-token", refresh_every = "10s""#,
    );
    issued(&enroll(&native, &old.token(&claims(&server.issuer()))));
    native.setup.write("own-token", "token-of-the-ra-2-77de\n");
    server.only_for("token-of-the-ra-2-77de");
    server.show(&[&old, &new]);
    let token = new.token(&claims(&server.issuer()));
    eventually("the new key counts", || {
        enroll(&native, &token).status == 201
    });
    let log = native.log();
    assert!(
        !log.contains("a file of the configuration changed"),
        "a renewed token is none"
    );
}

#[test]
fn a_server_that_wants_to_know_who_asks_is_named_with_what_would_help() {
    let key = SigningKey::new("k1");
    let server = |setup: &NativeSetup| {
        let server = KeyServer::start(&setup.pki.server, &[&key]);
        server.only_for("somebody-elses-token-5b1c");
        server
    };
    let (native, server) = by_server(server, "");
    let answer = enroll(&native, &key.token(&claims(&server.issuer())));
    problem(&answer, 503, "unavailable");
    assert!(answer.header("retry-after").is_some());
    let ready = native.program.admin().get("/readyz", &[]);
    assert_eq!(ready.status, 200, "callers of other kinds are served");
    let text = ready.text();
    assert!(
        text.contains("token issuer cluster") && text.contains("token_file"),
        "{text}"
    );
}

#[test]
fn while_the_server_of_the_keys_is_away_the_last_ones_count() {
    let (key, new) = (SigningKey::new("k1"), SigningKey::new("k2"));
    let (native, server) = by_server(shows(&[&key]), r#", refresh_every = "10s""#);
    let token = |key: &SigningKey| key.token(&claims(&server.issuer()));
    issued(&enroll(&native, &token(&key)));
    server.go_away();
    native
        .program
        .log_has("the keys of a token issuer cannot be had");
    issued(&enroll(&native, &token(&key)));
    problem(&enroll(&native, &token(&new)), 503, "unavailable");
    let ready = native.program.admin().get("/readyz", &[]);
    assert!(
        ready.status == 200 && ready.text().contains("count"),
        "{}",
        ready.text()
    );
    assert_eq!(
        metric(&native, r#"certway_token_issuer_keys{issuer="cluster"}"#),
        Some(1.0)
    );
    server.show(&[&key, &new]);
    eventually("the server is asked again", || {
        enroll(&native, &token(&new)).status == 201
    });
}

#[test]
fn a_thousand_tokens_with_unknown_keys_cost_few_questions_and_keep_nobody_out() {
    let key = SigningKey::new("k1");
    let (native, server) = by_server(shows(&[&key]), "");
    let token = key.token(&claims(&server.issuer()));
    issued(&enroll(&native, &token));
    let begun = std::time::Instant::now();
    let mut connection = native.rest(None).connect().unwrap();
    for number in 0..1_000 {
        let made_up = json!({ "alg": "ES256", "kid": format!("made-up-{number}") });
        let bearer = format!(
            "Bearer {}",
            key.token_under(&made_up, &claims(&server.issuer()))
        );
        let answer = connection.request("GET", TRUST, &[("Authorization", &bearer)], b"");
        assert_eq!(answer.unwrap().status, 401);
    }
    issued(&enroll(&native, &token));
    let most = begun.elapsed().as_secs() / 10 + 2;
    let asked = server.asked() as u64;
    assert!(asked <= most, "{asked} questions, {most} at most");
}

#[test]
fn a_reload_keeps_the_keys_that_are_at_hand() {
    let key = SigningKey::new("k1");
    let (native, server) = by_server(shows(&[&key]), "");
    let token = key.token(&claims(&server.issuer()));
    issued(&enroll(&native, &token));
    server.go_away();
    let mark = native.program.output().mark();
    native.program.signal("HUP");
    native
        .program
        .log_has_since(mark, "Reloading configuration");
    let reloaded = r#"certway_config_reloads_total{result="success"}"#;
    eventually("it was read again", || {
        metric(&native, reloaded) >= Some(2.0)
    });
    issued(&enroll(&native, &token));
    assert_eq!(server.asked(), 1);
}
