//! Who is who in a cluster: client certificates, kubeconfigs.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::Certificate;
use serde_json::{Value, json};

use crate::certs::{Identity, Issuer, write};

/// The CA of a cluster: its servers and its clients.
pub struct Authority(Issuer);

impl Default for Authority {
    fn default() -> Self {
        Self(Issuer::root("O=Certway Tests,CN=Cluster CA"))
    }
}

impl Authority {
    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// A server on this machine.
    pub fn server(&self, name: &str) -> Identity {
        let subject = format!("CN={name}");
        self.0
            .identity(&subject, &["dns:localhost", "ip:127.0.0.1"])
    }

    /// A user in groups.
    pub fn user(&self, name: &str, groups: &[&str]) -> Identity {
        let groups: String = groups.iter().map(|group| format!("O={group},")).collect();
        self.0.identity(&format!("{groups}CN={name}"), &[])
    }

    /// To RBAC and to admission, that ServiceAccount.
    pub fn service_account(&self, namespace: &str, name: &str) -> Identity {
        self.user(
            &format!("system:serviceaccount:{namespace}:{name}"),
            &[
                "system:serviceaccounts",
                &format!("system:serviceaccounts:{namespace}"),
            ],
        )
    }

    /// Writes its certificate, a certificate's chain and its key as files `NAME.crt` and `NAME.key`; gives their paths.
    pub fn files(folder: &Path, name: &str, identity: &Identity) -> (String, String) {
        (
            write(folder, &format!("{name}.crt"), identity.chain_pem()),
            write(folder, &format!("{name}.key"), identity.key_pem()),
        )
    }

    /// A kubeconfig for the holder of a client certificate.
    pub fn kubeconfig(&self, server: &str, identity: &Identity) -> String {
        let user = json!({
            "client-certificate-data": BASE64_STANDARD.encode(identity.chain_pem()),
            "client-key-data": BASE64_STANDARD.encode(identity.key_pem()),
        });
        kubeconfig(server, self.certificate(), &user)
    }

    /// A kubeconfig for the bearer of a token.
    pub fn kubeconfig_of_token(&self, server: &str, token: &str) -> String {
        kubeconfig(server, self.certificate(), &json!({ "token": token }))
    }
}

/// A kubeconfig with one cluster and one user. JSON is YAML too.
pub fn kubeconfig(server: &str, root: &Certificate, user: &Value) -> String {
    let ca = BASE64_STANDARD.encode(root.to_pem());
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "c",
            "cluster": { "server": server, "certificate-authority-data": ca },
        }],
        "users": [{ "name": "u", "user": user }],
        "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
        "current-context": "x",
    })
    .to_string()
}
