//! Reading and making private keys.

use std::path::Path;

use pki::{KeyKind, PrivateKey};
use secrecy::SecretString;

use crate::{
    exit::{Exit, Failure},
    files,
};

/// A private key out of a PEM or DER file, whatever its label and form.
pub(crate) fn read(path: &Path, password: Option<&SecretString>) -> Result<PrivateKey, Failure> {
    let bytes = files::read(path, files::LARGEST_INPUT)?;
    let key = match (bytes.first(), password) {
        (Some(0x30), Some(password)) => PrivateKey::from_encrypted_der(&bytes, password),
        (Some(0x30), None) => PrivateKey::from_der(&bytes),
        _ => PrivateKey::from_pem(&bytes, password),
    };
    key.map_err(|e| Failure::file(path, &e))
}

/// A new one.
pub(crate) fn make(kind: KeyKind) -> Result<PrivateKey, Failure> {
    PrivateKey::generate(kind)
        .map_err(|e| Failure::new(Exit::Usage, format!("no {kind} key can be made: {e}")))
}
