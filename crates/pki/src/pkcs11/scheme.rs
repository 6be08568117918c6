//! Signature algorithms as tokens make them: over a digest of ours, so that a message of any length is short on its way there.

use bytes::Bytes;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Encode, Sequence};
use spki::AlgorithmIdentifierRef;

use super::TokenError;
use crate::KeyKind;
use crate::algorithm::SignatureScheme;
use crate::digest::HashAlgorithm::{self, Sha256, Sha384, Sha512};

const NAMED: [(&str, SignatureScheme); 9] = [
    ("rsa-pkcs1-sha256", SignatureScheme::RsaPkcs1(Sha256)),
    ("rsa-pkcs1-sha384", SignatureScheme::RsaPkcs1(Sha384)),
    ("rsa-pkcs1-sha512", SignatureScheme::RsaPkcs1(Sha512)),
    ("rsa-pss-sha256", SignatureScheme::rsa_pss(Sha256)),
    ("rsa-pss-sha384", SignatureScheme::rsa_pss(Sha384)),
    ("rsa-pss-sha512", SignatureScheme::rsa_pss(Sha512)),
    ("ecdsa-sha256", SignatureScheme::Ecdsa(Sha256)),
    ("ecdsa-sha384", SignatureScheme::Ecdsa(Sha384)),
    ("ecdsa-sha512", SignatureScheme::Ecdsa(Sha512)),
];

/// The known name that is this text.
pub(super) fn named(text: &str) -> Option<&'static str> {
    let found = NAMED.iter().find(|(name, _)| *name == text)?;
    Some(found.0)
}

/// Every known name.
pub(super) fn names() -> String {
    NAMED.map(|(name, _)| name).join(", ")
}

/// What a key of this kind signs with: the scheme of that name, or the one that suits it.
pub(super) fn choose(
    kind: KeyKind,
    name: Option<&'static str>,
) -> Result<SignatureScheme, TokenError> {
    let Some(name) = name else {
        return match kind {
            KeyKind::Rsa { .. } => Ok(SignatureScheme::RsaPkcs1(Sha256)),
            KeyKind::P256 => Ok(SignatureScheme::Ecdsa(Sha256)),
            KeyKind::P384 => Ok(SignatureScheme::Ecdsa(Sha384)),
            KeyKind::P521 => Ok(SignatureScheme::Ecdsa(Sha512)),
            KeyKind::Ed25519 => Ok(SignatureScheme::Ed25519),
            other => Err(TokenError::Unusable(format!("it is of kind {other}"))),
        };
    };
    let suits = |scheme: SignatureScheme| match scheme {
        SignatureScheme::RsaPkcs1(_) | SignatureScheme::RsaPss { .. } => {
            matches!(kind, KeyKind::Rsa { .. })
        }
        SignatureScheme::Ecdsa(hash) => match kind {
            KeyKind::P256 => hash == Sha256,
            KeyKind::P384 => hash == Sha384,
            KeyKind::P521 => true,
            _ => false,
        },
        _ => false,
    };
    let found = NAMED.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, scheme)| *scheme)
        .filter(|scheme| suits(*scheme))
        .ok_or(TokenError::Scheme(kind, name))
}

/// What a token is asked for.
pub(super) struct Asked {
    pub(super) mechanism: Mechanism<'static>,
    pub(super) octets: Vec<u8>,
}

impl Asked {
    /// A signature of this scheme over `message`.
    pub(super) fn of(scheme: SignatureScheme, message: &[u8]) -> Result<Self, TokenError> {
        let not_made = || TokenError::Unusable("tokens make no such signatures".into());
        let (mechanism, octets) = match scheme {
            SignatureScheme::RsaPkcs1(hash) => (
                Mechanism::RsaPkcs,
                digest_info(hash, message).map_err(|_| not_made())?,
            ),
            SignatureScheme::RsaPss { hash, salt_len } => {
                let (hash_alg, mgf) = match hash {
                    Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
                    Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
                    Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
                    _ => return Err(not_made()),
                };
                let parameters = PkcsPssParams {
                    hash_alg,
                    mgf,
                    s_len: u64::from(salt_len).into(),
                };
                (Mechanism::RsaPkcsPss(parameters), hash.digest(message))
            }
            SignatureScheme::Ecdsa(hash) => (Mechanism::Ecdsa, hash.digest(message)),
            SignatureScheme::Ed25519 => {
                let parameters = EddsaParams::new(EddsaSignatureScheme::Ed25519);
                (Mechanism::Eddsa(parameters), message.to_vec())
            }
            _ => return Err(not_made()),
        };
        Ok(Self { mechanism, octets })
    }
}

/// As X.509 and CMP carry it: tokens give ECDSA signatures as r and s side by side, of one length.
pub(super) fn encoded(scheme: SignatureScheme, made: Vec<u8>) -> Result<Bytes, TokenError> {
    if !matches!(scheme, SignatureScheme::Ecdsa(_)) {
        return Ok(made.into());
    }
    #[derive(Sequence)]
    struct EcdsaSignature<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let encode = || {
        let (r, s) = made.split_at(made.len() / 2);
        if r.is_empty() || r.len() != s.len() {
            return None;
        }
        let (r, s) = (UintRef::new(r).ok()?, UintRef::new(s).ok()?);
        EcdsaSignature { r, s }.to_der().ok()
    };
    encode().map(Bytes::from).ok_or(TokenError::WrongSignature)
}

/// DigestInfo (RFC 8017 section 9.2), what CKM_RSA_PKCS pads.
fn digest_info(hash: HashAlgorithm, message: &[u8]) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct DigestInfo<'a> {
        algorithm: AlgorithmIdentifierRef<'a>,
        digest: &'a OctetStringRef,
    }
    let digest = hash.digest(message);
    let info = DigestInfo {
        algorithm: AlgorithmIdentifierRef {
            oid: hash.oid(),
            parameters: Some(AnyRef::NULL),
        },
        digest: OctetStringRef::new(&digest)?,
    };
    info.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_signs_with_the_hash_of_its_strength_unless_told_otherwise() {
        let scheme = |kind, name| choose(kind, name).unwrap();
        assert_eq!(scheme(KeyKind::P384, None), SignatureScheme::Ecdsa(Sha384));
        let rsa = KeyKind::Rsa { bits: 3072 };
        assert_eq!(scheme(rsa, None), SignatureScheme::RsaPkcs1(Sha256));
        let pss = named("rsa-pss-sha512");
        assert_eq!(scheme(rsa, pss), SignatureScheme::rsa_pss(Sha512));
        assert!(choose(KeyKind::P256, pss).is_err());
        assert!(choose(KeyKind::P256, named("ecdsa-sha384")).is_err());
        assert!(choose(KeyKind::Other, None).is_err());
    }

    #[test]
    fn r_and_s_become_two_integers() {
        let scheme = SignatureScheme::Ecdsa(Sha256);
        let made = [0, 1, 0x80, 0].to_vec();
        let encoded_as = [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0];
        assert_eq!(encoded(scheme, made).unwrap(), encoded_as.as_slice());
        for wrong in [vec![], vec![1, 2, 3]] {
            assert_eq!(encoded(scheme, wrong), Err(TokenError::WrongSignature));
        }
    }

    #[test]
    fn a_digest_is_wrapped_as_rfc_8017_has_it() {
        let octets = digest_info(Sha256, b"").unwrap();
        assert_eq!(
            hex::encode(&octets[..19]),
            "3031300d060960864801650304020105000420"
        );
        assert_eq!(octets.len(), 51);
    }
}
