mod alone;
mod together;

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use ra::Lease;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Connection as _, Row as _, Transaction};

use crate::fault::Fault;
use crate::known::{Digest, Known};
use crate::rows::{AuditRow, BeginRow, Held, IssuanceRow, IssuerName, Prune, Work, WriteRow, span};
use crate::sql::{Multi, Sql};
use together::Plain;

type Bound<'q> = Query<'q, Any, AnyArguments>;

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
    if let Some(texts) = &sql.together
        && let Some(plain) = Plain::of(works, known)
    {
        let mut transaction = connection.begin_with(sql.begin).await?;
        if plain.write(&mut transaction, texts, &mut got).await? {
            let mut audit = Vec::new();
            single(&mut transaction, sql, works, &mut got, &mut audit).await?;
            return finish(transaction, sql, &audit).await.map(|()| got);
        }
        transaction.rollback().await?;
    }
    let mut transaction = connection.begin_with(sql.begin).await?;
    let mut audit = begins(&mut transaction, sql, works, &mut got).await?;
    let stored = writes(&mut transaction, sql, known, works, &mut got, &mut audit).await?;
    single(&mut transaction, sql, works, &mut got, &mut audit).await?;
    finish(transaction, sql, &audit).await?;
    stored.remember(known);
    Ok(got)
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

/// What is durable once the transaction is.
struct Stored {
    certificates: Vec<(Digest, pki::Certificate)>,
    issuers: Vec<(Digest, IssuerName)>,
}

impl Stored {
    fn remember(self, known: &Known) {
        for (digest, certificate) in self.certificates {
            known.add(digest, certificate);
        }
        for (digest, _) in self.issuers {
            known.add_issuer(digest);
        }
    }
}

async fn writes<'w>(
    connection: &mut AnyConnection,
    sql: &'static Sql,
    known: &Known,
    works: &'w [Work],
    got: &mut [Vec<Held>],
    audit: &mut Vec<&'w AuditRow>,
) -> Result<Stored, Fault> {
    let mut rows: Vec<(usize, &WriteRow)> = works
        .iter()
        .enumerate()
        .filter_map(|(place, work)| match work {
            Work::Write(row) => Some((place, &**row)),
            _ => None,
        })
        .collect();
    rows.sort_by_key(|(_, row)| row.held.row);
    let (ending, moving): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|(_, row)| row.ends());
    // Whose fence does not hold gets nothing back here, and nothing of it is written.
    let ended = many(connection, &sql.end_running, &ending, |query, (_, row)| {
        bind_ending(query, row)
    });
    let mut held = ids(&ended.await?)?;
    let moved = many(connection, &sql.move_running, &moving, |query, (_, row)| {
        bind_moving(query, row)
    });
    held.extend(ids(&moved.await?)?);
    rows.retain(|(_, row)| held.contains(&row.held.row));

    let mut new = BTreeMap::new();
    for (digest, certificate) in rows.iter().flat_map(|(_, row)| &row.certificates) {
        if !known.has(digest) {
            new.insert(*digest, certificate.clone());
        }
    }
    let new: Vec<(Digest, pki::Certificate)> = new.into_iter().collect();
    many(
        connection,
        &sql.insert_certificate,
        &new,
        |query, (digest, certificate)| query.bind(&digest[..]).bind(bytes_of(certificate.der())),
    )
    .await?;

    let issued: Vec<_> = rows
        .iter()
        .filter_map(|(_, row)| Some((row.held.row, row.issuance.as_ref()?)))
        .collect();
    let issuers: BTreeMap<Digest, IssuerName> = issued
        .iter()
        .map(|(_, issuance)| &issuance.issuer)
        .filter(|(digest, _)| !known.has_issuer(digest))
        .cloned()
        .collect();
    let issuers: Vec<(Digest, IssuerName)> = issuers.into_iter().collect();
    many(
        connection,
        &sql.insert_issuer,
        &issuers,
        |query, (digest, name)| {
            query
                .bind(&digest[..])
                .bind(&name.folded[..])
                .bind(&name.der[..])
        },
    )
    .await?;
    many(
        connection,
        &sql.upsert_issuance,
        &issued,
        |query, (row, issuance)| bind_issuance(query, *row, issuance),
    )
    .await?;
    many(connection, &sql.upsert_outcome, &rows, |query, (_, row)| {
        bind_outcome(query, row)
    })
    .await?;
    let mut revoked: Vec<_> = rows
        .iter()
        .filter_map(|(_, row)| row.revocation.as_ref())
        .collect();
    revoked.sort_by(|a, b| a.name.cmp(&b.name));
    many(
        connection,
        &sql.insert_revocation,
        &revoked,
        |query, revocation| {
            query
                .bind(&*revocation.authority)
                .bind(&revocation.name[..])
                .bind(&revocation.issuer[..])
                .bind(&revocation.serial[..])
                .bind(revocation.at)
                .bind(revocation.reason)
        },
    )
    .await?;
    for (place, row) in rows {
        got[place] = vec![row.held];
        audit.extend(&row.audit);
    }
    Ok(Stored {
        certificates: new,
        issuers,
    })
}

/// What comes one by one.
async fn single<'w>(
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
    let mut returned = Vec::new();
    for (text, rows) in statement.cut(rows) {
        let query = rows.iter().fold(sqlx::query(text).persistent(false), &bind);
        returned.extend(query.fetch_all(&mut *connection).await?);
    }
    Ok(returned)
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

fn bind_journal<'r>(query: Bound<'r>, row: &'r BeginRow) -> Bound<'r> {
    query
        .bind(row.row)
        .bind(&row.key[..])
        .bind(&row.fingerprint[..])
        .bind(&row.head[..])
        .bind(&row.front[..])
        .bind(row.correlation.as_deref())
}

fn bind_running<'r>(query: Bound<'r>, row: &'r BeginRow) -> Bound<'r> {
    query
        .bind(row.row)
        .bind(1_i64)
        .bind(row.lease)
        .bind(row.due)
        .bind(&row.upstream[..])
}

fn bind_ending<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    query.bind(row.held.row).bind(row.held.fence)
}

fn bind_moving<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    let (lease, until) = match row.lease {
        Lease::Keep => (0_i64, 0),
        Lease::End => (1, 0),
        Lease::Again(lease) => (2, span(lease)),
    };
    query
        .bind(row.held.row)
        .bind(row.held.fence)
        .bind(row.due)
        .bind(row.upstream.as_deref())
        .bind(lease)
        .bind(until)
}

fn bind_issuance<'r>(query: Bound<'r>, row: i64, issuance: &'r IssuanceRow) -> Bound<'r> {
    query
        .bind(row)
        .bind(&issuance.name[..])
        .bind(&issuance.certificate[..])
        .bind(&*issuance.authority)
        .bind(&*issuance.owner)
        .bind(&issuance.entry[..])
        .bind(issuance.not_after)
}

fn bind_outcome<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    query
        .bind(row.held.row)
        .bind(&row.phase[..])
        .bind(row.front.as_deref())
        .bind(row.leaf.as_deref())
}

fn bind_audit<'r>(query: Bound<'r>, row: &'r AuditRow) -> Bound<'r> {
    query
        .bind(row.at)
        .bind(row.kind)
        .bind(row.entry.as_deref())
        .bind(&*row.credential)
        .bind(&*row.label)
        .bind(row.serial.as_deref())
        .bind(&*row.detail)
        .bind(row.correlation.as_deref())
        .bind(row.journal)
}

fn bytes_of(bytes: &Bytes) -> &[u8] {
    bytes
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
