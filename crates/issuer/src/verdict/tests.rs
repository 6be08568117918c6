use std::time::Duration;

use pki::Certificate;
use serde_json::json;

use super::*;
use crate::kinds::IssuerSpec;

fn settings(modifications: &str) -> Settings {
    let spec: IssuerSpec = serde_json::from_value(json!({
        "url": "https://ra", "ca": "web", "auth": { "serviceAccountToken": {} },
        "modifications": modifications, "retry": { "within": "10m", "wait": "2h" }
    }))
    .unwrap();
    Settings::try_from(&spec).unwrap()
}

fn judged(outcome: Outcome, settings: &Settings, waited_minutes: i64) -> Verdict {
    let since: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
    let now = since + jiff::SignedDuration::from_mins(waited_minutes);
    verdict(outcome, settings, since, now)
}

fn issued(changes: Vec<Change>) -> Outcome {
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = rcgen::CertificateParams::default()
        .self_signed(&key)
        .unwrap()
        .pem();
    let sound = Sound {
        leaf: Certificate::from_pem(pem.as_bytes()).unwrap(),
        certificate: pem,
        ca: String::new(),
        kind: RequestKind::Kur,
        changes,
    };
    Outcome::Issued {
        sound: Box::new(sound),
        not_replaced: None,
    }
}

fn shorter() -> Vec<Change> {
    vec![Change {
        field: "notAfter".to_owned(),
        requested: Some("2027".to_owned()),
        issued: Some("2026".to_owned()),
    }]
}

fn trouble(trouble: Trouble) -> Outcome {
    Outcome::Trouble(trouble)
}

#[test]
fn a_certificate_as_it_was_asked_for_is_issued_and_the_event_says_how() {
    let verdict = judged(issued(Vec::new()), &settings("Reject"), 0);
    assert_eq!(verdict.written.message(), "Certificate issued");
    let said = verdict.said.unwrap();
    assert_eq!((said.reason, said.warning), ("Issued", false));
    assert!(said.note.contains("kur"), "{}", said.note);
    assert_eq!(verdict.next, Next::Nothing);
}

#[test]
fn what_the_ca_changed_is_warned_of_accepted_or_rejected_and_given_back() {
    let warned = judged(issued(shorter()), &settings("Warn"), 0);
    assert_eq!(warned.said.unwrap().reason, "GrantedWithModifications");
    assert!(
        warned
            .written
            .message()
            .contains("asked for 2027, issued with 2026")
    );
    let accepted = judged(issued(shorter()), &settings("Accept"), 0);
    assert_eq!(accepted.written.message(), "Certificate issued");
    let rejected = judged(issued(shorter()), &settings("Reject"), 0);
    assert!(matches!(rejected.written, Written::Failed(_)));
    assert!(matches!(rejected.next, Next::Revoke(_)));
}

#[test]
fn what_may_pass_is_tried_again_until_the_issuers_patience_ends() {
    let passing = || {
        trouble(Trouble::Passing {
            message: "out of reach (correlation id c-1)".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        })
    };
    let early = judged(passing(), &settings("Warn"), 9);
    assert_eq!(early.written, Written::Pending("out of reach".to_owned()));
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(early.next, Next::Retry { retry_after });
    let late = judged(passing(), &settings("Warn"), 11);
    assert!(matches!(late.written, Written::Failed(_)));
    assert_eq!(late.said.unwrap().reason, "RetriesExhausted");
}

#[test]
fn a_ca_that_takes_its_time_is_given_more_of_it() {
    let waiting = || Outcome::Waiting {
        check_after: Duration::from_secs(60),
    };
    let early = judged(waiting(), &settings("Warn"), 119);
    assert!(matches!(early.written, Written::Pending(_)));
    assert_eq!(early.next, Next::After(Duration::from_secs(60)));
    let late = judged(waiting(), &settings("Warn"), 121);
    assert!(late.written.message().contains("7200 s"));
    assert!(matches!(late.written, Written::Failed(_)));
}

#[test]
fn a_refusal_ends_the_request_and_a_bad_request_is_said_to_be_one() {
    let refused = judged(
        trouble(Trouble::Final("no".to_owned())),
        &settings("Warn"),
        0,
    );
    assert_eq!(refused.written, Written::Failed("no".to_owned()));
    let invalid = judged(
        trouble(Trouble::Invalid("name".to_owned())),
        &settings("Warn"),
        0,
    );
    assert_eq!(invalid.written, Written::Invalid("name".to_owned()));
}

#[test]
fn trouble_with_the_issuer_has_it_checked_while_the_request_waits() {
    let parked = judged(
        trouble(Trouble::Issuer("401".to_owned())),
        &settings("Warn"),
        0,
    );
    assert!(matches!(parked.written, Written::Pending(_)));
    assert_eq!(parked.next, Next::Doubt);
}
