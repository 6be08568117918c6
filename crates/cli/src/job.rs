//! Enrollments that are not finished yet, remembered beside the output until they are.
//!
//! Two files: the key that was made, and what was asked for under which idempotency key. They are on the disk before anything is sent, so a
//! run that is killed at any time can be repeated: the service recognises the request and answers with the same certificate.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use api::{
    client::IdempotencyKey,
    v2::{EnrollRequest, Issued, Lifetime, Usage},
};
use pki::PrivateKey;
use serde::{Deserialize, Serialize};

use crate::{
    exit::{Exit, Failure},
    files::{self, FileSet, Readers, folder_of},
};

/// What the command line asks for. Work that was begun is taken up again only for the same intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// Where.
    pub(crate) url: String,
    /// Which CA.
    pub(crate) ca: String,
    /// Subject as given.
    pub(crate) subject: Option<String>,
    /// Names as given.
    pub(crate) sans: Vec<String>,
    /// Lifetime as given.
    pub(crate) duration: Option<Lifetime>,
    /// Usages as given.
    pub(crate) usages: Vec<Usage>,
    /// Profile as given.
    pub(crate) profile: Option<String>,
    /// Whether for a CA.
    pub(crate) is_ca: bool,
    /// Where the key comes from: a kind to be made, the id of a key, or a CSR.
    pub(crate) key: String,
    /// SHA-256 of the certificate to be succeeded.
    pub(crate) replaces: Option<String>,
    /// The idempotency key as given.
    pub(crate) idempotency_key: Option<String>,
}

impl Intent {
    /// Whether both ask for the same, though perhaps as the successor of different certificates: when the answer is here already, the old
    /// certificate's file may be the new one.
    fn same_but_for_the_predecessor(&self, other: &Self) -> bool {
        Self {
            replaces: None,
            ..self.clone()
        } == Self {
            replaces: None,
            ..other.clone()
        }
    }
}

/// An enrollment under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    version: u8,
    /// What for.
    pub(crate) intent: Intent,
    idempotency_key: String,
    /// What is sent, to the byte.
    pub(crate) request: EnrollRequest,
    /// The answer, once it is here; what is missing then is that every file is in its place.
    pub(crate) issued: Option<Issued>,
}

const VERSION: u8 = 1;

impl Job {
    /// Work that nobody has begun.
    pub(crate) fn new(intent: Intent, request: EnrollRequest) -> Result<Self, Failure> {
        let idempotency_key = match &intent.idempotency_key {
            Some(given) => given.clone(),
            None => random_key()?.to_string(),
        };
        Ok(Self {
            version: VERSION,
            intent,
            idempotency_key,
            request,
            issued: None,
        })
    }

    /// The same with the answer to it.
    pub(crate) fn answered(self, issued: Issued) -> Self {
        Self {
            issued: Some(issued),
            ..self
        }
    }

    /// Under which key the request is sent.
    pub(crate) fn idempotency_key(&self) -> Result<IdempotencyKey, Failure> {
        self.idempotency_key.parse().map_err(|e| {
            Failure::new(
                Exit::Local,
                format!("the file of the unfinished enrollment: {e}"),
            )
        })
    }
}

/// An idempotency key that nobody else has: 128 random bits.
pub(crate) fn random_key() -> Result<IdempotencyKey, Failure> {
    let bytes: [u8; 16] =
        pki::random::bytes().map_err(|e| Failure::new(Exit::Local, e.to_string()))?;
    format!("certway-{:032x}", u128::from_be_bytes(bytes))
        .parse()
        .map_err(|_| Failure::new(Exit::Local, "no idempotency key could be made"))
}

/// The place beside an output file where unfinished work is kept, for this process alone.
pub(crate) struct Workplace {
    state: PathBuf,
    key: PathBuf,
    /// Held until the process ends. Not every file system has locks; without one, two runs at once are the user's to avoid.
    _lock: Option<File>,
}

impl Workplace {
    /// The workplace beside this file. Its folder is made if there is none.
    pub(crate) fn beside(target: &Path) -> Result<Self, Failure> {
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(|e| Failure::file(folder, &e))?;
        let lock = File::open(folder).ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            return Err(Failure::new(
                Exit::Local,
                format!("{}: another certway is at work here", folder.display()),
            ));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            state: folder.join(format!(".{name}.certway.json")),
            key: folder.join(format!(".{name}.certway.key")),
            _lock: lock,
        })
    }

    /// Where the unfinished work is written down.
    pub(crate) fn file(&self) -> &Path {
        &self.state
    }

    /// The work that was begun for this intent, if there is any that can be gone on with.
    pub(crate) fn begun(&self, intent: &Intent) -> Option<Job> {
        let bytes = files::read(&self.state, files::LARGEST_INPUT).ok()?;
        let job: Job = serde_json::from_slice(&bytes)
            .ok()
            .filter(|job: &Job| job.version == VERSION)?;
        let same = if job.issued.is_some() {
            job.intent.same_but_for_the_predecessor(intent)
        } else {
            job.intent == *intent
        };
        same.then_some(job)
    }

    /// The key that was made for the work that was begun.
    pub(crate) fn key(&self) -> Result<PrivateKey, Failure> {
        crate::key::read(&self.key, None)
    }

    /// Writes the work down, with the key if one was made for it.
    pub(crate) fn keep(&self, job: &Job, made: Option<&PrivateKey>) -> Result<(), Failure> {
        let mut set = FileSet::default();
        if let Some(key) = made {
            let pem = key
                .to_pkcs8_pem()
                .map_err(|e| Failure::file(&self.key, &e))?;
            set.stage(&self.key, Readers::Owner, pem.as_bytes())?;
        }
        let text = serde_json::to_vec(job).map_err(|e| Failure::file(&self.state, &e))?;
        set.stage(&self.state, Readers::Owner, &text)?;
        set.commit()
    }

    /// Forgets the work: it is done, or refused for good.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        for file in [&self.state, &self.key] {
            match fs::remove_file(file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::file(file, &e));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
