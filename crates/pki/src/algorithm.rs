//! Signature algorithms: between the [`AlgorithmId`]s on the wire and what this crate can compute.

use const_oid::ObjectIdentifier;
use der::{Decode, Encode, Sequence, asn1::Any};
use thiserror::Error;

use crate::AlgorithmId;
use crate::digest::HashAlgorithm;

/// id-ecPublicKey (RFC 5480 section 2.1.1).
pub const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// rsaEncryption (RFC 8017 appendix A.1).
pub const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-RSASSA-PSS (RFC 8017 appendix A.2.3): a signature algorithm, and the type of keys limited to it.
pub const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// id-Ed25519 (RFC 8410 section 3): key type and signature algorithm.
pub const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// id-ml-dsa-44 (RFC 9881 section 2): key type and signature algorithm.
pub const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
/// id-ml-dsa-65 (RFC 9881 section 2).
pub const ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
/// id-ml-dsa-87 (RFC 9881 section 2).
pub const ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");
/// The curve P-256, secp256r1 (RFC 5480 section 2.1.1.1).
pub const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// The curve P-384, secp384r1.
pub const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
/// The curve P-521, secp521r1.
pub const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// A signature algorithm this crate can verify; all but those with SHA-1 it can also make.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2) with SHA-1 (verified only), SHA-256, SHA-384 or SHA-512.
    RsaPkcs1(HashAlgorithm),
    /// RSASSA-PSS (RFC 8017 section 8.1), MGF1 with the same hash.
    RsaPss {
        /// SHA-256, SHA-384 or SHA-512.
        hash: HashAlgorithm,
        /// Length of the salt in bytes; what we make has that of the hash.
        salt_len: u16,
    },
    /// ECDSA (RFC 5758 section 3.2) with SHA-256, SHA-384 or SHA-512, on the curve of the key.
    Ecdsa(HashAlgorithm),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// ML-DSA-44 (RFC 9881), pure, empty context.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

/// The algorithm is not one this crate can verify or make.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("signature algorithm {oid} is not supported: {why}")]
pub struct UnsupportedAlgorithm {
    /// The OID found.
    pub oid: ObjectIdentifier,
    /// What about it is not supported, and what would be.
    pub why: &'static str,
}

impl SignatureScheme {
    const PLAIN: [(ObjectIdentifier, Self); 11] = [
        (rsa(5), Self::RsaPkcs1(HashAlgorithm::Sha1)),
        (rsa(11), Self::RsaPkcs1(HashAlgorithm::Sha256)),
        (rsa(12), Self::RsaPkcs1(HashAlgorithm::Sha384)),
        (rsa(13), Self::RsaPkcs1(HashAlgorithm::Sha512)),
        (ecdsa(2), Self::Ecdsa(HashAlgorithm::Sha256)),
        (ecdsa(3), Self::Ecdsa(HashAlgorithm::Sha384)),
        (ecdsa(4), Self::Ecdsa(HashAlgorithm::Sha512)),
        (ED25519, Self::Ed25519),
        (ML_DSA_44, Self::MlDsa44),
        (ML_DSA_65, Self::MlDsa65),
        (ML_DSA_87, Self::MlDsa87),
    ];

    /// RSASSA-PSS as this crate makes it: MGF1 with the same hash, salt as long as the hash (RFC 9481 section 3.1).
    pub const fn rsa_pss(hash: HashAlgorithm) -> Self {
        // The longest digest has 64 bytes.
        #[allow(clippy::cast_possible_truncation)]
        Self::RsaPss {
            hash,
            salt_len: hash.output_len() as u16,
        }
    }

    /// The hash over the message; none where the algorithm hashes by itself (Ed25519, ML-DSA).
    pub fn hash(self) -> Option<HashAlgorithm> {
        match self {
            Self::RsaPkcs1(hash) | Self::RsaPss { hash, .. } | Self::Ecdsa(hash) => Some(hash),
            Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => None,
        }
    }

    /// The identifier as it is written: NULL for RSA PKCS#1 v1.5 (RFC 4055 section 5), explicit parameters for PSS,
    /// absent parameters for all others.
    ///
    /// # Errors
    /// When the scheme has no OID (for instance ECDSA with SHA-1).
    pub fn identifier(self) -> Result<AlgorithmId, UnsupportedAlgorithm> {
        if let Self::RsaPss { hash, salt_len } = self {
            return pss_identifier(hash, salt_len);
        }
        let oid = Self::PLAIN
            .iter()
            .find(|(_, scheme)| *scheme == self)
            .map(|(oid, _)| *oid)
            .ok_or(UnsupportedAlgorithm {
                oid: self.hash().map_or(RSASSA_PSS, HashAlgorithm::oid),
                why: "this hash is not used with this kind of key",
            })?;
        let parameters = matches!(self, Self::RsaPkcs1(_)).then(Any::null);
        Ok(AlgorithmId { oid, parameters })
    }
}

