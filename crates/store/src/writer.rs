//! The one task that writes: group commit.
//!
//! It takes what is queued, up to a bound, makes one transaction of it, and answers everyone whose work was in it. It
//! never waits for more to come: while it writes, the next batch gathers by itself.

mod apply;
mod claims;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, AnyPool, Connection as _};
use tokio::sync::{mpsc, oneshot};

use crate::ailment::Ailment;
use crate::database::Database;
use crate::fault::{Blame, Fault};
use crate::known::Known;
use crate::outage::Outage;
use crate::rows::{AuditRow, Held, Work};
use crate::sql::MOST_ROWS;
use claims::Claims;

/// What the rows that a job got hold of are called back with.
pub(crate) type Reply = oneshot::Sender<Result<Vec<Held>, Fault>>;

/// One piece of work and who waits for it.
pub(crate) enum Job {
    Do(Work, Reply),
    /// Finish what is queued, take nothing more, let the database go.
    Close(oneshot::Sender<()>),
}

/// What the writer shares with those who read.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) database: Arc<Database>,
    pub(crate) known: Arc<Known>,
    pub(crate) outage: Arc<Outage>,
    pub(crate) ailment: Arc<Ailment>,
}

pub(crate) struct Writer {
    database: Arc<Database>,
    known: Arc<Known>,
    outage: Arc<Outage>,
    ailment: Arc<Ailment>,
    jobs: mpsc::Receiver<Job>,
    records: mpsc::Receiver<AuditRow>,
    deadline: Duration,
    connection: Option<AnyConnection>,
    /// Why the last try to connect failed.
    away: Option<Fault>,
    /// Closed before the writing connection, so that the last one out can tidy up the log of SQLite.
    readers: AnyPool,
    /// Taken from the queue, and for the next batch: no batch writes one row twice.
    later: VecDeque<Job>,
    closing: Vec<oneshot::Sender<()>>,
    claims: Claims,
}

struct Pending {
    work: Work,
    reply: Option<Reply>,
}

