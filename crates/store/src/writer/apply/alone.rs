use sqlx::AnyConnection;

use super::bind::{
    Bound, bind_audit, bind_ending, bind_issuance, bind_journal, bind_moving, bind_outcome,
    bind_running,
};
use super::ids;
use crate::fault::Fault;
use crate::known::Known;
use crate::rows::{Held, Work};
use crate::sql::{Alone, Parts};

/// The whole transaction of a begin or a write; none for what is rare enough to be done statement by statement.
pub(super) fn transaction<'w>(
    texts: &'static Alone,
    known: &Known,
    work: &'w Work,
) -> Option<Bound<'w>> {
    match work {
        Work::Begin(row) if row.retire.is_none() => {
            let query = bind_journal(sqlx::query(&*texts.begin), row);
            Some(bind_audit(bind_running(query, row), &row.audit))
        }
        Work::Write(row) if row.is_usual(known) => {
            let parts = Parts {
                ends: row.ends(),
                issues: row.issuance.is_some(),
                tells: row.audit.is_some(),
            };
            let query = sqlx::query(texts.write(parts));
            let query = match parts.ends {
                true => bind_ending(query, row),
                false => bind_moving(query, row),
            };
            let query = match &row.issuance {
                Some(issuance) => bind_issuance(query, row.held.row, issuance),
                None => query,
            };
            let query = bind_outcome(query, row);
            Some(match &row.audit {
                Some(audit) => bind_audit(query, audit),
                None => query,
            })
        }
        _ => None,
    }
}

/// Runs it, and says whether the row was got hold of.
pub(super) async fn run(
    connection: &mut AnyConnection,
    transaction: Bound<'_>,
    work: &Work,
) -> Result<Vec<Held>, Fault> {
    let returned = match transaction.fetch_all(&mut *connection).await {
        Ok(returned) => returned,
        Err(error) => {
            let fault = Fault::from(error);
            // What was begun is open still, unless it was the beginning or the end that failed.
            let undone = sqlx::query("ROLLBACK").execute(connection).await;
            return Err(match undone {
                Ok(_) => fault,
                Err(_) => fault.at_commit(),
            });
        }
    };
    let held = match work {
        Work::Begin(row) => Held {
            row: row.row,
            fence: 1,
        },
        Work::Write(row) => row.held,
        _ => return Ok(Vec::new()),
    };
    Ok(ids(&returned)?
        .contains(&held.row)
        .then_some(held)
        .into_iter()
        .collect())
}
