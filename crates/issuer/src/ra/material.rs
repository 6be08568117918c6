use std::time::Duration;

use api::client::Client;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use pki::{Certificate, PrivateKey};

use crate::settings::{Identity, Roots, Settings};
use api::client::with_causes;

/// Why there is no way to the RA: for the issuer's condition.
#[derive(Debug, thiserror::Error)]
pub enum NoWay {
    /// A Secret or a key in it is missing, or what it holds cannot be used.
    #[error("{0}")]
    Material(String),
    /// The API server did not answer.
    #[error("the API server did not give Secret {secret}: {why}")]
    Kubernetes {
        /// Which Secret.
        secret: String,
        /// What happened.
        why: String,
    },
}

/// What an issuer's settings point to.
pub(super) struct Material {
    /// Certificate with chain, and the private key.
    identity: Option<(Vec<u8>, Vec<u8>)>,
    roots: Option<Vec<u8>>,
}

/// Longer than any network in reach takes to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// More than the RA holds a call, and what a slow network adds.
const TIMEOUT: Duration = Duration::from_secs(45);

impl Material {
    /// Reads the Secrets, each by its name.
    pub(super) async fn read(
        kube: &kube::Client,
        namespace: &str,
        settings: &Settings,
    ) -> Result<Self, NoWay> {
        let secrets = Secrets {
            api: Api::namespaced(kube.clone(), namespace),
            namespace,
        };
        let mut last = None;
        let identity = match &settings.identity {
            Identity::Token => None,
            Identity::ClientCertificate {
                secret,
                certificate,
                key,
            } => {
                let found = secrets.get(secret).await?;
                let parts = (
                    secrets.key(&found, secret, certificate)?,
                    secrets.key(&found, secret, key)?,
                );
                last = Some((secret, found));
                Some(parts)
            }
        };
        let roots = match &settings.roots {
            Roots::System => None,
            Roots::Inline(pem) => Some(pem.as_bytes().to_vec()),
            Roots::Secret { name, key } => {
                let found = match last {
                    Some((secret, found)) if secret == name => found,
                    _ => secrets.get(name).await?,
                };
                Some(secrets.key(&found, name, key)?)
            }
        };
        Ok(Self { identity, roots })
    }

    /// Whether the client certificate is not over: the RA's TLS would say no more than that a handshake failed.
    pub(super) fn in_time(&self, settings: &Settings, now: Timestamp) -> Result<(), NoWay> {
        let (Some((certificate, _)), Identity::ClientCertificate { secret, .. }) =
            (&self.identity, &settings.identity)
        else {
            return Ok(());
        };
        let chain = Certificate::all_from_pem(certificate).unwrap_or_default();
        match chain.first() {
            Some(leaf) if leaf.not_after() < now => Err(NoWay::Material(format!(
                "the client certificate for the RA in Secret {secret} expired at {}: put a new one there",
                leaf.not_after()
            ))),
            // What else is wrong with it is found where a client is made of it.
            _ => Ok(()),
        }
    }

    /// SHA-256 of all that a client is made of.
    pub(super) fn fingerprint(&self, settings: &Settings) -> [u8; 32] {
        let none = Vec::new();
        let (certificate, key) = self
            .identity
            .as_ref()
            .unwrap_or(&(none.clone(), none))
            .clone();
        let key = zeroize::Zeroizing::new(key);
        let mut text = zeroize::Zeroizing::new(Vec::new());
        for part in [
            settings.url.as_str().as_bytes(),
            &certificate,
            &key,
            self.roots.as_deref().unwrap_or_default(),
        ] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        pki::digest::sha256(&text)
    }

    /// A client of all that.
    pub(super) fn client(&self, settings: &Settings) -> Result<Client, NoWay> {
        let bad =
            |what: &str, why: &dyn std::fmt::Display| NoWay::Material(format!("{what}: {why}"));
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("certway-issuer/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT);
        if let Some(pem) = &self.roots {
            let roots = Certificate::all_from_pem(pem).map_err(|e| bad("the RA's roots", &e))?;
            if roots.is_empty() {
                return Err(bad("the RA's roots", &"there is no certificate in them"));
            }
            let roots: Result<Vec<_>, _> = roots
                .iter()
                .map(|root| reqwest::Certificate::from_der(root.der()))
                .collect();
            http = http.tls_certs_only(roots.map_err(|e| bad("the RA's roots", &e))?);
        }
        if let Some((certificate, key)) = &self.identity {
            http = http.identity(identity(certificate, key)?);
        }
        let http = http
            .build()
            .map_err(|e| bad("TLS cannot be set up", &with_causes(&e)))?;
        Ok(Client::new(http, settings.base.clone()).with_timeout(TIMEOUT))
    }
}

fn identity(certificate: &[u8], key: &[u8]) -> Result<reqwest::Identity, NoWay> {
    let bad = |why: String| NoWay::Material(format!("the client certificate for the RA: {why}"));
    let chain = Certificate::all_from_pem(certificate).map_err(|e| bad(e.to_string()))?;
    let leaf = chain
        .first()
        .ok_or_else(|| bad("there is no certificate in it".to_owned()))?;
    let key = PrivateKey::from_pem(key, None).map_err(|e| bad(format!("its key: {e}")))?;
    if key.public_key() != leaf.public_key() {
        return Err(bad("certificate and key do not belong together".to_owned()));
    }
    let mut pem = key.to_pkcs8_pem().map_err(|e| bad(e.to_string()))?;
    pem.push_str(&chain.iter().map(Certificate::to_pem).collect::<String>());
    reqwest::Identity::from_pem(pem.as_bytes()).map_err(|e| bad(with_causes(&e)))
}

struct Secrets<'a> {
    api: Api<Secret>,
    namespace: &'a str,
}

impl Secrets<'_> {
    async fn get(&self, name: &str) -> Result<Secret, NoWay> {
        let full = format!("{}/{name}", self.namespace);
        match self.api.get_opt(name).await {
            Ok(Some(secret)) => Ok(secret),
            Ok(None) => Err(NoWay::Material(format!("there is no Secret {full}"))),
            Err(kube::Error::Api(status)) if status.code == 403 => Err(NoWay::Material(format!(
                "the controller may not read Secret {full}: a Role in that namespace has to allow `get` (chart value `credentialNamespaces`)"
            ))),
            Err(error) => Err(NoWay::Kubernetes {
                secret: full,
                why: with_causes(&error),
            }),
        }
    }

    fn key(&self, secret: &Secret, name: &str, key: &str) -> Result<Vec<u8>, NoWay> {
        let data = secret.data.as_ref().and_then(|data| data.get(key));
        data.filter(|value| !value.0.is_empty())
            .map(|value| value.0.clone())
            .ok_or_else(|| {
                NoWay::Material(format!(
                    "Secret {}/{name} has no key `{key}`, or it is empty",
                    self.namespace
                ))
            })
    }
}
