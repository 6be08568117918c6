//! The system's clock is set by an hour, forward and back, while the service runs and while it does not: nothing is lost, nothing
//! issued twice, and nothing lies about for an hour.

use proto_tests::program::eventually;
use proto_tests::record::Ledger;
use proto_tests::upstream::Reply;
use proto_tests::{Act, CmpCa, EmbeddedCa, FakeClock, Launch, peer};

use crate::site::{Node, Order, Site};

const HOUR: i64 = 3600;
const FORWARD: &str = "the clock was set forward, or the machine slept";
const BACK: &str = "the clock was set back";

#[test]
fn a_clock_that_is_set_forward_and_back_while_it_runs_loses_nothing_and_issues_nothing_twice() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let Some(clock) = FakeClock::right(site.setup.folder()) else {
        return;
    };
    let node = Node::start(clock.drives(site.launch()));
    let client = site.rest(&node);
    let orders: Vec<Order> = (0..4).map(|n| Order::new(&format!("clock-{n}"))).collect();
    let first = orders[0].finish(&client);

    clock.set(HOUR);
    node.program.log_has(FORWARD);
    // A CA whose clock is right may refuse what is an hour ahead, and says so; it does not leave us in doubt.
    let ahead = orders[1].send(&client).unwrap();
    assert!(
        matches!(ahead.status, 200 | 201 | 422 | 502 | 503),
        "{} {}",
        ahead.status,
        ahead.text()
    );
    assert_eq!(orders[0].finish(&client), first);

    clock.set(0);
    node.program.log_has(BACK);
    let last = orders[2].finish(&client);
    clock.set(-HOUR);
    eventually("it is said a second time", || {
        node.program.output().text().matches(BACK).count() == 2
    });
    let behind = orders[3].send(&client).unwrap();
    assert!(
        matches!(behind.status, 200 | 201 | 422 | 502 | 503),
        "{} {}",
        behind.status,
        behind.text()
    );
    clock.set(0);
    assert_eq!(orders[0].finish(&client), first);
    assert_eq!(orders[2].finish(&client), last);

    let records = Ledger::file(&site.setup.path("journal.db")).all();
    assert!(records.iter().all(|record| !record.runs), "{records:#?}");
    let held = records.iter().filter(|r| r.certificate.is_some()).count();
    assert_eq!(i64::try_from(held).unwrap(), ca.issued());
}

#[test]
fn what_waits_when_the_clock_is_set_back_is_polled_all_the_same() {
    let ca = CmpCa::start();
    ca.always(Act::Wait(1));
    let site = Site::before_any(ca.url(), &ca.root.certificate);
    let Some(clock) = FakeClock::right(site.setup.folder()) else {
        return;
    };
    clock.set(HOUR);
    let node = Node::start(clock.drives(site.launch()));
    let client = site.rest(&node);
    let order = Order::new("waits");
    let waiting = order.send_and_wait(&client, 0).unwrap();
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    clock.set(0);
    node.program.log_has(BACK);
    ca.recovers();
    order.finish(&client);
    assert_eq!(ca.log(), ["issued", "accepted"]);
}

/// Its lease, and when its row is due, are in the future of every process after it.
#[test]
fn what_a_process_left_that_died_while_the_clock_was_ahead_is_carried_on_when_it_is_right_again() {
    let ca = CmpCa::start();
    ca.always(Act::Say(Reply::Silence));
    let site = Site::before_any(ca.url(), &ca.root.certificate);
    let Some(clock) = FakeClock::right(site.setup.folder()) else {
        return;
    };
    clock.set(HOUR);
    let mut node = Node::start(clock.drives(site.launch()));
    let order = Order::new("left");
    let begun = order.send_and_wait(&site.rest(&node), 0).unwrap();
    assert_eq!(begun.status, 202, "{}", begun.text());
    eventually("the CA is asked", || !ca.kinds().is_empty());
    node.program.kill();
    clock.set(0);
    ca.recovers();
    let mark = node.program.output().mark();
    node.program.restart(2);
    node.program.log_has_since(mark, BACK);
    order.finish(&site.rest(&node));
    assert_eq!(ca.log(), ["issued", "accepted"]);
}

