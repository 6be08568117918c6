//! What cert-manager's conformance suite asks of a signer of Kubernetes' own CertificateSigningRequests, in our own words.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use pki::{Certificate, Csr, KeyKind, PrivateKey, Template};
use proto_tests::Keys;
use proto_tests::certs::{dn, sans};
use serde_json::{Value, json};

use crate::checks;
use crate::feature::Feature::{self, *};
use crate::tested::Tested;

/// A request: what stands in the PKCS#10 request, and what around it.
struct Case {
    key: KeyKind,
    common_name: Option<&'static str>,
    sans: &'static [&'static str],
    usages: &'static [&'static str],
    /// `spec.expirationSeconds`.
    seconds: Option<i64>,
    /// cert-manager's annotation for a duration in hours.
    hours: Option<i64>,
    /// cert-manager's annotation for a CA.
    is_ca: bool,
}

const RSA: KeyKind = KeyKind::Rsa { bits: 2048 };

/// What a case has unless it says otherwise.
const USUAL: Case = Case {
    key: RSA,
    common_name: None,
    sans: &[],
    usages: &["digital signature", "key encipherment"],
    seconds: None,
    hours: None,
    is_ca: false,
};

macro_rules! cases {
    ($($name:ident [$($feature:ident),*] { $($field:ident: $value:expr),* $(,)? };)*) => {
        mod in_tree {
            use crate::in_tree::IN_TREE;
            use super::*;
            $(
                #[test]
                fn $name() {
                    let case = Case { $($field: $value,)* ..USUAL };
                    signs(&IN_TREE, &[$($feature),*], &case);
                }
            )*
        }

        mod certway {
            use crate::ours::CERTWAY;
            use super::*;
            $(
                #[test]
                fn $name() {
                    let case = Case { $($field: $value,)* ..USUAL };
                    signs(&CERTWAY, &[$($feature),*], &case);
                }
            )*
        }
    };
}

cases! {
    an_rsa_key_and_a_dns_name [OnlySan] { sans: &["dns:rsa.example.com"] };
    an_ecdsa_key_and_a_dns_name [OnlySan, EcdsaKeys] { key: KeyKind::P256, sans: &["dns:ecdsa.example.com"] };
    an_ed25519_key_and_a_dns_name [OnlySan, Ed25519Keys] { key: KeyKind::Ed25519, sans: &["dns:ed25519.example.com"] };
    an_rsa_key_and_a_common_name [CommonName] { common_name: Some("common-name-rsa") };
    an_ecdsa_key_and_a_common_name [CommonName, EcdsaKeys] { key: KeyKind::P256, common_name: Some("common-name-ecdsa") };
    an_ed25519_key_and_a_common_name [CommonName, Ed25519Keys] {
        key: KeyKind::Ed25519, common_name: Some("common-name-ed25519"),
    };
    a_common_name_and_two_ip_addresses [CommonName, IpAddresses] {
        common_name: Some("common-name-ip"), sans: &["ip:127.0.0.1", "ip:8.8.8.8"],
    };
    an_ip_address [OnlySan, IpAddresses] { sans: &["ip:10.1.2.3"] };
    a_dns_name_and_an_ip_address [OnlySan, IpAddresses] { sans: &["dns:ip.example.com", "ip:10.1.2.3"] };
    a_ca [CommonName, IssueCa, KeyUsages] {
        common_name: Some("a CA"), is_ca: true, usages: &["digital signature", "key encipherment", "cert sign"],
    };
    two_email_addresses [OnlySan, EmailSans] { sans: &["email:alice@example.com", "email:bob@example.org"] };
    a_common_name_and_a_uri [CommonName, UriSans] {
        common_name: Some("common-name-uri"), sans: &["uri:spiffe://cluster.local/ns/a/sa/b"],
    };
    two_dns_names_one_of_which_is_the_common_name [CommonName] {
        common_name: Some("one.example.com"), sans: &["dns:one.example.com", "dns:two.example.com"],
    };
    a_dns_name_and_another_common_name [CommonName] {
        common_name: Some("one.example.com"), sans: &["dns:two.example.com"],
    };
    a_common_name_a_dns_name_and_a_duration_by_annotation [CommonName, Duration] {
        common_name: Some("long.example.com"), sans: &["dns:long.example.com"], hours: Some(896),
    };
    a_common_name_a_dns_name_and_a_duration_in_seconds [CommonName, Duration] {
        common_name: Some("short.example.com"), sans: &["dns:short.example.com"], seconds: Some(3333),
    };
    a_dns_name_and_a_duration_by_annotation [OnlySan, Duration] { sans: &["dns:long.example.com"], hours: Some(896) };
    a_wildcard [OnlySan, Wildcards] { sans: &["dns:*.example.com"] };
    a_wildcard_and_what_it_is_below [OnlySan, Wildcards] { sans: &["dns:*.example.com", "dns:example.com"] };
    a_uri_alone [OnlySan, UriSans] { sans: &["uri:spiffe://cluster.local/ns/a/sa/b"] };
    usages_other_than_the_usual_ones [CommonName, KeyUsages] {
        common_name: Some("usages.example.com"), sans: &["dns:usages.example.com"],
        usages: &["server auth", "client auth", "digital signature", "data encipherment"],
    };
    a_ca_that_lasts_long [CommonName, IssueCa, KeyUsages, Duration] {
        common_name: Some("a lasting CA"), is_ca: true, hours: Some(10_000),
        usages: &["digital signature", "key encipherment", "cert sign"],
    };
    a_dns_name_with_the_longest_label_there_can_be [OnlySan, LongDomain] {
        sans: &["dns:a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-123.example.com"],
    };
}

