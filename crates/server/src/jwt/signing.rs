//! Keys of a token issuer, for tests.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pki::{KeyKind, PrivateKey};
use serde_json::{Value, json};

use super::KeySet;

const RSA: &[u8] = include_bytes!("../../../pki/tests/fixtures/keys/rsa-pkcs1.pem");

pub(crate) struct Signing {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
}

impl Signing {
    pub(crate) fn p256(id: &'static str) -> Self {
        Self::ec(id, Algorithm::ES256, KeyKind::P256)
    }

    pub(crate) fn p384(id: &'static str) -> Self {
        Self::ec(id, Algorithm::ES384, KeyKind::P384)
    }

    fn ec(id: &'static str, algorithm: Algorithm, kind: KeyKind) -> Self {
        let key = PrivateKey::generate(kind).unwrap();
        let key = EncodingKey::from_ec_der(&key.to_pkcs8_der().unwrap());
        Self::with_jwk(id, algorithm, key)
    }

    pub(crate) fn rsa(id: &'static str) -> Self {
        let pem = std::str::from_utf8(RSA).unwrap();
        let text: String = pem.lines().filter(|l| !l.starts_with('-')).collect();
        let der = base64::prelude::BASE64_STANDARD.decode(text).unwrap();
        Self::with_jwk(id, Algorithm::RS256, EncodingKey::from_rsa_der(&der))
    }

    pub(crate) fn ed25519(id: &'static str) -> Self {
        let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
        let public = key.public_key().spki_der();
        let point = BASE64_URL_SAFE_NO_PAD.encode(&public[public.len() - 32..]);
        Self {
            id,
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_der(&key.to_pkcs8_der().unwrap()),
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": point, "kid": id }),
        }
    }

    fn with_jwk(id: &'static str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&key, algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        // Whether a key states its algorithm is up to a test.
        jwk.as_object_mut().unwrap().remove("alg");
        jwk["kid"] = json!(id);
        Self {
            id,
            algorithm,
            key,
            jwk,
        }
    }

    /// The public half.
    pub(crate) fn jwk(&self) -> Value {
        self.jwk.clone()
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_by(self.algorithm, claims)
    }

    /// The same by another algorithm of the key's.
    pub(crate) fn token_by(&self, algorithm: Algorithm, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(self.id.to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }

    /// A token whose header is written by hand.
    pub(crate) fn token_with_header(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &self.key, self.algorithm);
        format!("{signed}.{}", signature.unwrap())
    }
}

/// The set of these keys.
pub(crate) fn set(keys: &[&Signing]) -> KeySet {
    KeySet::read(text(keys).as_bytes()).unwrap()
}

/// The same as text.
pub(crate) fn text(keys: &[&Signing]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys }).to_string()
}
