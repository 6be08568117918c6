use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pki::Certificate;

/// A certificate's place in the `certificate` table: SHA-256 of its DER.
pub(crate) type Digest = [u8; 32];

/// Certificates that were written or read before: shared ones, of which the database then has a copy, or those of rows that will be read
/// again soon, which remember what was verified of them; and issuers' names that the database has. Bounded: it only saves work.
#[derive(Default)]
pub(crate) struct Known {
    certificates: Mutex<HashMap<Digest, Certificate>>,
    issuers: Mutex<HashSet<Digest>>,
}

/// A site has a handful of CA certificates; a CA that sends new ones each time must not fill the memory.
const MOST: usize = 256;

impl Known {
    pub(crate) fn find(&self, digest: &Digest) -> Option<Certificate> {
        self.held().get(digest).cloned()
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.held().contains_key(digest)
    }

    /// Remembers a certificate that is durable.
    pub(crate) fn add(&self, digest: Digest, certificate: Certificate) {
        let mut held = self.held();
        if held.len() >= MOST
            && let Some(some) = held.keys().next().copied()
        {
            held.remove(&some);
        }
        held.insert(digest, certificate);
    }

    pub(crate) fn has_issuer(&self, digest: &Digest) -> bool {
        self.issuers().contains(digest)
    }

    /// Remembers a name that is durable.
    pub(crate) fn add_issuer(&self, digest: Digest) {
        let mut issuers = self.issuers();
        if issuers.len() >= MOST {
            issuers.clear();
        }
        issuers.insert(digest);
    }

    fn issuers(&self) -> MutexGuard<'_, HashSet<Digest>> {
        self.issuers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Digest, Certificate>> {
        self.certificates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
