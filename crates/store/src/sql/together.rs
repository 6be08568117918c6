//! Many pieces of work of one kind: all that is written for them in one text, of several statements. On SQLite each call of the driver wakes
//! two threads, which is more than most of these statements cost.

use super::Multi;

/// The texts. A statement after the first does something only if the one before it did it for every row: what is changed tells then
/// whether all of it was done.
///
/// Parameters have no numbers. The driver asks for the name of each, which SQLite looks for among the names of all.
pub(crate) struct Together {
    /// journal, running, audit.
    pub(crate) begin: Multi,
    /// running, issuance if there is one, outcome, audit; by whether they end and whether they remember a certificate.
    writes: [Multi; 4],
}

/// As many statements of them as the driver caches, beside the others. Dense, since each costs a call.
const SIZES: [usize; 17] = [64, 48, 40, 32, 28, 24, 20, 16, 13, 10, 8, 6, 5, 4, 3, 2, 1];

const JOURNAL: &str = "INSERT INTO journal (id, ikey, fingerprint, head, front, correlation) \
     VALUES [(?, ?, ?, ?, ?, ?)] ON CONFLICT (ikey) WHERE retired = 0 DO NOTHING";

const RUNNING: &str = "INSERT INTO running (id, fence, lease_until, due, upstream) \
     SELECT v.column1, v.column2, {now} + v.column3, v.column4, v.column5 \
     FROM (VALUES [(?, ?, ?, ?, ?)]) AS v WHERE changes() = {rows}";

const END: &str = "DELETE FROM running WHERE id IN ([?]) AND (id, fence) IN (VALUES [(?, ?)])";

const MOVE: &str = "UPDATE running SET due = v.column3, upstream = COALESCE(v.column4, upstream), \
     lease_until = CASE v.column5 WHEN 1 THEN 0 WHEN 2 THEN {now} + v.column6 ELSE lease_until END \
     FROM (VALUES [(?, ?, ?, ?, ?, ?)]) AS v \
     WHERE running.id = v.column1 AND running.fence = v.column2";

const ISSUANCE: &str = "INSERT INTO issuance (id, name, certificate, authority, owner, entry, not_after) \
     SELECT * FROM (VALUES [(?, ?, ?, ?, ?, ?, ?)]) AS v WHERE changes() = {rows} \
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
     certificate = excluded.certificate, authority = excluded.authority, owner = excluded.owner, \
     entry = excluded.entry, not_after = excluded.not_after";

const OUTCOME: &str = "INSERT INTO outcome (id, phase, front, leaf) \
     SELECT v.column1, v.column2, v.column3, CASE WHEN EXISTS \
     (SELECT 1 FROM issuance WHERE id = v.column1 AND certificate = v.column4) THEN NULL ELSE v.column4 END \
     FROM (VALUES [(?, ?, ?, ?)]) AS v WHERE changes() = {rows} \
     ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, \
     front = COALESCE(excluded.front, outcome.front), leaf = excluded.leaf";

const AUDIT: &str = "INSERT INTO audit (at, kind, entry, credential, label, serial, detail, correlation, journal_id) \
     SELECT * FROM (VALUES [(?, ?, ?, ?, ?, ?, ?, ?, ?)]) AS v WHERE changes() = {rows}";

impl Together {
    pub(super) fn new(now: &str) -> Self {
        Self {
            begin: texts(now, &[JOURNAL, RUNNING, AUDIT]),
            writes: [
                texts(now, &[MOVE, OUTCOME, AUDIT]),
                texts(now, &[END, OUTCOME, AUDIT]),
                texts(now, &[MOVE, ISSUANCE, OUTCOME, AUDIT]),
                texts(now, &[END, ISSUANCE, OUTCOME, AUDIT]),
            ],
        }
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = &Multi> {
        std::iter::once(&self.begin).chain(&self.writes)
    }

    /// For writes that all end the row of what moves, or all leave it, and that all remember a certificate or none.
    pub(crate) fn writes(&self, ends: bool, issues: bool) -> &Multi {
        &self.writes[usize::from(ends) | usize::from(issues) << 1]
    }
}

fn texts(now: &str, statements: &[&str]) -> Multi {
    let of = |&rows: &usize| {
        let expanded = statements
            .iter()
            .map(|statement| expand(statement, now, rows));
        (rows, expanded.collect::<Vec<_>>().join("; "))
    };
    Multi(SIZES.iter().map(of).collect())
}

/// Each `[…]` is repeated once a row.
fn expand(statement: &str, now: &str, rows: usize) -> String {
    let named = statement.replace("{now}", now);
    let mut pieces = named.split(['[', ']']);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    while let (Some(group), Some(between)) = (pieces.next(), pieces.next()) {
        text.push_str(&vec![group; rows].join(", "));
        text.push_str(between);
    }
    text.replace("{rows}", &rows.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_repeated_once_a_row_and_the_number_of_rows_is_named() {
        assert_eq!(
            expand(
                "IN ([?]) AND IN (VALUES [(?, ?)]) WHERE {now} = {rows}",
                "1",
                2
            ),
            "IN (?, ?) AND IN (VALUES (?, ?), (?, ?)) WHERE 1 = 2"
        );
    }
}
