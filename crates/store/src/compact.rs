//! Retention: what is old enough goes, in small batches that ride along with what the writer does anyway.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use ra::JournalError;
use sqlx::Row as _;

use crate::codec::phase_of;
use crate::fault::unavailable;
use crate::journal::SqlJournal;
use crate::numbers::first_at;
use crate::rows::{Prune, Work, micros};
use crate::sql::MOST_ROWS;

/// For how long what is over is kept; `None`: for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// An entry after its end. With it goes the promise that its key is answered as before.
    pub entries: Option<SignedDuration>,
    /// An event of the audit trail.
    pub audit: Option<SignedDuration>,
    /// A certificate, and its revocation, after its notAfter; not before its entry.
    pub issuances: Option<SignedDuration>,
}

/// How much went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Entries.
    pub entries: u64,
    /// Events of the audit trail.
    pub audit: u64,
    /// Certificates.
    pub issuances: u64,
}

/// Events looked at in one batch.
const EVENTS: i64 = 256;

impl SqlJournal {
    /// Deletes what `retention` no longer keeps at `now`. An entry that is not over is never touched.
    ///
    /// Safe beside requests and beside other processes that do the same. After each batch it rests for as long as the
    /// batch took, so that the writer has at least half of its time for requests.
    ///
    /// # Errors
    /// [`JournalError`]; what went until then is gone, and the next call goes on from there.
    pub async fn compact(
        &self,
        retention: &Retention,
        now: Timestamp,
    ) -> Result<Compacted, JournalError> {
        let before = |kept: SignedDuration| now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        let mut gone = Compacted::default();
        if let Some(kept) = retention.entries {
            gone.entries = self.compact_entries(before(kept)).await?;
        }
        if let Some(kept) = retention.issuances {
            gone.issuances = self.compact_issuances(before(kept)).await?;
        }
        if let Some(kept) = retention.audit {
            gone.audit = self.compact_audit(before(kept)).await?;
        }
        Ok(gone)
    }

    async fn compact_entries(&self, before: Timestamp) -> Result<u64, JournalError> {
        let (mut after, end) = (-1, first_at(before));
        let mut gone = 0;
        loop {
            let reader = self.reader();
            let rows = reader.rows(|| {
                let query = sqlx::query(reader.sql().ended_before).persistent(false);
                query.bind(after).bind(end).bind(MOST_ROWS as i64)
            });
            let rows = rows.await?;
            let mut old = Vec::new();
            for row in &rows {
                after = row.try_get(0).map_err(unavailable)?;
                let phase: Vec<u8> = row.try_get(1).map_err(unavailable)?;
                // What does not decode stays for whoever repairs it.
                if phase_of(&phase).is_ok_and(|phase| phase.is_final() && phase.changed_at < before)
                {
                    old.push(after);
                }
            }
            gone += self.prune(Prune::Entries(old)).await?;
            if rows.len() < MOST_ROWS {
                return Ok(gone);
            }
        }
    }

    async fn compact_issuances(&self, before: Timestamp) -> Result<u64, JournalError> {
        let mut after = (i64::MIN, i64::MIN);
        let mut gone = 0;
        loop {
            let reader = self.reader();
            let rows = reader.rows(|| {
                let query = sqlx::query(reader.sql().expired_before).persistent(false);
                let query = query.bind(micros(before)).bind(after.0).bind(after.1);
                query.bind(MOST_ROWS as i64)
            });
            let rows = rows.await?;
            let mut old = Vec::new();
            for row in &rows {
                let (id, not_after): (i64, i64) = (
                    row.try_get(0).map_err(unavailable)?,
                    row.try_get(1).map_err(unavailable)?,
                );
                after = (not_after, id);
                // A number of PostgreSQL's is as wide as it must be.
                let has_entry = row.try_get::<i32, _>(2).map(i64::from);
                if has_entry.or_else(|_| row.try_get(2)).map_err(unavailable)? == 0 {
                    old.push(id);
                }
            }
            gone += self.prune(Prune::Issuances(old)).await?;
            if rows.len() < MOST_ROWS {
                return Ok(gone);
            }
        }
    }

    /// Events are numbered as they come, so the old ones are in front: it ends where a whole batch is too young.
    async fn compact_audit(&self, before: Timestamp) -> Result<u64, JournalError> {
        let (mut after, before) = (-1, micros(before));
        let mut gone = 0;
        loop {
            let reader = self.reader();
            let rows = reader.rows(|| {
                let query = sqlx::query(reader.sql().audit_after).persistent(false);
                query.bind(after).bind(EVENTS)
            });
            let rows = rows.await?;
            let (mut to, mut old) = (after, false);
            for row in &rows {
                to = row.try_get(0).map_err(unavailable)?;
                old |= row.try_get::<i64, _>(1).map_err(unavailable)? < before;
            }
            if !old {
                return Ok(gone);
            }
            gone += self.prune(Prune::Audit { after, to, before }).await?;
            after = to;
        }
    }

    async fn prune(&self, old: Prune) -> Result<u64, JournalError> {
        if let Prune::Entries(rows) | Prune::Issuances(rows) = &old
            && rows.is_empty()
        {
            return Ok(0);
        }
        let begun = Instant::now();
        let gone = self.ask(Work::Prune(old)).await?.len() as u64;
        tokio::time::sleep(begun.elapsed()).await;
        Ok(gone)
    }
}
