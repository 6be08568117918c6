//! A revocation is the same line without 5, 10 and 12.

use proto_tests::EmbeddedCa;
use serde_json::json;

use crate::fronts::{Client, Door};
use crate::site::{Site, Upstream};
use crate::steps::each;

/// The enrollment before it passed each of these once.
pub(crate) const STEPS: [&str; 3] = ["7:2", "8:2", "9:2"];

#[test]
fn a_revocation_takes_effect_once_whatever_step_the_process_is_killed_at() {
    let ca = EmbeddedCa::start();
    each(STEPS, |step| kill_and_finish(step, &ca, Site::stopping_at));
}

/// One row of the table, on the journal that `start` has.
pub(crate) fn kill_and_finish(step: &str, ca: &EmbeddedCa, start: fn(&str, &Upstream) -> Site) {
    let mut site = start(step, &Upstream::embedded(ca));
    // Of two that sweep, either could come to the step: here it is the one that is killed there.
    site.only_the_first_works();
    let mut client = Client::new(Door::V2, &site, &format!("revoked-{}", &step[..1]));
    let certificate = client.finish(&site).unwrap();
    let body = json!({ "certificate": certificate.to_pem(), "reason": "superseded" }).to_string();
    let fields = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "revocation"),
        ("Prefer", "wait=20"),
    ];
    let revoke = |site: &Site| {
        let path = "/v2/RA/revocations";
        site.rest()
            .try_request("POST", path, &fields, body.as_bytes())
    };
    revoke(&site).unwrap_err();
    site.resurrect();
    for _ in 0..2 {
        let answer = revoke(&site).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["status"], "revoked");
        site.return_of_the_first();
    }
    let log = ca.program.output().text();
    let serial = hex::encode(certificate.serial());
    assert!(ca.is_revoked(&certificate), "{serial}: {log}");
    let ended = site.records();
    assert_eq!(ended.len(), 2, "{ended:#?}");
    assert_eq!(ended[1].end(), "revoked");
}
