//! Many pieces of work of one kind: all that is written for them in one text. Each call of the driver is a way to the database and back, on
//! SQLite to another thread, which is more than most of these statements cost.

use super::{END_RUNNING, INSERT_AUDIT, INSERT_JOURNAL, Marks, Multi, UPSERT_ISSUANCE};

/// The texts. A statement after the first does something only for rows that the first was done for.
pub(crate) struct Together {
    pub(crate) told: Told,
    /// journal, running, audit.
    pub(crate) begin: Multi,
    /// running, issuance if there is one, outcome, audit; by whether they end and whether they remember a certificate.
    writes: [Multi; 4],
}

/// How a text says for which rows it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By the number of changes: each statement is done for every row or for none, and where one is missing all has to be undone. What
    /// is returned would cost SQLite more than that.
    Changes,
    /// By the ids that it returns.
    Rows,
}

/// As many statements of them as the driver caches, beside the others. Dense, since each costs a call.
const SIZES: [usize; 17] = [64, 48, 40, 32, 28, 24, 20, 16, 13, 10, 8, 6, 5, 4, 3, 2, 1];

/// As [`super::UPSERT_OUTCOME`], which takes two of its parameters twice.
const OUTCOME: &str = "INSERT INTO outcome (id, phase, front, leaf) \
     SELECT v.column1, v.column2, v.column3, CASE WHEN EXISTS \
     (SELECT 1 FROM issuance WHERE id = v.column1 AND certificate = v.column4) THEN NULL ELSE v.column4 END \
     FROM (VALUES [(?, ?, ?, ?)]) AS v WHERE {done} \
     ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, \
     front = COALESCE(excluded.front, outcome.front), leaf = excluded.leaf";

impl Together {
    pub(super) fn new(told: Told, insert_running: &str, move_running: &str) -> Self {
        let guarded = |template, id| guarded(told, template, id);
        let running = guarded(insert_running, 1);
        let issuance = guarded(UPSERT_ISSUANCE, 1);
        let outcome = OUTCOME.replace("{done}", &done(told, 1));
        let audit = guarded(INSERT_AUDIT, 9);
        let (moves, ends) = (nameless(move_running), nameless(END_RUNNING));
        let texts = |statements: &[&str]| texts(told, statements);
        Self {
            told,
            begin: texts(&[&nameless(INSERT_JOURNAL), &running, &audit]),
            writes: [
                texts(&[&moves, &outcome, &audit]),
                texts(&[&ends, &outcome, &audit]),
                texts(&[&moves, &issuance, &outcome, &audit]),
                texts(&[&ends, &issuance, &outcome, &audit]),
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

/// The first of `statements` is done in any case and returns the ids of its rows.
fn texts(told: Told, statements: &[&str]) -> Multi {
    let (first, rest) = statements.split_first().unwrap_or((&"", &[]));
    match told {
        Told::Changes => {
            let first = first.strip_suffix(" RETURNING id").unwrap_or(first);
            let text = rest
                .iter()
                .fold(first.to_owned(), |text, next| text + "; " + next);
            Multi::of_sizes(&SIZES, text, Marks::Nameless)
        }
        Told::Rows => {
            let first = format!("WITH held AS ({first})");
            let parts = rest.iter().enumerate();
            let text = parts.fold(first, |text, (at, next)| {
                format!("{text}, part{at} AS ({next})")
            });
            Multi::of_sizes(&SIZES, text + " SELECT id FROM held", Marks::Ordered)
        }
    }
}

/// The condition on a row whose id is in that column of `v`.
fn done(told: Told, id: usize) -> String {
    match told {
        Told::Changes => "changes() = {rows}".to_owned(),
        Told::Rows => format!("v.column{id} IN (SELECT id FROM held)"),
    }
}

/// A template whose parameters have no numbers. SQLite's driver asks for the name of each, which SQLite looks for among the names of all;
/// and rows are bound statement by statement.
fn nameless(template: &str) -> String {
    let mut pieces = template.split('$');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + "?" + piece.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// An INSERT of the rows, their ids in that column, that the first statement was done for.
fn guarded(told: Told, template: &str, id: usize) -> String {
    let text = nameless(template).replacen("VALUES [", "SELECT * FROM (VALUES [", 1);
    text.replacen(']', &format!("]) AS v WHERE {}", done(told, id)), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text for two rows.
    fn two(told: Told) -> &'static str {
        let ends =
            "DELETE FROM a WHERE id IN ([$1]) AND (id, b) IN (VALUES [($1, $2)]) RETURNING id";
        let adds = "INSERT INTO c (d, e) VALUES [($1, f() + $2)] ON CONFLICT DO NOTHING";
        let adds = guarded(told, adds, 2);
        let texts: &'static Multi = Box::leak(Box::new(texts(told, &[&nameless(ends), &adds])));
        texts.cut(&[(), ()]).next().unwrap().0
    }

    #[test]
    fn each_group_is_repeated_once_a_row_and_the_number_of_rows_is_named() {
        assert_eq!(
            two(Told::Changes),
            "DELETE FROM a WHERE id IN (?, ?) AND (id, b) IN (VALUES (?, ?), (?, ?)); \
             INSERT INTO c (d, e) SELECT * FROM (VALUES (?, f() + ?), (?, f() + ?)) AS v WHERE changes() = 2 ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn in_one_statement_each_part_goes_by_the_ids_of_the_first_and_parameters_are_numbered_in_order()
     {
        assert_eq!(
            two(Told::Rows),
            "WITH held AS (DELETE FROM a WHERE id IN ($1, $2) AND (id, b) IN (VALUES ($3, $4), ($5, $6)) RETURNING id), \
             part0 AS (INSERT INTO c (d, e) SELECT * FROM (VALUES ($7, f() + $8), ($9, f() + $10)) AS v \
             WHERE v.column2 IN (SELECT id FROM held) ON CONFLICT DO NOTHING) SELECT id FROM held"
        );
    }

    #[test]
    fn parameters_stand_in_the_order_of_their_numbers_or_they_could_not_lose_them() {
        for template in [END_RUNNING, INSERT_AUDIT, INSERT_JOURNAL, UPSERT_ISSUANCE] {
            for group in template.split('[').skip(1) {
                let group = group.split(']').next().unwrap();
                let numbers = group.split('$').skip(1);
                let numbers: Vec<usize> = numbers
                    .map(|rest| {
                        rest.trim_end_matches(|c: char| !c.is_ascii_digit())
                            .parse()
                            .unwrap()
                    })
                    .collect();
                assert!(numbers.iter().copied().eq(1..=numbers.len()), "{group}");
            }
        }
    }
}
