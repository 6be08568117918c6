//! The way to the RA for each issuer: its Secrets are read by name, and the client made of them is kept while they stay the same.

mod material;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::client::Client;
use jiff::Timestamp;

pub use material::NoWay;
pub use token::Token;

use crate::identity::IssuerId;
use crate::settings::{Identity, Settings};
use material::Material;

/// Makes and keeps the clients.
pub struct Ra {
    kube: kube::Client,
    /// Where the Secrets of ClusterIssuers are.
    cluster_namespace: String,
    token: Option<Token>,
    kept: Mutex<HashMap<IssuerId, Arc<Kept>>>,
}

struct Kept {
    /// Of settings and Secrets.
    fingerprint: [u8; 32],
    client: Client,
}

impl Ra {
    /// Without a client yet.
    #[must_use]
    pub fn new(kube: kube::Client, cluster_namespace: String, token: Option<Token>) -> Self {
        Self {
            kube,
            cluster_namespace,
            token,
            kept: Mutex::default(),
        }
    }

    /// Where an issuer's Secrets and ConfigMap are.
    #[must_use]
    pub fn namespace_of<'a>(&'a self, issuer: &'a IssuerId) -> &'a str {
        issuer
            .namespace
            .as_deref()
            .unwrap_or(&self.cluster_namespace)
    }

    /// Reads the issuer's Secrets anew and makes another client if they, or its settings, changed: for the issuer's own check, which comes round regularly.
    ///
    /// # Errors
    /// [`NoWay`].
    pub async fn refreshed(&self, issuer: &IssuerId, settings: &Settings) -> Result<Client, NoWay> {
        let namespace = self.namespace_of(issuer);
        let material = Material::read(&self.kube, namespace, settings).await?;
        material.in_time(settings, Timestamp::now())?;
        let fingerprint = material.fingerprint(settings);
        let kept = self.lock().get(issuer).cloned();
        let client = match kept.filter(|kept| kept.fingerprint == fingerprint) {
            Some(kept) => kept.client.clone(),
            None => {
                let client = material.client(settings)?;
                let kept = Kept {
                    fingerprint,
                    client: client.clone(),
                };
                self.lock().insert(issuer.clone(), Arc::new(kept));
                client
            }
        };
        self.as_whom(client, settings).await
    }

    /// The client that is kept for the issuer: no call of the API server for a request.
    ///
    /// # Errors
    /// [`NoWay`].
    pub async fn client(&self, issuer: &IssuerId, settings: &Settings) -> Result<Client, NoWay> {
        let kept = self.lock().get(issuer).cloned();
        match kept {
            Some(kept) => self.as_whom(kept.client.clone(), settings).await,
            None => self.refreshed(issuer, settings).await,
        }
    }

    /// Forgets an issuer that is gone.
    pub fn forget(&self, issuer: &IssuerId) {
        self.lock().remove(issuer);
    }

    async fn as_whom(&self, client: Client, settings: &Settings) -> Result<Client, NoWay> {
        match settings.identity {
            Identity::ClientCertificate { .. } => Ok(client),
            Identity::Token => {
                let token = self.token.as_ref().ok_or_else(|| NoWay::Material(
                    "spec.auth.serviceAccountToken: the controller was started without a token (--ra-token-file)".to_owned(),
                ))?;
                Ok(client.with_bearer(token.bearer_for(&settings.url).await?))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IssuerId, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
