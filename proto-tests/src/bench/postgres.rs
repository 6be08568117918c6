//! The PostgreSQL that a journal is measured on: a throw-away one, which `./proto-tests/with-postgres` starts.

use anyhow::Result;
use sqlx::{ConnectOptions as _, Executor as _, postgres::PgConnectOptions};

/// The variable with its URL, the same as the tests'.
const URL: &str = "CERTWAY_TEST_POSTGRES_URL";

/// Where it is, if there is one.
pub(crate) fn url() -> Option<String> {
    std::env::var(URL).ok().filter(|url| !url.is_empty())
}

/// Forgets everything in it.
pub(crate) fn forget() -> Result<()> {
    let Some(url) = url() else { return Ok(()) };
    let options: PgConnectOptions = url.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = options.connect().await?;
        let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
        connection.execute(empty).await?;
        Ok(())
    })
}
