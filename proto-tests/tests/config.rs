//! `certway-ra check-config` and starting from a configuration file.

use proto_tests::service::Setup;
use proto_tests::v1::{Certificates, ENROLL, Request};
use proto_tests::{Ended, Keys, Launch, Port, Service};

fn check(toml: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("certway-ra.toml"), toml).unwrap();
    Launch::certway_ra(folder.path())
        .args(["check-config", "certway-ra.toml"])
        .run()
}

const RIGHT: &str = r#"
[listen]
address = "127.0.0.1"
port = 0
[authorities.ca.local]
folder = "ca"
[profiles.web]
authority = "ca"
[labels.RA]
profile = "web"
"#;

#[test]
fn a_right_configuration_is_said_to_be_one_and_what_it_would_serve() {
    let ended = check(RIGHT);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("RA"), "{}", ended.stdout);
    assert!(ended.stderr.is_empty());
}

#[test]
fn checking_makes_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = RIGHT.to_owned() + "[journal]\nurl = \"sqlite://journal.db\"\n";
    std::fs::write(folder.path().join("certway-ra.toml"), config).unwrap();
    let ended = Launch::certway_ra(folder.path())
        .args(["check-config", "certway-ra.toml"])
        .run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_error_is_explained_at_once_with_its_key_and_what_would_be_valid() {
    let ended = check(
        r#"
colour = "blue"
[listen]
port = 70000
adress = "127.0.0.1"
max_body_bytes = "many"
client_auth = "required"
[journal]
url = "mysql://host/db"
lease = "1 fortnight"
[log]
format = "xml"
[authorities.one]
[authorities.two.cmp]
url = "ftp://ca/"
[authorities.three.local]
folder = "ca"
root_subject = "not a name"
[profiles.web]
authority = "four"
keys = ["rsa:1024", "ec:P-256"]
sans = ["dns", "phone"]
ip = ["10.0.0.0/99"]
validity = "10 days"
max_validity = "1 day"
[labels.RA]
profile = "wbe"
[labels.RA.cmp.clients.device]
secret = { file = "no-such-file" }
[callers.ci]
token_sha256 = ["plain-token-pasted-here"]
"#,
    );
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.is_empty());
    for line in [
        "colour: ",
        "listen.port: ",
        "listen.adress: ",
        "listen.max_body_bytes: ",
        "listen.tls: ",
        "journal.url: ",
        "journal.lease: ",
        "log.format: ",
        "authorities.one: ",
        "authorities.two.cmp.url: ",
        "authorities.two.cmp: ",
        "authorities.three.local.root_subject: ",
        "profiles.web.authority: ",
        "profiles.web.keys[0]: ",
        "profiles.web.sans[1]: ",
        "profiles.web.ip[0]: ",
        "profiles.web.validity: ",
        "labels.RA.profile: ",
        "labels.RA.cmp.clients.device.secret",
        "callers.ci.token_sha256[0]: ",
    ] {
        let found = ended
            .stderr
            .lines()
            .filter(|found| found.starts_with(line))
            .count();
        assert_eq!(found, 1, "{line}\n{}", ended.stderr);
    }
    assert!(ended.stderr.contains("`wbe`") && ended.stderr.contains("`web`"));
    assert!(!ended.stderr.contains("plain-token-pasted-here"));
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_place() {
    let ended = check("[listen\nport = 8443\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("line 1"), "{}", ended.stderr);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Launch::certway_ra(folder.path())
        .args(["check-config", "nothing.toml"])
        .run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("nothing.toml"), "{}", ended.stderr);
}

#[test]
fn serving_a_wrong_configuration_ends_with_the_same_explanation() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "[listen]\nport = -1\n").unwrap();
    let ended = Launch::certway_ra(folder.path())
        .args(["serve", "--config", "c.toml"])
        .run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("listen.port: "), "{}", ended.stderr);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let port = Port::free();
    let _taken = std::net::TcpListener::bind(port.address()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = RIGHT.replace("port = 0", &format!("port = {}", port.number()));
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    let ended = Launch::certway_ra(folder.path())
        .args(["serve", "--config", "c.toml"])
        .run();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains(&port.address().to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_environment_overrides_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), RIGHT).unwrap();
    let launch = Launch::certway_ra(folder.path());
    let ended = launch
        .args(["check-config", "c.toml"])
        .env("CERTWAY_RA_LISTEN__PORT", "70000")
        .run();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("listen.port: 70000"),
        "{}",
        ended.stderr
    );
}

#[test]
fn certway_config_names_the_file_when_no_argument_does() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), RIGHT).unwrap();
    let launch = Launch::certway_ra(folder.path()).env("CERTWAY_CONFIG", "c.toml");
    let program = launch.start(1);
    let address = program.listening(0, 1)[0];
    let client = proto_tests::HttpsClient::plain(address);
    assert_eq!(client.get("/ready", &[]).status, 200);
}

#[test]
fn every_argument_is_explained_and_an_unknown_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = |argument: &str| Launch::certway_ra(folder.path()).arg(argument).run();
    let help = run("--help");
    assert_eq!(help.code, Some(0));
    for word in ["serve", "check-config"] {
        assert!(help.stdout.contains(word), "{}", help.stdout);
    }
    assert_eq!(run("--version").code, Some(0));
    assert_eq!(run("--nonsense").code, Some(2));
}

#[test]
fn the_embedded_cas_keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::over_its_own_ca();
    Certificates::of(&Request::for_names("CN=a", &[], &Keys::rsa()).get(&service.client, ENROLL));
    let mode = |file: &str| {
        let found = std::fs::metadata(service.setup.path(file)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(
        (mode("ca/root.key"), mode("ca/issuing.key")),
        (0o600, 0o600)
    );
}

#[test]
fn logs_are_one_json_object_a_line_on_demand() {
    let setup = Setup::new();
    setup.servers(&[]);
    let launch = setup.launch().env("CERTWAY_RA_LOG__FORMAT", "json");
    let service = setup.start_as(launch);
    service.client.get("/reload", &[]);
    service.program.log_has("Reloading configuration");
    for line in service.log().lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            object["level"].is_string() && object["message"].is_string(),
            "{line}"
        );
    }
}
