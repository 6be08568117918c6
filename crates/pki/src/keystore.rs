//! Keystores: private keys with their chains, and trusted certificates, in one file.
//!
//! [`read`] takes JKS, PKCS#12 or PEM whatever the file is called; [`write_pkcs12`] and [`write_jks`] make stores that
//! `keytool` and `openssl pkcs12` read. What a store says is checked before it is believed: the integrity check of the format,
//! every length and iteration count before work is done on it, and that a key and its certificate belong together.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::certificate::{Certificate, CertificateError};
use crate::key::KeyError;
use crate::private_key::PrivateKey;

mod jks;
mod pem;
mod pkcs12;

/// The largest keystore that is read, in bytes. A public bundle of 150 roots needs about a quarter of a MiB.
pub const MAX_KEYSTORE_BYTES: usize = 4 << 20;

/// What a keystore holds, in the order of the file.
#[derive(Default)]
pub struct Keystore {
    /// Private keys, each with its chain.
    pub entries: Vec<KeyEntry>,
    /// Trusted certificates: the trust anchors of a truststore.
    pub trusted: Vec<TrustedEntry>,
}

/// A private key and the chain of its certificate.
pub struct KeyEntry {
    /// The entry's name in the store (PKCS#12 friendlyName). Java takes it without regard to case.
    pub alias: String,
    /// The key. It belongs to the first certificate of the chain.
    pub key: PrivateKey,
    /// The key's certificate first, each next one the issuer of the one before. Never empty.
    pub chain: Vec<Certificate>,
}

/// A certificate that the store's owner trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedEntry {
    /// The entry's name in the store (PKCS#12 friendlyName). Java takes it without regard to case.
    pub alias: String,
    /// The certificate.
    pub certificate: Certificate,
}

/// A keystore's file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Sun's "JKS", versions 1 and 2.
    Jks,
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// PEM blocks (RFC 7468): a key with its chain, or a bundle of trusted certificates.
    Pem,
}

/// Why a keystore cannot be read or written. No variant shows key material or a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// The bytes are none of the formats.
    #[error("not a keystore: neither PEM (no \"-----BEGIN\"), nor PKCS#12, nor JKS")]
    UnknownFormat,
    /// A format, protection or encoding that is not read; the text says which and how to convert it.
    #[error("{0}")]
    Unsupported(String),
    /// The file is larger than [`MAX_KEYSTORE_BYTES`].
    #[error("the keystore has {0} bytes, more than the {MAX_KEYSTORE_BYTES} that are read")]
    TooLarge(usize),
    /// The file ends before what it announces.
    #[error(
        "the {format} keystore is truncated: {missing} more bytes were announced than the file has"
    )]
    Truncated {
        /// The format.
        format: Format,
        /// How many bytes are missing at least.
        missing: usize,
    },
    /// The file breaks its format's rules.
    #[error("the {format} keystore is malformed: {detail}")]
    Malformed {
        /// The format.
        format: Format,
        /// What is wrong, and where.
        detail: String,
    },
    /// A number in the file is beyond the bound set for it; nothing was computed with it.
    #[error("the {format} keystore asks for {what} {value}, more than the {max} allowed")]
    Excessive {
        /// The format.
        format: Format,
        /// What the number is.
        what: &'static str,
        /// The number.
        value: u64,
        /// The bound.
        max: u64,
    },
    /// The store needs a password and none was given.
    #[error("the {0} keystore needs a password, and none is configured")]
    PasswordMissing(Format),
    /// The password is not the store's.
    #[error("wrong password for the {0} keystore")]
    WrongPassword(Format),
    /// The password is right, the integrity check fails: the file was altered or damaged.
    #[error("the {0} keystore is damaged: its password is right, but its integrity check fails")]
    Altered(Format),
    /// The integrity check fails, and nothing in the file shows whether the password or the file is to blame.
    #[error(
        "wrong password for the {0} keystore, or the file is damaged (a store without keys cannot show which)"
    )]
    WrongPasswordOrAltered(Format),
    /// A key is protected with a password of its own.
    #[error(
        "the key of entry {alias:?} has a password of its own; give it the store's: \
         keytool -keypasswd -alias {alias} -new STOREPASSWORD -storetype JKS"
    )]
    WrongKeyPassword {
        /// The entry's name.
        alias: String,
    },
    /// A private key cannot be used.
    #[error("the key of entry {alias:?}: {source}")]
    Key {
        /// The entry's name.
        alias: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A certificate cannot be read.
    #[error("a certificate of entry {alias:?}: {source}")]
    Certificate {
        /// The entry's name.
        alias: String,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// No certificate in the store belongs to this private key.
    #[error("no certificate in the store belongs to the key of entry {alias:?}")]
    NoCertificate {
        /// The entry's name.
        alias: String,
    },
    /// An alias cannot be written.
    #[error("the alias {alias:?} cannot be written: {reason}")]
    Alias {
        /// The alias.
        alias: String,
        /// Why not.
        reason: &'static str,
    },
    /// The store could not be made.
    #[error("the {format} keystore could not be written: {detail}")]
    Write {
        /// The format.
        format: Format,
        /// What went wrong.
        detail: String,
    },
}

/// Reads a keystore of any [`Format`]; the bytes decide which it is.
///
/// In a file that holds private keys, certificates that are not marked as trusted are the keys' chains, and those that
/// belong to no chain are left out. In a PKCS#12 or PEM file without keys every certificate is a trusted one: Java marks them
/// with the attribute 2.16.840.1.113894.746875.1.1, OpenSSL does not.
///
/// `password` opens the store and its keys; a PEM file needs it only when its key is encrypted.
///
/// # Errors
/// Those of [`KeystoreError`] that speak of reading.
pub fn read(bytes: &[u8], password: Option<&SecretString>) -> Result<Keystore, KeystoreError> {
    if bytes.len() > MAX_KEYSTORE_BYTES {
        return Err(KeystoreError::TooLarge(bytes.len()));
    }
    match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] => jks::read(bytes, password),
        [0xce, 0xce, 0xce, 0xce, ..] => Err(KeystoreError::Unsupported(
            "JCEKS keystores are not read; convert it: keytool -importkeystore -srckeystore OLD -srcstoretype JCEKS \
             -destkeystore NEW -deststoretype PKCS12"
                .into(),
        )),
        [0x30, ..] => pkcs12::read(bytes, password),
        _ if bytes.windows(11).any(|window| window == b"-----BEGIN ") => pem::read(bytes, password),
        _ => Err(KeystoreError::UnknownFormat),
    }
}

