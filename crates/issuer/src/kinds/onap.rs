use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::IssuerStatus;

/// ONAP's issuer. Its certificates come from the certway-ra that answers at `url` in CertService's place, over REST v2; the private keys of workloads, which
/// ONAP's provider sends along, are not read.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "certmanager.onap.org",
    version = "v1",
    kind = "CMPv2Issuer",
    plural = "cmpv2issuers",
    singular = "cmpv2issuer",
    namespaced,
    status = "IssuerStatus",
    doc = "ONAP's issuer, answered by a certway-ra.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CMPv2IssuerSpec {
    /// Address of the service; a path in it is not looked at.
    pub url: String,
    /// Path of the health check.
    pub health_endpoint: String,
    /// Path of REST v1's certificate call. Kept for whoever reads the object; requests go over REST v2.
    pub cert_endpoint: String,
    /// Path of REST v1's update call. Where it is set, renewals name the certificate that they replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_endpoint: Option<String>,
    /// The CA's name: the label at the certway-ra.
    pub ca_name: String,
    /// The TLS client certificate and the roots of the service.
    pub cert_secret_ref: SecretReference,
}

/// A Secret of the issuer's namespace and the keys in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// The Secret.
    pub name: String,
    /// The key of the client's private key.
    pub key_ref: String,
    /// The key of the client's certificate.
    pub cert_ref: String,
    /// The key of the service's roots.
    pub cacert_ref: String,
}
