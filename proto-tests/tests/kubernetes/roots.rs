//! Every root of a CA reaches applications.

use std::sync::OnceLock;

use pki::Certificate;
use proto_tests::certs::write;
use proto_tests::kube::{Resource, Secret};
use proto_tests::peer;
use serde_json::{Value, json};

use crate::apart::issued;
use crate::checks;
use crate::rollover::World;

impl World {
    /// The one that the tests share which change nothing.
    fn shared() -> Option<&'static Self> {
        static WORLD: OnceLock<Option<World>> = OnceLock::new();
        WORLD.get_or_init(|| Self::start("roots", true)).as_ref()
    }

    /// Has a certificate issued by an Issuer with this `spec.trust`, both of this name; gives its Secret.
    pub fn secret(&self, name: &str, trust: &Value) -> Secret {
        self.ra
            .issuer(&self.namespace, name, &json!({ "trust": trust }));
        issued(&self.namespace, name, &certificate(name));
        self.namespace.secret(name).unwrap()
    }

    fn config_map(&self, issuer: &str) -> Value {
        let name = format!("{issuer}-trust");
        let kind = Resource::core("ConfigMap");
        self.namespace.object(&kind, &name, &json!({}))
    }
}

fn certificate(name: &str) -> Value {
    json!({
        "commonName": format!("{name}.example.com"),
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": name, "kind": "Issuer", "group": "certway.dev" },
    })
}

fn pem(roots: &[Certificate]) -> String {
    roots.iter().map(Certificate::to_pem).collect()
}

#[test]
fn every_root_is_in_the_secret_that_of_the_chain_first_and_no_cross_certificate() {
    let Some(world) = World::shared() else { return };
    let secret = world.secret("all", &json!({}));
    let (chain, roots) = (secret.chain(), world.rollover.all());
    assert_eq!(
        String::from_utf8(secret.bytes("ca.crt")).unwrap(),
        pem(&roots)
    );
    assert_eq!(
        &chain[1..],
        std::slice::from_ref(&world.rollover.issuing.certificate)
    );
    checks::verifies(&chain[0], &chain[1..], &roots[..1]);
    checks::verifies(&chain[0], &chain[1..], &roots);
}

#[test]
fn the_root_of_the_chain_alone_is_in_the_secret_where_no_other_is_wanted() {
    let Some(world) = World::shared() else { return };
    let secret = world.secret("chain", &json!({ "mode": "ChainRootOnly" }));
    assert_eq!(
        secret.ca(),
        std::slice::from_ref(&world.rollover.new.certificate)
    );
}

#[test]
fn no_root_is_in_the_secret_where_none_is_wanted() {
    let Some(world) = World::shared() else { return };
    let secret = world.secret("none", &json!({ "mode": "None" }));
    assert!(!secret.names().contains(&"ca.crt"), "{:?}", secret.names());
}

#[test]
fn the_config_map_is_what_a_trust_manager_bundle_selects_and_has_what_the_secret_has() {
    let Some(world) = World::shared() else { return };
    let secret = world.secret("bundle", &json!({}));
    let path = Resource::core("ConfigMap").path(Some(&world.namespace.name));
    let selected = format!("{path}?labelSelector=certway.dev/trust-source%3Dtrue");
    let selected = world.namespace.api().get(&selected).unwrap();
    let mut selected = selected["items"].as_array().unwrap().iter();
    let found = selected.find(|map| map["metadata"]["name"] == "bundle-trust");
    let text = found.expect("the label")["data"]["ca.crt"]
        .as_str()
        .unwrap();
    assert_eq!(text.as_bytes(), secret.bytes("ca.crt"));
}

#[test]
fn no_config_map_is_kept_where_none_is_wanted() {
    let Some(world) = World::shared() else { return };
    world.secret("mapless", &json!({ "configMap": false }));
    assert!(
        world
            .namespace
            .api()
            .read(&world.config_map("mapless"))
            .is_err()
    );
}

