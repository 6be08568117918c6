//! One-shot digests, and the hash functions this crate knows by OID.

use aws_lc_rs::digest;
use const_oid::ObjectIdentifier;

use crate::AlgorithmId;

/// A hash function of RFC 9481 section 2.1. SHA-1 is here for what old CAs sent and for key identifiers only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum HashAlgorithm {
    /// SHA-1, 20 bytes. Broken for signatures; only verified, never used to sign.
    Sha1,
    /// SHA-224, 28 bytes.
    Sha224,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// Every hash function known here.
    pub const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// The function with this OID, or none when it is not known here.
    pub fn from_oid(oid: &ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.oid() == *oid)
    }

    /// The OID, as in `hashAlgorithm` fields (RFC 9481 section 2.1).
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => const { ObjectIdentifier::new_unwrap("1.3.14.3.2.26") },
            Self::Sha224 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4") },
            Self::Sha256 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1") },
            Self::Sha384 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2") },
            Self::Sha512 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3") },
        }
    }

    /// The algorithm identifier with absent parameters (RFC 5754 section 2).
    pub fn identifier(self) -> AlgorithmId {
        AlgorithmId {
            oid: self.oid(),
            parameters: None,
        }
    }

    /// Length of a digest in bytes.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of `data`.
    pub fn digest(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha224 => &digest::SHA224,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, data).as_ref().to_vec()
    }
}

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    fixed(digest::digest(&digest::SHA256, data).as_ref())
}

/// SHA-1 of `data`: for key identifiers and old formats, never for new signatures.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    fixed(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref())
}

fn fixed<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(digest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_abc_are_those_of_fips_180() {
        assert_eq!(
            hex::encode(sha256(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex::encode(sha1(b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            hex::encode(HashAlgorithm::Sha224.digest(b"abc")),
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"
        );
    }

    #[test]
    fn every_hash_is_found_by_its_oid_and_has_its_stated_length() {
        for hash in HashAlgorithm::ALL {
            assert_eq!(HashAlgorithm::from_oid(&hash.oid()), Some(hash));
            assert_eq!(hash.digest(b"").len(), hash.output_len());
        }
    }

    #[test]
    fn an_unknown_hash_oid_is_none() {
        assert_eq!(
            HashAlgorithm::from_oid(&ObjectIdentifier::new_unwrap("1.2.840.113549.2.5")),
            None
        );
    }
}
