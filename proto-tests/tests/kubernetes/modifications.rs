//! What a Certificate asks for reaches a CMP CA; what the CA changes is rejected, told of, or taken.

use jiff::SignedDuration;
use pki::{KeyUsages, Template, usage};
use pkixcmp::{PkiBody, PkiMessage};
use proto_tests::ca::{EmbeddedCa, REFERENCE, SECRET};
use proto_tests::certs::write;
use proto_tests::cmp_ca::CmpCa;
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Namespace, OwnRa, Resource, cluster};
use proto_tests::program::eventually;
use serde_json::{Value, json};

use crate::ours::certway;

/// Before a CMP CA at that address which believes that its RA checked proof-of-possession.
fn ra(url: &str) -> String {
    format!(
        r#"
[authorities.CA.cmp]
url = "{url}"
mac = {{ reference = "{REFERENCE}", secret = {{ file = "ca-secret" }} }}
takes = {{ ra_verified = true }}
[profiles.RA]
authority = "CA"
anchors = ["upstream.pem"]
ca_certificates = true
[labels.RA]
profile = "RA"
"#
    )
}

/// A namespace with the Issuer `i`, which has more in its `spec`, before a CMP CA with that root.
fn before(url: &str, root: &pki::Certificate, more: &Value) -> Option<(Namespace<'static>, OwnRa)> {
    let cluster = cluster()?;
    let namespace = cluster.namespace("modifications");
    // It brings the Role.
    certway(&namespace).issuer_in(&namespace);
    let own = OwnRa::start(cluster, &ra(url), |setup| {
        write(setup.folder(), "ca-secret", SECRET);
        write(setup.folder(), "upstream.pem", root.to_pem());
    });
    own.issuer(&namespace, "i", more);
    Some((namespace, own))
}

fn certificate(namespace: &Namespace<'_>, more: &Value) -> Value {
    let mut spec = json!({
        "dnsNames": ["web.example.com"],
        "secretName": "tls",
        "privateKey": { "algorithm": "ECDSA" },
        "issuerRef": { "name": "i", "kind": "Issuer", "group": "certway.dev" },
    });
    let more = more.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(more);
    namespace.create("Certificate", "web", &spec)
}

/// What a CMP CA that grants everything was asked for on behalf of a Certificate, with its notBefore and notAfter.
fn asked(more: &Value) -> Option<Template> {
    let ca = CmpCa::start();
    let (namespace, _ra) = before(&ca.url(), &ca.root.certificate, &json!({}))?;
    let made = certificate(&namespace, more);
    namespace.api().until_condition(&made, "Ready", "True");
    let received = ca.upstream.received();
    let templates = received.iter().filter_map(|received| {
        let message = PkiMessage::decode(received.body.clone()).ok()?;
        match message.body() {
            body @ (PkiBody::Ir(_) | PkiBody::Cr(_)) => {
                let request = &body.requests()?[0].cert_req;
                request.cert_template.to_template().ok()
            }
            _ => None,
        }
    });
    let templates: Vec<Template> = templates.collect();
    assert_eq!(templates.len(), 1, "{:?}", ca.kinds());
    templates.into_iter().next()
}

#[test]
fn a_duration_stands_in_the_cmp_request() {
    let before = jiff::Timestamp::now();
    let Some(template) = asked(&json!({ "duration": "500h" })) else {
        return;
    };
    let until = template.validity.not_after.expect("a notAfter");
    let span = SignedDuration::from_hours(500);
    let (earliest, latest) = (before + span, jiff::Timestamp::now() + span);
    let second = SignedDuration::from_secs(1);
    assert!((earliest - second..=latest).contains(&until), "{until}");
}

#[test]
fn usages_stand_in_the_cmp_request() {
    // Without a duration the PKCS#10 request says all there is, and goes on as it was signed.
    let usages = ["digital signature", "key agreement", "code signing"];
    let more = json!({ "usages": usages, "duration": "500h" });
    let Some(template) = asked(&more) else { return };
    let expected = KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_AGREEMENT;
    assert_eq!(template.key_usage, Some(expected));
    assert_eq!(template.ext_key_usage, [usage::CODE_SIGNING]);
}

