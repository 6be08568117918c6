//! PKCS#12 (RFC 7292) on `p12-keystore`, which does the decryption. What it does not do is done here first: see [`bounds`].

use p12_keystore::error::Error;
use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag, PrivateKeyChain};
use secrecy::{ExposeSecret, SecretString};

use super::{Format, KeyEntry, Keystore, KeystoreError, TrustedEntry, chain_of};
use crate::certificate::Certificate;
use crate::private_key::PrivateKey;

mod bounds;

pub(super) fn read(
    bytes: &[u8],
    password: Option<&SecretString>,
) -> Result<Keystore, KeystoreError> {
    let outline = bounds::check(bytes)?;
    let password = match password {
        Some(password) => password.expose_secret(),
        None if outline.has_mac || outline.is_encrypted => {
            return Err(KeystoreError::PasswordMissing(Format::Pkcs12));
        }
        None => "",
    };
    check_password(password)?;
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(|error| match error {
        Error::MacError(_) => blame(&outline, password),
        error => refused(error),
    })?;

    let certificates = archive
        .certs
        .iter()
        .map(parse)
        .collect::<Result<Vec<_>, _>>()?;
    let mut store = Keystore::default();
    for (number, bag) in (1..).zip(&archive.keys) {
        store
            .entries
            .push(open(number, bag, &archive.certs, &certificates)?);
    }
    let is_truststore = archive.keys.is_empty();
    for (bag, certificate) in archive.certs.iter().zip(certificates) {
        if bag.trusted || is_truststore {
            let alias = alias_of(bag);
            store.trusted.push(TrustedEntry { alias, certificate });
        }
    }
    Ok(store)
}

pub(super) fn write(store: &Keystore, password: &SecretString) -> Result<Vec<u8>, KeystoreError> {
    check_password(password.expose_secret())?;
    let failed = |error: Error| KeystoreError::Write {
        format: Format::Pkcs12,
        detail: error.to_string(),
    };
    let certificate =
        |certificate: &Certificate| p12_keystore::Certificate::from_der(certificate.der());

    let mut made = p12_keystore::KeyStore::new();
    for entry in &store.entries {
        check_alias(&entry.alias)?;
        let pkcs8 = entry
            .key
            .to_pkcs8_der()
            .map_err(|source| KeystoreError::Key {
                alias: entry.alias.clone(),
                source,
            })?;
        let key = p12_keystore::PrivateKey::from_der(&pkcs8).map_err(failed)?;
        let chain = entry
            .chain
            .iter()
            .map(certificate)
            .collect::<Result<Vec<_>, _>>();
        let id = entry.key.public_key().key_id();
        let chain = PrivateKeyChain::new(id.as_slice(), key, chain.map_err(failed)?);
        made.add_entry(
            &entry.alias,
            p12_keystore::KeyStoreEntry::PrivateKeyChain(chain),
        );
    }
    for entry in &store.trusted {
        check_alias(&entry.alias)?;
        let certificate = certificate(&entry.certificate).map_err(failed)?;
        made.add_entry(
            &entry.alias,
            p12_keystore::KeyStoreEntry::Certificate(certificate),
        );
    }
    made.writer(password.expose_secret())
        .write()
        .map_err(failed)
}

/// A key with the chain of the certificate that bears its public key. Where several do, the one that the file itself couples
/// with the key (localKeyID).
fn open(
    number: u32,
    bag: &PrivateKeyBag,
    bags: &[CertificateBag],
    certificates: &[Certificate],
) -> Result<KeyEntry, KeystoreError> {
    // Java numbers the entries without a name too; cert-manager's key has none.
    let alias = bag
        .friendly_name
        .clone()
        .unwrap_or_else(|| number.to_string());
    let key = match PrivateKey::from_der(bag.key.as_der()) {
        Ok(key) => key,
        Err(source) => return Err(KeystoreError::Key { alias, source }),
    };
    let id = bag.local_key_id.as_ref().map(AsRef::as_ref);
    let leaf = bags
        .iter()
        .zip(certificates)
        .filter(|(_, certificate)| certificate.public_key() == key.public_key())
        .min_by_key(|(bag, _)| id.is_none() || bag.local_key_id.as_deref() != id);
    match leaf {
        Some((_, leaf)) => {
            let chain = chain_of(leaf, certificates);
            Ok(KeyEntry { alias, key, chain })
        }
        None => Err(KeystoreError::NoCertificate { alias }),
    }
}

fn parse(bag: &CertificateBag) -> Result<Certificate, KeystoreError> {
    Certificate::from_der(bag.cert.as_der().to_vec()).map_err(|source| KeystoreError::Certificate {
        alias: alias_of(bag),
        source,
    })
}

fn alias_of(bag: &CertificateBag) -> String {
    bag.friendly_name
        .clone()
        .unwrap_or_else(|| bag.cert.subject().to_owned())
}

/// Which of password and file is wrong, after the MAC did not fit: if the content can be decrypted, it is the file.
fn blame(outline: &bounds::Outline, password: &str) -> KeystoreError {
    if !outline.is_encrypted {
        KeystoreError::WrongPasswordOrAltered(Format::Pkcs12)
    } else if Pkcs12Archive::from_pkcs12(&outline.without_mac, password).is_ok() {
        KeystoreError::Altered(Format::Pkcs12)
    } else {
        KeystoreError::WrongPassword(Format::Pkcs12)
    }
}

fn refused(error: Error) -> KeystoreError {
    match error {
        Error::UnsupportedEncryptionScheme
        | Error::UnsupportedMacAlgorithm
        | Error::UnsupportedContentType => KeystoreError::Unsupported(format!(
            "the PKCS#12 keystore uses a protection that is not read ({error}); convert it: \
                 openssl pkcs12 -in OLD -nodes | openssl pkcs12 -export -out NEW"
        )),
        error => KeystoreError::Malformed {
            format: Format::Pkcs12,
            detail: error.to_string(),
        },
    }
}

/// The format's key derivation takes passwords as BMPString.
fn check_password(password: &str) -> Result<(), KeystoreError> {
    if is_bmp(password) {
        Ok(())
    } else {
        Err(KeystoreError::Unsupported(
            "a PKCS#12 password must keep to Unicode's Basic Multilingual Plane".into(),
        ))
    }
}

fn check_alias(alias: &str) -> Result<(), KeystoreError> {
    if is_bmp(alias) {
        Ok(())
    } else {
        Err(KeystoreError::Alias {
            alias: alias.to_owned(),
            reason: "it has a character beyond Unicode's Basic Multilingual Plane",
        })
    }
}

fn is_bmp(text: &str) -> bool {
    text.chars().all(|character| u32::from(character) <= 0xffff)
}
