use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pki::Certificate;

/// A certificate's place in the `certificate` table: SHA-256 of its DER.
pub(crate) type Digest = [u8; 32];

/// Certificates that were written or read before: shared ones, of which the database then has a copy, or those of rows that will be read
/// again soon, which remember what was verified of them. Bounded: it only saves work.
#[derive(Default)]
pub(crate) struct Known(Mutex<HashMap<Digest, Certificate>>);

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

    fn held(&self) -> MutexGuard<'_, HashMap<Digest, Certificate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
