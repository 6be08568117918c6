//! The cluster of these tests, with our kinds in it.

use std::sync::OnceLock;

use proto_tests::kube::{Chart, Cluster, Stack, cluster};
use serde_json::{Value, json};

/// The shared cluster, once it has the kinds of the charts and those that they only mention.
pub fn world() -> Option<&'static Cluster> {
    static WITH_KINDS: OnceLock<()> = OnceLock::new();
    let (stack, cluster) = (Stack::here()?, cluster()?);
    WITH_KINDS.get_or_init(|| {
        let chart = Chart::named(stack, "certway-issuer");
        let release = chart.release("kinds", "certway").set("onap.enabled", true);
        let rendered = release.objects().into_iter();
        let mut definitions: Vec<Value> = rendered
            .filter(|o| o["kind"] == "CustomResourceDefinition")
            .collect();
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
