//! The digests and MACs that RFC 9481 names for CMP, by object identifier.

use aws_lc_rs::{digest, hmac, pbkdf2};
use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use pki::digest::HashAlgorithm;
use spki::AlgorithmIdentifierOwned;

use super::ProtectionError;

/// A digest that may stand as one-way function in a [`super::PbmParameters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owf {
    /// SHA-1; only where a [`super::MacPolicy`] names it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A MAC: HMAC over one of the digests. HMAC-SHA1 has two identifiers in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hmac {
    /// HMAC-SHA1 as RFC 4210 named it, 1.3.6.1.5.5.8.1.2; the default of `openssl cmp`.
    Sha1,
    /// HMAC-SHA1 as PKCS #5 names it, 1.2.840.113549.2.7.
    Sha1Pkcs5,
    /// HMAC-SHA256, 1.2.840.113549.2.9.
    Sha256,
    /// HMAC-SHA384, 1.2.840.113549.2.10.
    Sha384,
    /// HMAC-SHA512, 1.2.840.113549.2.11.
    Sha512,
}

impl Owf {
    const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The object identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => HashAlgorithm::Sha1,
            Self::Sha256 => HashAlgorithm::Sha256,
            Self::Sha384 => HashAlgorithm::Sha384,
            Self::Sha512 => HashAlgorithm::Sha512,
        }
        .oid()
    }

    pub(super) fn from_algorithm(
        algorithm: &AlgorithmIdentifierOwned,
    ) -> Result<Self, ProtectionError> {
        find(&Self::ALL, Self::oid, algorithm, "one-way function")
    }

    /// Parameters are absent, as RFC 5754 prefers.
    pub(super) fn to_algorithm(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned {
            oid: self.oid(),
            parameters: None,
        }
    }

    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

impl Hmac {
    const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha1Pkcs5,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The object identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => const { ObjectIdentifier::new_unwrap("1.3.6.1.5.5.8.1.2") },
            Self::Sha1Pkcs5 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.2.7") },
            Self::Sha256 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.2.9") },
            Self::Sha384 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.2.10") },
            Self::Sha512 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.2.11") },
        }
    }

    /// Whether the digest under it is SHA-1.
    #[must_use]
    pub fn is_sha1(self) -> bool {
        matches!(self, Self::Sha1 | Self::Sha1Pkcs5)
    }

    /// How many octets the MAC has.
    #[must_use]
    pub fn output_len(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha1Pkcs5 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    pub(super) fn from_algorithm(
        algorithm: &AlgorithmIdentifierOwned,
    ) -> Result<Self, ProtectionError> {
        find(&Self::ALL, Self::oid, algorithm, "MAC")
    }

    /// With absent parameters, as PBM implementations write them.
    pub(super) fn to_algorithm(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned {
            oid: self.oid(),
            parameters: None,
        }
    }

    /// With NULL parameters, as RFC 8018 appendix B.1 wants them.
    pub(super) fn to_pkcs5_algorithm(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned {
            oid: self.oid(),
            parameters: Some(AnyRef::NULL.into()),
        }
    }

    pub(super) fn key(self, value: &[u8]) -> hmac::Key {
        let algorithm = match self {
            Self::Sha1 | Self::Sha1Pkcs5 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::Key::new(algorithm, value)
    }

    pub(super) fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 | Self::Sha1Pkcs5 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// None of these algorithms has parameters; absent and NULL both say so.
fn find<T: Copy>(
    all: &[T],
    oid: fn(T) -> ObjectIdentifier,
    algorithm: &AlgorithmIdentifierOwned,
    role: &'static str,
) -> Result<T, ProtectionError> {
    let found = all.iter().copied().find(|one| oid(*one) == algorithm.oid);
    let plain = algorithm
        .parameters
        .as_ref()
        .is_none_or(der::asn1::Any::is_null);
    match found {
        Some(found) if plain => Ok(found),
        _ => Err(ProtectionError::Unsupported {
            role,
            oid: algorithm.oid,
        }),
    }
}
