//! certway-issuer with `--watch-namespaces`: Roles in some namespaces, and nothing in the cluster.

use proto_tests::kube::{Namespace, OwnRa, Replica, Resource, namespaced};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::admission::request;
use crate::apart::{apart, approve, issued};

/// Has a certificate issued by the Issuer `i` of a namespace.
fn certificate(namespace: &Namespace<'_>, name: &str) {
    let spec = json!({
        "commonName": format!("{name}.example.com"),
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "i", "kind": "Issuer", "group": "certway.dev" },
    });
    issued(namespace, name, &spec);
    assert!(namespace.secret(name).is_some());
}

#[test]
fn certificates_come_in_the_namespaces_that_are_watched_and_in_no_other() {
    let Some(cluster) = apart() else { return };
    let names = ["watched-a", "watched-b", "unwatched"];
    let [a, b, c] = names.map(|name| cluster.namespace(name));
    let ra = OwnRa::over_its_own_ca(cluster);
    let issuer = namespaced::start(&[&a, &b], &[]);
    // Nobody looks at this one, so nobody is waited for.
    let kind = Resource::new("certway.dev/v1beta1", "Issuer");
    let spec = json!({
        "url": ra.url(), "ca": "RA", "auth": { "clientCertificate": { "secretName": "s" } },
    });
    let ignored = c.object(&kind, "i", &json!({ "spec": spec }));
    c.api().create(&ignored).unwrap();
    let reference = json!({ "name": "i", "kind": "Issuer", "group": "certway.dev" });
    let unanswered = request(&c, "r", &reference);
    let unanswered = c.api().create(&unanswered).unwrap();
    approve(&c, &unanswered);

    for namespace in [&a, &b] {
        ra.issuer(namespace, "i", &json!({}));
        certificate(namespace, "web");
    }

    for object in [&ignored, &unanswered] {
        let now = c.api().read(object).unwrap();
        let conditions = now["status"]["conditions"].as_array().into_iter().flatten();
        let kinds: Vec<&Value> = conditions.map(|condition| &condition["type"]).collect();
        assert!(!kinds.contains(&&json!("Ready")), "{now}");
    }
    assert!(!is_forbidden(&issuer), "{}", issuer.program.output().text());
}

#[test]
fn a_namespace_that_goes_does_not_disturb_the_others() {
    let Some(cluster) = apart() else { return };
    let [stays, goes] = ["stays", "goes"].map(|name| cluster.namespace(name));
    let ra = OwnRa::over_its_own_ca(cluster);
    let mut issuer = namespaced::start(&[&stays, &goes], &[]);
    ra.issuer(&stays, "i", &json!({}));
    ra.issuer(&goes, "i", &json!({}));
    certificate(&goes, "before");

    let object = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": goes.name },
    });
    cluster.admin.delete(&object).unwrap();
    cluster.admin.until_gone(&object);
    certificate(&stays, "after");

    // With the namespace went the Role: whoever begins now may not even look there.
    issuer.program.kill();
    issuer.restart(cluster);
    eventually("the issuer sees that it may not look there", || {
        is_forbidden(&issuer)
    });
    certificate(&stays, "again");
    assert!(issuer.is_ready());
}

fn is_forbidden(issuer: &Replica) -> bool {
    let log = issuer.program.output().text();
    log.to_lowercase().contains("forbidden")
}
