use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ra::{Change, Claim, ConfirmedBy, Entry, EntryId, Phase};

use crate::rows::Held;

/// Entries that this process has brought as far as a certificate, and that wait for their requester's word, as it wrote them. Reading
/// them again is most of what a confirmation costs beyond its writes.
///
/// The fence tells whether one is still right: every other hand on the row claims it first and counts the fence up, so a write under ours
/// finds the row as we left it, or is fenced. Bounded: an entry that is not here is read.
#[derive(Default)]
pub(crate) struct IssuedHere(Mutex<HashMap<EntryId, (Held, Entry)>>);

/// As many as may wait for their client's next message at a time; some kilobytes each.
const MOST: usize = 512;

impl IssuedHere {
    /// An entry that was just begun, if it is one whose requester confirms.
    pub(crate) fn begun(&self, claim: &Claim, entry: &Entry) {
        if entry.confirmed_by != ConfirmedBy::Requester {
            return;
        }
        let mut entries = self.entries();
        if entries.len() >= MOST
            && let Some(some) = entries.keys().next().copied()
        {
            entries.remove(&some);
        }
        entries.insert(entry.id, (held(claim), entry.clone()));
    }

    /// The entry after a change under that claim, if it comes to wait for its requester by it. Nothing is remembered of it before the
    /// change is durable: [`Self::written`].
    pub(crate) fn changing(&self, claim: &Claim, change: &Change) -> Option<Entry> {
        let (known, mut entry) = self.entries().remove(&claim.id)?;
        if known != held(claim) || !matches!(change.phase, Phase::Issued(_)) {
            return None;
        }
        entry.phase = change.phase.clone();
        entry.due = change.due;
        entry.changed_at = change.at;
        if let Some(upstream) = &change.upstream {
            entry.upstream = upstream.clone();
        }
        if let Some(front) = &change.front {
            entry.front = front.clone();
        }
        Some(entry)
    }

    /// That change is durable.
    pub(crate) fn written(&self, claim: &Claim, entry: Entry) {
        self.entries().insert(entry.id, (held(claim), entry));
    }

    /// The entry as this process left it, whatever others have done since.
    pub(crate) fn find(&self, id: &EntryId) -> Option<Entry> {
        let entries = self.entries();
        let (_, entry) = entries.get(id)?;
        matches!(entry.phase, Phase::Issued(_)).then(|| entry.clone())
    }

    /// The entry as this process left it and the claim under which it did, for one caller: whoever claims the entry counts the fence
    /// up, so what is written under that claim is written only if nobody has.
    pub(crate) fn take(&self, id: &EntryId) -> Option<(Held, Entry)> {
        let mut entries = self.entries();
        let (_, entry) = entries.get(id)?;
        if !matches!(entry.phase, Phase::Issued(_)) {
            return None;
        }
        entries.remove(id)
    }

    /// Somebody has claimed the entry.
    pub(crate) fn forget(&self, id: &EntryId) {
        self.entries().remove(id);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<EntryId, (Held, Entry)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(claim: &Claim) -> Held {
    Held {
        row: claim.row,
        fence: claim.fence,
    }
}
