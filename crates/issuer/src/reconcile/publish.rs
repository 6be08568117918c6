use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use pki::Certificate;
use pki::keystore::{self, Keystore};
use secrecy::SecretString;

use super::FIELD_MANAGER;
use crate::answer;
use crate::issuers::Configured;
use crate::kinds::{SecretKey, Truststores};
use crate::settings::Settings;
use api::client::with_causes;

/// Marks what trust-manager may take.
const SOURCE_LABEL: &str = "certway.dev/trust-source";
/// Of what a Secret's stores were made: they are salted, and would be others each time.
const MADE_OF: &str = "certway.dev/made-of";
const DEFAULT_PASSWORD: &str = "changeit";

/// Writes down the current roots where the issuer wants them: a ConfigMap, a Secret with stores.
///
/// # Errors
/// A sentence for the issuer's condition.
pub(super) async fn publish<K: Configured>(
    kube: &Client,
    issuer: &K,
    namespace: &str,
    settings: &Settings,
    roots: &[Certificate],
) -> Result<(), String> {
    let bundle = &answer::pem(roots);
    let place = Place {
        kube,
        namespace,
        owner: owner(issuer),
    };
    if settings.trust.config_map {
        let name = format!("{}-trust", issuer.name_any());
        place.config_map(&name, bundle).await?;
    }
    match &settings.trust.truststores {
        Some(wanted) => place.stores(wanted, roots, bundle).await,
        None => Ok(()),
    }
}

struct Place<'a> {
    kube: &'a Client,
    namespace: &'a str,
    owner: OwnerReference,
}

impl Place<'_> {
    async fn config_map(&self, name: &str, bundle: &str) -> Result<(), String> {
        let wanted = ConfigMap {
            metadata: self.metadata(name, BTreeMap::new()),
            data: Some([("ca.crt".to_owned(), bundle.to_owned())].into()),
            ..ConfigMap::default()
        };
        let api: Api<ConfigMap> = Api::namespaced(self.kube.clone(), self.namespace);
        api.patch(name, &params(), &Patch::Apply(&wanted))
            .await
            .map(|_| ())
            .map_err(|e| self.failed("ConfigMap", name, &e))
    }

    async fn stores(
        &self,
        wanted: &Truststores,
        roots: &[Certificate],
        bundle: &str,
    ) -> Result<(), String> {
        let name = &wanted.secret_name;
        let api: Api<Secret> = Api::namespaced(self.kube.clone(), self.namespace);
        let password = self
            .password(&api, wanted.password_secret_ref.as_ref())
            .await?;
        let made_of = made_of(bundle, &password);
        let there = api
            .get_opt(name)
            .await
            .map_err(|e| self.failed("Secret", name, &e))?;
        if let Some(there) = &there {
            let ours = there
                .owner_references()
                .iter()
                .any(|o| o.uid == self.owner.uid);
            if !ours {
                return Err(format!(
                    "Secret {}/{name} (spec.trust.truststores.secretName) exists and is not this issuer's; name another one",
                    self.namespace
                ));
            }
            if there.annotations().get(MADE_OF) == Some(&made_of) {
                return Ok(());
            }
        }
        let secret = Secret {
            metadata: self.metadata(name, [(MADE_OF.to_owned(), made_of)].into()),
            data: Some(stores(roots, bundle, &password)?),
            ..Secret::default()
        };
        api.patch(name, &params(), &Patch::Apply(&secret))
            .await
            .map(|_| ())
            .map_err(|e| self.failed("Secret", name, &e))
    }

    async fn password(
        &self,
        api: &Api<Secret>,
        from: Option<&SecretKey>,
    ) -> Result<SecretString, String> {
        let Some(SecretKey { name, key }) = from else {
            return Ok(DEFAULT_PASSWORD.into());
        };
        let key = key.as_deref().unwrap_or("password");
        let secret = api
            .get_opt(name)
            .await
            .map_err(|e| self.failed("Secret", name, &e))?;
        let value = secret.and_then(|s| s.data).and_then(|mut d| d.remove(key));
        let missing = || {
            format!(
                "Secret {}/{name} with the key `{key}` is missing",
                self.namespace
            )
        };
        let value = value.ok_or_else(missing)?;
        String::from_utf8(value.0)
            .map(|text| text.trim_end_matches(['\r', '\n']).into())
            .map_err(|_| {
                format!(
                    "the password in Secret {}/{name} is not text",
                    self.namespace
                )
            })
    }

    fn metadata(&self, name: &str, annotations: BTreeMap<String, String>) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some([(SOURCE_LABEL.to_owned(), "true".to_owned())].into()),
            annotations: Some(annotations).filter(|a| !a.is_empty()),
            owner_references: Some(vec![self.owner.clone()]),
            ..ObjectMeta::default()
        }
    }

    fn failed(&self, kind: &str, name: &str, error: &kube::Error) -> String {
        format!("{kind} {}/{name}: {}", self.namespace, with_causes(error))
    }
}

fn owner<K: Configured>(issuer: &K) -> OwnerReference {
    OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: issuer.name_any(),
        uid: issuer.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

fn params() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

fn made_of(bundle: &str, password: &SecretString) -> String {
    use secrecy::ExposeSecret as _;
    let password = pki::digest::sha256(password.expose_secret().as_bytes());
    let text = [bundle.as_bytes(), &password].concat();
    hex::encode(pki::digest::sha256(&text))
}

fn stores(
    roots: &[Certificate],
    bundle: &str,
    password: &SecretString,
) -> Result<BTreeMap<String, ByteString>, String> {
    let store = Keystore::of_trusted(roots.iter().cloned());
    let jks = keystore::write_jks(&store, password, jiff::Timestamp::now());
    let jks = jks.map_err(|e| format!("the JKS truststore: {e}"))?;
    let pkcs12 = keystore::write_pkcs12(&store, password);
    let pkcs12 = pkcs12.map_err(|e| format!("the PKCS#12 truststore: {e}"))?;
    Ok([
        ("ca.crt", bundle.as_bytes().to_vec()),
        ("truststore.jks", jks),
        ("truststore.p12", pkcs12),
    ]
    .into_iter()
    .map(|(name, content)| (name.to_owned(), ByteString(content)))
    .collect())
}
