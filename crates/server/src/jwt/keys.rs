//! The public keys of a token issuer: a JWK Set (RFC 7517).

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations,
    PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

/// Octets of a key set that are read. One RSA key of 4096 bits is a kilobyte.
pub(super) const LARGEST: usize = 256 * 1024;
/// Keys that a set may have: more would be verified with one after the other.
const MOST_KEYS: usize = 64;

/// Public keys with which the signatures of tokens can be verified. There is at least one in it.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    digest: [u8; 32],
}

/// One key, and what may be signed with it.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why a text is not a key set that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// More than is read.
    #[error("it has more than {} KiB", LARGEST / 1024)]
    TooLarge,
    /// Not a JWK Set.
    #[error("it is no JWK Set (RFC 7517): {0}")]
    Malformed(String),
    /// Too many.
    #[error("it has {0} keys, more than {MOST_KEYS}")]
    TooMany(usize),
    /// None that is of use.
    #[error(
        "none of its {0} keys can verify signatures: an RSA key of 2048 to 8192 bits, one on P-256 or P-384, or Ed25519, whose `use` is not another"
    )]
    NoneUsable(usize),
}

/// The set as it is written: keys of kinds we do not know are no reason to refuse the others (RFC 7517 section 5).
#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK Set. Secret keys, keys for encryption and keys of other kinds are left out.
    ///
    /// # Errors
    /// [`KeySetError`].
    pub fn read(text: &[u8]) -> Result<Self, KeySetError> {
        if text.len() > LARGEST {
            return Err(KeySetError::TooLarge);
        }
        let RawSet { keys: raw } =
            serde_json::from_slice(text).map_err(|e| KeySetError::Malformed(e.to_string()))?;
        let count = raw.len();
        if count > MOST_KEYS {
            return Err(KeySetError::TooMany(count));
        }
        let keys: Vec<Key> = raw.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err(KeySetError::NoneUsable(count));
        }
        Ok(Self {
            keys,
            digest: pki::digest::sha256(text),
        })
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether it was read from the same text.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// The keys of that name (`kid`); without a name the only key there is.
    pub(super) fn named<'a>(&'a self, id: Option<&str>) -> impl Iterator<Item = &'a Key> {
        let only = self.keys.len() == 1;
        self.keys.iter().filter(move |key| match id {
            Some(id) => key.id.as_deref() == Some(id) || (only && key.id.is_none()),
            None => only,
        })
    }
}

impl Key {
    fn read(raw: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(raw).ok()?;
        if !for_signatures(&jwk.common) {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let suits = suiting(&jwk.algorithm, key.kind())?;
        let algorithms = match jwk.common.key_algorithm {
            None => suits.to_vec(),
            Some(only) => vec![*suits.iter().find(|a| same(**a, only))?],
        };
        Some(Self {
            id: jwk.common.key_id,
            algorithms,
            key,
        })
    }

    /// Whether tokens may be signed with this key by that algorithm. The key decides, never the token (RFC 8725 section 3.1).
    pub(super) fn takes(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether this is a signature of the key's over these octets.
    pub(super) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &str) -> bool {
        self.takes(algorithm)
            && jsonwebtoken::crypto::verify(signature, signed, &self.key, algorithm)
                .unwrap_or(false)
    }
}

fn for_signatures(common: &CommonParameters) -> bool {
    let by_use = common
        .public_key_use
        .as_ref()
        .is_none_or(|meant| *meant == PublicKeyUse::Signature);
    let by_operations = common
        .key_operations
        .as_ref()
        .is_none_or(|all| all.contains(&KeyOperations::Verify));
    by_use && by_operations
}

/// What a key can be used with; `None` for secrets, for other curves and for keys that are no keys of their kind.
fn suiting(
    parameters: &AlgorithmParameters,
    key: &DecodingKeyKind,
) -> Option<&'static [Algorithm]> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match (parameters, key) {
        (AlgorithmParameters::RSA(_), DecodingKeyKind::RsaModulusExponent { n, .. }) => {
            let octets = n.iter().skip_while(|octet| **octet == 0).count();
            (256..=1024)
                .contains(&octets)
                .then_some(&[RS256, RS384, RS512, PS256, PS384, PS512])
        }
        (AlgorithmParameters::EllipticCurve(point), DecodingKeyKind::SecretOrDer(octets)) => {
            match (&point.curve, octets.len()) {
                (EllipticCurve::P256, 65) => Some(&[ES256]),
                (EllipticCurve::P384, 97) => Some(&[ES384]),
                _ => None,
            }
        }
        (AlgorithmParameters::OctetKeyPair(pair), DecodingKeyKind::SecretOrDer(octets)) => {
            (pair.curve == EllipticCurve::Ed25519 && octets.len() == 32).then_some(&[EdDSA])
        }
        _ => None,
    }
}

