use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ra::memory::MemoryJournal;
use ra::{Anchors, AuthorityName, Journal, Label, ProfileName, Requesters};
use serde_json::{Value, json};

use super::*;
use crate::App;
use crate::reload::{Reloader, Source};
use crate::site::{Site, wire};

fn entry() -> Value {
    json!({
        "caName": "RA",
        "url": "http://ejbca:8080/ejbca/publicweb/cmp/cmpRA",
        "issuerDN": "O=EJBCA Container Quickstart,CN=ManagementCA,UID=12345",
        "authentication": { "iak": "mypassword", "rv": "myreference" }
    })
}

/// The entry with the value at a JSON pointer replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut entry = entry();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() {
        &mut entry
    } else {
        entry.pointer_mut(parent).unwrap()
    };
    parent[name] = value;
    entry
}

fn without(pointer: &str) -> Value {
    let mut entry = entry();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = if parent.is_empty() {
        &mut entry
    } else {
        entry.pointer_mut(parent).unwrap()
    };
    parent.as_object_mut().unwrap().remove(name);
    entry
}

fn load_text(text: &str) -> Result<Vec<ServerEntry>, ServersError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cmpServers.json");
    std::fs::write(&path, text).unwrap();
    load(&path, &mut Files::default())
}

fn load_entries(entries: &[Value]) -> Result<Vec<ServerEntry>, ServersError> {
    load_text(&json!({ "cmpv2Servers": entries }).to_string())
}

fn problem_keys(error: &ServersError) -> Vec<&str> {
    error
        .problems()
        .0
        .iter()
        .map(|problem| problem.key.as_str())
        .collect()
}

#[test]
fn the_published_example_is_right() {
    let entries = load_entries(&[entry()]).unwrap();
    assert_eq!(entries[0].ca_name, "RA");
    // Left to right as written: the first RDN in the text is the first in DER.
    let first = entries[0].issuer.iter_rdn().next().unwrap().to_string();
    assert_eq!(first, "O=EJBCA Container Quickstart");
}

#[test]
fn members_certservice_does_not_know_are_passed_over_and_caname_may_be_blank() {
    let text = json!({ "comment": 1, "cmpv2Servers": [with("/caMode", json!("CLIENT")), with("/caName", json!(" "))] });
    assert_eq!(load_text(&text.to_string()).unwrap().len(), 2);
}

#[test]
fn an_empty_list_is_a_configuration() {
    assert_eq!(load_entries(&[]).unwrap().len(), 0);
}

#[test]
fn every_rule_of_an_entry_is_held_and_named() {
    let long = |length: usize| json!("a".repeat(length));
    for (entry, key) in [
        (without("/caName"), "caName"),
        (with("/caName", Value::Null), "caName"),
        (with("/caName", json!("")), "caName"),
        (with("/caName", long(129)), "caName"),
        (without("/url"), "url"),
        (with("/url", json!("htestps://ca/")), "url"),
        (with("/url", json!("http://ca:0/")), "url"),
        (with("/url", json!("http://ca:65536/")), "url"),
        (with("/url", json!("not a url")), "url"),
        (without("/issuerDN"), "issuerDN"),
        (with("/issuerDN", json!("no name")), "issuerDN"),
        (without("/authentication"), "authentication"),
        (without("/authentication/iak"), "authentication.iak"),
        (with("/authentication/iak", json!("")), "authentication.iak"),
        (with("/authentication/iak", long(257)), "authentication.iak"),
        (without("/authentication/rv"), "authentication.rv"),
        (with("/authentication/rv", json!("")), "authentication.rv"),
        (with("/authentication/rv", long(257)), "authentication.rv"),
    ] {
        let error = load_entries(&[entry]).unwrap_err();
        assert!(matches!(error, ServersError::Validation(_)), "{key}");
        assert_eq!(problem_keys(&error), [format!("cmpv2Servers[0].{key}")]);
    }
}

#[test]
fn urls_with_every_legal_port_none_and_https_are_taken() {
    for url in [
        "http://ca:1/",
        "http://ca:65535/",
        "http://ca/",
        "http://ca",
        "https://ca/x",
    ] {
        assert!(load_entries(&[with("/url", json!(url))]).is_ok(), "{url}");
    }
}

#[test]
fn names_and_secrets_may_be_as_long_as_the_bounds() {
    let mut entry = with("/caName", json!("a".repeat(128)));
    entry["authentication"] = json!({ "iak": "i".repeat(256), "rv": "r" });
    assert!(load_entries(&[entry]).is_ok());
}

