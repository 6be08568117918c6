use std::collections::BTreeSet;
use std::path::Path;

use figment::error::Kind;
use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;

use super::raw::*;
use super::*;
use crate::jwt::RemoteSettings;
use crate::jwt::signing::{Signing, text};
use crate::testing::key_pem;
use jiff::SignedDuration;

mod token_issuers;

const DOCUMENT: &str = include_str!("../../../../docs/CONFIG.md");

/// The keys of a raw struct, as serde knows them.
fn keys<T: DeserializeOwned>() -> Vec<&'static str> {
    let tree = Value::from(Dict::from([("\u{0}".to_owned(), Value::from(1))]));
    match tree.deserialize::<T>().err().unwrap().kind {
        Kind::UnknownField(_, known) => known.to_vec(),
        other => panic!("{other}"),
    }
}

/// Every key there is, `*` standing for a name. The parts of a keystore and of a secret are documented once.
fn all_keys() -> BTreeSet<String> {
    let sections: [(&str, Vec<&str>); 26] = [
        ("listen", keys::<RawListen>()),
        ("listen.tls", keys::<RawKeystore>()),
        ("listen.tls.password", keys::<RawSecret>()),
        ("listen.client_ca", keys::<RawTruststore>()),
        ("listen.cmp", keys::<RawCmpListen>()),
        ("admin", keys::<RawAdmin>()),
        ("journal", keys::<RawJournal>()),
        ("log", keys::<RawLog>()),
        ("telemetry", keys::<RawTelemetry>()),
        ("telemetry.otlp", keys::<RawOtlp>()),
        ("reload", keys::<RawReload>()),
        ("v1", keys::<RawV1>()),
        ("authorities.*", keys::<RawAuthority>()),
        ("authorities.*.cmp", keys::<RawCmp>()),
        ("authorities.*.cmp.mac", keys::<RawMac>()),
        ("authorities.*.cmp.trust", keys::<RawCmpTrust>()),
        ("authorities.*.cmp.takes", keys::<RawTakes>()),
        ("authorities.*.cmp.quirks", keys::<RawCmpQuirks>()),
        ("authorities.*.cmp.transport", keys::<RawTransport>()),
        ("authorities.*.cmp.limits", keys::<RawLimits>()),
        ("authorities.*.cmp.breaker", keys::<RawBreaker>()),
        ("authorities.*.local", keys::<RawLocal>()),
        ("profiles.*", keys::<RawProfile>()),
        ("labels.*", keys::<RawLabel>()),
        ("labels.*.cmp", keys::<RawLabelCmp>()),
        ("labels.*.cmp.clients.*", keys::<RawCmpClient>()),
    ];
    let more = [
        ("callers.*", keys::<RawCaller>()),
        ("callers.*.service_account", keys::<RawServiceAccount>()),
        ("callers.*.jwt", keys::<RawJwt>()),
        ("token_issuers.*", keys::<RawTokenIssuer>()),
        ("token_issuers.*.keys", keys::<RawTokenKeys>()),
        ("cmp", keys::<RawCmpFront>()),
        ("pkcs11.*", keys::<RawPkcs11>()),
        ("journal.tls", keys::<RawJournalTls>()),
        ("journal.retention", keys::<RawRetention>()),
    ];
    let all = sections.into_iter().chain(more);
    all.flat_map(|(section, keys)| keys.into_iter().map(move |key| format!("{section}.{key}")))
        .collect()
}

fn documented_keys() -> BTreeSet<String> {
    let rows = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    rows.map(|(key, _)| key.to_owned()).collect()
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let (all, documented) = (all_keys(), documented_keys());
    let missing: Vec<_> = all.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&all).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "not documented: {missing:?}; do not exist: {invented:?}"
    );
}

#[test]
fn every_section_is_documented() {
    let documented = documented_keys();
    for section in keys::<RawConfig>() {
        let prefix = format!("{section}.");
        assert!(
            documented.iter().any(|key| key.starts_with(&prefix)),
            "{section}"
        );
    }
}

/// A folder with files as the document's example names them, and the given configuration.
fn folder(toml: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let root = root();
    let write = |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).unwrap();
    write("ca.toml", toml.as_bytes());
    write("management-ca.pem", root.0.to_pem().as_bytes());
    write("clients.pem", root.0.to_pem().as_bytes());
    write(
        "server.pem",
        format!("{}{}", root.1, root.0.to_pem()).as_bytes(),
    );
    write("ejbca.secret", b"insecure\n");
    write("jwks.json", text(&[&Signing::p256("k")]).as_bytes());
    dir
}

