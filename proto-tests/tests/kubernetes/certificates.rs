//! What cert-manager's conformance suite asks of an issuer of Certificates, in our own words.

use pki::Certificate;
use proto_tests::kube::Namespace;
use proto_tests::kube::certmanager::is_ready;
use serde_json::{Value, json};

use crate::checks;
use crate::feature::Feature::{self, *};
use crate::tested::Tested;

/// Each case as a test for each issuer: its name, what it needs of the issuer, and the Certificate's `spec`.
macro_rules! cases {
    ($($name:ident [$($feature:ident),*] $spec:tt;)*) => {
        mod in_tree {
            use crate::in_tree::IN_TREE;
            use super::*;
            $(
                #[test]
                fn $name() {
                    issues(&IN_TREE, &[$($feature),*], json!($spec));
                }
            )*
        }

        mod certway {
            use crate::ours::CERTWAY;
            use super::*;
            $(
                #[test]
                fn $name() {
                    issues(&CERTWAY, &[$($feature),*], json!($spec));
                }
            )*
        }
    };
}

cases! {
    a_defaulted_certificate_for_one_dns_name [OnlySan] { "dnsNames": ["one.example.com"] };
    a_ca_certificate_with_its_basic_constraints [IssueCa] { "isCA": true, "dnsNames": ["ca.example.com"] };
    an_ecdsa_certificate_for_one_dns_name [OnlySan, EcdsaKeys] {
        "dnsNames": ["ecdsa.example.com"], "privateKey": { "algorithm": "ECDSA" },
    };
    an_ed25519_certificate_for_one_dns_name [OnlySan, Ed25519Keys] {
        "dnsNames": ["ed25519.example.com"], "privateKey": { "algorithm": "Ed25519" },
    };
    an_rsa_certificate_for_a_common_name_alone [CommonName] { "commonName": "common-name-rsa" };
    an_ecdsa_certificate_for_a_common_name_alone [CommonName, EcdsaKeys] {
        "commonName": "common-name-ecdsa", "privateKey": { "algorithm": "ECDSA" },
    };
    an_ed25519_certificate_for_a_common_name_alone [CommonName, Ed25519Keys] {
        "commonName": "common-name-ed25519", "privateKey": { "algorithm": "Ed25519" },
    };
    a_literal_subject_in_its_order_with_a_dns_name [LiteralSubject] {
        "literalSubject": "CN=literal,OU=Unit,O=Example,C=DE", "dnsNames": ["literal.example.com"],
    };
    an_ip_address [IpAddresses] { "ipAddresses": ["10.1.2.3"] };
    a_dns_name_and_an_ip_address [OnlySan, IpAddresses] {
        "dnsNames": ["ip.example.com"], "ipAddresses": ["10.1.2.3"],
    };
    a_common_name_and_ip_addresses_of_both_versions [CommonName, IpAddresses] {
        "commonName": "common-name-ip", "ipAddresses": ["10.1.2.3", "2001:db8::1"],
    };
    an_email_address [OnlySan, EmailSans] { "emailAddresses": ["alice@example.com"] };
    a_common_name_and_a_uri [CommonName, UriSans] {
        "commonName": "common-name-uri", "uris": ["spiffe://cluster.local/ns/a/sa/b"],
    };
    a_uri_alone [OnlySan, UriSans] { "uris": ["spiffe://cluster.local/ns/a/sa/b"] };
    two_dns_names_one_of_which_is_the_common_name [CommonName] {
        "commonName": "one.example.com", "dnsNames": ["one.example.com", "two.example.com"],
    };
    a_dns_name_and_another_common_name [CommonName] {
        "commonName": "one.example.com", "dnsNames": ["two.example.com"],
    };
    a_common_name_a_dns_name_and_a_duration [CommonName, Duration] {
        "commonName": "long.example.com", "dnsNames": ["long.example.com"], "duration": "896h",
    };
    a_dns_name_and_a_duration [OnlySan, Duration] { "dnsNames": ["long.example.com"], "duration": "896h" };
    a_wildcard [OnlySan, Wildcards] { "dnsNames": ["*.example.com"] };
    a_wildcard_and_what_it_is_below [OnlySan, Wildcards] { "dnsNames": ["*.example.com", "example.com"] };
    usages_other_than_the_usual_ones [OnlySan, KeyUsages] {
        "dnsNames": ["usages.example.com"],
        "usages": ["signing", "data encipherment", "server auth", "client auth"],
    };
    a_dns_name_with_the_longest_label_there_can_be [OnlySan, LongDomain] {
        "dnsNames": ["a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-123.example.com"],
    };
}

