use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use pki::CertificateId;
use ra::{
    AuditEvent, AuthorityName, Begun, Change, Claim, CrlEntry, Entry, EntryId, Issuance, Journal,
    JournalError, Phase, UnderWay,
};
use sqlx::AnyPool;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::database::Database;
use crate::fault::Fault;
use crate::known::Known;
use crate::numbers::Numbers;
use crate::read::Reader;
use crate::rows::{AuditRow, BeginRow, Held, Work, WriteRow, micros};
use crate::writer::{Job, Writer};

/// How much the journal holds at once, and how long it waits.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections that read, beside the one that writes.
    pub readers: u32,
    /// Writes that may queue; whoever comes then waits. At least 1.
    pub queue: usize,
    /// Audit events of refusals that may queue; more are dropped and counted. At least 1.
    pub records: usize,
    /// How long a connection may take to come about.
    pub connect_within: Duration,
    /// How long one transaction may take before it is given up.
    pub write_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            queue: 1024,
            records: 1024,
            connect_within: Duration::from_secs(5),
            write_within: Duration::from_secs(30),
        }
    }
}

/// [`ra::Journal`] on SQLite or PostgreSQL.
///
/// Dropped, it still writes what is queued as long as the runtime lives; [`Self::close`] waits for that.
pub struct SqlJournal {
    database: Arc<Database>,
    known: Arc<Known>,
    leaves: Known,
    numbers: Numbers,
    readers: AnyPool,
    jobs: mpsc::Sender<Job>,
    records: mpsc::Sender<AuditRow>,
    dropped: AtomicU64,
}

/// How often a key that changes hands while we look is tried again.
const BEGIN_TRIES: usize = 8;
/// Claimed at once at most; whoever sweeps asks again.
const MOST_CLAIMED: usize = 1_000;

impl SqlJournal {
    /// Opens the database of `url` (`sqlite:///path/file.db` makes the file if there is none, unless the URL has a
    /// `mode`; `postgres://user@host/database`), brings its schema up to date and starts to write.
    ///
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] says what is wrong and what to do; [`JournalError::SchemaTooNew`] when a newer
    /// program has written it.
    pub async fn open(url: &str, options: Options) -> Result<Self, JournalError> {
        let database = Arc::new(Database::at(url, options.connect_within).await?);
        let mut connection = database.connect_writer().await?;
        database.migrate(&mut connection).await?;
        let known = Arc::new(Known::default());
        let readers = database.readers(options.readers.max(1));
        let (jobs, queued) = mpsc::channel(options.queue.max(1));
        let (records, recorded) = mpsc::channel(options.records.max(1));
        let writer = Writer::new(
            Arc::clone(&database),
            Arc::clone(&known),
            connection,
            readers.clone(),
            queued,
            recorded,
            options.write_within,
        );
        tokio::spawn(writer.run());
        Ok(Self {
            database,
            known,
            leaves: Known::default(),
            numbers: Numbers::new(),
            readers,
            jobs,
            records,
            dropped: AtomicU64::new(0),
        })
    }

    /// Writes what is queued and lets the database go. Everything after this fails.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error here: the writer is gone already.
            let _ = closed.await;
        }
    }

    /// Whether the task that writes is there. Each of its writes ends within [`Options::write_within`], whatever the database does.
    pub fn is_alive(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// How many audit events of refusals were dropped because too many came at once.
    pub fn dropped_records(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    async fn ask(&self, work: Work) -> Result<Vec<Held>, Fault> {
        let (reply, answer) = oneshot::channel();
        let closed =
            || Fault::store("the journal is being closed: ask again once certway-ra runs again");
        self.jobs
            .send(Job::Do(work, reply))
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            pool: &self.readers,
            sql: self.database.sql(),
            known: &self.known,
            leaves: &self.leaves,
        }
    }

    async fn claimed(&self, held: Held) -> Result<Option<(Claim, Entry)>, JournalError> {
        let entry = self.reader().by_row(held.row).await?;
        Ok(entry.map(|(_, entry)| {
            (
                Claim {
                    id: entry.id,
                    row: held.row,
                    fence: held.fence,
                },
                entry,
            )
        }))
    }
}