/// Has a request approved and signed, and looks at what was signed.
#[track_caller]
fn signs(tested: &Tested, features: &[Feature], case: &Case) {
    let Some((namespace, provided)) = tested.site("signing", features) else {
        return;
    };
    let key = match case.key {
        RSA => Keys::rsa(),
        other => PrivateKey::generate(other).unwrap(),
    };
    let request = object(case, &key, &namespace.name, &provided.signer_name);
    let request = namespace.api().create(&request).unwrap();
    approve(namespace.api(), &request);

    let (what, api) = ("the request is signed", namespace.api());
    let signed = api.until_object(&request, what, |now| {
        let certificate = now["status"]["certificate"].as_str()?;
        Some(BASE64_STANDARD.decode(certificate).unwrap())
    });
    let chain = Certificate::all_from_pem(&signed).unwrap();
    check(tested, case, &key, &chain[0]);
    checks::verifies(&chain[0], &chain[1..], std::slice::from_ref(&provided.root));
}

fn object(case: &Case, key: &PrivateKey, name: &str, signer: &str) -> Value {
    let subject = case.common_name.map(|name| dn(&format!("CN={name}")));
    let mut template = Template::new(subject.unwrap_or_default(), key.public_key().clone());
    template.sans = sans(case.sans);
    let request = Csr::build(&template, key).unwrap().to_pem();
    let mut annotations = json!({});
    if let Some(hours) = case.hours {
        annotations["experimental.cert-manager.io/request-duration"] = format!("{hours}h").into();
    }
    if case.is_ca {
        annotations["experimental.cert-manager.io/request-is-ca"] = "true".into();
    }
    json!({
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": { "name": name, "annotations": annotations },
        "spec": {
            "request": BASE64_STANDARD.encode(request),
            "signerName": signer,
            "usages": case.usages,
            "expirationSeconds": case.seconds,
        },
    })
}

/// As `kubectl certificate approve` does.
fn approve(api: &proto_tests::kube::Api, request: &Value) {
    let mut approved = request.clone();
    approved["status"]["conditions"] = json!([{
        "type": "Approved", "status": "True", "reason": "Tests", "message": "by the tests",
    }]);
    let name = request["metadata"]["name"].as_str().unwrap();
    let path = format!("/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/approval");
    api.put(&path, &approved).unwrap();
}

#[track_caller]
fn check(tested: &Tested, case: &Case, key: &PrivateKey, leaf: &Certificate) {
    assert_eq!(leaf.public_key(), key.public_key());
    assert_eq!(leaf.is_ca(), case.is_ca, "basicConstraints");
    for kind in ["dns", "ip", "email", "uri"] {
        let prefix = format!("{kind}:");
        let asked = case.sans.iter();
        let asked = asked.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned));
        assert_eq!(checks::of_kind(leaf, kind), asked.collect());
    }
    let common_name = pki::name::common_name(leaf.subject());
    if tested.supports(CommonName) {
        assert_eq!(common_name.as_deref(), case.common_name);
    }
    if tested.supports(KeyUsages) {
        checks::usages(&checks::named(case.usages), leaf);
    }
    if let Some(hours) = case.hours {
        checks::lasts(SignedDuration::from_hours(hours), leaf);
    }
    if let Some(seconds) = case.seconds {
        checks::lasts(SignedDuration::from_secs(seconds), leaf);
    }
}
