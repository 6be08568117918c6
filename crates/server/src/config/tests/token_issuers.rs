//! `token_issuers`, and the callers that are known by them.

use super::*;

/// An issuer with its keys in a file, and a caller known by it.
const CLUSTER: &str = r#"
    [token_issuers.cluster]
    issuer = "https://cluster.example"
    audience = "certway-ra"
    keys = { file = "jwks.json" }
    [callers.cm]
    service_account = { issuer = "cluster", namespace = "certway", name = "certway-issuer" }
"#;

fn cluster(from: &str, to: &str) -> String {
    assert!(CLUSTER.contains(from), "{from}");
    CLUSTER.replace(from, to)
}

/// The one problem of a configuration, as it is shown.
fn only(toml: &str) -> String {
    let problems = checked(toml).err().unwrap_or_default();
    assert_eq!(problems.0.len(), 1, "{problems}");
    problems.to_string()
}

/// Settings of an issuer whose keys are at a server.
fn server(keys: &str) -> RemoteSettings {
    let config = checked(&cluster(r#"{ file = "jwks.json" }"#, keys));
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    match config.token_issuers.into_iter().next().unwrap().keys {
        TokenKeys::Server(settings) => *settings,
        TokenKeys::File(_) => panic!("a file"),
    }
}

#[test]
fn keys_in_a_file_are_read_and_a_service_account_is_a_subject() {
    let config = checked(CLUSTER).unwrap_or_else(|problems| panic!("{problems}"));
    let issuer = &config.token_issuers[0];
    assert!(matches!(&issuer.keys, TokenKeys::File(keys) if keys.count() == 1));
    let subject = &config.callers[0].subjects[0];
    assert_eq!(subject.issuer, "cluster");
    assert_eq!(
        subject.subject,
        "system:serviceaccount:certway:certway-issuer"
    );
    assert!(config.warnings.is_empty(), "{}", config.warnings);
}

#[test]
fn without_an_address_the_issuers_own_description_says_where_the_keys_are() {
    let settings = server("{}");
    assert_eq!(
        settings.place.address().as_str(),
        "https://cluster.example/.well-known/openid-configuration"
    );
    assert_eq!(settings.refresh_every, Duration::from_secs(300));
    assert_eq!(settings.max_age, Duration::from_secs(86_400));
}

#[test]
fn keys_at_an_address_have_roots_a_token_and_times_of_their_own() {
    let settings = server(
        r#"{ url = "https://10.0.0.1/openid/v1/jwks", tls_roots = ["clients.pem"], token_file = "ejbca.secret", refresh_every = "1m", max_age = "2m" }"#,
    );
    assert_eq!(
        settings.place.address().as_str(),
        "https://10.0.0.1/openid/v1/jwks"
    );
    assert_eq!(settings.roots.unwrap().len(), 1);
    assert!(settings.token_file.unwrap().ends_with("ejbca.secret"));
    assert_eq!(settings.max_age, Duration::from_secs(120));
}

#[test]
fn a_renewed_token_for_that_server_is_no_reason_to_read_everything_again() {
    let dir = folder(&cluster(
        r#"{ file = "jwks.json" }"#,
        r#"{ token_file = "ejbca.secret" }"#,
    ));
    let config =
        read(&dir.path().join("ca.toml")).unwrap_or_else(|(problems, _)| panic!("{problems}"));
    std::fs::write(dir.path().join("ejbca.secret"), "renewed").unwrap();
    assert!(!config.files.changed());
}

#[test]
fn each_error_names_its_key_and_what_would_be_valid() {
    let keys = r#"{ file = "jwks.json" }"#;
    for (toml, starts, says) in [
        (
            cluster(r#"issuer = "https://cluster.example""#, ""),
            "token_issuers.cluster.issuer: missing",
            "`iss`",
        ),
        (
            cluster(r#"audience = "certway-ra""#, r#"audience = """#),
            "token_issuers.cluster.audience: missing",
            "`aud`",
        ),
        (
            cluster(keys, r#"{ file = "missing.json" }"#),
            "token_issuers.cluster.keys.file: ",
            "may read",
        ),
        (
            cluster(keys, r#"{ file = "clients.pem" }"#),
            "token_issuers.cluster.keys.file: ",
            "JWK Set",
        ),
        (
            cluster(keys, r#"{ file = "jwks.json", max_age = "1h" }"#),
            "token_issuers.cluster.keys: ",
            "alone",
        ),
        (
            cluster(keys, r#"{ url = "http://cluster.example/keys" }"#),
            "token_issuers.cluster.keys.url: ",
            "https",
        ),
        (
            cluster(keys, r#"{ url = "https://me@cluster.example/keys" }"#),
            "token_issuers.cluster.keys.url: ",
            "without a user",
        ),
        (
            cluster(keys, r#"{ token_file = "missing" }"#),
            "token_issuers.cluster.keys.token_file: ",
            "bearer token",
        ),
        (
            cluster(keys, r#"{ refresh_every = "1s" }"#),
            "token_issuers.cluster.keys.refresh_every: ",
            "`10s`",
        ),
        (
            cluster(keys, r#"{ refresh_every = "1h", max_age = "30m" }"#),
            "token_issuers.cluster.keys.max_age: ",
            "`1h`",
        ),
        (
            cluster("https://cluster.example", "kubernetes").replace(keys, "{}"),
            "token_issuers.cluster.issuer: ",
            "`keys.url`",
        ),
        (
            cluster(r#"issuer = "cluster","#, r#"issuer = "other","#),
            "callers.cm: there is no token issuer `other`",
            "`cluster`",
        ),
        (
            cluster(r#", name = "certway-issuer""#, ""),
            "callers.cm.service_account.name: missing",
            "name of Kubernetes",
        ),
        (
            cluster("certway-issuer", "a:b"),
            "callers.cm.service_account.name: ",
            "name of Kubernetes",
        ),
        (
            CLUSTER.to_owned() + "[callers.empty]\n",
            "callers.empty: ",
            "`service_account`",
        ),
        (
            CLUSTER.to_owned()
                + "[callers.twice]\njwt = { issuer = \"cluster\", subject = \"system:serviceaccount:certway:certway-issuer\" }\n",
            "callers.twice: ",
            "at one caller",
        ),
        (
            CLUSTER.to_owned()
                + "[token_issuers.twin]\nissuer = \"https://cluster.example\"\naudience = \"other\"\n",
            "token_issuers.twin.issuer: the same as of `cluster`",
            "once",
        ),
    ] {
        let shown = only(&toml);
        assert!(
            shown.starts_with(starts) && shown.contains(says),
            "{starts}\n{shown}"
        );
    }
}

#[test]
fn an_issuer_by_whose_tokens_nobody_is_known_is_doubted() {
    let config = checked(&cluster("service_account", "certificates = [\"dns:a\"] #")).ok();
    let warnings = config.unwrap().warnings.to_string();
    assert!(
        warnings.starts_with("token_issuers.cluster: "),
        "{warnings}"
    );
}
