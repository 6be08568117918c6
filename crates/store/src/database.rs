use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use ra::JournalError;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _,
};

use crate::fault::{Fault, unavailable};
use crate::sql::{POSTGRES, SQLITE, Sql};

/// Which database, and how to get connections to it.
pub(crate) struct Database {
    kind: Kind,
    options: AnyConnectOptions,
    /// How long a connection may take to come about.
    patience: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
}

impl Database {
    /// Reads a URL; for SQLite, sees to it that a new file is for this user only.
    pub(crate) async fn at(url: &str, patience: Duration) -> Result<Self, JournalError> {
        sqlx::any::install_default_drivers();
        let (kind, url) = match url.split_once(':') {
            Some(("sqlite", _)) => (Kind::Sqlite, sqlite_url(url).await?),
            Some(("postgres" | "postgresql", _)) => (Kind::Postgres, url.to_owned()),
            _ => {
                return Err(Fault::store(
                    "the database URL must begin with sqlite:// or postgres://",
                )
                .into());
            }
        };
        let options = AnyConnectOptions::from_str(&url)
            .map_err(unavailable)?
            .disable_statement_logging();
        Ok(Self {
            kind,
            options,
            patience,
        })
    }

    pub(crate) fn sql(&self) -> &'static Sql {
        match self.kind {
            Kind::Sqlite => &SQLITE,
            Kind::Postgres => &POSTGRES,
        }
    }

    /// The one connection that writes.
    pub(crate) async fn connect_writer(&self) -> Result<AnyConnection, Fault> {
        let connecting = async {
            let mut connection = AnyConnection::connect_with(&self.options).await?;
            match self.kind {
                Kind::Sqlite => prepare_sqlite(&mut connection).await?,
                Kind::Postgres => prepare_postgres(&mut connection).await?,
            }
            Ok(connection)
        };
        tokio::time::timeout(self.patience, connecting)
            .await
            .unwrap_or_else(|_| {
                Err(Fault::store(
                    "the database cannot be reached in time: is it running?",
                ))
            })
    }

    /// Connections that only read.
    pub(crate) fn readers(&self, most: u32) -> AnyPool {
        let options = AnyPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(self.patience);
        match self.kind {
            Kind::Sqlite => options
                // A file does not go away like a server does.
                .test_before_acquire(false)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        sqlx::query("PRAGMA query_only = ON")
                            .execute(connection)
                            .await
                            .map(drop)
                    })
                })
                .connect_lazy_with(self.options.clone()),
            Kind::Postgres => options.connect_lazy_with(self.options.clone()),
        }
    }

    /// Brings the schema up to what this program knows, and makes sure that something can be written.
    pub(crate) async fn migrate(&self, connection: &mut AnyConnection) -> Result<(), JournalError> {
        let migrations = match self.kind {
            Kind::Sqlite => migrations(&[
                include_str!("../migrations/sqlite/0001_journal.sql"),
                include_str!("../migrations/sqlite/0002_correlation.sql"),
            ]),
            Kind::Postgres => migrations(&[
                include_str!("../migrations/postgres/0001_journal.sql"),
                include_str!("../migrations/postgres/0002_correlation.sql"),
            ]),
        };
        let known = migrations
            .iter()
            .map(|migration| migration.version)
            .max()
            .unwrap_or_default();
        let done = match self.kind {
            // SQLite has no lock for this but a transaction around all of it.
            Kind::Sqlite => {
                let begun = connection.begin_with(self.sql().begin).await;
                let mut all = begun.map_err(unavailable)?;
                let done = migrations.run(&mut *all).await;
                match done {
                    Ok(()) => all.commit().await.map_err(MigrateError::from),
                    Err(_) => done,
                }
            }
            Kind::Postgres => migrations.run(&mut *connection).await,
        };
        match done {
            // Of nothing: whether anything can be written shows now, not with the first request.
            Ok(()) => {
                let probe = sqlx::query(self.sql().forget_running).bind(-1_i64);
                probe
                    .execute(connection)
                    .await
                    .map_err(unavailable)
                    .map(drop)
            }
            Err(MigrateError::VersionMissing(found)) if found > known => {
                Err(JournalError::SchemaTooNew { found, known })
            }
            Err(MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _)) => {
                Err(unavailable(e))
            }
            Err(e) => {
                let why = format!("the schema cannot be brought up to date: {e}");
                Err(Fault::store(why).into())
            }
        }
    }
}

/// A server may be set to answer before anything is on disk; what this journal says is durable must be.
const DURABLE_POSTGRES: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

async fn prepare_postgres(connection: &mut AnyConnection) -> Result<(), Fault> {
    sqlx::query(DURABLE_POSTGRES)
        .execute(&mut *connection)
        .await?;
    let encoding = "SELECT current_setting('server_encoding')";
    let encoding: String = sqlx::query(encoding)
        .fetch_one(connection)
        .await?
        .try_get(0)?;
    if encoding != "UTF8" {
        return Err(Fault::store(format!(
            "the database has encoding {encoding} and could not hold every name: create it with encoding UTF8"
        )));
    }
    Ok(())
}

async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), Fault> {
    let mode: String = sqlx::query("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    if mode != "wal" {
        return Err(Fault::store(
            "SQLite cannot keep a write-ahead log beside this file: put it on a local disk, in a directory this user may write to",
        ));
    }
    // NORMAL would lose acknowledged rows at a power failure. secure_delete: what ended leaves no message behind.
    for pragma in ["PRAGMA synchronous = FULL", "PRAGMA secure_delete = FAST"] {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The URL with the path made absolute and the file made, if the URL does not say that it must be there.
async fn sqlite_url(url: &str) -> Result<String, JournalError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    if url.contains(":memory:") || query.contains("mode=memory") {
        return Err(Fault::store("a journal in memory would forget what was issued: name a file, as sqlite:///path/file.db").into());
    }
    let mut options = SqliteConnectOptions::from_str(url).map_err(unavailable)?;
    let path = std::path::absolute(options.get_filename())
        .map_err(|e| Fault::store(format!("the database URL names no usable path ({e})")))?;
    let must_be_there = query.contains("mode=");
    if !must_be_there {
        create(&path).await?;
        options = options.create_if_missing(true);
    }
    Ok(options.filename(path).to_url_lossy().into())
}

/// The rows hold names and sealed messages: nobody else's to read. The log beside the file takes over its mode.
async fn create(path: &Path) -> Result<(), JournalError> {
    let mut file = tokio::fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    file.mode(0o600);
    match file.open(path).await {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Fault::store(format!(
            "{} cannot be made ({e}): check that the directory exists and that this user may write to it",
            path.display()
        ))
        .into()),
    }
}

fn migrations(texts: &[&'static str]) -> Migrator {
    let numbered = (1..).zip(texts).map(|(version, text)| {
        Migration::new(
            version,
            Cow::Borrowed("journal"),
            MigrationType::Simple,
            text.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(numbered.collect())
}
