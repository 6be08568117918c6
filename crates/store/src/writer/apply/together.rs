use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::bind::{Bound, bind_audit, bind_issuance, bind_journal, bind_moving, bind_running};
use crate::fault::Fault;
use crate::known::Known;
use crate::rows::{BeginRow, Held, Work, WriteRow};
use crate::sql::Together;

/// What of a batch can be written together.
pub(super) struct Plain<'w> {
    begins: Vec<(usize, &'w BeginRow)>,
    /// By whether they end, and whether they remember a certificate.
    writes: BTreeMap<(bool, bool), Vec<(usize, &'w WriteRow)>>,
}

impl<'w> Plain<'w> {
    /// None if anything begins or writes what is rare.
    pub(super) fn of(works: &'w [Work], known: &Known) -> Option<Self> {
        let mut plain = Self {
            begins: Vec::new(),
            writes: BTreeMap::new(),
        };
        for (place, work) in works.iter().enumerate() {
            match work {
                Work::Begin(row) if row.retire.is_none() => plain.begins.push((place, row)),
                Work::Write(row) if row.audit.is_some() && row.is_usual(known) => {
                    let kind = (row.ends(), row.issuance.is_some());
                    plain.writes.entry(kind).or_default().push((place, row));
                }
                Work::Begin(_) | Work::Write(_) => return None,
                _ => {}
            }
        }
        plain.begins.sort_by_key(|(_, row)| row.row);
        for writes in plain.writes.values_mut() {
            writes.sort_by_key(|(_, row)| row.held.row);
        }
        Some(plain)
    }

    /// Writes all of it; false if a key was there already or a fence did not hold, and what was written is to be undone.
    pub(super) async fn write(
        &self,
        connection: &mut AnyConnection,
        texts: &'static Together,
        got: &mut [Vec<Held>],
    ) -> Result<bool, Fault> {
        for (text, rows) in texts.begin.cut(&self.begins) {
            let query = sqlx::query(text);
            let query = rows
                .iter()
                .fold(query, |query, (_, row)| bind_journal(query, row));
            let query = rows
                .iter()
                .fold(query, |query, (_, row)| bind_running(query, row));
            let query = rows
                .iter()
                .fold(query, |query, (_, row)| bind_audit(query, &row.audit));
            if !is_done(query, connection, 3 * rows.len()).await? {
                return Ok(false);
            }
        }
        for (&(ends, issues), writes) in &self.writes {
            for (text, rows) in texts.writes(ends, issues).cut(writes) {
                let query = bind_writes(sqlx::query(text), ends, rows);
                let statements = if issues { 4 } else { 3 };
                if !is_done(query, connection, statements * rows.len()).await? {
                    return Ok(false);
                }
            }
        }
        for (place, row) in &self.begins {
            got[*place] = vec![Held {
                row: row.row,
                fence: 1,
            }];
        }
        for (place, row) in self.writes.values().flatten() {
            got[*place] = vec![row.held];
        }
        Ok(true)
    }
}

fn bind_writes<'r>(query: Bound<'r>, ends: bool, rows: &[(usize, &'r WriteRow)]) -> Bound<'r> {
    let rows = || rows.iter().map(|(_, row)| *row);
    let query = if ends {
        let query = rows().fold(query, |query, row| query.bind(row.held.row));
        rows().fold(query, |query, row| {
            query.bind(row.held.row).bind(row.held.fence)
        })
    } else {
        rows().fold(query, bind_moving)
    };
    let issued = rows().filter_map(|row| Some((row.held.row, row.issuance.as_ref()?)));
    let query = issued.fold(query, |query, (row, issuance)| {
        bind_issuance(query, row, issuance)
    });
    let query = rows().fold(query, bind_outcome);
    let audit = rows().filter_map(|row| row.audit.as_ref());
    audit.fold(query, bind_audit)
}

/// As [`super::bind::bind_outcome`], but for a leaf that goes into the issuance at the same time and is not written a second time.
fn bind_outcome<'r>(query: Bound<'r>, row: &'r WriteRow) -> Bound<'r> {
    let issued = row.issuance.as_ref().map(|issuance| &issuance.certificate);
    let leaf = row.leaf.as_ref().filter(|leaf| Some(*leaf) != issued);
    query
        .bind(row.held.row)
        .bind(&row.phase[..])
        .bind(row.front.as_deref())
        .bind(leaf.map(Vec::as_slice))
}

async fn is_done(
    query: Bound<'_>,
    connection: &mut AnyConnection,
    changes: usize,
) -> Result<bool, Fault> {
    let done = query.execute(connection).await?;
    Ok(done.rows_affected() == changes as u64)
}
