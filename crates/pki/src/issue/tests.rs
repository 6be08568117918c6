use futures::executor::block_on;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::*;
use crate::fixtures::key;
use crate::general_name::GeneralName;
use crate::{CaConstraint, KeyUsages, PrivateKey, name, usage};

const FROM: &str = "2026-01-01T00:00:00Z";
const UNTIL: &str = "2027-01-01T00:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn serial(last: u8) -> Serial {
    let mut bytes = [0; 16];
    bytes[15] = last;
    Serial::from_random(bytes)
}

fn root(key: &PrivateKey) -> Certificate {
    let subject = name::onap::parse("O=Example,CN=Root").unwrap();
    let mut template = Template::new(subject, key.public_key().clone());
    template.ca = Some(CaConstraint { path_len: Some(0) });
    template.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN);
    let parameters = TbsParameters::self_signed(template, serial(1), at(FROM), at(UNTIL));
    block_on(issue(&parameters, key)).unwrap()
}

fn leaf_template(key: &PrivateKey) -> Template {
    let subject = name::onap::parse("O=Example,CN=leaf").unwrap();
    let mut template = Template::new(subject, key.public_key().clone());
    template.sans = vec![
        GeneralName::Dns("leaf.example".into()),
        GeneralName::Ip([10, 0, 0, 1].into()),
    ];
    template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    template.ext_key_usage = vec![usage::SERVER_AUTH, usage::CLIENT_AUTH];
    template
}

#[test]
fn a_chain_we_make_is_accepted_by_another_validator() {
    for name in ["rsa-pkcs8", "p256-sec1", "p384-sec1", "ed25519-pkcs8"] {
        let ca_key = key(name);
        let root = root(&ca_key);
        let leaf_key = key("p256-sec1");
        let mut parameters = TbsParameters::under(
            &root,
            leaf_template(&leaf_key),
            serial(2),
            at(FROM),
            at(UNTIL),
        );
        parameters.crl_urls = vec!["http://ca.example/crl".into()];
        let leaf = block_on(issue(&parameters, &ca_key)).unwrap();
        assert_eq!(leaf.verify_signed_by(root.public_key()), Ok(()), "{name}");

        let root_der = CertificateDer::from(root.der().to_vec());
        let anchor = webpki::anchor_from_trusted_cert(&root_der).unwrap();
        let leaf_der = CertificateDer::from(leaf.der().to_vec());
        let judged = webpki::EndEntityCert::try_from(&leaf_der).unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_780_000_000));
        judged
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &[anchor],
                &[],
                now,
                webpki::KeyUsage::client_auth(),
                None,
                None,
            )
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_certificate_says_what_its_parameters_say() {
    let ca_key = key("p384-sec1");
    let root = root(&ca_key);
    assert!(root.is_self_signed());
    assert_eq!(
        root.ca_constraint(),
        Some(CaConstraint { path_len: Some(0) })
    );

    let template = leaf_template(&key("p256-sec1"));
    let parameters =
        TbsParameters::under(&root, template.clone(), serial(0x80), at(FROM), at(UNTIL));
    let leaf = block_on(issue(&parameters, &ca_key)).unwrap();
    assert_eq!(leaf.serial(), [0, 0x80]);
    assert_eq!(leaf.serial(), parameters.serial.integer());
    assert_eq!(leaf.subject(), &template.subject);
    assert_eq!(leaf.issuer(), root.subject());
    assert_eq!(leaf.sans(), template.sans);
    assert_eq!(leaf.key_usage(), template.key_usage);
    assert_eq!(leaf.ext_key_usage(), Some(&template.ext_key_usage[..]));
    assert_eq!((leaf.not_before(), leaf.not_after()), (at(FROM), at(UNTIL)));
    assert!(!leaf.is_ca());
    assert_eq!(
        leaf.subject_key_id(),
        Some(&template.public_key.key_id()[..])
    );
    assert_eq!(leaf.authority_key_id(), root.subject_key_id());
}

#[test]
fn extensions_are_critical_where_the_rfc_wants_it() {
    let ca_key = key("p256-sec1");
    let mut template = leaf_template(&ca_key);
    template.subject = Name::default();
    let root = root(&ca_key);
    let parameters = TbsParameters::under(&root, template, serial(3), at(FROM), at(UNTIL));
    let leaf = block_on(issue(&parameters, &ca_key)).unwrap();
    let list = leaf.x509().tbs_certificate().extensions().unwrap();
    let critical: Vec<_> = list
        .iter()
        .filter(|extension| extension.critical)
        .map(|extension| extension.extn_id.to_string())
        .collect();
    // basicConstraints, keyUsage, and subjectAltName because there is no subject.
    assert_eq!(critical, ["2.5.29.19", "2.5.29.15", "2.5.29.17"]);
}

#[test]
fn key_identifiers_and_crl_urls_are_the_cas_to_say() {
    let ca_key = key("p256-sec1");
    let root = root(&ca_key);
    let mut template = leaf_template(&key("p384-sec1"));
    template.other_extensions = vec![
        extension::write_subject_key_id(b"mine").unwrap(),
        extension::write_authority_key_id(b"theirs").unwrap(),
        extension::write_crl_urls(&["http://evil.example".into()]).unwrap(),
    ];
    let parameters = TbsParameters::under(&root, template, serial(4), at(FROM), at(UNTIL));
    let leaf = block_on(issue(&parameters, &ca_key)).unwrap();
    assert_eq!(
        leaf.subject_key_id(),
        Some(&key("p384-sec1").public_key().key_id()[..])
    );
    assert_eq!(leaf.authority_key_id(), root.subject_key_id());
    assert!(!leaf.der().windows(4).any(|window| window == b"evil"));
}

#[test]
fn the_same_parameters_give_the_same_bytes_to_sign() {
    let ca_key = key("p256-sec1");
    let parameters = TbsParameters::under(
        &root(&ca_key),
        leaf_template(&ca_key),
        serial(5),
        at(FROM),
        at(UNTIL),
    );
    let first = parameters.to_be_signed(ca_key.algorithm()).unwrap();
    assert_eq!(first, parameters.to_be_signed(ca_key.algorithm()).unwrap());
}

#[test]
fn a_name_that_is_not_ascii_is_not_issued() {
    let ca_key = key("p256-sec1");
    let mut template = leaf_template(&ca_key);
    template.sans = vec![GeneralName::Dns("bücher.example".into())];
    let parameters = TbsParameters::under(&root(&ca_key), template, serial(6), at(FROM), at(UNTIL));
    let refused = block_on(issue(&parameters, &ca_key));
    assert!(matches!(refused, Err(IssueError::Encode(_))));
}

#[test]
fn serial_numbers_are_positive_and_minimal() {
    assert_eq!(Serial::from_random([0; 16]).integer().as_ref(), [1]);
    let high = Serial::from_random([0xff; 16]).integer();
    assert_eq!(high.len(), 17);
    assert_eq!(high[0], 0);
    let mut bytes = [0; 16];
    bytes[14] = 1;
    assert_eq!(Serial::from_random(bytes).integer().as_ref(), [1, 0]);
    assert_ne!(Serial::random().unwrap(), Serial::random().unwrap());
}
