use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IssuerStatus;

/// Certificates from a company's CA through a certway-ra.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "certway.dev",
    version = "v1beta1",
    kind = "Issuer",
    namespaced,
    status = "IssuerStatus",
    category = "cert-manager",
    doc = "Certificates from a company's CA through a certway-ra.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "CA", type_ = "string", json_path = ".spec.ca"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.caBundle) && has(self.caSecretRef))").message("set at most one of caBundle and caSecretRef"))]
pub struct IssuerSpec {
    /// Address of the certway-ra: `https://`, host, port, and a path where a gateway has it under one.
    #[x_kube(validation = Rule::new("self.startsWith('https://') && isURL(self) && url(self).getQuery().size() == 0").message("must be an https:// address without a query, such as https://certway-ra.certway.svc:8443"))]
    #[schemars(length(max = 2048))]
    pub url: String,
    /// The label of the CA at the certway-ra: the name in its URLs.
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$')").message("must be a label: letters, digits, '.', '_' and '-', 100 at most"))]
    #[schemars(length(max = 100))]
    pub ca: String,
    /// The profile to ask for; the label's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub profile: Option<String>,
    /// As whom the certway-ra is asked.
    pub auth: Auth,
    /// The certificates (PEM) by one of which the certway-ra's TLS certificate is trusted. The system's when neither this nor `caSecretRef` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 330_000))]
    pub ca_bundle: Option<String>,
    /// The same from a Secret's key, so that it can change there; only one of the two may be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKey>,
    /// What is told of the roots that the certificates lead to.
    #[serde(default)]
    pub trust: Trust,
    /// What to make of a certificate that is not what was asked for: names, validity or usages that the CA changed.
    #[serde(default)]
    pub modifications: Modifications,
    /// Whether a renewal is one for the CA too.
    #[serde(default)]
    pub renewal: Renewal,
    /// What a Certificate's owner may choose by annotations. Nothing when absent.
    #[serde(default)]
    pub options: Options,
    /// How many requests are forwarded.
    #[serde(default)]
    pub limits: Limits,
    /// How long a request is kept alive.
    #[serde(default)]
    pub retry: Retry,
}

/// As whom the certway-ra is asked: exactly one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.clientCertificate) != has(self.serviceAccountToken)").message("set exactly one of clientCertificate and serviceAccountToken"))]
pub struct Auth {
    /// By a TLS client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// By the controller's own projected ServiceAccount token, which it sends to the addresses it was started with and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_token: Option<ServiceAccountToken>,
}

/// A TLS client certificate in a Secret of the issuer's namespace (of the cluster resource namespace for a ClusterIssuer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// The Secret, of the type `kubernetes.io/tls`: `tls.crt` and `tls.key`.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// Nothing to choose yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct ServiceAccountToken {}

/// A key of a Secret in the issuer's namespace (in the cluster resource namespace for a ClusterIssuer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct SecretKey {
    /// The Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it; `ca.crt` where that is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// What is told of the roots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// What is written to `status.ca`, which cert-manager copies to `ca.crt` of the Secret.
    #[serde(default)]
    pub mode: TrustMode,
    /// Whether the ConfigMap `<issuer>-trust` with the current roots is kept, for trust-manager and for whoever mounts it.
    #[serde(default = "yes")]
    pub config_map: bool,
    /// A Secret with the current roots as PEM, JKS and PKCS#12. None when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truststores: Option<Truststores>,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            mode: TrustMode::default(),
            config_map: yes(),
            truststores: None,
        }
    }
}

/// Which roots are written beside a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TrustMode {
    /// Every root, the one of the certificate's own chain first.
    #[default]
    All,
    /// Only the root of the certificate's own chain.
    ChainRootOnly,
    /// None: `ca.crt` is left out.
    None,
}

/// A Secret with truststores, kept by the controller: `ca.crt`, `truststore.jks` and `truststore.p12`, one entry for each root also where several have
/// the same subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Truststores {
    /// The Secret to be written, in the issuer's namespace (in the cluster resource namespace for a ClusterIssuer).
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Where the stores' password is; `changeit` when absent. The key is `password` where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretKey>,
}

/// What to make of a certificate that is not what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Modifications {
    /// The request fails.
    Reject,
    /// It is taken, and an Event says what is different.
    #[default]
    Warn,
    /// It is taken.
    Accept,
}

/// Whether a renewal is one for the CA too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renewal {
    /// Name the certificate that is replaced, so that the CA gets a key update request where it lets the certway-ra act for the holder. The controller needs
    /// `get` on the Certificate and on its Secret for that; the private key is not looked at.
    #[serde(default)]
    pub key_update: bool,
}

/// What a Certificate's owner may choose: each list has the values that may be asked for, `*` stands for any.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct Options {
    /// Values of the annotation `certway.dev/profile`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub profiles: Vec<String>,
    /// Values of the annotation `certway.dev/ca`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub cas: Vec<String>,
}

/// How many requests are forwarded for this issuer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How many a second, for long; repeated attempts count.
    #[serde(default = "per_second")]
    #[schemars(range(min = 1, max = 10_000))]
    pub per_second: u32,
    /// How many at once after a pause.
    #[serde(default = "burst")]
    #[schemars(range(min = 1, max = 100_000))]
    pub burst: u32,
    /// How many may be on their way at a time.
    #[serde(default = "concurrent")]
    #[schemars(range(min = 1, max = 1_000))]
    pub concurrent: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_second: per_second(),
            burst: burst(),
            concurrent: concurrent(),
        }
    }
}

/// How long a request is kept alive before it fails and cert-manager makes another one, an hour later at the earliest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// How long what may pass is tried again (an RA or a CA out of reach), such as `30m`.
    #[serde(default = "within")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("must be a duration such as 30m, at least 1s"))]
    #[schemars(length(max = 20))]
    pub within: String,
    /// How long a CA that makes us wait is asked again, such as `72h`.
    #[serde(default = "wait")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("must be a duration such as 72h, at least 1s"))]
    #[schemars(length(max = 20))]
    pub wait: String,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            within: within(),
            wait: wait(),
        }
    }
}

fn yes() -> bool {
    true
}

fn per_second() -> u32 {
    200
}

fn burst() -> u32 {
    1_000
}

fn concurrent() -> u32 {
    64
}

fn within() -> String {
    "30m".to_owned()
}

fn wait() -> String {
    "72h".to_owned()
}
