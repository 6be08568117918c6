//! What requests that are not over were found to replace. A request that the CA lets wait is looked at again and again, and is to say the same each time: the RA knows it
//! by one name, and another body under that name is another request.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The certificate (PEM) that a new one takes the place of, if any; or why none is named although one was to be, as a sentence for an Event.
pub type Replaced = Result<Option<String>, String>;

/// By the requests' UIDs.
#[derive(Default)]
pub struct Renewals(Mutex<HashMap<String, Replaced>>);

/// Requests that were deleted while they waited are never said to be over. A certificate is some 2 kB.
const MOST_REMEMBERED: usize = 4_000;

impl Renewals {
    /// What was found for a request.
    pub fn known(&self, uid: &str) -> Option<Replaced> {
        self.lock().get(uid).cloned()
    }

    /// That was found for a request.
    pub fn keep(&self, uid: &str, found: &Replaced) {
        let mut known = self.lock();
        // Those that are forgotten too early are looked up once more.
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(uid.to_owned(), found.clone());
    }

    /// The request is over.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Replaced>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_stays_so_until_the_request_is_over() {
        let renewals = Renewals::default();
        assert_eq!(renewals.known("u"), None);
        let found = Ok(Some("pem".to_owned()));
        renewals.keep("u", &found);
        assert_eq!(renewals.known("u"), Some(found));
        renewals.forget("u");
        assert_eq!(renewals.known("u"), None);
    }

    #[test]
    fn requests_that_never_end_do_not_fill_the_memory() {
        let renewals = Renewals::default();
        for n in 0..3 * MOST_REMEMBERED {
            renewals.keep(&n.to_string(), &Ok(None));
        }
        assert!(renewals.lock().len() <= MOST_REMEMBERED);
    }
}
