use super::*;
use crate::fixtures::read;

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&read(&format!("certificates/{name}.pem"))).unwrap()
}

#[test]
fn what_openssl_wrote_is_read() {
    let read = certificate("everything-without-end");
    assert_eq!(
        name::onap::display(read.subject()),
        "C=DE,O=Example Org,CN=node-1.example"
    );
    assert_eq!(hex::encode(read.serial()), "0080ff");
    assert_eq!(read.not_before(), "2020-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(read.not_after(), Timestamp::MAX);
    assert!(read.is_valid_at(Timestamp::MAX));
    assert_eq!(read.sans().len(), 9);
    assert_eq!(read.ca_constraint(), None);
    assert!(read.key_usage().is_some());
    assert!(read.is_self_signed());
}

#[test]
fn a_ca_certificate_of_another_maker_is_read() {
    let mut parameters = rcgen::CertificateParams::new(["ca.example".to_owned()]).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(2));
    parameters.key_usages = vec![
        rcgen::KeyUsagePurpose::KeyCertSign,
        rcgen::KeyUsagePurpose::CrlSign,
    ];
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let made = parameters.self_signed(&key).unwrap();
    let read = Certificate::from_der(made.der().to_vec()).unwrap();
    assert_eq!(
        read.ca_constraint(),
        Some(CaConstraint { path_len: Some(2) })
    );
    let usages = KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN;
    assert_eq!(read.key_usage(), Some(usages));
    assert!(read.is_self_signed());
}

#[test]
fn a_signature_that_was_verified_is_still_none_of_another_key() {
    let read = certificate("self-signed-v1");
    let other = certificate("everything-without-end");
    assert_eq!(read.verify_signed_by(read.public_key()), Ok(()));
    assert!(read.clone().verify_signed_by(other.public_key()).is_err());
    assert_eq!(read.clone().verify_signed_by(read.public_key()), Ok(()));
}

#[test]
fn a_version_1_certificate_is_read() {
    let read = certificate("self-signed-v1");
    assert!(read.is_self_signed());
    assert!(!read.is_ca());
    assert!(read.sans().is_empty());
    assert_eq!(read.ext_key_usage(), None);
    assert_eq!(read.id().issuer, read.issuer().to_der().unwrap());
}

#[test]
fn pem_is_as_openssl_writes_it() {
    let text = read("certificates/self-signed-sha1.pem");
    assert_eq!(certificate("self-signed-sha1").to_pem().as_bytes(), text);
}

#[test]
fn the_validity_includes_its_last_second() {
    let read = certificate("self-signed-sha1");
    let last = read.not_after();
    assert!(read.is_valid_at(last));
    assert!(read.is_valid_at(last + jiff::SignedDuration::from_millis(999)));
    assert!(!read.is_valid_at(last + jiff::SignedDuration::from_secs(1)));
    assert!(!read.is_valid_at(read.not_before() - jiff::SignedDuration::from_secs(1)));
}

#[test]
fn a_changed_certificate_does_not_verify() {
    let original = certificate("everything-without-end");
    let mut der = original.der().to_vec();
    let at = der
        .windows(6)
        .position(|window| window == b"node-1")
        .unwrap();
    der[at] = b'N';
    let changed = Certificate::from_der(der).unwrap();
    assert_eq!(
        changed.verify_signed_by(original.public_key()),
        Err(VerifyError::Wrong)
    );
    assert_ne!(changed, original);
}

#[test]
fn an_algorithm_that_differs_inside_and_outside_is_not_believed() {
    let original = certificate("self-signed-sha1");
    let mut der = original.der().to_vec();
    let sha1 = hex::decode("2a864886f70d010105").unwrap();
    let last = der.windows(9).rposition(|window| window == sha1).unwrap();
    der[last + 8] = 11;
    let changed = Certificate::from_der(der).unwrap();
    assert_eq!(
        changed.verify_signed_by(original.public_key()),
        Err(VerifyError::Disagree)
    );
}

#[test]
fn the_issuer_of_the_id_is_that_of_the_bytes() {
    let read = certificate("everything-without-end");
    let id = read.id();
    assert!(
        read.der()
            .windows(id.issuer.len())
            .any(|window| window == id.issuer)
    );
    assert_eq!(
        id.to_string(),
        "serial 0080ff of CN=node-1.example,O=Example Org,C=DE"
    );
}

#[test]
fn truncated_and_changed_certificates_do_not_panic() {
    let der = certificate("everything-without-end").der().to_vec();
    for len in 0..der.len() {
        assert!(Certificate::from_der(der[..len].to_vec()).is_err());
    }
    for at in 0..der.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = der.clone();
            changed[at] ^= change;
            if let Ok(read) = Certificate::from_der(changed) {
                let _ = (read.is_self_issued(), format!("{read:?} {}", read.id()));
            }
        }
    }
}

#[test]
fn serde_keeps_the_bytes_in_binary_and_in_json() {
    let original = certificate("everything-without-end");
    let binary = postcard::to_allocvec(&(&original, original.id())).unwrap();
    let read: (Certificate, CertificateId) = postcard::from_bytes(&binary).unwrap();
    assert_eq!(read, (original.clone(), original.id()));
    let json = serde_json::to_string(&original).unwrap();
    assert_eq!(
        serde_json::from_str::<Certificate>(&json).unwrap(),
        original
    );
}

#[test]
fn junk_in_storage_is_refused_when_read_back() {
    let binary = postcard::to_allocvec(&Bytes::from_static(b"junk")).unwrap();
    assert!(postcard::from_bytes::<Certificate>(&binary).is_err());
}

#[test]
fn text_without_a_certificate_says_what_was_expected() {
    let error = Certificate::from_pem(&read("keys/p256-pkcs8.pem")).unwrap_err();
    assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
}

#[test]
fn a_text_without_blocks_is_an_empty_list_of_certificates() {
    assert!(
        Certificate::all_from_pem(b"nothing here\n")
            .unwrap()
            .is_empty()
    );
}
