//! A CMP client that confirms itself: killed between its messages, and while its word travels on to the CA.

use proto_tests::EmbeddedCa;
use proto_tests::program::eventually;

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};
use crate::steps::{CaRecord, assert_one};

#[test]
fn killed_between_ip_and_certconf_the_certconf_is_taken_all_the_same() {
    let ca = EmbeddedCa::start();
    let mut site = Site::stopping_at("", &Upstream::embedded(&ca));
    let mut client = Client::new(Door::CmpExplicit, &site, "between");
    let held = client.until_held(&site);
    site.kill_and_restart();
    assert_eq!(client.finish(&site).unwrap(), held);
    assert_one(&site, client.subject(), &held);
    ca.has_one(client.subject(), &held);
}

#[test]
fn killed_with_the_clients_word_durable_and_the_ca_not_told_it_is_told_by_whoever_is_first() {
    let ca = EmbeddedCa::start();
    let mut site = Site::stopping_at("14", &Upstream::embedded(&ca));
    let mut client = Client::new(Door::CmpExplicit, &site, "heard");
    client.until_cut(&site);
    site.resurrect();
    let certificate = client.finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
    ca.has_one(client.subject(), &certificate);
}

#[test]
fn the_clients_word_reaches_the_ca_though_the_client_is_gone() {
    let ca = EmbeddedCa::start();
    let mut site = Site::stopping_at("14", &Upstream::embedded(&ca));
    let mut client = Client::new(Door::CmpExplicit, &site, "gone");
    client.until_cut(&site);
    site.resurrect();
    eventually("the CA has heard it", || {
        let records = ca.records(client.subject());
        records.len() == 1 && records[0].end() == "confirmed"
    });
}

#[test]
fn killed_again_at_every_step_of_one_enrollment_it_still_ends_with_one_certificate() {
    let ca = EmbeddedCa::start();
    let mut site = Site::stopping_at("8", &Upstream::embedded(&ca));
    let mut client = Client::new(Door::CmpExplicit, &site, "again-and-again");
    client.until_cut(&site);
    for step in ["9", "10", "11"] {
        // The sweeper or the client gets there first; both are killed.
        site.resurrect_until(step);
        let _cut = client.send(&site);
    }
    site.resurrect_until("14");
    client.until_cut(&site);
    for step in ["12", "13"] {
        // The client may hear pkiConf in time: its word is durable.
        site.resurrect_until(step);
        let _either = client.send(&site);
    }
    site.resurrect();
    let certificate = client.finish(&site).unwrap();
    assert_one(&site, client.subject(), &certificate);
    assert_eq!(ca.certificates(client.subject()).len(), 1);
    ca.has_one(client.subject(), &certificate);
}
