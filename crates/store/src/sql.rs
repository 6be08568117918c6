mod alone;
mod together;

use std::fmt::Write as _;
use std::sync::{LazyLock, OnceLock};

pub(crate) use alone::{Alone, Parts};
pub(crate) use together::{Together, Told};

/// At most so many rows in one statement, and jobs in one batch.
pub(crate) const MOST_ROWS: usize = 64;

/// How many rows a statement is written for. Few sizes, because the driver caches 100 texts a connection; close
/// enough together that any batch takes two or three statements.
const SIZES: [usize; 12] = [64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

/// One statement for many rows at once: with a commit shared, the way to the database thread or server is what costs.
///
/// Written out for a number of rows when that many come for the first time: all of them are half a megabyte.
pub(crate) struct Multi {
    template: String,
    marks: Marks,
    texts: Vec<(usize, OnceLock<String>)>,
}

/// How the parameters of a template are written.
#[derive(Clone, Copy)]
enum Marks {
    /// `$1` to that number, which count on from row to row.
    Counted(usize),
    /// Each `?` stays as it is; `{rows}` is the number of rows.
    Nameless,
    /// Each `?` gets its number in the order of the text.
    Ordered,
}

impl Multi {
    /// Each `[…]` in `template` is repeated once a row, with commas between; `$1` to `$arity` in it count on from row to row.
    fn new(template: &str, arity: usize) -> Self {
        Self::of_sizes(&SIZES, template.to_owned(), Marks::Counted(arity))
    }

    fn of_sizes(sizes: &[usize], template: String, marks: Marks) -> Self {
        let texts = sizes.iter().map(|&size| (size, OnceLock::new())).collect();
        Self {
            template,
            marks,
            texts,
        }
    }

    /// The rows cut into the fewest statements, in order.
    pub(crate) fn cut<'r, T>(
        &'static self,
        mut rows: &'r [T],
    ) -> impl Iterator<Item = (&'static str, &'r [T])> {
        std::iter::from_fn(move || {
            let (size, text) = self.texts.iter().find(|(size, _)| *size <= rows.len())?;
            let (now, later) = rows.split_at(*size);
            rows = later;
            let text = text.get_or_init(|| expand(&self.template, self.marks, *size));
            Some((text.as_str(), now))
        })
    }
}

/// Every statement, in one database's words. They differ in three places: how a transaction begins, the clock, and
/// how a claim passes over rows that another process is just taking.
pub(crate) struct Sql {
    pub(crate) begin: &'static str,
    /// A write that changes nothing and has to reach the disk all the same.
    pub(crate) try_to_write: &'static str,
    /// Whole transactions in one text, where the database takes that.
    pub(crate) alone: Option<Alone>,
    /// Many rows of one kind in one text.
    pub(crate) together: Together,
    pub(crate) retire: &'static str,
    pub(crate) forget_running: &'static str,
    pub(crate) insert_journal: Multi,
    pub(crate) insert_running: Multi,
    pub(crate) end_running: Multi,
    pub(crate) move_running: Multi,
    pub(crate) insert_certificate: Multi,
    pub(crate) upsert_issuance: Multi,
    pub(crate) upsert_outcome: Multi,
    pub(crate) insert_revocation: Multi,
    pub(crate) insert_audit: Multi,
    pub(crate) insert_issuer: Multi,
    pub(crate) prune_journal: Multi,
    pub(crate) prune_outcome: Multi,
    pub(crate) prune_issuance: Multi,
    pub(crate) prune_revocation: Multi,
    pub(crate) prune_audit: String,
    pub(crate) claim: String,
    pub(crate) reclaim: String,
    pub(crate) claim_due: String,
    pub(crate) later: &'static str,
    pub(crate) hasten: Multi,
    pub(crate) newest: &'static str,
    pub(crate) release: &'static str,
    pub(crate) release_idle: &'static str,
    pub(crate) hand_over: &'static str,
    pub(crate) find_by_key: String,
    pub(crate) find_by_row: String,
    pub(crate) certificate: &'static str,
    pub(crate) issuance: &'static str,
    pub(crate) issuers: &'static str,
    pub(crate) any_issuer: &'static str,
    pub(crate) ca_certificates: &'static str,
    pub(crate) revoked: &'static str,
    pub(crate) under_way: &'static str,
    pub(crate) stands: &'static str,
    pub(crate) ended_before: &'static str,
    pub(crate) expired_before: &'static str,
    pub(crate) audit_after: &'static str,
    pub(crate) audit_of: &'static str,
    pub(crate) audit_of_old: &'static str,
    pub(crate) entries_down: String,
    pub(crate) entries_up: String,
    pub(crate) issuances_after: &'static str,
    pub(crate) revocations_after: &'static str,
}

