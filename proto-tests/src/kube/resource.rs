//! Kinds of objects, and where the API server has them.

use serde_json::Value;

/// A kind of object: its group and version, and its name in a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// `v1`, `cert-manager.io/v1`.
    pub api_version: String,
    /// `Certificate`.
    pub kind: String,
}

impl Resource {
    /// A kind of that group and version.
    pub fn new(api_version: &str, kind: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// One of the core group.
    pub fn core(kind: &str) -> Self {
        Self::new("v1", kind)
    }

    /// One of cert-manager's own.
    pub fn cert_manager(kind: &str) -> Self {
        Self::new("cert-manager.io/v1", kind)
    }

    /// What `object` is one of.
    pub fn of(object: &Value) -> Self {
        let text = |name: &str| object[name].as_str().unwrap_or_else(|| panic!("{object}"));
        Self::new(text("apiVersion"), text("kind"))
    }

    /// Its name in paths and rules: `certificates`. Regular for every kind there is.
    pub fn plural(&self) -> String {
        let lower = self.kind.to_lowercase();
        match lower.strip_suffix('y') {
            Some(stem) if !lower.ends_with("ay") => format!("{stem}ies"),
            _ if lower.ends_with('s') => format!("{lower}es"),
            _ => format!("{lower}s"),
        }
    }

    /// The path of all of them, in a namespace or in none.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = match self.api_version.as_str() {
            "v1" => "/api/v1".to_owned(),
            grouped => format!("/apis/{grouped}"),
        };
        let plural = self.plural();
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }
}

/// The path of an object by what stands in it.
pub fn path_of(object: &Value) -> String {
    let metadata = &object["metadata"];
    let all = Resource::of(object).path(metadata["namespace"].as_str());
    format!("{all}/{}", name_of(object))
}

/// An object's name.
pub fn name_of(object: &Value) -> &str {
    let name = object["metadata"]["name"].as_str();
    name.unwrap_or_else(|| panic!("an object without a name: {object}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_objects_path_is_that_of_its_kind_namespace_and_name() {
        let object = json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "Issuer",
            "metadata": { "namespace": "a", "name": "b" },
        });
        assert_eq!(
            path_of(&object),
            "/apis/cert-manager.io/v1/namespaces/a/issuers/b"
        );
        let policies = Resource::new("networking.k8s.io/v1", "NetworkPolicy");
        assert_eq!(policies.plural(), "networkpolicies");
        let class = Resource::new("networking.k8s.io/v1", "IngressClass");
        assert_eq!(class.plural(), "ingressclasses");
        assert_eq!(Resource::core("Namespace").path(None), "/api/v1/namespaces");
    }
}
