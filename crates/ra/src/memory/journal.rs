use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::{CertificateId, Name};

use crate::line::Clock;
use crate::{
    AuditEvent, AuthorityName, Begun, Change, Claim, CrlEntry, Entry, EntryId, Issuance, Journal,
    JournalError, Lease, Phase, Revocation, UnderWay, longest_believed,
};

/// The journal in memory: it grows without bound and forgets everything with the process.
pub struct MemoryJournal {
    clock: Clock,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    // Apart from the table, which else would move megabytes whenever it grows.
    rows: HashMap<EntryId, Box<Row>>,
    /// What is to be looked at again, and when: all rows are too many to look at while others wait for the lock.
    due: BTreeSet<(Timestamp, EntryId)>,
    issuances: HashMap<CertificateId, Issuance>,
    revocations: Vec<Revocation>,
    audit: Vec<AuditEvent>,
    next_row: i64,
}

struct Row {
    number: i64,
    entry: Entry,
    fence: i64,
    leased_until: Option<Timestamp>,
}

impl MemoryJournal {
    /// An empty journal whose leases run by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            held: Mutex::default(),
        }
    }

    /// A journal by the system's clock.
    pub fn by_system_clock() -> Self {
        Self::new(Arc::new(Timestamp::now))
    }

    /// Every audit event so far, oldest first.
    pub fn audit(&self) -> Vec<AuditEvent> {
        self.held().audit.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // No code path panics with the lock held in a half-done state: each change is one assignment.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&self, lease: SignedDuration) -> Option<Timestamp> {
        Some(
            (self.clock)()
                .saturating_add(lease)
                .unwrap_or(Timestamp::MAX),
        )
    }
}

/// Says when a row is due; nothing else does.
fn schedule(all: &mut BTreeSet<(Timestamp, EntryId)>, entry: &mut Entry, due: Option<Timestamp>) {
    if let Some(before) = entry.due {
        all.remove(&(before, entry.id));
    }
    all.extend(due.map(|due| (due, entry.id)));
    entry.due = due;
}

impl Row {
    fn take(&mut self, until: Option<Timestamp>) -> (Claim, Entry) {
        self.fence += 1;
        self.leased_until = until;
        (
            Claim {
                id: self.entry.id,
                row: self.number,
                fence: self.fence,
            },
            self.entry.clone(),
        )
    }

