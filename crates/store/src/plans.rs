//! Every statement, as the databases would go about it: one that reads a table from end to end costs more every year.

use std::fmt::Write as _;

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::database::Database;
use crate::sql::{POSTGRES, SQLITE, Sql};
use crate::{Options, SqlJournal, Target};

/// What these read is bounded, or read once.
const MAY_READ_ALL: [&str; 3] = ["any_issuer", "ca_certificates", "under_way"];

/// Name and text, with rows for two.
fn statements(sql: &'static Sql) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Vec::new();
    macro_rules! one {
        ($($name:ident),+) => { $(all.push((stringify!($name), sql.$name.to_string()));)+ };
    }
    macro_rules! multi {
        ($($name:ident),+) => { $(all.extend(
            sql.$name.cut(&[(), ()]).map(|(text, _)| (stringify!($name), text.to_owned())),
        );)+ };
    }
    one!(
        retire,
        forget_running,
        claim,
        reclaim,
        claim_due,
        release,
        release_idle,
        find_by_key,
        find_by_row,
        certificate,
        issuance,
        issuers,
        any_issuer,
        ca_certificates,
        revoked,
        stands,
        ended_before,
        expired_before,
        audit_after,
        audit_of,
        audit_of_old,
        entries_down,
        entries_up,
        issuances_after,
        revocations_after,
        prune_audit
    );
    multi!(
        insert_journal,
        insert_running,
        end_running,
        move_running,
        insert_certificate,
        insert_issuer,
        upsert_issuance,
        upsert_outcome,
        insert_revocation,
        insert_audit,
        prune_journal,
        prune_outcome,
        prune_issuance,
        prune_revocation
    );
    all
}

fn parameters(text: &str) -> usize {
    let numbers = text.split('$').skip(1).filter_map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    numbers.max().unwrap_or(0)
}

/// What one row of a statement that is a part of others looks like, and the types of its parameters.
const MOVING: (&str, &str) = (
    "UPDATE running",
    "bigint, bigint, bigint, bytea, bigint, bigint",
);
const PARTS: [(&str, &str); 7] = [
    (
        "INSERT INTO journal",
        "bigint, bytea, bytea, bytea, bytea, text",
    ),
    (
        "INSERT INTO running",
        "bigint, bigint, bigint, bigint, bytea",
    ),
    MOVING,
    ("DELETE FROM running", "bigint, bigint"),
    (
        "INSERT INTO issuance",
        "bigint, bytea, bytea, text, text, bytea, bigint",
    ),
    ("INSERT INTO outcome", "bigint, bytea, bytea, bytea"),
    (
        "INSERT INTO audit",
        "bigint, text, bytea, text, text, text, text, text, bigint",
    ),
];

/// The types of the parameters of a text for two rows, in order.
fn together_types(text: &str) -> Vec<&'static str> {
    let mut found: Vec<_> = PARTS
        .iter()
        .filter_map(|(part, types)| Some((text.find(part)?, *part, *types)))
        .collect();
    found.sort_unstable();
    let of = |(_, part, types): (usize, &str, &'static str)| {
        let ids: &[_] = match part {
            "DELETE FROM running" => &["bigint"],
            _ => &[],
        };
        [ids, ids, &[types, types]].concat()
    };
    found.into_iter().flat_map(of).collect()
}

async fn plan(look: &mut AnyConnection, text: String) -> Vec<String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(look).await;
    let rows = rows.unwrap();
    let line = |row: &sqlx::any::AnyRow| row.try_get(row.len() - 1).unwrap();
    rows.iter().map(line).collect()
}

#[tokio::test]
async fn sqlite_reads_no_table_from_end_to_end() {
    let dir = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite://{}/journal.db", dir.path().display());
    let target = Target::parse(&url).unwrap();
    let journal = SqlJournal::open(&target, Options::default()).await;
    journal.unwrap().close().await;
    let patience = std::time::Duration::from_secs(5);
    let database = Database::at(&target, patience).await.unwrap();
    let mut look = database.connect_writer().await.unwrap();
    let two = SQLITE.together.all().flat_map(|text| text.cut(&[(), ()]));
    let two = two.flat_map(|(text, _)| text.split("; "));
    let two = two.map(|statement| ("together", statement.to_owned()));
    for (name, text) in statements(&SQLITE).into_iter().chain(two) {
        let mut text = format!("EXPLAIN QUERY PLAN {text}");
        for number in (1..=parameters(&text)).rev() {
            text = text.replace(&format!("${number}"), "NULL");
        }
        let lines = plan(&mut look, text.clone()).await;
        let whole = lines.iter().filter(|line| {
            line.starts_with("SCAN ")
                // Rows of the statement itself, and results of one that is shown too.
                && !["CONSTANT ROW", "VALUES CLAUSE", "SCAN v", "SCAN picked"]
                    .iter()
                    .any(|harmless| line.contains(harmless))
        });
        let whole: Vec<_> = whole.collect();
        assert!(
            whole.is_empty() || MAY_READ_ALL.contains(&name),
            "{name}: {lines:#?}\n{text}"
        );
    }
}

#[tokio::test]
async fn postgres_reads_no_table_from_end_to_end() {
    let Ok(url) = std::env::var("CERTWAY_TEST_POSTGRES_URL") else {
        return;
    };
    sqlx::any::install_default_drivers();
    let mut admin = AnyConnection::connect(&url).await.unwrap();
    let name = format!("certway_plans_{}", std::process::id());
    for text in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
    ] {
        let made = sqlx::raw_sql(AssertSqlSafe(text));
        made.execute(&mut admin).await.unwrap();
    }
    let (address, options) = url.split_once('?').unwrap_or((&url, ""));
    let (host, _) = address.rsplit_once('/').unwrap();
    let url = format!("{host}/{name}?{options}");
    let target = Target::parse(&url).unwrap();
    let journal = SqlJournal::open(&target, Options::default()).await;
    journal.unwrap().close().await;
    let mut look = AnyConnection::connect(&url).await.unwrap();
    // Empty tables are read whole rather than by an index, unless there is none that helps.
    plan(
        &mut look,
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan".to_owned(),
    )
    .await;
    let two = POSTGRES.together.all().flat_map(|text| text.cut(&[(), ()]));
    let two = two.map(|(text, _)| ("together", text.to_owned()));
    let all = statements(&POSTGRES).into_iter().chain(two);
    for (number, (name, text)) in all.enumerate() {
        let mut explain = format!("EXPLAIN EXECUTE s{number}");
        let count = parameters(&text);
        if count > 0 {
            let _ = write!(explain, "({})", vec!["NULL"; count].join(", "));
        }
        // Where PostgreSQL cannot tell by itself; the driver sends the types.
        let types = match name {
            "end_running" => "(bigint, bigint, bigint, bigint)".to_owned(),
            "move_running" => format!("({0}, {0})", MOVING.1),
            "reclaim" => "(bytea, bigint, bigint, bytea)".to_owned(),
            "together" => format!("({})", together_types(&text).join(", ")),
            _ => String::new(),
        };
        plan(&mut look, format!("PREPARE s{number} {types} AS {text}")).await;
        let lines = plan(&mut look, explain).await;
        let whole: Vec<_> = lines
            .iter()
            .filter(|line| line.contains("Seq Scan"))
            .collect();
        assert!(
            whole.is_empty() || MAY_READ_ALL.contains(&name),
            "{name}: {lines:#?}\n{text}"
        );
    }
}
