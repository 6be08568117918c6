//! Derived keys, kept for a while.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;

use super::secret::SecretDigest;
use super::{MacScheme, MacSecret};

/// A bounded store of derived MAC keys; share one by `Arc`.
///
/// Deriving a key costs some fifty times what a MAC with it costs, and the parameters stay the same within a transaction and, for our own
/// messages, much longer. Only keys that are known to be right get in (our own, and a peer's once its MAC was verified), so a stranger cannot
/// push them out. The lock is never held while something is derived. Keys are wiped as they leave.
pub struct KeyCache {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    clock: u64,
    keys: HashMap<CacheKey, (u64, hmac::Key)>,
}

#[derive(PartialEq, Eq)]
struct CacheKey(SecretDigest, MacScheme);

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_slice().hash(state);
        self.1.hash(state);
    }
}

impl KeyCache {
    /// A store for this many keys; with 0 nothing is kept.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            kept: Mutex::default(),
        }
    }

    /// How many keys are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().keys.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all keys, for instance because secrets were changed.
    pub fn clear(&self) {
        self.lock().keys.clear();
    }

    pub(super) fn find(&self, secret: &MacSecret, scheme: &MacScheme) -> Option<hmac::Key> {
        let wanted = CacheKey(secret.digest().clone(), scheme.clone());
        let mut kept = self.lock();
        kept.clock += 1;
        let now = kept.clock;
        let (last_used, key) = kept.keys.get_mut(&wanted)?;
        *last_used = now;
        Some(key.clone())
    }

    pub(super) fn keep(&self, secret: &MacSecret, scheme: &MacScheme, key: &hmac::Key) {
        if self.capacity == 0 {
            return;
        }
        let name = CacheKey(secret.digest().clone(), scheme.clone());
        let mut guard = self.lock();
        let kept = &mut *guard;
        kept.clock += 1;
        if kept.keys.len() >= self.capacity && !kept.keys.contains_key(&name) {
            let stalest = kept.keys.values().map(|(last_used, _)| *last_used).min();
            kept.keys
                .retain(|_, (last_used, _)| Some(*last_used) != stalest);
        }
        kept.keys.insert(name, (kept.clock, key.clone()));
    }

    /// A panic elsewhere cannot leave the map half-changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for KeyCache {
    /// Room for 256 keys.
    fn default() -> Self {
        Self::new(256)
    }
}
