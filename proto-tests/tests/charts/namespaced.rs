//! certway-issuer for one namespace, installed by somebody who may do nothing outside of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proto_tests::certs::write;
use proto_tests::kube::certmanager::is_ready;
use proto_tests::kube::kubelet::Workload;
use proto_tests::kube::{Chart, Resource, Stack};
use proto_tests::peer;
use serde_json::json;

use crate::world::{alone, certway_ra, root, world};

#[test]
fn without_any_cluster_role_certificates_of_a_namespace_are_issued() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    if peer::missing("openssl") {
        return;
    }
    let _alone = alone();
    let ra = certway_ra(cluster);
    let namespace = cluster.namespace("tenant");
    let rendered = Chart::named(stack, "certway-issuer")
        .release("tenant", &namespace.name)
        .set("watchNamespaces", json!([namespace.name]))
        .set("crds.enabled", false)
        .set("certManagerApproval.create", false)
        .objects();
    for object in &rendered {
        let place = &object["metadata"]["namespace"];
        assert_eq!(*place, namespace.name, "{} is beyond it", object["kind"]);
        cluster.admin.apply(object).unwrap();
    }
    let mut deployments = rendered.iter().filter(|o| o["kind"] == "Deployment");
    let issuer = Workload::of(cluster, deployments.next().unwrap()).spawn();
    issuer.ready();

    let pki = &ra.setup.pki;
    let encode = |text: String| BASE64_STANDARD.encode(text);
    let secret = json!({
        "type": "kubernetes.io/tls",
        "data": { "tls.crt": encode(pki.client.chain_pem()), "tls.key": encode(pki.client.key_pem()) },
    });
    let secret = namespace.object(&Resource::core("Secret"), "ra-client", &secret);
    cluster.admin.create(&secret).unwrap();
    let spec = json!({ "spec": {
        "url": format!("https://localhost:{}", ra.setup.port.number()),
        "ca": "RA",
        "caBundle": pki.root.certificate.to_pem(),
        "auth": { "clientCertificate": { "secretName": "ra-client" } },
    } });
    let kind = Resource::new("certway.dev/v1beta1", "Issuer");
    let made = namespace.object(&kind, "company", &spec);
    cluster.admin.create(&made).unwrap();
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
