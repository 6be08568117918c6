use pki::{GeneralName, KeyKind, KeyUsages, Name, PrivateKey, Template};
use serde_json::json;

use super::*;
use crate::kinds::IssuerSpec;

fn settings() -> Settings {
    let spec: IssuerSpec = serde_json::from_value(json!({
        "url": "https://ra", "ca": "web", "auth": { "serviceAccountToken": {} }, "profile": "standard",
        "options": { "profiles": ["db"], "cas": ["other"] }
    }))
    .unwrap();
    Settings::try_from(&spec).unwrap()
}

fn csr(change: impl FnOnce(&mut Template)) -> (Csr, PrivateKey) {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(Name::default(), pki::Signer::public_key(&key).clone());
    template.sans = vec![GeneralName::Dns("web.example".to_owned())];
    change(&mut template);
    (Csr::build(&template, &key).unwrap(), key)
}

fn request(pem: &str, more: &serde_json::Value) -> CertificateRequest {
    let mut request = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": { "name": "web-1", "namespace": "web", "annotations": more["annotations"] },
        "spec": { "issuerRef": { "name": "ca" }, "request": STANDARD.encode(pem) },
    });
    for member in ["duration", "usages", "isCA"] {
        if let Some(value) = more.get(member) {
            request["spec"][member] = value.clone();
        }
    }
    serde_json::from_value(request).unwrap()
}

fn read(pem: &str, more: &serde_json::Value) -> Result<Wanted, Invalid> {
    of_certificate_request(&request(pem, more), &settings())
}

#[test]
fn a_bare_request_is_the_csr_and_the_issuers_profile() {
    let (csr, key) = csr(|_| {});
    let wanted = read(&csr.to_pem(), &json!({})).unwrap();
    assert_eq!(wanted.ca, "web");
    assert_eq!(
        wanted.request,
        EnrollRequest {
            profile: Some("standard".to_owned()),
            ..EnrollRequest::new(csr.to_pem())
        }
    );
    assert_eq!(&wanted.public_key, pki::Signer::public_key(&key));
}

#[test]
fn duration_usages_and_is_ca_travel_where_the_csr_does_not_say_them() {
    let (csr, _) = csr(|_| {});
    let more =
        json!({ "duration": "896h0m0s", "usages": ["signing", "server auth"], "isCA": true });
    let wanted = read(&csr.to_pem(), &more).unwrap().request;
    assert_eq!(wanted.duration, Some("PT896H".parse().unwrap()));
    assert_eq!(wanted.usages, [Usage::Signing, Usage::ServerAuth]);
    assert_eq!(wanted.is_ca, Some(true));
}

#[test]
fn what_the_csr_says_itself_is_not_said_twice() {
    let (csr, _) = csr(|t| {
        t.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
        t.ca = Some(pki::CaConstraint { path_len: None });
    });
    let more = json!({ "usages": ["digital signature"], "isCA": true });
    let wanted = read(&csr.to_pem(), &more).unwrap().request;
    assert!(wanted.usages.is_empty() && wanted.is_ca.is_none());
}

#[test]
fn an_annotation_that_is_allowed_takes_the_place_of_the_issuers_word() {
    let (csr, _) = csr(|_| {});
    let more = json!({ "annotations": { "certway.dev/profile": "db", "certway.dev/ca": "other" } });
    let wanted = read(&csr.to_pem(), &more).unwrap();
    assert_eq!(
        (wanted.ca.as_str(), wanted.request.profile.as_deref()),
        ("other", Some("db"))
    );
}

#[test]
fn each_thing_that_can_be_wrong_says_what_it_is() {
    let (good, _) = csr(|_| {});
    let good = good.to_pem();
    let twice = format!("{good}{good}");
    let other_label = good.replace("CERTIFICATE REQUEST", "CERTIFICATE");
    for (pem, more, says) in [
        ("", json!({}), "no PEM block"),
        ("not a CSR", json!({}), "no PEM block"),
        (twice.as_str(), json!({}), "more than one PEM block"),
        (other_label.as_str(), json!({}), "`CERTIFICATE`"),
        (
            good.as_str(),
            json!({ "duration": "soon" }),
            "duration `soon`",
        ),
        (
            good.as_str(),
            json!({ "usages": ["breathing"] }),
            "`breathing`",
        ),
        (
            good.as_str(),
            json!({ "annotations": { "certway.dev/profile": "root" } }),
            "`root`",
        ),
    ] {
        let error = read(pem, &more).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_signing_request_says_its_lifetime_by_annotation_or_in_seconds() {
    let (csr, _) = csr(|_| {});
    let read = |annotations: &serde_json::Value, seconds: Option<i32>| {
        let request: CertificateSigningRequest = serde_json::from_value(json!({
            "metadata": { "name": "r", "annotations": annotations },
            "spec": {
                "request": STANDARD.encode(csr.to_pem()), "signerName": "clusterissuers.certway.dev/ca",
                "usages": ["client auth"], "expirationSeconds": seconds
            },
        }))
        .unwrap();
        of_signing_request(&request, &settings()).unwrap().request
    };
    let lifetime = |text: &str| Some(text.parse::<Lifetime>().unwrap());
    assert_eq!(read(&json!({}), Some(3600)).duration, lifetime("PT3600S"));
    let annotated = read(
        &json!({ DURATION_ANNOTATION: "896h", IS_CA_ANNOTATION: "true" }),
        Some(3600),
    );
    assert_eq!(annotated.duration, lifetime("PT896H"));
    assert_eq!(
        (annotated.is_ca, annotated.usages),
        (Some(true), vec![Usage::ClientAuth])
    );
}
