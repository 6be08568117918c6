//! Who may approve and deny requests to an issuer that is not in cert-manager's tree: RBAC decides, by the name of the
//! signer. cert-manager's suite has the same cases.

use std::sync::atomic::{AtomicU32, Ordering};

use proto_tests::kube::certmanager;
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Api, Cluster, Namespace, Refused, Resource, cluster};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::admission::request;

/// Where the issuers of a group live.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Namespaced,
    Cluster,
    /// There is no such kind.
    Nowhere,
}

/// The signer that the rule names, below `issuers.GROUP/`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signer {
    /// No rule at all.
    None,
    /// `*`
    Any,
    /// `NAMESPACE.NAME`
    InNamespace,
    /// `NAME`
    Plain,
}

#[derive(Clone, Copy)]
enum Outcome {
    Done,
    /// The rule does not cover it.
    NoPermission,
    /// There is no such kind of issuer.
    NoSuchSigner,
}

macro_rules! cases {
    ($($name:ident: $condition:literal, $scope:ident, $signer:ident => $outcome:ident;)*) => {
        $(
            #[test]
            fn $name() {
                decides($condition, Scope::$scope, Signer::$signer, Outcome::$outcome);
            }
        )*
    };
}

cases! {
    without_the_permission_nobody_approves: "Approved", Namespaced, None => NoPermission;
    without_the_permission_nobody_denies: "Denied", Namespaced, None => NoPermission;
    nobody_approves_for_a_kind_that_is_not_there: "Approved", Nowhere, Any => NoSuchSigner;
    nobody_denies_for_a_kind_that_is_not_there: "Denied", Nowhere, Any => NoSuchSigner;
    permission_for_all_cluster_issuers_approves: "Approved", Cluster, Any => Done;
    permission_for_all_cluster_issuers_denies: "Denied", Cluster, Any => Done;
    permission_for_a_cluster_issuer_by_name_approves: "Approved", Cluster, Plain => Done;
    permission_for_a_cluster_issuer_by_name_denies: "Denied", Cluster, Plain => Done;
    permission_with_a_namespace_does_not_approve_for_a_cluster_issuer: "Approved", Cluster, InNamespace => NoPermission;
    permission_with_a_namespace_does_not_deny_for_a_cluster_issuer: "Denied", Cluster, InNamespace => NoPermission;
    permission_for_an_issuer_by_namespace_and_name_approves: "Approved", Namespaced, InNamespace => Done;
    permission_for_an_issuer_by_namespace_and_name_denies: "Denied", Namespaced, InNamespace => Done;
    permission_without_a_namespace_does_not_approve_for_an_issuer: "Approved", Namespaced, Plain => NoPermission;
    permission_without_a_namespace_does_not_deny_for_an_issuer: "Denied", Namespaced, Plain => NoPermission;
    permission_for_all_issuers_approves: "Approved", Namespaced, Any => Done;
}

#[track_caller]
fn decides(kind: &str, scope: Scope, signer: Signer, outcome: Outcome) {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("approval");
    let group = new_group();
    let account = cluster.service_account(&namespace.name, "approver");
    let name = match signer {
        Signer::None => None,
        Signer::Any => Some(format!("issuers.{group}/*")),
        Signer::InNamespace => Some(format!("issuers.{group}/{}.i", namespace.name)),
        Signer::Plain => Some(format!("issuers.{group}/i")),
    };
    may_approve(&namespace, &account, name.as_deref());
    if scope != Scope::Nowhere {
        define(cluster, &group, scope);
    }
    let issuer = json!({ "name": "i", "kind": "Issuer", "group": group });
    let made = request(&namespace, "r", &issuer);
    let made = cluster.admin.create(&made).unwrap();

    let answer = decide(&account, &made, kind);

    match outcome {
        Outcome::Done => {
            let decided = answer.unwrap_or_else(|refused| panic!("{refused:?}"));
            assert_eq!(condition(&decided, kind)["status"], "True");
        }
        Outcome::NoPermission => {
            let message = answer.unwrap_err().message;
            let expected = "does not have permissions to set approved/denied conditions";
            assert!(message.contains(expected), "{message}");
        }
        Outcome::NoSuchSigner => {
            let message = answer.unwrap_err().message;
            let expected = "referenced signer resource does not exist";
            assert!(message.contains(expected), "{message}");
        }
    }
}

