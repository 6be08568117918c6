use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::jwt::signing::{Signing, set};
use crate::jwt::{Keys, TokenIssuer};
use crate::testing;

const SUBJECT: &str = "system:serviceaccount:certway:certway-issuer";

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn callers() -> Callers {
    let issuer = Caller {
        name: "issuer".to_owned(),
        tokens: vec![pki::digest::sha256(TOKEN.as_bytes())],
        certificates: vec![TextPattern::new("dns:issuer.*")],
        subjects: vec![TokenSubject {
            issuer: "cluster".to_owned(),
            subject: SUBJECT.to_owned(),
        }],
        acts_as_ra: true,
    };
    Callers::new(vec![issuer], TokenIssuers::default())
}

/// The same, with the tokens of a cluster.
fn callers_of_cluster(key: &Signing) -> Callers {
    let cluster = TokenIssuer {
        name: "cluster".to_owned(),
        issuer: "https://cluster.example".to_owned(),
        audience: "certway-ra".to_owned(),
        keys: Keys::Fixed(Arc::new(set(&[key]))),
    };
    Callers::new(callers().all, TokenIssuers::new(vec![cluster]))
}

fn token_about(key: &Signing, subject: &str) -> String {
    key.token(&json!({
        "iss": "https://cluster.example", "sub": subject, "aud": "certway-ra",
        "exp": Timestamp::now().as_second() + 60,
    }))
}

async fn identify(
    callers: &Callers,
    headers: &HeaderMap,
    peer: Option<&Certificate>,
) -> Result<Requester, Unauthenticated> {
    callers.identify(headers, peer, Timestamp::now()).await
}

fn authorization(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
}

#[tokio::test]
async fn a_known_token_makes_the_caller_whatever_the_case_of_bearer() {
    for scheme in ["Bearer", "bearer"] {
        let who = identify(
            &callers(),
            &authorization(&format!("{scheme} {TOKEN}")),
            None,
        )
        .await
        .unwrap();
        assert_eq!(who.credential.as_str(), "token:issuer");
        assert!(who.acts_as_ra && who.principals.contains(&Principal::new("caller:issuer")));
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_even_over_mtls() {
    let certificate = testing::certificate("CN=client", &["client.example"]).await;
    for value in ["Bearer wrong", "Basic abc", "Bearer", ""] {
        let found = identify(&callers(), &authorization(value), Some(&certificate)).await;
        assert_eq!(found.unwrap_err(), Unauthenticated::UnknownToken, "{value}");
    }
}

#[tokio::test]
async fn nothing_shown_is_nobody() {
    assert_eq!(
        identify(&callers(), &HeaderMap::new(), None)
            .await
            .unwrap_err(),
        Unauthenticated::Nothing
    );
}

#[tokio::test]
async fn a_client_certificate_makes_a_requester_with_all_its_names() {
    let certificate = testing::certificate("O=Example,CN=client", &["client.example"]).await;
    let who = identify(&callers(), &HeaderMap::new(), Some(&certificate))
        .await
        .unwrap();
    assert!(who.credential.as_str().starts_with("mtls:") && !who.acts_as_ra);
    for name in [
        "subject:O=Example,CN=client",
        "dns:client.example",
        who.credential.as_str(),
    ] {
        assert!(
            who.principals.contains(&Principal::new(name)),
            "{name} not in {:?}",
            who.principals
        );
    }
    assert!(who.holds(&certificate.id()));
}

#[tokio::test]
async fn a_certificate_that_fits_a_caller_is_that_caller_as_well() {
    let certificate = testing::certificate("CN=x", &["issuer.example"]).await;
    let who = identify(&callers(), &HeaderMap::new(), Some(&certificate))
        .await
        .unwrap();
    assert!(who.acts_as_ra && who.principals.contains(&Principal::new("caller:issuer")));
}

#[tokio::test]
async fn a_token_of_a_cluster_makes_the_caller_that_its_service_account_is() {
    let key = Signing::p256("k");
    let header = authorization(&format!("Bearer {}", token_about(&key, SUBJECT)));
    let who = identify(&callers_of_cluster(&key), &header, None)
        .await
        .unwrap();
    let credential = format!("jwt:cluster/{SUBJECT}");
    assert_eq!(who.credential.as_str(), credential);
    let principals = [&credential, "caller:issuer"].map(Principal::new);
    assert_eq!(who.principals, principals);
    assert!(who.acts_as_ra);
}

#[tokio::test]
async fn a_good_token_about_nobody_we_know_is_refused_even_over_mtls() {
    let key = Signing::p256("k");
    let certificate = testing::certificate("CN=client", &["client.example"]).await;
    for subject in ["system:serviceaccount:certway:other", "", "root"] {
        let header = authorization(&format!("Bearer {}", token_about(&key, subject)));
        let callers = callers_of_cluster(&key);
        let why = identify(&callers, &header, Some(&certificate)).await;
        let why = why.unwrap_err();
        assert_eq!(why.word(), "unknown-subject");
        assert!(why.to_string().contains("`callers`"), "{why}");
    }
}

#[tokio::test]
async fn beside_tokens_of_a_cluster_a_static_one_still_counts_and_a_wrong_one_is_wrong() {
    let callers = callers_of_cluster(&Signing::p256("k"));
    let known = authorization(&format!("Bearer {TOKEN}"));
    let who = identify(&callers, &known, None).await.unwrap();
    assert_eq!(who.credential.as_str(), "token:issuer");
    let wrong = identify(&callers, &authorization("Bearer wrong"), None).await;
    assert_eq!(wrong.unwrap_err(), Unauthenticated::UnknownToken);
}