fn same(algorithm: Algorithm, stated: KeyAlgorithm) -> bool {
    matches!(
        (algorithm, stated),
        (Algorithm::RS256, KeyAlgorithm::RS256)
            | (Algorithm::RS384, KeyAlgorithm::RS384)
            | (Algorithm::RS512, KeyAlgorithm::RS512)
            | (Algorithm::PS256, KeyAlgorithm::PS256)
            | (Algorithm::PS384, KeyAlgorithm::PS384)
            | (Algorithm::PS512, KeyAlgorithm::PS512)
            | (Algorithm::ES256, KeyAlgorithm::ES256)
            | (Algorithm::ES384, KeyAlgorithm::ES384)
            | (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jwt::signing::Signing;

    fn read(keys: &Value) -> Result<KeySet, KeySetError> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    #[test]
    fn the_key_decides_on_the_algorithm() {
        for (signing, takes) in [
            (Signing::rsa("a"), &[Algorithm::RS256, Algorithm::PS512][..]),
            (Signing::p256("a"), &[Algorithm::ES256]),
            (Signing::p384("a"), &[Algorithm::ES384]),
            (Signing::ed25519("a"), &[Algorithm::EdDSA]),
        ] {
            let set = read(&json!([signing.jwk()])).unwrap();
            let key = set.named(Some("a")).next().unwrap();
            assert!(takes.iter().all(|algorithm| key.takes(*algorithm)));
            for never in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                assert!(!key.takes(never));
            }
        }
    }

    #[test]
    fn a_key_that_states_its_algorithm_takes_no_other() {
        let jwk = with(Signing::rsa("a").jwk(), "alg", json!("RS256"));
        let set = read(&json!([jwk])).unwrap();
        let key = set.named(Some("a")).next().unwrap();
        assert!(key.takes(Algorithm::RS256) && !key.takes(Algorithm::RS512));
    }

    #[test]
    fn what_is_no_public_key_for_signatures_is_left_out() {
        let good = Signing::p256("good").jwk();
        let others = [
            json!({ "kty": "oct", "kid": "x", "k": "c2VjcmV0" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA" }),
            json!({ "kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA" }),
            json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "new", "what": 1 }),
            json!("text"),
            with(good.clone(), "use", json!("enc")),
            with(good.clone(), "key_ops", json!(["encrypt"])),
            with(good.clone(), "alg", json!("HS256")),
            with(good.clone(), "alg", json!("RS256")),
        ];
        for other in &others {
            assert_eq!(
                read(&json!([other])).unwrap_err(),
                KeySetError::NoneUsable(1),
                "{other}"
            );
            assert_eq!(read(&json!([other, good])).unwrap().count(), 1, "{other}");
        }
    }

    #[test]
    fn a_set_that_is_too_large_or_no_set_is_refused() {
        let many = vec![json!({}); MOST_KEYS + 1];
        assert_eq!(read(&json!(many)).unwrap_err(), KeySetError::TooMany(65));
        let large = vec![b' '; LARGEST + 1];
        assert_eq!(KeySet::read(&large).unwrap_err(), KeySetError::TooLarge);
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            let error = KeySet::read(text.as_bytes()).unwrap_err();
            assert!(
                matches!(error, KeySetError::Malformed(_)),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn a_token_that_names_no_key_is_for_the_only_one() {
        let (one, two) = (Signing::p256("1").jwk(), Signing::p256("2").jwk());
        assert_eq!(read(&json!([one])).unwrap().named(None).count(), 1);
        assert_eq!(read(&json!([one, two])).unwrap().named(None).count(), 0);
        let both = read(&json!([one, two])).unwrap();
        assert_eq!(both.named(Some("2")).count(), 1);
        assert_eq!(both.named(Some("3")).count(), 0);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(text: Vec<u8>) {
            let _read = KeySet::read(&text);
        }

        #[test]
        fn any_members_of_a_key_are_read_or_left_out(n in "\\PC{0,40}", x in "\\PC{0,40}", kid in "\\PC{0,9}") {
            for kty in ["RSA", "EC", "OKP", "oct"] {
                for crv in ["P-256", "P-384", "Ed25519"] {
                    let _read = read(&json!([{
                        "kty": kty, "crv": crv, "n": n, "e": x, "x": x, "y": n, "k": n, "kid": kid,
                    }]));
                }
            }
        }
    }
}
