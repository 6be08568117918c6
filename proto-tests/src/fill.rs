//! A journal with many rows, quickly: the newest finished request of a journal, multiplied by SQL.
//!
//! The copies differ from it in what has to differ: number, key, the certificate's name. They are older than it, so that what the
//! service writes afterwards is appended as it would be after years.

use anyhow::{Context as _, Result, bail};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// Copies made in one transaction.
const AT_ONCE: i64 = 100_000;
/// Between two numbers of rows, which have milliseconds in their upper bits.
const STEP: i64 = 1 << 10;

/// Adds `rows` finished requests to the journal at `url`, which a service has made and enrolled something in, and does not use now.
///
/// # Errors
/// Those of the database, and a journal without a finished request.
pub async fn fill(url: &str, rows: i64) -> Result<()> {
    sqlx::any::install_default_drivers();
    let mut journal = AnyConnection::connect(url).await?;
    let postgres = url.starts_with("postgres");
    let numbers = if postgres {
        "generate_series(CAST($1 AS BIGINT), CAST($2 AS BIGINT)) AS n(n)"
    } else {
        "(WITH RECURSIVE n(n) AS (SELECT $1 UNION ALL SELECT n + 1 FROM n WHERE n < $2) SELECT n FROM n) AS n"
    };
    let random = if postgres {
        "uuid_send(gen_random_uuid())"
    } else {
        "randomblob(16)"
    };
    // A crash while filling leaves nothing that anyone wants to keep.
    let hurry: &[&str] = if postgres {
        &["SET synchronous_commit = off"]
    } else {
        &[
            "PRAGMA synchronous = OFF",
            "PRAGMA cache_size = -500000",
            "PRAGMA wal_autocheckpoint = 20000",
        ]
    };
    for setting in hurry {
        journal.execute(*setting).await?;
    }
    let newest = "SELECT j.id FROM journal j JOIN issuance i ON i.id = j.id \
         LEFT JOIN running r ON r.id = j.id WHERE r.id IS NULL ORDER BY j.id DESC LIMIT 1";
    let Some(row) = journal.fetch_optional(newest).await? else {
        bail!("the journal has no finished enrollment to multiply");
    };
    let model: i64 = row.try_get(0)?;
    let oldest = journal.fetch_one("SELECT MIN(id) FROM journal").await?;
    let first = oldest.try_get::<i64, _>(0)? - (rows + 1) * STEP;

    // What is scattered is sorted once at the end instead of being looked up for every row.
    let indexes = [
        (
            "journal_ikey",
            "CREATE UNIQUE INDEX journal_ikey ON journal (ikey) WHERE retired = 0",
        ),
        (
            "issuance_name",
            "CREATE INDEX issuance_name ON issuance (name)",
        ),
        (
            "issuance_not_after",
            "CREATE INDEX issuance_not_after ON issuance (not_after)",
        ),
        (
            "audit_journal_id",
            "CREATE INDEX audit_journal_id ON audit (journal_id)",
        ),
    ];
    for (name, _) in indexes {
        let drop = format!("DROP INDEX IF EXISTS {name}");
        journal.execute(AssertSqlSafe(drop)).await?;
    }
    let id = format!("{first} + n.n * {STEP}");
    let copies = [
        format!(
            "INSERT INTO journal (id, ikey, retired, fingerprint, head, front, correlation) \
             SELECT {id}, {random}, 0, m.fingerprint, m.head, m.front, m.correlation \
             FROM journal m CROSS JOIN {numbers} WHERE m.id = {model}"
        ),
        format!(
            "INSERT INTO outcome (id, phase, front, leaf) SELECT {id}, m.phase, m.front, m.leaf \
             FROM outcome m CROSS JOIN {numbers} WHERE m.id = {model}"
        ),
        format!(
            "INSERT INTO issuance (id, name, certificate, authority, owner, entry, not_after) \
             SELECT {id}, {random}, m.certificate, m.authority, m.owner, m.entry, m.not_after \
             FROM issuance m CROSS JOIN {numbers} WHERE m.id = {model}"
        ),
        format!(
            "INSERT INTO audit (at, kind, entry, credential, label, serial, detail, correlation, journal_id) \
             SELECT m.at, m.kind, m.entry, m.credential, m.label, m.serial, m.detail, m.correlation, {id} \
             FROM audit m CROSS JOIN {numbers} WHERE m.journal_id = {model}"
        ),
    ];
    let mut done = 0;
    while done < rows {
        let until = (done + AT_ONCE).min(rows);
        let mut all = journal.begin().await?;
        for copy in &copies {
            let query = sqlx::query(AssertSqlSafe(copy.clone()));
            let query = query.bind(done + 1).bind(until);
            query.execute(&mut *all).await.context(copy.clone())?;
        }
        all.commit().await?;
        done = until;
    }
    for (_, make) in indexes {
        journal.execute(make).await?;
    }
    let tidy = if postgres {
        "ANALYZE"
    } else {
        "PRAGMA wal_checkpoint(TRUNCATE)"
    };
    journal.execute(tidy).await?;
    journal.close().await?;
    Ok(())
}
