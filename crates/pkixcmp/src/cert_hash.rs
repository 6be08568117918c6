//! certHash: which certificate a certConf is about (RFC 9810 section 5.3.18, RFC 9481 sections 2 and 3).
//!
//! The digest is the one the certificate's signature algorithm names. Ed25519 names none, but RFC 9481 section 3.3 gives it SHA-512. RSASSA-PSS
//! names it in its parameters. For ML-DSA and whatever else has none, the sender chooses one and says so in hashAlg, which needs pvno 3.

use bytes::Bytes;
use const_oid::ObjectIdentifier;
use der::{Decode, Reader, SliceReader};
use pki::AlgorithmId;
use pki::algorithm::{ED25519, SignatureScheme};
use pki::digest::HashAlgorithm;
use serde::{Deserialize, Serialize};

use crate::body::confirm::CertStatus;
use crate::failure_info::PkiFailureInfo;
use crate::header::Pvno;
use crate::raw::CmpCertificate;

const ECDSA_WITH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_WITH_SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1");
const SHA224_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14");

/// The certHash of a certificate and what goes with it into a certConf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertHash {
    /// The digest of the certificate's DER.
    pub digest: Bytes,
    /// Whether hashAlg has to name SHA-256, and the message to be of pvno 3.
    pub names_its_algorithm: bool,
}

impl CertHash {
    /// The certHash of a certificate as received.
    ///
    /// # Errors
    /// When the octets have no signature algorithm where a certificate has it.
    pub fn of(certificate: &CmpCertificate) -> Result<Self, NoSignatureAlgorithm> {
        let named = named_hash(&signature_algorithm(certificate)?);
        let digest = named
            .unwrap_or(HashAlgorithm::Sha256)
            .digest(certificate.der());
        Ok(Self {
            digest: digest.into(),
            names_its_algorithm: named.is_none(),
        })
    }

    /// hashAlg for the certConf.
    #[must_use]
    pub fn hash_alg(&self) -> Option<AlgorithmId> {
        self.names_its_algorithm
            .then(|| HashAlgorithm::Sha256.identifier())
    }
}

/// The certHashes a certConf may bear for a certificate we issued: small enough to be kept with the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedCertHash {
    /// By the algorithm the signature names; none when it names none.
    named: Option<Bytes>,
    sha256: Bytes,
    sha384: Bytes,
    sha512: Bytes,
}

impl ExpectedCertHash {
    /// What to expect for this certificate.
    ///
    /// # Errors
    /// When the octets have no signature algorithm where a certificate has it.
    pub fn of(certificate: &CmpCertificate) -> Result<Self, NoSignatureAlgorithm> {
        let digest = |hash: HashAlgorithm| Bytes::from(hash.digest(certificate.der()));
        Ok(Self {
            named: named_hash(&signature_algorithm(certificate)?).map(digest),
            sha256: digest(HashAlgorithm::Sha256),
            sha384: digest(HashAlgorithm::Sha384),
            sha512: digest(HashAlgorithm::Sha512),
        })
    }

    /// Whether a CertStatus is about this certificate.
    ///
    /// # Errors
    /// `badRequest` for a hashAlg below pvno 3; `badAlg` for one that is not SHA-256, SHA-384 or SHA-512, and for none where one is needed;
    /// `badCertId` when the digest is another one.
    pub fn check(&self, status: &CertStatus, pvno: Pvno) -> Result<(), PkiFailureInfo> {
        let expected = match &status.hash_alg {
            Some(_) if pvno < Pvno::CMP2021 => return Err(PkiFailureInfo::BAD_REQUEST),
            Some(algorithm) => match HashAlgorithm::from_oid(&algorithm.oid) {
                Some(HashAlgorithm::Sha256) => &self.sha256,
                Some(HashAlgorithm::Sha384) => &self.sha384,
                Some(HashAlgorithm::Sha512) => &self.sha512,
                _ => return Err(PkiFailureInfo::BAD_ALG),
            },
            None => self.named.as_ref().ok_or(PkiFailureInfo::BAD_ALG)?,
        };
        if status.cert_hash.as_bytes() == expected.as_ref() {
            Ok(())
        } else {
            Err(PkiFailureInfo::BAD_CERT_ID)
        }
    }
}

/// The octets are not a certificate as far as its signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate does not decode as far as its signature algorithm")]
pub struct NoSignatureAlgorithm;

fn named_hash(algorithm: &AlgorithmId) -> Option<HashAlgorithm> {
    match algorithm.oid {
        ED25519 => Some(HashAlgorithm::Sha512),
        // Nobody here verifies these any more, but a certificate signed so still has to be named.
        ECDSA_WITH_SHA1 => Some(HashAlgorithm::Sha1),
        ECDSA_WITH_SHA224 | SHA224_WITH_RSA => Some(HashAlgorithm::Sha224),
        _ => SignatureScheme::try_from(algorithm)
            .ok()
            .and_then(SignatureScheme::hash),
    }
}

/// The second element of the certificate.
fn signature_algorithm(certificate: &CmpCertificate) -> Result<AlgorithmId, NoSignatureAlgorithm> {
    let read = || -> der::Result<AlgorithmId> {
        let mut reader = SliceReader::new(certificate.der())?;
        reader.sequence(|reader| -> der::Result<AlgorithmId> {
            reader.tlv_bytes()?;
            let algorithm = AlgorithmId::decode(reader)?;
            reader.tlv_bytes()?;
            Ok(algorithm)
        })
    };
    read().map_err(|_| NoSignatureAlgorithm)
}
