//! What takes long and stands behind `--long`: a million enrollments in one process, and a journal that is full already.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::cells::Cell;
use super::figures::Figures;
use super::load::{Bench, one_thread};
use super::process;

/// How many enrollments one process does.
pub(crate) const ENROLLMENTS: f64 = 1e6;
/// After how many its memory is looked at.
const LOOK: f64 = 1e5;
/// Seconds of load between two looks at the count.
const CHUNK: Duration = Duration::from_secs(5);
/// How many rows an old journal has, and a new one.
pub(crate) const OLD: i64 = 10_000_000;
pub(crate) const NEW: i64 = 1_000;
/// Rows of one statement.
const AT_ONCE: i64 = 100_000;

/// Memory after so many enrollments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) enrollments: f64,
    pub(crate) resident: f64,
}

impl Bench<'_> {
    /// Enrolls until [`ENROLLMENTS`] are done, looking at the memory on the way.
    pub(crate) fn million(&self, cell: &Cell, clients: usize) -> Result<Vec<Look>> {
        let pid = self.ra()?.program.id();
        let chunk = Bench {
            measured: CHUNK,
            ..*self
        };
        let (mut done, mut looks) = (0.0, Vec::new());
        while done < ENROLLMENTS {
            let figures = chunk.measure(cell, clients)?;
            done += figures.rate * CHUNK.as_secs_f64();
            if done >= LOOK * (looks.len() + 1) as f64 {
                let resident = process::resident(pid)?;
                eprintln!(
                    "{done:.0} enrollments: {resident:.1} MiB, {:.0}/s",
                    figures.rate
                );
                looks.push(Look {
                    enrollments: done,
                    resident,
                });
            }
        }
        Ok(looks)
    }

    /// The same cell several times; the median.
    pub(crate) fn steady(&self, cell: &Cell, clients: usize) -> Result<Figures> {
        let figures = (0..5).map(|_| self.measure(cell, clients));
        let figures: Vec<Figures> = figures.collect::<Result<_>>()?;
        Ok(super::figures::median(&figures))
    }
}

/// Fills a journal that certway-ra has made, and that nobody has open, with enrollments that ended before the first one in it: request,
/// outcome, certificate and audit events of the sizes that it writes.
pub(crate) fn fill(journal: &Path, rows: i64) -> Result<()> {
    one_thread()?.block_on(async {
        let mut connection = SqliteConnectOptions::new()
            .filename(journal)
            .connect()
            .await?;
        let sizes = Sizes::of(&mut connection).await?;
        for pragma in ["PRAGMA synchronous = OFF", "PRAGMA cache_size = -2000000"] {
            sqlx::query(pragma).execute(&mut connection).await?;
        }
        let mut left = rows;
        while left > 0 {
            let now = left.min(AT_ONCE);
            sizes
                .insert(&mut connection, sizes.first - left, now)
                .await?;
            left -= now;
        }
        connection.close().await?;
        Ok(())
    })
}

/// What certway-ra wrote itself: the filler is like it.
struct Sizes {
    first: i64,
    head: i64,
    front: i64,
    phase: i64,
    certificate: i64,
    name: i64,
    detail: i64,
}

impl Sizes {
    async fn of(connection: &mut SqliteConnection) -> Result<Self> {
        let one = "SELECT j.id, length(j.head), length(j.front), length(o.phase), length(i.certificate), length(i.name), \
                   (SELECT avg(length(detail)) FROM audit), (SELECT min(id) FROM journal) \
                   FROM journal j JOIN outcome o ON o.id = j.id JOIN issuance i ON i.id = j.id LIMIT 1";
        let row = sqlx::query(one).fetch_optional(connection).await?;
        let row = row.context("the journal has no certificate to take the sizes from")?;
        let size = |at: usize| row.try_get::<i64, _>(at);
        let first = size(7)?;
        ensure!(first > OLD, "the numbers of the journal's rows");
        Ok(Self {
            first,
            head: size(1)?,
            front: size(2)?,
            phase: size(3)?,
            certificate: size(4)?,
            name: size(5)?,
            detail: row.try_get::<f64, _>(6)? as i64,
        })
    }

    async fn insert(&self, connection: &mut SqliteConnection, from: i64, count: i64) -> Result<()> {
        let Self {
            head,
            front,
            phase,
            certificate,
            name,
            detail,
            ..
        } = *self;
        let numbers = format!(
            "WITH RECURSIVE n(id) AS (VALUES ({from}) UNION ALL SELECT id + 1 FROM n LIMIT {count})"
        );
        let mut transaction = connection.begin().await?;
        for insert in [
            format!(
                "INSERT INTO journal (id, ikey, fingerprint, head, front) {numbers} \
                 SELECT id, randomblob(16), randomblob(32), randomblob({head}), randomblob({front}) FROM n"
            ),
            format!(
                "INSERT INTO outcome (id, phase) {numbers} SELECT id, randomblob({phase}) FROM n"
            ),
            format!(
                "INSERT INTO issuance (id, name, certificate, authority, owner, entry, not_after) {numbers} \
                 SELECT id, randomblob({name}), randomblob({certificate}), 'lean', 'mtls', randomblob(16), \
                 4000000000000000 + id % 1000000 FROM n"
            ),
            format!(
                "INSERT INTO audit (at, kind, entry, credential, label, serial, detail) {numbers} \
                 SELECT 1700000000000000 + id % 1000000000, CASE WHEN k THEN 'begun' ELSE 'confirmed' END, randomblob(16), 'mtls', \
                 'lean', NULL, hex(randomblob({detail} / 2)) FROM n, (SELECT 0 AS k UNION ALL SELECT 1)"
            ),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(insert))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
