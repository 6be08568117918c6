//! cert-manager with its own issuers: what is true of the stack before anything of ours is in it.

use proto_tests::kube::certmanager::{self, is_ready};
use proto_tests::kube::{Resource, cluster};
use proto_tests::peer;
use serde_json::json;

use crate::checks;
use crate::in_tree::IN_TREE;

#[test]
fn a_certificate_of_a_ca_that_is_itself_a_certificate_verifies() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("chain");
    let api = namespace.api();
    let selfsigned = namespace.create("Issuer", "selfsigned", &json!({ "selfSigned": {} }));
    api.until_condition(&selfsigned, "Ready", "True");
    let root = namespace.create(
        "Certificate",
        "root",
        &json!({
            "isCA": true,
            "commonName": "Root of this test",
            "secretName": "root",
            "privateKey": { "algorithm": "ECDSA" },
            "issuerRef": { "name": "selfsigned" },
        }),
    );
    api.until_condition(&root, "Ready", "True");
    let issuer = namespace.create("Issuer", "ca", &json!({ "ca": { "secretName": "root" } }));
    api.until_condition(&issuer, "Ready", "True");
    let certificate = namespace.create(
        "Certificate",
        "leaf",
        &json!({
            "dnsNames": ["leaf.example.com"],
            "secretName": "leaf",
            "privateKey": { "algorithm": "ECDSA" },
            "issuerRef": { "name": "ca" },
        }),
    );
    let ready = api.until_object(&certificate, "it is ready", |now| {
        is_ready(now).then(|| now.clone())
    });

    let secret = checks::certificate(&IN_TREE, &namespace, &ready);
    let root = namespace.secret("root").unwrap().chain();
    assert_eq!(secret.ca(), root);
    checks::verifies(&secret.chain()[0], &[], &root);
}

#[test]
fn what_a_certificate_owns_goes_with_it() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("owner");
    let api = namespace.api();
    let selfsigned = namespace.create("Issuer", "selfsigned", &json!({ "selfSigned": {} }));
    api.until_condition(&selfsigned, "Ready", "True");
    let spec = json!({
        "dnsNames": ["a.example.com"],
        "secretName": "tls",
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "selfsigned" },
    });
    let certificate = namespace.create("Certificate", "c", &spec);
    api.until_condition(&certificate, "Ready", "True");
    let requests = Resource::cert_manager("CertificateRequest");
    let all = api.get(&requests.path(Some(&namespace.name))).unwrap();
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");

    api.delete(&certificate).unwrap();

    let what = "its request is collected";
    api.until(&requests, Some(&namespace.name), what, |now| {
        now.is_empty().then_some(())
    });
}

#[test]
fn a_namespace_goes_with_all_that_is_in_it() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("going");
    let api = namespace.api();
    namespace.create("Issuer", "selfsigned", &json!({ "selfSigned": {} }));
    let object =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace.name } });

    api.delete(&object).unwrap();

    api.until_gone(&object);
}

#[test]
fn kubectl_and_helm_reach_the_cluster() {
    let Some(cluster) = cluster() else { return };
    let version = cluster.kubectl(&["version", "-o", "json"]).run();
    assert_eq!(version.code, Some(0), "{}", version.stderr);
    let version: serde_json::Value = serde_json::from_str(&version.stdout).unwrap();
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.36.3");
    assert_eq!(version["clientVersion"]["gitVersion"], "v1.36.3");
    let releases = cluster.helm(&["list", "-A", "-o", "json"]).run();
    assert_eq!(releases.code, Some(0), "{}", releases.stderr);
    assert_eq!(releases.stdout.trim(), "[]");
}

#[test]
fn a_token_is_that_service_account_and_may_what_its_role_says() {
    let Some(cluster) = cluster() else { return };
    let namespace = cluster.namespace("token");
    let account = cluster.service_account(&namespace.name, "issuer");
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
    });
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let user = account.post(path, &review).unwrap();
    let expected = format!("system:serviceaccount:{}:issuer", namespace.name);
    assert_eq!(user["status"]["userInfo"]["username"], expected);
    assert!(!account.may("get", "", "secrets", Some(&namespace.name)));
    assert!(cluster.admin.may("get", "", "secrets", None));
}

#[test]
fn cert_manager_itself_is_no_administrator() {
    let Some(cluster) = cluster() else { return };
    let identity = cluster
        .authority
        .service_account(certmanager::NAMESPACE, certmanager::ACCOUNT);
    let api = proto_tests::kube::Api::by_certificate(
        cluster.control_plane.port().address(),
        cluster.authority.certificate(),
        Some(&identity),
    );
    assert!(api.may("update", "cert-manager.io", "certificates/status", None));
    assert!(!api.may("create", "", "namespaces", None));
    assert!(!api.may("approve", "cert-manager.io", "signers", None));
}

#[test]
fn a_secret_of_the_stack_is_read_by_openssl() {
    let Some((namespace, provided)) = IN_TREE.site("openssl", &[]) else {
        return;
    };
    let spec = json!({
        "commonName": "openssl.example.com",
        "secretName": "tls",
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": provided.reference,
    });
    let certificate = namespace.create("Certificate", "c", &spec);
    namespace
        .api()
        .until_condition(&certificate, "Ready", "True");
    let secret = namespace.secret("tls").unwrap();
    let folder = tempfile::tempdir().unwrap();
    proto_tests::certs::write(folder.path(), "tls.crt", secret.bytes("tls.crt"));
    let arguments = ["x509", "-in", "tls.crt", "-noout", "-subject"];
    let subject = peer::run("openssl", folder.path(), &arguments);
    assert!(subject.contains("CN = openssl.example.com"), "{subject}");
}
