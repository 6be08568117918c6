use core::fmt;
use core::str::FromStr;

use der::Decode;
use spki::SubjectPublicKeyInfoRef;
use thiserror::Error;

use super::{KeyError, RsaPublicKey};
use crate::ObjectIdentifier;
use crate::algorithm::{
    EC_PUBLIC_KEY, ED25519, ML_DSA_44, ML_DSA_65, ML_DSA_87, P256, P384, P521, RSA_ENCRYPTION,
    RSASSA_PSS,
};

/// Kind and size of a key. As text: `rsa:2048`, `ec:P-256`, `ed25519`, `ml-dsa-65`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA.
    Rsa {
        /// Length of the modulus.
        bits: u32,
    },
    /// EC on P-256 (secp256r1).
    P256,
    /// EC on P-384 (secp384r1).
    P384,
    /// EC on P-521 (secp521r1).
    P521,
    /// Ed25519.
    Ed25519,
    /// ML-DSA-44.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
    /// A kind this crate cannot compute with.
    Other,
}

impl KeyKind {
    /// The kind that an EC key on the named curve has.
    pub(crate) fn of_curve(curve: &ObjectIdentifier) -> Self {
        match *curve {
            P256 => Self::P256,
            P384 => Self::P384,
            P521 => Self::P521,
            _ => Self::Other,
        }
    }

    /// The kind of keys with this algorithm OID, for the OIDs that name one kind alone.
    pub(crate) fn of_oid(oid: &ObjectIdentifier) -> Self {
        match *oid {
            ED25519 => Self::Ed25519,
            ML_DSA_44 => Self::MlDsa44,
            ML_DSA_65 => Self::MlDsa65,
            ML_DSA_87 => Self::MlDsa87,
            _ => Self::Other,
        }
    }

    pub(super) fn of_spki(
        spki: &SubjectPublicKeyInfoRef<'_>,
        bits: &[u8],
    ) -> Result<Self, KeyError> {
        let oid = spki.algorithm.oid;
        let kind = if oid == RSA_ENCRYPTION || oid == RSASSA_PSS {
            let key = RsaPublicKey::from_der(bits)
                .map_err(|source| KeyError::malformed("an RSA public key", &source))?;
            Self::Rsa {
                bits: modulus_bits(key.modulus.as_bytes()),
            }
        } else if oid == EC_PUBLIC_KEY {
            spki.algorithm
                .parameters
                .and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok())
                .map_or(Self::Other, |curve| Self::of_curve(&curve))
        } else {
            Self::of_oid(&oid)
        };
        if kind.fits(bits) {
            Ok(kind)
        } else {
            Err(KeyError::Malformed {
                what: "a public key",
                why: format!("{} bytes are not the length of a {kind} key", bits.len()),
            })
        }
    }

    /// Whether key bits have a length this kind has: EC points uncompressed or compressed (RFC 5480 section 2.2).
    fn fits(self, bits: &[u8]) -> bool {
        let point = |field: usize| match bits.first() {
            Some(4) => bits.len() == 1 + 2 * field,
            Some(2 | 3) => bits.len() == 1 + field,
            _ => false,
        };
        match self {
            Self::P256 => point(32),
            Self::P384 => point(48),
            Self::P521 => point(66),
            Self::Ed25519 => bits.len() == 32,
            Self::MlDsa44 => bits.len() == 1312,
            Self::MlDsa65 => bits.len() == 1952,
            Self::MlDsa87 => bits.len() == 2592,
            Self::Rsa { .. } | Self::Other => true,
        }
    }
}

/// Bits of a big-endian number without its leading zeros.
pub(crate) fn modulus_bits(number: &[u8]) -> u32 {
    let mut rest = number;
    while let [0, tail @ ..] = rest {
        rest = tail;
    }
    let zeros = rest.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(rest.len())
        .unwrap_or(u32::MAX)
        .saturating_mul(8)
        - zeros
}

const NAMES: [(KeyKind, &str); 7] = [
    (KeyKind::P256, "ec:P-256"),
    (KeyKind::P384, "ec:P-384"),
    (KeyKind::P521, "ec:P-521"),
    (KeyKind::Ed25519, "ed25519"),
    (KeyKind::MlDsa44, "ml-dsa-44"),
    (KeyKind::MlDsa65, "ml-dsa-65"),
    (KeyKind::MlDsa87, "ml-dsa-87"),
];

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Rsa { bits } = self {
            return write!(f, "rsa:{bits}");
        }
        let name = NAMES.iter().find(|(kind, _)| kind == self);
        f.write_str(name.map_or("other", |(_, name)| name))
    }
}

/// The text names no kind of key.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "\"{0}\" is no kind of key; expected rsa:BITS, ec:P-256, ec:P-384, ec:P-521, ed25519, ml-dsa-44, ml-dsa-65 or ml-dsa-87"
)]
pub struct ParseKeyKindError(String);

impl FromStr for KeyKind {
    type Err = ParseKeyKindError;

    fn from_str(text: &str) -> Result<Self, ParseKeyKindError> {
        let lower = text.to_ascii_lowercase();
        let rsa = lower
            .strip_prefix("rsa:")
            .filter(|bits| bits.bytes().all(|c| c.is_ascii_digit()))
            .and_then(|bits| bits.parse().ok())
            .map(|bits| Self::Rsa { bits });
        rsa.or_else(|| {
            let named = |(_, name): &&(Self, &str)| name.eq_ignore_ascii_case(&lower);
            NAMES.iter().find(named).map(|(kind, _)| *kind)
        })
        .ok_or_else(|| ParseKeyKindError(text.chars().take(40).collect()))
    }
}
