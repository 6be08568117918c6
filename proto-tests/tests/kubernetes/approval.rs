//! Who may approve and deny requests to an issuer that is not in cert-manager's tree: RBAC decides, by the name of the
//! signer. cert-manager's suite has the same cases; they hold for any group, and for the signer names of our kinds.

use std::sync::atomic::{AtomicU32, Ordering};

use proto_tests::kube::watch::condition;
use proto_tests::kube::{Api, Cluster, Namespace, Refused, Resource, cluster};
use proto_tests::kube::{certmanager, kinds};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::admission::request;
use crate::apart::apart;
use crate::ours::certway;

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

/// Whose kinds of issuer.
#[derive(Clone, Copy)]
enum Whose {
    /// A group of the test's own, each time another one.
    Anybodys,
    /// `certway.dev`.
    Ours,
    /// `certmanager.onap.org`, which has no kind for the whole cluster.
    Onaps,
}

macro_rules! cases {
    ($whose:ident $($name:ident: $condition:literal, $scope:ident, $signer:ident => $outcome:ident;)*) => {
        $(
            #[test]
            fn $name() {
                let (scope, signer) = (Scope::$scope, Signer::$signer);
                decides(Whose::$whose, $condition, scope, signer, Outcome::$outcome);
            }
        )*
    };
}

macro_rules! cases_of_a_cluster {
    ($whose:ident) => {
        cases! { $whose
            permission_for_all_cluster_issuers_approves: "Approved", Cluster, Any => Done;
            permission_for_all_cluster_issuers_denies: "Denied", Cluster, Any => Done;
            permission_for_a_cluster_issuer_by_name_approves: "Approved", Cluster, Plain => Done;
            permission_for_a_cluster_issuer_by_name_denies: "Denied", Cluster, Plain => Done;
            permission_with_a_namespace_does_not_approve_for_a_cluster_issuer: "Approved", Cluster, InNamespace => NoPermission;
            permission_with_a_namespace_does_not_deny_for_a_cluster_issuer: "Denied", Cluster, InNamespace => NoPermission;
        }
    };
}

macro_rules! cases_of_a_namespace {
    ($whose:ident) => {
        cases! { $whose
            without_the_permission_nobody_approves: "Approved", Namespaced, None => NoPermission;
            without_the_permission_nobody_denies: "Denied", Namespaced, None => NoPermission;
            nobody_approves_for_a_kind_that_is_not_there: "Approved", Nowhere, Any => NoSuchSigner;
            nobody_denies_for_a_kind_that_is_not_there: "Denied", Nowhere, Any => NoSuchSigner;
            permission_for_an_issuer_by_namespace_and_name_approves: "Approved", Namespaced, InNamespace => Done;
            permission_for_an_issuer_by_namespace_and_name_denies: "Denied", Namespaced, InNamespace => Done;
            permission_without_a_namespace_does_not_approve_for_an_issuer: "Approved", Namespaced, Plain => NoPermission;
            permission_without_a_namespace_does_not_deny_for_an_issuer: "Denied", Namespaced, Plain => NoPermission;
            permission_for_all_issuers_approves: "Approved", Namespaced, Any => Done;
        }
    };
}

mod anybodys {
    use super::*;
    cases_of_a_cluster!(Anybodys);
    cases_of_a_namespace!(Anybodys);
}

mod ours {
    use super::*;
    cases_of_a_cluster!(Ours);
    cases_of_a_namespace!(Ours);
}

mod onaps {
    use super::*;
    cases_of_a_namespace!(Onaps);
}

/// A kind of issuer: what a rule and a request call it.
struct Kind {
    cluster: &'static Cluster,
    group: String,
    plural: &'static str,
    name: &'static str,
}

impl Whose {
    /// Their kind of that scope, in a cluster that has it unless it is to be nowhere; `None` where there may be no cluster.
    fn kind(self, scope: Scope) -> Option<Kind> {
        let cluster = match self {
            Self::Anybodys => cluster()?,
            // The built-in approver, which is to approve for ours, must not be faster than the case.
            Self::Ours | Self::Onaps => apart()?,
        };
        let group = match self {
            Self::Anybodys => new_group(),
            Self::Ours => "certway.dev".to_owned(),
            Self::Onaps => "certmanager.onap.org".to_owned(),
        };
        let (plural, name) = match (self, scope) {
            (_, Scope::Nowhere) => ("nobodies", "Nobody"),
            (Self::Ours, Scope::Cluster) => ("clusterissuers", "ClusterIssuer"),
            (Self::Onaps, _) => ("cmpv2issuers", "CMPv2Issuer"),
            (Self::Anybodys | Self::Ours, _) => ("issuers", "Issuer"),
        };
        if matches!(self, Self::Anybodys) && scope != Scope::Nowhere {
            kinds::define(cluster, &definition(&group, scope));
        }
        Some(Kind {
            cluster,
            group,
            plural,
            name,
        })
    }
}

impl Kind {
    /// What a rule names.
    fn signer(&self, name: &str) -> String {
        format!("{}.{}/{name}", self.plural, self.group)
    }
}

#[track_caller]
fn decides(whose: Whose, kind: &str, scope: Scope, signer: Signer, outcome: Outcome) {
    let Some(theirs) = whose.kind(scope) else {
        return;
    };
    let cluster = theirs.cluster;
    let namespace = cluster.namespace("approval");
    let account = cluster.service_account(&namespace.name, "approver");
    let name = match signer {
        Signer::None => None,
        Signer::Any => Some(theirs.signer("*")),
        Signer::InNamespace => Some(theirs.signer(&format!("{}.i", namespace.name))),
        Signer::Plain => Some(theirs.signer("i")),
    };
    may_approve(&namespace, &account, name.as_deref());
    let issuer = json!({ "name": "i", "kind": theirs.name, "group": theirs.group });
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
fn the_cluster_role_we_ship_has_the_built_in_approver_approve_for_our_kinds() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("shipped");
    certway(&namespace);
    for kind in ["Issuer", "ClusterIssuer"] {
        let issuer = json!({ "name": "none", "kind": kind, "group": "certway.dev" });
        let made = request(&namespace, &kind.to_lowercase(), &issuer);
        let made = cluster.admin.create(&made).unwrap();
        let approved = cluster.admin.until_condition(&made, "Approved", "True");
        let approval = condition(&approved, "Approved");
        assert_eq!(approval["reason"], "cert-manager.io", "{kind}");
    }
}

#[test]
fn the_built_in_approver_waits_until_a_cluster_role_names_the_signer() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("approver");
    let group = new_group();
    kinds::define(cluster, &definition(&group, Scope::Namespaced));
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

/// A kind `Issuer` of that group.
fn definition(group: &str, scope: Scope) -> Value {
    json!({
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
    })
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
