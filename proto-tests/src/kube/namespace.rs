//! A namespace of a test's own.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::kube::api::{Api, Refused};
use crate::kube::cluster::Cluster;
use crate::kube::resource::Resource;
use crate::kube::secret::Secret;

/// A namespace. It stays: the whole cluster goes in the end.
pub struct Namespace<'a> {
    /// Where it is.
    pub cluster: &'a Cluster,
    /// Its name.
    pub name: String,
}

impl Cluster {
    /// A new namespace, its name beginning with `name`.
    pub fn namespace(&self, name: &str) -> Namespace<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{number}");
        let object =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.admin.create(&object).unwrap();
        Namespace {
            cluster: self,
            name,
        }
    }

    /// A namespace that is there.
    pub fn existing_namespace(&self, name: &str) -> Namespace<'_> {
        Namespace {
            cluster: self,
            name: name.to_owned(),
        }
    }
}

impl<'a> Namespace<'a> {
    /// The administrator's client.
    pub fn api(&self) -> &'a Api {
        &self.cluster.admin
    }

    /// An object of this namespace that was not sent yet.
    pub fn object(&self, resource: &Resource, name: &str, spec: &Value) -> Value {
        let mut object = json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": { "namespace": self.name, "name": name },
        });
        let fields = spec.as_object().unwrap().clone();
        object.as_object_mut().unwrap().extend(fields);
        object
    }

    /// Creates one of cert-manager's objects, and gives it.
    ///
    /// # Panics
    /// When the API server does not take it.
    #[track_caller]
    pub fn create(&self, kind: &str, name: &str, spec: &Value) -> Value {
        self.try_create(kind, name, spec)
            .unwrap_or_else(|refused| panic!("{kind} {name}: {refused:?}"))
    }

    /// Creates one of cert-manager's objects.
    ///
    /// # Errors
    /// What the API server answers instead.
    pub fn try_create(&self, kind: &str, name: &str, spec: &Value) -> Result<Value, Refused> {
        let resource = Resource::cert_manager(kind);
        let object = self.object(&resource, name, &json!({ "spec": spec }));
        self.api().create(&object)
    }

    /// The data of a Secret, decoded, or `None` when there is no such Secret.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let object = self.object(&Resource::core("Secret"), name, &json!({}));
        self.api().read(&object).ok().map(Secret)
    }
}
