//! certway-issuer for some namespaces, as its chart makes it: it has Roles there and nothing in the cluster.

use serde_json::{Value, json};

use crate::kube::namespace::Namespace;
use crate::kube::replica::{NAME, Pod, Replica};
use crate::program::eventually;

/// Starts it in the first of its namespaces, with more values; waits until it is ready.
pub fn start(namespaces: &[&Namespace<'_>], values: &[(&str, Value)]) -> Replica {
    pod(namespaces, values).start()
}

/// The same without starting it.
pub fn pod<'a>(namespaces: &[&Namespace<'a>], values: &[(&str, Value)]) -> Pod<'a> {
    let first = namespaces[0];
    let cluster = first.cluster;
    let names: Vec<&str> = namespaces.iter().map(|n| n.name.as_str()).collect();
    let release = cluster
        .chart(NAME)
        .release(NAME, &first.name)
        .set("watchNamespaces", json!(names))
        .set("renewalNamespaces", json!(names))
        .set("truststoreNamespaces", json!(names))
        .set("crds.enabled", false)
        .set("certManagerApproval.create", false);
    let more = values.iter();
    let release = more.fold(release, |release, (name, value)| {
        release.set(name, value.clone())
    });
    let rendered = release.objects();
    assert!(!rendered.iter().any(is_in_no_namespace));
    cluster.install(&release);
    let account = cluster.service_account(&first.name, NAME);
    // The authorizer hears of a Role a moment after it was made.
    eventually("the Roles are in force", || {
        let mut all = namespaces.iter();
        all.all(|one| account.may("list", "certway.dev", "issuers", Some(&one.name)))
            && account.may("create", "coordination.k8s.io", "leases", Some(&first.name))
    });
    Pod::within(cluster, &first.name, NAME)
}

fn is_in_no_namespace(object: &Value) -> bool {
    object["metadata"]["namespace"].is_null()
}
