//! What an enrollment costs does not grow with the journal.

use std::time::Duration;

use proto_tests::EmbeddedCa;
use proto_tests::postgres::{self, Database};

use crate::site::{Node, Order, Site};

/// Enrollments measured at a time.
const ROUND: usize = 150;
const ROUNDS: usize = 6;

/// The service on a journal of so many rows.
struct Filled {
    node: Node,
    site: Site,
    spent: Vec<Duration>,
}

impl Filled {
    fn with(ca: &EmbeddedCa, url: &str, rows: i64) -> Self {
        let site = Site::before(ca);
        let mut node = Node::start(site.launch_on(url));
        Order::new("model").finish(&site.rest(&node));
        node.program.terminate();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(proto_tests::fill::fill(url, rows))
            .unwrap();
        Self {
            node: Node::start(site.launch_on(url)),
            site,
            spent: Vec::new(),
        }
    }

    /// CPU of the process for one enrollment.
    fn round(&mut self, name: &str, number: usize) {
        let orders: Vec<Order> = (0..ROUND)
            .map(|n| Order::new(&format!("{name}-{number}-{n}")))
            .collect();
        let client = self.site.rest(&self.node);
        let before = proto_tests::bench::cpu(self.node.program.id()).unwrap();
        for order in &orders {
            let status = order.send(&client).unwrap().status;
            assert!(matches!(status, 200 | 201), "{status}");
        }
        let after = proto_tests::bench::cpu(self.node.program.id()).unwrap();
        self.spent
            .push((after - before) / u32::try_from(ROUND).unwrap());
    }

    fn median(mut self) -> Duration {
        self.spent.sort();
        self.spent[self.spent.len() / 2]
    }
}

fn cost_with(few: &str, many: &str, rows: i64) {
    let ca = EmbeddedCa::start();
    let mut few = Filled::with(&ca, few, 1_000);
    let mut many = Filled::with(&ca, many, rows);
    // In turns, so that neighbours disturb both alike.
    for number in 0..ROUNDS {
        few.round("few", number);
        many.round("many", number);
    }
    let (few, many) = (few.median(), many.median());
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!("1000 rows: {few:?}, {rows} rows: {many:?} of CPU an enrollment: {ratio:.2}");
    assert!(ratio <= 1.3, "{ratio}");
}

/// How many rows the long test has.
fn rows() -> i64 {
    let rows = std::env::var("CERTWAY_TEST_ROWS").ok();
    rows.map_or(10_000_000, |rows| rows.parse().unwrap())
}

#[test]
#[ignore = "takes minutes and 20 GB: CERTWAY_TEST_ROWS=10000000 (the default), with --ignored"]
fn an_enrollment_on_sqlite_costs_the_same_with_many_rows() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite://{}/{name}.db", folder.path().display());
    cost_with(&url("few"), &url("many"), rows());
}

#[test]
#[ignore = "takes minutes and 20 GB: CERTWAY_TEST_ROWS=10000000 (the default), with --ignored"]
fn an_enrollment_on_postgresql_costs_the_same_with_many_rows() {
    if postgres::missing() {
        return;
    }
    let (few, many) = (Database::new(), Database::new());
    cost_with(&few.url(), &many.url(), rows());
}

#[test]
fn a_filled_journal_is_one_that_the_service_reads_and_goes_on_with() {
    let ca = EmbeddedCa::start();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/journal.db", folder.path().display());
    let mut filled = Filled::with(&ca, &url, 500);
    filled.round("after", 0);
    let named = |launch: proto_tests::Launch| launch.env("CERTWAY_RA_JOURNAL__URL", &url);
    let ended = filled
        .site
        .journal_as(named, &["export", "--kind", "entries"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1 + 500 + ROUND);
}
