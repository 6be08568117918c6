use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr as _;
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
use crate::target::{Place, Postgres, Target};

/// In KiB. What they read are single rows by key; the system keeps the file's pages as well, and four caches of the usual 2 MiB would be most
/// of what the process holds.
const READER_CACHE: &str = "PRAGMA cache_size = -512";

/// Which database, and how to get connections to it.
pub(crate) struct Database {
    kind: Kind,
    /// How long a connection may take to come about.
    patience: Duration,
}

enum Kind {
    Sqlite(AnyConnectOptions),
    Postgres(Box<Postgres>),
}

impl Database {
    /// For SQLite, sees to it that a new file is for this user only.
    pub(crate) async fn at(target: &Target, patience: Duration) -> Result<Self, JournalError> {
        let made = match &target.0 {
            Place::Sqlite(url) => sqlite_url(url, true).await?,
            Place::Postgres(_) => String::new(),
        };
        Self::of(target, &made, patience)
    }

    /// Makes nothing.
    pub(crate) async fn already_at(
        target: &Target,
        patience: Duration,
    ) -> Result<Self, JournalError> {
        let there = match &target.0 {
            Place::Sqlite(url) => sqlite_url(url, false).await?,
            Place::Postgres(_) => String::new(),
        };
        Self::of(target, &there, patience)
    }

    fn of(target: &Target, sqlite: &str, patience: Duration) -> Result<Self, JournalError> {
        sqlx::any::install_default_drivers();
        let kind = match &target.0 {
            Place::Sqlite(_) => Kind::Sqlite(
                AnyConnectOptions::from_str(sqlite)
                    .map_err(unavailable)?
                    .disable_statement_logging(),
            ),
            Place::Postgres(postgres) => Kind::Postgres(postgres.clone()),
        };
        Ok(Self { kind, patience })
    }

