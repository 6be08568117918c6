//! certway-issuer for one namespace, installed by somebody who may do nothing outside of it.

use proto_tests::certs::write;
use proto_tests::kube::certmanager::is_ready;
use proto_tests::kube::{OwnRa, namespaced};
use proto_tests::peer;
use serde_json::json;

use crate::world::{alone, root, world};

#[test]
fn without_any_cluster_role_certificates_of_a_namespace_are_issued() {
    let Some(cluster) = world() else { return };
    if peer::missing("openssl") {
        return;
    }
    let _alone = alone();
    let ra = OwnRa::over_its_own_ca(cluster);
    let namespace = cluster.namespace("tenant");
    let _issuer = namespaced::start(&[&namespace], &[]);
    ra.issuer(&namespace, "company", &json!({}));
    let certificate = json!({
        "secretName": "web-tls",
        "dnsNames": ["web.example.com"],
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "company", "kind": "Issuer", "group": "certway.dev" },
    });
    let certificate = namespace.create("Certificate", "web", &certificate);
    cluster
        .admin
        .until_object(&certificate, "it is issued", |now| {
            is_ready(now).then_some(())
        });

    let secret = namespace.secret("web-tls").expect("a Secret");
    let chain = secret.chain();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "root.pem", root(&ra));
    write(folder.path(), "chain.pem", secret.bytes("tls.crt"));
    let verify = [
        "verify",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "chain.pem",
        "chain.pem",
    ];
    let said = peer::run("openssl", folder.path(), &verify);
    assert!(said.contains("chain.pem: OK"), "{said}");
    assert_eq!(chain[0].public_key(), secret.key().public_key());
}
