//! `/ready` and `/reload`, by the truth table of starting and reloading.

use std::fs;

use proto_tests::program::Program;
use proto_tests::service::Setup;
use proto_tests::v1::assert_error;
use proto_tests::{HttpsClient, Service};
use serde_json::json;

use crate::{NO_CA, request};

const LOADING: &str = "Exception occurred during CMP Servers configuration loading";
const VALIDATION: &str = "Validation of CMPv2 servers configuration failed";
const RA: &str = "/v1/certificate/RA";

fn entry(name: &str) -> serde_json::Value {
    // Nobody listens there: these tests look at the configuration, not at the CA.
    json!({ "caName": name, "url": "http://127.0.0.1:9/", "issuerDN": "CN=CA", "authentication": { "iak": "i", "rv": "r" } })
}

/// Whether the service says it is ready, and nothing else.
fn is_ready(client: &HttpsClient) -> bool {
    let answer = client.get("/ready", &[]);
    assert!(answer.body.is_empty());
    assert_eq!(answer.media_type(), "application/json");
    match answer.status {
        200 => true,
        503 => false,
        other => panic!("{other}"),
    }
}

/// Whether that CA is known, whatever becomes of asking it.
fn is_known(client: &HttpsClient, ca: &str) -> bool {
    let answer = request().get(client, &format!("/v1/certificate/{ca}"));
    answer.status != 404
}

/// The first line of what a failed reload says, and all of it.
fn failed_reload(client: &HttpsClient) -> (String, String) {
    let answer = client.get("/reload", &[]);
    assert_eq!(
        (answer.status, answer.media_type()),
        (500, "text/plain"),
        "{}",
        answer.text()
    );
    let text = answer.text();
    (text.lines().next().unwrap_or_default().to_owned(), text)
}

#[test]
fn a_right_file_makes_the_service_ready() {
    let service = Service::with(&[entry("RA")]);
    assert!(is_ready(&service.client));
    assert!(is_known(&service.client, "RA"));
}

#[test]
fn an_empty_list_makes_it_ready_and_every_name_unknown() {
    let service = Service::with(&[]);
    assert!(is_ready(&service.client));
    assert_error(&request().get(&service.client, RA), 404, NO_CA);
}