#[test]
fn every_root_is_in_both_truststores_for_keytool_and_for_openssl() {
    let Some(world) = World::shared() else { return };
    if peer::missing("keytool") {
        return;
    }
    let password = world.namespace.object(
        &Resource::core("Secret"),
        "password",
        &json!({ "stringData": { "word": "open sesame" } }),
    );
    world.namespace.api().create(&password).unwrap();
    let stores = json!({ "truststores": {
        "secretName": "stores", "passwordSecretRef": { "name": "password", "key": "word" },
    } });
    world
        .ra
        .issuer(&world.namespace, "stores", &json!({ "trust": stores }));

    let secret = world.namespace.secret("stores").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = world.rollover.all();
    assert_eq!(secret.ca(), roots);
    for (name, kind) in [("truststore.jks", "JKS"), ("truststore.p12", "PKCS12")] {
        let path = write(folder.path(), name, secret.bytes(name));
        assert_eq!(
            entries(&path, kind, "open sesame"),
            fingerprints(&roots),
            "{name}"
        );
    }
    let arguments = [
        "pkcs12",
        "-in",
        "truststore.p12",
        "-nokeys",
        "-passin",
        "pass:open sesame",
    ];
    let text = peer::run("openssl", folder.path(), &arguments);
    let mut read = Certificate::all_from_pem(text.as_bytes()).unwrap();
    read.sort_by_key(Certificate::fingerprint);
    let mut expected = roots;
    expected.sort_by_key(Certificate::fingerprint);
    assert_eq!(read, expected);
}

#[test]
fn whoever_has_cert_manager_make_a_store_that_loses_a_root_is_told() {
    let Some(world) = World::shared() else { return };
    let ready = world.ra.issuer(&world.namespace, "loses", &json!({}));
    let said = proto_tests::kube::watch::condition(&ready, "Ready")["message"].clone();
    assert!(said.as_str().unwrap().contains("CN=Rolled Root"), "{said}");
    let password = world.namespace.object(
        &Resource::core("Secret"),
        "loses-password",
        &json!({ "stringData": { "password": "changeit" } }),
    );
    world.namespace.api().create(&password).unwrap();
    let mut spec = certificate("loses");
    let from = json!({ "name": "loses-password", "key": "password" });
    spec["keystores"] = json!({ "pkcs12": { "create": true, "passwordSecretRef": from } });

    issued(&world.namespace, "loses", &spec);

    let events = Resource::new("events.k8s.io/v1", "Event");
    let namespace = Some(world.namespace.name.as_str());
    let what = "a warning about the Certificate";
    world
        .namespace
        .api()
        .until(&events, namespace, what, |all| {
            let about = |event: &&Value| {
                event["reason"] == "TruststoreLosesRoots"
                    && event["regarding"]["kind"] == "Certificate"
                    && event["regarding"]["name"] == "loses"
            };
            all.values().find(about).map(|_| ())
        });
    // That it is true.
    if peer::missing("keytool") {
        return;
    }
    let secret = world.namespace.secret("loses").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = secret.bytes("truststore.p12");
    let path = write(folder.path(), "truststore.p12", store);
    assert_eq!(entries(&path, "PKCS12", "changeit").len(), 2);
}

#[test]
fn a_root_that_the_ra_learns_of_is_published_without_any_issuance() {
    let Some(world) = World::start("refresh", false) else {
        return;
    };
    let stores = json!({ "truststores": { "secretName": "stores" } });
    world
        .ra
        .issuer(&world.namespace, "fresh", &json!({ "trust": stores }));
    let api = world.namespace.api();
    let before = api.read(&world.config_map("fresh")).unwrap();
    let known = before["data"]["ca.crt"].as_str().unwrap();
    assert_eq!(
        Certificate::all_from_pem(known.as_bytes()).unwrap().len(),
        2
    );

    world.rollover.write_old(&world.ra.service.setup, true);
    world.ra.service.program.signal("HUP");

    let expected = pem(&world.rollover.all());
    api.until_object(&world.config_map("fresh"), "the ConfigMap has it", |now| {
        (now["data"]["ca.crt"] == expected).then_some(())
    });
    let secret = world
        .namespace
        .object(&Resource::core("Secret"), "stores", &json!({}));
    api.until_object(&secret, "the truststores have it", |now| {
        (Secret(now.clone()).bytes("ca.crt") == expected.as_bytes()).then_some(())
    });
}

/// The SHA-256 fingerprints of the trusted certificates of a store, as keytool tells them.
pub fn entries(path: &str, kind: &str, password: &str) -> Vec<String> {
    let arguments = [
        "-list",
        "-keystore",
        path,
        "-storetype",
        kind,
        "-storepass",
        password,
    ];
    let text = peer::keytool(std::path::Path::new("/"), &arguments);
    let lines = text.lines().filter(|line| line.contains("SHA-256"));
    let mut found: Vec<String> = lines
        .filter_map(|line| Some(line.split_once("): ")?.1.trim().to_owned()))
        .collect();
    found.sort();
    found
}

/// The same of certificates.
pub fn fingerprints(certificates: &[Certificate]) -> Vec<String> {
    let of = |certificate: &Certificate| {
        let octets = certificate.fingerprint();
        let texts: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
        texts.join(":")
    };
    let mut all: Vec<String> = certificates.iter().map(of).collect();
    all.sort();
    all
}
