//! The issuers there are, as the watches have them: settings and readiness of each, whatever its kind.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::identity::{IssuerId, IssuerKind};
use crate::kinds::{CMPv2Issuer, ClusterIssuer, Guarded, Issuer, IssuerStatus};
use crate::settings::{Settings, SettingsError};

/// A kind of issuer object.
pub trait Configured:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Which.
    const KIND: IssuerKind;

    /// What it says, checked.
    ///
    /// # Errors
    /// [`SettingsError`] names the field.
    fn settings(&self) -> Result<Settings, SettingsError>;

    /// How it does.
    fn status(&self) -> Option<&IssuerStatus>;

    /// Where this one is: an object of a namespace is read everywhere at once, and written only there.
    fn place(&self, client: Client) -> Api<Self>;

    /// Which one it is.
    fn id(&self) -> IssuerId {
        IssuerId {
            kind: Self::KIND,
            namespace: self.namespace(),
            name: self.name_any(),
        }
    }
}

macro_rules! configured {
    ($($kind:ident = $word:ident, $place:ident;)*) => {
        $(impl Configured for Guarded<$kind> {
            const KIND: IssuerKind = IssuerKind::$word;

            fn settings(&self) -> Result<Settings, SettingsError> {
                let issuer = self.whole().map_err(SettingsError::not_whole)?;
                Settings::try_from(&issuer.spec)
            }

            fn status(&self) -> Option<&IssuerStatus> {
                Guarded::status(self)
            }

            fn place(&self, client: Client) -> Api<Self> {
                $place(self, client)
            }
        })*
    };
}

configured! {
    Issuer = Issuer, in_namespace;
    ClusterIssuer = ClusterIssuer, in_cluster;
    CMPv2Issuer = Cmpv2Issuer, in_namespace;
}

fn in_namespace<K>(one: &K, client: Client) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(client, &one.namespace().unwrap_or_default())
}

fn in_cluster<K>(_: &K, client: Client) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope>,
{
    Api::all(client)
}

/// What the watches know. Several stores of a kind where namespaces are watched one by one; none of a kind that is not watched.
#[derive(Clone, Default)]
pub struct Issuers {
    /// Issuers.
    pub namespaced: Vec<Store<Guarded<Issuer>>>,
    /// ClusterIssuers.
    pub cluster: Vec<Store<Guarded<ClusterIssuer>>>,
    /// CMPv2Issuers.
    pub onap: Vec<Store<Guarded<CMPv2Issuer>>>,
}

/// Why a request has to wait for its issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// There is none.
    #[error("there is no {0}")]
    Missing(IssuerId),
    /// It was not looked at yet, or not since it was changed.
    #[error("{0} was not checked yet")]
    Unchecked(IssuerId),
    /// It cannot be used now.
    #[error("{issuer} is not ready: {why}")]
    Unready {
        /// Which.
        issuer: IssuerId,
        /// What its condition says.
        why: String,
    },
}

impl Issuers {
    /// The settings of an issuer that can be used now.
    ///
    /// # Errors
    /// [`NotReady`]: the request waits until the issuer changes.
    pub fn ready(&self, id: &IssuerId) -> Result<Settings, NotReady> {
        match id.kind {
            IssuerKind::Issuer => usable(find(&self.namespaced, id), id),
            IssuerKind::ClusterIssuer => usable(find(&self.cluster, id), id),
            IssuerKind::Cmpv2Issuer => usable(find(&self.onap, id), id),
        }
    }

    /// Whether requests of that kind are ours to answer at all.
    #[must_use]
    pub fn watches(&self, kind: IssuerKind) -> bool {
        match kind {
            IssuerKind::Issuer => !self.namespaced.is_empty(),
            IssuerKind::ClusterIssuer => !self.cluster.is_empty(),
            IssuerKind::Cmpv2Issuer => !self.onap.is_empty(),
        }
    }
}

/// The key of an issuer in a store of its kind.
pub fn reference<K: Configured>(id: &IssuerId) -> ObjectRef<K> {
    let reference = ObjectRef::new(&id.name);
    match &id.namespace {
        Some(namespace) => reference.within(namespace),
        None => reference,
    }
}

fn find<K: Configured>(stores: &[Store<K>], id: &IssuerId) -> Option<Arc<K>> {
    let reference = reference(id);
    stores.iter().find_map(|store| store.get(&reference))
}

fn usable<K: Configured>(issuer: Option<Arc<K>>, id: &IssuerId) -> Result<Settings, NotReady> {
    let issuer = issuer.ok_or_else(|| NotReady::Missing(id.clone()))?;
    let ready = ready_now(issuer.as_ref()).ok_or_else(|| NotReady::Unchecked(id.clone()))?;
    let unready = |why: String| NotReady::Unready {
        issuer: id.clone(),
        why,
    };
    if ready.status != "True" {
        return Err(unready(ready.message.clone()));
    }
    issuer.settings().map_err(|e| unready(e.to_string()))
}

/// The condition `Ready`, if it is about the issuer as it is now.
pub fn ready_now<K: Configured>(issuer: &K) -> Option<&Condition> {
    let generation = issuer.meta().generation;
    let ready = issuer.status().and_then(IssuerStatus::ready)?;
    // ONAP's own definition has no observedGeneration.
    let current = ready
        .observed_generation
        .is_none_or(|seen| generation.is_none_or(|now| seen >= now));
    current.then_some(ready)
}
