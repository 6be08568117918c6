//! A certificate together with its key, out of whatever files they are in.

use std::path::Path;

use pki::{
    Certificate, PrivateKey,
    keystore::{self, KeyEntry},
};
use secrecy::SecretString;

use crate::{
    exit::{Exit, Failure},
    files, key,
};

/// A certificate with its chain and its key.
pub(crate) struct Credential {
    /// The certificate.
    pub(crate) certificate: Certificate,
    /// What else the file had: its issuers.
    pub(crate) chain: Vec<Certificate>,
    /// Its key.
    pub(crate) key: PrivateKey,
}

impl Credential {
    /// Reads it from a file with the certificate and one with the key, or from one file with both: PEM, PKCS#12 or JKS.
    pub(crate) fn read(
        cert: &Path,
        key: Option<&Path>,
        password: Option<&SecretString>,
    ) -> Result<Self, Failure> {
        let bytes = files::read(cert, files::LARGEST_INPUT)?;
        let Some(key_file) = key else {
            return Self::from_store(cert, &bytes, password);
        };
        let mut certificates = certificates(cert, &bytes)?.into_iter();
        let certificate = certificates.next().ok_or_else(|| {
            Failure::new(
                Exit::Local,
                format!("{}: no certificate in it", cert.display()),
            )
        })?;
        let key = key::read(key_file, password)?;
        if key.public_key() != certificate.public_key() {
            return Err(Failure::new(
                Exit::Local,
                format!(
                    "{} is not the key of the certificate in {}",
                    key_file.display(),
                    cert.display()
                ),
            ));
        }
        Ok(Self {
            certificate,
            chain: certificates.collect(),
            key,
        })
    }

    fn from_store(
        path: &Path,
        bytes: &[u8],
        password: Option<&SecretString>,
    ) -> Result<Self, Failure> {
        let store = keystore::read(bytes, password).map_err(|e| Failure::file(path, &e))?;
        let entry = store.entries.into_iter().next();
        let Some(KeyEntry { key, chain, .. }) = entry else {
            return Err(Failure::new(
                Exit::Local,
                format!(
                    "{}: no private key in it; name the file with the key too",
                    path.display()
                ),
            ));
        };
        let mut chain = chain.into_iter();
        let certificate = chain.next().ok_or_else(|| {
            Failure::new(
                Exit::Local,
                format!("{}: no certificate in it", path.display()),
            )
        })?;
        Ok(Self {
            certificate,
            chain: chain.collect(),
            key,
        })
    }

    /// The same for reqwest.
    pub(crate) fn for_tls(&self) -> Result<reqwest::Identity, Failure> {
        let unusable = |e: &dyn std::error::Error| {
            Failure::new(
                Exit::Local,
                format!("the TLS client certificate or its key cannot be used: {e}"),
            )
        };
        let mut pem = self.key.to_pkcs8_pem().map_err(|e| unusable(&e))?;
        pem.push_str(&self.certificate.to_pem());
        for issuer in &self.chain {
            pem.push_str(&issuer.to_pem());
        }
        reqwest::Identity::from_pem(pem.as_bytes()).map_err(|e| unusable(&e))
    }
}

/// Every certificate in a PEM text, or the one that is the file (DER).
pub(crate) fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<Certificate>, Failure> {
    if bytes.first() == Some(&0x30) {
        return Certificate::from_der(bytes.to_vec())
            .map(|c| vec![c])
            .map_err(|e| Failure::file(path, &e));
    }
    pki::Certificate::all_from_pem(bytes).map_err(|e| Failure::file(path, &e))
}
