//! trust-manager takes the roots that issuers publish to namespaces that have no issuer, by the Bundle of docs/ISSUER.md.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::Certificate;
use proto_tests::certs::write;
use proto_tests::kube::chart::repository;
use proto_tests::kube::{Namespace, Resource, TrustManager};
use proto_tests::peer;
use serde_json::{Value, json};

use crate::checks;
use crate::rollover::{Rollover, World};
use crate::roots::{entries, fingerprints};

/// An issuer, trust-manager that reads its namespace, the Bundle, and a namespace that it is for.
struct Site {
    world: World,
    application: Namespace<'static>,
    bundle: Value,
    _trust_manager: TrustManager,
}

impl Site {
    /// The one that the tests share.
    fn shared() -> Option<&'static Self> {
        static SITE: OnceLock<Option<Site>> = OnceLock::new();
        SITE.get_or_init(Self::start).as_ref()
    }

    fn start() -> Option<Self> {
        let world = World::start("sources", true)?;
        let cluster = world.namespace.cluster;
        let trust_manager = TrustManager::install(cluster, &world.namespace);
        let bundle = cluster.objects_of(&documented()).remove(0);
        let wanted = &bundle["spec"]["target"]["namespaceSelector"]["matchLabels"];
        let application = cluster.namespace("application");
        let labelled = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": application.name },
        });
        let labels = json!({ "metadata": { "labels": wanted } });
        cluster.admin.merge(&labelled, &labels).unwrap();
        cluster.admin.create(&bundle).unwrap();
        Some(Self {
            world,
            application,
            bundle,
            _trust_manager: trust_manager,
        })
    }

    /// Waits until what an application reads is as `found` wants it.
    fn until<T>(&self, what: &str, found: impl Fn(&Target) -> Option<T>) -> T {
        let name = self.bundle["metadata"]["name"].as_str().unwrap();
        let kind = Resource::core("ConfigMap");
        let target = self.application.object(&kind, name, &json!({}));
        let api = self.application.api();
        api.until_object(&target, what, |now| found(&Target(now.clone())))
    }

    /// Waits until the roots that an application reads are as `found` wants them.
    fn until_roots(&self, what: &str, found: impl Fn(&[Certificate]) -> bool) -> Vec<Certificate> {
        self.until(what, |target| {
            let roots = target.roots();
            found(&roots).then_some(roots)
        })
    }
}

/// The ConfigMap that trust-manager makes; `Null` before it has.
struct Target(Value);

impl Target {
    fn roots(&self) -> Vec<Certificate> {
        let text = self.0["data"]["ca.crt"].as_str().unwrap_or_default();
        Certificate::all_from_pem(text.as_bytes()).unwrap_or_default()
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        let text = self.0["binaryData"][key].as_str().unwrap_or_default();
        BASE64_STANDARD.decode(text).unwrap()
    }
}

/// The Bundle of the documentation.
fn documented() -> String {
    let page = std::fs::read_to_string(repository("docs/ISSUER.md")).unwrap();
    let (_, section) = page
        .split_once("\n## Roots in every namespace\n")
        .expect("the section");
    let (_, manifest) = section.split_once("```yaml\n").expect("the manifest");
    manifest.split("```").next().unwrap().to_owned()
}

fn has_all(these: &[Certificate], roots: &[Certificate]) -> bool {
    roots.iter().all(|root| these.contains(root))
}

#[test]
fn every_root_reaches_a_namespace_without_an_issuer_two_of_one_subject_too() {
    let Some(site) = Site::shared() else { return };
    let secret = site.world.secret("everywhere", &json!({}));
    let roots = site.world.rollover.all();

    let here = site.until_roots("every root is there", |these| has_all(these, &roots));

    assert!(!here.contains(&site.world.rollover.cross));
    let found = here.iter().filter(|one| roots.contains(one));
    assert_eq!(found.count(), roots.len(), "a root is there twice");
    let chain = secret.chain();
    checks::verifies(&chain[0], &chain[1..], &here);
}

#[test]
fn every_root_is_in_the_truststores_that_trust_manager_makes() {
    let Some(site) = Site::shared() else { return };
    if peer::missing("keytool") {
        return;
    }
    let (world, roots) = (&site.world, site.world.rollover.all());
    world.ra.issuer(&world.namespace, "stores", &json!({}));
    let target = site.until("every root is there", |target| {
        has_all(&target.roots(), &roots).then(|| Target(target.0.clone()))
    });

    let expected = fingerprints(&target.roots());
    let folder = tempfile::tempdir().unwrap();
    for (name, kind) in [("truststore.jks", "JKS"), ("truststore.p12", "PKCS12")] {
        let path = write(folder.path(), name, target.bytes(name));
        assert_eq!(entries(&path, kind, "changeit"), expected, "{name}");
    }
}

#[test]
fn a_root_that_the_ra_learns_of_reaches_that_namespace_and_leaves_it_when_the_ra_gives_it_up() {
    let Some(site) = Site::shared() else { return };
    let rollover = Rollover::new();
    let namespace = &site.world.namespace;
    let ra = rollover.ra(namespace.cluster, false);
    ra.issuer(namespace, "changing", &json!({}));
    let (all, other) = (rollover.all(), &rollover.other.certificate);
    let known = [&rollover.new, &rollover.old].map(|root| root.certificate.clone());
    let before = site.until_roots("what is known is there", |these| has_all(these, &known));
    assert!(!before.contains(other));

    rollover.write_old(&ra.service.setup, true);
    ra.service.program.signal("HUP");
    site.until_roots("the new one too", |these| has_all(these, &all));

    rollover.write_old(&ra.service.setup, false);
    ra.service.program.signal("HUP");
    let after = site.until_roots("it is gone", |these| !these.contains(other));
    assert!(has_all(&after, &known));
}
