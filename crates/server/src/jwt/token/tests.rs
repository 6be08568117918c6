use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jwt::signing::{Signing, set};
use crate::jwt::{Keys, TokenIssuer, TokenIssuers, Unverified};

const ISSUER: &str = "https://cluster.example";
const AUDIENCE: &str = "certway-ra";
const SUBJECT: &str = "system:serviceaccount:certway:certway-issuer";
const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": SUBJECT, "aud": [AUDIENCE], "exp": NOW + 600, "nbf": NOW - 10, "iat": NOW - 10,
        "kubernetes.io": { "namespace": "certway", "pod": { "name": "issuer-1", "uid": "2e3" } },
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn issuers(keys: &[&Signing]) -> TokenIssuers {
    TokenIssuers::new(vec![TokenIssuer {
        name: "cluster".to_owned(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: Keys::Fixed(Arc::new(set(keys))),
    }])
}

async fn judged(issuers: &TokenIssuers, text: &str) -> Result<String, TokenRefusal> {
    let token = Token::read(text.as_bytes())?;
    match issuers.verify(&token, now()).await {
        Ok(_) => Ok(token.subject().to_owned()),
        Err(Unverified::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_of_each_kind_of_key_is_believed() {
    for signing in [
        Signing::rsa("k"),
        Signing::p256("k"),
        Signing::p384("k"),
        Signing::ed25519("k"),
    ] {
        let subject = judged(&issuers(&[&signing]), &signing.token(&claims())).await;
        assert_eq!(subject.unwrap(), SUBJECT);
    }
}

#[tokio::test]
async fn every_rsa_algorithm_is_believed_where_the_key_states_none() {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    let rsa = Signing::rsa("k");
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512] {
        let token = rsa.token_by(algorithm, &claims());
        judged(&issuers(&[&rsa]), &token).await.unwrap();
    }
}

#[tokio::test]
async fn one_audience_may_be_a_text_and_times_may_have_fractions() {
    let key = Signing::p256("k");
    for claims in [
        with("aud", json!(AUDIENCE)),
        with("aud", json!(["other", AUDIENCE])),
        with("exp", json!(1_800_000_000.5)),
        without("nbf"),
    ] {
        let found = judged(&issuers(&[&key]), &key.token(&claims)).await;
        assert!(found.is_ok(), "{claims}: {found:?}");
    }
}

#[tokio::test]
async fn each_wrong_token_is_refused_with_what_to_do() {
    let (key, stranger) = (Signing::p256("k"), Signing::p256("k"));
    let other = Signing::p256("other");
    let part = |value: &Value| {
        base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, value.to_string())
    };
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims()));
    let good = key.token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let changed = format!(
        "{}.{}.{signature}",
        head.split_once('.').unwrap().0,
        part(&with("sub", json!("root")))
    );
    let hour = json!(NOW + 3600);
    for (token, word, advice) in [
        (unsigned, "unreadable", "send one signed with"),
        (
            key.token_with_header(&json!({ "alg": "HS256", "kid": "k" }), &claims()),
            "algorithm",
            "have it signed by",
        ),
        (
            key.token_with_header(&json!({ "alg": "RS256", "kid": "k" }), &claims()),
            "algorithm",
            "have it signed by",
        ),
        (
            key.token_with_header(
                &json!({ "alg": "ES256", "kid": "k", "crit": ["exp"] }),
                &claims(),
            ),
            "unreadable",
            "critical",
        ),
        (
            key.token_with_header(&json!({ "alg": "ES999", "kid": "k" }), &claims()),
            "unreadable",
            "send one signed with",
        ),
        (stranger.token(&claims()), "signature", "get a new one"),
        (changed, "signature", "get a new one"),
        (format!("{head}."), "signature", "get a new one"),
        (
            other.token(&claims()),
            "unknown-key",
            "token_issuers.cluster.keys",
        ),
        (
            key.token(&with("iss", json!("https://evil.example"))),
            "unknown-issuer",
            "token_issuers",
        ),
        (
            key.token(&with("exp", json!(NOW - 30))),
            "expired",
            "get a new one",
        ),
        (
            key.token(&with("exp", json!(-1e300))),
            "expired",
            "get a new one",
        ),
        (
            key.token(&with("nbf", hour)),
            "not-yet-valid",
            "compare the clocks",
        ),
        (
            key.token(&with("aud", json!(["https://kubernetes.default.svc"]))),
            "audience",
            "`certway-ra`",
        ),
        (
            key.token(&with("aud", json!([]))),
            "audience",
            "`certway-ra`",
        ),
        (
            key.token(&without("exp")),
            "unreadable",
            "send one signed with",
        ),
        (
            key.token(&without("aud")),
            "unreadable",
            "send one signed with",
        ),
        (
            key.token(&without("sub")),
            "unreadable",
            "send one signed with",
        ),
        (
            key.token(&without("iss")),
            "unreadable",
            "send one signed with",
        ),
        (
            key.token(&with("exp", json!("soon"))),
            "unreadable",
            "send one signed with",
        ),
        (
            key.token(&with("pad", json!("x".repeat(LARGEST)))),
            "too-large",
            "fewer claims",
        ),
        ("a.b.c".to_owned(), "unreadable", "send one signed with"),
        ("..".to_owned(), "unreadable", "send one signed with"),
        (format!("{good}.x"), "unreadable", "send one signed with"),
    ] {
        let refusal = judged(&issuers(&[&key]), &token).await.unwrap_err();
        assert_eq!(refusal.word(), word, "{refusal}");
        let text = refusal.to_string();
        assert!(text.contains(advice), "{text}");
        assert!(!text.contains(signature), "{text}");
    }
}

