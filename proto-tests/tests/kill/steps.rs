//! Every step, through every door, before a CA that answers the same bytes with the same answer: nobody notices.

use std::sync::{Condvar, Mutex};
use std::thread;

use pki::{Certificate, Name};
use proto_tests::EmbeddedCa;
use proto_tests::program::eventually;
use proto_tests::record::Record;

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};

/// Prepared, begun, asked, checked, finished, the CA told, the journal told: `ra::step`.
pub(crate) const STEPS: [u8; 7] = [7, 8, 9, 10, 11, 12, 13];

#[test]
fn rest_v1_enrolls_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::V1);
}

#[test]
fn rest_v1_updates_keys_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::V1Update);
}

#[test]
fn rest_v2_enrolls_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::V2);
}

#[test]
fn cmp_with_implicit_confirmation_enrolls_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::CmpImplicit);
}

#[test]
fn cmp_with_explicit_confirmation_enrolls_whatever_step_the_process_is_killed_at() {
    at_every_step(Door::CmpExplicit);
}

#[test]
fn an_answer_that_was_given_is_given_again_after_kill() {
    let ca = EmbeddedCa::start();
    each(
        [Door::V1, Door::V2, Door::CmpImplicit, Door::CmpExplicit],
        |door| {
            let mut site = Site::stopping_at("", &Upstream::embedded(&ca));
            let mut client = Client::new(door, &site, &format!("{door:?}-answered"));
            let before = client.finish(&site).unwrap();
            site.kill_and_restart();
            assert_eq!(client.finish(&site).unwrap(), before);
            assert_one(&site, client.subject(), &before);
            ca.has_one(client.subject(), &before);
        },
    );
}

fn at_every_step(door: Door) {
    let ca = EmbeddedCa::start();
    each(STEPS, |step| {
        kill_and_finish(door, step, &ca, Site::stopping_at);
    });
}

/// One row of the table, on the journal that `start` has: the client's retry gets its one certificate, and all ledgers agree.
pub(crate) fn kill_and_finish(
    door: Door,
    step: u8,
    ca: &EmbeddedCa,
    start: fn(&str, &Upstream) -> Site,
) {
    // An update has a certificate to begin with.
    let nth = if door == Door::V1Update { 2 } else { 1 };
    let mut site = start(&format!("{step}:{nth}"), &Upstream::embedded(ca));
    let mut client = Client::new(door, &site, &format!("{door:?}-{step}"));
    let first = site.certificates(client.subject());
    client.until_cut(&site);
    site.resurrect();
    let certificate = client.finish(&site).unwrap();
    assert_eq!(first.len() + 1, nth, "nothing but what was there before");
    assert_eq!(site.certificates(client.subject()).len(), nth);
    assert_one(&site, client.subject(), &certificate);
    assert_eq!(ca.certificates(client.subject()).len(), nth);
    ca.has_one(client.subject(), &certificate);
    // And it stays so, whoever is asked.
    assert_eq!(client.finish(&site).unwrap(), certificate);
    site.return_of_the_first();
    assert_eq!(client.finish(&site).unwrap(), certificate);
    assert_eq!(ca.certificates(client.subject()).len(), nth);
}

/// So many rows at a time, over all tests: each is a process or two.
const AT_ONCE: usize = 12;

/// So many of [`AT_ONCE`].
struct Place(usize);

static TAKEN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

impl Place {
    fn take(count: usize) -> Self {
        let (taken, freed) = &TAKEN;
        let taken = taken.lock().unwrap();
        let mut taken = freed
            .wait_while(taken, |taken| *taken + count > AT_ONCE)
            .unwrap();
        *taken += count;
        Self(count)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (taken, freed) = &TAKEN;
        *taken.lock().unwrap() -= self.0;
        freed.notify_all();
    }
}

/// Runs `row` for each of `cases`, as many at once as there are places; a row that fails is named.
pub(crate) fn each<C: Copy + std::fmt::Debug + Send>(
    cases: impl IntoIterator<Item = C>,
    row: impl Fn(C) + Sync,
) {
    at_once(1, cases, row);
}

/// The same where each row takes two places: two processes, and their connections to a database that has a hundred.
pub(crate) fn each_pair<C: Copy + std::fmt::Debug + Send>(
    cases: impl IntoIterator<Item = C>,
    row: impl Fn(C) + Sync,
) {
    at_once(2, cases, row);
}

fn at_once<C: Copy + std::fmt::Debug + Send>(
    places: usize,
    cases: impl IntoIterator<Item = C>,
    row: impl Fn(C) + Sync,
) {
    let test = thread::current().name().unwrap_or_default().to_owned();
    thread::scope(|scope| {
        let row = &row;
        for case in cases {
            let thread = thread::Builder::new().name(format!("{test}, {case:?}"));
            let work = move || {
                let _place = Place::take(places);
                row(case);
            };
            thread.spawn_scoped(scope, work).unwrap();
        }
    });
}

/// Our journal has that certificate once, confirmed, and nothing is left to do about it.
#[track_caller]
pub(crate) fn assert_one(site: &Site, subject: &Name, certificate: &Certificate) {
    eventually("our journal says confirmed", || {
        let records = site.records();
        let named: Vec<&Record> = records
            .iter()
            .filter(|record| record.certificate.as_ref() == Some(certificate))
            .collect();
        assert_eq!(named.len(), 1, "{subject}: {records:#?}");
        named[0].end() == "confirmed" && !named[0].runs
    });
}

/// What the CA itself says.
pub(crate) trait CaRecord {
    /// Every certificate it issued for that subject.
    fn certificates(&self, subject: &Name) -> Vec<Certificate>;

    /// It has issued that certificate once, and knows that it was taken.
    fn has_one(&self, subject: &Name, certificate: &Certificate);
}

impl CaRecord for EmbeddedCa {
    fn certificates(&self, subject: &Name) -> Vec<Certificate> {
        let records = self.records(subject).into_iter();
        records.filter_map(|record| record.certificate).collect()
    }

    fn has_one(&self, subject: &Name, certificate: &Certificate) {
        eventually("the CA's journal says confirmed", || {
            let records = self.records(subject);
            let named: Vec<&Record> = records
                .iter()
                .filter(|record| record.certificate.as_ref() == Some(certificate))
                .collect();
            assert_eq!(named.len(), 1, "{subject}: {records:#?}");
            named[0].end() == "confirmed"
        });
    }
}
