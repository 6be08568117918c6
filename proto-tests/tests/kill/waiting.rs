//! A CA that makes us wait: the waiting is a row's state, and outlives the process.

use proto_tests::scripted::{Fate, Habits, ScriptedCa};

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};
use crate::steps::{assert_one, each};

/// Waiting at first, "not yet" to one poll, then the certificate: the CA is asked three times.
pub(crate) const HABITS: Habits = Habits {
    repeats: true,
    withdraws: false,
    forgets: false,
    implicit: false,
    waits: 2,
};
pub(crate) const STEPS: [&str; 9] = ["7", "8", "9:1", "9:2", "9:3", "10", "11", "12", "13"];

#[test]
fn rest_v1_waits_on_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::V1);
}

#[test]
fn rest_v2_waits_on_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::V2);
}

#[test]
fn cmp_waits_on_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::CmpExplicit);
}

#[test]
fn killed_between_two_polls_of_a_client_the_next_one_is_answered() {
    let ca = ScriptedCa::start(HABITS);
    let upstream = Upstream::scripted(&ca);
    let mut site = Site::polled("", &upstream);
    let mut client = Client::new(Door::CmpExplicit, &site, "polling");
    client.until_waiting(&site);
    site.kill_and_restart();
    let certificate = client.finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
    assert_eq!(
        ca.record(client.subject()),
        [(certificate, Fate::Confirmed)]
    );
}

#[test]
fn a_client_that_never_asks_again_costs_nothing_but_a_certificate_that_is_there_when_it_does() {
    let ca = ScriptedCa::start(HABITS);
    let mut site = Site::stopping_at("9:1", &Upstream::scripted(&ca));
    let mut client = Client::new(Door::V2, &site, "later");
    client.until_cut(&site);
    site.resurrect();
    proto_tests::program::eventually("the sweeper has got it", || {
        site.records()[0].end() == "confirmed"
    });
    let certificate = client.finish(&site).unwrap();
    assert_eq!(
        ca.record(client.subject()),
        [(certificate, Fate::Confirmed)]
    );
}

fn at_every_step(door: Door) {
    let ca = ScriptedCa::start(HABITS);
    each(STEPS, |step| {
        kill_and_finish(door, step, &ca, Site::stopping_at);
    });
}

/// One row of the table, on the journal that `start` has.
pub(crate) fn kill_and_finish(
    door: Door,
    step: &str,
    ca: &ScriptedCa,
    start: fn(&str, &Upstream) -> Site,
) {
    let mut site = start(step, &Upstream::scripted(ca));
    // Of two that sweep, either could come to the step: here it is the one that is killed there.
    site.only_the_first_works();
    let mut client = Client::new(door, &site, &format!("{door:?}-{step}"));
    client.until_cut(&site);
    site.resurrect();
    let certificate = client.finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
    site.return_of_the_first();
    assert_eq!(client.finish(&site).unwrap(), certificate);
    assert_eq!(
        ca.record(client.subject()),
        [(certificate, Fate::Confirmed)]
    );
}