#[test]
fn two_entries_of_one_name_are_refused_in_the_original_words() {
    let error = load_entries(&[entry(), entry()]).unwrap_err();
    let text = error.problems().to_string();
    assert!(
        text.contains("CA names are not unique within given CMPv2 servers"),
        "{text}"
    );
}

#[test]
fn all_that_is_wrong_is_found_at_once_and_no_secret_is_in_it() {
    let mut second = with("/url", json!("ftp://x"));
    second["caName"] = json!("other");
    let error = load_entries(&[with("/authentication/rv", Value::Null), second]).unwrap_err();
    assert_eq!(
        problem_keys(&error),
        ["cmpv2Servers[0].authentication.rv", "cmpv2Servers[1].url"]
    );
    assert!(!error.problems().to_string().contains("mypassword"));
}

#[test]
fn a_missing_or_null_list_is_an_invalid_configuration_and_not_the_end_of_the_process() {
    for text in ["{}", r#"{"cmpv2Servers": null}"#] {
        assert!(
            matches!(load_text(text), Err(ServersError::Validation(_))),
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_a_loading_error() {
    let unknown = with("/authentication/extra", json!("x"));
    let text = json!({ "cmpv2Servers": [unknown] }).to_string();
    for text in [
        "",
        "{",
        "[]]",
        &text,
        r#"{"cmpv2Servers": {}}"#,
        r#"{"cmpv2Servers": [1]}"#,
    ] {
        assert!(
            matches!(load_text(text), Err(ServersError::Loading(_))),
            "{text}"
        );
    }
    let missing = load(Path::new("/nowhere/cmpServers.json"), &mut Files::default());
    assert_eq!(
        missing.unwrap_err().to_string(),
        "Exception occurred during CMP Servers configuration loading"
    );
}

#[test]
fn an_entry_is_shown_with_its_secrets_masked() {
    let entries = load_entries(&[entry()]).unwrap();
    let shown = format!("{:?}", entries[0]);
    assert!(shown.contains("iak='*****', rv='*****'"), "{shown}");
    assert!(
        !shown.contains("mypassword") && !shown.contains("myreference"),
        "{shown}"
    );
}

/// An environment of this folder, with keystores of the fixtures.
fn environment(folder: &Path) -> Environment {
    let stores = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../pki/tests/fixtures/keystores"
    );
    let values = HashMap::from([
        ("KEYSTORE_PATH", format!("{stores}//keytool-server.jks")),
        ("TRUSTSTORE_PATH", format!("{stores}/keytool-trust.p12")),
        ("HTTPS_PORT", "0".to_owned()),
        ("APP_CONFIG_PATH", folder.display().to_string()),
    ]);
    // Their password is the one CertService takes when no variable names another.
    Environment::from(|name| values.get(name).cloned())
}

#[test]
fn stores_of_either_format_are_read_whatever_they_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let config = environment(dir.path())
        .read()
        .unwrap_or_else(|(problems, _)| panic!("{problems}"));
    let tls = config.listen.tls.unwrap();
    assert!(tls.client_required && !tls.client_cas.is_empty());
}

#[test]
fn without_variables_certservices_defaults_hold_and_problems_name_the_variables() {
    let environment = Environment::from(|_| None);
    assert_eq!(
        environment.servers_file(),
        Path::new("/etc/onap/oom/certservice/cmpServers.json")
    );
    let (problems, _) = environment.read().err().unwrap();
    let keys: Vec<_> = problems
        .0
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["KEYSTORE_PATH", "TRUSTSTORE_PATH"]);
}

#[test]
fn a_port_that_is_none_is_a_problem_of_its_variable() {
    let environment = Environment::from(|name| (name == "HTTPS_PORT").then(|| "https".to_owned()));
    let (problems, _) = environment.read().err().unwrap();
    assert!(
        problems.0.iter().any(|problem| problem.key == "HTTPS_PORT"),
        "{problems}"
    );
}

