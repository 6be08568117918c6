//! Private keys in the forms they come in, told apart by their first elements.

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, PqdsaKeyPair,
    PqdsaSigningAlgorithm, RsaKeyPair,
};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode, Header, Reader, SliceReader, Tag};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Pair;
use crate::algorithm::{EC_PUBLIC_KEY, RSA_ENCRYPTION};
use crate::key::modulus_bits;
use crate::{AlgorithmId, KeyError, KeyKind, ObjectIdentifier};

/// Work an encrypted key file may ask for before we believe that it is a key file.
const MOST_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// The same for scrypt, in bytes of memory.
const MOST_SCRYPT_BYTES: u64 = 256 << 20;

/// How a private key is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// RFC 5958 `OneAsymmetricKey`.
    Pkcs8,
    /// RFC 8017 `RSAPrivateKey`.
    Pkcs1,
    /// RFC 5915 `ECPrivateKey`.
    Sec1,
    /// RFC 5958 `EncryptedPrivateKeyInfo`.
    Encrypted,
}

impl Form {
    /// Which form `der` has; none when it is no private key at all.
    pub(super) fn of(der: &[u8]) -> Option<Self> {
        let mut outer = SliceReader::new(der).ok()?;
        let header = Header::decode(&mut outer).ok()?;
        let inside = outer.read_slice(header.length()).ok()?;
        if header.tag() != Tag::Sequence || !outer.is_finished() {
            return None;
        }
        let mut elements = SliceReader::new(inside).ok()?;
        let mut element = || {
            Some((
                elements.decode::<AnyRef<'_>>().ok()?,
                elements.is_finished(),
            ))
        };
        let ((first, _), (second, last)) = (element()?, element()?);
        match (first.header().tag(), second.header().tag()) {
            (Tag::Integer, Tag::Sequence) if element()?.0.header().tag() == Tag::OctetString => {
                Some(Self::Pkcs8)
            }
            (Tag::Integer, Tag::Integer) if first.value() == [0] || first.value() == [1] => {
                Some(Self::Pkcs1)
            }
            (Tag::Integer, Tag::OctetString) if first.value() == [1] => Some(Self::Sec1),
            (Tag::Sequence, Tag::OctetString) if last => Some(Self::Encrypted),
            _ => None,
        }
    }
}

/// Read a key of a known form.
pub(super) fn read(
    form: Form,
    der: &[u8],
    passphrase: Option<&SecretString>,
) -> Result<Pair, KeyError> {
    match form {
        Form::Pkcs8 => pkcs8(der),
        Form::Pkcs1 => pkcs1(der),
        Form::Sec1 => sec1(der),
        Form::Encrypted => pkcs8(&decrypt(der, passphrase.ok_or(KeyError::Encrypted)?)?),
    }
}

fn pkcs8(der: &[u8]) -> Result<Pair, KeyError> {
    const WHAT: &str = "a PKCS#8 private key";
    // Versions 1 and 2 differ in what may follow, which aws-lc-rs looks at; here only kind and size matter.
    let mut outer = SliceReader::new(der).map_err(|e| KeyError::malformed(WHAT, &e))?;
    let (algorithm, key) = outer
        .sequence(|fields| {
            let _version: u8 = fields.decode()?;
            let algorithm: AlgorithmId = fields.decode()?;
            let key = fields.decode::<&OctetStringRef>()?.as_bytes();
            while !fields.is_finished() {
                fields.tlv_bytes()?;
            }
            Ok::<_, der::Error>((algorithm, key))
        })
        .map_err(|e| KeyError::malformed(WHAT, &e))?;
    let rejected = |e: KeyRejected| KeyError::malformed(WHAT, &e.description_());
    if algorithm.oid == RSA_ENCRYPTION {
        check_rsa(key)?;
        return RsaKeyPair::from_pkcs8(der).map(Pair::Rsa).map_err(rejected);
    }
    if algorithm.oid == EC_PUBLIC_KEY {
        let curve = algorithm
            .parameters
            .and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        let signing = ec_algorithm(curve)?;
        return EcdsaKeyPair::from_pkcs8(signing, der)
            .map(Pair::Ec)
            .map_err(rejected);
    }
    match KeyKind::of_oid(&algorithm.oid) {
        KeyKind::Ed25519 => Ed25519KeyPair::from_pkcs8(der)
            .map(Pair::Ed25519)
            .map_err(rejected),
        kind => {
            let signing = ml_dsa_algorithm(kind).ok_or_else(|| KeyError::Unsupported {
                what: format!("a private key of type {}", algorithm.oid),
            })?;
            PqdsaKeyPair::from_pkcs8(signing, der)
                .map(Pair::MlDsa)
                .map_err(rejected)
        }
    }
}

