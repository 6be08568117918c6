//! What cert-manager makes of a request that failed, of one that waits, and of a renewal.

use proto_tests::EmbeddedCa;
use proto_tests::fake_ra::{FakeRa, problem, reply};
use proto_tests::kube::certmanager::is_ready;
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Certway, Cluster, Namespace, Pod, Resource, Settings, Stack, certway};
use serde_json::{Value, json};

#[test]
fn a_failed_request_is_followed_by_another_and_a_waiting_one_by_none() {
    let Some(stack) = Stack::here() else { return };
    let settings = Settings {
        controllers: [
            "--certificate-request-minimum-backoff-duration=1s",
            "--certificate-request-maximum-backoff-duration=2s",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Settings::default()
    };
    let cluster = Cluster::start(stack, &settings);
    certway::manifests(&cluster);
    let _replica = Pod::named(&cluster, "certway-issuer-1").start();
    let namespace = cluster.namespace("faults");
    let ra = FakeRa::start(|desk, asked| match (asked.ca.as_str(), asked.time) {
        ("rejects-once", 1) => problem(422, "rejected-by-ca", &json!({})),
        ("decides-late", 1..=3) => reply(
            202,
            &json!({ "status": "waiting", "id": "1", "checkAfter": 1 }),
        ),
        _ => desk.issue(asked),
    });
    certway::prepare(&namespace);
    certway::credentials(&namespace, "ra-client", &ra.pki.client);
    for label in ["rejects-once", "decides-late"] {
        let spec = certway::spec(&ra.pki, ra.port(), &json!({ "ca": label }));
        let issuer = certway::issuer(&namespace, label, &spec);
        namespace.api().until_condition(&issuer, "Ready", "True");
    }

    let failing = certificate(&namespace, "failing", "rejects-once", "Always");
    let failed = namespace
        .api()
        .until_object(&failing, "its first request failed", |now| {
            (now["status"]["failedIssuanceAttempts"] == 1).then(|| now.clone())
        });
    assert!(failed["status"]["lastFailureTime"].is_string(), "{failed}");
    let late = certificate(&namespace, "late", "decides-late", "Always");
    until_ready(&namespace, &failing);
    until_ready(&namespace, &late);

    // The RA was asked for another request under another name, and for the same one under the same.
    assert_eq!(ra.times("rejects-once"), 2);
    assert_eq!(ra.names("rejects-once").len(), 2);
    assert_eq!(ra.times("decides-late"), 4);
    assert_eq!(ra.names("decides-late").len(), 1);
}

#[test]
fn a_renewal_is_a_key_update_whether_the_key_stays_or_not() {
    let Some(stack) = Stack::here() else { return };
    let cluster = Cluster::start(stack, &Settings::default());
    let ca = EmbeddedCa::start();
    let certway = Certway::before(&cluster, &ca);
    let namespace = cluster.namespace("renewals");
    certway.issuer_with(&namespace, &json!({ "renewal": { "keyUpdate": true } }));
    certway::prepare_renewal(&namespace);
    for policy in ["Never", "Always"] {
        let name = policy.to_lowercase();
        let made = certificate(&namespace, &name, "certway", policy);
        until_ready(&namespace, &made);
        let before = namespace.secret(&name).unwrap().chain();

        renew(&namespace, &made);
        let renewed = namespace
            .api()
            .until_object(&made, "it has revision 2", |now| {
                (now["status"]["revision"] == 2 && is_ready(now)).then(|| now.clone())
            });
        let after = namespace.secret(&name).unwrap().chain();
        assert_ne!(after[0], before[0], "{renewed}");
        let same_key = after[0].public_key() == before[0].public_key();
        assert_eq!(same_key, policy == "Never");
        let note = issued_note(&namespace, &format!("{name}-2"));
        assert!(
            note.contains("kur (key update request)"),
            "{policy}: {note}"
        );
    }
}

fn certificate(namespace: &Namespace<'_>, name: &str, issuer: &str, rotation: &str) -> Value {
    let spec = json!({
        "dnsNames": ["request.example.com"],
        "commonName": "request.example.com",
        "secretName": name,
        "privateKey": { "algorithm": "ECDSA", "rotationPolicy": rotation },
        "issuerRef": { "name": issuer, "kind": "Issuer", "group": "certway.dev" },
    });
    namespace.create("Certificate", name, &spec)
}

#[track_caller]
fn until_ready(namespace: &Namespace<'_>, certificate: &Value) {
    namespace
        .api()
        .until_object(certificate, "it is ready", |now| {
            is_ready(now).then_some(())
        });
}

/// What `cmctl renew` does.
fn renew(namespace: &Namespace<'_>, certificate: &Value) {
    let what = "its issuance is over";
    let now = namespace.api().until_object(certificate, what, |now| {
        (condition(now, "Issuing") == Value::Null).then(|| now.clone())
    });
    let mut conditions = now["status"]["conditions"].as_array().unwrap().clone();
    conditions.push(json!({
        "type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
        "message": "by a test", "observedGeneration": now["metadata"]["generation"],
    }));
    let status = json!({ "conditions": conditions });
    namespace.api().merge_status(certificate, &status).unwrap();
}

/// What the Event of a request's issuance says.
fn issued_note(namespace: &Namespace<'_>, request: &str) -> String {
    let events = Resource::new("events.k8s.io/v1", "Event");
    let what = format!("{request} has an Event of its issuance");
    namespace
        .api()
        .until(&events, Some(&namespace.name), &what, |all| {
            let mut all = all.values();
            let one = all.find(|event| {
                event["regarding"]["name"] == request
                    && (event["reason"] == "Issued"
                        || event["reason"] == "GrantedWithModifications")
            })?;
            one["note"].as_str().map(str::to_owned)
        })
}
