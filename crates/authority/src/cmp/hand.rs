use std::sync::OnceLock;

use bytes::Bytes;
use jiff::Timestamp;
use pki::random::{self, NoRandomness};
use pki::{Certificate, GeneralName, Name, SignError, Signer, digest};
use pkixcmp::protection::{
    Hmac, KeyCache, MacKey, MacPolicy, MacScheme, PbmParameters, Pbmac1Parameters, ProtectionError,
    Sha1Use,
};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CmpCertificate, DecodeError, Unprotected};
use x509_cert::attr::AttributeTypeAndValue;

use super::config::{MacForm, MacIdentity, Protection, RaIdentity, SaltLife};

/// What protects one message of ours, ready to be used.
pub(crate) enum Hand<'a> {
    Mac(Box<MacKey>),
    Signature {
        signer: &'a dyn Signer,
        extra_certs: Vec<CmpCertificate>,
    },
}

/// Who we say we are.
pub(crate) struct Sender {
    pub(crate) name: GeneralName,
    pub(crate) kid: Option<Bytes>,
}

/// Why no message could be protected.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandError {
    #[error(transparent)]
    Mac(#[from] ProtectionError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error("a certificate of ours cannot be sent: {0}")]
    Certificate(#[from] DecodeError),
}

impl<'a> Hand<'a> {
    /// Our configured protection, for a message of `transaction`.
    pub(crate) fn ours(
        protection: &'a Protection,
        salts: &Salts,
        cache: &KeyCache,
        transaction: TransactionId,
        now: Timestamp,
    ) -> Result<Self, HandError> {
        match protection {
            Protection::Mac(identity) => {
                let salt = salts.of(identity.salt, transaction, now)?;
                let scheme = scheme(identity.form, salt);
                Ok(Self::Mac(Box::new(MacKey::derive(
                    &identity.secret,
                    &scheme,
                    &own_policy(identity.form),
                    cache,
                )?)))
            }
            Protection::Signature(RaIdentity { signer, chain }) => Ok(Self::Signature {
                signer: signer.as_ref(),
                extra_certs: carried(chain)?,
            }),
        }
    }

    /// The key of the certificate that is being replaced.
    pub(crate) fn lent(signer: &'a dyn Signer, old: &Certificate) -> Result<Self, HandError> {
        Ok(Self::Signature {
            signer,
            extra_certs: carried(std::slice::from_ref(old))?,
        })
    }

    /// What one message from `sender` needs.
    pub(crate) fn outgoing(&self, sender: &Sender, now: Timestamp) -> Result<Outgoing, HandError> {
        let (algorithm, extra_certs) = match self {
            Self::Mac(key) => (key.algorithm(), Vec::new()),
            Self::Signature {
                signer,
                extra_certs,
            } => (signer.algorithm(), extra_certs.clone()),
        };
        Ok(Outgoing {
            sender: sender.name.clone(),
            sender_kid: sender.kid.clone(),
            protection_alg: Some(algorithm.clone()),
            sender_nonce: Nonce(random::bytes()?),
            message_time: Some(now),
            extra_certs,
        })
    }

    /// The finished message.
    pub(crate) async fn protect(&self, message: Unprotected) -> Result<Bytes, HandError> {
        match self {
            Self::Mac(key) => Ok(key.protect(message)),
            Self::Signature { signer, .. } => {
                let signature = signer.sign(&message.to_be_protected()).await?;
                Ok(message.protected(&signature))
            }
        }
    }
}

impl Sender {
    /// Who we are by our configured protection: the reference as common name and key identifier, or the subject of our
    /// certificate with its key identifier (RFC 9483 section 3.1).
    pub(crate) fn ours(protection: &Protection) -> Self {
        match protection {
            Protection::Mac(identity) => Self {
                name: GeneralName::Directory(common_name(&identity.reference)),
                kid: Some(identity.reference.clone()),
            },
            Protection::Signature(identity) => match identity.certificate() {
                Some(certificate) => Self::certified(certificate),
                None => Self {
                    name: GeneralName::Directory(Name::default()),
                    kid: None,
                },
            },
        }
    }

    /// Who signs with the key of `certificate`.
    pub(crate) fn certified(certificate: &Certificate) -> Self {
        Self {
            name: GeneralName::Directory(certificate.subject().clone()),
            kid: certificate.subject_key_id().map(Bytes::copy_from_slice),
        }
    }
}

/// Salts of ours: a digest over random octets of this process and what the salt is for, so that nothing has to be remembered.
#[derive(Default)]
pub(crate) struct Salts {
    seed: OnceLock<[u8; 32]>,
}

impl Salts {
    fn of(
        &self,
        life: SaltLife,
        transaction: TransactionId,
        now: Timestamp,
    ) -> Result<[u8; 16], NoRandomness> {
        let seed = match self.seed.get() {
            Some(seed) => seed,
            None => {
                let fresh = random::bytes()?;
                self.seed.get_or_init(|| fresh)
            }
        };
        let mut text = seed.to_vec();
        match life {
            SaltLife::PerTransaction => text.extend_from_slice(&transaction.0),
            SaltLife::PerHour => {
                text.extend_from_slice(&now.as_second().div_euclid(3600).to_be_bytes());
            }
        }
        let mut salt = [0; 16];
        salt.copy_from_slice(&digest::sha256(&text)[..16]);
        Ok(salt)
    }
}

/// What we may use ourselves: exactly the configured form.
pub(crate) fn own_policy(form: MacForm) -> MacPolicy {
    MacPolicy::default().with_sha1(if form.uses_sha1() {
        Sha1Use::Everywhere
    } else {
        Sha1Use::Refused
    })
}

/// Whether a configured MAC is one that can be used at all: its iterations within bounds.
pub(crate) fn admit(identity: &MacIdentity) -> Result<(), ProtectionError> {
    own_policy(identity.form).admit(&scheme(identity.form, [0; 16]))
}

fn scheme(form: MacForm, salt: [u8; 16]) -> MacScheme {
    let salt = salt.to_vec();
    match form {
        MacForm::Pbm {
            owf,
            mac,
            iterations,
        } => MacScheme::Pbm(PbmParameters {
            salt,
            owf,
            iterations,
            mac,
        }),
        MacForm::Pbmac1 {
            prf,
            mac,
            iterations,
        } => {
            let key_length = Some(key_length(mac));
            MacScheme::Pbmac1(Pbmac1Parameters {
                salt,
                iterations,
                key_length,
                prf,
                mac,
            })
        }
    }
}

/// As long as the MAC's output (RFC 9579 section 4 wants the length to be there).
fn key_length(mac: Hmac) -> u32 {
    match mac {
        Hmac::Sha1 | Hmac::Sha1Pkcs5 => 20,
        Hmac::Sha256 => 32,
        Hmac::Sha384 => 48,
        Hmac::Sha512 => 64,
    }
}

fn carried(certificates: &[Certificate]) -> Result<Vec<CmpCertificate>, HandError> {
    Ok(certificates
        .iter()
        .map(|certificate| CmpCertificate::from_der(certificate.der().clone()))
        .collect::<Result<_, _>>()?)
}

/// `CN=<reference>`, or the NULL-DN for a reference that is no text.
fn common_name(reference: &[u8]) -> Name {
    let name = || {
        use der::{Decode, Encode};
        let text = std::str::from_utf8(reference)
            .ok()
            .filter(|text| !text.is_empty())?;
        let value = der::asn1::Any::new(der::Tag::Utf8String, text.as_bytes()).ok()?;
        let oid = pki::ObjectIdentifier::new_unwrap("2.5.4.3");
        let mut set = der::asn1::SetOfVec::new();
        set.insert(AttributeTypeAndValue { oid, value }).ok()?;
        Name::from_der(&vec![set].to_der().ok()?).ok()
    };
    name().unwrap_or_default()
}