/// How often a batch is tried when transactions of other processes get in its way.
const TRIES: usize = 4;
/// How often a database that went away is looked for, and one that could not be written is tried.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl Writer {
    pub(crate) fn new(
        ground: Ground,
        connection: AnyConnection,
        readers: AnyPool,
        jobs: mpsc::Receiver<Job>,
        records: mpsc::Receiver<AuditRow>,
        deadline: Duration,
    ) -> Self {
        let Ground {
            database,
            known,
            outage,
            ailment,
        } = ground;
        let connection = Some(connection);
        Self {
            database,
            known,
            outage,
            ailment,
            jobs,
            records,
            deadline,
            connection,
            away: None,
            readers,
            later: VecDeque::new(),
            closing: Vec::new(),
            claims: Claims::default(),
        }
    }

    /// Until every sender is gone, or told to close; what is queued then is still written.
    pub(crate) async fn run(mut self) {
        loop {
            if let Some(fault) = self.away.take()
                && !self.come_back(&fault).await
            {
                break;
            }
            let Some(batch) = self.gather_or_try().await else {
                continue;
            };
            if batch.is_empty()
                && self.jobs.is_closed()
                && self.jobs.is_empty()
                && self.records.is_empty()
            {
                break;
            }
            self.write(batch).await;
        }
        // Who only let go of us may be at work with them still.
        if !self.closing.is_empty() {
            self.give_claims_back().await;
        }
        self.readers.close().await;
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the journal's connection did not close cleanly; everything acknowledged is durable");
        }
        for closing in self.closing {
            // Whoever asked may have gone.
            let _ = closing.send(());
        }
    }

    /// Whoever held them has ended: the next process need not wait until they run out.
    async fn give_claims_back(&mut self) {
        let works = self.claims.give_back();
        for batch in works.chunks(MOST_ROWS) {
            if let Err(fault) = self.persist(batch).await {
                tracing::warn!(error = %fault.to_error(), "claims could not be given back; they run out by themselves");
                return;
            }
        }
    }

    /// Turns everybody away until the database can be reached again; false when we are told to close before.
    async fn come_back(&mut self, fault: &Fault) -> bool {
        self.outage.begin(fault);
        let database = Arc::clone(&self.database);
        let connecting = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                if let Ok(connection) = database.connect_writer().await {
                    break connection;
                }
            }
        };
        tokio::pin!(connecting);
        loop {
            tokio::select! {
                connection = &mut connecting => {
                    self.connection = Some(connection);
                    self.database.refresh(&self.readers).await;
                    self.outage.end();
                    return true;
                }
                job = self.jobs.recv() => match job {
                    Some(job) => {
                        for pending in self.sort_out(vec![job]) {
                            answer(pending.reply, Err(fault.clone()));
                        }
                        self.later.clear();
                    }
                    None => return false,
                },
            }
        }
    }

    /// While nothing can be written nobody may come who shows that it can again: then that is tried, and there is no batch.
    async fn gather_or_try(&mut self) -> Option<Vec<Pending>> {
        if self.ailment.reason().is_none() {
            return Some(self.gather().await);
        }
        match tokio::time::timeout(LOOK_EVERY, self.gather()).await {
            Ok(batch) => Some(batch),
            Err(_) => {
                self.try_to_write().await;
                None
            }
        }
    }

    async fn try_to_write(&mut self) {
        let (sql, deadline) = (self.database.sql(), self.deadline);
        let tried = async {
            let connection = self.connected().await?;
            let written = sqlx::query(sql.try_to_write).execute(connection);
            match tokio::time::timeout(deadline, written).await {
                Ok(written) => Ok(written?),
                Err(_) => Err(Fault::no_answer()),
            }
        };
        match tried.await {
            Ok(_) => self.ailment.end(),
            Err(_) => self.connection = None,
        }
    }

    async fn gather(&mut self) -> Vec<Pending> {
        let mut jobs: Vec<Job> = self.later.drain(..).collect();
        let mut records = Vec::new();
        if jobs.is_empty() {
            tokio::select! {
                biased;
                _ = self.jobs.recv_many(&mut jobs, MOST_ROWS) => {}
                Some(record) = self.records.recv() => records.push(record),
            }
        }
        while jobs.len() < MOST_ROWS
            && let Ok(job) = self.jobs.try_recv()
        {
            jobs.push(job);
        }
        while records.len() < MOST_ROWS
            && let Ok(record) = self.records.try_recv()
        {
            records.push(record);
        }
        let mut batch = self.sort_out(jobs);
        batch.extend(records.into_iter().map(|record| Pending {
            work: Work::Record(record),
            reply: None,
        }));
        batch
    }

    fn sort_out(&mut self, jobs: Vec<Job>) -> Vec<Pending> {
        let mut written = HashSet::new();
        let mut batch = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job {
                Job::Do(Work::Write(row), reply) if !written.insert(row.held.row) => {
                    self.later.push_back(Job::Do(Work::Write(row), reply));
                }
                Job::Do(work, reply) => batch.push(Pending {
                    work,
                    reply: Some(reply),
                }),
                Job::Close(reply) => {
                    self.jobs.close();
                    self.records.close();
                    self.closing.push(reply);
                }
            }
        }
        batch
    }

    async fn write(&mut self, batch: Vec<Pending>) {
        if batch.is_empty() {
            return;
        }
        let (works, replies): (Vec<Work>, Vec<Option<Reply>>) =
            batch.into_iter().map(|p| (p.work, p.reply)).unzip();
        match self.persist(&works).await {
            Ok(got) => {
                if got.iter().any(|held| !held.is_empty()) {
                    self.ailment.end();
                } else if self.ailment.reason().is_some() {
                    // What got hold of nothing may have written nothing.
                    self.try_to_write().await;
                }
                for (work, got) in works.iter().zip(&got) {
                    self.claims.note(work, got);
                }
                replies
                    .into_iter()
                    .zip(got)
                    .for_each(|(reply, got)| answer(reply, Ok(got)));
            }
            // Something in the batch cannot be written; the rest must not suffer for it.
            Err(fault) if fault.blame == Blame::Row && works.len() > 1 => {
                for (work, reply) in works.iter().zip(replies) {
                    let one = self.persist(std::slice::from_ref(work)).await;
                    let one = one.map(|mut got| got.pop().unwrap_or_default());
                    if let Ok(got) = &one {
                        self.claims.note(work, got);
                    }
                    answer(reply, one);
                }
            }
            Err(fault) => {
                replies
                    .into_iter()
                    .for_each(|reply| answer(reply, Err(fault.clone())));
                if self.away.is_some() {
                    self.fail_queued(&fault);
                } else if fault.blame == Blame::Store {
                    self.ailment.begin(&fault);
                }
            }
        }
    }

    /// Each batch would wait for its own connection that does not come about; who asks after this tries again.
    fn fail_queued(&mut self, fault: &Fault) {
        let mut jobs = Vec::new();
        while let Ok(job) = self.jobs.try_recv() {
            jobs.push(job);
        }
        self.later.extend(jobs);
        let queued: Vec<Job> = self.later.drain(..).collect();
        for pending in self.sort_out(queued) {
            answer(pending.reply, Err(fault.clone()));
        }
        for job in self.later.drain(..) {
            if let Job::Do(_, reply) = job {
                answer(Some(reply), Err(fault.clone()));
            }
        }
    }

    /// One transaction, again where that may help.
    async fn persist(&mut self, works: &[Work]) -> Result<Vec<Vec<Held>>, Fault> {
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = match self.once(works).await {
                Ok(got) => return Ok(got),
                Err(fault) => fault,
            };
            if fault.blame != Blame::Row {
                // Whatever state it is in, it is not worth finding out.
                self.connection = None;
            }
            let again = match fault.blame {
                Blame::Conflict => tries < TRIES,
                Blame::Connection => tries < 2 && !fault.unsure,
                Blame::Row | Blame::Store | Blame::Closing => false,
            };
            if !again {
                return Err(fault);
            }
        }
    }

    async fn once(&mut self, works: &[Work]) -> Result<Vec<Vec<Held>>, Fault> {
        let (sql, deadline) = (self.database.sql(), self.deadline);
        let known = Arc::clone(&self.known);
        let connection = self.connected().await?;
        let applied = apply::apply(connection, sql, &known, works);
        match tokio::time::timeout(deadline, applied).await {
            Ok(result) => result,
            Err(_) => Err(Fault::no_answer()),
        }
    }

    async fn connected(&mut self) -> Result<&mut AnyConnection, Fault> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => {
                let connected = self.database.connect_writer().await;
                self.away = connected.as_ref().err().cloned();
                let connected = connected?;
                self.database.refresh(&self.readers).await;
                Ok(none.insert(connected))
            }
        }
    }
}

