//! cert-manager in a cluster: what its chart installs, its controllers and its admission webhook.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::certs::write;
use crate::kube::api::Api;
use crate::kube::credentials::Authority;
use crate::kube::reaper::Reaper;
use crate::kube::resource::Resource;
use crate::kube::stack::Stack;
use crate::kube::watch::condition;
use crate::port::Port;
use crate::program::{Launch, Program, eventually};

/// The namespace it lives in; a cluster issuer's Secrets are there too.
pub const NAMESPACE: &str = "cert-manager";
/// Its controllers' ServiceAccount: who approves.
pub const ACCOUNT: &str = "cert-manager";

/// Kinds of a chart that mean something without pods.
pub(super) const INSTALLED: [&str; 6] = [
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "CustomResourceDefinition",
];

/// Its processes.
pub struct CertManager {
    /// The controllers: Certificates, approval, the issuers in its tree.
    pub controllers: Program,
    /// Admission: approval by RBAC, immutability, requests against what they claim, user names.
    pub webhook: Program,
    metrics: Port,
}

/// What its chart makes, from the stack's manifests.
pub struct Manifests(Vec<Value>);

impl Manifests {
    /// Reads them.
    pub fn read(stack: &Stack) -> Self {
        let text = std::fs::read(stack.path("cert-manager-manifests")).unwrap();
        Self(serde_json::from_slice(&text).unwrap())
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// Applies CRDs, ServiceAccounts and roles, and waits until the API server has the new kinds.
    pub fn install(&self, admin: &Api) {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
        admin.apply(&namespace).unwrap();
        // The CRDs are large, and the API server takes them one beside the other.
        std::thread::scope(|scope| {
            for object in self.0.iter().filter(|o| is_installed(o)) {
                scope.spawn(move || admin.apply(object).unwrap());
            }
        });
        for definition in self.of_kind("CustomResourceDefinition") {
            admin.until_condition(definition, "Established", "True");
        }
    }

    /// Has the API server call the webhook, and waits until it does.
    pub fn call_webhook(&self, admin: &Api, url: &str, authority: &Authority) {
        let bundle = BASE64_STANDARD.encode(authority.certificate().to_pem());
        for (kind, path) in [
            ("ValidatingWebhookConfiguration", "validate"),
            ("MutatingWebhookConfiguration", "mutate"),
        ] {
            for object in self.of_kind(kind) {
                let mut object = object.clone();
                for webhook in object["webhooks"].as_array_mut().unwrap() {
                    webhook["clientConfig"] =
                        json!({ "url": format!("{url}/{path}"), "caBundle": bundle });
                }
                admin.apply(&object).unwrap();
            }
        }
        let issuer = json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": { "name": "nothing" },
            "spec": {},
        });
        let path = Resource::of(&issuer).path(None) + "?dryRun=All";
        eventually("admission is asked", || {
            let answer = admin.post(&path, &issuer);
            answer.is_err_and(|refused| refused.message.contains("webhook.cert-manager.io"))
        });
    }
}

fn is_installed(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    let namespace = object["metadata"]["namespace"].as_str();
    // Leader election, in kube-system, is for pods that have siblings.
    INSTALLED.contains(&kind) && namespace.is_none_or(|namespace| namespace == NAMESPACE)
}

/// How the processes are started.
pub struct Start<'a> {
    /// The programs.
    pub stack: &'a Stack,
    /// Where their files are.
    pub folder: &'a Path,
    /// Who makes their certificates.
    pub authority: &'a Authority,
    /// The API server.
    pub server: &'a str,
    /// More arguments for the controllers.
    pub arguments: &'a [String],
}

impl Start<'_> {
    /// The webhook, which must listen before the API server is told of it. Gives its address too.
    pub fn webhook(&self, reaper: &Reaper) -> (Program, String) {
        let port = Port::free();
        let server = self.authority.server("cert-manager-webhook");
        let (certificate, key) = Authority::files(self.folder, "webhook", &server);
        let program = self
            .launch("webhook", "cert-manager-webhook")
            .args(["--listen", &port.address().to_string()])
            .args(["--tls-cert-file", &certificate])
            .args(["--tls-private-key-file", &key])
            .start(1);
        reaper.answers_for(&program);
        (program, format!("https://127.0.0.1:{}", port.number()))
    }

    /// The controllers, once they have seen the cluster; the kinds must be there.
    pub fn controllers(&self, webhook: Program, reaper: &Reaper) -> CertManager {
        let metrics = Port::free();
        let controllers = self
            .launch("controllers", ACCOUNT)
            .args(["--cluster-resource-namespace", NAMESPACE])
            .args(["--metrics-listen-address", &metrics.address().to_string()])
            .args(self.arguments)
            .start(1);
        reaper.answers_for(&controllers);
        CertManager {
            controllers,
            webhook,
            metrics,
        }
    }

    /// As the ServiceAccount that the chart gives rights to: an administrator's rights would let every approval pass.
    fn launch(&self, part: &str, account: &str) -> Launch {
        let user = self.authority.service_account(NAMESPACE, account);
        let config = self.authority.kubeconfig(self.server, &user);
        let config = write(self.folder, &format!("{part}.kubeconfig"), config);
        let own = self.folder.join(part);
        std::fs::create_dir_all(&own).unwrap();
        Launch::of(self.stack.path("cert-manager"), &own)
            .arg(part)
            .args(["--kubeconfig", &config])
    }
}

impl CertManager {
    /// How often a controller has tried something and failed: `certificaterequests-approver`.
    pub fn sync_errors(&self, controller: &str) -> f64 {
        let name =
            format!("certmanager_controller_sync_error_count{{controller=\"{controller}\"}}");
        let client = crate::HttpsClient::plain(self.metrics.address());
        let text = client.get("/metrics", &[]).text();
        let line = text.lines().find(|line| line.starts_with(&name));
        line.map_or(0.0, |line| {
            line.rsplit(' ').next().unwrap().parse().unwrap()
        })
    }
}

/// Whether an object's `Ready` condition says so for its present generation.
pub fn is_ready(object: &Value) -> bool {
    let ready = condition(object, "Ready");
    ready["status"] == "True"
        && ready["observedGeneration"]
            .as_i64()
            .is_none_or(|seen| Some(seen) == object["metadata"]["generation"].as_i64())
}