#[test]
fn a_ca_certificate_stands_in_the_cmp_request() {
    let more = json!({ "isCA": true, "commonName": "A CA below" });
    let Some(template) = asked(&more) else { return };
    assert!(template.ca.is_some());
    let signs = template.key_usage.unwrap();
    assert!(signs.contains(KeyUsages::KEY_CERT_SIGN), "{signs}");
}

/// A CA that grants an hour, whatever is asked for, and what an issuer makes of that.
fn shortened(modifications: &str) -> Option<(Namespace<'static>, OwnRa, EmbeddedCa, Value)> {
    let ca = EmbeddedCa::start_with("max_validity = \"1h\"");
    let more = json!({ "modifications": modifications });
    let (namespace, own) = before(&ca.url(), &ca.root, &more)?;
    // Later than the CA's hour, so that cert-manager does not renew at once what it just got.
    let made = certificate(
        &namespace,
        &json!({ "duration": "48h", "renewBefore": "5m" }),
    );
    Some((namespace, own, ca, made))
}

fn request_of(namespace: &Namespace<'_>) -> Value {
    let kind = Resource::cert_manager("CertificateRequest");
    namespace.object(&kind, "web-1", &json!({}))
}

/// The reasons of our Events about the request, once there is this one.
fn reasons_with(namespace: &Namespace<'_>, reason: &str) -> Vec<String> {
    let events = Resource::new("events.k8s.io/v1", "Event");
    let what = format!("the Event {reason}");
    namespace
        .api()
        .until(&events, Some(&namespace.name), &what, |all| {
            let ours = all.values().filter(|event| {
                event["reportingController"] == "certway.dev/issuer"
                    && event["regarding"]["kind"] == "CertificateRequest"
            });
            let reasons: Vec<String> = ours
                .filter_map(|event| event["reason"].as_str().map(str::to_owned))
                .collect();
            reasons.iter().any(|one| one == reason).then_some(reasons)
        })
}

#[test]
fn a_changed_certificate_is_revoked_and_the_request_fails_where_changes_are_rejected() {
    let Some((namespace, _ra, ca, _made)) = shortened("Reject") else {
        return;
    };
    let api = namespace.api();
    let failed = api.until_condition(&request_of(&namespace), "Ready", "False");
    let failed = match condition(&failed, "Ready")["reason"].as_str() {
        Some("Failed") => failed,
        _ => api.until_object(&failed, "the request fails", |now| {
            (condition(now, "Ready")["reason"] == "Failed").then(|| now.clone())
        }),
    };
    let message = condition(&failed, "Ready")["message"].clone();
    assert!(message.as_str().unwrap().contains("notAfter"), "{message}");
    assert!(failed["status"]["failureTime"].is_string(), "{failed}");
    assert!(failed["status"]["certificate"].is_null(), "{failed}");
    eventually("the CA has it revoked", || ca.revoked() == 1);
    assert_eq!(ca.issued(), 1);
}

#[test]
fn a_changed_certificate_is_taken_and_told_of_where_changes_are_to_be_warned_of() {
    let Some((namespace, _ra, _ca, made)) = shortened("Warn") else {
        return;
    };
    namespace.api().until_condition(&made, "Ready", "True");
    let request = namespace.api().read(&request_of(&namespace)).unwrap();
    let message = condition(&request, "Ready")["message"].clone();
    assert!(message.as_str().unwrap().contains("notAfter"), "{message}");
    reasons_with(&namespace, "GrantedWithModifications");
}

#[test]
fn a_changed_certificate_is_taken_without_a_word_where_changes_are_accepted() {
    let Some((namespace, _ra, _ca, made)) = shortened("Accept") else {
        return;
    };
    namespace.api().until_condition(&made, "Ready", "True");
    let reasons = reasons_with(&namespace, "Issued");
    assert!(
        !reasons
            .iter()
            .any(|reason| reason == "GrantedWithModifications")
    );
    let request = namespace.api().read(&request_of(&namespace)).unwrap();
    let message = condition(&request, "Ready")["message"].clone();
    assert_eq!(message, "Certificate issued");
}
