//! The kinds of certway-issuer, as the program itself prints them.

use serde_json::Value;

use crate::kube::cluster::Cluster;
use crate::program::{Launch, binary, eventually};

/// `Issuer` and `ClusterIssuer` of `certway.dev`.
pub fn ours(cluster: &Cluster) -> Vec<Value> {
    printed(cluster, &["crds"])
}

/// ONAP's `CMPv2Issuer`, as we define it.
pub fn onaps(cluster: &Cluster) -> Value {
    let all = printed(cluster, &["crds", "--onap"]);
    let mut all = all.into_iter();
    let onaps = all.find(|definition| definition["spec"]["group"] == "certmanager.onap.org");
    onaps.expect("a definition of ONAP's kind")
}

fn printed(cluster: &Cluster, arguments: &[&str]) -> Vec<Value> {
    let launch = Launch::of(binary("certway-issuer"), cluster.folder());
    let printed = launch.args(arguments.iter().copied()).run();
    let list: Value = serde_json::from_str(&printed.stdout).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Applies a definition, and waits until discovery has the kind: admission remembers for half a minute what it did not find.
pub fn define(cluster: &Cluster, definition: &Value) {
    cluster.admin.apply(definition).unwrap();
    cluster
        .admin
        .until_condition(definition, "Established", "True");
    let spec = &definition["spec"];
    let group = spec["group"].as_str().unwrap();
    let version = spec["versions"][0]["name"].as_str().unwrap();
    eventually("discovery has the kind", || {
        let found = cluster.admin.get(&format!("/apis/{group}/{version}"));
        let has = |list: Value| {
            let resources = list["resources"].as_array().cloned().unwrap_or_default();
            resources
                .iter()
                .any(|r| r["name"] == spec["names"]["plural"])
        };
        found.is_ok_and(has) && cluster.admin.get(&format!("/apis/{group}")).is_ok()
    });
}
