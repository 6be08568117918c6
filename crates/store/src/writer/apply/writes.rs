use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::bind::{bind_ending, bind_issuance, bind_moving, bind_outcome};
use super::{ids, many};
use crate::fault::Fault;
use crate::known::{Digest, Known};
use crate::rows::{AuditRow, Held, IssuerName, Work, WriteRow};
use crate::sql::Sql;

/// What is durable once the transaction is.
pub(super) struct Stored {
    certificates: Vec<(Digest, pki::Certificate)>,
    issuers: Vec<(Digest, IssuerName)>,
}

impl Stored {
    pub(super) fn remember(self, known: &Known) {
        for (digest, certificate) in self.certificates {
            known.add(digest, certificate);
        }
        for (digest, _) in self.issuers {
            known.add_issuer(digest);
        }
    }
}

/// Writes every row whose fence holds, with all that hangs on it, and says what is to be remembered once that is durable.
pub(super) async fn writes<'w>(
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
        |query, (digest, certificate)| query.bind(&digest[..]).bind(&certificate.der()[..]),
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
