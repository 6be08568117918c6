//! etcd, kube-apiserver and kube-controller-manager.

use std::path::Path;

use pki::pem;

use crate::certs::{Keys, pkcs8_pem, write};
use crate::https::HttpsClient;
use crate::kube::api::Api;
use crate::kube::credentials::Authority;
use crate::kube::reaper::Reaper;
use crate::kube::stack::Stack;
use crate::port::Port;
use crate::program::{Launch, Program, eventually};

/// The controllers that these tests need: what ends namespaces, collects what an owner leaves behind, and knows
/// ServiceAccounts.
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,serviceaccount-controller,\
    serviceaccount-token-controller,clusterrole-aggregation-controller,\
    certificatesigningrequest-cleaner-controller,root-ca-certificate-publisher-controller";

/// The processes, the one that leans on the others first: it is also the first to end, as the API server waits long for
/// an etcd that is gone.
pub struct ControlPlane {
    /// kube-controller-manager.
    pub controller_manager: Program,
    /// kube-apiserver.
    pub apiserver: Program,
    /// etcd.
    pub etcd: Program,
    ports: Ports,
    /// How many keys have signed ServiceAccount tokens.
    account_keys: u32,
}

/// Where everything listens.
struct Ports {
    etcd: Port,
    etcd_peer: Port,
    apiserver: Port,
    controller_manager: Port,
}

impl ControlPlane {
    /// Starts all of it, and waits for nothing.
    pub fn spawn(stack: &Stack, folder: &Path, authority: &Authority, reaper: &Reaper) -> Self {
        let ports = Ports {
            etcd: Port::free(),
            etcd_peer: Port::free(),
            apiserver: Port::free(),
            controller_manager: Port::free(),
        };
        let (account_key, account_public) = account_keys(folder, 1);
        let ca = write(folder, "ca.crt", authority.certificate().to_pem());
        let etcd = etcd(stack, folder, &ports).spawn();
        let apiserver = apiserver(stack, folder, &ports, authority)
            .args(["--client-ca-file", &ca])
            .args(["--service-account-key-file", &account_public])
            .args(["--service-account-signing-key-file", &account_key])
            .spawn();
        let controller_manager = controller_manager(stack, folder, &ports, authority)
            .args(["--root-ca-file", &ca])
            .args(["--service-account-private-key-file", &account_key])
            .spawn();
        for program in [&etcd, &apiserver, &controller_manager] {
            reaper.answers_for(program);
        }
        Self {
            controller_manager,
            apiserver,
            etcd,
            ports,
            account_keys: 1,
        }
    }

    /// The API server's port.
    pub fn port(&self) -> &Port {
        &self.ports.apiserver
    }

    /// The API server's address as clients write it.
    pub fn url(&self) -> String {
        url(&self.ports)
    }

    /// Waits until the API server says that it is ready.
    ///
    /// # Panics
    /// When it ends, or patience does, before it is.
    pub fn ready(&mut self, admin: &Api) {
        eventually("the API server is ready", || {
            assert!(self.apiserver.runs(), "{}", self.apiserver.output().text());
            let answer = admin.send("GET", "/readyz", "", b"");
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Kills the API server and starts it again with another key that signs ServiceAccount tokens; those of the keys before still count.
    pub fn rotate_account_key(&mut self, folder: &Path) {
        self.apiserver.kill();
        self.account_keys += 1;
        let (key, public) = account_keys(folder, self.account_keys);
        self.apiserver.restart_with(0, |launch| {
            launch
                .args(["--service-account-key-file", &public])
                .args(["--service-account-signing-key-file", &key])
        });
    }

    /// Waits until etcd answers.
    ///
    /// # Panics
    /// When patience ends first.
    pub fn etcd_ready(&self) {
        let etcd = HttpsClient::plain(self.ports.etcd.address());
        eventually("etcd is ready", || {
            let answer = etcd.try_request("GET", "/readyz", &[], b"");
            answer.is_ok_and(|answer| answer.status == 200)
        });
    }
}

fn url(ports: &Ports) -> String {
    format!("https://127.0.0.1:{}", ports.apiserver.number())
}

fn etcd(stack: &Stack, folder: &Path, ports: &Ports) -> Launch {
    let client = format!("http://{}", ports.etcd.address());
    let peer = format!("http://{}", ports.etcd_peer.address());
    let own = folder.join("etcd");
    std::fs::create_dir_all(&own).unwrap();
    Launch::of(stack.path("etcd"), &own)
        .args(["--name", "one", "--data-dir", "data"])
        .args(["--listen-client-urls", &client])
        .args(["--advertise-client-urls", &client])
        .args(["--listen-peer-urls", &peer])
        .args(["--initial-advertise-peer-urls", &peer])
        .args(["--initial-cluster", &format!("one={peer}")])
        // Nobody misses this data after a power failure.
        .args(["--unsafe-no-fsync", "--log-level", "warn"])
}

fn apiserver(stack: &Stack, folder: &Path, ports: &Ports, authority: &Authority) -> Launch {
    let (certificate, key) =
        Authority::files(folder, "apiserver", &authority.server("kube-apiserver"));
    let own = folder.join("apiserver");
    std::fs::create_dir_all(&own).unwrap();
    Launch::of(stack.path("kube-apiserver"), &own)
        // It leaves something there.
        .env("TMPDIR", &own)
        .arg(format!("--etcd-servers=http://{}", ports.etcd.address()))
        .arg(format!("--secure-port={}", ports.apiserver.number()))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args(["--cert-dir", "certs"])
        .args(["--tls-cert-file", &certificate])
        .args(["--tls-private-key-file", &key])
        .arg(format!("--service-account-issuer={}", url(ports)))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        .args(["--authorization-mode=RBAC", "--allow-privileged=true"])
        .arg("--endpoint-reconciler-type=none")
}

fn controller_manager(
    stack: &Stack,
    folder: &Path,
    ports: &Ports,
    authority: &Authority,
) -> Launch {
    let user = authority.user("system:kube-controller-manager", &[]);
    let config = authority.kubeconfig(&url(ports), &user);
    let config = write(folder, "controller-manager.kubeconfig", config);
    let own = folder.join("controller-manager");
    std::fs::create_dir_all(&own).unwrap();
    Launch::of(stack.path("kube-controller-manager"), &own)
        .args(["--kubeconfig", &config])
        .args(["--use-service-account-credentials=true"])
        .args(["--leader-elect=false", "--bind-address=127.0.0.1"])
        .args(["--cert-dir", "certs"])
        .arg(format!(
            "--secure-port={}",
            ports.controller_manager.number()
        ))
        .arg(format!("--controllers={CONTROLLERS}"))
}

/// The key that ServiceAccount tokens are signed with, and its public half.
fn account_keys(folder: &Path, number: u32) -> (String, String) {
    let key = Keys::ec();
    let public = pem::encode("PUBLIC KEY", key.public_key().spki_der());
    (
        write(folder, &format!("accounts-{number}.key"), pkcs8_pem(&key)),
        write(folder, &format!("accounts-{number}.pub"), public),
    )
}