fn root() -> (pki::Certificate, String) {
    let key = crate::testing::key("p256-pkcs8");
    let subject = pki::name::onap::parse("CN=Test Root").unwrap();
    let mut template = pki::Template::new(subject, key.public_key().clone());
    template.ca = Some(pki::CaConstraint { path_len: None });
    let now = jiff::Timestamp::now();
    let serial = pki::issue::Serial::random().unwrap();
    let tbs = pki::issue::TbsParameters::self_signed(
        template,
        serial,
        now,
        now + SignedDuration::from_hours(24),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let made = runtime.block_on(pki::issue::issue(&tbs, &key)).unwrap();
    (made, key_pem("p256-pkcs8"))
}

fn checked(toml: &str) -> Result<Config, Problems> {
    let dir = folder(toml);
    read(&dir.path().join("ca.toml")).map_err(|(problems, _)| problems)
}

fn problems(toml: &str) -> Vec<String> {
    let problems = checked(toml).err().unwrap_or_default();
    problems.0.into_iter().map(|problem| problem.key).collect()
}

const LISTEN: &str = r#"
    [listen]
    tls = { keystore = "server.pem" }
    client_ca = { truststore = "clients.pem" }
"#;

#[test]
fn the_documents_example_is_a_configuration() {
    let (_, rest) = DOCUMENT.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let example = example
        .replace(
            r#"{ keystore = "server.p12", password = { file = "server.pass" } }"#,
            r#"{ keystore = "server.pem" }"#,
        )
        .replace(r#"env = "DEVICE_1_SECRET""#, r#"file = "ejbca.secret""#);
    let config = checked(&example).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.listen.address.port(), 8443);
    let label = &config.labels[&Label::new("RA")];
    assert_eq!(label.clients[0].reference, "device-1");
    assert_eq!(label.clients[0].secret.expose(), b"insecure");
}

#[test]
fn every_error_is_reported_at_once_with_its_key() {
    let found = problems(
        r#"
        [listen]
        port = 70000
        prt = 1
        address = 5
        handshake_timeout = "soon"
        tls = { keystore = "missing.p12" }

        [journal]
        url = "mysql://x"

        [authorities.ca.cmp]
        url = "ftp://ca"
        mac = { reference = "r", secret = { file = "a", env = "b" } }

        [profiles.web]
        authority = "nobody"
        anchors = ["ejbca.secret"]
        keys = ["rsa:512"]
        on_change = "maybe"

        [labels.RA]
        profile = "wep"

        [callers.issuer]
        token_sha256 = ["abc"]
        "#,
    );
    for key in [
        "listen.prt",
        "listen.address",
        "listen.port",
        "listen.handshake_timeout",
        "listen.tls.keystore",
        "listen.client_ca",
        "journal.url",
        "authorities.ca.cmp.url",
        "authorities.ca.cmp.mac.secret",
        "profiles.web.authority",
        "profiles.web.anchors[0]",
        "profiles.web.keys[0]",
        "profiles.web.on_change",
        "labels.RA.profile",
        "callers.issuer.token_sha256[0]",
    ] {
        assert!(
            found.iter().any(|found| found == key),
            "{key} not in {found:?}"
        );
    }
}

#[test]
fn an_unknown_key_is_answered_with_the_keys_there_are() {
    let problems = checked(&format!("{LISTEN}\nprt = 1")).err().unwrap();
    assert_eq!(problems.0.len(), 1);
    assert!(problems.0[0].valid.contains("`port`"), "{problems}");
}

#[test]
fn text_that_is_not_toml_is_one_problem_that_says_where() {
    let problems = checked("[listen\nport = 1").err().unwrap();
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert!(problems.to_string().contains("line 1"), "{problems}");
}

#[test]
fn no_configuration_text_shows_a_secret() {
    let toml = format!("{LISTEN}\n[callers.x]\ntoken_sha256 = [\"my-plain-token\"]");
    assert!(
        !checked(&toml)
            .err()
            .unwrap()
            .to_string()
            .contains("my-plain-token")
    );
}

#[test]
fn a_profile_of_a_ca_of_our_own_needs_no_anchors_and_one_of_another_does() {
    let toml = |kind: &str| {
        format!("{LISTEN}\n[authorities.ca.{kind}\n[profiles.web]\nauthority = \"ca\"")
    };
    assert!(checked(&toml("local]\nfolder = \"ca\"")).is_ok());
    let other = "cmp]\nurl = \"http://ca/\"\nmac = { reference = \"r\", secret = { file = \"ejbca.secret\" } }";
    assert_eq!(problems(&toml(other)), ["profiles.web.anchors"]);
}

#[test]
fn a_lease_has_to_outlast_two_calls_to_any_ca() {
    let toml = |lease: &str, more: &str| {
        let lease = format!("[journal]\nlease = \"{lease}\"");
        cmp(&lease, &format!("url = \"http://ca/\"\n{more}"))
    };
    assert!(checked(&toml("66s", "")).is_ok());
    assert_eq!(problems(&toml("65s", "")), ["journal.lease"]);
    let patient = "limits = { deadline = \"40s\" }";
    assert!(checked(&toml("85s", patient)).is_ok());
    assert_eq!(problems(&toml("84s", patient)), ["journal.lease"]);
}

/// A CA behind CMP with these lines, and something before it.
fn cmp(before: &str, lines: &str) -> String {
    format!(
        "{LISTEN}\n{before}\n[authorities.ca.cmp]\nmac = {{ reference = \"r\", secret = {{ file = \"ejbca.secret\" }} }}\n{lines}"
    )
}

#[test]
fn a_ca_has_one_url_or_several_each_once() {
    let problems = |lines: &str| problems(&cmp("", lines));
    let urls = |urls: &str| problems(&format!("urls = [{urls}]"));
    assert_eq!(urls(r#""http://a/", "http://b/cmp""#), [""; 0]);
    assert_eq!(problems(""), ["authorities.ca.cmp.url"]);
    assert_eq!(urls(""), ["authorities.ca.cmp.urls"]);
    assert_eq!(
        urls(r#""http://a/", "http://b/", "http://a/", "ftp://c/""#),
        ["authorities.ca.cmp.urls[2]", "authorities.ca.cmp.urls[3]"]
    );
    let nine: Vec<_> = (0..9).map(|n| format!("\"http://ca-{n}/\"")).collect();
    assert_eq!(urls(&nine.join(",")), ["authorities.ca.cmp.urls"]);
    let both = "url = \"http://a/\"\nurls = [\"http://b/\"]";
    assert_eq!(problems(both), ["authorities.ca.cmp.urls"]);
}

#[test]
fn what_guards_a_ca_keeps_to_its_bounds_and_to_what_it_guards() {
    let problems = |lines: &str| problems(&cmp("", &format!("url = \"http://ca/\"\n{lines}")));
    let right = "limits = { in_flight = 1, queue = 0, queue_wait = \"0s\", deadline = \"31s\" }\n\
                 breaker = { failures = 1, rest = \"1s\" }\nhealth = \"tcp\"\nhealth_every = \"1s\"\nendpoints = \"cluster\"";
    assert_eq!(problems(right), [""; 0]);
    let wrong = "limits = { in_flight = 0, queue = -1, deadline = \"29s\" }\n\
                 breaker = { failures = 0, rest = \"1ms\" }\nhealth = \"ir\"\nhealth_every = \"1ms\"\nendpoints = \"both\"";
    let mut found = problems(wrong);
    found.sort_unstable();
    let named = [
        "breaker.failures",
        "breaker.rest",
        "endpoints",
        "health",
        "health_every",
        "limits.deadline",
        "limits.in_flight",
        "limits.queue",
    ];
    assert_eq!(found, named.map(|key| format!("authorities.ca.cmp.{key}")));
    let waits = "limits = { queue_wait = \"31s\" }";
    assert_eq!(problems(waits), ["authorities.ca.cmp.limits.queue_wait"]);
    let by_proxy = "health = \"tcp\"\ntransport = { proxy = \"http://proxy:3128\" }";
    assert_eq!(problems(by_proxy), ["authorities.ca.cmp.health"]);
}

#[test]
fn a_ca_of_whose_signatures_none_is_believed_is_doubted_and_served() {
    let doubts = |more: &str| {
        let toml = format!(
            "{LISTEN}\n[authorities.ca.cmp]\nurl = \"http://ca/\"\n\
             mac = {{ reference = \"r\", secret = {{ file = \"ejbca.secret\" }} }}\n{more}"
        );
        let config = checked(&toml).ok().unwrap();
        let keys = config.warnings.0.into_iter().map(|doubt| doubt.key);
        keys.collect::<Vec<_>>()
    };
    assert_eq!(doubts(""), ["authorities.ca.cmp.trust"]);
    assert!(doubts("quirks = { mac_answers_to_signature = true }").is_empty());
    assert!(doubts("recipient = \"CN=CA\"\ntrust = { issuer_dn = true }").is_empty());
}

#[test]
fn a_missing_file_is_one_problem_and_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (problems, files) = read(&dir.path().join("ca.toml")).err().unwrap();
    assert_eq!(problems.0.len(), 1);
    std::fs::write(dir.path().join("ca.toml"), "").unwrap();
    assert!(files.changed());
}

#[test]
fn a_path_that_is_only_a_name_lies_in_the_current_folder() {
    let (problems, _) = read(Path::new("no-such-file.toml")).err().unwrap();
    assert!(problems.to_string().contains("no-such-file.toml"));
}
