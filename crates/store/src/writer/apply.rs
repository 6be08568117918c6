mod alone;
mod bind;
mod single;
mod together;
mod writes;

use std::collections::HashSet;

use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, Connection as _, Row as _, Transaction};

use self::bind::{Bound, bind_audit, bind_journal, bind_running};
use self::single::single;
use self::together::Plain;
use self::writes::writes;
use crate::fault::Fault;
use crate::known::Known;
use crate::rows::{AuditRow, BeginRow, Held, Work};
use crate::sql::{Multi, Sql, Told};

/// Does all of `works` or nothing, and says which rows each got hold of.
///
/// Rows are written in the order of their keys, tables always in the same order, so that processes on one database
/// wait for each other instead of deadlocking.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    known: &Known,
    works: &[Work],
) -> Result<Vec<Vec<Held>>, Fault> {
    let mut got = vec![Vec::new(); works.len()];
    if let ([work], Some(texts)) = (works, &sql.alone)
        && let Some(transaction) = alone::transaction(texts, known, work)
    {
        got[0] = alone::run(connection, transaction, work).await?;
        return Ok(got);
    }
    if let [Work::Claim { .. } | Work::ClaimDue { .. } | Work::Release(_) | Work::Record(_)] = works
    {
        // One statement is a transaction by itself; where two are needed, each is right alone.
        let mut audit = Vec::new();
        single(connection, sql, works, &mut got, &mut audit).await?;
        many(connection, &sql.insert_audit, &audit, |query, row| {
            bind_audit(query, row)
        })
        .await?;
        return Ok(got);
    }
    if let Some(plain) = Plain::of(works, known, sql.together.told)
        && plainly(connection, sql, works, plain, &mut got).await?
    {
        return Ok(got);
    }
    let mut transaction = connection.begin_with(sql.begin).await?;
    let mut audit = begins(&mut transaction, sql, works, &mut got).await?;
    let stored = writes(&mut transaction, sql, known, works, &mut got, &mut audit).await?;
    single(&mut transaction, sql, works, &mut got, &mut audit).await?;
    finish(transaction, sql, &audit).await?;
    stored.remember(known);
    Ok(got)
}

/// What is begun and written by a text for each kind; false if that could not be done for every row, and nothing was.
async fn plainly(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    works: &[Work],
    plain: Plain<'_>,
    got: &mut [Vec<Held>],
) -> Result<bool, Fault> {
    let told = sql.together.told;
    let (mut pieces, all) = plain.pieces(&sql.together, works);
    if told == Told::Rows
        && all
        && pieces.len() == 1
        && let Some(only) = pieces.pop()
    {
        // One statement is a transaction by itself.
        let done = only.run(connection, told, got).await;
        return done.map_err(Fault::at_commit);
    }
    let mut transaction = connection.begin_with(sql.begin).await?;
    for piece in pieces {
        if !piece.run(&mut transaction, told, got).await? {
            transaction.rollback().await?;
            got.fill(Vec::new());
            return Ok(false);
        }
    }
    let mut audit = Vec::new();
    single(&mut transaction, sql, works, got, &mut audit).await?;
    finish(transaction, sql, &audit).await?;
    Ok(true)
}

async fn finish(
    mut transaction: Transaction<'_, Any>,
    sql: &'static Sql,
    audit: &[&AuditRow],
) -> Result<(), Fault> {
    many(&mut transaction, &sql.insert_audit, audit, |query, row| {
        bind_audit(query, row)
    })
    .await?;
    let committed = transaction.commit().await;
    committed.map_err(|e| Fault::from(e).at_commit())
}

async fn begins<'w>(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    works: &'w [Work],
    got: &mut [Vec<Held>],
) -> Result<Vec<&'w AuditRow>, Fault> {
    let mut rows: Vec<(usize, &BeginRow)> = works
        .iter()
        .enumerate()
        .filter_map(|(place, work)| match work {
            Work::Begin(row) => Some((place, &**row)),
            _ => None,
        })
        .collect();
    rows.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
    for old in rows.iter().filter_map(|(_, row)| row.retire) {
        sqlx::query(sql.forget_running)
            .bind(old)
            .execute(&mut *connection)
            .await?;
        sqlx::query(sql.retire)
            .bind(old)
            .execute(&mut *connection)
            .await?;
    }
    let fresh = ids(
        &many(connection, &sql.insert_journal, &rows, |query, (_, row)| {
            bind_journal(query, row)
        })
        .await?,
    )?;
    rows.retain(|(_, row)| fresh.contains(&row.row));
    rows.sort_by_key(|(_, row)| row.row);
    many(connection, &sql.insert_running, &rows, |query, (_, row)| {
        bind_running(query, row)
    })
    .await?;
    for (place, row) in &rows {
        got[*place] = vec![Held {
            row: row.row,
            fence: 1,
        }];
    }
    Ok(rows.into_iter().map(|(_, row)| &row.audit).collect())
}

async fn many<'r, T>(
    connection: &mut AnyConnection,
    statement: &'static Multi,
    rows: &'r [T],
    bind: impl Fn(Bound<'r>, &'r T) -> Bound<'r>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut returned = Vec::new();
    for (text, rows) in statement.cut(rows) {
        let query = rows.iter().fold(sqlx::query(text), &bind);
        returned.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(returned)
}

fn ids(rows: &[AnyRow]) -> Result<HashSet<i64>, sqlx::Error> {
    rows.iter().map(|row| row.try_get(0)).collect()
}

fn held(row: &AnyRow) -> Result<Held, sqlx::Error> {
    Ok(Held {
        row: row.try_get(0)?,
        fence: row.try_get(1)?,
    })
}
