//! It is the CA that dies, certway-ra itself in that role: both journals have to agree in the end.

use std::thread;

use proto_tests::EmbeddedCa;

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};
use crate::steps::{CaRecord, assert_one, each};

#[test]
fn a_ca_that_is_killed_at_any_step_issues_one_certificate_all_the_same() {
    // 11 is before ip is sent, 14 between certConf and pkiConf.
    each(["7", "8", "9", "10", "11", "14"], |step| {
        let mut ca = EmbeddedCa::stopping_at(step);
        let site = Site::stopping_at("", &Upstream::embedded(&ca));
        let mut client = Client::new(Door::V2, &site, &format!("ca-{step}"));
        let certificate = thread::scope(|scope| {
            let asking = scope.spawn(|| client.finish(&site).unwrap());
            ca.resurrect();
            asking.join().unwrap()
        });
        assert_one(&site, client.subject(), &certificate);
        assert_eq!(ca.certificates(client.subject()).len(), 1);
        ca.has_one(client.subject(), &certificate);
    });
}