#[async_trait]
impl Journal for SqlJournal {
    async fn begin(
        &self,
        new: &Entry,
        lease: SignedDuration,
        audit: AuditEvent,
    ) -> Result<Begun, JournalError> {
        let mut retire = None;
        for _ in 0..BEGIN_TRIES {
            let mut row = BeginRow::new(self.numbers.next(), new, span(lease), &audit)?;
            row.retire = retire.take();
            let number = row.row;
            let claim = |fence| Claim {
                id: new.id,
                row: number,
                fence,
            };
            match self.ask(Work::Begin(Box::new(row))).await {
                Ok(held) => {
                    if let Some(held) = held.first() {
                        return Ok(Begun::New(claim(held.fence)));
                    }
                }
                Err(fault) if fault.clash => {
                    self.numbers.reroll();
                    continue;
                }
                Err(fault) => return Err(fault.into()),
            }
            match self.reader().by_key(&new.id).await? {
                // Ours after all: the answer to a first try was lost on the way.
                Some((found, _)) if found == number => return Ok(Begun::New(claim(1))),
                Some((found, entry)) if entry.is_stale(new.begun_at) => retire = Some(found),
                Some((_, entry)) if entry.fingerprint == new.fingerprint => {
                    return Ok(Begun::Seen(Box::new(entry)));
                }
                Some(_) => return Ok(Begun::OtherRequest),
                // Someone else gave it away between our two looks.
                None => {}
            }
        }
        Err(JournalError::Unavailable(
            "the entry of this key keeps changing: ask again".to_owned(),
        ))
    }

    async fn find(&self, id: &EntryId) -> Result<Option<Entry>, JournalError> {
        Ok(self.reader().by_key(id).await?.map(|(_, entry)| entry))
    }

    async fn write(&self, claim: &Claim, change: Change) -> Result<(), JournalError> {
        // Whoever confirms asks for it next.
        let leaf = match &change.phase {
            Phase::Issued(answer) | Phase::Confirming(answer, _) => Some(answer.leaf.clone()),
            _ => None,
        };
        let held = self
            .ask(Work::Write(Box::new(WriteRow::new(claim, change)?)))
            .await?;
        if let Some(leaf) = leaf {
            self.leaves.add(leaf.fingerprint(), leaf);
        }
        if held.is_empty() {
            Err(JournalError::Fenced)
        } else {
            Ok(())
        }
    }

    async fn claim(
        &self,
        id: &EntryId,
        lease: SignedDuration,
    ) -> Result<Option<(Claim, Entry)>, JournalError> {
        // Greater than any fence before: those are counted up from 1 or from such a number taken earlier.
        let fence = self.numbers.next();
        match self
            .ask(Work::Claim {
                key: id.0.to_vec(),
                lease: span(lease),
                fence,
            })
            .await?
            .first()
        {
            Some(held) => self.claimed(*held).await,
            None => Ok(None),
        }
    }

    async fn claim_due(
        &self,
        most: usize,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Vec<(Claim, Entry)>, JournalError> {
        let most = i64::try_from(most.min(MOST_CLAIMED)).unwrap_or_default();
        let mut claimed = Vec::new();
        for held in self
            .ask(Work::ClaimDue {
                most,
                now: micros(now),
                lease: span(lease),
            })
            .await?
        {
            match self.claimed(held).await {
                Ok(entry) => claimed.extend(entry),
                // One damaged entry must not keep the others from going on.
                Err(error) => {
                    tracing::error!(row = held.row, %error, "a due entry cannot be carried on");
                }
            }
        }
        Ok(claimed)
    }

    async fn release(&self, claim: Claim) -> Result<(), JournalError> {
        self.ask(Work::Release(Held {
            row: claim.row,
            fence: claim.fence,
        }))
        .await?;
        Ok(())
    }

    async fn issuance(&self, of: &CertificateId) -> Result<Option<Issuance>, JournalError> {
        self.reader().issuance(of).await
    }

    async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError> {
        self.reader().revoked(by).await
    }

    async fn under_way(&self) -> Result<UnderWay, JournalError> {
        self.reader().under_way().await
    }

    async fn record(&self, refused: AuditEvent) {
        let why = match self.records.try_send((&refused).into()) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => "too many at once",
            Err(TrySendError::Closed(_)) => "the journal is closed",
        };
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        // A flood of refusals must not become a flood of warnings.
        if dropped.is_power_of_two() {
            tracing::warn!(
                dropped,
                why,
                "audit events of refused requests are not in the journal"
            );
        }
    }
}

/// A lease as the database adds it to its clock, in microseconds. Ten years either way are as good as for ever.
fn span(lease: SignedDuration) -> i64 {
    const MOST: i128 = 10 * 366 * 86_400 * 1_000_000;
    i64::try_from(lease.as_micros().clamp(-MOST, MOST)).unwrap_or_default()
}
