use std::borrow::Cow;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionNames,
};
use kube::api::ObjectMeta;
use kube::{CustomResourceExt, Resource};
use serde::{Deserialize, Serialize};

use super::{GROUP, Issuer, IssuerSpec, IssuerStatus};

const KIND: &str = "ClusterIssuer";
const PLURAL: &str = "clusterissuers";

/// An issuer for every namespace. Its Secrets and its ConfigMap are in the cluster resource namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterIssuer {
    /// `certway.dev/v1beta1`.
    #[serde(default = "api_version")]
    pub api_version: String,
    /// `ClusterIssuer`.
    #[serde(default = "kind")]
    pub kind: String,
    /// Name, generation and so on.
    pub metadata: ObjectMeta,
    /// The same as an Issuer's.
    pub spec: IssuerSpec,
    /// The same as an Issuer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IssuerStatus>,
}

impl Resource for ClusterIssuer {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        KIND.into()
    }

    fn group(_: &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version(_: &()) -> Cow<'_, str> {
        <Issuer as Resource>::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// An Issuer's definition under another name and for the whole cluster: one schema, so that the two cannot drift apart.
pub(super) fn crd() -> CustomResourceDefinition {
    let mut crd = Issuer::crd();
    crd.metadata.name = Some(format!("{PLURAL}.{GROUP}"));
    crd.spec.scope = "Cluster".to_owned();
    crd.spec.names = CustomResourceDefinitionNames {
        kind: KIND.to_owned(),
        list_kind: None,
        plural: PLURAL.to_owned(),
        singular: Some("clusterissuer".to_owned()),
        ..crd.spec.names
    };
    crd
}

fn api_version() -> String {
    Issuer::api_version(&()).into_owned()
}

fn kind() -> String {
    KIND.to_owned()
}
