//! A cluster of a test's own, with the whole way to a CMP CA in it.

use serde_json::{Value, json};

use crate::ca::EmbeddedCa;
use crate::kube::certway::Certway;
use crate::kube::cluster::{Cluster, Settings};
use crate::kube::namespace::Namespace;
use crate::kube::stack::Stack;

/// It; its parts may be killed.
pub struct Site {
    /// The issuer and the RA.
    pub certway: Certway,
    /// The CA behind them.
    pub ca: EmbeddedCa,
    /// Where they are.
    pub cluster: Cluster,
    namespace: String,
}

impl Site {
    /// Starts all of it, with an Issuer in a namespace.
    pub fn start(stack: &'static Stack, name: &str) -> Self {
        let cluster = Cluster::start(stack, &Settings::default());
        let ca = EmbeddedCa::start();
        let certway = Certway::before(&cluster, &ca);
        let namespace = cluster.namespace(name).name;
        certway.issuer_in(&cluster.existing_namespace(&namespace));
        Self {
            certway,
            ca,
            cluster,
            namespace,
        }
    }

    /// The namespace with the Issuer.
    pub fn namespace(&self) -> Namespace<'_> {
        self.cluster.existing_namespace(&self.namespace)
    }

    /// What names the Issuer in a request.
    pub fn reference() -> Value {
        json!({ "name": "certway", "kind": "Issuer", "group": "certway.dev" })
    }
}
