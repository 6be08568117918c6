//! Which issuer: its kind, name and namespace, and where its Secrets are.

use std::fmt;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;

use crate::kinds::{CMPv2Issuer, ClusterIssuer, GROUP, Issuer, ONAP_GROUP};

/// The kinds there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IssuerKind {
    /// `Issuer` of `certway.dev`.
    Issuer,
    /// `ClusterIssuer` of `certway.dev`.
    ClusterIssuer,
    /// `CMPv2Issuer` of `certmanager.onap.org`.
    Cmpv2Issuer,
}

impl IssuerKind {
    /// The kind that an `issuerRef` means; `None` for one that is not ours. An empty kind is cert-manager's own `Issuer`, an empty group cert-manager.
    #[must_use]
    pub fn of(group: &str, kind: &str) -> Option<Self> {
        match (group, kind) {
            (GROUP, "Issuer") => Some(Self::Issuer),
            (GROUP, "ClusterIssuer") => Some(Self::ClusterIssuer),
            (ONAP_GROUP, "CMPv2Issuer") => Some(Self::Cmpv2Issuer),
            _ => None,
        }
    }

    /// As it stands in `kind`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "Issuer",
            Self::ClusterIssuer => "ClusterIssuer",
            Self::Cmpv2Issuer => "CMPv2Issuer",
        }
    }

    /// Its API group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Issuer | Self::ClusterIssuer => GROUP,
            Self::Cmpv2Issuer => ONAP_GROUP,
        }
    }

    /// The resource's name, with which signer names begin.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Issuer => "issuers",
            Self::ClusterIssuer => "clusterissuers",
            Self::Cmpv2Issuer => "cmpv2issuers",
        }
    }

    fn api_version(self) -> String {
        match self {
            Self::Issuer => Issuer::api_version(&()).into_owned(),
            Self::ClusterIssuer => ClusterIssuer::api_version(&()).into_owned(),
            Self::Cmpv2Issuer => CMPv2Issuer::api_version(&()).into_owned(),
        }
    }
}

impl fmt::Display for IssuerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerId {
    /// Its kind.
    pub kind: IssuerKind,
    /// Its namespace; `None` for a ClusterIssuer.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl IssuerId {
    /// The issuer of that name that a request of this namespace means.
    #[must_use]
    pub fn seen_from(namespace: &str, kind: IssuerKind, name: &str) -> Self {
        let namespace = match kind {
            IssuerKind::ClusterIssuer => None,
            IssuerKind::Issuer | IssuerKind::Cmpv2Issuer => Some(namespace.to_owned()),
        };
        Self {
            kind,
            namespace,
            name: name.to_owned(),
        }
    }

    /// cert-manager's and Kubernetes' name for it as a signer: `issuers.certway.dev/NAMESPACE.NAME`, or without a namespace.
    #[must_use]
    pub fn signer_name(&self) -> String {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        let (plural, group) = (kind.plural(), kind.group());
        match namespace {
            Some(namespace) => format!("{plural}.{group}/{namespace}.{name}"),
            None => format!("{plural}.{group}/{name}"),
        }
    }

    /// The issuer that a signer name of ours means. Namespaces have no dots, so the first one ends it.
    #[must_use]
    pub fn of_signer(signer: &str) -> Option<Self> {
        let (resource, rest) = signer.split_once('/')?;
        let (plural, group) = resource.split_once('.')?;
        let kind = [
            IssuerKind::Issuer,
            IssuerKind::ClusterIssuer,
            IssuerKind::Cmpv2Issuer,
        ]
        .into_iter()
        .find(|kind| kind.plural() == plural && kind.group() == group)?;
        let (namespace, name) = match kind {
            IssuerKind::ClusterIssuer => (None, rest),
            IssuerKind::Issuer | IssuerKind::Cmpv2Issuer => {
                let (namespace, name) = rest.split_once('.')?;
                (Some(namespace.to_owned()), name)
            }
        };
        let named = !name.is_empty() && namespace.as_deref() != Some("");
        named.then(|| Self {
            kind,
            namespace,
            name: name.to_owned(),
        })
    }

    /// A reference for Events about it.
    #[must_use]
    pub fn reference(&self, uid: Option<String>) -> ObjectReference {
        ObjectReference {
            api_version: Some(self.kind.api_version()),
            kind: Some(self.kind.as_str().to_owned()),
            namespace: self.namespace.clone(),
            name: Some(self.name.clone()),
            uid,
            ..ObjectReference::default()
        }
    }
}

/// As people write it: `Issuer web/company`.
impl fmt::Display for IssuerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_name_is_read_back_as_the_issuer_it_was_made_from() {
        for id in [
            IssuerId::seen_from("web", IssuerKind::Issuer, "company.ca"),
            IssuerId::seen_from("web", IssuerKind::ClusterIssuer, "company.ca"),
            IssuerId::seen_from("onap", IssuerKind::Cmpv2Issuer, "cmpv2-issuer-onap"),
        ] {
            assert_eq!(IssuerId::of_signer(&id.signer_name()), Some(id));
        }
    }

    #[test]
    fn other_signers_and_names_without_a_namespace_are_not_ours() {
        for signer in [
            "issuers.cert-manager.io/web.ca",
            "kubernetes.io/kube-apiserver-client",
            "issuers.certway.dev/ca",
            "issuers.certway.dev/.ca",
            "issuers.certway.dev/web.",
            "clusterissuers.certway.dev/",
            "issuers/web.ca",
            "",
        ] {
            assert_eq!(IssuerId::of_signer(signer), None, "{signer}");
        }
    }

    #[test]
    fn an_empty_group_or_kind_is_never_ours() {
        assert_eq!(IssuerKind::of("", "Issuer"), None);
        assert_eq!(IssuerKind::of("certway.dev", ""), None);
        assert_eq!(IssuerKind::of("certmanager.onap.org", "Issuer"), None);
        assert_eq!(
            IssuerKind::of("certway.dev", "Issuer"),
            Some(IssuerKind::Issuer)
        );
    }
}
