//! Parts of a cluster die and come back. Each test has a cluster of its own.

use proto_tests::kube::{Cluster, Namespace, Settings, Stack};
use serde_json::{Value, json};

/// Has a Certificate issued by the self-signed issuer of a namespace.
fn certificate(namespace: &Namespace<'_>, name: &str) -> Value {
    let spec = json!({
        "commonName": name,
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "selfsigned" },
    });
    let made = namespace.create("Certificate", name, &spec);
    namespace.api().until_condition(&made, "Ready", "True")
}

#[test]
fn what_was_there_is_there_after_the_api_server_etcd_and_admission_were_killed() {
    let Some(stack) = Stack::here() else { return };
    let mut cluster = Cluster::start(stack, &Settings::default());
    let name = {
        let namespace = cluster.namespace("outage");
        let issuer = namespace.create("Issuer", "selfsigned", &json!({ "selfSigned": {} }));
        namespace.api().until_condition(&issuer, "Ready", "True");
        certificate(&namespace, "before");
        namespace.name
    };

    cluster.kill_apiserver();
    cluster.restart_apiserver();
    cluster.kill_etcd();
    cluster.restart_etcd();
    cluster.kill_webhook();
    let refused = cluster.existing_namespace(&name).try_create(
        "Issuer",
        "another",
        &json!({ "selfSigned": {} }),
    );
    assert!(
        refused
            .unwrap_err()
            .message
            .contains("failed calling webhook")
    );
    cluster.restart_webhook();

    let namespace = cluster.existing_namespace(&name);
    assert!(namespace.secret("before").is_some());
    certificate(&namespace, "after");
}

#[test]
fn without_admission_an_external_request_is_approved_by_nobody_we_asked() {
    let Some(stack) = Stack::here() else { return };
    let settings = Settings {
        without_webhook: true,
        ..Settings::default()
    };
    let cluster = Cluster::start(stack, &settings);
    let namespace = cluster.namespace("open");
    let issuer = json!({ "name": "i", "kind": "Issuer", "group": "nobody.example.io" });
    let made = crate::admission::request(&namespace, "r", &issuer);
    cluster.admin.create(&made).unwrap();
    cluster.admin.until_condition(&made, "Approved", "True");
}