    pub(crate) fn sql(&self) -> &'static Sql {
        match self.kind {
            Kind::Sqlite(_) => &SQLITE,
            Kind::Postgres(_) => &POSTGRES,
        }
    }

    /// Read anew: the password may be another by now.
    async fn options(&self) -> Result<AnyConnectOptions, Fault> {
        match &self.kind {
            Kind::Sqlite(options) => Ok(options.clone()),
            Kind::Postgres(postgres) => {
                let postgres = postgres.clone();
                // It reads a file.
                let options = tokio::task::spawn_blocking(move || postgres.options()).await;
                options
                    .map_err(|_| "the database's password could not be read".to_owned())
                    .and_then(|options| options)
                    .map_err(Fault::connection)
            }
        }
    }

    /// The one connection that writes.
    pub(crate) async fn connect_writer(&self) -> Result<AnyConnection, Fault> {
        let connecting = async {
            let mut connection = AnyConnection::connect_with(&self.options().await?).await?;
            match self.kind {
                Kind::Sqlite(_) => prepare_sqlite(&mut connection).await?,
                Kind::Postgres(_) => prepare_postgres(&mut connection).await?,
            }
            Ok(connection)
        };
        tokio::time::timeout(self.patience, connecting)
            .await
            .unwrap_or_else(|_| {
                Err(Fault::connection(
                    "the database cannot be reached in time: is it running?",
                ))
            })
    }

    /// Lets further connections of `readers` be made with the password as it is now.
    pub(crate) async fn refresh(&self, readers: &AnyPool) {
        if let (Kind::Postgres(_), Ok(options)) = (&self.kind, self.options().await) {
            readers.set_connect_options(options);
        }
    }

    /// Connections that only read.
    pub(crate) async fn readers(&self, most: u32) -> Result<AnyPool, Fault> {
        let connect = self.options().await?;
        let options = AnyPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(self.patience);
        Ok(match self.kind {
            Kind::Sqlite(_) => options
                // A file does not go away like a server does.
                .test_before_acquire(false)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        for pragma in ["PRAGMA query_only = ON", READER_CACHE] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                        Ok(())
                    })
                })
                .connect_lazy_with(connect),
            Kind::Postgres(_) => options.connect_lazy_with(connect),
        })
    }

    /// Brings the schema up to what this program knows, and makes sure that something can be written.
    pub(crate) async fn migrate(&self, connection: &mut AnyConnection) -> Result<(), JournalError> {
        let migrations = self.migrations();
        let known = newest(&migrations);
        let done = match self.kind {
            // SQLite has no lock for this but a transaction around all of it.
            Kind::Sqlite(_) => {
                let begun = connection.begin_with(self.sql().begin).await;
                let mut all = begun.map_err(unavailable)?;
                let done = migrations.run(&mut *all).await;
                match done {
                    Ok(()) => all.commit().await.map_err(MigrateError::from),
                    Err(_) => done,
                }
            }
            Kind::Postgres(_) => migrations.run(&mut *connection).await,
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

impl Database {
    /// Whether the schema is the one this program knows, for those who only read.
    pub(crate) async fn check_schema(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), JournalError> {
        let known = newest(&self.migrations());
        let found = sqlx::query("SELECT MAX(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(connection)
            .await
            .and_then(|row| row.try_get::<Option<i64>, _>(0));
        match found {
            Ok(Some(found)) if found == known => Ok(()),
            Ok(Some(found)) if found > known => Err(JournalError::SchemaTooNew { found, known }),
            Ok(_) => Err(Fault::store("the journal was written by an earlier program: start this one's service once, it brings the schema up to date").into()),
            Err(sqlx::Error::Database(e)) if e.message().contains("_sqlx_migrations") => {
                Err(Fault::store("there is no journal in this database: start the service once").into())
            }
            Err(e) => Err(unavailable(e)),
        }
    }

    fn migrations(&self) -> Migrator {
        match self.kind {
            Kind::Sqlite(_) => migrations(&[
                include_str!("../migrations/sqlite/0001_journal.sql"),
                include_str!("../migrations/sqlite/0002_correlation.sql"),
                include_str!("../migrations/sqlite/0003_look_up.sql"),
            ]),
            Kind::Postgres(_) => migrations(&[
                include_str!("../migrations/postgres/0001_journal.sql"),
                include_str!("../migrations/postgres/0002_correlation.sql"),
                include_str!("../migrations/postgres/0003_look_up.sql"),
            ]),
        }
    }
}

fn newest(migrations: &Migrator) -> i64 {
    let versions = migrations.iter().map(|migration| migration.version);
    versions.max().unwrap_or_default()
}

/// A server may be set to answer before anything is on disk; what this journal says is durable must be.
const DURABLE_POSTGRES: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// What a process that was cut off holds must not keep the others waiting for as long as TCP takes to notice.
const FORGOTTEN_POSTGRES: &str =
    "SELECT set_config('idle_in_transaction_session_timeout', '30s', false)";

async fn prepare_postgres(connection: &mut AnyConnection) -> Result<(), Fault> {
    for setting in [DURABLE_POSTGRES, FORGOTTEN_POSTGRES] {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
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

/// How often, and how far apart, the write-ahead log is asked for while another process has the file.
const ATTEMPTS: u32 = 100;
const APART: Duration = Duration::from_millis(20);

/// The change to a write-ahead log takes the whole file for a moment, and SQLite does not wait for that as it waits elsewhere: a process
/// that starts beside this one may have it.
async fn write_ahead(connection: &mut AnyConnection) -> Result<String, sqlx::Error> {
    for _ in 1..ATTEMPTS {
        match sqlx::query("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await
        {
            Err(error) if is_busy(&error) => tokio::time::sleep(APART).await,
            asked => return asked?.try_get(0),
        }
    }
    let asked = sqlx::query("PRAGMA journal_mode = WAL").fetch_one(connection);
    asked.await?.try_get(0)
}

/// SQLITE_BUSY or SQLITE_LOCKED, of whatever kind.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok());
    matches!(code.map(|code| code & 0xff), Some(5 | 6))
}

/// NORMAL would lose acknowledged rows at a power failure. secure_delete: what ended leaves no message behind. temp_store: a statement of
/// many rows notes the pages it changes, should one of them fail, and would make and unlink a file for them in most batches.
const SQLITE_WRITER: [&str; 3] = [
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = FAST",
    "PRAGMA temp_store = MEMORY",
];

async fn prepare_sqlite(connection: &mut AnyConnection) -> Result<(), Fault> {
    let mode = write_ahead(connection).await?;
    if mode != "wal" {
        return Err(Fault::store(
            "SQLite cannot keep a write-ahead log beside this file: put it on a local disk, in a directory this user may write to",
        ));
    }
    for pragma in SQLITE_WRITER {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The URL with the path made absolute, and the file made if it `may_be_made` and the URL does not say that it must be there.
async fn sqlite_url(url: &str, may_be_made: bool) -> Result<String, JournalError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut options = SqliteConnectOptions::from_str(url).map_err(unavailable)?;
    let path = std::path::absolute(options.get_filename())
        .map_err(|e| Fault::store(format!("the database URL names no usable path ({e})")))?;
    if may_be_made && !query.contains("mode=") {
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

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(connection: &mut AnyConnection, pragma: &'static str) -> i64 {
        let asked = sqlx::query(pragma).fetch_one(connection).await;
        asked.unwrap().try_get(0).unwrap()
    }

    #[tokio::test]
    async fn the_writer_of_sqlite_syncs_each_commit_and_makes_no_files_beside_the_log() {
        let dir = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}/journal.db", dir.path().display());
        let target = Target::parse(&url).unwrap();
        let database = Database::at(&target, Duration::from_secs(5)).await.unwrap();
        let mut writer = database.connect_writer().await.unwrap();
        let (full, memory) = (2, 2);
        assert_eq!(asked(&mut writer, "PRAGMA synchronous").await, full);
        assert_eq!(asked(&mut writer, "PRAGMA temp_store").await, memory);
    }

    #[tokio::test]
    async fn sqlite_is_compiled_with_what_cargo_config_says() {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect("sqlite::memory:").await.unwrap();
        let used = "SELECT sqlite_compileoption_used('DEFAULT_MEMSTATUS=0')";
        assert_eq!(asked(&mut connection, used).await, 1);
    }
}
