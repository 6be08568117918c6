//! certway-issuer for some namespaces: it has Roles there and nothing in the cluster.

use serde_json::{Value, json};

use crate::kube::cluster::Cluster;
use crate::kube::namespace::Namespace;
use crate::kube::replica::{NAME, Replica, program};
use crate::port::Port;
use crate::program::{Launch, eventually};

/// Starts it with a ServiceAccount in the first of its namespaces, with Roles in each and with more arguments; waits until it is ready.
pub fn start(namespaces: &[&Namespace<'_>], more: &[&str]) -> Replica {
    let first = namespaces[0];
    let cluster = first.cluster;
    let account = cluster.service_account(&first.name, NAME);
    for namespace in namespaces {
        admit(namespace, &first.name);
        // The authorizer hears of a Role a moment after it was made.
        eventually("the Role is in force", || {
            account.may("list", "certway.dev", "issuers", Some(&namespace.name))
        });
    }
    let listen = Port::free();
    let launch = launch(cluster, &first.name, namespaces, &listen, more);
    Replica::start(cluster, launch, listen)
}

fn launch(
    cluster: &Cluster,
    own: &str,
    namespaces: &[&Namespace<'_>],
    listen: &Port,
    more: &[&str],
) -> Launch {
    let names: Vec<&str> = namespaces.iter().map(|n| n.name.as_str()).collect();
    let folder = cluster.folder().join(format!("{NAME}-{own}"));
    std::fs::create_dir_all(&folder).unwrap();
    Launch::of(program(), folder)
        .args(["--watch-namespaces", &names.join(",")])
        .args(["--listen", &listen.address().to_string()])
        .args(more.iter().copied())
        .env("KUBECONFIG", cluster.kubeconfig_of(own, NAME))
        .env("POD_NAMESPACE", own)
        .env("POD_NAME", NAME)
}

/// What the chart gives it in one namespace, with ONAP's kind and truststores.
fn admit(namespace: &Namespace<'_>, own: &str) {
    let rbac = "rbac.authorization.k8s.io/v1";
    let metadata = json!({ "name": NAME, "namespace": namespace.name });
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let role: Value = json!({
        "apiVersion": rbac, "kind": "Role", "metadata": metadata,
        "rules": [
            rule("cert-manager.io", &["certificaterequests"], &["list", "watch"]),
            rule("cert-manager.io", &["certificaterequests/status"], &["patch"]),
            rule("cert-manager.io", &["certificates"], &["get"]),
            rule("certway.dev", &["issuers"], &["list", "watch"]),
            rule("certway.dev", &["issuers/status"], &["patch"]),
            // ONAP's own definition has no status subresource.
            rule("certmanager.onap.org", &["cmpv2issuers"], &["list", "watch", "patch"]),
            rule("certmanager.onap.org", &["cmpv2issuers/status"], &["patch"]),
            rule("events.k8s.io", &["events"], &["create"]),
            rule("", &["secrets"], &["get", "create", "patch"]),
            rule("", &["configmaps"], &["create", "patch"]),
        ],
    });
    namespace.api().apply(&role).unwrap();
    let binding = json!({
        "apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": own }],
    });
    namespace.api().apply(&binding).unwrap();
}
