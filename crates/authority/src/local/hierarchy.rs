use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pki::issue::{self, IssueError, Serial, TbsParameters};
use pki::key::KeyError;
use pki::random::{self, NoRandomness};
use pki::{
    CaConstraint, Certificate, CertificateError, KeyKind, KeyUsages, Name, PrivateKey, Signer,
    Template,
};
use ra::{AuthorityName, Journal};

use super::{CaParts, LocalAuthority, LocalError, LocalSettings};

/// Where a CA's key is.
#[derive(Clone)]
pub enum CaKey {
    /// In the folder: a key of this kind is made there on first start.
    File(KeyKind),
    /// Elsewhere, in a token for instance: a key that exists.
    Held(Arc<dyn Signer>),
}

impl std::fmt::Debug for CaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(kind) => write!(f, "File({kind})"),
            Self::Held(signer) => write!(f, "Held({:?})", signer.public_key()),
        }
    }
}

/// How a hierarchy is made on first start; later starts only read it.
#[derive(Clone, Debug)]
pub struct HierarchySettings {
    /// The root's name.
    pub root_subject: Name,
    /// The issuing CA's name.
    pub issuing_subject: Name,
    /// The root's key.
    pub root_key: CaKey,
    /// The issuing CA's key.
    pub issuing_key: CaKey,
    /// How long the root is valid.
    pub root_validity: SignedDuration,
    /// How long the issuing CA is valid, at most as long as the root.
    pub issuing_validity: SignedDuration,
    /// How many CAs may stand one below the other under the issuing CA: its pathLenConstraint (RFC 5280 section 4.2.1.9).
    pub issuing_path_len: u8,
}

impl HierarchySettings {
    /// P-256 keys, ten years for the root and five for the issuing CA, below which there is none.
    pub fn new(root_subject: Name, issuing_subject: Name) -> Self {
        let years = |years: i64| SignedDuration::from_hours(24 * 365 * years);
        Self {
            root_subject,
            issuing_subject,
            root_key: CaKey::File(KeyKind::P256),
            issuing_key: CaKey::File(KeyKind::P256),
            root_validity: years(10),
            issuing_validity: years(5),
            issuing_path_len: 0,
        }
    }
}

/// Why a hierarchy can be neither read nor made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HierarchyError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A key file holds no key.
    #[error("{path}: {error}")]
    Key {
        /// Which.
        path: PathBuf,
        /// Why.
        error: KeyError,
    },
    /// A certificate file holds no certificate.
    #[error("{path}: {error}")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        error: CertificateError,
    },
    /// Something to sign with is not there.
    #[error(
        "{missing} is not there, and without it {wanted} cannot be made; put it back, or begin with an empty folder"
    )]
    Missing {
        /// The file that is missing.
        missing: PathBuf,
        /// The file that would be made with it.
        wanted: PathBuf,
    },
    /// A certificate cannot be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// No randomness for a serial number.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// What was read does not fit together.
    #[error("{path}: {error}")]
    Parts {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: LocalError,
    },
}

impl LocalAuthority {
    /// Reads the CA in `folder`, and makes what is not there yet: `root.key`, `root.crt`, `issuing.key`, `issuing.crt`; of the keys those
    /// that are not held elsewhere.
    ///
    /// Keys are readable by their owner only. Each file comes into being whole and is never overwritten, so a start that was
    /// interrupted is carried on by the next, and two processes that start at once end up with the same CA. Once the
    /// issuing CA is there, `root.key` can be taken away to a safe place.
    ///
    /// # Errors
    /// [`HierarchyError`] names the file.
    pub async fn open_or_create(
        name: AuthorityName,
        folder: &Path,
        hierarchy: &HierarchySettings,
        settings: LocalSettings,
        journal: Arc<dyn Journal>,
        now: Timestamp,
    ) -> Result<Self, HierarchyError> {
        create_folder(folder)?;
        let path = |file: &str| folder.join(file);
        let root = root(&path("root.key"), &path("root.crt"), hierarchy, now).await?;
        let issuing_key = key(
            &path("issuing.key"),
            &path("issuing.crt"),
            &hierarchy.issuing_key,
        )?;
        let issuing = match read_certificate(&path("issuing.crt"))? {
            Some(certificate) => certificate,
            None => {
                let root_key = match &hierarchy.root_key {
                    CaKey::Held(signer) => Arc::clone(signer),
                    CaKey::File(_) => {
                        read_key(&path("root.key"))?.ok_or_else(|| HierarchyError::Missing {
                            missing: path("root.key"),
                            wanted: path("issuing.crt"),
                        })?
                    }
                };
                let made = issuing(&root, &*root_key, &*issuing_key, hierarchy, now).await?;
                write_certificate(&path("issuing.crt"), &made)?
            }
        };
        let parts = CaParts {
            signer: issuing_key,
            chain: vec![issuing],
            roots: vec![root],
        };
        Self::new(name, parts, settings, journal).map_err(|error| HierarchyError::Parts {
            path: folder.to_owned(),
            error,
        })
    }
}

