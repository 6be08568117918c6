//! `cmpServers.json`: every rule, through `check-config` and through the service.

use proto_tests::service::Setup;
use proto_tests::{Ended, Launch, Service};
use serde_json::{Value, json};

fn entry() -> Value {
    json!({
        "caName": "RA",
        "url": "http://ejbca:8080/ejbca/publicweb/cmp/cmpRA",
        "issuerDN": "O=EJBCA Container Quickstart,CN=ManagementCA,UID=12345",
        "authentication": { "iak": "mypassword", "rv": "mypassword" },
    })
}

/// What `check-config` says about that content.
fn checked(content: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cmpServers.json"), content).unwrap();
    Launch::certway_ra(folder.path())
        .args(["check-config", "cmpServers.json"])
        .run()
}

fn check(entries: &[Value]) -> Ended {
    checked(&json!({ "cmpv2Servers": entries }).to_string())
}

/// An entry with one member set, or taken away by null.
fn with(member: &str, value: Value) -> Value {
    let mut entry = entry();
    let (object, name) = match member.split_once('.') {
        Some((outer, inner)) => (&mut entry[outer], inner),
        None => (&mut entry, member),
    };
    match value {
        Value::String(text) if text == "REMOVED" => {
            object.as_object_mut().unwrap().remove(name);
        }
        value => object[name] = value,
    }
    entry
}

