//! Private keys in memory: the software [`Signer`].

mod read;
mod worker;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair, PqdsaKeyPair, RsaKeyPair,
};
use bytes::Bytes;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::algorithm::SignatureScheme;
use crate::digest::HashAlgorithm;
use crate::signer::{SignError, Signer};
use crate::{AlgorithmId, KeyError, KeyKind, PublicKey, pem};

/// RSA keys from this size on are slow enough (about a millisecond) to be kept off the caller's thread.
const SLOW_RSA_BITS: u32 = 3072;

/// A private key in memory: RSA of 2048 to 8192 bits, EC on P-256, P-384 or P-521, Ed25519, ML-DSA. Cheap to clone
/// (the key is shared, and wiped with the last clone). `Debug` shows the kind only.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Arc<Pair>,
    public: PublicKey,
    scheme: SignatureScheme,
    algorithm: AlgorithmId,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl PrivateKey {
    /// Make a new key.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for RSA sizes other than 2048, 3072, 4096 and 8192 and for [`KeyKind::Other`].
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Crypto("key generation");
        let rsa = |size| RsaKeyPair::generate(size).map(Pair::Rsa).map_err(failed);
        let ec = |algorithm| {
            EcdsaKeyPair::generate(algorithm)
                .map(Pair::Ec)
                .map_err(failed)
        };
        let ml_dsa = |algorithm| {
            PqdsaKeyPair::generate(algorithm)
                .map(Pair::MlDsa)
                .map_err(failed)
        };
        let pair = match kind {
            KeyKind::Rsa { bits: 2048 } => rsa(aws_lc_rs::rsa::KeySize::Rsa2048),
            KeyKind::Rsa { bits: 3072 } => rsa(aws_lc_rs::rsa::KeySize::Rsa3072),
            KeyKind::Rsa { bits: 4096 } => rsa(aws_lc_rs::rsa::KeySize::Rsa4096),
            KeyKind::Rsa { bits: 8192 } => rsa(aws_lc_rs::rsa::KeySize::Rsa8192),
            KeyKind::P256 => ec(&lc::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyKind::P384 => ec(&lc::ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyKind::P521 => ec(&lc::ECDSA_P521_SHA512_ASN1_SIGNING),
            KeyKind::Ed25519 => Ed25519KeyPair::generate()
                .map(Pair::Ed25519)
                .map_err(failed),
            KeyKind::MlDsa44 => ml_dsa(&lc::ML_DSA_44_SIGNING),
            KeyKind::MlDsa65 => ml_dsa(&lc::ML_DSA_65_SIGNING),
            KeyKind::MlDsa87 => ml_dsa(&lc::ML_DSA_87_SIGNING),
            KeyKind::Rsa { .. } | KeyKind::Other => Err(KeyError::Unsupported {
                what: format!("making a key of kind {kind}"),
            }),
        }?;
        Self::new(pair)
    }

    /// The first private key in a PEM text. Labels are ignored, since many tools write wrong ones: what is in the
    /// block decides. `passphrase` is used only when that key is encrypted.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] when no block holds a key, [`KeyError::Encrypted`] when a passphrase is needed,
    /// [`KeyError::Encryption`] for encryption that is too old, otherwise as [`PrivateKey::from_der`].
    pub fn from_pem(text: &[u8], passphrase: Option<&SecretString>) -> Result<Self, KeyError> {
        for block in pem::blocks(text) {
            let block = block?;
            if block.encrypted {
                return Err(KeyError::Encryption {
                    scheme: "the traditional OpenSSL format (Proc-Type: 4,ENCRYPTED)",
                });
            }
            if let Some(form) = read::Form::of(&block.der) {
                return read::read(form, &block.der, passphrase).and_then(Self::new);
            }
        }
        Err(KeyError::NoKey)
    }

    /// A key as DER: PKCS#8 (RFC 5958), PKCS#1 `RSAPrivateKey` (RFC 8017 appendix A.1.2) or SEC1 `ECPrivateKey`
    /// (RFC 5915) with its curve.
    ///
    /// # Errors
    /// [`KeyError::Encrypted`] for encrypted PKCS#8 (use [`PrivateKey::from_encrypted_der`]), [`KeyError::RsaSize`],
    /// [`KeyError::Unsupported`] for other kinds of key, [`KeyError::Malformed`] for anything else.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_any_der(der, None)
    }

    /// A key as DER that may be an encrypted PKCS#8 (RFC 5958 section 3), PBES2 with AES.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`], [`KeyError::Encryption`], and those of [`PrivateKey::from_der`].
    pub fn from_encrypted_der(der: &[u8], passphrase: &SecretString) -> Result<Self, KeyError> {
        Self::from_any_der(der, Some(passphrase))
    }

    /// The key as unencrypted PKCS#8, version 1.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the key cannot be written, as with ML-DSA keys read without their seed.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let failed = |_| KeyError::Crypto("writing the key as PKCS#8");
        let der = match &*self.pair {
            Pair::Rsa(pair) => {
                let der = AsDer::as_der(pair).map_err(failed)?;
                return Ok(Zeroizing::new(der.as_ref().to_vec()));
            }
            Pair::Ec(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::MlDsa(pair) => pair.to_pkcs8v1(),
        };
        Ok(Zeroizing::new(der.map_err(failed)?.as_ref().to_vec()))
    }

    /// The key as unencrypted PKCS#8 in PEM, label `PRIVATE KEY`.
    ///
    /// # Errors
    /// As [`PrivateKey::to_pkcs8_der`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        Ok(Zeroizing::new(pem::encode(
            "PRIVATE KEY",
            &self.to_pkcs8_der()?,
        )))
    }

    /// The same key signing with another algorithm: RSASSA-PSS, or another hash.
    ///
    /// # Errors
    /// [`KeyError::UnknownAlgorithm`], or [`KeyError::Algorithm`] when it does not go with this key. EC keys sign with
    /// the hash of their curve's size; P-521 also with SHA-256 and SHA-384. SHA-1 is never signed with.
    pub fn with_algorithm(self, algorithm: AlgorithmId) -> Result<Self, KeyError> {
        let scheme = SignatureScheme::try_from(&algorithm)?;
        let oid = algorithm.oid;
        let kind = self.public.kind();
        let key = Self {
            scheme,
            algorithm,
            ..self
        };
        // Whether it goes together is known only by doing it; aws-lc-rs binds a hash to each key pair.
        match (&*key.pair, scheme) {
            (Pair::Ec(_), SignatureScheme::Ecdsa(_)) => key.rebound(oid),
            (Pair::Rsa(_), _) if rsa_encoding(scheme).is_some() => Ok(key),
            _ if scheme == default_scheme(kind) => Ok(key),
            _ => Err(KeyError::Algorithm {
                algorithm: oid,
                kind,
            }),
        }
    }

    /// Sign at once, on this thread. RSA of 4096 bits takes about 2 ms.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the crypto library fails.
    pub fn sign_now(&self, message: &[u8]) -> Result<Bytes, SignError> {
        self.pair.sign(self.scheme, message)
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The algorithm of the signatures this key makes.
    pub fn algorithm(&self) -> &AlgorithmId {
        &self.algorithm
    }

    fn from_any_der(der: &[u8], passphrase: Option<&SecretString>) -> Result<Self, KeyError> {
        let form = read::Form::of(der).ok_or(KeyError::Malformed {
            what: "a private key",
            why: "it is none of PKCS#8, PKCS#1 and SEC1".into(),
        })?;
        read::read(form, der, passphrase).and_then(Self::new)
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let public = PublicKey::from_spki_der(pair.spki()?)?;
        let scheme = default_scheme(public.kind());
        Ok(Self {
            pair: Arc::new(pair),
            public,
            scheme,
            algorithm: scheme.identifier()?,
        })
    }

    /// This EC key bound to the hash of its scheme.
    fn rebound(self, oid: crate::ObjectIdentifier) -> Result<Self, KeyError> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        let kind = self.public.kind();
        let algorithm = match (kind, self.scheme.hash()) {
            (KeyKind::P256, Some(Sha256)) => &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
            (KeyKind::P384, Some(Sha384)) => &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
            (KeyKind::P521, Some(Sha256)) => &lc::ECDSA_P521_SHA256_ASN1_SIGNING,
            (KeyKind::P521, Some(Sha384)) => &lc::ECDSA_P521_SHA384_ASN1_SIGNING,
            (KeyKind::P521, Some(Sha512)) => &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
            _ => {
                return Err(KeyError::Algorithm {
                    algorithm: oid,
                    kind,
                });
            }
        };
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &self.to_pkcs8_der()?)
            .map_err(|_| KeyError::Crypto("binding an EC key to another hash"))?;
        Ok(Self {
            pair: Arc::new(Pair::Ec(pair)),
            ..self
        })
    }
}

