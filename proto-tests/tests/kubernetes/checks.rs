//! What every certificate is looked at for, whatever the case was.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use pki::usage::Usage;
use pki::{Certificate, GeneralName, KeyKind, KeyUsages, ObjectIdentifier, name};
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Namespace, Secret};
use proto_tests::{certs, peer};
use serde_json::Value;

use crate::feature::Feature;
use crate::tested::Tested;

/// cert-manager's default.
const DURATION: &str = "2160h";
/// Between what was asked for and what was issued; clocks and seconds that are cut off.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// Checks a Certificate that is ready, and the Secret that cert-manager wrote for it.
#[track_caller]
pub fn certificate(tested: &Tested, namespace: &Namespace<'_>, object: &Value) -> Secret {
    let spec = &object["spec"];
    let secret_name = spec["secretName"].as_str().unwrap();
    let secret = namespace.secret(secret_name).expect("the Secret is there");
    let chain = secret.chain();
    let leaf = &chain[0];

    assert_eq!(secret.key().public_key(), leaf.public_key());
    assert_eq!(
        secret.0["metadata"]["annotations"]["cert-manager.io/certificate-name"],
        object["metadata"]["name"]
    );
    let ready = condition(object, "Ready");
    assert_eq!(
        ready["observedGeneration"],
        object["metadata"]["generation"]
    );
    let until: Timestamp = text(&object["status"]["notAfter"]).parse().unwrap();
    assert_eq!(leaf.not_after(), until);

    key_kind(spec, leaf);
    names(tested, spec, leaf);
    assert_eq!(leaf.is_ca(), spec["isCA"] == true, "basicConstraints");
    if tested.supports(Feature::KeyUsages) {
        usages(&usages_of(spec), leaf);
    }
    if tested.supports(Feature::Duration) {
        duration(spec["duration"].as_str().unwrap_or(DURATION), leaf);
    }
    if tested.supports(Feature::SaveCa) {
        let ca = secret.ca();
        assert!(ca[0].is_self_signed(), "ca.crt does not begin with a root");
        verifies(leaf, &chain[1..], &ca);
    }
    secret
}

/// Checks that `openssl verify` leads the leaf to one of the roots.
#[track_caller]
pub fn verifies(leaf: &Certificate, intermediates: &[Certificate], roots: &[Certificate]) {
    let folder = tempfile::tempdir().unwrap();
    let pem = |all: &[Certificate]| all.iter().map(Certificate::to_pem).collect::<String>();
    certs::write(folder.path(), "leaf.pem", leaf.to_pem());
    certs::write(folder.path(), "roots.pem", pem(roots));
    let mut arguments = vec!["verify", "-CAfile", "roots.pem"];
    if !intermediates.is_empty() {
        certs::write(folder.path(), "between.pem", pem(intermediates));
        arguments.extend(["-untrusted", "between.pem"]);
    }
    arguments.push("leaf.pem");
    let said = peer::run("openssl", folder.path(), &arguments);
    assert!(said.contains("leaf.pem: OK"), "{said}");
}

/// Checks that a certificate is valid for as long as was asked: `896h`.
#[track_caller]
pub fn duration(asked: &str, leaf: &Certificate) {
    let hours = asked.strip_suffix('h').expect("hours").parse().unwrap();
    lasts(SignedDuration::from_hours(hours), leaf);
}

/// The same for any time.
#[track_caller]
pub fn lasts(asked: SignedDuration, leaf: &Certificate) {
    let granted = leaf.not_before().duration_until(leaf.not_after());
    let off = (granted - asked).abs();
    assert!(off <= TOLERANCE, "asked {asked}, granted {granted}");
}

/// Checks that a certificate is good for all of these; an issuer may add to them.
#[track_caller]
pub fn usages(asked: &[Usage], leaf: &Certificate) {
    let granted = leaf.key_usage().unwrap_or(KeyUsages::NONE);
    let extended: &[ObjectIdentifier] = leaf.ext_key_usage().unwrap_or_default();
    for usage in asked {
        let has = match usage {
            Usage::Key(usage) => granted.contains(*usage),
            Usage::Extended(usage) => extended.contains(usage),
        };
        assert!(has, "no {usage} among {granted} and {extended:?}");
    }
}

/// Usages by cert-manager's names.
pub fn named(usages: &[&str]) -> Vec<Usage> {
    usages.iter().map(|name| name.parse().unwrap()).collect()
}

fn usages_of(spec: &Value) -> Vec<Usage> {
    let mut asked = match list(&spec["usages"]) {
        none if none.is_empty() => vec!["digital signature", "key encipherment"],
        some => some,
    };
    if spec["isCA"] == true {
        asked.push("cert sign");
    }
    named(&asked)
}

fn key_kind(spec: &Value, leaf: &Certificate) {
    let kind = leaf.public_key().kind();
    let expected = match spec["privateKey"]["algorithm"].as_str().unwrap_or("RSA") {
        "RSA" => KeyKind::Rsa { bits: 2048 },
        "ECDSA" => KeyKind::P256,
        "Ed25519" => KeyKind::Ed25519,
        other => panic!("{other}"),
    };
    assert_eq!(kind, expected);
}

#[track_caller]
fn names(tested: &Tested, spec: &Value, leaf: &Certificate) {
    let has = of_kind(leaf, "dns");
    for asked in list(&spec["dnsNames"]) {
        assert!(has.contains(asked), "no {asked} in {has:?}");
    }
    if tested.supports(Feature::IpAddresses) {
        assert_eq!(of_kind(leaf, "ip"), set(&spec["ipAddresses"]));
    }
    if tested.supports(Feature::UriSans) {
        assert_eq!(of_kind(leaf, "uri"), set(&spec["uris"]));
    }
    if tested.supports(Feature::EmailSans) {
        assert_eq!(of_kind(leaf, "email"), set(&spec["emailAddresses"]));
    }
    let common_name = name::common_name(leaf.subject());
    if tested.supports(Feature::CommonName)
        && let Some(asked) = spec["commonName"].as_str()
    {
        assert_eq!(common_name.as_deref(), Some(asked));
    }
    if let Some(asked) = spec["literalSubject"].as_str() {
        assert_eq!(leaf.subject().to_string(), asked);
    }
}

/// The names of one kind, without the word for it.
pub fn of_kind(leaf: &Certificate, kind: &str) -> BTreeSet<String> {
    let texts = leaf.sans().iter().map(GeneralName::to_string);
    let prefix = format!("{kind}:");
    texts
        .filter_map(|text| text.strip_prefix(&prefix).map(str::to_owned))
        .collect()
}

fn set(value: &Value) -> BTreeSet<String> {
    list(value).into_iter().map(str::to_owned).collect()
}

fn list(value: &Value) -> Vec<&str> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
