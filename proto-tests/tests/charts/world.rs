//! The cluster of these tests, with our kinds in it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use proto_tests::kube::{Chart, Cluster, OwnRa, Stack, cluster};
use serde_json::{Value, json};

/// The shared cluster, once it has the kinds of the charts, those that they only mention, and the right to approve.
pub fn world() -> Option<&'static Cluster> {
    static WITH_KINDS: OnceLock<()> = OnceLock::new();
    let (stack, cluster) = (Stack::here()?, cluster()?);
    WITH_KINDS.get_or_init(|| {
        let chart = Chart::named(stack, "certway-issuer");
        let release = chart.release("kinds", "certway").set("onap.enabled", true);
        let (mut definitions, others): (Vec<Value>, Vec<Value>) = release
            .objects()
            .into_iter()
            .partition(|object| object["kind"] == "CustomResourceDefinition");
        let approval = others.iter().filter(|object| {
            let name = object["metadata"]["name"].as_str();
            name.is_some_and(|name| name.ends_with("-approval"))
        });
        for object in approval {
            cluster.admin.apply(object).unwrap();
        }
        definitions.push(service_monitor());
        for definition in definitions {
            cluster.admin.apply(&definition).unwrap();
            cluster
                .admin
                .until_condition(&definition, "Established", "True");
        }
    });
    Some(cluster)
}

/// Of the Prometheus operator's ServiceMonitor what our charts use; strict validation refuses any other field.
fn service_monitor() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let labels = json!({ "type": "object", "additionalProperties": text });
    let endpoint = json!({ "type": "object", "properties": {
        "port": text, "path": text, "interval": text, "scrapeTimeout": text,
    } });
    let spec = json!({ "type": "object", "required": ["endpoints", "selector"], "properties": {
        "jobLabel": text,
        "selector": { "type": "object", "properties": { "matchLabels": labels } },
        "namespaceSelector": { "type": "object", "properties": { "matchNames": texts } },
        "endpoints": { "type": "array", "items": endpoint },
    } });
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "servicemonitors.monitoring.coreos.com" },
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": { "kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
        },
    })
}

/// What has a certway-issuer follow the whole shared cluster, one after the other: two would answer for each other's issuers.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The root of an RA's own CA.
pub fn root(ra: &OwnRa) -> String {
    std::fs::read_to_string(ra.service.setup.path("ca/root.crt")).unwrap()
}