#[track_caller]
fn taken(entries: &[Value]) {
    let ended = check(entries);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[track_caller]
fn refused(entries: &[Value], problem: &str) {
    let ended = check(entries);
    assert_eq!(ended.code, Some(1), "{entries:?} is taken");
    assert!(
        ended.stderr.contains(problem),
        "{problem}: {}",
        ended.stderr
    );
}

#[test]
fn a_right_entry_is_taken_and_so_is_an_empty_list() {
    taken(&[entry()]);
    taken(&[]);
}

#[test]
fn members_it_does_not_know_are_passed_over_in_an_entry_and_at_the_top() {
    taken(&[with("caMode", json!("RA")), with("caName", json!("Client"))]);
    let content = json!({ "cmpv2Servers": [entry()], "comment": "ours" });
    assert_eq!(checked(&content.to_string()).code, Some(0));
}

#[test]
fn a_name_has_1_to_128_characters_and_may_be_blank() {
    for name in [" ", "a", &"ü".repeat(128), "with blanks/and?signs"] {
        taken(&[with("caName", json!(name))]);
    }
    for name in [
        json!(""),
        json!("a".repeat(129)),
        json!("REMOVED"),
        Value::Null,
    ] {
        refused(&[with("caName", name)], "cmpv2Servers[0].caName: ");
    }
}

#[test]
fn names_are_unique_by_exact_comparison() {
    taken(&[entry(), with("caName", json!("ra"))]);
    refused(
        &[entry(), entry()],
        "CA names are not unique within given CMPv2 servers",
    );
}

#[test]
fn a_url_is_http_or_https_with_a_port_from_1_to_65535_or_none() {
    for url in [
        "http://ca/",
        "http://ca:1/cmp",
        "http://ca:65535/cmp",
        "https://ca.example/cmp",
        "http://10.0.0.1:8080",
        "http://[::1]:8080/cmp?p=1",
    ] {
        taken(&[with("url", json!(url))]);
    }
    for url in [
        "http://ca:0/",
        "http://ca:65536/",
        "http://ca:-1/",
        "htestps://ca/",
        "ftp://ca/",
        "ca:8080/cmp",
        "/cmp",
        "",
        "http://",
        "http:///cmp",
        "REMOVED",
    ] {
        refused(&[with("url", json!(url))], "cmpv2Servers[0].url: ");
    }
    refused(&[with("url", Value::Null)], "cmpv2Servers[0].url: ");
}

#[test]
fn an_issuer_dn_is_there_and_a_dn() {
    for dn in [
        "CN=CA",
        "C=US,ST=California,O=a\\, b,CN=x",
        "DC=org,DC=example,CN=CA",
        "E=a@b.c,CN=CA",
        "2.5.4.3=CA",
    ] {
        taken(&[with("issuerDN", json!(dn))]);
    }
    for dn in [
        json!("no dn"),
        json!("CN"),
        json!("NOSUCHKEYWORD=x"),
        json!("REMOVED"),
        Value::Null,
    ] {
        refused(&[with("issuerDN", dn)], "cmpv2Servers[0].issuerDN: ");
    }
}

#[test]
fn both_secrets_are_there_with_1_to_256_characters() {
    for member in ["iak", "rv"] {
        let path = format!("authentication.{member}");
        for value in [json!("a"), json!("ß".repeat(256)), json!(" ")] {
            taken(&[with(&path, value)]);
        }
        let key = format!("cmpv2Servers[0].authentication.{member}: ");
        for value in [
            json!(""),
            json!("a".repeat(257)),
            json!("REMOVED"),
            Value::Null,
        ] {
            refused(&[with(&path, value)], &key);
        }
    }
    for value in [Value::Null, json!("REMOVED"), json!("mypassword")] {
        refused(
            &[with("authentication", value)],
            "cmpv2Servers[0].authentication: ",
        );
    }
}

#[test]
fn a_member_it_does_not_know_beside_the_secrets_is_refused() {
    refused(
        &[with("authentication.user", json!("me"))],
        "cmpv2Servers[0].authentication.user: ",
    );
}

#[test]
fn no_list_no_file_and_no_json_are_refused() {
    for (content, problem) in [
        ("{}", "cmpv2Servers: missing"),
        (r#"{ "cmpv2Servers": null }"#, "cmpv2Servers: missing"),
        (
            r#"{ "cmpv2Servers": {} }"#,
            "cmpv2Servers: an object is not valid",
        ),
        (
            r#"{ "cmpv2Servers": [ 7 ] }"#,
            "cmpv2Servers[0]: a number is not valid",
        ),
        ("", "not JSON"),
        ("cmpv2Servers: []", "not JSON"),
    ] {
        let ended = checked(content);
        assert_eq!(ended.code, Some(1), "{content}");
        assert!(
            ended.stderr.contains(problem),
            "{content}: {}",
            ended.stderr
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = Launch::certway_ra(folder.path())
        .args(["check-config", "nothing.json"])
        .run();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("`nothing.json` cannot be read"),
        "{}",
        ended.stderr
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let ended = check(&[
        with("caName", json!("")),
        with("url", json!("ftp://ca/")),
        with("authentication.iak", json!("")),
        json!({}),
    ]);
    let lines: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("cmpv2Servers["))
        .collect();
    assert_eq!(lines.len(), 4 + 4, "{}", ended.stderr);
}

#[test]
fn variables_are_not_expanded() {
    // An init container of ONAP's chart does that before we see the file.
    taken(&[with("authentication.iak", json!("${RA_IAK}"))]);
}

#[test]
fn the_secrets_of_an_entry_never_stand_in_the_log() {
    let entry = json!({
        "caName": "RA", "url": "http://127.0.0.1:9/", "issuerDN": "CN=CA",
        "authentication": { "iak": "secret-of-this-entry", "rv": "reference-of-this-entry" },
    });
    let service = Service::with(&[entry]);
    service.client.get("/reload", &[]);
    let asked = crate::request().get(&service.client, "/v1/certificate/RA");
    assert_eq!(asked.status, 500, "{}", asked.text());
    let log = service.log() + &asked.text();
    for secret in ["secret-of-this-entry", "reference-of-this-entry"] {
        assert!(!log.contains(secret) && !log.contains(&proto_tests::v1::base64(secret)));
    }
}

#[test]
fn the_folder_is_named_by_app_config_path() {
    let setup = Setup::new();
    setup.write("elsewhere/cmpServers.json", r#"{ "cmpv2Servers": [] }"#);
    let launch = setup
        .launch()
        .env("APP_CONFIG_PATH", setup.path("elsewhere"));
    let service = setup.start_as(launch);
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}

#[test]
fn only_named_clients_may_use_an_entry_that_names_them() {
    let mut entry = entry();
    entry["url"] = json!("http://127.0.0.1:9/");
    entry["allowedClients"] = json!(["dns:client.example", "O=Linux-Foundation,CN=somebody"]);
    let service = Service::with(&[entry]);
    let other = service.setup.client(Some(&service.setup.pki.other_client));
    let refused = crate::request().get(&other, "/v1/certificate/RA");
    assert_eq!(refused.status, 403, "{}", refused.text());
    let asked = crate::request().get(&service.client, "/v1/certificate/RA");
    assert_eq!(
        asked.status,
        500,
        "the CA that is not there is asked: {}",
        asked.text()
    );
}
