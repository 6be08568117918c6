//! kill -9 of either side: the same command gets the one certificate.

use proto_tests::program::eventually;
use proto_tests::record::{Ledger, Record};
use proto_tests::scripted::{Fate, Habits, ScriptedCa};

use super::*;

const ENROLL: [&str; 2] = ["enroll", "--subject=O=Example,CN=web"];

#[test]
fn certway_outlives_a_service_that_dies_under_it() {
    let ca = ScriptedCa::start(Habits {
        waits: 2,
        repeats: true,
        ..Habits::default()
    });
    let mut desk = Desk::at(Native::before_with(&ca.url(), &ca.root, "", "", ""));
    let launch = desk.as_client(&ENROLL).env("CERTWAY_RETRY_FOR", "60s");
    let mut certway = launch.spawn();
    eventually("the CA was asked", || !desk.records().is_empty());
    desk.native.program.kill();
    desk.ledger().let_leases_end();
    desk.native.program.restart(2);
    let status = certway.wait();
    assert!(status.success(), "{status}: {}", certway.output().text());
    assert_one(&desk, &ca);
}

#[test]
fn killed_itself_it_goes_on_with_the_key_it_made() {
    let ca = ScriptedCa::start(Habits {
        waits: 2,
        ..Habits::default()
    });
    let desk = Desk::at(Native::before_with(&ca.url(), &ca.root, "", "", ""));
    let mut certway = desk.as_client(&ENROLL).spawn();
    eventually("the CA was asked", || !desk.records().is_empty());
    certway.kill();
    assert!(!desk.path("tls.crt").exists());
    desk.run(&ENROLL, 0);
    assert_one(&desk, &ca);
    let left: Vec<_> = std::fs::read_dir(desk.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "nothing is left of the work: {left:?}");
}

#[test]
fn killed_on_both_sides_there_is_still_one_certificate() {
    let ca = ScriptedCa::start(Habits {
        waits: 2,
        repeats: true,
        ..Habits::default()
    });
    let mut desk = Desk::at(Native::before_with(&ca.url(), &ca.root, "", "", ""));
    let mut certway = desk.as_client(&ENROLL).spawn();
    eventually("the CA was asked", || !desk.records().is_empty());
    certway.kill();
    desk.native.program.kill();
    desk.ledger().let_leases_end();
    desk.run(&ENROLL, 4);
    desk.native.program.restart(2);
    desk.run(&ENROLL, 0);
    assert_one(&desk, &ca);
}

impl Desk {
    fn ledger(&self) -> Ledger {
        Ledger::file(&self.native.setup.path("journal.db"))
    }

    fn records(&self) -> Vec<Record> {
        self.ledger().all()
    }
}

/// The CA, the service and certway know of the same one certificate.
#[track_caller]
fn assert_one(desk: &Desk, ca: &ScriptedCa) {
    let leaf = desk.certificates("tls.crt")[0].clone();
    assert_eq!(leaf.public_key(), desk.key("tls.key").public_key());
    assert_eq!(ca.record(leaf.subject()), [(leaf.clone(), Fate::Confirmed)]);
    let records = desk.records();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0].certificate, Some(leaf));
}
