//! Decisions: one line and one row each.

use proto_tests::record::{Decision, Ledger};
use serde_json::Value;

use crate::{decisions, enroll, lines, logging};

fn decision(line: &Value) -> Decision {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    Decision {
        kind: text("event").unwrap(),
        entry: text("entry"),
        credential: text("credential").unwrap(),
        serial: text("serial"),
        correlation: text("correlation_id"),
    }
}

#[test]
fn every_decision_is_one_line_of_the_log_and_one_row_of_the_journal() {
    let mut native = logging();
    assert_eq!(enroll(&native, "CN=allowed").status, 201);
    assert_eq!(enroll(&native, "O=not allowed").status, 422);
    assert_eq!(
        native.enrolling("cr", "/CN=device").run().ended.code,
        Some(0)
    );
    native.program.terminate();
    let all = lines(&native, "stopped");
    let logged: Vec<Decision> = decisions(&all).into_iter().map(decision).collect();
    let kinds: Vec<&str> = logged.iter().map(|one| one.kind.as_str()).collect();
    let expected = [
        "begun",
        "confirming",
        "confirmed",
        "refused",
        "begun",
        "issued",
        "confirming",
        "confirmed",
    ];
    assert_eq!(kinds, expected);
    let mut kept = Ledger::file(&native.setup.path("journal.db")).decisions();
    let mut logged = logged;
    // A refusal is written when there is time.
    kept.sort_by_key(|one| (one.correlation.clone(), one.kind.clone()));
    logged.sort_by_key(|one| (one.correlation.clone(), one.kind.clone()));
    assert_eq!(kept, logged);
}

#[test]
fn a_line_says_who_what_why_and_which_certificate() {
    let native = logging();
    let answer = enroll(&native, "CN=a").json();
    assert_eq!(enroll(&native, "O=b").status, 422);
    let all = lines(&native, "a request was refused");
    let all = decisions(&all);
    let confirmed = all
        .iter()
        .find(|line| line["event"] == "confirmed")
        .unwrap();
    for name in ["credential", "entry", "correlation_id"] {
        assert!(confirmed[name].is_string(), "{name}: {confirmed}");
    }
    assert_eq!(
        confirmed["serial"],
        answer["serial"]
            .as_str()
            .map_or_else(|| confirmed["serial"].clone(), Value::from)
    );
    assert_eq!(confirmed["subject"], "CN=a");
    assert_eq!(
        (&confirmed["label"], &confirmed["profile"]),
        (&"RA".into(), &"any".into())
    );
    assert_eq!(confirmed["authority"], "ca");
    let refused = all.iter().find(|line| line["event"] == "refused").unwrap();
    assert_eq!(refused["refusal"], "name-not-allowed");
    assert_eq!(refused["subject"], "O=b");
    assert!(!refused["why"].as_str().unwrap().is_empty());
}

#[test]
fn messages_that_nobody_believes_do_not_fill_the_log() {
    let mut native = logging();
    let stranger = native
        .openssl("ir")
        .mac("stranger", "guess")
        .new_key(&proto_tests::Keys::ec());
    let stranger = stranger.subject("/CN=x");
    assert_ne!(stranger.run().ended.code, Some(0));
    let message = junk();
    for _ in 0..60 {
        assert_eq!(native.post(&message).status, 200);
    }
    native.program.terminate();
    let all = lines(&native, "stopped");
    let said = |sentence: &str| {
        all.iter()
            .filter(|line| line["message"] == sentence)
            .count()
    };
    assert_eq!(said("a message was not believed"), 10);
    let sum = all.iter().find(|line| {
        line["message"] == "more messages were not believed than are logged one by one"
    });
    assert_eq!(sum.unwrap()["messages"], 51);
}

/// A PKIMessage without protection.
fn junk() -> Vec<u8> {
    use pkixcmp::{PkiBody, PkiHeader, Pvno};
    let nobody = || pki::GeneralName::Directory(pki::Name::default());
    let header = PkiHeader {
        pvno: Pvno::CMP2000,
        sender: nobody(),
        recipient: nobody(),
        message_time: None,
        protection_alg: None,
        sender_kid: None,
        recip_kid: None,
        transaction_id: None,
        sender_nonce: None,
        recip_nonce: None,
        free_text: None,
        general_info: None,
    };
    let body = PkiBody::Genm(Vec::new().into());
    let made = pkixcmp::message::Unprotected::new(&header, &body, Vec::new()).unwrap();
    made.unprotected().to_vec()
}