/// Reads an AlgorithmIdentifier.
///
/// # Errors
/// When it is not the DER of one.
pub fn identifier_from_der(der: &[u8]) -> der::Result<AlgorithmId> {
    AlgorithmId::from_der(der)
}

impl TryFrom<&AlgorithmId> for SignatureScheme {
    type Error = UnsupportedAlgorithm;

    fn try_from(id: &AlgorithmId) -> Result<Self, UnsupportedAlgorithm> {
        let refused = |why| UnsupportedAlgorithm { oid: id.oid, why };
        if id.oid == RSASSA_PSS {
            return pss_scheme(id).map_err(refused);
        }
        let scheme = Self::PLAIN
            .iter()
            .find(|(oid, _)| *oid == id.oid)
            .map(|(_, scheme)| *scheme)
            .ok_or_else(|| refused("use RSA or ECDSA with SHA-256, SHA-384 or SHA-512, RSASSA-PSS, Ed25519 or ML-DSA"))?;
        let null = |parameters: &Any| parameters.is_null();
        match (&id.parameters, scheme) {
            (None, _) => Ok(scheme),
            // Both forms are met in the field (RFC 4055 section 5 asks to accept both).
            (Some(parameters), Self::RsaPkcs1(_)) if null(parameters) => Ok(scheme),
            (Some(_), _) => Err(refused("it must not have these parameters")),
        }
    }
}

#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmId>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmId>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt_len: Option<u16>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The salt length that absent means (RFC 4055 section 3.1).
const DEFAULT_SALT_LEN: u16 = 20;

fn pss_scheme(id: &AlgorithmId) -> Result<SignatureScheme, &'static str> {
    let parameters = id
        .parameters
        .as_ref()
        .ok_or("RSASSA-PSS needs its parameters")?;
    let parameters: PssParameters = parameters
        .to_der()
        .and_then(|der| PssParameters::from_der(&der))
        .map_err(|_| "the RSASSA-PSS parameters cannot be read")?;
    const NO_SHA1: &str = "RSASSA-PSS without a hash named means SHA-1; name SHA-256, SHA-384 or SHA-512 for both hash and MGF1";
    let hash = pss_hash(&parameters.hash.ok_or(NO_SHA1)?).ok_or(NO_SHA1)?;
    let mask = parameters.mask.ok_or(NO_SHA1)?;
    if mask.oid != MGF1 {
        return Err("RSASSA-PSS is supported with MGF1 only");
    }
    let mask_hash = mask
        .parameters
        .and_then(|of| of.to_der().ok())
        .and_then(|der| AlgorithmId::from_der(&der).ok())
        .and_then(|id| pss_hash(&id));
    if mask_hash != Some(hash) {
        return Err("RSASSA-PSS is supported with the same hash for MGF1 only");
    }
    if parameters.trailer.is_some_and(|trailer| trailer != 1) {
        return Err("RSASSA-PSS is supported with trailer field 1 only");
    }
    Ok(SignatureScheme::RsaPss {
        hash,
        salt_len: parameters.salt_len.unwrap_or(DEFAULT_SALT_LEN),
    })
}

fn pss_hash(id: &AlgorithmId) -> Option<HashAlgorithm> {
    let plain = id.parameters.as_ref().is_none_or(Any::is_null);
    HashAlgorithm::from_oid(&id.oid).filter(|hash| plain && pss_with(*hash))
}

fn pss_with(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha256 | HashAlgorithm::Sha384 | HashAlgorithm::Sha512
    )
}

fn pss_identifier(hash: HashAlgorithm, salt_len: u16) -> Result<AlgorithmId, UnsupportedAlgorithm> {
    let refused = |why| UnsupportedAlgorithm {
        oid: RSASSA_PSS,
        why,
    };
    if !pss_with(hash) {
        return Err(refused("RSASSA-PSS needs SHA-256, SHA-384 or SHA-512"));
    }
    let hash_id = AlgorithmId {
        oid: hash.oid(),
        parameters: Some(Any::null()),
    };
    let encode = || -> der::Result<Any> {
        Any::encode_from(&PssParameters {
            mask: Some(AlgorithmId {
                oid: MGF1,
                parameters: Some(Any::encode_from(&hash_id)?),
            }),
            hash: Some(hash_id.clone()),
            salt_len: (salt_len != DEFAULT_SALT_LEN).then_some(salt_len),
            trailer: None,
        })
    };
    Ok(AlgorithmId {
        oid: RSASSA_PSS,
        parameters: Some(encode().map_err(|_| refused("its parameters cannot be encoded"))?),
    })
}

const fn rsa(last: u32) -> ObjectIdentifier {
    child(ObjectIdentifier::new_unwrap("1.2.840.113549.1.1"), last)
}

const fn ecdsa(last: u32) -> ObjectIdentifier {
    child(ObjectIdentifier::new_unwrap("1.2.840.10045.4.3"), last)
}

const fn child(parent: ObjectIdentifier, last: u32) -> ObjectIdentifier {
    match parent.push_arc(last) {
        Ok(oid) => oid,
        Err(_) => parent,
    }
}