async fn root(
    key_path: &Path,
    path: &Path,
    hierarchy: &HierarchySettings,
    now: Timestamp,
) -> Result<Certificate, HierarchyError> {
    if let Some(certificate) = read_certificate(path)? {
        return Ok(certificate);
    }
    let key = key(key_path, path, &hierarchy.root_key)?;
    let template = ca_template(&hierarchy.root_subject, &*key, None);
    let (not_before, not_after) = (backdated(now), after(now, hierarchy.root_validity));
    let parameters = TbsParameters::self_signed(template, Serial::random()?, not_before, not_after);
    write_certificate(path, &issue::issue(&parameters, &*key).await?)
}

async fn issuing(
    root: &Certificate,
    root_key: &dyn Signer,
    key: &dyn Signer,
    hierarchy: &HierarchySettings,
    now: Timestamp,
) -> Result<Certificate, HierarchyError> {
    let template = ca_template(
        &hierarchy.issuing_subject,
        key,
        Some(hierarchy.issuing_path_len),
    );
    let not_before = backdated(now).max(root.not_before());
    let not_after = after(now, hierarchy.issuing_validity).min(root.not_after());
    let parameters = TbsParameters::under(root, template, Serial::random()?, not_before, not_after);
    Ok(issue::issue(&parameters, root_key).await?)
}

fn ca_template(subject: &Name, key: &dyn Signer, path_len: Option<u8>) -> Template {
    let mut template = Template::new(subject.clone(), key.public_key().clone());
    template.ca = Some(CaConstraint { path_len });
    // digitalSignature because the CA also signs CMP messages (RFC 9810 section 8.9).
    template.key_usage =
        Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN | KeyUsages::DIGITAL_SIGNATURE);
    template
}

fn backdated(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_mins(1))
        .unwrap_or(now)
}

fn after(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// The key that is held elsewhere, or the one at `path`; a new one if neither that nor the certificate made of it is there.
fn key(path: &Path, certificate: &Path, key: &CaKey) -> Result<Arc<dyn Signer>, HierarchyError> {
    let kind = match key {
        CaKey::Held(signer) => return Ok(Arc::clone(signer)),
        CaKey::File(kind) => *kind,
    };
    // In this order: who makes a hierarchy beside us writes the key before the certificate.
    let certified = certificate.exists();
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    if certified {
        return Err(HierarchyError::Missing {
            missing: path.to_owned(),
            wanted: certificate.to_owned(),
        });
    }
    let of_key = |error| HierarchyError::Key {
        path: path.to_owned(),
        error,
    };
    let key = PrivateKey::generate(kind).map_err(of_key)?;
    let pem = key.to_pkcs8_pem().map_err(of_key)?;
    if create(path, pem.as_bytes(), 0o600)? {
        return Ok(Arc::new(key));
    }
    read_key(path)?.ok_or_else(|| HierarchyError::Missing {
        missing: path.to_owned(),
        wanted: certificate.to_owned(),
    })
}

fn read_key(path: &Path) -> Result<Option<Arc<dyn Signer>>, HierarchyError> {
    let Some(pem) = read(path)? else {
        return Ok(None);
    };
    let pem = zeroize::Zeroizing::new(pem);
    PrivateKey::from_pem(&pem, None)
        .map(|key| Some(Arc::new(key) as Arc<dyn Signer>))
        .map_err(|error| HierarchyError::Key {
            path: path.to_owned(),
            error,
        })
}

fn read_certificate(path: &Path) -> Result<Option<Certificate>, HierarchyError> {
    let Some(pem) = read(path)? else {
        return Ok(None);
    };
    Certificate::from_pem(&pem)
        .map(Some)
        .map_err(|error| HierarchyError::Certificate {
            path: path.to_owned(),
            error,
        })
}

/// What is in the file in the end: `made`, or what another process put there first.
fn write_certificate(path: &Path, made: &Certificate) -> Result<Certificate, HierarchyError> {
    if create(path, made.to_pem().as_bytes(), 0o644)? {
        return Ok(made.clone());
    }
    Ok(read_certificate(path)?.unwrap_or_else(|| made.clone()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, HierarchyError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(HierarchyError::File {
            path: path.to_owned(),
            error,
        }),
    }
}

/// Makes the file whole or not at all; false when one is there already, which stays as it is.
fn create(path: &Path, content: &[u8], mode: u32) -> Result<bool, HierarchyError> {
    let draft = path.with_extension(format!("{}.tmp", hex::encode(random::bytes::<8>()?)));
    let made =
        write_draft(&draft, content, mode).and_then(|()| match fs::hard_link(&draft, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Not every file system has hard links; there, only two first starts at once could clash.
            Err(_) => fs::rename(&draft, path).map(|()| true),
        });
    let _ = fs::remove_file(&draft);
    made.map_err(|error| HierarchyError::File {
        path: path.to_owned(),
        error,
    })
}

fn write_draft(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn create_folder(folder: &Path) -> Result<(), HierarchyError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .map_err(|error| HierarchyError::File {
            path: folder.to_owned(),
            error,
        })
}
