//! What the schemas of values refuse.

use std::collections::BTreeSet;

use proto_tests::kube::{Chart, Stack};
use serde_json::{Value, json};

/// Values that make no sense, with what Helm says to them.
fn refusals() -> Vec<(&'static str, Vec<(&'static str, Value)>, &'static str)> {
    vec![
        (
            "certway-issuer",
            vec![("colour", json!("blue"))],
            "'colour' not allowed",
        ),
        (
            "certway-issuer",
            vec![("crds.kept", json!(true))],
            "'kept' not allowed",
        ),
        (
            "certway-issuer",
            vec![("replicaCount", json!("2"))],
            "/replicaCount",
        ),
        // Two that work at the same time.
        (
            "certway-issuer",
            vec![("leaderElection.enabled", json!(false))],
            "/leaderElection/enabled",
        ),
        // CertificateSigningRequests are in no namespace.
        (
            "certway-issuer",
            vec![
                ("watchNamespaces", json!(["web"])),
                ("signingRequests.enabled", json!(true)),
            ],
            "/signingRequests/enabled",
        ),
        (
            "certway-issuer",
            vec![("credentialNamespaces", json!(["Web"]))],
            "/credentialNamespaces/0",
        ),
        // A token in the clear.
        (
            "certway-issuer",
            vec![("raToken.urls", json!(["http://ra"]))],
            "/raToken/urls/0",
        ),
        (
            "certway-issuer",
            vec![("image.digest", json!("latest"))],
            "/image/digest",
        ),
        (
            "certway-issuer",
            vec![("log.format", json!("xml"))],
            "/log/format",
        ),
        (
            "certway-issuer",
            vec![("checkEvery", json!("often"))],
            "/checkEvery",
        ),
    ]
}

#[test]
fn values_that_make_no_sense_are_refused_by_their_name() {
    let Some(stack) = Stack::here() else { return };
    for (chart, values, expected) in refusals() {
        let release = Chart::named(stack, chart).release("r", "certway");
        let set = values.iter().fold(release, |release, (name, value)| {
            release.set(name, value.clone())
        });
        let ended = set.template();
        assert_ne!(ended.code, Some(0), "{values:?} is taken");
        assert!(
            ended.stderr.contains(expected),
            "{values:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn every_value_is_in_the_schema_and_nothing_else_is() {
    let Some(stack) = Stack::here() else { return };
    for chart in Chart::all(stack) {
        let schema: Value = serde_json::from_str(&chart.text("values.schema.json")).unwrap();
        compare(chart.name(), &schema, &chart.values());
    }
}

/// Where the schema lists keys, they are those of the values, and no others may be there.
fn compare(path: &str, schema: &Value, values: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    assert_eq!(
        schema["additionalProperties"], false,
        "{path} takes anything"
    );
    let known: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    let there = values
        .as_object()
        .unwrap_or_else(|| panic!("{path} is no map"));
    let there: BTreeSet<&str> = there
        .keys()
        .map(String::as_str)
        .chain(path.split('.').nth(1).is_none().then_some("global"))
        .collect();
    assert_eq!(known, there, "{path}");
    for (name, schema) in properties {
        if name != "global" {
            compare(&format!("{path}.{name}"), schema, &values[name]);
        }
    }
}