#[async_trait]
impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn algorithm(&self) -> &AlgorithmId {
        &self.algorithm
    }

    async fn sign(&self, message: &[u8]) -> Result<Bytes, SignError> {
        match self.public.kind() {
            KeyKind::Rsa { bits } if bits >= SLOW_RSA_BITS => {
                let (pair, scheme) = (Arc::clone(&self.pair), self.scheme);
                let message = Bytes::copy_from_slice(message);
                worker::run(move || pair.sign(scheme, &message)).await
            }
            _ => self.sign_now(message),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.kind())
    }
}

impl Pair {
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Bytes, SignError> {
        let failed = |_| SignError::Failed("the crypto library gave no reason".into());
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding = rsa_encoding(scheme).ok_or_else(|| {
                    SignError::Failed("RSA keys do not sign with this algorithm".into())
                })?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature.into())
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                Ok(Bytes::copy_from_slice(signature.as_ref()))
            }
            Self::Ed25519(pair) => {
                let signature = pair.try_sign(message).map_err(failed)?;
                Ok(Bytes::copy_from_slice(signature.as_ref()))
            }
            Self::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                let len = pair.sign(message, &mut signature).map_err(failed)?;
                signature.truncate(len);
                Ok(signature.into())
            }
        }
    }

    fn spki(&self) -> Result<Vec<u8>, KeyError> {
        let der = match self {
            Self::Rsa(pair) => pair.public_key().as_der(),
            Self::Ec(pair) => pair.public_key().as_der(),
            Self::Ed25519(pair) => pair.public_key().as_der(),
            Self::MlDsa(pair) => pair.public_key().as_der(),
        };
        let der = der.map_err(|_| KeyError::Crypto("writing the public key"))?;
        Ok(der.as_ref().to_vec())
    }
}

