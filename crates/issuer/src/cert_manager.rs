//! cert-manager's own resources, as far as this controller reads or writes them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A certificate is asked for; written once, by cert-manager's Certificate controller or anybody else.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "CertificateRequest",
    namespaced,
    status = "CertificateRequestStatus",
    schema = "disabled"
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestSpec {
    /// Which issuer is meant.
    pub issuer_ref: IssuerRef,
    /// The CSR: PEM, in base64.
    pub request: String,
    /// The lifetime wished for, in Go's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Whether a CA certificate is asked for.
    #[serde(rename = "isCA", default, skip_serializing_if = "is_false")]
    pub is_ca: bool,
    /// Key usages and extended key usages by cert-manager's names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usages: Option<Vec<String>>,
}

/// A reference to an issuer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IssuerRef {
    /// Its name.
    pub name: String,
    /// Its kind; `Issuer` when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Its API group; `cert-manager.io` when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestStatus {
    /// `Approved`, `Denied`, `InvalidRequest`, `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<CertificateRequestCondition>,
    /// Leaf and intermediates as PEM, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Roots as PEM, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// When it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub failure_time: Option<Time>,
}

/// One condition of a CertificateRequest. It has no observedGeneration: the request never changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestCondition {
    /// Which.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub last_transition_time: Option<Time>,
    /// A word for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What this controller reads of a Certificate: where its Secret is.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "Certificate",
    namespaced,
    schema = "disabled"
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// The Secret with the certificate and its key.
    pub secret_name: String,
    /// Which keystores are made beside it; looked at for a warning alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub keystores: Option<BTreeMap<String, serde_json::Value>>,
}

impl CertificateSpec {
    /// Whether cert-manager makes a PKCS#12 truststore beside the certificate.
    #[must_use]
    pub fn has_pkcs12(&self) -> bool {
        let stores = self.keystores.as_ref();
        stores.is_some_and(|stores| {
            stores
                .get("pkcs12")
                .is_some_and(|store| store["create"] == true)
        })
    }
}

/// Annotations that cert-manager puts on a CertificateRequest.
pub mod annotation {
    /// The Certificate's name.
    pub const CERTIFICATE_NAME: &str = "cert-manager.io/certificate-name";
    /// Which issuance of the Certificate it is, from 1.
    pub const REVISION: &str = "cert-manager.io/certificate-revision";
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde calls"
)]
fn is_false(value: &bool) -> bool {
    !value
}