/// For SQLite.
pub(crate) static SQLITE: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&Words {
        begin: "BEGIN IMMEDIATE",
        try_to_write: "PRAGMA user_version = 0",
        told: Told::Changes,
        now: "(CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000)",
        skip: "",
    })
});

/// For PostgreSQL.
pub(crate) static POSTGRES: LazyLock<Sql> = LazyLock::new(|| {
    Sql::new(&Words {
        begin: "BEGIN",
        try_to_write: "SELECT txid_current()",
        told: Told::Rows,
        now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        skip: "FOR UPDATE SKIP LOCKED",
    })
});

struct Words {
    begin: &'static str,
    try_to_write: &'static str,
    told: Told,
    now: &'static str,
    skip: &'static str,
}

const ENTRY: &str = "SELECT j.id, j.ikey, j.fingerprint, j.head, j.front, r.due, r.upstream, \
     o.phase, o.front AS new_front, o.leaf, i.certificate, j.correlation, j.retired \
     FROM journal j LEFT JOIN running r ON r.id = j.id LEFT JOIN outcome o ON o.id = j.id \
     LEFT JOIN issuance i ON i.id = j.id";

const INSERT_JOURNAL: &str = "INSERT INTO journal (id, ikey, fingerprint, head, front, correlation) VALUES [($1, $2, $3, $4, $5, $6)] \
                 ON CONFLICT (ikey) WHERE retired = 0 DO NOTHING RETURNING id";

const END_RUNNING: &str =
    "DELETE FROM running WHERE id IN ([$1]) AND (id, fence) IN (VALUES [($1, $2)]) RETURNING id";

const HASTEN: &str = "UPDATE running SET due = v.column3 FROM (VALUES [($1, $2, $3)]) AS v \
                 WHERE running.id = v.column1 AND running.due = v.column2 RETURNING id";

const UPSERT_ISSUANCE: &str = "INSERT INTO issuance (id, name, certificate, authority, owner, entry, not_after) \
                 VALUES [($1, $2, $3, $4, $5, $6, $7)] ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
                 certificate = excluded.certificate, authority = excluded.authority, owner = excluded.owner, \
                 entry = excluded.entry, not_after = excluded.not_after";

const UPSERT_OUTCOME: &str = "INSERT INTO outcome (id, phase, front, leaf) VALUES [($1, $2, $3, CASE WHEN EXISTS \
                 (SELECT 1 FROM issuance WHERE id = $1 AND certificate = $4) THEN NULL ELSE $4 END)] \
                 ON CONFLICT (id) DO UPDATE SET phase = excluded.phase, \
                 front = COALESCE(excluded.front, outcome.front), leaf = excluded.leaf";

const INSERT_AUDIT: &str = "INSERT INTO audit (at, kind, entry, credential, label, serial, detail, correlation, journal_id) \
                 VALUES [($1, $2, $3, $4, $5, $6, $7, $8, $9)]";

