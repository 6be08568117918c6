//! `/metrics`.

use proto_tests::native::{Native, NativeSetup};
use proto_tests::program::eventually;
use proto_tests::{Act, CmpCa};

use crate::enroll;

/// The value of one series; `None` when there is none.
fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn scrape(native: &Native) -> String {
    let answer = native.program.admin().get("/metrics", &[]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.media_type(), "text/plain");
    answer.text()
}

#[track_caller]
fn assert_value(text: &str, series: &str, expected: f64) {
    assert_eq!(value(text, series), Some(expected), "{series} in\n{text}");
}

#[test]
fn an_enrollment_is_counted_as_request_decision_call_and_stages() {
    let ca = CmpCa::start();
    let native = Native::before_with(&ca.url(), &ca.root.certificate, "", "", "");
    assert_eq!(enroll(&native, "CN=a").status, 201);
    let text = scrape(&native);
    let route = "/v2/{ca}/certificates";
    let requests =
        format!(r#"certway_http_requests_total{{method="POST",route="{route}",status="201"}}"#);
    assert_value(&text, &requests, 1.0);
    let timed = format!(r#"certway_http_request_duration_seconds_count{{route="{route}"}}"#);
    assert_value(&text, &timed, 1.0);
    for event in ["begun", "confirming", "confirmed"] {
        let decided =
            format!(r#"certway_decisions_total{{authority="ca",event="{event}",profile="any"}}"#);
        assert_value(&text, &decided, 1.0);
    }
    let calls = r#"certway_upstream_calls_total{authority="ca",result="answered"}"#;
    assert_value(&text, calls, 2.0);
    let steps = [
        "decide",
        "prepare",
        "begin",
        "ask",
        "check",
        "finish",
        "confirm",
        "confirmed",
    ];
    for step in steps {
        let took =
            format!(r#"certway_step_duration_seconds_count{{authority="ca",step="{step}"}}"#);
        assert_value(&text, &took, 1.0);
    }
    assert_value(&text, r#"certway_upstream_up{authority="ca"}"#, 1.0);
    assert_value(&text, "certway_journal_up", 1.0);
    assert!(value(&text, "process_resident_memory_bytes").is_some());
}

#[test]
fn a_request_that_waits_is_an_open_transaction_until_it_is_answered() {
    let ca = CmpCa::start();
    ca.always(Act::Wait(1));
    let native = Native::before_with(&ca.url(), &ca.root.certificate, "", "", "");
    let client = native.rest(Some(&native.setup.pki.client));
    let answer = crate::enroll_with(&client, "CN=a", &[("Prefer", "wait=0")]);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let waiting = r#"certway_open_transactions{phase="waiting"}"#;
    assert_value(&scrape(&native), waiting, 1.0);
    ca.recovers();
    eventually("the row has moved", || {
        value(&scrape(&native), waiting) == Some(0.0)
    });
}

#[test]
fn a_refusal_is_counted_by_its_reason() {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("subject = [\"O=Example,*\"]", "");
    let native = setup.start(&config);
    assert_eq!(enroll(&native, "CN=not-ours").status, 422);
    let refused = r#"certway_refusals_total{profile="any",reason="name-not-allowed"}"#;
    assert_value(&scrape(&native), refused, 1.0);
}

#[test]
fn cmp_messages_are_counted_by_what_came_of_them_and_strangers_make_no_series() {
    let native = Native::local();
    native.post(b"no CMP message at all");
    assert_eq!(native.enrolling("ir", "/CN=a").run().ended.code, Some(0));
    let stranger = native
        .openssl("ir")
        .mac("nobody-knows-me", "guess")
        .new_key(&proto_tests::Keys::ec());
    assert_ne!(stranger.subject("/CN=b").run().ended.code, Some(0));
    native.cmp().post(
        "/.well-known/cmp/p/nowhere-at-all",
        "application/pkixcmp",
        b"0",
    );
    native.cmp().get("/made-up-path-4711", &[]);
    let text = scrape(&native);
    assert_value(
        &text,
        r#"certway_cmp_messages_total{label="RA",outcome="answered",type="ir"}"#,
        1.0,
    );
    assert_value(
        &text,
        r#"certway_cmp_messages_total{label="RA",outcome="unbelieved",type="ir"}"#,
        1.0,
    );
    assert_value(
        &text,
        r#"certway_cmp_unbelieved_total{fail_info="badMessageCheck",label="RA"}"#,
        1.0,
    );
    for unheard in ["nobody-knows-me", "nowhere-at-all", "made-up-path-4711"] {
        assert!(!text.contains(unheard), "{unheard}");
    }
}

#[test]
fn every_certificate_of_the_configuration_has_its_end_told() {
    let native = Native::local();
    let text = scrape(&native);
    let mut uses: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("certway_certificate_not_after_seconds{"))
        .filter_map(|line| line.split("use=\"").nth(1)?.split('"').next())
        .collect();
    uses.sort_unstable();
    uses.dedup();
    assert_eq!(
        uses,
        [
            "client-ca",
            "cmp-client-ca",
            "cmp-signer",
            "listener",
            "local-ca"
        ]
    );
    let server = native.setup.pki.server.certificate();
    let line = text
        .lines()
        .find(|line| line.contains("use=\"listener\""))
        .unwrap();
    let shown: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(shown as i64, server.not_after().as_second());
}
