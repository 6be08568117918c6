//! Looking at a journal without taking part in it.

use std::time::Duration;

use jiff::Timestamp;
use ra::{CrlEntry, Entry, EntryId, Issuance, JournalError};
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};

use crate::database::Database;
use crate::fault::unavailable;
use crate::known::Known;
use crate::numbers::first_at;
use crate::options::Options;
use crate::outage::Outage;
use crate::read::{ReadError, Reader, fixed, issuance, revocation, time};
use crate::target::Target;

/// What is in a journal, page by page: each call reads a bounded number of rows and holds nothing of the database
/// afterwards, so that a service beside it is not disturbed, however slowly its caller goes on. Nothing sealed is secret
/// from it: whoever shows entries leaves [`Entry::front`] and [`Entry::upstream`] out.
pub struct History {
    database: Database,
    pool: AnyPool,
    known: Known,
    leaves: Known,
    outage: Outage,
    within: Duration,
}

/// An entry and its place.
pub struct Recorded {
    /// The row's number. It grows with the time at which the entry was begun.
    pub row: i64,
    /// Whether its key was given to a later entry.
    pub retired: bool,
    /// The entry, or why it cannot be read.
    pub entry: Result<Entry, JournalError>,
}

/// An event of the audit trail as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number; it grows.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What: the word of an [`ra::AuditKind`].
    pub kind: String,
    /// Which entry, where there is one.
    pub entry: Option<EntryId>,
    /// Who asked.
    pub credential: String,
    /// Where.
    pub label: String,
    /// The certificate's serial number.
    pub serial: Option<String>,
    /// What else there is to say.
    pub detail: String,
    /// The request's name in logs, where it had one.
    pub correlation: Option<String>,
}

/// A revocation, its number and the CA.
pub struct Revoked {
    /// Its number; it grows.
    pub number: i64,
    /// Which CA.
    pub authority: String,
    /// What its CRL would say.
    pub entry: CrlEntry,
}

/// Which rows, by their numbers: from the first up to, and without, the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub i64, pub i64);

impl Span {
    /// The entries begun from `since` on, and before `until`.
    #[must_use]
    pub fn of(since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self(since.map_or(0, first_at), until.map_or(i64::MAX, first_at))
    }
}

impl History {
    /// Connects. Nothing is made or changed.
    ///
    /// # Errors
    /// [`JournalError`], also when the journal was written by an earlier program.
    pub async fn open(target: &Target, options: &Options) -> Result<Self, JournalError> {
        let database = Database::already_at(target, options.connect_within).await?;
        let pool = database.readers(1).await?;
        let history = Self {
            database,
            pool,
            known: Known::default(),
            leaves: Known::default(),
            outage: Outage::default(),
            within: options.answer_within,
        };
        let connection = history.pool.acquire().await;
        let mut connection = connection.map_err(unavailable)?;
        history.database.check_schema(&mut connection).await?;
        drop(connection);
        Ok(history)
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            pool: &self.pool,
            database: &self.database,
            known: &self.known,
            leaves: &self.leaves,
            outage: &self.outage,
            within: self.within,
        }
    }

    /// The last `most` entries of `span`, the latest first.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn latest(&self, span: Span, most: u16) -> Result<Vec<Recorded>, JournalError> {
        self.entries(&self.database.sql().entries_down, span, most)
            .await
    }

    /// The first `most` entries of `span`, the oldest first.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn oldest(&self, span: Span, most: u16) -> Result<Vec<Recorded>, JournalError> {
        self.entries(&self.database.sql().entries_up, span, most)
            .await
    }

    async fn entries(
        &self,
        query: &'static str,
        Span(from, to): Span,
        most: u16,
    ) -> Result<Vec<Recorded>, JournalError> {
        let reader = self.reader();
        let rows = reader.rows(|| sqlx::query(query).bind(from).bind(to).bind(i64::from(most)));
        let mut found = Vec::new();
        for row in rows.await? {
            let (number, retired) = place(&row).map_err(|e| e.of("an entry"))?;
            let entry = reader.entry_of(&row).await.map(|(_, entry)| entry);
            found.push(Recorded {
                row: number,
                retired,
                entry,
            });
        }
        Ok(found)
    }

    /// The entry that has the key now, and its row.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn entry(&self, id: &EntryId) -> Result<Option<(i64, Entry)>, JournalError> {
        self.reader().by_key(id).await
    }

    /// What was decided about the entry in a row, oldest first.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn events_of(&self, row: i64, id: &EntryId) -> Result<Vec<Event>, JournalError> {
        let reader = self.reader();
        let mut rows = reader
            .rows(|| sqlx::query(reader.sql().audit_of).bind(row))
            .await?;
        if rows.is_empty() {
            // Written before events knew their row.
            let old = reader.rows(|| sqlx::query(reader.sql().audit_of_old).bind(&id.0[..]));
            rows = old.await?;
        }
        rows.iter().map(event).collect()
    }

    /// The next `most` events after the one of that number; the first come after -1.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn events(&self, after: i64, most: u16) -> Result<Vec<Event>, JournalError> {
        let reader = self.reader();
        let query = || sqlx::query(reader.sql().audit_after);
        let rows = reader.rows(|| query().bind(after).bind(i64::from(most)));
        rows.await?.iter().map(event).collect()
    }

    /// The next `most` certificates after the row of that number, with their rows; whether they were revoked is not in them.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn issuances(
        &self,
        after: i64,
        most: u16,
    ) -> Result<Vec<(i64, Issuance)>, JournalError> {
        let reader = self.reader();
        let query = || sqlx::query(reader.sql().issuances_after);
        let rows = reader.rows(|| query().bind(after).bind(i64::from(most)));
        let read = |row: &AnyRow| Ok((row.try_get(6)?, issuance(row)?));
        let read = |row| read(row).map_err(|e: ReadError| e.of("an issuance"));
        rows.await?.iter().map(read).collect()
    }

    /// The next `most` revocations after the one of that number.
    ///
    /// # Errors
    /// [`JournalError`]
    pub async fn revocations(&self, after: i64, most: u16) -> Result<Vec<Revoked>, JournalError> {
        let reader = self.reader();
        let query = || sqlx::query(reader.sql().revocations_after);
        let rows = reader.rows(|| query().bind(after).bind(i64::from(most)));
        let read = |row: &AnyRow| {
            Ok(Revoked {
                number: row.try_get(4)?,
                authority: row.try_get(5)?,
                entry: revocation(row)?,
            })
        };
        let read = |row| read(row).map_err(|e: ReadError| e.of("a revocation"));
        rows.await?.iter().map(read).collect()
    }
}

fn place(row: &AnyRow) -> Result<(i64, bool), ReadError> {
    Ok((row.try_get(0)?, row.try_get::<i64, _>(12)? != 0))
}

fn event(row: &AnyRow) -> Result<Event, JournalError> {
    let read = || -> Result<Event, ReadError> {
        Ok(Event {
            number: row.try_get(0)?,
            at: time(row.try_get(1)?)?,
            kind: row.try_get(2)?,
            entry: row
                .try_get::<Option<Vec<u8>>, _>(3)?
                .map(|id| fixed(id).map(EntryId))
                .transpose()?,
            credential: row.try_get(4)?,
            label: row.try_get(5)?,
            serial: row.try_get(6)?,
            detail: row.try_get(7)?,
            correlation: row.try_get(8)?,
        })
    };
    read().map_err(|e| e.of("an event"))
}
