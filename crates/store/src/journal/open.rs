//! How a journal starts.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use ra::JournalError;
use sqlx::AnyConnection;
use tokio::sync::mpsc;

use super::{SqlJournal, TRY_AGAIN};
use crate::database::Database;
use crate::fault::{Blame, Fault};
use crate::issued::IssuedHere;
use crate::issuers;
use crate::known::Known;
use crate::numbers::Numbers;
use crate::options::Options;
use crate::target::Target;
use crate::writer::{Ground, Writer};

impl SqlJournal {
    /// Opens a database (a SQLite file is made if there is none, unless the URL has a `mode`), brings its schema up to
    /// date and starts to write. A server that cannot be reached is waited for, within [`Options::start_within`].
    ///
    /// Needs a tokio runtime.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] says what is wrong and what to do; [`JournalError::SchemaTooNew`] when a newer
    /// program has written it.
    pub async fn open(target: &Target, options: Options) -> Result<Self, JournalError> {
        let database = Arc::new(Database::at(target, options.connect_within).await?);
        let patience = if target.is_server() {
            options.start_within
        } else {
            Duration::ZERO
        };
        let mut connection = reach(&database, patience).await?;
        database.migrate(&mut connection).await?;
        let known = Known::default();
        issuers::complete(&mut connection, database.sql(), &known).await?;
        let readers = database.readers(options.readers.max(1)).await?;
        let ground = Ground {
            database,
            known: Arc::new(known),
            outage: Arc::default(),
            ailment: Arc::default(),
        };
        let (jobs, queued) = mpsc::channel(options.queue.max(1));
        let (records, recorded) = mpsc::channel(options.records.max(1));
        let writer = Writer::new(
            ground.clone(),
            connection,
            readers.clone(),
            queued,
            recorded,
            options.answer_within,
        );
        tokio::spawn(writer.run());
        Ok(Self {
            ground,
            leaves: Known::default(),
            issued: IssuedHere::default(),
            numbers: Numbers::new(),
            readers,
            jobs,
            records,
            dropped: AtomicU64::new(0),
            answer_within: options.answer_within,
            persist_within: options.persist_within,
        })
    }
}

/// The first connection, which a server may still be starting for.
async fn reach(database: &Database, patience: Duration) -> Result<AnyConnection, Fault> {
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        let fault = match database.connect_writer().await {
            Ok(connection) => return Ok(connection),
            Err(fault) => fault,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if fault.blame != Blame::Connection || left.is_zero() {
            return Err(fault);
        }
        if !told {
            let error = fault.to_error();
            tracing::warn!(%error, "the journal's database cannot be reached yet: trying again for {} s", left.as_secs());
            told = true;
        }
        tokio::time::sleep(TRY_AGAIN.min(left)).await;
    }
}
