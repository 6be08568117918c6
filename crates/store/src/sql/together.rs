//! Many pieces of work of one kind: all that is written for them in one text, of several statements. On SQLite each call of the driver wakes
//! two threads, which is more than most of these statements cost.

use super::{END_RUNNING, INSERT_AUDIT, INSERT_JOURNAL, Multi, UPSERT_ISSUANCE};

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

/// As [`super::UPSERT_OUTCOME`], which takes two of its parameters twice.
const OUTCOME: &str = "INSERT INTO outcome (id, phase, front, leaf) \
     SELECT v.column1, v.column2, v.column3, CASE WHEN EXISTS \
     (SELECT 1 FROM issuance WHERE id = v.column1 AND certificate = v.column4) THEN NULL ELSE v.column4 END \
     FROM (VALUES [(?, ?, ?, ?)]) AS v WHERE changes() = {rows} \
     ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, \
     front = COALESCE(excluded.front, outcome.front), leaf = excluded.leaf";

impl Together {
    pub(super) fn new(insert_running: &str, move_running: &str) -> Self {
        let running = guarded(insert_running);
        let issuance = guarded(UPSERT_ISSUANCE);
        let audit = guarded(INSERT_AUDIT);
        let (moves, ends) = (first(move_running), first(END_RUNNING));
        Self {
            begin: texts(&[&first(INSERT_JOURNAL), &running, &audit]),
            writes: [
                texts(&[&moves, OUTCOME, &audit]),
                texts(&[&ends, OUTCOME, &audit]),
                texts(&[&moves, &issuance, OUTCOME, &audit]),
                texts(&[&ends, &issuance, OUTCOME, &audit]),
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

fn texts(statements: &[&str]) -> Multi {
    Multi::of_sizes(&SIZES, statements.join("; "), 0)
}

/// A statement that is done in any case, and gives nothing back.
fn first(template: &str) -> String {
    let text = template.strip_suffix(" RETURNING id").unwrap_or(template);
    let mut pieces = text.split('$');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + "?" + piece.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// An INSERT that is done if the statement before it changed every row.
fn guarded(template: &str) -> String {
    let text = first(template).replacen("VALUES [", "SELECT * FROM (VALUES [", 1);
    text.replacen(']', "]) AS v WHERE changes() = {rows}", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_repeated_once_a_row_and_the_number_of_rows_is_named() {
        let ends = first(
            "DELETE FROM a WHERE id IN ([$1]) AND (id, b) IN (VALUES [($1, $2)]) RETURNING id",
        );
        let adds = guarded("INSERT INTO c (d, e) VALUES [($1, f() + $2)] ON CONFLICT DO NOTHING");
        let texts = Box::leak(Box::new(texts(&[&ends, &adds])));
        let (two, _) = texts.cut(&[(), ()]).next().unwrap();
        assert_eq!(
            two,
            "DELETE FROM a WHERE id IN (?, ?) AND (id, b) IN (VALUES (?, ?), (?, ?)); \
             INSERT INTO c (d, e) SELECT * FROM (VALUES (?, f() + ?), (?, f() + ?)) AS v WHERE changes() = 2 ON CONFLICT DO NOTHING"
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
