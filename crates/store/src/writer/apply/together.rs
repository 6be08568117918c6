use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::bind::{Bound, bind_audit, bind_issuance, bind_journal, bind_moving, bind_running};
use super::ids;
use crate::fault::Fault;
use crate::known::Known;
use crate::rows::{BeginRow, Held, Work, WriteRow};
use crate::sql::{Together, Told};

/// What of a batch can be written together.
pub(super) struct Plain<'w> {
    begins: Vec<(usize, &'w BeginRow)>,
    /// By whether they end, and whether they remember a certificate.
    writes: BTreeMap<(bool, bool), Vec<(usize, &'w WriteRow)>>,
}

impl<'w> Plain<'w> {
    /// None if anything begins or writes what is rare.
    pub(super) fn of(works: &'w [Work], known: &Known, told: Told) -> Option<Self> {
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
        match told {
            // The only one who writes appends.
            Told::Changes => plain.begins.sort_by_key(|(_, row)| row.row),
            // Others may be at the same keys.
            Told::Rows => plain.begins.sort_by_key(|(_, row)| &row.key),
        }
        for writes in plain.writes.values_mut() {
            writes.sort_by_key(|(_, row)| row.held.row);
        }
        Some(plain)
    }

    /// The texts that do it, in the order in which tables and rows are written, and whether they are all that there is to do for `works`.
    pub(super) fn pieces(
        &self,
        texts: &'static Together,
        works: &[Work],
    ) -> (Vec<Piece<'w>>, bool) {
        let mut pieces = Vec::new();
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
            let held = |row: &BeginRow| Held {
                row: row.row,
                fence: 1,
            };
            pieces.push(Piece {
                query,
                changes: 3 * rows.len(),
                rows: rows
                    .iter()
                    .map(|(place, row)| (*place, held(row)))
                    .collect(),
            });
        }
        for (&(ends, issues), writes) in &self.writes {
            for (text, rows) in texts.writes(ends, issues).cut(writes) {
                let statements = if issues { 4 } else { 3 };
                pieces.push(Piece {
                    query: bind_writes(sqlx::query(text), ends, rows),
                    changes: statements * rows.len(),
                    rows: rows.iter().map(|(place, row)| (*place, row.held)).collect(),
                });
            }
        }
        let count: usize = pieces.iter().map(|piece| piece.rows.len()).sum();
        (pieces, count == works.len())
    }
}

/// One text and the rows it is for: their places in the batch, and how they are held if it is done for them.
pub(super) struct Piece<'w> {
    query: Bound<'w>,
    rows: Vec<(usize, Held)>,
    /// As many as there are if it is done for every row.
    changes: usize,
}

impl Piece<'_> {
    /// Does it; false if it was not done for every row, and what was done is to be undone.
    pub(super) async fn run(
        self,
        connection: &mut AnyConnection,
        told: Told,
        got: &mut [Vec<Held>],
    ) -> Result<bool, Fault> {
        let done = match told {
            Told::Changes => {
                let done = self.query.execute(connection).await?;
                if done.rows_affected() != self.changes as u64 {
                    return Ok(false);
                }
                None
            }
            Told::Rows => Some(ids(&self.query.fetch_all(connection).await?)?),
        };
        for (place, held) in self.rows {
            if done.as_ref().is_none_or(|done| done.contains(&held.row)) {
                got[place] = vec![held];
            }
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
