//! Token issuers: who signs JWTs, and a server that shows the keys.

use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::certs::Identity;
use crate::secrets;
use crate::upstream::{FakeUpstream, Received, Reply, tls};

/// A key that signs tokens: P-256, for ES256.
pub struct SigningKey {
    id: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    /// A new one of that name (`kid`).
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
        }
    }

    /// Its public half (RFC 7517).
    pub fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "alg": "ES256",
            "x": BASE64URL.encode(&point[1..33]), "y": BASE64URL.encode(&point[33..]),
        })
    }

    /// A token with these claims. It is a secret from now on.
    pub fn token(&self, claims: &Value) -> String {
        self.token_under(&json!({ "alg": "ES256", "kid": self.id }), claims)
    }

    /// The same with another header.
    pub fn token_under(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = BASE64URL.encode(signature.unwrap());
        secrets::text("the signature of a token", &signature);
        format!("{signed}.{signature}")
    }
}

/// A key set as text.
pub fn key_set(keys: &[&SigningKey]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// The path under which [`KeyServer`] shows its keys.
pub const KEYS: &str = "/openid/v1/jwks";

/// An HTTPS server that shows the keys of an issuer, and describes that issuer, as an API server of Kubernetes does.
pub struct KeyServer {
    upstream: FakeUpstream,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Default)]
struct Shown {
    /// `None`: it does not answer.
    keys: Option<String>,
    /// Who may see it; everybody when empty.
    bearer: String,
}

impl KeyServer {
    /// One with that certificate, for `localhost`.
    pub fn start(identity: &Identity, keys: &[&SigningKey]) -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            keys: Some(key_set(keys)),
            bearer: String::new(),
        }));
        let on_show = Arc::clone(&shown);
        let answer = move |request: &Received| on_show.lock().unwrap().answer(request);
        Self {
            upstream: FakeUpstream::start_tls(tls(identity, None), answer),
            shown,
        }
    }

    /// Shows other keys, also when it was away.
    pub fn show(&self, keys: &[&SigningKey]) {
        self.shown.lock().unwrap().keys = Some(key_set(keys));
    }

    /// Closes every connection without an answer from now on.
    pub fn go_away(&self) {
        self.shown.lock().unwrap().keys = None;
    }

    /// Shows what it has to the bearer of that token alone.
    pub fn only_for(&self, token: &str) {
        self.shown.lock().unwrap().bearer = token.to_owned();
    }

    /// The issuer that it describes, which is its own address.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.upstream.address().port())
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        let all = self.upstream.received();
        let for_keys = |request: &&Received| request.head.starts_with(&format!("GET {KEYS} "));
        all.iter().filter(for_keys).count()
    }
}

impl Shown {
    fn answer(&self, request: &Received) -> Reply {
        let Some(keys) = &self.keys else {
            return Reply::Close;
        };
        let field = |name: &str| {
            let of = |line: &str| Some(line.split_once(": ")?.1.to_owned());
            let mut lines = request.head.lines();
            let line = lines.find(|line| line.to_ascii_lowercase().starts_with(name));
            line.and_then(of).unwrap_or_default()
        };
        if !self.bearer.is_empty() && field("authorization:") != format!("Bearer {}", self.bearer) {
            return Reply::http(403, "application/json", "{}");
        }
        if request.head.starts_with(&format!("GET {KEYS} ")) {
            return Reply::http(200, "application/jwk-set+json", keys.as_str());
        }
        let issuer = format!("https://{}", field("host:"));
        let description = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}{KEYS}") });
        Reply::http(200, "application/json", description.to_string())
    }
}
