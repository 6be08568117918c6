//! A cluster: a control plane with cert-manager in it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::certs::write;
use crate::kube::api::Api;
use crate::kube::certmanager::{self, CertManager, Manifests};
use crate::kube::chart::{Chart, Release, objects_of};
use crate::kube::controlplane::ControlPlane;
use crate::kube::credentials::Authority;
use crate::kube::reaper::Reaper;
use crate::kube::stack::Stack;
use crate::program::{Launch, Program, eventually};

/// What can be different from one cluster to the next.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Leaves cert-manager's admission out: every external request is then approved.
    pub without_webhook: bool,
    /// More arguments for cert-manager's controllers: `--controllers=*,-certificaterequests-approver`.
    pub controllers: Vec<String>,
}

/// A cluster that runs. Its processes end with it, or with the test program, whichever way that ends.
pub struct Cluster {
    /// cert-manager's processes.
    pub cert_manager: CertManager,
    /// Kubernetes' own.
    pub control_plane: ControlPlane,
    /// Someone who may do everything. Only tests are that; nothing that is tested.
    pub admin: Api,
    /// Its CA.
    pub authority: Authority,
    stack: &'static Stack,
    reaper: Reaper,
    folder: PathBuf,
}

/// The cluster that the tests of this binary share, started by the first who asks; `None` where there may be none, which
/// the test has then said.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let stack = Stack::here()?;
    Some(CLUSTER.get_or_init(|| Cluster::start(stack, &Settings::default())))
}

impl Cluster {
    /// Starts one with fresh data, and waits until all of it works.
    pub fn start(stack: &'static Stack, settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let reaper = Reaper::of(&folder);
        let authority = Authority::default();
        let mut control_plane = ControlPlane::spawn(stack, &folder, &authority, &reaper);
        let user = authority.user("admin", &["system:masters"]);
        let address = control_plane.port().address();
        let admin = Api::by_certificate(address, authority.certificate(), Some(&user));
        write(
            &folder,
            "admin.kubeconfig",
            authority.kubeconfig(&control_plane.url(), &user),
        );
        let manifests = Manifests::read(stack);
        control_plane.ready(&admin);
        manifests.install(&admin);
        let start = certmanager::Start {
            stack,
            folder: &folder,
            authority: &authority,
            server: &control_plane.url(),
            arguments: &settings.controllers,
        };
        let (webhook, url) = start.webhook(&reaper);
        let cert_manager = start.controllers(webhook, &reaper);
        if !settings.without_webhook {
            manifests.call_webhook(&admin, &url, &authority);
        }
        Self {
            cert_manager,
            control_plane,
            admin,
            authority,
            stack,
            reaper,
            folder,
        }
    }

    /// Its files; they go when it goes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Has the cluster's end be that of `program` too.
    pub fn answers_for(&self, program: &Program) {
        self.reaper.answers_for(program);
    }

    /// The API server as the holder of a token of a ServiceAccount, which is created where it is not there.
    pub fn service_account(&self, namespace: &str, name: &str) -> Api {
        let token = self.token(namespace, name);
        let address = self.control_plane.port().address();
        Api::by_token(address, self.authority.certificate(), &token)
    }

    /// A kubeconfig file of that ServiceAccount, by token.
    pub fn kubeconfig_of(&self, namespace: &str, name: &str) -> String {
        let token = self.token(namespace, name);
        let url = self.control_plane.url();
        let config = self.authority.kubeconfig_of_token(&url, &token);
        write(
            &self.folder,
            &format!("{namespace}-{name}.kubeconfig"),
            config,
        )
    }

    fn token(&self, namespace: &str, name: &str) -> String {
        let account = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": { "namespace": namespace, "name": name },
        });
        self.admin.apply(&account).unwrap();
        self.admin.token(namespace, name, None)
    }

    /// The objects of some YAML documents.
    pub fn objects_of(&self, yaml: &str) -> Vec<Value> {
        objects_of(self.stack, yaml)
    }

    /// One of our charts.
    pub fn chart(&self, name: &str) -> Chart {
        Chart::named(self.stack, name)
    }

    /// The programs it is made of, and those beside them.
    pub(super) fn stack(&self) -> &'static Stack {
        self.stack
    }

    /// Applies all that a release renders, as Helm would install it.
    pub fn install(&self, release: &Release) {
        for object in release.objects() {
            self.admin.apply(&object).unwrap();
        }
    }

    /// `kubectl` as the administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Launch {
        self.client("kubectl").args(arguments.iter().copied())
    }

    /// `helm` as the administrator.
    pub fn helm(&self, arguments: &[&str]) -> Launch {
        self.client("helm").args(arguments.iter().copied())
    }

    fn client(&self, name: &str) -> Launch {
        Launch::of(self.stack.path(name), &self.folder)
            .env("HOME", &self.folder)
            .env("KUBECONFIG", self.folder.join("admin.kubeconfig"))
    }

    /// Kills the API server, and does not start it again.
    pub fn kill_apiserver(&mut self) {
        self.control_plane.apiserver.kill();
    }

    /// Starts the API server again, and waits until it is ready.
    pub fn restart_apiserver(&mut self) {
        let program = &mut self.control_plane.apiserver;
        program.restart(0);
        self.reaper.answers_for(program);
        self.control_plane.ready(&self.admin);
    }

    /// Has the API server sign ServiceAccount tokens with another key, and waits until it is ready again.
    pub fn rotate_account_key(&mut self) {
        self.control_plane.rotate_account_key(&self.folder);
        self.reaper.answers_for(&self.control_plane.apiserver);
        self.control_plane.ready(&self.admin);
    }

    /// Kills etcd, and does not start it again.
    pub fn kill_etcd(&mut self) {
        self.control_plane.etcd.kill();
    }

    /// Starts etcd again on its data, and waits until the API server sees it.
    pub fn restart_etcd(&mut self) {
        let program = &mut self.control_plane.etcd;
        program.restart(0);
        self.reaper.answers_for(program);
        self.control_plane.etcd_ready();
        self.control_plane.ready(&self.admin);
    }

    /// Kills cert-manager's controllers.
    pub fn kill_controllers(&mut self) {
        self.cert_manager.controllers.kill();
    }

    /// Starts cert-manager's controllers again, and waits until they have seen the cluster.
    pub fn restart_controllers(&mut self) {
        let program = &mut self.cert_manager.controllers;
        program.restart(1);
        self.reaper.answers_for(program);
    }

    /// Kills the admission webhook: every write to cert-manager's kinds then fails, that of a status too.
    pub fn kill_webhook(&mut self) {
        self.cert_manager.webhook.kill();
    }

    /// Starts the admission webhook again, and waits until it is called.
    pub fn restart_webhook(&mut self) {
        let program = &mut self.cert_manager.webhook;
        program.restart(1);
        self.reaper.answers_for(program);
        let issuer = json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "ClusterIssuer",
            "metadata": { "name": "anything" },
            "spec": { "selfSigned": {} },
        });
        let path = "/apis/cert-manager.io/v1/clusterissuers?dryRun=All";
        eventually("admission answers", || {
            self.admin.post(path, &issuer).is_ok()
        });
    }
}
