//! `certway-ra journal`, beside a service that runs.

use proto_tests::postgres::{self, Database};
use proto_tests::record::Ledger;
use proto_tests::{EmbeddedCa, Launch, ca};
use serde_json::Value;

use crate::site::{First, Node, Order, SECRET, Site};

pub(crate) fn execute(url: &str, statement: &'static str) {
    postgres::connected(url, async |connection| {
        sqlx::query(statement).execute(connection).await.unwrap();
    })
    .unwrap();
}

/// Everything it says, with the journal as the environment names it.
fn told(site: &Site, url: &str, arguments: &[&str]) -> String {
    let named = |launch: Launch| launch.env("CERTWAY_RA_JOURNAL__URL", url);
    let ended = site.journal_as(named, arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

fn everything_is_shown(url: &str) {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(site.launch_on(url));
    let orders: Vec<Order> = (0..3).map(|n| Order::new(&format!("shown-{n}"))).collect();
    let issued: Vec<_> = orders
        .iter()
        .map(|order| order.finish(&site.rest(&node)))
        .collect();
    let first = First::new("over-cmp");
    first.send(&node.cmp()).unwrap();

    let list = told(&site, url, &["list"]);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    assert!(
        lines[0].contains("over-cmp") && lines[3].contains("shown-0"),
        "{list}"
    );
    assert!(lines.iter().all(|line| line.contains("  confirmed ")));
    let count = |arguments: &[&str]| told(&site, url, arguments).lines().count();
    assert_eq!(count(&["list", "--limit", "2"]), 2);
    assert_eq!(count(&["list", "--phase", "refused"]), 0);
    assert_eq!(count(&["list", "--label", "RA", "--authority", "ca"]), 4);
    assert_eq!(count(&["list", "--label", "other"]), 0);
    assert_eq!(count(&["list", "--since", "1h"]), 4);
    assert_eq!(count(&["list", "--until", "2026-01-01T00:00:00Z"]), 0);

    let id = lines[3].split(' ').next().unwrap();
    let shown: Value = serde_json::from_str(&told(&site, url, &["show", id])).unwrap();
    let serial = issued[0].serial_text();
    assert_eq!(shown["certificate"]["serial"], serial.as_str());
    let events: Vec<_> = shown["events"].as_array().unwrap().iter().collect();
    assert_eq!(events[0]["event"], "begun");
    assert_eq!(events.last().unwrap()["event"], "confirmed");
    assert!(events.iter().all(|event| event["entry"] == id));

    let export = told(&site, url, &["export"]);
    let objects: Vec<Value> = export
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| objects.iter().filter(|o| o["kind"] == kind).count();
    assert_eq!(
        (of("entry"), of("certificate"), of("revocation")),
        (4, 4, 0)
    );
    assert!(of("event") >= 8, "{export}");
    let some = told(&site, url, &["export", "--kind", "certificates"]);
    assert_eq!(some.lines().count(), 4);
    // Neither a secret nor what somebody could guess one from.
    for object in &objects {
        for sealed in ["front", "upstream", "original", "relay"] {
            assert!(object.get(sealed).is_none(), "{object}");
        }
    }
    for secret in [SECRET, ca::SECRET] {
        assert!(!export.contains(secret) && !list.contains(secret));
    }
    // The service was not disturbed.
    Order::new("afterwards").finish(&site.rest(&node));
}

#[test]
fn list_show_and_export_tell_what_was_done_on_sqlite_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    everything_is_shown(&format!("sqlite://{}/journal.db", folder.path().display()));
}

#[test]
fn list_show_and_export_tell_what_was_done_on_postgresql_and_no_secret() {
    if postgres::missing() {
        return;
    }
    everything_is_shown(&Database::new().url());
}

#[test]
fn what_is_too_old_goes_by_hand_and_what_is_open_or_young_stays() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(site.launch());
    let order = Order::new("old");
    let old = order.finish(&site.rest(&node));
    let keep = |launch: Launch| {
        launch
            .env("CERTWAY_RA_JOURNAL__RETENTION__ENTRIES", "1h")
            .env("CERTWAY_RA_JOURNAL__RETENTION__AUDIT", "1h")
    };
    let young = site.journal_as(keep, &["compact"]);
    assert!(
        young.stdout.starts_with("0 entries, 0 certificates and 0 "),
        "{} {}",
        young.stdout,
        young.stderr
    );
    // As if it had been done two hours ago: events by their time; entries by the time in their phase, which only time can change.
    let url = format!("sqlite://{}", site.setup.path("journal.db").display());
    execute(&url, "UPDATE audit SET at = at - 7200000000");
    let gone = site.journal_as(keep, &["compact"]);
    assert_eq!(gone.code, Some(0), "{}", gone.stderr);
    assert!(
        gone.stdout.starts_with("0 entries, 0 certificates and ")
            && !gone.stdout.contains("and 0 audit"),
        "{}",
        gone.stdout
    );
    assert_eq!(order.finish(&site.rest(&node)), old);
}

#[test]
fn the_service_lets_go_what_is_too_old_by_itself() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let url = format!("sqlite://{}", site.setup.path("journal.db").display());
    let node = Node::start(
        site.launch()
            .env("CERTWAY_RA_JOURNAL__RETENTION__AUDIT", "1h")
            .env("CERTWAY_RA_JOURNAL__RETENTION__EVERY", "100ms"),
    );
    Order::new("a").finish(&site.rest(&node));
    execute(&url, "UPDATE audit SET at = at - 7200000000");
    node.program.log_has("the journal was compacted");
}

#[test]
fn a_schema_of_a_newer_program_is_refused_with_both_versions_and_exit_code_1() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let mut node = Node::start(site.launch());
    node.program.terminate();
    let url = format!("sqlite://{}", site.setup.path("journal.db").display());
    execute(
        &url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT 99, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1",
    );
    for ended in [site.launch().run(), site.journal(&["list"])] {
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(
            ended.stderr.contains("schema version 99")
                && ended.stderr.contains("run the newer program"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn what_there_is_not_is_said() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let _written = site.launch();
    let refused = |ended: proto_tests::Ended, words: &str| {
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    };
    refused(site.journal(&["list"]), "unable to open database file");
    assert!(
        !site.setup.path("journal.db").exists(),
        "looking makes nothing"
    );
    let node = Node::start(site.launch());
    let nobody = "00112233445566778899aabbccddeeff";
    refused(site.journal(&["show", nobody]), "there is no request");
    refused(site.journal(&["show", "x"]), "there is no request");
    let ended = site.journal(&["list", "--since", "yesterday"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    drop(node);
}

#[test]
fn a_relative_sqlite_url_lies_beside_the_configuration_wherever_the_program_is_started() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let config = site.setup.path("certway-ra.toml");
    let _written = site.launch();
    let text = std::fs::read_to_string(&config).unwrap();
    let absolute = format!("sqlite://{}/journal.db", site.setup.folder().display());
    std::fs::write(&config, text.replace(&absolute, "sqlite://beside.db")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let launch = Launch::certway_ra(elsewhere.path())
        .args(["serve", "--config"])
        .arg(&config);
    let node = Node::start(launch);
    Order::new("a").finish(&site.rest(&node));
    assert_eq!(Ledger::file(&site.setup.path("beside.db")).all().len(), 1);
}
