//! A certway-ra of a test's own beside a cluster, and Issuers that lead to it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::kube::cluster::Cluster;
use crate::kube::namespace::Namespace;
use crate::kube::resource::Resource;
use crate::service::{Service, Setup};

/// A certway-ra that is configured as a test wants it.
pub struct OwnRa {
    /// It.
    pub service: Service,
}

/// A CA of its own under the label `RA`.
const OWN_CA: &str = r#"
[authorities.RA.local]
folder = "ca"
[profiles.RA]
authority = "RA"
[labels.RA]
profile = "RA"
"#;

impl OwnRa {
    /// Starts one with a CA of its own.
    pub fn over_its_own_ca(cluster: &Cluster) -> Self {
        Self::start(cluster, OWN_CA, |_| ())
    }

    /// Starts one with this configuration beside its listener; `prepare` writes the files that it names.
    pub fn start(cluster: &Cluster, config: &str, prepare: impl FnOnce(&Setup)) -> Self {
        let setup = Setup::within(cluster.folder());
        prepare(&setup);
        let launch = setup.launch_from_file(config);
        let service = setup.start_as(launch);
        cluster.answers_for(&service.program);
        Self { service }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.service.setup.port.number())
    }

    /// Creates a Secret with a client certificate that it takes, and the root of its own.
    pub fn client_secret(&self, namespace: &Namespace<'_>, name: &str) {
        let client = &self.service.setup.pki.client;
        let encode = |text: String| BASE64_STANDARD.encode(text);
        let secret = json!({
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": encode(client.chain_pem()),
                "tls.key": encode(client.key_pem()),
                "ca.crt": encode(self.service.trust().to_pem()),
            },
        });
        let secret = namespace.object(&Resource::core("Secret"), name, &secret);
        namespace.api().create(&secret).unwrap();
    }

    /// Creates an Issuer of the label `RA` with more in its `spec`, by a Secret of its own, and waits until it is ready.
    pub fn issuer(&self, namespace: &Namespace<'_>, name: &str, more: &Value) -> Value {
        let secret = format!("{name}-client");
        self.client_secret(namespace, &secret);
        let mut spec = json!({
            "url": self.url(),
            "ca": "RA",
            "auth": { "clientCertificate": { "secretName": secret } },
            "caSecretRef": { "name": secret },
        });
        let more = more.as_object().unwrap().clone();
        spec.as_object_mut().unwrap().extend(more);
        let kind = Resource::new("certway.dev/v1beta1", "Issuer");
        let issuer = namespace.object(&kind, name, &json!({ "spec": spec }));
        namespace.api().create(&issuer).unwrap();
        namespace.api().until_condition(&issuer, "Ready", "True")
    }
}