impl Sql {
    fn new(words: &Words) -> Self {
        let Words {
            begin,
            try_to_write,
            told,
            now,
            skip,
        } = words;
        let insert_running = format!(
            "INSERT INTO running (id, fence, lease_until, due, upstream) VALUES [($1, $2, {now} + $3, $4, $5)]"
        );
        // The lease stays (0), ends (1), or begins anew (2).
        let move_running = format!(
            "UPDATE running SET due = v.column3, upstream = COALESCE(v.column4, upstream), \
             lease_until = CASE v.column5 WHEN 1 THEN 0 WHEN 2 THEN {now} + v.column6 ELSE lease_until END \
             FROM (VALUES [($1, $2, $3, $4, $5, $6)]) AS v \
             WHERE running.id = v.column1 AND running.fence = v.column2 RETURNING id"
        );
        Self {
            begin,
            try_to_write,
            alone: (*told == Told::Changes)
                .then(|| Alone::new(begin, &insert_running, &move_running)),
            together: Together::new(*told, &insert_running, &move_running),
            retire: "UPDATE journal SET retired = id WHERE id = $1 AND retired = 0",
            forget_running: "DELETE FROM running WHERE id = $1",
            insert_journal: Multi::new(INSERT_JOURNAL, 6),
            insert_running: Multi::new(&insert_running, 5),
            // The list of ids beside the pairs lets SQLite go by its primary key instead of reading the whole table.
            end_running: Multi::new(END_RUNNING, 2),
            move_running: Multi::new(&move_running, 6),
            insert_certificate: Multi::new(
                "INSERT INTO certificate (sha256, der) VALUES [($1, $2)] ON CONFLICT (sha256) DO NOTHING",
                2,
            ),
            upsert_issuance: Multi::new(UPSERT_ISSUANCE, 7),
            // A leaf that its issuance has is not written a second time.
            upsert_outcome: Multi::new(UPSERT_OUTCOME, 4),
            // The first revocation stands: its date must not move to a later day.
            insert_revocation: Multi::new(
                "INSERT INTO revocation (authority, name, issuer, serial, at, reason) \
                 VALUES [($1, $2, $3, $4, $5, $6)] ON CONFLICT (name, authority) DO NOTHING",
                6,
            ),
            insert_audit: Multi::new(INSERT_AUDIT, 9),
            insert_issuer: Multi::new(
                "INSERT INTO issuer (sha256, folded, der) VALUES [($1, $2, $3)] ON CONFLICT (sha256) DO NOTHING",
                3,
            ),
            // Where several processes compact at once, each passes over what another is just deleting.
            prune_journal: Multi::new(
                &format!(
                    "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id IN ([$1]) \
                     AND NOT EXISTS (SELECT 1 FROM running WHERE running.id = journal.id) {skip}) RETURNING id"
                ),
                1,
            ),
            prune_outcome: Multi::new("DELETE FROM outcome WHERE id IN ([$1])", 1),
            // An entry that is still there reads its certificate from here.
            prune_issuance: Multi::new(
                &format!(
                    "DELETE FROM issuance WHERE id IN (SELECT id FROM issuance WHERE id IN ([$1]) \
                     AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.id = issuance.id) {skip}) RETURNING id, name"
                ),
                1,
            ),
            prune_revocation: Multi::new(
                "DELETE FROM revocation WHERE name IN ([$1]) \
                 AND NOT EXISTS (SELECT 1 FROM issuance WHERE issuance.name = revocation.name)",
                1,
            ),
            prune_audit: format!(
                "DELETE FROM audit WHERE id IN \
                 (SELECT id FROM audit WHERE id > $1 AND id <= $2 AND at < $3 {skip}) RETURNING id"
            ),
            claim: format!(
                "UPDATE running SET fence = fence + 1, lease_until = {now} + $2 \
                 WHERE id = (SELECT id FROM journal WHERE ikey = $1 AND retired = 0) \
                 AND (lease_until <= {now} OR lease_until > {now} + $3) RETURNING id, fence"
            ),
            reclaim: format!(
                "INSERT INTO running (id, fence, lease_until, due, upstream) \
                 SELECT id, $2, {now} + $3, CAST(NULL AS BIGINT), $4 FROM journal WHERE ikey = $1 AND retired = 0 \
                 ON CONFLICT (id) DO NOTHING RETURNING id, fence"
            ),
            // Materialized: a plan that asks twice would lock, and count, other rows the second time.
            claim_due: format!(
                "WITH picked AS MATERIALIZED (SELECT id FROM running \
                 WHERE due <= $1 AND (lease_until <= {now} OR lease_until > {now} + $4) ORDER BY due LIMIT $2 {skip}) \
                 UPDATE running SET fence = fence + 1, lease_until = {now} + $3 \
                 WHERE id IN (SELECT id FROM picked) RETURNING id, fence, due"
            ),
            // Bounded: the rest is looked at in its time.
            later: "SELECT r.id, r.due, o.phase FROM running r LEFT JOIN outcome o ON o.id = r.id WHERE r.due > $1 LIMIT 100000",
            // Whatever moved since it was looked at stays as it is.
            hasten: Multi::new(HASTEN, 3),
            newest: "SELECT MAX(id) FROM journal",
            release: "UPDATE running SET lease_until = 0 WHERE id = $1 AND fence = $2",
            release_idle: "DELETE FROM running WHERE id = $1 AND fence = $2 AND due IS NULL AND upstream = $3",
            hand_over: "UPDATE running SET lease_until = 0, due = CASE WHEN due IS NULL THEN due ELSE 0 END WHERE id = $1 AND fence = $2",
            find_by_key: format!("{ENTRY} WHERE j.ikey = $1 AND j.retired = 0"),
            find_by_row: format!("{ENTRY} WHERE j.id = $1"),
            certificate: "SELECT der FROM certificate WHERE sha256 = $1",
            issuance: "SELECT i.certificate, i.authority, i.owner, i.entry, r.at, r.reason \
                 FROM issuance i LEFT JOIN revocation r ON r.name = i.name WHERE i.name = $1 \
                 ORDER BY i.id DESC, r.at LIMIT 1",
            // Bounded: a count is not worth more.
            under_way: "SELECT o.phase FROM running r LEFT JOIN outcome o ON o.id = r.id LIMIT 100000",
            issuers: "SELECT der FROM issuer WHERE folded = $1 ORDER BY sha256 LIMIT 64",
            any_issuer: "SELECT 1 FROM issuer LIMIT 1",
            ca_certificates: "SELECT der FROM certificate LIMIT 10000",
            revoked: "SELECT issuer, serial, at, reason FROM revocation WHERE authority = $1 ORDER BY at, id",
            stands: "SELECT 1 FROM outcome WHERE id = $1 AND phase = $2",
            ended_before: "SELECT j.id, o.phase FROM journal j JOIN outcome o ON o.id = j.id \
                 WHERE j.id > $1 AND j.id < $2 AND NOT EXISTS (SELECT 1 FROM running r WHERE r.id = j.id) \
                 ORDER BY j.id LIMIT $3",
            expired_before: "SELECT i.id, i.not_after, CASE WHEN EXISTS \
                 (SELECT 1 FROM journal j WHERE j.id = i.id) THEN 1 ELSE 0 END \
                 FROM issuance i WHERE i.not_after < $1 AND (i.not_after, i.id) > ($2, $3) \
                 ORDER BY i.not_after, i.id LIMIT $4",
            audit_after: "SELECT id, at, kind, entry, credential, label, serial, detail, correlation FROM audit \
                 WHERE id > $1 ORDER BY id LIMIT $2",
            audit_of: "SELECT id, at, kind, entry, credential, label, serial, detail, correlation FROM audit \
                 WHERE journal_id = $1 ORDER BY id",
            audit_of_old: "SELECT id, at, kind, entry, credential, label, serial, detail, correlation FROM audit \
                 WHERE journal_id IS NULL AND entry = $1 ORDER BY id",
            entries_down: format!(
                "{ENTRY} WHERE j.id >= $1 AND j.id < $2 ORDER BY j.id DESC LIMIT $3"
            ),
            entries_up: format!("{ENTRY} WHERE j.id >= $1 AND j.id < $2 ORDER BY j.id LIMIT $3"),
            issuances_after: "SELECT i.certificate, i.authority, i.owner, i.entry, \
                 CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), i.id FROM issuance i WHERE i.id > $1 ORDER BY i.id LIMIT $2",
            revocations_after: "SELECT issuer, serial, at, reason, id, authority FROM revocation \
                 WHERE id > $1 ORDER BY id LIMIT $2",
        }
    }
}

