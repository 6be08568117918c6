//! The admin listener: who is ready, what is served.

use std::fs;

use proto_tests::native::{Native, NativeSetup, RA_SECRET, SECRET};
use proto_tests::{EmbeddedCa, HttpsClient, Service};
use serde_json::json;

use crate::{check, enroll};

#[test]
fn a_process_that_can_serve_is_alive_and_ready() {
    let native = Native::local();
    let admin = native.program.admin();
    assert_eq!(admin.get("/livez", &[]).status, 200);
    let ready = admin.get("/readyz", &[]);
    assert_eq!(ready.status, 200, "{}", ready.text());
    let body = ready.json();
    assert_eq!(body["ready"], true);
    for name in ["configuration", "journal", "reload", "authority ca"] {
        assert_eq!(check(&body, name)["ok"], true, "{body}");
    }
}

#[test]
fn without_a_configuration_it_is_alive_and_says_why_it_is_not_ready() {
    let entry = json!({ "caName": "RA" });
    let service = Service::with(&[entry]);
    let admin = service.program.admin();
    assert_eq!(admin.get("/livez", &[]).status, 200);
    let ready = admin.get("/readyz", &[]);
    assert_eq!(ready.status, 503);
    let body = ready.json();
    assert_eq!(check(&body, "configuration")["ok"], false);
    assert_eq!(check(&body, "journal")["ok"], true);
    assert!(!check(&body, "reload")["why"].as_array().unwrap().is_empty());
}

#[test]
fn a_ca_that_does_not_answer_is_named_and_keeps_nobody_from_the_others() {
    let mut ca = EmbeddedCa::start();
    let native = Native::before(&ca);
    ca.program.kill();
    assert_eq!(enroll(&native, "CN=a").status, 503);
    let ready = native.program.admin().get("/readyz", &[]);
    assert_eq!(ready.status, 200, "{}", ready.text());
    let body = ready.json();
    let ca = check(&body, "authority ca");
    assert_eq!((&ca["ok"], &ca["required"]), (&json!(false), &json!(false)));
    assert!(!ca["why"].as_array().unwrap().is_empty());
}

#[test]
fn a_reload_that_fails_names_the_key_everywhere_and_the_last_good_configuration_keeps_serving() {
    let native = Native::local();
    let admin = native.program.admin();
    let path = native.setup.path("certway.toml");
    let right = fs::read_to_string(&path).unwrap();
    let wrong = right.replace(
        "authority = \"ca\"",
        "authority = \"ca\"\nvalidity = \"soon\"",
    );
    fs::write(&path, wrong).unwrap();
    let reload = native
        .rest(Some(&native.setup.pki.client))
        .get("/reload", &[]);
    assert_eq!(reload.status, 500);
    let key = "profiles.any.validity";
    assert!(reload.text().contains(key), "{}", reload.text());
    native.program.log_has(key);
    let metrics = admin.get("/metrics", &[]).text();
    assert!(metrics.contains("certway_config_last_reload_successful 0"));
    assert!(metrics.contains(r#"certway_config_problem{key="profiles.any.validity"} 1"#));
    assert!(admin.get("/configz", &[]).text().contains(key));
    let ready = admin.get("/readyz", &[]);
    assert_eq!(ready.status, 200);
    assert!(
        check(&ready.json(), "reload")["why"]
            .to_string()
            .contains(key)
    );
    assert_eq!(enroll(&native, "CN=a").status, 201);

    fs::write(&path, right).unwrap();
    let reload = native
        .rest(Some(&native.setup.pki.client))
        .get("/reload", &[]);
    assert_eq!(reload.status, 200, "{}", reload.text());
    let metrics = admin.get("/metrics", &[]).text();
    assert!(metrics.contains("certway_config_last_reload_successful 1"));
    assert!(!metrics.contains("certway_config_problem{"));
    assert_eq!(
        check(&admin.get("/readyz", &[]).json(), "reload")["ok"],
        true
    );
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let ca = EmbeddedCa::start();
    let native = Native::before(&ca);
    let shown = native.program.admin().get("/configz", &[]);
    let body = shown.json();
    let configuration = &body["configuration"];
    assert_eq!(configuration["authorities"]["ca"]["url"], ca.url());
    assert_eq!(configuration["labels"]["RA"]["profile"], "any");
    assert_eq!(body["configured"], true);
    assert!(body["certificates"].as_array().unwrap().len() > 2);
    for secret in [SECRET, RA_SECRET, proto_tests::ca::SECRET] {
        assert!(!shown.text().contains(secret));
    }
}

#[test]
fn what_operators_ask_is_on_no_other_listener() {
    let native = Native::local();
    let rest = native.rest(Some(&native.setup.pki.client));
    for client in [rest, native.cmp()] {
        for path in ["/metrics", "/livez", "/readyz", "/configz"] {
            assert_eq!(client.get(path, &[]).status, 404, "{path}");
        }
    }
}

#[test]
fn the_listener_can_be_switched_off_and_is_on_the_loopback_address_otherwise() {
    let native = Native::local();
    assert!(native.program.admin().address().ip().is_loopback());
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "") + "[admin]\nenabled = false\n";
    let native = setup.start(&config);
    assert_eq!(enroll(&native, "CN=a").status, 201);
    assert!(!native.log().contains("the admin listener is at"));
}

#[test]
fn certservices_own_readiness_stays_as_it_was() {
    let service = Service::over_its_own_ca();
    let client: &HttpsClient = &service.client;
    assert_eq!(client.get("/ready", &[]).status, 200);
    assert_eq!(client.get("/actuator/health", &[]).status, 200);
    assert_eq!(client.get("/readyz", &[]).status, 404);
}
