//! Sun's JKS: a list of entries and a SHA-1 over password and list. The format has no specification; this follows what
//! `keytool` of Java 17 reads and writes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY as SHA1, SHA1_OUTPUT_LEN};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{Format, KeyEntry, Keystore, KeystoreError, TrustedEntry};
use crate::certificate::Certificate;
use crate::private_key::PrivateKey;

use raw::{RawEntry, RawKey};

mod protector;
mod raw;

/// Reads structure first, then integrity, then keys and certificates: so a truncated file is called truncated, and nothing
/// is made of bytes whose integrity is not known.
pub(super) fn read(
    bytes: &[u8],
    password: Option<&SecretString>,
) -> Result<Keystore, KeystoreError> {
    let (entries, listed) = raw::read(bytes)?;
    let password = utf16(password.ok_or(KeystoreError::PasswordMissing(Format::Jks))?);
    let (list, digest) = bytes.split_at(listed);
    if verify_slices_are_equal(&integrity(&password, list), digest).is_err() {
        return Err(blame(&entries, &password));
    }

    let mut store = Keystore::default();
    for entry in entries {
        match entry {
            RawEntry::Key(key) => store.entries.push(open(key, &password)?),
            RawEntry::Trusted { alias, certificate } => store.trusted.push(TrustedEntry {
                certificate: parse(&alias, certificate)?,
                alias,
            }),
        }
    }
    Ok(store)
}

pub(super) fn write(
    store: &Keystore,
    password: &SecretString,
    created: Timestamp,
) -> Result<Vec<u8>, KeystoreError> {
    let password = utf16(password);
    let mut writer = raw::Writer::new(store.entries.len() + store.trusted.len(), created)?;
    for entry in &store.entries {
        let failed = |source| KeystoreError::Key {
            alias: entry.alias.clone(),
            source,
        };
        let pkcs8 = entry.key.to_pkcs8_der().map_err(failed)?;
        let protected = protector::protect(&pkcs8, &password)?;
        writer.key(&entry.alias.to_lowercase(), &protected, &entry.chain)?;
    }
    for entry in &store.trusted {
        writer.trusted(&entry.alias.to_lowercase(), &entry.certificate)?;
    }
    let mut bytes = writer.finish();
    let digest = integrity(&password, &bytes);
    bytes.extend_from_slice(&digest);
    Ok(bytes)
}

/// Which of password and file is wrong, after the integrity check has failed: a key has a check of its own.
fn blame(entries: &[RawEntry<'_>], password: &[u8]) -> KeystoreError {
    let mut keys = entries
        .iter()
        .filter_map(|entry| match entry {
            RawEntry::Key(key) => Some(key),
            RawEntry::Trusted { .. } => None,
        })
        .peekable();
    if keys.peek().is_none() {
        KeystoreError::WrongPasswordOrAltered(Format::Jks)
    } else if keys.any(|key| protector::unprotect(key.protected, password).is_ok()) {
        KeystoreError::Altered(Format::Jks)
    } else {
        KeystoreError::WrongPassword(Format::Jks)
    }
}

fn open(raw: RawKey<'_>, password: &[u8]) -> Result<KeyEntry, KeystoreError> {
    let alias = raw.alias;
    let pkcs8 = match protector::unprotect(raw.protected, password) {
        Ok(pkcs8) => pkcs8,
        Err(protector::Refused::Password) => return Err(KeystoreError::WrongKeyPassword { alias }),
        Err(protector::Refused::Malformed(detail)) => {
            let detail = format!("the key of entry {alias:?}: {detail}");
            let format = Format::Jks;
            return Err(KeystoreError::Malformed { format, detail });
        }
    };
    let chain = raw
        .chain
        .into_iter()
        .map(|der| parse(&alias, der))
        .collect::<Result<Vec<_>, _>>()?;
    let key = match PrivateKey::from_der(&pkcs8) {
        Ok(key) => key,
        Err(source) => return Err(KeystoreError::Key { alias, source }),
    };
    match chain.first() {
        Some(leaf) if leaf.public_key() == key.public_key() => Ok(KeyEntry { alias, key, chain }),
        _ => Err(KeystoreError::NoCertificate { alias }),
    }
}

fn parse(alias: &str, der: &[u8]) -> Result<Certificate, KeystoreError> {
    Certificate::from_der(der.to_vec()).map_err(|source| KeystoreError::Certificate {
        alias: alias.to_owned(),
        source,
    })
}

/// SHA-1 over the password, a phrase that Sun put there, and everything before the digest.
fn integrity(password: &[u8], list: &[u8]) -> [u8; SHA1_OUTPUT_LEN] {
    sha1(&[password, b"Mighty Aphrodite", list])
}

fn sha1(parts: &[&[u8]]) -> [u8; SHA1_OUTPUT_LEN] {
    let mut context = Context::new(&SHA1);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; SHA1_OUTPUT_LEN];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// A password as Java's `char[]`: UTF-16, high byte first.
fn utf16(password: &SecretString) -> Zeroizing<Vec<u8>> {
    let text = password.expose_secret();
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * text.len()));
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    bytes
}
