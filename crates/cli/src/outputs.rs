//! Where key, certificate and roots go, and in which form.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pki::{
    PrivateKey,
    keystore::{self, Keystore, TrustedEntry},
};
use secrecy::SecretString;

use crate::{
    args::{Outputs, StoreFormat},
    bundle::{Bundle, to_pem},
    exit::{Exit, Failure},
    files::{FileSet, Readers},
    secret::secret,
};

/// The files that a finished enrollment leaves.
pub(crate) enum Places {
    /// Three PEM files.
    Pem {
        /// The certificate and its chain.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Every root.
        ca: PathBuf,
    },
    /// One store with all of it.
    Store {
        /// The file.
        path: PathBuf,
        /// How it is written.
        kind: StoreKind,
        /// What it is sealed with.
        password: SecretString,
        /// The key's entry.
        alias: String,
    },
}

/// The forms of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    /// PKCS#12.
    Pkcs12,
    /// Java's own.
    Jks,
}

impl StoreKind {
    /// The store's bytes.
    pub(crate) fn written(
        self,
        store: &Keystore,
        password: &SecretString,
        now: Timestamp,
    ) -> Result<Vec<u8>, Failure> {
        let bytes = match self {
            Self::Pkcs12 => keystore::write_pkcs12(store, password),
            Self::Jks => keystore::write_jks(store, password, now),
        };
        bytes.map_err(|e| Failure::new(Exit::Local, e.to_string()))
    }
}

impl Places {
    /// As the options have it.
    pub(crate) fn of(options: &Outputs) -> Result<Self, Failure> {
        let kind = match options.format {
            StoreFormat::Pem => {
                let place = |given: &Option<PathBuf>, name| {
                    given.clone().unwrap_or_else(|| options.out.join(name))
                };
                return Ok(Self::Pem {
                    cert: place(&options.cert_out, "tls.crt"),
                    key: place(&options.key_out, "tls.key"),
                    ca: place(&options.ca_out, "ca.crt"),
                });
            }
            StoreFormat::Pkcs12 => StoreKind::Pkcs12,
            StoreFormat::Jks => StoreKind::Jks,
        };
        if options.out.is_dir() {
            return Err(Failure::usage(format!(
                "--out {} is a folder; for a store it names the file",
                options.out.display()
            )));
        }
        if options.cert_out.is_some() || options.key_out.is_some() || options.ca_out.is_some() {
            return Err(Failure::usage(
                "--cert-out, --key-out and --ca-out are for --format pem; a store is one file",
            ));
        }
        let password =
            secret(options.password_file.as_deref(), "CERTWAY_PASSWORD")?.ok_or_else(|| {
                Failure::usage("a store needs a password: --password-file or CERTWAY_PASSWORD")
            })?;
        Ok(Self::Store {
            path: options.out.clone(),
            kind,
            password,
            alias: options.alias.clone(),
        })
    }

    /// The file with the certificate: the one beside which unfinished work is kept.
    pub(crate) fn certificate(&self) -> &Path {
        match self {
            Self::Pem { cert, .. } => cert,
            Self::Store { path, .. } => path,
        }
    }

    /// The file with the key.
    pub(crate) fn key(&self) -> &Path {
        match self {
            Self::Pem { key, .. } => key,
            Self::Store { path, .. } => path,
        }
    }

    /// Writes everything, or nothing. The key is left out where there is none (its owner sent a CSR) or where its file is already the
    /// right one. Returns what was written.
    pub(crate) fn write(
        &self,
        bundle: &Bundle,
        key: Option<&PrivateKey>,
        key_file: Option<&Path>,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
        let mut set = FileSet::default();
        let mut written = Vec::new();
        match self {
            Self::Pem {
                cert,
                key: key_place,
                ca,
            } => {
                if let Some(key) = key
                    && !key_file.is_some_and(|file| same_file(file, key_place))
                {
                    let pem = key
                        .to_pkcs8_pem()
                        .map_err(|e| Failure::file(key_place, &e))?;
                    set.stage(key_place, Readers::Owner, pem.as_bytes())?;
                    written.push(("key", key_place.clone()));
                }
                set.stage(
                    cert,
                    Readers::Everyone,
                    to_pem(&bundle.leaf_and_chain()).as_bytes(),
                )?;
                written.push(("certificate", cert.clone()));
                set.stage(ca, Readers::Everyone, to_pem(&bundle.roots).as_bytes())?;
                written.push(("roots", ca.clone()));
            }
            Self::Store {
                path,
                kind,
                password,
                alias,
            } => {
                let key = key.ok_or_else(|| {
                    Failure::usage("a store needs the key: give it with --key, or use --format pem")
                })?;
                let mut store = Keystore::of_key(alias, key.clone(), bundle.leaf_and_chain());
                store.trusted = roots(bundle);
                set.stage(path, Readers::Owner, &kind.written(&store, password, now)?)?;
                written.push(("store", path.clone()));
            }
        }
        set.commit()?;
        Ok(written)
    }
}

fn roots(bundle: &Bundle) -> Vec<TrustedEntry> {
    Keystore::of_trusted(bundle.roots.iter().cloned()).trusted
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}
