//! Two processes on one database of PostgreSQL: the one is killed at a step, or sleeps through its lease, and the other finishes.

use std::thread;

use proto_tests::scripted::{Fate, Habits, ScriptedCa};
use proto_tests::{EmbeddedCa, postgres};

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};
use crate::steps::{CaRecord, STEPS, assert_one, each_pair, kill_and_finish};
use crate::{revoking, waiting};

#[test]
fn another_process_finishes_rest_v1_whatever_step_the_first_is_killed_at() {
    at_every_step(Door::V1);
}

#[test]
fn another_process_finishes_a_key_update_whatever_step_the_first_is_killed_at() {
    at_every_step(Door::V1Update);
}

#[test]
fn another_process_finishes_rest_v2_whatever_step_the_first_is_killed_at() {
    at_every_step(Door::V2);
}

#[test]
fn another_process_finishes_cmp_with_implicit_confirmation_whatever_step_the_first_is_killed_at() {
    at_every_step(Door::CmpImplicit);
}

#[test]
fn another_process_finishes_cmp_with_explicit_confirmation_whatever_step_the_first_is_killed_at() {
    at_every_step(Door::CmpExplicit);
}

#[test]
fn another_process_waits_on_for_rest_v1_whatever_step_the_first_is_killed_at() {
    waiting_at_every_step(Door::V1);
}

#[test]
fn another_process_waits_on_for_rest_v2_whatever_step_the_first_is_killed_at() {
    waiting_at_every_step(Door::V2);
}

#[test]
fn another_process_waits_on_for_cmp_whatever_step_the_first_is_killed_at() {
    waiting_at_every_step(Door::CmpImplicit);
    waiting_at_every_step(Door::CmpExplicit);
}

#[test]
fn another_process_tells_the_ca_the_clients_word_that_the_first_was_killed_with() {
    if postgres::missing() {
        return;
    }
    let ca = EmbeddedCa::start();
    let mut site = Site::with_two("14", &Upstream::embedded(&ca));
    site.only_the_first_works();
    let mut client = Client::new(Door::CmpExplicit, &site, "heard");
    client.until_cut(&site);
    site.resurrect();
    let certificate = client.finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
    ca.has_one(client.subject(), &certificate);
    site.return_of_the_first();
    assert_eq!(client.finish(&site).unwrap(), certificate);
}

#[test]
fn another_process_finishes_a_revocation_whatever_step_the_first_is_killed_at() {
    if postgres::missing() {
        return;
    }
    let ca = EmbeddedCa::start();
    each_pair(revoking::STEPS, |step| {
        revoking::kill_and_finish(step, &ca, Site::with_two);
    });
}

/// The claim is taken over while its holder sleeps; when it wakes, with the CA's answer there to be read, it has no say any more.
#[test]
fn a_process_that_slept_through_its_lease_writes_nothing_when_it_wakes() {
    if postgres::missing() {
        return;
    }
    let ca = ScriptedCa::start(Habits {
        repeats: true,
        ..Habits::default()
    });
    // Asleep in step 9, before the certificate is durable, and in step 12, before the confirmation is.
    each_pair(["p10cr", "certConf"], |asleep_at| {
        let mut site = Site::with_two("", &Upstream::scripted(&ca));
        let mut client = Client::new(Door::V2, &site, &format!("asleep-at-{asleep_at}"));
        let held = ca.hold(client.subject(), asleep_at);
        thread::scope(|scope| {
            let asking = scope.spawn({
                let (client, first) = (client.clone(), site.doors());
                move || client.send_to(&first)
            });
            held.wait();
            site.first_falls_asleep();
            let certificate = client.finish(&site).unwrap();
            assert_one(&site, client.subject(), &certificate);
            let before = site.records();

            held.release();
            site.first_wakes();
            let late = asking.join().unwrap().unwrap();
            assert_eq!(client.hear(&late), Some(Ok(certificate.clone())));
            let after = site.records();
            assert_eq!(after.len(), 1, "{after:#?}");
            assert_eq!(after[0].history, before[0].history);
            let record = ca.record(client.subject());
            assert_eq!(record, [(certificate, Fate::Confirmed)]);
        });
    });
}

fn at_every_step(door: Door) {
    if postgres::missing() {
        return;
    }
    let ca = EmbeddedCa::start();
    each_pair(STEPS, |step| {
        kill_and_finish(door, step, &ca, Site::with_two);
    });
}

fn waiting_at_every_step(door: Door) {
    if postgres::missing() {
        return;
    }
    let ca = ScriptedCa::start(waiting::HABITS);
    each_pair(waiting::STEPS, |step| {
        waiting::kill_and_finish(door, step, &ca, Site::with_two);
    });
}
