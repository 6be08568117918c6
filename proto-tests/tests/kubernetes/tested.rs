//! Which issuer a case is about.

use pki::Certificate;
use proto_tests::kube::{Cluster, Namespace, cluster};
use serde_json::Value;

use crate::feature::Feature;

/// An issuer that the tables are run with.
pub struct Tested {
    /// What it cannot do; cases that need one of these are left out.
    pub unsupported: &'static [Feature],
    /// Makes one in a namespace, and waits until it is ready.
    pub provide: fn(&Namespace<'_>) -> Provided,
}

/// An issuer in a namespace.
pub struct Provided {
    /// For `spec.issuerRef`.
    pub reference: Value,
    /// For the `spec.signerName` of a Kubernetes CertificateSigningRequest.
    pub signer_name: String,
    /// What its certificates end in.
    pub root: Certificate,
}

impl Tested {
    /// Whether it can do that.
    pub fn supports(&self, feature: Feature) -> bool {
        !self.unsupported.contains(&feature)
    }

    /// A namespace with such an issuer, for a case that needs these features; `None` when there is nothing to test.
    pub fn site(&self, case: &str, features: &[Feature]) -> Option<(Namespace<'static>, Provided)> {
        if !features.iter().all(|feature| self.supports(*feature)) {
            return None;
        }
        let cluster: &'static Cluster = cluster()?;
        let namespace = cluster.namespace(case);
        let provided = (self.provide)(&namespace);
        Some((namespace, provided))
    }
}
