use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};

use super::bind::Bound;
use super::{held, ids, many};
use crate::fault::Fault;
use crate::rows::{AuditRow, Held, Prune, Work};
use crate::sql::{Multi, Sql};

/// What comes one by one.
pub(super) async fn single<'w>(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    works: &'w [Work],
    got: &mut [Vec<Held>],
    audit: &mut Vec<&'w AuditRow>,
) -> Result<(), Fault> {
    for (place, work) in works.iter().enumerate() {
        match work {
            Work::Begin(_) | Work::Write(_) => {}
            Work::Record(row) => audit.push(row),
            Work::Prune(old) => got[place] = prune(connection, sql, old).await?,
            Work::Hasten(put_off) => {
                let hastened = listed(connection, &sql.hasten, put_off, |query, row| {
                    query.bind(row.row).bind(row.due).bind(row.to)
                });
                got[place] = rows_of(&hastened.await?)?;
            }
            Work::Claim {
                key,
                lease,
                believed,
                fence,
            } => {
                let claim = sqlx::query(&*sql.claim).bind(&key[..]).bind(*lease);
                let claim = claim.bind(*believed);
                let mut row = claim.fetch_optional(&mut *connection).await?;
                if row.is_none() {
                    // Nothing of a finished entry is in the table of what moves.
                    let reclaim = sqlx::query(&*sql.reclaim)
                        .bind(&key[..])
                        .bind(*fence)
                        .bind(*lease);
                    row = reclaim
                        .bind(&[][..])
                        .fetch_optional(&mut *connection)
                        .await?;
                }
                got[place] = row.as_ref().map(held).transpose()?.into_iter().collect();
            }
            Work::ClaimDue {
                most,
                now,
                lease,
                believed,
            } => {
                let claim = sqlx::query(&*sql.claim_due)
                    .bind(*now)
                    .bind(*most)
                    .bind(*lease)
                    .bind(*believed);
                let mut rows = claim.fetch_all(&mut *connection).await?;
                rows.sort_by_key(|row| row.try_get::<i64, _>(2).unwrap_or_default());
                got[place] = rows.iter().map(held).collect::<Result<_, _>>()?;
            }
            Work::HandOver(Held { row, fence }) => {
                sqlx::query(sql.hand_over)
                    .bind(*row)
                    .bind(*fence)
                    .execute(&mut *connection)
                    .await?;
            }
            Work::Release(Held { row, fence }) => {
                let idle = sqlx::query(sql.release_idle)
                    .bind(*row)
                    .bind(*fence)
                    .bind(&[][..]);
                if idle.execute(&mut *connection).await?.rows_affected() == 0 {
                    sqlx::query(sql.release)
                        .bind(*row)
                        .bind(*fence)
                        .execute(&mut *connection)
                        .await?;
                }
            }
        }
    }
    Ok(())
}

/// Says which rows are gone.
async fn prune(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    old: &Prune,
) -> Result<Vec<Held>, Fault> {
    let gone = match old {
        Prune::Entries(rows) => {
            let gone = listed(connection, &sql.prune_journal, rows, |query, row| {
                query.bind(*row)
            });
            let gone = gone.await?;
            let ids: Vec<i64> = ids(&gone)?.into_iter().collect();
            listed(connection, &sql.prune_outcome, &ids, |query, row| {
                query.bind(*row)
            })
            .await?;
            gone
        }
        Prune::Issuances(rows) => {
            let gone = listed(connection, &sql.prune_issuance, rows, |query, row| {
                query.bind(*row)
            });
            let gone = gone.await?;
            let names = gone.iter().map(|row| row.try_get::<Vec<u8>, _>(1));
            let names = names.collect::<Result<Vec<_>, _>>()?;
            listed(connection, &sql.prune_revocation, &names, |query, name| {
                query.bind(&name[..])
            })
            .await?;
            gone
        }
        Prune::Audit { after, to, before } => {
            let query = sqlx::query(&*sql.prune_audit).persistent(false);
            let query = query.bind(*after).bind(*to).bind(*before);
            query.fetch_all(connection).await?
        }
    };
    rows_of(&gone)
}

/// Rows that somebody changed without a claim.
fn rows_of(rows: &[AnyRow]) -> Result<Vec<Held>, Fault> {
    let held = |row: &AnyRow| {
        Ok(Held {
            row: row.try_get(0)?,
            fence: 0,
        })
    };
    rows.iter().map(held).collect()
}

/// As [`many`], for statements that are too rare to be kept prepared.
async fn listed<'r, T>(
    connection: &mut AnyConnection,
    statement: &'static Multi,
    rows: &'r [T],
    bind: impl Fn(Bound<'r>, &'r T) -> Bound<'r>,
) -> Result<Vec<AnyRow>, sqlx::Error> {
    many(connection, statement, rows, |query, row| {
        bind(query.persistent(false), row)
    })
    .await
}
