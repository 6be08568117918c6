//! One name leads from a request to everything that was done for it.

use proto_tests::native::Native;
use proto_tests::record::Ledger;
use proto_tests::v1::Request;
use proto_tests::{Act, CmpCa, Keys, NativeSetup};
use serde_json::Value;

use crate::{decisions, enroll_with, lines, logging};

const NAME: &str = "of-a-pipeline-4711";

/// Every line that belongs to that name, by itself or by its spans.
fn of<'a>(lines: &'a [Value], name: &str) -> Vec<&'a Value> {
    lines
        .iter()
        .filter(|line| line.to_string().contains(name))
        .collect()
}

fn journal(native: &Native) -> Ledger {
    Ledger::file(&native.setup.path("journal.db"))
}

#[test]
fn the_callers_name_is_in_the_answer_the_log_the_row_and_every_decision() {
    let ca = CmpCa::start();
    let mut setup = NativeSetup::new();
    setup.log = "format = \"json\"".to_owned();
    let config = setup.cmp_authority(&ca.url(), &ca.root.certificate, "") + &setup.label("", "");
    let native = setup.start(&config);
    let client = native.rest(Some(&native.setup.pki.client));
    let answer = enroll_with(&client, "CN=a", &[("X-Request-Id", NAME)]);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("x-correlation-id"), Some(NAME));
    let all = lines(&native, "a certificate is confirmed");
    let ours = of(&all, NAME);
    assert!(
        ours.iter().any(|line| line["transaction"].is_string()),
        "no line has the CA's transactionID"
    );
    assert_eq!(decisions(&all).len(), 3);
    for line in decisions(&all) {
        assert_eq!(line["correlation_id"], NAME);
    }
    assert_eq!(journal(&native).correlations(), [Some(NAME.to_owned())]);
    for decision in journal(&native).decisions() {
        assert_eq!(decision.correlation.as_deref(), Some(NAME));
    }
}

#[test]
fn what_is_done_later_is_done_under_the_same_name() {
    let ca = CmpCa::start();
    ca.always(Act::Wait(1));
    let mut setup = NativeSetup::new();
    setup.log = "format = \"json\"".to_owned();
    let config = setup.cmp_authority(&ca.url(), &ca.root.certificate, "") + &setup.label("", "");
    let native = setup.start(&config);
    let client = native.rest(Some(&native.setup.pki.client));
    let fields = [("X-Correlation-Id", NAME), ("Prefer", "wait=0")];
    assert_eq!(enroll_with(&client, "CN=a", &fields).status, 202);
    ca.recovers();
    let all = lines(&native, "a certificate is confirmed");
    let confirmed = decisions(&all).pop().unwrap();
    assert_eq!(confirmed["event"], "confirmed");
    assert_eq!(confirmed["correlation_id"], NAME);
    let by_the_sweep = |line: &&&Value| line["span"]["name"] == "entry";
    let later: Vec<_> = of(&all, NAME).into_iter().collect();
    assert!(
        later
            .iter()
            .filter(by_the_sweep)
            .any(|line| line["transaction"].is_string())
    );
}

#[test]
fn a_cmp_clients_transaction_is_tied_to_the_name_of_its_request() {
    let native = logging();
    assert_eq!(native.enrolling("ir", "/CN=a").run().ended.code, Some(0));
    let all = lines(&native, "a certificate is confirmed");
    let begun = decisions(&all)[0];
    let spans = begun["spans"].as_array().unwrap();
    let with = |name: &str| spans.iter().find_map(|span| span[name].as_str());
    assert!(with("transaction_id").is_some(), "{begun}");
    assert_eq!(with("correlation_id"), begun["correlation_id"].as_str());
}

#[test]
fn every_front_answers_with_the_name_and_takes_that_of_a_trace() {
    let native = logging();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let id = Some("4bf92f3577b34da6a3ce929d0e0e4736");
    let client = native.rest(Some(&native.setup.pki.client));
    let v1 = Request::for_names("CN=a", &[], &Keys::ec()).with("traceparent", trace);
    assert_eq!(
        v1.get(&client, "/v1/certificate/RA")
            .header("x-correlation-id"),
        id
    );
    let fields = [
        ("Content-Type", "application/pkixcmp"),
        ("traceparent", trace),
    ];
    let cmp = native.cmp().request("POST", "/pkix/RA", &fields, b"0");
    assert_eq!(cmp.header("x-correlation-id"), id);
    let made = client.get("/v2/openapi.json", &[]);
    assert!(
        made.header("x-correlation-id")
            .is_some_and(|id| id.len() == 36)
    );
}