/// What a key signs with unless told otherwise: the hash of matching strength.
fn default_scheme(kind: KeyKind) -> SignatureScheme {
    match kind {
        KeyKind::P256 => SignatureScheme::Ecdsa(HashAlgorithm::Sha256),
        KeyKind::P384 => SignatureScheme::Ecdsa(HashAlgorithm::Sha384),
        KeyKind::P521 => SignatureScheme::Ecdsa(HashAlgorithm::Sha512),
        KeyKind::Ed25519 => SignatureScheme::Ed25519,
        KeyKind::MlDsa44 => SignatureScheme::MlDsa44,
        KeyKind::MlDsa65 => SignatureScheme::MlDsa65,
        KeyKind::MlDsa87 => SignatureScheme::MlDsa87,
        KeyKind::Rsa { .. } | KeyKind::Other => SignatureScheme::RsaPkcs1(HashAlgorithm::Sha256),
    }
}

fn rsa_encoding(scheme: SignatureScheme) -> Option<&'static dyn lc::RsaEncoding> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    use SignatureScheme::{RsaPkcs1, RsaPss};
    Some(match scheme {
        RsaPkcs1(Sha256) => &lc::RSA_PKCS1_SHA256,
        RsaPkcs1(Sha384) => &lc::RSA_PKCS1_SHA384,
        RsaPkcs1(Sha512) => &lc::RSA_PKCS1_SHA512,
        RsaPss {
            hash: Sha256,
            salt_len: 32,
        } => &lc::RSA_PSS_SHA256,
        RsaPss {
            hash: Sha384,
            salt_len: 48,
        } => &lc::RSA_PSS_SHA384,
        RsaPss {
            hash: Sha512,
            salt_len: 64,
        } => &lc::RSA_PSS_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
