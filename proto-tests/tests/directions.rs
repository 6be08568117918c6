//! Which crate leans on which is decided in docs/ARCHITECTURE.md; this test holds the picture against the graph.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of ours that it may use.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("pki", &[]),
    ("api", &[]),
    ("pkixcmp", &["pki"]),
    ("ra", &["pki"]),
    ("authority", &["ra", "pkixcmp", "pki"]),
    ("store", &["ra", "pki"]),
    (
        "server",
        &["ra", "authority", "store", "pkixcmp", "api", "pki"],
    ),
    ("issuer", &["api", "pki"]),
    ("cli", &["api", "pki"]),
    ("fuzz", &["server", "ra", "pkixcmp", "pki"]),
    ("proto-tests", &["pki", "pkixcmp"]),
];

/// Each crate and the libraries that must not be anywhere below it.
const MUST_NOT_PULL: [(&str, &[&str]); 9] = [
    ("pki", &["tokio", "axum", "reqwest", "sqlx", "kube"]),
    ("pkixcmp", &["tokio", "axum", "reqwest", "sqlx", "kube"]),
    ("ra", &["tokio", "axum", "reqwest", "sqlx", "kube", "hyper"]),
    ("api", &["axum", "sqlx", "kube"]),
    ("authority", &["axum", "sqlx", "kube"]),
    ("store", &["axum", "reqwest", "kube"]),
    ("server", &["kube"]),
    ("issuer", &["sqlx"]),
    ("cli", &["axum", "sqlx", "kube"]),
];

/// Not below anything of ours: one crypto library, one TLS library, one time type.
const NOWHERE: [&str; 6] = [
    "ring",
    "openssl",
    "openssl-sys",
    "native-tls",
    "rsa",
    "chrono",
];

/// The normal (not dev, not build) dependencies of every package in the lock file, by name.
struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    fn read() -> Self {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
        let output = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--locked",
                "--manifest-path",
                manifest,
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let names: BTreeMap<&str, &str> = metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| {
                (
                    package["id"].as_str().unwrap(),
                    package["name"].as_str().unwrap(),
                )
            })
            .collect();
        let packages: BTreeMap<&str, &Value> = metadata["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|package| (package["id"].as_str().unwrap(), package))
            .collect();
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in metadata["resolve"]["nodes"].as_array().unwrap() {
            let from = edges
                .entry(names[node["id"].as_str().unwrap()].to_owned())
                .or_default();
            for dependency in node["deps"].as_array().unwrap() {
                let normal = dependency["dep_kinds"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|kind| kind["kind"].is_null());
                let name = names[dependency["pkg"].as_str().unwrap()];
                if normal && is_on(packages[node["id"].as_str().unwrap()], node, name) {
                    from.insert(name.to_owned());
                }
            }
        }
        Self(edges)
    }

    fn below(&self, root: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![root.to_owned()];
        while let Some(next) = open.pop() {
            for dependency in &self.0[&next] {
                if seen.insert(dependency.clone()) {
                    open.push(dependency.clone());
                }
            }
        }
        seen
    }
}

/// Whether a package of the graph really uses a dependency. The graph also lists optional ones that a weak feature (`ring?/alloc`) merely
/// mentions.
fn is_on(package: &Value, node: &Value, name: &str) -> bool {
    let declared = package["dependencies"].as_array().unwrap().iter();
    let mut declared = declared.filter(|one| one["name"] == name).peekable();
    if declared.peek().is_none() || declared.clone().any(|one| one["optional"] == false) {
        return true;
    }
    let known = |one: &Value| {
        let known = one["rename"].as_str().unwrap_or(name);
        let features = node["features"].as_array().unwrap().iter();
        features.filter_map(Value::as_str).any(|feature| {
            let turns_on = |entry: &Value| {
                let entry = entry.as_str().unwrap();
                entry == format!("dep:{known}") || entry.starts_with(&format!("{known}/"))
            };
            let entries = package["features"][feature].as_array();
            feature == known || entries.is_some_and(|entries| entries.iter().any(turns_on))
        })
    };
    declared.any(known)
}

#[test]
fn every_crate_leans_only_on_the_crates_its_layer_may_use() {
    let graph = Graph::read();
    let ours: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in MAY_USE {
        let used: Vec<&String> = graph.0[name]
            .iter()
            .filter(|d| ours.contains(d.as_str()))
            .collect();
        let beyond: Vec<_> = used
            .into_iter()
            .filter(|d| !allowed.contains(&d.as_str()))
            .collect();
        assert!(beyond.is_empty(), "{name} leans on {beyond:?}");
    }
}

#[test]
fn no_crate_pulls_in_what_belongs_to_another_layer() {
    let graph = Graph::read();
    for (name, forbidden) in MUST_NOT_PULL {
        let below = graph.below(name);
        let found: Vec<_> = forbidden
            .iter()
            .chain(&NOWHERE)
            .filter(|d| below.contains(**d))
            .collect();
        assert!(found.is_empty(), "{name} pulls in {found:?}");
    }
}

#[test]
fn only_the_store_knows_sql() {
    let graph = Graph::read();
    for (name, _) in MAY_USE {
        let knows = graph.0[name].contains("sqlx");
        assert_eq!(knows, matches!(name, "store" | "proto-tests"), "{name}");
    }
}

#[test]
fn an_optional_dependency_counts_when_a_feature_turns_it_on() {
    let graph = Graph::read();
    let webpki = &graph.0["rustls-webpki"];
    assert!(webpki.contains("aws-lc-rs") && !webpki.contains("ring"));
}
