//! A fresh cluster with one issuer in it.

use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::EmbeddedCa;
use crate::bench::cells::LEAN_UPSTREAM;
use crate::kube::{Certway, Cluster, Namespace, Settings, Stack};
use crate::program::{Program, eventually};

/// Whose work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// cert-manager's CA issuer, in its controllers' process.
    InTree,
    /// certway-issuer, an RA and a CMP CA.
    Certway,
}

impl Who {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InTree => "in-tree CA",
            Self::Certway => "certway",
        }
    }
}

pub(super) struct Site {
    /// Ours, where it is measured.
    pub(super) ours: Option<Ours>,
    pub(super) cluster: Cluster,
    namespace: String,
}

pub(super) struct Ours {
    pub(super) certway: Certway,
    pub(super) ca: EmbeddedCa,
}

impl Site {
    pub(super) fn start(stack: &'static Stack, who: Who) -> Self {
        let cluster = Cluster::start(stack, &Settings::default());
        let namespace = cluster.namespace("bench").name;
        let ours = {
            let namespace = cluster.existing_namespace(&namespace);
            match who {
                Who::InTree => {
                    in_tree(&namespace);
                    None
                }
                Who::Certway => Some(Ours::start(&cluster, &namespace)),
            }
        };
        Self {
            ours,
            cluster,
            namespace,
        }
    }

    pub(super) fn namespace(&self) -> Namespace<'_> {
        self.cluster.existing_namespace(&self.namespace)
    }

    pub(super) fn issuer(&self) -> Value {
        match self.ours {
            Some(_) => json!({ "name": "certway", "kind": "Issuer", "group": "certway.dev" }),
            None => json!({ "name": "ca", "kind": "Issuer", "group": "cert-manager.io" }),
        }
    }

    pub(super) fn stop_issuer(&mut self) {
        match &mut self.ours {
            Some(ours) => ours.certway.issuer.program.kill(),
            None => self.cluster.kill_controllers(),
        }
    }

    pub(super) fn start_issuer(&mut self) {
        match &mut self.ours {
            Some(ours) => ours.certway.issuer.restart(&self.cluster),
            None => self.cluster.restart_controllers(),
        }
    }

    /// Every process by the name it has in the table.
    pub(super) fn processes(&self) -> Vec<(&'static str, u32)> {
        let ours = self.ours.iter().flat_map(|ours| {
            [
                ("issuer", ours.certway.issuer.program.id()),
                ("RA", ours.certway.ra.program.id()),
                ("CA", ours.ca.program.id()),
            ]
        });
        let cluster = &self.cluster;
        let theirs = [
            ("controllers", cluster.cert_manager.controllers.id()),
            ("webhook", cluster.cert_manager.webhook.id()),
            ("apiserver", cluster.control_plane.apiserver.id()),
            ("etcd", cluster.control_plane.etcd.id()),
        ];
        ours.chain(theirs).collect()
    }
}

impl Ours {
    fn start(cluster: &Cluster, namespace: &Namespace<'_>) -> Self {
        let mut ca = EmbeddedCa::forgetful();
        let address = ca.cmp();
        unread(&mut ca.program, "warn", address);
        let mut certway = Certway::before_as(cluster, &ca, LEAN_UPSTREAM);
        let ra = certway.ra.setup.port.address();
        unread(&mut certway.ra.program, "info", ra);
        cluster.answers_for(&certway.ra.program);
        certway.issuer_in(namespace);
        Self { certway, ca }
    }
}

/// Tests have it log everything, and read each line as it comes. Here it logs what it does by itself, to a file that nobody reads.
fn unread(program: &mut Program, filter: &str, address: SocketAddr) {
    program.kill();
    program.restart_with(0, |launch| {
        launch
            .env("CERTWAY_RA_LOG__FILTER", filter)
            .under("/bin/sh", &["-c", "exec \"$@\" >>unread.log 2>&1", "sh"])
    });
    eventually("it listens", || TcpStream::connect(address).is_ok());
}

fn in_tree(namespace: &Namespace<'_>) {
    let api = namespace.api();
    let selfsigned = namespace.create("Issuer", "selfsigned", &json!({ "selfSigned": {} }));
    api.until_condition(&selfsigned, "Ready", "True");
    signer(namespace, "root", "Root of this measure", "selfsigned");
    // As behind certway-ra: what a chain has more is written and read by all.
    signer(namespace, "ca", "Issuing CA of this measure", "root");
}

/// A CA whose certificate another Issuer signs, as an Issuer of the same name.
fn signer(namespace: &Namespace<'_>, name: &str, common_name: &str, signed_by: &str) {
    let api = namespace.api();
    let certificate = json!({
        "isCA": true,
        "commonName": common_name,
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": signed_by },
    });
    let certificate = namespace.create("Certificate", name, &certificate);
    api.until_condition(&certificate, "Ready", "True");
    let issuer = namespace.create("Issuer", name, &json!({ "ca": { "secretName": name } }));
    api.until_condition(&issuer, "Ready", "True");
}
