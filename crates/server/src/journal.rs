//! `certway-ra journal`: what operators see of the journal, and have taken out of it.
//!
//! It reads the configuration of the service and the same database beside it, page by page: memory stays bounded and the service
//! undisturbed. Nothing that a front or an authority sealed is ever shown.

mod export;
mod lines;
mod list;
mod show;
mod view;

use std::io::{self, Write};

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use ra::JournalError;
use store::{History, Span, SqlJournal};

use crate::config::JournalConfig;
use crate::reload::Source;

pub use export::Kind;
pub use list::Filter;

/// What is asked of the journal.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// One line for each request, the latest first.
    List {
        #[command(flatten)]
        #[allow(missing_docs)] // clap would take it for the help of the command.
        filter: Filter,
        /// Lines at most.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u64,
    },
    /// Everything about one request, its decisions included, as JSON.
    Show {
        /// The request: 32 hexadecimal digits, as `list` and REST v2 have them.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Everything, as one JSON object a line, the oldest first. Messages and states of fronts and CAs are left out.
    Export {
        /// Of which kind; repeat it for several. Without: all.
        #[arg(long = "kind", value_name = "KIND")]
        kinds: Vec<Kind>,
        #[command(flatten)]
        #[allow(missing_docs)] // clap would take it for the help of the command.
        period: Period,
    },
    /// Delete now what the configuration no longer keeps (`journal.retention`).
    Compact,
}

/// From when to when.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Period {
    /// Begun since then: `2026-11-22T10:00:00Z`, or how long ago, as `90d`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Begun before then.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
}

impl Period {
    fn span(self) -> Span {
        Span::of(self.since, self.until)
    }

    fn has(self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Why it could not be done. Each is shown as it is.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration.
    #[error("the configuration cannot be used:\n{0}")]
    Config(crate::Problems),
    /// Nothing is kept.
    #[error(
        "the configuration names no database for the journal (`journal.url`): there is nothing to look at"
    )]
    InMemory,
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No such request.
    #[error("there is no request {0} in the journal")]
    NotFound(String),
    /// Something in the journal could not be read; everything else was shown.
    #[error("{0} entries cannot be read; the first one: {1}")]
    Damaged(u64, String),
    /// Whoever reads what is shown.
    #[error("it cannot be written down: {0}")]
    Output(#[from] io::Error),
}

/// Does as told, and writes the result to `out`.
///
/// # Errors
/// [`Failure`]
pub async fn run(source: Source, command: Command, out: &mut dyn Write) -> Result<(), Failure> {
    let loaded = source
        .load()
        .map_err(|(problems, _)| Failure::Config(problems))?;
    let done = act(&loaded.config.journal, command, out).await;
    match done.and_then(|()| Ok(out.flush()?)) {
        // `head` has seen enough.
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

async fn act(config: &JournalConfig, command: Command, out: &mut dyn Write) -> Result<(), Failure> {
    let database = config.database.as_ref().ok_or(Failure::InMemory)?;
    if let Command::Compact = command {
        let journal = SqlJournal::open(database, config.options.clone()).await?;
        let gone = journal.compact(&config.retention, Timestamp::now()).await;
        journal.close().await;
        let gone = gone?;
        let (entries, issuances, audit) = (gone.entries, gone.issuances, gone.audit);
        writeln!(
            out,
            "{entries} entries, {issuances} certificates and {audit} audit events deleted"
        )?;
        return Ok(());
    }
    let history = History::open(database, &config.options).await?;
    match command {
        Command::List { filter, limit } => list::list(&history, &filter, limit, out).await,
        Command::Show { id } => show::show(&history, &id, out).await,
        Command::Export { kinds, period } => export::export(&history, &kinds, period, out).await,
        Command::Compact => Ok(()),
    }
}

/// A time, or a span of time ago.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = crate::config::span(text).and_then(|span| SignedDuration::try_from(span).ok());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .ok_or_else(|| "a time as 2026-11-22T10:00:00Z, or how long ago, as 90d".to_owned())
}
