use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ra::Journal;
use ra::memory::MemoryJournal;
use sqlx::{AnyConnection, Connection as _};
use store::{Options, SqlJournal, Target};
use tempfile::TempDir;

/// Where a journal keeps things; gone with the test.
pub(crate) struct Place {
    url: Option<String>,
    dir: TempDir,
}

impl Place {
    pub(crate) async fn memory() -> Option<Self> {
        Some(Self {
            url: None,
            dir: TempDir::new().unwrap(),
        })
    }

    pub(crate) async fn sqlite() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite://{}/journal.db", dir.path().display());
        Some(Self {
            url: Some(url),
            dir,
        })
    }

    /// A database of its own on the server that the environment names.
    pub(crate) async fn postgres() -> Option<Self> {
        Self::postgres_in("UTF8").await
    }

    pub(crate) async fn postgres_in(encoding: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("CERTWAY_TEST_POSTGRES_URL") else {
            eprintln!("CERTWAY_TEST_POSTGRES_URL is not set: PostgreSQL is not asked");
            return None;
        };
        let name = format!(
            "certway_test_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&server).await.unwrap();
        for statement in [
            format!("DROP DATABASE IF EXISTS {name}"),
            format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let (address, options) = server.split_once('?').unwrap_or((&server, ""));
        let (host, _) = address.rsplit_once('/').unwrap();
        Some(Self {
            url: Some(format!("{host}/{name}?{options}")),
            dir: TempDir::new().unwrap(),
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().unwrap()
    }

    pub(crate) fn target(&self) -> Target {
        Target::parse(self.url()).unwrap()
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) async fn open(&self) -> Arc<dyn Journal> {
        match self.url {
            Some(_) => Arc::new(self.open_sql().await),
            None => Arc::new(MemoryJournal::by_system_clock()),
        }
    }

    pub(crate) async fn open_sql(&self) -> SqlJournal {
        SqlJournal::open(&self.target(), Options::default())
            .await
            .unwrap()
    }

    /// A look past the journal.
    pub(crate) async fn look(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(self.url()).await.unwrap()
    }
}
