//! What the schemas of values refuse.

use std::collections::BTreeSet;

use proto_tests::kube::{Chart, Stack};
use serde_json::Value;

/// Values that make no sense.
struct Nonsense {
    chart: &'static str,
    values: &'static [(&'static str, &'static str)],
    /// What Helm names.
    named: &'static str,
}

const fn nonsense(
    chart: &'static str,
    values: &'static [(&'static str, &'static str)],
    named: &'static str,
) -> Nonsense {
    Nonsense {
        chart,
        values,
        named,
    }
}

const ISSUER: &str = "certway-issuer";
const RA: &str = "certway-ra";

const NONSENSE: &[Nonsense] = &[
    nonsense(ISSUER, &[("colour", "\"blue\"")], "'colour' not allowed"),
    nonsense(ISSUER, &[("crds.kept", "true")], "'kept' not allowed"),
    nonsense(ISSUER, &[("replicaCount", "\"2\"")], "/replicaCount"),
    // Two that work at the same time.
    nonsense(
        ISSUER,
        &[("leaderElection.enabled", "false")],
        "/leaderElection/enabled",
    ),
    // CertificateSigningRequests are in no namespace.
    nonsense(
        ISSUER,
        &[
            ("watchNamespaces", "[\"web\"]"),
            ("signingRequests.enabled", "true"),
        ],
        "/signingRequests/enabled",
    ),
    nonsense(
        ISSUER,
        &[("credentialNamespaces", "[\"Web\"]")],
        "/credentialNamespaces/0",
    ),
    // A token in the clear.
    nonsense(
        ISSUER,
        &[("raToken.urls", "[\"http://ra\"]")],
        "/raToken/urls/0",
    ),
    // Our definition of ONAP's kind would take the place of the one that is to stay.
    nonsense(
        ISSUER,
        &[("onap.enabled", "true"), ("onap.ownDefinition", "false")],
        "/crds/enabled",
    ),
    nonsense(ISSUER, &[("image.digest", "\"latest\"")], "/image/digest"),
    nonsense(ISSUER, &[("log.format", "\"xml\"")], "/log/format"),
    nonsense(ISSUER, &[("checkEvery", "\"often\"")], "/checkEvery"),
    // SQLite has one writer, and a volume one pod.
    nonsense(RA, &[("replicaCount", "2")], "/replicaCount"),
    nonsense(RA, &[("strategy.type", "\"RollingUpdate\"")], "/strategy"),
    nonsense(
        RA,
        &[("persistence.enabled", "false"), ("replicaCount", "2")],
        "/replicaCount",
    ),
    nonsense(
        RA,
        &[("journal.kind", "\"postgresql\"")],
        "/journal/postgresql/host",
    ),
    // What the chart's own values decide.
    nonsense(RA, &[("config.admin.port", "1")], "'admin'"),
    nonsense(RA, &[("config.listen.port", "1")], "'port'"),
    nonsense(RA, &[("config.journal.url", "\"x\"")], "'url'"),
    nonsense(RA, &[("config", "null")], "'config'"),
    // No TLS at all.
    nonsense(
        RA,
        &[("tls.certManager.enabled", "false")],
        "/tls/certManager/enabled",
    ),
    nonsense(
        RA,
        &[("tls.certManager.issuerRef.name", "\"\"")],
        "/tls/certManager/issuerRef/name",
    ),
    // CertService has cmpServers.json.
    nonsense(RA, &[("onap.enabled", "true")], "/config"),
    nonsense(
        RA,
        &[("terminationGracePeriodSeconds", "5")],
        "/terminationGracePeriodSeconds",
    ),
    nonsense("certway", &[("issuer", "{}")], "'issuer' not allowed"),
    nonsense(
        "certway",
        &[("certway-ra.replicaCount", "2")],
        "/replicaCount",
    ),
];

#[test]
fn values_that_make_no_sense_are_refused_by_their_name() {
    let Some(stack) = Stack::here() else { return };
    for Nonsense {
        chart,
        values,
        named,
    } in NONSENSE
    {
        let chart = Chart::named(stack, chart);
        let release = chart.release("r", "certway").values(&chart.minimal());
        let set = values.iter().fold(release, |release, (name, value)| {
            let value: Value = serde_json::from_str(value).unwrap();
            release.set(name, value)
        });
        let ended = set.template();
        assert_ne!(ended.code, Some(0), "{values:?} is taken");
        assert!(ended.stderr.contains(named), "{values:?}: {}", ended.stderr);
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
    // A table of the program's own configuration is described elsewhere.
    if path.ends_with(".config") {
        return;
    }
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