    fn is_free(&self, now: Timestamp, lease: SignedDuration) -> bool {
        self.leased_until
            .is_none_or(|until| until <= now || until.duration_since(now) > longest_believed(lease))
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn begin(
        &self,
        new: &Entry,
        lease: SignedDuration,
        audit: AuditEvent,
    ) -> Result<Begun, JournalError> {
        let until = self.until(lease);
        let mut held = self.held();
        if let Some(row) = held.rows.get(&new.id)
            && !row.entry.is_stale(new.begun_at)
        {
            return Ok(if row.entry.fingerprint == new.fingerprint {
                Begun::Seen(Box::new(row.entry.clone()))
            } else {
                Begun::OtherRequest
            });
        }
        held.next_row += 1;
        let mut row = Row {
            number: held.next_row,
            entry: Entry {
                due: None,
                ..new.clone()
            },
            fence: 0,
            leased_until: None,
        };
        let (claim, _) = row.take(until);
        if let Some(mut stale) = held.rows.remove(&new.id) {
            schedule(&mut held.due, &mut stale.entry, None);
        }
        schedule(&mut held.due, &mut row.entry, new.due);
        held.rows.insert(new.id, Box::new(row));
        held.audit.push(audit);
        Ok(Begun::New(claim))
    }

    async fn find(&self, id: &EntryId) -> Result<Option<Entry>, JournalError> {
        Ok(self.held().rows.get(id).map(|row| row.entry.clone()))
    }

    async fn write(&self, claim: &Claim, change: Change) -> Result<(), JournalError> {
        let mut guard = self.held();
        let held = &mut *guard;
        let Some(row) = held
            .rows
            .get_mut(&claim.id)
            .filter(|row| row.number == claim.row && row.fence == claim.fence)
        else {
            return Err(JournalError::Fenced);
        };
        row.entry.phase = change.phase;
        schedule(&mut held.due, &mut row.entry, change.due);
        row.entry.changed_at = change.at;
        if let Some(upstream) = change.upstream {
            row.entry.upstream = upstream;
        }
        if let Some(front) = change.front {
            row.entry.front = front;
        }
        match change.lease {
            Lease::Keep => {}
            Lease::End => row.leased_until = None,
            Lease::Again(lease) => row.leased_until = self.until(lease),
        }
        held.audit.extend(change.audit);
        if let Some(issuance) = change.issuance {
            held.issuances.insert(issuance.certificate.id(), issuance);
        }
        if let Some(revocation) = change.revocation {
            if let Some(issuance) = held.issuances.get_mut(&revocation.of) {
                issuance
                    .revoked
                    .get_or_insert((revocation.at, revocation.reason));
            }
            // The first one counts: a CRL names a certificate once, and its date does not move later.
            let known = held
                .revocations
                .iter()
                .any(|r| r.of == revocation.of && r.authority == revocation.authority);
            if !known {
                held.revocations.push(revocation);
            }
        }
        Ok(())
    }

    async fn claim(
        &self,
        id: &EntryId,
        lease: SignedDuration,
    ) -> Result<Option<(Claim, Entry)>, JournalError> {
        let (now, until) = ((self.clock)(), self.until(lease));
        let mut held = self.held();
        Ok(held
            .rows
            .get_mut(id)
            .filter(|row| row.is_free(now, lease))
            .map(|row| row.take(until)))
    }

    async fn claim_due(
        &self,
        most: usize,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Vec<(Claim, Entry)>, JournalError> {
        let (lease_now, until) = ((self.clock)(), self.until(lease));
        let mut guard = self.held();
        let held = &mut *guard;
        let mut claimed = Vec::new();
        for (_, id) in held.due.iter().take_while(|(due, _)| *due <= now) {
            if claimed.len() == most {
                break;
            }
            let row = held.rows.get_mut(id);
            claimed.extend(
                row.filter(|row| row.is_free(lease_now, lease))
                    .map(|row| row.take(until)),
            );
        }
        Ok(claimed)
    }

    async fn hasten(&self, at: Timestamp) -> Result<usize, JournalError> {
        let mut guard = self.held();
        let held = &mut *guard;
        let later = held.due.iter().filter(|(due, _)| *due > at);
        let later: Vec<EntryId> = later.map(|(_, id)| *id).collect();
        let mut hastened = 0;
        for id in later {
            let Some(row) = held.rows.get_mut(&id) else {
                continue;
            };
            if !matches!(row.entry.phase, Phase::Issued(_)) {
                schedule(&mut held.due, &mut row.entry, Some(at));
                hastened += 1;
            }
        }
        Ok(hastened)
    }

    async fn newest(&self) -> Result<Option<Timestamp>, JournalError> {
        let held = self.held();
        Ok(held.rows.values().map(|row| row.entry.begun_at).max())
    }

    async fn release(&self, claim: Claim) -> Result<(), JournalError> {
        if let Some(row) = self
            .held()
            .rows
            .get_mut(&claim.id)
            .filter(|row| row.fence == claim.fence)
        {
            row.leased_until = None;
        }
        Ok(())
    }

    async fn issuance(&self, of: &CertificateId) -> Result<Option<Issuance>, JournalError> {
        Ok(self.held().issuances.get(of).cloned())
    }

    async fn issuance_by(
        &self,
        issuer: &Name,
        serial: &Bytes,
    ) -> Result<Option<Issuance>, JournalError> {
        let held = self.held();
        let found = held.issuances.iter().find(|(id, issuance)| {
            id.serial == *serial && pki::name::same_name(issuance.certificate.issuer(), issuer)
        });
        Ok(found.map(|(_, issuance)| issuance.clone()))
    }

    async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError> {
        let held = self.held();
        let theirs = held
            .revocations
            .iter()
            .filter(|revocation| revocation.authority == *by);
        Ok(theirs
            .map(|r| CrlEntry {
                of: r.of.clone(),
                at: r.at,
                reason: r.reason,
            })
            .collect())
    }

    fn is_writable(&self) -> Result<(), JournalError> {
        Ok(())
    }

    async fn under_way(&self) -> Result<UnderWay, JournalError> {
        let mut count = UnderWay::default();
        for row in self.held().rows.values() {
            match row.entry.phase {
                Phase::Begun => count.begun += 1,
                Phase::Waiting | Phase::Abandoned(_) => count.waiting += 1,
                Phase::Issued(_) => count.issued += 1,
                Phase::Confirming(..) => count.confirming += 1,
                _ => {}
            }
        }
        Ok(count)
    }

    async fn record(&self, refused: AuditEvent) {
        self.held().audit.push(refused);
    }
}