#[test]
fn with_a_file_that_cannot_be_used_it_starts_is_alive_and_not_ready() {
    let contents = [
        None,
        Some(""),
        Some("{"),
        Some("[]"),
        Some("{}"),
        Some(r#"{ "cmpv2Servers": null }"#),
        Some(r#"{ "cmpv2Servers": [ { } ] }"#),
    ];
    for content in contents {
        let setup = Setup::new();
        if let Some(content) = content {
            setup.write("cmpServers.json", content);
        }
        let service = setup.start();
        assert!(!is_ready(&service.client), "{content:?}");
        assert_eq!(
            service.client.get("/actuator/health", &[]).status,
            200,
            "{content:?}"
        );
        let answer = request().get(&service.client, RA);
        assert_eq!(answer.status, 500, "{content:?}");
        assert!(answer.json()["errorMessage"].is_string());
    }
}

#[test]
fn it_becomes_ready_with_the_first_reload_of_a_right_file() {
    let service = Setup::new().start();
    assert!(!is_ready(&service.client));
    service.setup.servers(&[entry("RA")]);
    let answer = service.client.get("/reload", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(is_ready(&service.client));
    assert!(is_known(&service.client, "RA"));
}

#[test]
fn a_reload_takes_the_new_list_and_forgets_the_old_one() {
    let service = Service::with(&[entry("RA")]);
    service.setup.servers(&[entry("Other")]);
    assert_eq!(service.client.get("/reload", &[]).status, 200);
    assert!(is_known(&service.client, "Other"));
    assert!(!is_known(&service.client, "RA"));
}

#[test]
fn a_failed_reload_leaves_the_last_list_in_service_and_the_service_not_ready() {
    let service = Service::with(&[entry("RA")]);
    let files = [
        ("{ not json", LOADING),
        (r#"{ "cmpv2Servers": 7 }"#, LOADING),
        (r#"{ "cmpv2Servers": [ { "caName": "RA" } ] }"#, VALIDATION),
        (r#"{ }"#, VALIDATION),
    ];
    for (content, expected) in files {
        service.setup.write("cmpServers.json", content);
        assert_eq!(failed_reload(&service.client).0, expected, "{content}");
        assert!(!is_ready(&service.client), "{content}");
        assert!(is_known(&service.client, "RA"), "{content}");
    }
    fs::remove_file(service.setup.path("cmpServers.json")).unwrap();
    assert_eq!(failed_reload(&service.client).0, LOADING);
    assert!(is_known(&service.client, "RA"));

    service.setup.servers(&[entry("RA")]);
    assert_eq!(service.client.get("/reload", &[]).status, 200);
    assert!(is_ready(&service.client));
}

#[test]
fn a_failed_reload_says_every_reason_with_its_key_and_no_secret() {
    let service = Service::with(&[]);
    service.setup.write(
        "cmpServers.json",
        r#"{ "cmpv2Servers": [ { "caName": "", "url": "ftp://ca", "issuerDN": "?", "authentication": { "iak": "", "rv": "my-reference-value" } } ] }"#,
    );
    let (_, text) = failed_reload(&service.client);
    for key in ["caName", "url", "issuerDN", "authentication.iak"] {
        assert!(
            text.contains(&format!("cmpv2Servers[0].{key}: ")),
            "{key}: {text}"
        );
        service.program.log_has(&format!("cmpv2Servers[0].{key}: "));
    }
    assert!(!text.contains("my-reference-value") && !service.log().contains("my-reference-value"));
}

#[test]
fn sighup_reloads_as_well() {
    let service = Service::with(&[entry("RA")]);
    service.setup.servers(&[entry("Other")]);
    let mark = service.program.output().mark();
    service.program.signal("HUP");
    service.program.log_has_since(mark, "successfully loaded");
    // The line comes before the list is in use; a reload waits its turn behind the one under way.
    assert_eq!(service.client.get("/reload", &[]).status, 200);
    assert!(is_known(&service.client, "Other"));
}

/// A service that looks at its files ten times a second.
fn watching(setup: Setup) -> Service {
    let launch = setup.launch().env("CERTWAY_RA_RELOAD__EVERY", "100ms");
    setup.start_as(launch)
}

#[test]
fn a_changed_file_is_taken_without_being_asked() {
    let setup = Setup::new();
    setup.servers(&[entry("RA")]);
    let service = watching(setup);
    let mark = service.program.output().mark();
    service.setup.servers(&[entry("Other")]);
    service.program.log_has_since(mark, "successfully loaded");
    proto_tests::program::eventually("the new list", || is_known(&service.client, "Other"));
}

#[test]
fn a_changed_file_that_cannot_be_used_leaves_the_service_ready_with_the_last_list() {
    let setup = Setup::new();
    setup.servers(&[entry("RA")]);
    let service = watching(setup);
    let mark = service.program.output().mark();
    service.setup.write("cmpServers.json", "{ not json");
    service.program.log_has_since(mark, LOADING);
    assert!(is_ready(&service.client));
    assert!(is_known(&service.client, "RA"));
}

#[test]
fn reloads_at_the_same_time_all_end_well() {
    let service = Service::with(&[entry("RA")]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(service.client.get("/reload", &[]).status, 200));
        }
    });
    assert!(is_ready(&service.client));
}

#[test]
fn a_request_under_way_outlives_a_reload_and_a_connection_too() {
    let service = Service::over_its_own_ca();
    let mut connection = service.client.connect().unwrap();
    assert_eq!(
        connection
            .request("GET", "/ready", &[], b"")
            .unwrap()
            .status,
        200
    );
    assert_eq!(service.client.get("/reload", &[]).status, 200);
    let answer = connection
        .request("GET", RA, &request().fields(), b"")
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn sigterm_ends_it_with_exit_code_0() {
    let Service { mut program, .. } = Service::with(&[]);
    let ended = Program::terminate(&mut program);
    assert_eq!(ended.code(), Some(0), "{}", program.output().text());
}
