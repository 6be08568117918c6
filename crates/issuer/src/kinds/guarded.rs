use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::IssuerStatus;

/// An issuer object as the API server has it, whether it is a whole one or not: ONAP's definition takes a CMPv2Issuer without any `spec`, and an older definition of ours
/// may lack what is required today. One that is not whole would hide every other one of its kind from the watch.
#[derive(Clone, Debug)]
pub struct Guarded<K> {
    object: Result<K, Partial>,
    status: Option<IssuerStatus>,
}

/// What can be said of one that is not whole.
#[derive(Clone, Debug)]
struct Partial {
    metadata: ObjectMeta,
    lacks: String,
}

impl<K> Guarded<K> {
    /// The object.
    ///
    /// # Errors
    /// What it lacks.
    pub fn whole(&self) -> Result<&K, &str> {
        self.object.as_ref().map_err(|part| part.lacks.as_str())
    }

    /// How it does, also where it is not whole.
    #[must_use]
    pub fn status(&self) -> Option<&IssuerStatus> {
        self.status.as_ref()
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let status = value.get("status");
        let status = status.and_then(|status| IssuerStatus::deserialize(status).ok());
        let object = match K::deserialize(&value) {
            Ok(object) => Ok(object),
            // Without its name nothing can be said of it.
            Err(lacks) => Err(Partial {
                metadata: ObjectMeta::deserialize(&value["metadata"]).map_err(Error::custom)?,
                lacks: lacks.to_string(),
            }),
        };
        Ok(Self { object, status })
    }
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(kind: &K::DynamicType) -> Cow<'_, str> {
        K::kind(kind)
    }

    fn group(kind: &K::DynamicType) -> Cow<'_, str> {
        K::group(kind)
    }

    fn version(kind: &K::DynamicType) -> Cow<'_, str> {
        K::version(kind)
    }

    fn plural(kind: &K::DynamicType) -> Cow<'_, str> {
        K::plural(kind)
    }

    fn meta(&self) -> &ObjectMeta {
        match &self.object {
            Ok(object) => object.meta(),
            Err(part) => &part.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match &mut self.object {
            Ok(object) => object.meta_mut(),
            Err(part) => &mut part.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;
    use crate::kinds::CMPv2Issuer;

    fn issuer(spec: &Value) -> Guarded<CMPv2Issuer> {
        let condition = json!({
            "type": "Ready", "status": "False", "reason": "InvalidSpec", "message": "m",
            "lastTransitionTime": "2024-05-01T10:00:00Z",
        });
        let mut object = json!({
            "apiVersion": "certmanager.onap.org/v1", "kind": "CMPv2Issuer",
            "metadata": { "name": "i", "namespace": "n" },
            "status": { "conditions": [condition] },
        });
        if !spec.is_null() {
            object["spec"] = spec.clone();
        }
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn one_that_is_not_whole_still_has_its_name_its_status_and_what_it_lacks() {
        let lacking = [(Value::Null, "spec"), (json!({}), "url")];
        for (spec, field) in lacking {
            let issuer = issuer(&spec);
            assert_eq!(issuer.name_any(), "i");
            let said = issuer.whole().unwrap_err();
            assert!(said.contains(&format!("`{field}`")), "{said}");
            let ready = issuer.status().and_then(IssuerStatus::ready).unwrap();
            assert_eq!(ready.reason, "InvalidSpec");
        }
    }

    #[test]
    fn a_whole_one_is_what_it_says() {
        let issuer = issuer(&json!({
            "url": "https://ra", "healthEndpoint": "h", "certEndpoint": "c", "caName": "RA",
            "certSecretRef": { "name": "s", "keyRef": "k", "certRef": "c", "cacertRef": "a" },
        }));
        assert_eq!(issuer.whole().unwrap().spec.ca_name, "RA");
    }
}
