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
        let named = named_hash(&signature_algorithm(certificate.der())?);
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

/// What a certConf may say of a certificate we issued. Made with every answer, and a certConf comes to few of them: the digests wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedCertHash {
    certificate: Bytes,
}

impl ExpectedCertHash {
    /// What to expect for this certificate.
    ///
    /// # Errors
    /// When the octets have no signature algorithm where a certificate has it.
    pub fn of(certificate: &CmpCertificate) -> Result<Self, NoSignatureAlgorithm> {
        signature_algorithm(certificate.der())?;
        Ok(Self {
            certificate: certificate.der().clone(),
        })
    }

    /// Whether a CertStatus is about this certificate.
    ///
    /// # Errors
    /// `badRequest` for a hashAlg below pvno 3; `badAlg` for one that is not SHA-256, SHA-384 or SHA-512, and for none where one is needed;
    /// `badCertId` when the digest is another one.
    pub fn check(&self, status: &CertStatus, pvno: Pvno) -> Result<(), PkiFailureInfo> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let hash = match &status.hash_alg {
            Some(_) if pvno < Pvno::CMP2021 => return Err(PkiFailureInfo::BAD_REQUEST),
            Some(algorithm) => HashAlgorithm::from_oid(&algorithm.oid)
                .filter(|hash| matches!(hash, Sha256 | Sha384 | Sha512)),
            None => signature_algorithm(&self.certificate)
                .ok()
                .and_then(|algorithm| named_hash(&algorithm)),
        };
        let expected = hash
            .ok_or(PkiFailureInfo::BAD_ALG)?
            .digest(&self.certificate);
        if status.cert_hash.as_bytes() == expected {
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
fn signature_algorithm(certificate: &[u8]) -> Result<AlgorithmId, NoSignatureAlgorithm> {
    let read = || -> der::Result<AlgorithmId> {
        let mut reader = SliceReader::new(certificate)?;
        reader.sequence(|reader| -> der::Result<AlgorithmId> {
            reader.tlv_bytes()?;
            let algorithm = AlgorithmId::decode(reader)?;
            reader.tlv_bytes()?;
            Ok(algorithm)
        })
    };
    read().map_err(|_| NoSignatureAlgorithm)
}
