mod open;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::{CertificateId, Name};
use ra::{
    AuditEvent, AuthorityName, Begun, Change, Claim, CrlEntry, Entry, EntryId, Issuance, Journal,
    JournalError, Phase, UnderWay, longest_believed,
};
use sqlx::AnyPool;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::fault::Fault;
use crate::issued::IssuedHere;
use crate::known::Known;
use crate::numbers::Numbers;
use crate::read::Reader;
use crate::rows::{AuditRow, BeginRow, Held, Work, WriteRow, micros, span};
use crate::sql::MOST_ROWS;
use crate::writer::{Ground, Job};

/// [`ra::Journal`] on SQLite or PostgreSQL.
///
/// Dropped, it still writes what is queued as long as the runtime lives; [`Self::close`] waits for that.
pub struct SqlJournal {
    ground: Ground,
    leaves: Known,
    issued: IssuedHere,
    numbers: Numbers,
    readers: AnyPool,
    jobs: mpsc::Sender<Job>,
    records: mpsc::Sender<AuditRow>,
    dropped: AtomicU64,
    answer_within: Duration,
    persist_within: Duration,
}

/// How often a key that changes hands while we look is tried again.
const BEGIN_TRIES: usize = 8;
/// Between two tries of what the database did not take.
const TRY_AGAIN: Duration = Duration::from_millis(250);
/// Claimed at once at most; whoever sweeps asks again.
const MOST_CLAIMED: usize = 1_000;

impl SqlJournal {
    /// Writes what is queued and lets the database go. Everything after this fails.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error here: the writer is gone already.
            let _ = closed.await;
        }
    }

    /// Whether the task that writes is there. Each of its writes ends within [`crate::Options::answer_within`], whatever the database does.
    pub fn is_alive(&self) -> bool {
        !self.jobs.is_closed()
    }

    /// How many audit events of refusals were dropped because too many came at once.
    pub fn dropped_records(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) async fn ask(&self, work: Work) -> Result<Vec<Held>, Fault> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(Job::Do(work, reply))
            .await
            .map_err(|_| Fault::closing())?;
        answer.await.map_err(|_| Fault::closing())?
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            pool: &self.readers,
            database: &self.ground.database,
            known: &self.ground.known,
            leaves: &self.leaves,
            outage: &self.ground.outage,
            within: self.answer_within,
        }
    }

    async fn claimed(&self, held: Held) -> Result<Option<(Claim, Entry)>, JournalError> {
        let entry = self.reader().by_row(held.row).await?;
        Ok(entry.map(|(_, entry)| (claim_of(held, entry.id), entry)))
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
        let mut tried = Vec::new();
        for _ in 0..BEGIN_TRIES {
            let mut row = BeginRow::new(self.numbers.next(), new, span(lease), &audit)?;
            row.retire = retire.take();
            let number = row.row;
            tried.push(number);
            let claim = |fence| Claim {
                id: new.id,
                row: number,
                fence,
            };
            match self.ask(Work::Begin(Box::new(row))).await {
                Ok(held) => {
                    if let Some(held) = held.first() {
                        let claim = claim(held.fence);
                        self.issued.begun(&claim, new);
                        return Ok(Begun::New(claim));
                    }
                }
                Err(fault) if fault.clash => {
                    self.numbers.reroll();
                    continue;
                }
                // If it is written after all, it is found below, or nobody would go on with it before its lease ends.
                Err(fault) if fault.unsure && tried.len() < 3 => {
                    tokio::time::sleep(TRY_AGAIN).await;
                    continue;
                }
                Err(fault) => return Err(fault.into()),
            }
            match self.reader().by_key(&new.id).await? {
                // Ours after all: the answer to a first try was lost on the way.
                Some((found, _)) if tried.contains(&found) => {
                    return Ok(Begun::New(Claim {
                        row: found,
                        ..claim(1)
                    }));
                }
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

    async fn expected(&self, id: &EntryId) -> Result<Option<Entry>, JournalError> {
        match self.issued.find(id) {
            Some(entry) => Ok(Some(entry)),
            None => self.find(id).await,
        }
    }

    fn left(&self, id: &EntryId) -> Option<(Claim, Entry)> {
        let (held, entry) = self.issued.take(id)?;
        Some((claim_of(held, entry.id), entry))
    }

    async fn write(&self, claim: &Claim, change: Change) -> Result<(), JournalError> {
        // Whoever confirms asks for it next.
        let leaf = match &change.phase {
            Phase::Issued(answer) | Phase::Confirming(answer, _) => Some(answer.leaf.clone()),
            _ => None,
        };
        let issued = self.issued.changing(claim, &change);
        let row = Arc::new(WriteRow::new(claim, change)?);
        let deadline = Instant::now() + self.persist_within;
        let mut unsure = false;
        loop {
            match self.ask(Work::Write(Arc::clone(&row))).await {
                Ok(held) if !held.is_empty() => {
                    if let Some(leaf) = leaf {
                        self.leaves.add(leaf.fingerprint(), leaf);
                    }
                    if let Some(entry) = issued {
                        self.issued.written(claim, entry);
                    }
                    return Ok(());
                }
                // A try whose end nobody heard of may have let the row go.
                Ok(_) if unsure && self.reader().stands(claim.row, &row.phase).await? => {
                    return Ok(());
                }
                Ok(_) => return Err(JournalError::Fenced),
                Err(fault) if fault.passes() && Instant::now() < deadline => {
                    unsure |= fault.unsure;
                    tokio::time::sleep(TRY_AGAIN).await;
                }
                Err(fault) => return Err(fault.into()),
            }
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
                believed: span(longest_believed(lease)),
                fence,
            })
            .await?
            .first()
        {
            Some(held) => {
                self.issued.forget(id);
                self.claimed(*held).await
            }
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
                believed: span(longest_believed(lease)),
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

    async fn hasten(&self, at: Timestamp) -> Result<usize, JournalError> {
        let put_off = self.reader().put_off(micros(at)).await?;
        let mut hastened = 0;
        for rows in put_off.chunks(MOST_ROWS) {
            hastened += self.ask(Work::Hasten(rows.to_vec())).await?.len();
        }
        Ok(hastened)
    }

    async fn newest(&self) -> Result<Option<Timestamp>, JournalError> {
        self.reader().newest().await
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

    async fn issuance_by(
        &self,
        issuer: &Name,
        serial: &Bytes,
    ) -> Result<Option<Issuance>, JournalError> {
        self.reader().issuance_by(issuer, serial).await
    }

    async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError> {
        self.reader().revoked(by).await
    }

    fn is_writable(&self) -> Result<(), JournalError> {
        match self.ground.ailment.reason() {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
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

fn claim_of(held: Held, id: EntryId) -> Claim {
    Claim {
        id,
        row: held.row,
        fence: held.fence,
    }
}
