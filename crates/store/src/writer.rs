//! The one task that writes: group commit.
//!
//! It takes what is queued, up to a bound, makes one transaction of it, and answers everyone whose work was in it. It
//! never waits for more to come: while it writes, the next batch gathers by itself.

mod apply;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};
use tokio::sync::{mpsc, oneshot};

use crate::database::Database;
use crate::fault::{Blame, Fault};
use crate::known::Known;
use crate::rows::{AuditRow, Held, Work};
use crate::sql::MOST_ROWS;

/// What the rows that a job got hold of are called back with.
pub(crate) type Reply = oneshot::Sender<Result<Vec<Held>, Fault>>;

/// One piece of work and who waits for it.
pub(crate) enum Job {
    Do(Work, Reply),
    /// Finish what is queued, take nothing more, let the database go.
    Close(oneshot::Sender<()>),
}

pub(crate) struct Writer {
    database: Arc<Database>,
    known: Arc<Known>,
    jobs: mpsc::Receiver<Job>,
    records: mpsc::Receiver<AuditRow>,
    deadline: Duration,
    connection: Option<AnyConnection>,
    /// Taken from the queue, and for the next batch: no batch writes one row twice.
    later: VecDeque<Job>,
    closing: Vec<oneshot::Sender<()>>,
}

struct Pending {
    work: Work,
    reply: Option<Reply>,
}

/// How often a batch is tried when transactions of other processes get in its way.
const TRIES: usize = 4;

impl Writer {
    pub(crate) fn new(
        database: Arc<Database>,
        known: Arc<Known>,
        connection: AnyConnection,
        jobs: mpsc::Receiver<Job>,
        records: mpsc::Receiver<AuditRow>,
        deadline: Duration,
    ) -> Self {
        let connection = Some(connection);
        Self {
            database,
            known,
            jobs,
            records,
            deadline,
            connection,
            later: VecDeque::new(),
            closing: Vec::new(),
        }
    }

    /// Until every sender is gone, or told to close; what is queued then is still written.
    pub(crate) async fn run(mut self) {
        loop {
            let batch = self.gather().await;
            if batch.is_empty()
                && self.jobs.is_closed()
                && self.jobs.is_empty()
                && self.records.is_empty()
            {
                break;
            }
            self.write(batch).await;
        }
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
            Ok(got) => replies
                .into_iter()
                .zip(got)
                .for_each(|(reply, got)| answer(reply, Ok(got))),
            // Something in the batch cannot be written; the rest must not suffer for it.
            Err(fault) if fault.blame == Blame::Row && works.len() > 1 => {
                for (work, reply) in works.iter().zip(replies) {
                    let one = self.persist(std::slice::from_ref(work)).await;
                    answer(reply, one.map(|mut got| got.pop().unwrap_or_default()));
                }
            }
            Err(fault) => replies
                .into_iter()
                .for_each(|reply| answer(reply, Err(fault.clone()))),
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
                Blame::Connection => tries < 2,
                Blame::Row | Blame::Store => false,
            };
            if !again {
                return Err(fault);
            }
        }
    }

    async fn once(&mut self, works: &[Work]) -> Result<Vec<Vec<Held>>, Fault> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.connect_writer().await?),
        };
        let applied = apply::apply(connection, self.database.sql(), &self.known, works);
        match tokio::time::timeout(self.deadline, applied).await {
            Ok(result) => result,
            Err(_) => Err(Fault::store(
                "the database did not answer in time: is its disk or its host overloaded?",
            )),
        }
    }
}

fn answer(reply: Option<Reply>, result: Result<Vec<Held>, Fault>) {
    match (reply, result) {
        // Whoever waited may have gone; the work is done all the same.
        (Some(reply), result) => drop(reply.send(result)),
        (None, Ok(_)) => {}
        (None, Err(fault)) => {
            tracing::warn!(error = %fault.to_error(), "an audit event could not be written")
        }
    }
}