/// The cases that do more than to look at what was issued.
macro_rules! stories {
    ($($name:ident [$($feature:ident),*];)*) => {
        mod in_tree_stories {
            use crate::in_tree::IN_TREE;
            use super::*;
            $(
                #[test]
                fn $name() {
                    super::$name(&IN_TREE, &[$($feature),*]);
                }
            )*
        }

        mod certway_stories {
            use crate::ours::CERTWAY;
            use super::*;
            $(
                #[test]
                fn $name() {
                    super::$name(&CERTWAY, &[$($feature),*]);
                }
            )*
        }
    };
}

stories! {
    two_other_names_and_an_email_address [OtherNames, EmailSans];
    the_same_key_again_when_the_certificate_was_lost [OnlySan, ReusePrivateKey];
    a_dns_name_that_was_added_later [OnlySan];
}

fn two_other_names_and_an_email_address(tested: &Tested, features: &[Feature]) {
    let upn = "1.3.6.1.4.1.311.20.2.3";
    let spec = json!({
        "emailAddresses": ["bob@example.com"],
        "otherNames": [
            { "oid": upn, "utf8Value": "bob@corp.example" },
            { "oid": "1.2.3.4.5", "utf8Value": "anything" },
        ],
    });
    let Some(leaf) = issues(tested, features, spec) else {
        return;
    };
    // UTF8String, 16 octets and 8.
    let named = |oid: &str, text: &str| {
        let length = format!("{:02X}", text.len());
        format!("{oid};0C{length}{}", hex::encode_upper(text))
    };
    let has: Vec<String> = checks::of_kind(&leaf, "other").into_iter().collect();
    let has: Vec<String> = has.iter().map(|name| name.to_uppercase()).collect();
    let expected = [
        named("1.2.3.4.5", "anything"),
        named(upn, "bob@corp.example"),
    ];
    assert_eq!(has, expected);
}

fn the_same_key_again_when_the_certificate_was_lost(tested: &Tested, features: &[Feature]) {
    let Some((namespace, provided)) = tested.site("reuse", features) else {
        return;
    };
    let spec = json!({
        "secretName": "tls",
        "issuerRef": provided.reference,
        "dnsNames": ["reuse.example.com"],
        "privateKey": { "algorithm": "ECDSA", "rotationPolicy": "Never" },
    });
    let object = ready(&namespace, &namespace.create("Certificate", "c", &spec));
    let before = checks::certificate(tested, &namespace, &object);

    // The type of the Secret does not let the name go, only what stands there.
    let change = json!({ "data": { "tls.crt": "" } });
    namespace.api().merge(&before.0, &change).unwrap();
    let again = namespace
        .api()
        .until_object(&object, "it is issued again", |now| {
            let again = now["status"]["revision"] == 2 && is_ready(now);
            again.then(|| now.clone())
        });

    let after = checks::certificate(tested, &namespace, &again);
    assert_eq!(before.key().public_key(), after.key().public_key());
    assert_ne!(before.chain()[0].serial(), after.chain()[0].serial());
}

fn a_dns_name_that_was_added_later(tested: &Tested, features: &[Feature]) {
    let Some((namespace, provided)) = tested.site("add", features) else {
        return;
    };
    let spec = json!({
        "secretName": "tls",
        "issuerRef": provided.reference,
        "dnsNames": ["one.example.com"],
        "privateKey": { "algorithm": "ECDSA" },
    });
    let object = ready(&namespace, &namespace.create("Certificate", "c", &spec));
    let names = json!(["one.example.com", "two.example.com"]);
    let change = json!({ "spec": { "dnsNames": names } });
    let changed = namespace.api().merge(&object, &change).unwrap();

    let secret = checks::certificate(tested, &namespace, &ready(&namespace, &changed));
    let has = checks::of_kind(&secret.chain()[0], "dns");
    assert_eq!(json!(has), names);
}

/// Has a Certificate with that `spec` issued, and looks at everything; gives its leaf, or `None` when there is nothing to test.
#[track_caller]
fn issues(tested: &Tested, features: &[Feature], mut spec: Value) -> Option<Certificate> {
    let (namespace, provided) = tested.site("certificate", features)?;
    spec["secretName"] = "tls".into();
    spec["issuerRef"] = provided.reference.clone();
    let object = ready(&namespace, &namespace.create("Certificate", "c", &spec));
    let secret = checks::certificate(tested, &namespace, &object);
    let chain = secret.chain();
    checks::verifies(&chain[0], &chain[1..], std::slice::from_ref(&provided.root));
    Some(chain[0].clone())
}

/// Waits until a Certificate is ready as it is now, and nothing is being issued for it.
#[track_caller]
pub fn ready(namespace: &Namespace<'_>, certificate: &Value) -> Value {
    let generation = certificate["metadata"]["generation"].as_i64();
    namespace
        .api()
        .until_object(certificate, "the Certificate is ready", |now| {
            let current = now["metadata"]["generation"].as_i64() >= generation;
            let issuing = proto_tests::kube::watch::condition(now, "Issuing")["status"] == "True";
            (current && is_ready(now) && !issuing).then(|| now.clone())
        })
}