#[test]
fn an_entry_becomes_an_authority_a_profile_and_a_label_of_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = environment(dir.path())
        .read()
        .unwrap_or_else(|(problems, _)| panic!("{problems}"));
    let limited = with(
        "/allowedClients",
        json!(["CN=client", "dns:client.example"]),
    );
    add(&load_entries(&[limited]).unwrap(), &mut config);
    assert!(config.authorities.contains_key(&AuthorityName::new("RA")));
    assert!(matches!(
        config.profiles[&ProfileName::new("RA")].anchors,
        Anchors::IssuerDn(_)
    ));
    let label = &config.labels[&Label::new("RA")];
    assert!(matches!(&label.rules.requesters, Requesters::Only(names) if names.len() == 2));
    assert!(label.settings.cmp.is_none());
}

/// A process in ONAP mode over a folder.
struct Process {
    folder: tempfile::TempDir,
    app: Arc<App>,
}

impl Process {
    async fn start(servers: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = servers {
            std::fs::write(folder.path().join("cmpServers.json"), text).unwrap();
        }
        let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::by_system_clock());
        let source = Source::Onap(environment(folder.path()));
        let loaded = source
            .load()
            .unwrap_or_else(|(problems, _)| panic!("{problems}"));
        let reloader = Reloader::new(
            source,
            Arc::clone(&journal),
            witness(),
            None,
            &loaded.config,
        );
        let site = match loaded.fault {
            Some(_) => Site::unconfigured(journal, witness(), &loaded.config),
            None => wire(loaded.config, journal, witness(), None).await.unwrap(),
        };
        Self {
            folder,
            app: App::reloadable(site, crate::testing::metrics(), reloader),
        }
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("cmpServers.json"), text).unwrap();
    }

    fn labels(&self) -> Vec<String> {
        let mut labels: Vec<_> = self
            .app
            .site()
            .ra
            .labels
            .keys()
            .map(ToString::to_string)
            .collect();
        labels.sort();
        labels
    }
}

fn witness() -> Arc<dyn ra::Witness> {
    Arc::new(ra::memory::MemoryWitness::default())
}

fn servers(names: &[&str]) -> String {
    let entries: Vec<_> = names
        .iter()
        .map(|name| with("/caName", json!(name)))
        .collect();
    json!({ "cmpv2Servers": entries }).to_string()
}

#[tokio::test]
async fn a_start_with_a_good_file_is_ready_and_with_a_bad_or_missing_one_runs_without_being_ready()
{
    let good = Process::start(Some(&servers(&["RA"]))).await;
    assert!(good.app.is_ready() && good.app.site().configured);
    assert!(Process::start(Some(&servers(&[]))).await.app.is_ready());
    for text in [None, Some("{"), Some("{}")] {
        let bad = Process::start(text).await;
        assert!(
            !bad.app.is_ready() && !bad.app.site().configured,
            "{text:?}"
        );
    }
}

#[tokio::test]
async fn a_reload_takes_the_new_list_and_makes_ready() {
    let process = Process::start(None).await;
    process.write(&servers(&["RA", "CLIENT"]));
    process.app.reload().await.unwrap();
    assert!(process.app.is_ready());
    assert_eq!(process.labels(), ["CLIENT", "RA"]);
}

#[tokio::test]
async fn a_failed_reload_says_why_makes_unready_and_leaves_the_old_list_in_service() {
    let process = Process::start(Some(&servers(&["RA"]))).await;
    process.write("{");
    let error = process.app.reload().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Exception occurred during CMP Servers configuration loading"
    );
    assert!(!process.app.is_ready());
    process.write("{}");
    let error = process.app.reload().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Validation of CMPv2 servers configuration failed"
    );
    assert_eq!(process.labels(), ["RA"]);
}

#[tokio::test]
async fn a_changed_file_is_taken_without_being_asked_and_a_broken_one_changes_nothing() {
    let process = Process::start(Some(&servers(&["RA"]))).await;
    process.write(&servers(&["OTHER"]));
    process.app.reload_if_changed().await;
    assert_eq!(process.labels(), ["OTHER"]);
    process.write("{");
    process.app.reload_if_changed().await;
    assert_eq!(
        (process.labels(), process.app.is_ready()),
        (vec!["OTHER".to_owned()], true)
    );
}

#[tokio::test]
async fn a_ca_that_is_gone_from_the_list_still_finishes_what_it_began() {
    let process = Process::start(Some(&servers(&["RA"]))).await;
    process.write(&servers(&["OTHER"]));
    process.app.reload().await.unwrap();
    let site = process.app.site();
    assert!(site.ra.authorities.contains_key(&AuthorityName::new("RA")));
    assert!(!site.ra.labels.contains_key(&Label::new("RA")));
}