#[tokio::test]
async fn the_public_key_as_a_secret_makes_no_token() {
    let rsa = Signing::rsa("k");
    let set = issuers(&[&rsa]);
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    for secret in [modulus.as_bytes(), rsa.jwk().to_string().as_bytes()] {
        let mut header = jsonwebtoken::Header::new(Algorithm::HS256);
        header.kid = Some("k".to_owned());
        let secret = jsonwebtoken::EncodingKey::from_secret(secret);
        let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
        let refusal = judged(&set, &forged).await.unwrap_err();
        assert_eq!(refusal.word(), "algorithm");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_half_a_minute() {
    let key = Signing::p256("k");
    for claims in [with("exp", json!(NOW - 29)), with("nbf", json!(NOW + 29))] {
        judged(&issuers(&[&key]), &key.token(&claims))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn of_two_issuers_each_is_believed_by_its_own_keys_alone() {
    let (one, two) = (Signing::p256("k"), Signing::p256("k"));
    let issuer = |name: &str, key: &Signing| TokenIssuer {
        name: name.to_owned(),
        issuer: format!("https://{name}"),
        audience: AUDIENCE.to_owned(),
        keys: Keys::Fixed(Arc::new(set(&[key]))),
    };
    let both = TokenIssuers::new(vec![issuer("one", &one), issuer("two", &two)]);
    let of = |name: &str| with("iss", json!(format!("https://{name}")));
    judged(&both, &two.token(&of("two"))).await.unwrap();
    let crossed = judged(&both, &one.token(&of("two"))).await.unwrap_err();
    assert_eq!(crossed.word(), "signature");
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(text: Vec<u8>) {
        let _read = Token::read(&text);
    }

    #[test]
    fn any_parts_are_read_or_refused(header in "\\PC{0,60}", claims in "\\PC{0,60}", signature in "[A-Za-z0-9_-]{0,40}") {
        use base64::Engine as _;
        let part = |text: String| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.{}.{signature}", part(header), part(claims));
        let refusal = Token::read(text.as_bytes()).err();
        prop_assert_eq!(refusal.map(|refusal| refusal.word()), Some("unreadable"));
    }

    #[test]
    fn any_times_are_judged_without_panic(exp: f64, nbf: f64) {
        let mut token = Token {
            signed: b"", signature: "", algorithm: Algorithm::ES256, key_id: None,
            claims: serde_json::from_value(claims()).unwrap(),
        };
        (token.claims.exp, token.claims.nbf) = (exp, Some(nbf));
        let in_time = token.is_valid_at(now()).is_ok();
        let at = 1_800_000_000_f64;
        prop_assert_eq!(in_time, at < exp + LEEWAY && nbf - LEEWAY <= at);
    }
}