/// Hours of waiting, and a process for each.
#[test]
fn a_request_that_waits_for_hours_and_over_restarts_is_polled_when_the_ca_said_and_gets_its_certificate()
 {
    let ca = CmpCa::start();
    ca.always(Act::Wait(3600));
    let site = Site::before_any(ca.url(), &ca.root.certificate);
    let Some(clock) = FakeClock::right(site.setup.folder()) else {
        return;
    };
    let mut node = Node::start(clock.drives(site.launch()));
    let order = Order::new("patient");
    let waiting = order.send_and_wait(&site.rest(&node), 0).unwrap();
    assert_eq!(waiting.status, 202, "{}", waiting.text());
    assert!(waiting.header("location").is_some());
    // The first poll is due after a second; it says when to come again.
    eventually("it is polled", || polls(&ca) == 1);
    for hour in 1..=3 {
        node.program.kill();
        clock.set(hour * HOUR + 60);
        node.program.restart(2);
        let polled = usize::try_from(hour).unwrap() + 1;
        eventually("it is polled again", || polls(&ca) == polled);
        let again = order.send_and_wait(&site.rest(&node), 0).unwrap();
        assert_eq!(again.status, 202, "{}", again.text());
        let after: i64 = again.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=HOUR).contains(&after), "{after}");
    }
    node.program.kill();
    ca.recovers();
    clock.set(4 * HOUR + 120);
    node.program.restart(2);
    order.finish(&site.rest(&node));
    assert_eq!(polls(&ca), 5);
    assert_eq!(ca.log(), ["issued", "accepted"]);
}

/// What is deleted for its age would not come back with the right time.
#[test]
fn a_clock_that_is_ahead_by_a_year_for_a_moment_deletes_nothing_that_is_young() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let Some(clock) = FakeClock::right(site.setup.folder()) else {
        return;
    };
    let retention = |launch: Launch| {
        launch
            .env("CERTWAY_RA_JOURNAL__RETENTION__ENTRIES", "30d")
            .env("CERTWAY_RA_JOURNAL__RETENTION__AUDIT", "30d")
            .env("CERTWAY_RA_JOURNAL__RETENTION__EVERY", "100ms")
    };
    let node = Node::start(clock.drives(retention(site.launch())));
    let client = site.rest(&node);
    let order = Order::new("young");
    let certificate = order.finish(&client);
    let journal = site.setup.path("journal.db");
    let before = Ledger::file(&journal).all().len();
    // Old, by whichever clock: it shows when there was a look at what is too old.
    let age = "UPDATE audit SET at = at - 5184000000000 WHERE id = (SELECT MIN(id) FROM audit)";
    let execute = || peer::run("sqlite3", site.setup.folder(), &["journal.db", age]);
    if peer::missing("sqlite3") {
        return;
    }

    clock.set(365 * 24 * HOUR);
    node.program
        .log_has("the clock is far ahead of what was known");
    execute();
    clock.set(0);
    node.program.log_has("the journal was compacted");
    let log = node.program.output().text();
    assert!(
        log.contains("\"events\":1") || log.contains("events=1"),
        "{log}"
    );
    assert_eq!(Ledger::file(&journal).all().len(), before);
    assert_eq!(order.finish(&client), certificate);
    assert_eq!(ca.issued(), 1);
}

fn polls(ca: &CmpCa) -> usize {
    let kinds = ca.kinds();
    kinds.iter().filter(|kind| **kind == "pollReq").count()
}

/// Our clock decides which messages are too old: whoever sends them learns it, and can again when it is right.
#[test]
fn clients_of_the_cmp_front_hear_bad_time_while_our_clock_is_wrong() {
    if proto_tests::peer::missing("openssl") {
        return;
    }
    let setup = proto_tests::NativeSetup::new();
    let Some(clock) = FakeClock::right(setup.folder()) else {
        return;
    };
    let config = setup.local_authority() + &setup.label("", "");
    clock.set(HOUR);
    let launch = clock.drives(setup.launch(&config));
    let native = setup.start_as(launch);
    native
        .enrolling("ir", "/CN=early")
        .run()
        .refused(&["badTime"]);
    clock.set(0);
    native.program.log_has(BACK);
    native.enrolling("ir", "/CN=early").run().certificate();
    assert_eq!(native.issued(), 1);
}
