//! One piece of work alone: its whole transaction in one text. On SQLite each call of the driver wakes two threads, and a lone client would
//! wait for that once for each statement; with many clients a batch shares them.

use super::{END_RUNNING, INSERT_AUDIT, INSERT_JOURNAL, UPSERT_ISSUANCE, UPSERT_OUTCOME, number};

/// Which parts a write has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// It leaves nothing that moves.
    pub(crate) ends: bool,
    /// It remembers a certificate.
    pub(crate) issues: bool,
    /// It has an audit event.
    pub(crate) tells: bool,
}

/// The texts. Each statement after the first does something only if the one before it did; parameters are numbered through, in the order
/// of the statements.
pub(crate) struct Alone {
    /// journal, running, audit.
    pub(crate) begin: String,
    /// By [`Parts`]: running, issuance, outcome, audit.
    writes: [String; 8],
}

/// How many parameters a text has.
const JOURNAL: usize = 6;
const RUNNING: usize = 5;
const MOVING: usize = 6;
const ISSUANCE: usize = 7;
const OUTCOME: usize = 4;

impl Alone {
    pub(super) fn new(begin: &str, insert_running: &str, move_running: &str) -> Self {
        let mut first = Text::beginning(begin);
        first.first(INSERT_JOURNAL, JOURNAL);
        first.then(insert_running, RUNNING);
        first.then(INSERT_AUDIT, 0);
        let writes = std::array::from_fn(|at| {
            let parts = Parts::at(at);
            let mut text = Text::beginning(begin);
            match parts.ends {
                true => text.first(END_RUNNING, 2),
                false => text.first(move_running, MOVING),
            }
            if parts.issues {
                text.then(UPSERT_ISSUANCE, ISSUANCE);
            }
            text.then(UPSERT_OUTCOME, OUTCOME);
            if parts.tells {
                text.then(INSERT_AUDIT, 0);
            }
            text.end()
        });
        Self {
            begin: first.end(),
            writes,
        }
    }

    /// The text of a write with these parts.
    pub(crate) fn write(&self, parts: Parts) -> &str {
        &self.writes[parts.place()]
    }
}

impl Parts {
    fn place(self) -> usize {
        usize::from(self.ends) | usize::from(self.issues) << 1 | usize::from(self.tells) << 2
    }

    fn at(place: usize) -> Self {
        Self {
            ends: place & 1 != 0,
            issues: place & 2 != 0,
            tells: place & 4 != 0,
        }
    }
}

struct Text {
    text: String,
    parameters: usize,
}

impl Text {
    fn beginning(begin: &str) -> Self {
        Self {
            text: begin.to_owned(),
            parameters: 0,
        }
    }

    /// A statement that is done in any case.
    fn first(&mut self, template: &str, arity: usize) {
        self.add(&template.replace(['[', ']'], ""), arity);
    }

    /// An INSERT that is done if the statement before it changed something.
    fn then(&mut self, template: &str, arity: usize) {
        let statement = template.replacen("VALUES [(", "SELECT ", 1);
        self.add(&statement.replacen(")]", " WHERE changes() > 0", 1), arity);
    }

    fn add(&mut self, statement: &str, arity: usize) {
        self.text.push_str("; ");
        number(&mut self.text, statement, self.parameters);
        self.parameters += arity;
    }

    fn end(mut self) -> String {
        self.text.push_str("; COMMIT");
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_a_text_each() {
        for place in 0..8 {
            assert_eq!(Parts::at(place).place(), place);
        }
    }

    #[test]
    fn what_follows_depends_on_what_was_before_and_parameters_count_on() {
        let mut text = Text::beginning("BEGIN");
        text.first(
            "DELETE FROM a WHERE id IN ([$1]) AND (id, b) IN (VALUES [($1, $2)])",
            2,
        );
        text.then(
            "INSERT INTO c (d, e) VALUES [($1, $2)] ON CONFLICT DO NOTHING",
            2,
        );
        assert_eq!(
            text.end(),
            "BEGIN; DELETE FROM a WHERE id IN ($1) AND (id, b) IN (VALUES ($1, $2)); \
             INSERT INTO c (d, e) SELECT $3, $4 WHERE changes() > 0 ON CONFLICT DO NOTHING; COMMIT"
        );
    }
}