#[test]
fn the_built_in_approver_waits_until_a_cluster_role_names_the_signer() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("approver");
    let group = new_group();
    define(cluster, &group, Scope::Namespaced);
    let issuer = json!({ "name": "i", "kind": "Issuer", "group": group });
    let approver = "certificaterequests-approver";
    let before = cluster.cert_manager.sync_errors(approver);
    let waiting = request(&namespace, "waiting", &issuer);
    cluster.admin.create(&waiting).unwrap();
    eventually("the approver has tried and was refused", || {
        cluster.cert_manager.sync_errors(approver) > before
    });
    let now = cluster.admin.read(&waiting).unwrap();
    assert_eq!(condition(&now, "Approved"), Value::Null);

    let signer = format!("issuers.{group}/*");
    let account = json!({
        "kind": "ServiceAccount",
        "name": certmanager::ACCOUNT,
        "namespace": certmanager::NAMESPACE,
    });
    grant(&cluster.admin, &group, &signer, &account);

    // The next one at once, or after a short while of the approver's own; the first one too.
    let next = request(&namespace, "next", &issuer);
    cluster.admin.create(&next).unwrap();
    cluster.admin.until_condition(&next, "Approved", "True");
    cluster.admin.until_condition(&waiting, "Approved", "True");
}

/// The name of a group that no other test has.
fn new_group() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("issuers-{number}.example.io")
}

/// What the cases need of an account beside the permission in question: to write a status. Waits until both are in force.
fn may_approve(namespace: &Namespace<'_>, account: &Api, signer: Option<&str>) {
    let api = namespace.api();
    let subject = json!({
        "kind": "ServiceAccount", "name": "approver", "namespace": namespace.name,
    });
    let metadata = json!({ "name": "approver", "namespace": namespace.name });
    let rbac = "rbac.authorization.k8s.io/v1";
    api.create(&json!({
        "apiVersion": rbac, "kind": "Role", "metadata": metadata,
        "rules": [{
            "apiGroups": ["cert-manager.io"],
            "resources": ["certificaterequests/status"],
            "verbs": ["update"],
        }],
    }))
    .unwrap();
    api.create(&json!({
        "apiVersion": rbac, "kind": "RoleBinding", "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "approver" },
        "subjects": [subject],
    }))
    .unwrap();
    if let Some(signer) = signer {
        grant(api, &namespace.name, signer, &subject);
        eventually("the account may approve", || account.may_approve(signer));
    }
    eventually("the account may write a status", || {
        let resource = "certificaterequests/status";
        account.may("update", "cert-manager.io", resource, Some(&namespace.name))
    });
}

/// A ClusterRole and its binding: that subject may approve for that signer.
fn grant(api: &Api, name: &str, signer: &str, subject: &Value) {
    let rbac = "rbac.authorization.k8s.io/v1";
    let metadata = json!({ "name": format!("approve-{name}") });
    api.create(&json!({
        "apiVersion": rbac, "kind": "ClusterRole", "metadata": metadata,
        "rules": [{
            "apiGroups": ["cert-manager.io"],
            "resources": ["signers"],
            "resourceNames": [signer],
            "verbs": ["approve"],
        }],
    }))
    .unwrap();
    api.create(&json!({
        "apiVersion": rbac, "kind": "ClusterRoleBinding", "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": metadata["name"],
        },
        "subjects": [subject],
    }))
    .unwrap();
}

/// A kind `Issuer` of that group. Waits until discovery has it, as admission remembers for half a minute what it did not find.
fn define(cluster: &Cluster, group: &str, scope: Scope) {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("issuers.{group}") },
        "spec": {
            "group": group,
            "names": { "kind": "Issuer", "plural": "issuers", "singular": "issuer" },
            "scope": if scope == Scope::Cluster { "Cluster" } else { "Namespaced" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object" } },
            }],
        },
    });
    cluster.admin.create(&definition).unwrap();
    cluster
        .admin
        .until_condition(&definition, "Established", "True");
    eventually("discovery has the group", || {
        let resources = cluster.admin.get(&format!("/apis/{group}/v1"));
        resources.is_ok_and(|list| list["resources"][0]["name"] == "issuers")
            && cluster.admin.get(&format!("/apis/{group}")).is_ok()
    });
}

fn decide(account: &Api, made: &Value, kind: &str) -> Result<Value, Refused> {
    let mut decided = made.clone();
    decided["status"]["conditions"] = json!([{
        "type": kind, "status": "True", "reason": "Tests", "message": "by the tests",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
    let all = Resource::of(made).path(made["metadata"]["namespace"].as_str());
    account.put(&format!("{all}/r/status"), &decided)
}
