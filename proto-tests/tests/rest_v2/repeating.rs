//! Idempotency keys, and a CA that takes its time.

use proto_tests::Answer;
use proto_tests::scripted::{Fate, Habits, ScriptedCa};

use super::*;

#[test]
fn the_same_key_and_request_get_the_same_answer_also_after_a_restart() {
    let mut native = local();
    let body = asked(&json!({}));
    let mine = [("Idempotency-Key", "mine")];
    let first = post_with(&client(&native), CERTIFICATES, &mine, &body);
    assert_eq!(first.status, 201, "{}", first.text());
    let same = |answer: Answer| assert_eq!((answer.status, &answer.body), (201, &first.body));
    same(post_with(&client(&native), CERTIFICATES, &mine, &body));
    native.program.kill();
    native.program.restart(2);
    same(post_with(&client(&native), CERTIFICATES, &mine, &body));
    assert_eq!(native.issued(), 1);
}

#[test]
fn another_request_under_the_key_is_refused_and_issues_nothing() {
    let native = local();
    let mine = [("Idempotency-Key", "mine")];
    issued(&post_with(
        &client(&native),
        CERTIFICATES,
        &mine,
        &asked(&json!({})),
    ));
    let answer = post_with(&client(&native), CERTIFICATES, &mine, &asked(&json!({})));
    problem(&answer, 422, "other-request-under-key");
    assert_eq!(native.issued(), 1);
}

#[test]
fn a_key_belongs_to_its_caller() {
    let native = local();
    let body = asked(&json!({}));
    let mine = [("Idempotency-Key", "mine")];
    let other = native.rest(Some(&native.setup.pki.other_client));
    let first = post_with(&client(&native), CERTIFICATES, &mine, &body);
    let theirs = post_with(&other, CERTIFICATES, &mine, &body);
    assert_ne!(issued(&first).leaf, issued(&theirs).leaf);
    let location = first.header("location").unwrap();
    problem(&other.get(location, &[]), 404, "not-found");
}

#[test]
fn while_the_ca_waits_there_is_202_with_a_place_to_ask_again() {
    let ca = ScriptedCa::start(Habits {
        waits: 2,
        ..Habits::default()
    });
    let native = Native::before_with(&ca.url(), &ca.root, "", "", "");
    let client = client(&native);
    let fields = [("Prefer", "respond-async"), ("Idempotency-Key", "slow")];
    let body = asked(&json!({}));
    let answer = post_with(&client, CERTIFICATES, &fields, &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.json()["status"], "waiting");
    let location = answer.header("location").unwrap().to_owned();
    let issued = issued(&until_decided(&client, &location));
    // The POST itself gets the same now.
    let again = post_with(&client, CERTIFICATES, &fields, &body);
    assert_eq!(super::issued(&again).leaf, issued.leaf);
    assert_eq!(ca.record(&dn(SUBJECT)), [(issued.leaf, Fate::Confirmed)]);
}

/// Asks as often as it is told to.
fn until_decided(client: &HttpsClient, location: &str) -> Answer {
    for _ in 0..30 {
        let answer = client.get(location, &[]);
        if answer.status != 202 {
            assert_eq!(answer.status, 200, "{}", answer.text());
            return answer;
        }
        let seconds = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=5).contains(&seconds), "{seconds}");
        std::thread::sleep(std::time::Duration::from_secs(seconds));
    }
    panic!("never decided");
}