fn expand(template: &str, marks: Marks, rows: usize) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        let (group, tail) = after.split_once(']').unwrap_or((after, ""));
        text.push_str(before);
        for row in 0..rows {
            if row > 0 {
                text.push_str(", ");
            }
            match marks {
                Marks::Counted(arity) => number(&mut text, group, row * arity),
                Marks::Nameless | Marks::Ordered => text.push_str(group),
            }
        }
        rest = tail;
    }
    text.push_str(rest);
    match marks {
        Marks::Counted(_) => text,
        Marks::Nameless => text.replace("{rows}", &rows.to_string()),
        Marks::Ordered => in_order(&text),
    }
}

fn in_order(text: &str) -> String {
    let mut pieces = text.split('?');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.zip(1..).fold(first, |mut text, (piece, at)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "${at}{piece}");
        text
    })
}

fn number(text: &mut String, group: &str, base: usize) {
    let mut pieces = group.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (index, tail) = piece.split_at(digits);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "${}{tail}",
            base + index.parse::<usize>().unwrap_or_default()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_is_repeated_once_a_row_and_its_parameters_count_on() {
        assert_eq!(
            expand("IN ([$1]) AND IN (VALUES [($1, $2)])", Marks::Counted(2), 3),
            "IN ($1, $3, $5) AND IN (VALUES ($1, $2), ($3, $4), ($5, $6))"
        );
    }

    #[test]
    fn any_number_of_rows_is_cut_into_few_statements_that_keep_their_order() {
        for count in 0..=MOST_ROWS {
            let rows: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = SQLITE
                .insert_journal
                .cut(&rows)
                .map(|(_, part)| part)
                .collect();
            assert_eq!(cut.concat(), rows);
            assert!(cut.len() <= 4, "{count} rows take {} statements", cut.len());
        }
    }

    #[test]
    fn the_texts_of_one_connection_fit_its_statement_cache() {
        // 9 of them for many rows, but revocations and certificates come one by one.
        assert!(7 * SIZES.len() + 13 <= 100);
        // 15 of them for many rows, but revocations, certificates and issuers come one by one, and what is pruned is not kept.
        assert!(7 * SIZES.len() + 13 <= 100);
    }
}
