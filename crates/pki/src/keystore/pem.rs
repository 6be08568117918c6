//! PEM as a keystore: a key with its chain (`tls.key` and `tls.crt` in one), or a bundle of trusted certificates (`ca.crt`).

use secrecy::SecretString;

use super::{Format, Keystore, KeystoreError, chain_of};
use crate::certificate::Certificate;
use crate::pem;
use crate::private_key::PrivateKey;

/// What certificates are labelled as (RFC 7468 section 5.1, and what OpenSSL reads besides).
const CERTIFICATE_LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// PEM has no aliases; this stands for one.
const KEY_ALIAS: &str = "pem";

pub(super) fn read(
    bytes: &[u8],
    password: Option<&SecretString>,
) -> Result<Keystore, KeystoreError> {
    let mut certificates = Vec::new();
    let mut has_key = false;
    for block in pem::blocks(bytes) {
        let block = block.map_err(|error| KeystoreError::Malformed {
            format: Format::Pem,
            detail: error.to_string(),
        })?;
        if block.label.ends_with("PRIVATE KEY") {
            has_key = true;
        } else if CERTIFICATE_LABELS.contains(&block.label.as_str()) {
            let alias = (certificates.len() + 1).to_string();
            let certificate = Certificate::from_der(block.der.to_vec())
                .map_err(|source| KeystoreError::Certificate { alias, source })?;
            certificates.push(certificate);
        }
    }
    if !has_key {
        return if certificates.is_empty() {
            Err(KeystoreError::UnknownFormat)
        } else {
            Ok(Keystore::of_trusted(certificates))
        };
    }

    let alias = KEY_ALIAS.to_owned();
    let key = match PrivateKey::from_pem(bytes, password) {
        Ok(key) => key,
        Err(source) => return Err(KeystoreError::Key { alias, source }),
    };
    let leaf = certificates
        .iter()
        .find(|certificate| certificate.public_key() == key.public_key());
    match leaf {
        Some(leaf) => {
            let chain = chain_of(leaf, &certificates);
            Ok(Keystore::of_key(alias, key, chain))
        }
        None => Err(KeystoreError::NoCertificate { alias }),
    }
}
