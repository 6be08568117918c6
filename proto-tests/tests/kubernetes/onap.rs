//! ONAP's issuers as they are in the field: its two definitions, its standard instance, the Certificates of its charts.

use proto_tests::kube::watch::condition;
use proto_tests::kube::{Cluster, Namespace, OwnRa, Replica, Resource, kinds, namespaced};
use serde_json::{Value, json};

use crate::apart::{apart, issued};
use crate::checks;

/// The name of the instance that ONAP's charts make, and of its Secret.
const ISSUER: &str = "cmpv2-issuer-onap";
const SECRET: &str = "oom-cert-service-client-tls-secret";

/// ONAP's definition, in one of its two forms: the provider's own manifest requires `updateEndpoint`, the chart does not. Neither has a status subresource,
/// requires a spec, or knows an observedGeneration.
fn definition(required: &[&str]) -> Value {
    let text = json!({ "type": "string" });
    let condition = json!({
        "type": "object",
        "required": ["status", "type"],
        "properties": {
            "lastTransitionTime": { "type": "string", "format": "date-time" },
            "message": text,
            "reason": text,
            "status": { "type": "string", "enum": ["True", "False", "Unknown"] },
            "type": { "type": "string", "enum": ["Ready"] },
        },
    });
    let secret = json!({
        "type": "object",
        "required": ["name", "keyRef", "certRef", "cacertRef"],
        "properties": { "name": text, "keyRef": text, "certRef": text, "cacertRef": text },
    });
    let spec = json!({
        "type": "object",
        "required": required,
        "properties": {
            "url": text, "healthEndpoint": text, "certEndpoint": text, "updateEndpoint": text,
            "caName": text, "certSecretRef": secret,
        },
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "cmpv2issuers.certmanager.onap.org" },
        "spec": {
            "group": "certmanager.onap.org",
            "names": {
                "kind": "CMPv2Issuer", "listKind": "CMPv2IssuerList",
                "plural": "cmpv2issuers", "singular": "cmpv2issuer",
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "properties": {
                        "spec": spec,
                        "status": {
                            "type": "object",
                            "properties": { "conditions": { "type": "array", "items": condition } },
                        },
                    },
                } },
            }],
        },
    })
}

const REQUIRED: [&str; 5] = [
    "url",
    "healthEndpoint",
    "certEndpoint",
    "caName",
    "certSecretRef",
];

/// The standard instance; the chart's template leaves `updateEndpoint` out, the provider's example has it.
fn instance(namespace: &Namespace<'_>, name: &str, ra: &OwnRa, update: Option<&str>) -> Value {
    let mut spec = json!({
        "url": ra.url(),
        "healthEndpoint": "actuator/health",
        "certEndpoint": "v1/certificate",
        "caName": "RA",
        "certSecretRef": {
            "name": SECRET, "keyRef": "tls.key", "certRef": "tls.crt", "cacertRef": "ca.crt",
        },
    });
    if let Some(update) = update {
        spec["updateEndpoint"] = update.into();
    }
    let kind = Resource::new("certmanager.onap.org/v1", "CMPv2Issuer");
    namespace.object(&kind, name, &json!({ "spec": spec }))
}

/// What the template of ONAP's charts makes of an entry of `certificates` with names alone.
fn certificate(name: &str, issuer: &str) -> Value {
    json!({
        "secretName": format!("{name}-secret-0"),
        "commonName": format!("{name}.simpledemo.onap.org"),
        "dnsNames": [format!("{name}.simpledemo.onap.org")],
        "duration": "8760h",
        "renewBefore": "720h",
        "subject": {
            "organizations": ["Linux-Foundation"], "countries": ["US"],
            "localities": ["San-Francisco"], "provinces": ["California"],
            "organizationalUnits": ["ONAP"],
        },
        "issuerRef": { "group": "certmanager.onap.org", "kind": "CMPv2Issuer", "name": issuer },
    })
}

/// A namespace as ONAP's charts leave it, and certway-issuer in the place of its provider.
struct Site {
    namespace: Namespace<'static>,
    ra: OwnRa,
    issuer: Replica,
}

impl Site {
    fn start(cluster: &'static Cluster) -> Self {
        let namespace = cluster.namespace("onap");
        let ra = OwnRa::over_its_own_ca(cluster);
        ra.client_secret(&namespace, SECRET);
        // By the chart's values, but told what the Deployment of ONAP's provider tells it.
        let values = [("onap.enabled", true), ("onap.ownDefinition", false)];
        let issuer = namespaced::pod(&[&namespace], &values.map(|(name, on)| (name, json!(on))))
            .without("--onap")
            .without("--listen=0.0.0.0:9402")
            .without("--log=info")
            .with("--metrics-addr=0.0.0.0:9402")
            .with("--log-level=debug")
            .start();
        Self {
            namespace,
            ra,
            issuer,
        }
    }

