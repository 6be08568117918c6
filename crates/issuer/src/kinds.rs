//! The kinds of issuer that this controller answers for, as Kubernetes objects.

#![allow(
    clippy::duplicated_attributes,
    unreachable_pub,
    reason = "the schema derive repeats each struct inside a function, and each column has its own type"
)]

mod cluster;
mod guarded;
mod issuer;
mod onap;
mod status;

pub use cluster::ClusterIssuer;
pub use guarded::Guarded;
pub use issuer::{
    Auth, ClientCertificate, Issuer, IssuerSpec, Limits, Modifications, Options, Renewal, Retry,
    SecretKey, ServiceAccountToken, Trust, TrustMode, Truststores,
};
pub use onap::{CMPv2Issuer, CMPv2IssuerSpec, SecretReference};
pub use status::{IssuerStatus, READY};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The API group of our own kinds.
pub const GROUP: &str = "certway.dev";

/// The API group of the kind that ONAP's provider has.
pub const ONAP_GROUP: &str = "certmanager.onap.org";

/// The CustomResourceDefinitions of our own kinds. ONAP's is another one, see [`onap_crd`].
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![Issuer::crd(), cluster::crd()]
}

/// ONAP's CustomResourceDefinition, taking every object that is valid under either of the two in the field.
#[must_use]
pub fn onap_crd() -> CustomResourceDefinition {
    CMPv2Issuer::crd()
}