/// Writes a PKCS#12 store: PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, and an HMAC-SHA-256 over the whole, with 10,000
/// iterations each, as Java 17 does. Trusted certificates bear Java's trusted-usage attribute. Entries stand in the file in
/// the order of their aliases, trusted ones first.
///
/// # Errors
/// [`KeystoreError::Alias`] for an alias that is empty, too long, used twice (case does not count) or outside the Basic
/// Multilingual Plane; [`KeystoreError::NoCertificate`] for an empty chain; [`KeystoreError::Write`] otherwise.
pub fn write_pkcs12(store: &Keystore, password: &SecretString) -> Result<Vec<u8>, KeystoreError> {
    check_entries(store)?;
    pkcs12::write(store, password)
}

/// Writes a JKS store, version 2, in the order of `store`, aliases in lower case as Java looks them up. The format's
/// protection is weak (SHA-1 throughout): for software that reads nothing else.
///
/// `created` is what `keytool -list` shows as the date of the entries.
///
/// # Errors
/// As [`write_pkcs12`].
pub fn write_jks(
    store: &Keystore,
    password: &SecretString,
    created: Timestamp,
) -> Result<Vec<u8>, KeystoreError> {
    check_entries(store)?;
    jks::write(store, password, created)
}

impl Keystore {
    /// A truststore of these certificates, each under an alias of its own: `trusted-certificate-1` and so on, in their order.
    pub fn of_trusted(certificates: impl IntoIterator<Item = Certificate>) -> Self {
        let trusted = (1..)
            .zip(certificates)
            .map(|(number, certificate)| TrustedEntry {
                alias: format!("trusted-certificate-{number}"),
                certificate,
            })
            .collect();
        Self {
            entries: Vec::new(),
            trusted,
        }
    }

    /// A keystore of one key and its chain, leaf first.
    pub fn of_key(alias: impl Into<String>, key: PrivateKey, chain: Vec<Certificate>) -> Self {
        let alias = alias.into();
        Self {
            entries: vec![KeyEntry { alias, key, chain }],
            trusted: Vec::new(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jks => "JKS",
            Self::Pkcs12 => "PKCS#12",
            Self::Pem => "PEM",
        })
    }
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry")
            .field("alias", &self.alias)
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore")
            .field("entries", &self.entries)
            .field("trusted", &self.trusted)
            .finish()
    }
}

/// What both formats cannot hold. Java folds the case of aliases when it loads a store, so that of two that differ only in
/// case one would be lost.
fn check_entries(store: &Keystore) -> Result<(), KeystoreError> {
    let mut seen = std::collections::BTreeSet::new();
    let keys = store.entries.iter().map(|entry| &entry.alias);
    for alias in keys.chain(store.trusted.iter().map(|entry| &entry.alias)) {
        let reason = match alias {
            alias if alias.is_empty() => "it is empty",
            alias if alias.len() > MAX_ALIAS_BYTES => "it is too long",
            alias if !seen.insert(alias.to_lowercase()) => {
                "another entry has it (upper and lower case do not count)"
            }
            _ => continue,
        };
        let alias = alias.clone();
        return Err(KeystoreError::Alias { alias, reason });
    }
    match store.entries.iter().find(|entry| entry.chain.is_empty()) {
        Some(entry) => Err(KeystoreError::NoCertificate {
            alias: entry.alias.clone(),
        }),
        None => Ok(()),
    }
}

/// Far beyond any alias in use, far below what JKS can hold (65,535 bytes).
const MAX_ALIAS_BYTES: usize = 1024;

/// The chain of `leaf` out of `candidates` by issuer name and key, as far as it goes; `leaf` first, its root last if there.
fn chain_of(leaf: &Certificate, candidates: &[Certificate]) -> Vec<Certificate> {
    let mut chain = vec![leaf.clone()];
    while chain.len() < crate::path::MAX_PATH
        && let Some(last) = chain.last()
        && let Some(issuer) = candidates.iter().find(|candidate| {
            !chain.contains(candidate)
                && crate::name::same_name(candidate.subject(), last.issuer())
                && last.verify_signed_by(candidate.public_key()).is_ok()
        })
    {
        chain.push(issuer.clone());
    }
    chain
}