    /// Creates an instance, and waits until it is ready.
    fn instance(&self, name: &str, update: Option<&str>) -> Value {
        let made = instance(&self.namespace, name, &self.ra, update);
        let api = self.namespace.api();
        api.create(&made).unwrap();
        api.until_condition(&made, "Ready", "True")
    }

    /// Creates one without anything in it: it says what it lacks, and the others are not disturbed, neither now nor when a process starts that finds it.
    fn has_one_without_spec(&mut self) {
        let kind = Resource::new("certmanager.onap.org/v1", "CMPv2Issuer");
        let empty = self.namespace.object(&kind, "empty", &json!({}));
        let api = self.namespace.api();
        api.create(&empty).unwrap();
        let now = api.until_condition(&empty, "Ready", "False");
        let ready = condition(&now, "Ready");
        assert_eq!(ready["reason"], "InvalidSpec", "{ready}");
        let lacks = "the object is not whole: missing field `spec`";
        assert_eq!(ready["message"], lacks);
        let events = Resource::new("events.k8s.io/v1", "Event");
        let what = "an Event of it";
        api.until(&events, Some(&self.namespace.name), what, |all| {
            let mut all = all.values();
            all.any(|event| event["regarding"]["name"] == "empty" && event["note"] == lacks)
                .then_some(())
        });
        self.issues("beside-it", ISSUER);
        self.issuer.program.kill();
        self.issuer.restart(self.namespace.cluster);
        self.instance("after-it", None);
        self.issues("later", "after-it");
    }

    /// Has a Certificate issued, and looks at its Secret.
    fn issues(&self, name: &str, issuer: &str) {
        issued(&self.namespace, name, &certificate(name, issuer));
        let secret = self.namespace.secret(&format!("{name}-secret-0")).unwrap();
        let chain = secret.chain();
        let subject = chain[0].subject().to_string();
        assert!(subject.contains("OU=ONAP"), "{subject}");
        checks::verifies(&chain[0], &chain[1..], &secret.ca());
    }
}

/// One test, as there is one definition in a cluster at a time: the order is that of an upgrade.
#[test]
fn both_definitions_in_the_field_work_unchanged_and_an_upgrade_to_ours_leaves_all_readable() {
    let Some(cluster) = apart() else { return };
    let mut with_update = REQUIRED.to_vec();
    with_update.push("updateEndpoint");
    replace(cluster, &definition(&with_update));
    let mut site = Site::start(cluster);
    site.instance(ISSUER, Some("v1/certificate-update"));
    site.issues("sdnc", ISSUER);

    replace(cluster, &definition(&REQUIRED));
    site.instance("of-the-chart", None);
    site.issues("dcae", "of-the-chart");
    site.issues("sdnc-again", ISSUER);
    // What ONAP's own provider may have left behind: a condition that says no more than it must.
    let left = instance(&site.namespace, "left-behind", &site.ra, None);
    let mut left_behind = left.clone();
    left_behind["status"] = json!({ "conditions": [{ "type": "Ready", "status": "Unknown" }] });
    site.namespace.api().create(&left_behind).unwrap();
    site.namespace.api().until_condition(&left, "Ready", "True");

    site.has_one_without_spec();

    replace(cluster, &kinds::onaps(cluster));
    for name in [ISSUER, "of-the-chart", "left-behind"] {
        let object = instance(&site.namespace, name, &site.ra, None);
        let now = site.namespace.api().read(&object).unwrap();
        assert_eq!(condition(&now, "Ready")["status"], "True", "{now}");
        assert_eq!(now["spec"]["certSecretRef"]["cacertRef"], "ca.crt");
    }
    site.instance("new", Some("v1/certificate-update"));
    for (name, issuer) in [("vid", ISSUER), ("so", "of-the-chart"), ("aai", "new")] {
        site.issues(name, issuer);
    }
    let log = site.issuer.program.output().text();
    assert!(!log.to_lowercase().contains("forbidden"), "{log}");
}

/// Has the cluster take that definition in the place of the one there is.
fn replace(cluster: &Cluster, definition: &Value) {
    let mut wanted = definition.clone();
    let there = cluster.admin.read(definition).unwrap();
    // Not merged: what the one before had and this one has not is to go.
    wanted["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"].clone();
    let path =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/cmpv2issuers.certmanager.onap.org";
    cluster.admin.put(path, &wanted).unwrap();
    kinds::define(cluster, definition);
}