fn answer(reply: Option<Reply>, result: Result<Vec<Held>, Fault>) {
    match (reply, result) {
        // Whoever waited may have gone; the work is done all the same.
        (Some(reply), result) => drop(reply.send(result)),
        (None, Ok(_)) => {}
        (None, Err(fault)) => {
            tracing::warn!(error = %fault.to_error(), "an audit event could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::BeginRow;

    struct Bench {
        writer: Writer,
        jobs: mpsc::Sender<Job>,
        _records: mpsc::Sender<AuditRow>,
        dir: tempfile::TempDir,
    }

    async fn bench() -> Bench {
        let dir = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}/journal.db", dir.path().display());
        let patience = Duration::from_secs(5);
        let target = crate::Target::parse(&url).unwrap();
        let database = Arc::new(Database::at(&target, patience).await.unwrap());
        let mut connection = database.connect_writer().await.unwrap();
        database.migrate(&mut connection).await.unwrap();
        let readers = database.readers(1).await.unwrap();
        let (jobs, queued) = mpsc::channel(100);
        let (records, recorded) = mpsc::channel(1);
        let ground = Ground {
            database,
            known: Arc::default(),
            outage: Arc::default(),
            ailment: Arc::default(),
        };
        let writer = Writer::new(ground, connection, readers, queued, recorded, patience);
        Bench {
            writer,
            jobs,
            _records: records,
            dir,
        }
    }

    fn audit() -> AuditRow {
        AuditRow {
            journal: None,
            at: 0,
            kind: "begun",
            entry: None,
            credential: String::new(),
            label: String::new(),
            serial: None,
            detail: String::new(),
            correlation: None,
        }
    }

    fn begin(row: i64, key: u8) -> Work {
        Work::Begin(Box::new(BeginRow {
            row,
            retire: None,
            key: vec![key; 16],
            fingerprint: vec![0; 32],
            head: vec![1],
            front: Vec::new(),
            correlation: None,
            upstream: Vec::new(),
            due: None,
            lease: 60_000_000,
            audit: audit(),
        }))
    }

    type Answer = oneshot::Receiver<Result<Vec<Held>, Fault>>;

    /// Everything is queued before the writer looks, so it is one batch.
    async fn queue(bench: &Bench, works: Vec<Work>) -> Vec<Answer> {
        let mut answers = Vec::new();
        for work in works {
            let (reply, answer) = oneshot::channel();
            assert!(bench.jobs.send(Job::Do(work, reply)).await.is_ok());
            answers.push(answer);
        }
        answers
    }

    #[tokio::test]
    async fn one_row_that_cannot_be_written_does_not_fail_its_batch() {
        let mut bench = bench().await;
        // Two keys in one row: the second cannot be.
        let works = (1..=40).map(|n| begin(i64::from(n.min(39)), n)).collect();
        let answers = queue(&bench, works).await;
        let batch = bench.writer.gather().await;
        assert_eq!(batch.len(), 40);
        bench.writer.write(batch).await;
        let mut failed = 0;
        for answer in answers {
            match answer.await.unwrap() {
                Ok(held) => assert_eq!(held.len(), 1),
                Err(fault) => {
                    assert!(fault.clash && fault.blame == Blame::Row);
                    failed += 1;
                }
            }
        }
        assert_eq!(failed, 1);
    }

    #[tokio::test]
    async fn of_one_key_twice_in_a_batch_one_gets_the_row() {
        let mut bench = bench().await;
        let answers = queue(&bench, vec![begin(1, 7), begin(2, 7)]).await;
        let batch = bench.writer.gather().await;
        bench.writer.write(batch).await;
        let mut held = Vec::new();
        for answer in answers {
            held.extend(answer.await.unwrap().unwrap());
        }
        assert_eq!(held.len(), 1);
    }

    #[tokio::test]
    async fn a_batch_never_takes_more_than_its_bound_and_leaves_the_rest_queued() {
        let mut bench = bench().await;
        let _answers = queue(&bench, (1..=90).map(|n| begin(i64::from(n), n)).collect()).await;
        assert_eq!(bench.writer.gather().await.len(), MOST_ROWS);
        assert_eq!(bench.writer.gather().await.len(), 90 - MOST_ROWS);
    }

    #[tokio::test]
    async fn two_writes_of_one_row_go_into_two_batches_in_their_order() {
        let mut bench = bench().await;
        let write = |phase: u8| {
            Work::Write(Arc::new(crate::rows::WriteRow {
                held: Held { row: 1, fence: 1 },
                phase: vec![phase],
                front: None,
                leaf: None,
                due: None,
                upstream: None,
                lease: ra::Lease::Keep,
                certificates: Vec::new(),
                issuance: None,
                revocation: None,
                audit: Some(audit()),
            }))
        };
        let answers = queue(&bench, vec![begin(1, 1), write(1), write(2), begin(2, 2)]).await;
        let phases = |batch: &[Pending]| -> Vec<u8> {
            batch
                .iter()
                .filter_map(|p| {
                    if let Work::Write(row) = &p.work {
                        Some(row.phase[0])
                    } else {
                        None
                    }
                })
                .collect()
        };
        let first = bench.writer.gather().await;
        assert_eq!((first.len(), phases(&first)), (3, vec![1]));
        bench.writer.write(first).await;
        let second = bench.writer.gather().await;
        assert_eq!((second.len(), phases(&second)), (1, vec![2]));
        bench.writer.write(second).await;
        for answer in answers {
            assert_eq!(answer.await.unwrap().unwrap().len(), 1);
        }
    }

    /// One batch for each.
    async fn one_by_one(bench: &mut Bench, works: Vec<Work>) -> Vec<Result<Vec<Held>, Fault>> {
        let mut results = Vec::new();
        for work in works {
            let answers = queue(bench, vec![work]).await;
            let batch = bench.writer.gather().await;
            bench.writer.write(batch).await;
            for answer in answers {
                results.push(answer.await.unwrap());
            }
        }
        results
    }

    #[tokio::test]
    async fn a_lone_row_that_cannot_be_written_leaves_no_transaction_open() {
        let mut bench = bench().await;
        let results = one_by_one(&mut bench, vec![begin(1, 1), begin(1, 2), begin(3, 3)]).await;
        assert_eq!(results[0].as_ref().unwrap().len(), 1);
        let fault = results[1].as_ref().unwrap_err();
        assert!(fault.clash && fault.blame == Blame::Row);
        assert_eq!(results[2].as_ref().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_lone_write_under_a_fence_that_does_not_hold_leaves_nothing() {
        for (lease, upstream) in [(ra::Lease::Keep, None), (ra::Lease::End, Some(Vec::new()))] {
            let mut bench = bench().await;
            bench.writer.known.add_issuer([9; 32]);
            let write = |fence| {
                Work::Write(Arc::new(crate::rows::WriteRow {
                    held: Held { row: 1, fence },
                    phase: vec![7],
                    front: None,
                    leaf: None,
                    due: None,
                    upstream: upstream.clone(),
                    lease,
                    certificates: Vec::new(),
                    issuance: Some(issuance()),
                    revocation: None,
                    audit: Some(audit()),
                }))
            };
            let mut written = Vec::new();
            for (work, held) in [(begin(1, 1), 1), (write(2), 0), (write(1), 1)] {
                let results = one_by_one(&mut bench, vec![work]).await;
                assert_eq!(results[0].as_ref().unwrap().len(), held);
                let counts = "SELECT (SELECT count(*) FROM outcome) * 100 + (SELECT count(*) FROM issuance) * 10 \
                              + (SELECT count(*) FROM audit)";
                let connection = bench.writer.connection.as_mut().unwrap();
                let row = sqlx::query(counts).fetch_one(connection).await.unwrap();
                written.push(sqlx::Row::get::<i64, _>(&row, 0));
            }
            assert_eq!(written, [1, 1, 112]);
        }
    }

    fn issuance() -> crate::rows::IssuanceRow {
        crate::rows::IssuanceRow {
            name: vec![1],
            certificate: vec![2],
            authority: String::new(),
            owner: String::new(),
            entry: vec![3],
            not_after: 0,
            issuer: (
                [9; 32],
                crate::rows::IssuerName {
                    der: vec![4],
                    folded: vec![5],
                },
            ),
        }
    }

    fn written(row: i64, fence: i64, ends: bool, issues: bool) -> Work {
        Work::Write(Arc::new(crate::rows::WriteRow {
            held: Held { row, fence },
            phase: vec![7],
            front: None,
            leaf: Some(vec![2]),
            due: None,
            upstream: ends.then(Vec::new),
            lease: ra::Lease::End,
            certificates: Vec::new(),
            issuance: issues.then(issuance),
            revocation: None,
            audit: Some(audit()),
        }))
    }

    /// How many rows journal, running, issuance, outcome and audit have, and of how many outcomes the leaf is a copy of its own.
    async fn counts(bench: &mut Bench) -> [i64; 6] {
        let counts = "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM running), (SELECT count(*) FROM issuance), \
                      (SELECT count(*) FROM outcome), (SELECT count(*) FROM audit), (SELECT count(leaf) FROM outcome)";
        let connection = bench.writer.connection.as_mut().unwrap();
        let row = sqlx::query(counts).fetch_one(connection).await.unwrap();
        std::array::from_fn(|at| sqlx::Row::get(&row, at))
    }

    #[tokio::test]
    async fn work_of_every_kind_in_one_batch_is_written_with_all_that_hangs_on_it() {
        let mut bench = bench().await;
        bench.writer.known.add_issuer([9; 32]);
        for (works, expected) in [
            (
                (1..=60).map(|n| begin(n.into(), n)).collect(),
                [60, 60, 0, 0, 60, 0],
            ),
            (
                (1..=40)
                    .map(|n| written(n, 1, n % 2 == 0, n > 20))
                    .chain([begin(61, 61), begin(62, 62), begin(63, 63)])
                    .collect::<Vec<_>>(),
                // Without an issuance the certificate is with the outcome.
                [63, 43, 20, 40, 103, 20],
            ),
        ] {
            let answers = queue(&bench, works).await;
            let batch = bench.writer.gather().await;
            bench.writer.write(batch).await;
            for answer in answers {
                assert_eq!(answer.await.unwrap().unwrap().len(), 1);
            }
            assert_eq!(counts(&mut bench).await, expected);
        }
    }

    #[tokio::test]
    async fn a_key_that_was_there_and_a_fence_that_does_not_hold_leave_the_rest_of_a_batch_alone() {
        let mut bench = bench().await;
        bench.writer.known.add_issuer([9; 32]);
        let works = (1..=5).map(|n| begin(n.into(), n)).collect();
        let answers = queue(&bench, works).await;
        let batch = bench.writer.gather().await;
        bench.writer.write(batch).await;
        for answer in answers {
            assert_eq!(answer.await.unwrap().unwrap().len(), 1);
        }
        let works = vec![
            begin(6, 6),
            begin(7, 1),
            written(1, 1, true, true),
            written(2, 2, true, true),
            written(3, 1, false, false),
            written(4, 2, false, false),
        ];
        let answers = queue(&bench, works).await;
        let batch = bench.writer.gather().await;
        bench.writer.write(batch).await;
        let mut held = Vec::new();
        for answer in answers {
            held.push(answer.await.unwrap().unwrap().len());
        }
        assert_eq!(held, [1, 0, 1, 0, 1, 0]);
        assert_eq!(counts(&mut bench).await, [6, 5, 1, 2, 8, 1]);
    }

    #[tokio::test]
    async fn what_waits_behind_a_database_that_cannot_be_reached_fails_with_it() {
        let mut bench = bench().await;
        bench.writer.connection = None;
        std::fs::remove_dir_all(bench.dir.path()).unwrap();
        let works = (1..=90).map(|n| begin(i64::from(n), n)).collect();
        let answers = queue(&bench, works).await;
        let batch = bench.writer.gather().await;
        bench.writer.write(batch).await;
        for mut answer in answers {
            let fault = answer.try_recv().unwrap().unwrap_err();
            let why = fault.to_error().to_string();
            assert!(why.contains("check that the directory exists"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_writer_without_senders_ends() {
        let bench = bench().await;
        let answers = queue(&bench, vec![begin(1, 1)]).await;
        let Bench {
            writer,
            jobs,
            _records,
            dir: _dir,
        } = bench;
        drop((jobs, _records));
        writer.run().await;
        for answer in answers {
            assert_eq!(answer.await.unwrap().unwrap().len(), 1);
        }
    }
}
