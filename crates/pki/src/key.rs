//! Public keys: what kind, which identifier, and verifying with them.

mod kind;
mod verify;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::signature::ParsedPublicKey;
use bytes::Bytes;
use der::{Decode, Sequence};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use spki::SubjectPublicKeyInfoRef;
use thiserror::Error;

use crate::algorithm::{self, SignatureScheme, UnsupportedAlgorithm};
use crate::pem::PemError;
use crate::random::NoRandomness;
use crate::{AlgorithmId, ObjectIdentifier, digest};

pub(crate) use kind::modulus_bits;
pub use kind::{KeyKind, ParseKeyKindError};

/// A public key, as its SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). Equal when the SPKI bytes are equal. Cheap to
/// clone; the parsed form is kept, so verifying many signatures with one `PublicKey` is cheaper than parsing it anew.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Bytes,
    key_id: [u8; 20],
    kind: KeyKind,
    /// The key type itself says that only RSASSA-PSS may be used with it (RFC 4055 section 1.2).
    pss_only: bool,
    /// The key parsed for the first algorithm it was used with; nearly always the only one.
    parsed: OnceLock<(SignatureScheme, ParsedPublicKey)>,
}

impl PublicKey {
    /// Read a DER SubjectPublicKeyInfo. Kinds this crate cannot compute with are read too ([`KeyKind::Other`]): a
    /// certificate that holds one can still be shown and passed on. Weak keys are read and refused when used.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when it is not DER, not a SubjectPublicKeyInfo, or the key in it is not of its kind
    /// (a point of wrong length, an RSA key without modulus).
    pub fn from_spki_der(der: impl Into<Bytes>) -> Result<Self, KeyError> {
        let der = der.into();
        let spki = SubjectPublicKeyInfoRef::from_der(&der)
            .map_err(|source| KeyError::malformed("a SubjectPublicKeyInfo", &source))?;
        let bits = spki
            .subject_public_key
            .as_bytes()
            .ok_or(KeyError::Malformed {
                what: "a SubjectPublicKeyInfo",
                why: "its BIT STRING is not a whole number of bytes".into(),
            })?;
        let kind = KeyKind::of_spki(&spki, bits)?;
        let key_id = digest::sha1(bits);
        let pss_only = spki.algorithm.oid == algorithm::RSASSA_PSS;
        Ok(Self(Arc::new(Inner {
            spki: der,
            key_id,
            kind,
            pss_only,
            parsed: OnceLock::new(),
        })))
    }

    /// The SubjectPublicKeyInfo, as received.
    pub fn spki_der(&self) -> &Bytes {
        &self.0.spki
    }

    /// Kind and size.
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// SHA-1 of the key bits: the key identifier of RFC 5280 section 4.2.1.2, method (1).
    pub fn key_id(&self) -> [u8; 20] {
        self.0.key_id
    }

    /// Verify `signature`, the content of a BIT STRING, over `message`.
    ///
    /// # Errors
    /// [`VerifyError`] says whether the algorithm is unknown, does not suit this key, the key is too weak, or the
    /// signature is simply wrong.
    pub fn verify(
        &self,
        algorithm: &AlgorithmId,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let scheme = SignatureScheme::try_from(algorithm)?;
        verify::verify(self, scheme, message, signature)
    }

    /// The key bits: the content of the BIT STRING.
    fn bits(&self) -> Result<&[u8], VerifyError> {
        SubjectPublicKeyInfoRef::from_der(&self.0.spki)
            .ok()
            .and_then(|spki| spki.subject_public_key.as_bytes())
            .ok_or(VerifyError::Key)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.spki.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PublicKey({}, {})",
            self.0.kind,
            hex::encode(self.0.key_id)
        )
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.spki.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_spki_der(Bytes::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a key cannot be read, made or used. Never contains key material.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The input is not what it should be.
    #[error("this is not {what}: {why}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The text is not PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// No PEM block is a private key.
    #[error(
        "there is no private key in this PEM text; expected a block like -----BEGIN PRIVATE KEY-----"
    )]
    NoKey,
    /// The key is encrypted and no passphrase was given.
    #[error("the private key is encrypted; give its passphrase, or an unencrypted key")]
    Encrypted,
    /// The key did not decrypt.
    #[error("the private key does not decrypt with this passphrase")]
    WrongPassphrase,
    /// The key is encrypted in a way that is too old, too weak or too costly to be read.
    #[error(
        "the private key is encrypted with {scheme}, which is not supported; write it anew with: \
         openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.key -out NEW.key"
    )]
    Encryption {
        /// What was found.
        scheme: &'static str,
    },
    /// An RSA key outside 2048 to 8192 bits.
    #[error("the RSA key has {bits} bits; 2048 to 8192 are accepted")]
    RsaSize {
        /// Length of the modulus.
        bits: u32,
    },
    /// A key of a kind that cannot be used here.
    #[error(
        "{what} is not supported; use RSA (2048, 3072, 4096 or 8192 bits), EC on P-256, P-384 or P-521, Ed25519 or ML-DSA"
    )]
    Unsupported {
        /// What was asked for or found.
        what: String,
    },
    /// The signature algorithm does not go with this key.
    #[error("signature algorithm {algorithm} cannot be used with a {kind} key")]
    Algorithm {
        /// The OID asked for.
        algorithm: ObjectIdentifier,
        /// The key it was asked of.
        kind: KeyKind,
    },
    /// As [`UnsupportedAlgorithm`] says.
    #[error(transparent)]
    UnknownAlgorithm(#[from] UnsupportedAlgorithm),
    /// No randomness for a new key.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The crypto library failed without saying why.
    #[error("the crypto library failed at {0}")]
    Crypto(&'static str),
}

impl KeyError {
    pub(crate) fn malformed(what: &'static str, why: &dyn fmt::Display) -> Self {
        Self::Malformed {
            what,
            why: why.to_string(),
        }
    }
}

/// Why a signature is not believed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The algorithm is not one we verify.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedAlgorithm),
    /// The algorithm is for other keys than this one.
    #[error("the signature algorithm {scheme} does not suit the {kind} key")]
    Mismatch {
        /// The algorithm named by the signature.
        scheme: String,
        /// The key.
        kind: KeyKind,
    },
    /// An RSA key outside 2048 to 8192 bits.
    #[error("the RSA key has {bits} bits; only signatures of 2048 to 8192 bits are believed")]
    RsaSize {
        /// Length of the modulus.
        bits: u32,
    },
    /// The key itself is not valid (a point not on its curve, an even modulus).
    #[error("the public key is not valid for its kind")]
    Key,
    /// The two places that name the algorithm disagree (RFC 5280 section 4.1.1.2).
    #[error("the signature algorithm inside and outside the signed part differ")]
    Disagree,
    /// The signature is wrong: other key, or changed bytes.
    #[error("the signature does not verify")]
    Wrong,
}

#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: der::asn1::UintRef<'a>,
    exponent: der::asn1::UintRef<'a>,
}

#[cfg(test)]
mod tests;