fn pkcs1(der: &[u8]) -> Result<Pair, KeyError> {
    check_rsa(der)?;
    RsaKeyPair::from_der(der)
        .map(Pair::Rsa)
        .map_err(|e| KeyError::malformed("a PKCS#1 private key", &e.description_()))
}

/// Say "2048 to 8192 bits" rather than what the library would say, and before it computes with a huge number.
fn check_rsa(pkcs1: &[u8]) -> Result<(), KeyError> {
    let malformed = |e: der::Error| KeyError::malformed("an RSA private key", &e);
    let mut reader = SliceReader::new(pkcs1).map_err(malformed)?;
    let modulus = reader
        .sequence(|fields| {
            let _version: u8 = fields.decode()?;
            let modulus = fields.decode::<UintRef<'_>>()?;
            while !fields.is_finished() {
                fields.tlv_bytes()?;
            }
            Ok::<_, der::Error>(modulus)
        })
        .map_err(malformed)?;
    let bits = modulus_bits(modulus.as_bytes());
    if (2048..=8192).contains(&bits) {
        Ok(())
    } else {
        Err(KeyError::RsaSize { bits })
    }
}

fn sec1(der: &[u8]) -> Result<Pair, KeyError> {
    const WHAT: &str = "a SEC1 EC private key";
    let malformed = |e: der::Error| KeyError::malformed(WHAT, &e);
    let curve = SliceReader::new(der)
        .and_then(|mut reader| {
            reader.sequence(|fields| {
                let _version: u8 = fields.decode()?;
                fields.decode::<&OctetStringRef>()?;
                let mut curve = None;
                while !fields.is_finished() {
                    let field: AnyRef<'_> = fields.decode()?;
                    if field.header().tag().number() == der::TagNumber(0) {
                        curve = ObjectIdentifier::from_der(field.value()).ok();
                    }
                }
                Ok::<_, der::Error>(curve)
            })
        })
        .map_err(malformed)?;
    let signing = ec_algorithm(curve)?;
    EcdsaKeyPair::from_private_key_der(signing, der)
        .map(Pair::Ec)
        .map_err(|e| KeyError::malformed(WHAT, &e.description_()))
}

fn ec_algorithm(
    curve: Option<ObjectIdentifier>,
) -> Result<&'static EcdsaSigningAlgorithm, KeyError> {
    let unsupported = |what: String| Err(KeyError::Unsupported { what });
    let Some(curve) = curve else {
        return unsupported("an EC key that does not name its curve by OID".into());
    };
    match KeyKind::of_curve(&curve) {
        KeyKind::P256 => Ok(&lc::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyKind::P384 => Ok(&lc::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyKind::P521 => Ok(&lc::ECDSA_P521_SHA512_ASN1_SIGNING),
        _ => unsupported(format!("an EC key on the curve {curve}")),
    }
}

fn ml_dsa_algorithm(kind: KeyKind) -> Option<&'static PqdsaSigningAlgorithm> {
    match kind {
        KeyKind::MlDsa44 => Some(&lc::ML_DSA_44_SIGNING),
        KeyKind::MlDsa65 => Some(&lc::ML_DSA_65_SIGNING),
        KeyKind::MlDsa87 => Some(&lc::ML_DSA_87_SIGNING),
        _ => None,
    }
}

fn decrypt(der: &[u8], passphrase: &SecretString) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unsupported = |scheme| KeyError::Encryption { scheme };
    let info = EncryptedPrivateKeyInfoRef::from_der(der)
        .map_err(|_| unsupported("a scheme of old (such as PKCS#12 PBE or 3DES)"))?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(unsupported("PBES1"));
    };
    match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(kdf) if kdf.iteration_count > MOST_PBKDF2_ITERATIONS => {
            return Err(unsupported("more than 10 million PBKDF2 iterations"));
        }
        pbes2::Kdf::Scrypt(kdf) if scrypt_bytes(kdf) > MOST_SCRYPT_BYTES => {
            return Err(unsupported("scrypt with more than 256 MiB"));
        }
        _ => {}
    }
    match info.decrypt(passphrase.expose_secret()) {
        Ok(document) => Ok(document.to_bytes()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)) => {
            Err(KeyError::WrongPassphrase)
        }
        Err(pkcs8::Error::EncryptedPrivateKey(_)) => {
            Err(unsupported("an old cipher or hash (3DES, RC2, SHA-1)"))
        }
        // A wrong passphrase passes the padding check once in 256 times, and then it is not DER.
        Err(_) => Err(KeyError::WrongPassphrase),
    }
}

fn scrypt_bytes(kdf: &pbes2::ScryptParams) -> u64 {
    let block = u64::from(kdf.block_size) * 128;
    kdf.cost_parameter
        .saturating_add(u64::from(kdf.parallelization))
        .saturating_mul(block)
}
