//! A CA that does not repeat a lost answer: the exceptions of docs/ISSUANCE.md, each exactly as it stands there.

use std::time::{Duration, Instant};

use pkixcmp::PkiFailureInfo;
use proto_tests::program::eventually;
use proto_tests::scripted::{Fate, Habits, ScriptedCa};

use crate::fronts::{Client, Door, Refused};
use crate::site::{Site, Upstream};
use crate::steps::{assert_one, each};

const DOORS: [Door; 4] = [Door::V1, Door::V2, Door::CmpImplicit, Door::CmpExplicit];
/// The one dialect that asks for implicit confirmation of a CA that is not known to repeat itself.
const IMPLICIT: &str = r#"recipient = "O=Certway Tests,CN=Scripted CA"
dialect = "onap"
confirmation = "implicit""#;
const LOST: &str = "https://certway.dev/problems/lost";

#[test]
fn an_answer_lost_before_a_ca_that_withdraws_costs_a_new_request_and_no_certificate() {
    let habits = Habits {
        withdraws: true,
        ..Habits::default()
    };
    for_lost_answers(habits, "", Fate::Withdrawn);
}

#[test]
fn an_answer_lost_before_a_ca_that_neither_repeats_nor_withdraws_leaves_a_certificate_nobody_confirms()
 {
    for_lost_answers(Habits::default(), "", Fate::Unconfirmed);
}

#[test]
fn an_answer_lost_after_implicit_confirmation_leaves_a_certificate_that_nobody_has() {
    let habits = Habits {
        implicit: true,
        ..Habits::default()
    };
    for_lost_answers(habits, IMPLICIT, Fate::Confirmed);
}

#[test]
fn before_and_after_the_one_answer_that_is_not_repeated_nothing_is_lost() {
    let ca = ScriptedCa::start(Habits::default());
    let cases = DOORS.map(|door| ["7", "8", "11", "12", "13"].map(|step| (door, step)));
    for of_door in cases {
        each(of_door, |(door, step)| {
            let mut site = Site::stopping_at(step, &Upstream::scripted(&ca));
            let mut client = Client::new(door, &site, &format!("{door:?}-{step}"));
            client.until_cut(&site);
            site.resurrect();
            let certificate = client.finish(&site).unwrap();
            assert_one(&site, client.subject(), &certificate);
            let record = ca.record(client.subject());
            assert_eq!(record, [(certificate, Fate::Confirmed)]);
        });
    }
}

/// What we say to the CA at 12 is lost, and the CA has forgotten that it heard us. Whether the certificate counts there cannot be known, so
/// it is taken back.
#[test]
fn a_ca_that_neither_repeats_pkiconf_nor_says_certconfirmed_is_asked_to_revoke() {
    for_forgotten_confirmations("", "withdrawn", Fate::Withdrawn);
}

#[test]
fn where_such_a_ca_takes_no_revocation_either_the_certificate_is_named_as_lost() {
    for_forgotten_confirmations("takes = { rr = false }", "lost", Fate::Confirmed);
}

fn for_forgotten_confirmations(settings: &str, ours: &str, at_the_ca: Fate) {
    let ca = ScriptedCa::start(Habits {
        forgets: true,
        ..Habits::default()
    });
    let mut site = Site::stopping_at("12", &Upstream::scripted(&ca).with(settings));
    let mut client = Client::new(Door::V2, &site, "forgotten");
    let begun = Instant::now();
    client.until_cut(&site);
    // A lease lasts ten seconds at least, so whoever goes on does it with a message that is older than this.
    eventually("a message as old as any that is repeated", || {
        begun.elapsed() > Duration::from_secs(2)
    });
    site.resurrect();
    let refused = client.finish(&site).unwrap_err();
    assert!(matches!(refused, Refused::V2(..)), "{refused:?}");
    assert_eq!(site.records()[0].end(), ours);
    assert_eq!(ca.record(client.subject())[0].1, at_the_ca);
    let certificate = client.anew(Door::V2, &site).finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
}

/// Killed where the CA's answer is here and nothing of it durable: the client hears `lost`, and asking anew helps.
fn for_lost_answers(habits: Habits, settings: &str, first: Fate) {
    let ca = ScriptedCa::start(habits);
    for step in ["9", "10"] {
        each(DOORS, |door| {
            let upstream = Upstream::scripted(&ca).with(settings);
            let mut site = Site::stopping_at(step, &upstream);
            let mut client = Client::new(door, &site, &format!("{door:?}-{step}"));
            client.until_cut(&site);
            site.resurrect();
            eventually("the sweeper has found it lost", || {
                site.records()[0].end() == "lost"
            });
            assert_eq!(site.records()[0].certificate, None);
            match door {
                // What ended without a certificate is begun anew: its clients have no key they could change.
                Door::V1 | Door::V1Update => {}
                Door::V2 => {
                    let refused = client.finish(&site).unwrap_err();
                    assert_eq!(refused, Refused::V2(502, LOST.to_owned()));
                }
                Door::CmpImplicit | Door::CmpExplicit => {
                    let refused = client.finish(&site).unwrap_err();
                    assert_eq!(refused, Refused::Cmp(PkiFailureInfo::SYSTEM_FAILURE));
                }
            }
            assert_eq!(site.records().len(), 1);

            let certificate = client.anew(door, &site).finish(&site).unwrap();
            assert_one(&site, client.subject(), &certificate);
            let mut record = ca.record(client.subject());
            record.sort_by_key(|(issued, _)| *issued == certificate);
            let fates: Vec<Fate> = record.iter().map(|(_, fate)| *fate).collect();
            assert_eq!(fates, [first, Fate::Confirmed], "the last is the client's");
        });
    }
}
