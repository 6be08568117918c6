//! What `openssl cmp` does not send, laid out by hand from the ASN.1 modules of RFC 9810 (explicit tags) and RFC 4211 (implicit tags).

use der::asn1::{BitString, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use pkixcmp::body::announce::CaKeyUpdContent;
use pkixcmp::body::enroll::CertOrEncCert;
use pkixcmp::crmf::CertReqMsg;
use pkixcmp::crmf::control::publication::PkiArchiveOptions;
use pkixcmp::crmf::control::{AttributeTypeAndValue, Control};
use pkixcmp::crmf::encrypted::EncryptedKey;
use pkixcmp::crmf::pop::{AuthInfo, PopoPrivKey, PopoSigningKeyInput, ProofOfPossession};
use pkixcmp::crmf::template::{CertTemplate, OptionalValidity};
use pkixcmp::info::support::{CrlSource, DistributionPointName};
use pkixcmp::info::{InfoTypeAndValue, InfoValue, id};
use pkixcmp::{PkiBody, PkiMessage, PkiStatus};
use x509_cert::ext::Extension;

use crate::one;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const UTF8: u8 = 0x0c;
const TIME: u8 = 0x18;

/// `[number]` around other values.
const fn tagged(number: u8) -> u8 {
    0xa0 | number
}

/// `[number]` instead of the tag of a primitive type.
const fn primitive(number: u8) -> u8 {
    0x80 | number
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut octets = vec![tag];
    match value.len() {
        length @ 0..128 => octets.push(length as u8),
        length @ 128..256 => octets.extend([0x81, length as u8]),
        length => octets.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    octets.extend(value);
    octets
}

fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new_unwrap(text).to_der().unwrap()
}

fn sha256() -> Vec<u8> {
    tlv(SEQUENCE, &[&oid("2.16.840.1.101.3.4.2.1")])
}

fn certificate() -> Vec<u8> {
    one("ir-pbm-implicit-1-response").extra_certs()[0]
        .der()
        .to_vec()
}

/// SEQUENCE { INTEGER 0 }: stands for structures that are carried.
fn carried() -> Vec<u8> {
    tlv(SEQUENCE, &[&[INTEGER, 1, 0]])
}

/// The value of [`carried`] under another tag.
fn carried_as(tag: u8) -> Vec<u8> {
    tlv(tag, &[&[INTEGER, 1, 0]])
}

fn accepted() -> Vec<u8> {
    tlv(SEQUENCE, &[&[INTEGER, 1, 0]])
}

fn directory_name(name: &str) -> Vec<u8> {
    let attribute = tlv(SEQUENCE, &[&oid("2.5.4.3"), &tlv(UTF8, &[name.as_bytes()])]);
    tlv(tagged(4), &[&tlv(SEQUENCE, &[&tlv(0x31, &[&attribute])])])
}

fn cert_id() -> Vec<u8> {
    tlv(SEQUENCE, &[&directory_name("CA"), &[INTEGER, 2, 0, 0xff]])
}

/// Reads a body and checks that it is written as it was read.
fn body(der: &[u8]) -> PkiBody {
    let body = PkiBody::decode(der.to_vec()).unwrap_or_else(|error| panic!("{error}: {der:02x?}"));
    assert_eq!(body.to_der().unwrap(), der);
    assert!(!matches!(body, PkiBody::Unknown { .. }));
    body
}

/// An ir with this after the CertRequest.
fn pop(pop: &[u8]) -> ProofOfPossession {
    let request = tlv(SEQUENCE, &[&[INTEGER, 1, 0], &tlv(SEQUENCE, &[])]);
    let ir = body(&tlv(
        tagged(0),
        &[&tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&request, pop])])],
    ));
    ir.requests().unwrap()[0].popo.clone().unwrap()
}

#[test]
fn a_certificate_comes_encrypted_as_enveloped_data_and_as_encrypted_value() {
    let answer = |encrypted: &[u8]| {
        let pair = tlv(SEQUENCE, &[&tlv(tagged(1), &[encrypted])]);
        let response = tlv(SEQUENCE, &[&[INTEGER, 1, 0], &accepted(), &pair]);
        let PkiBody::Ip(ip) = body(&tlv(
            tagged(1),
            &[&tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&response])])],
        )) else {
            panic!()
        };
        match ip.response[0]
            .certified_key_pair
            .clone()
            .unwrap()
            .cert_or_enc_cert
        {
            CertOrEncCert::EncryptedCert(key) => key,
            other => panic!("{other:?}"),
        }
    };
    let EncryptedKey::EnvelopedData(enveloped) = answer(&carried_as(tagged(0))) else {
        panic!()
    };
    assert_eq!(*enveloped.der(), carried());
    let value = tlv(
        SEQUENCE,
        &[
            &tlv(tagged(1), &[&oid("2.16.840.1.101.3.4.1.2")]),
            &tlv(primitive(2), &[&[0, 7]]),
            &tlv(BITS, &[&[0, 9]]),
        ],
    );
    let EncryptedKey::EncryptedValue(old) = answer(&value) else {
        panic!()
    };
    assert_eq!(old.enc_symm_key, BitString::from_bytes(&[7]).ok());
    assert_eq!(old.enc_value.raw_bytes(), [9]);
}

#[test]
fn a_key_made_by_the_ca_comes_with_the_certificate() {
    let pair = tlv(
        SEQUENCE,
        &[
            &tlv(tagged(0), &[&certificate()]),
            &tlv(tagged(0), &[&carried_as(tagged(0))]),
            &tlv(tagged(1), &[&carried()]),
        ],
    );
    let response = tlv(
        SEQUENCE,
        &[&[INTEGER, 1, 0], &accepted(), &pair, &[OCTETS, 1, 5]],
    );
    let PkiBody::Kup(kup) = body(&tlv(
        tagged(8),
        &[&tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&response])])],
    )) else {
        panic!()
    };
    let pair = kup.response[0].certified_key_pair.clone().unwrap();
    assert!(matches!(
        pair.private_key,
        Some(EncryptedKey::EnvelopedData(_))
    ));
    assert_eq!(pair.publication_info.unwrap().action, 0);
    assert_eq!(kup.response[0].rsp_info.as_ref().unwrap().as_bytes(), [5]);
}

#[test]
fn every_form_of_pop_for_keys_that_do_not_sign_is_read() {
    let encipherment = |choice: Vec<u8>| match pop(&tlv(tagged(2), &[&choice])) {
        ProofOfPossession::KeyEncipherment(private) => private,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        encipherment(tlv(primitive(0), &[&[0, 1]])),
        PopoPrivKey::ThisMessage(_)
    ));
    assert_eq!(
        encipherment(tlv(primitive(1), &[&[1]])),
        PopoPrivKey::SubsequentMessage(1)
    );
    assert!(matches!(
        encipherment(tlv(primitive(2), &[&[0, 1]])),
        PopoPrivKey::DhMac(_)
    ));
    assert!(matches!(
        encipherment(tlv(tagged(3), &[&sha256(), &[BITS, 2, 0, 1]])),
        PopoPrivKey::AgreeMac(_)
    ));
    assert!(
        matches!(encipherment(carried_as(tagged(4))), PopoPrivKey::EncryptedKey(data) if *data.der() == carried())
    );
    assert_eq!(
        pop(&tlv(tagged(3), &[&tlv(primitive(1), &[&[0]])])),
        ProofOfPossession::KeyAgreement(PopoPrivKey::SubsequentMessage(0))
    );
}

#[test]
fn poposk_input_is_kept_as_the_sequence_that_was_signed() {
    let key = tlv(SEQUENCE, &[&sha256(), &[BITS, 2, 0, 1]]);
    let input = [tlv(tagged(0), &[&directory_name("me")]), key].concat();
    let ProofOfPossession::Signature(signing) = pop(&tlv(
        tagged(1),
        &[&tlv(tagged(0), &[&input]), &sha256(), &[BITS, 2, 0, 9]],
    )) else {
        panic!()
    };
    let kept = signing.poposk_input.unwrap();
    assert_eq!(*kept.der(), tlv(SEQUENCE, &[&input]));
    assert!(matches!(
        PopoSigningKeyInput::from_der(kept.der()).unwrap().auth_info,
        AuthInfo::Sender(_)
    ));
}

#[test]
fn a_confirmation_names_its_hash_after_the_status_or_without_one() {
    for status in [accepted(), Vec::new()] {
        let entry = tlv(
            SEQUENCE,
            &[
                &[OCTETS, 1, 7],
                &[INTEGER, 1, 0],
                &status,
                &tlv(tagged(0), &[&sha256()]),
            ],
        );
        let PkiBody::CertConf(confirmations) = body(&tlv(tagged(24), &[&tlv(SEQUENCE, &[&entry])]))
        else {
            panic!()
        };
        assert_eq!(confirmations[0].status_info.is_some(), !status.is_empty());
        assert!(
            confirmations[0]
                .hash_alg
                .as_ref()
                .unwrap()
                .parameters
                .is_none()
        );
    }
}

#[test]
fn a_challenge_is_read_in_its_old_and_its_new_form() {
    let old = tlv(SEQUENCE, &[&sha256(), &[OCTETS, 1, 1], &[OCTETS, 1, 2]]);
    let new = tlv(
        SEQUENCE,
        &[
            &[OCTETS, 1, 1],
            &[OCTETS, 0],
            &tlv(tagged(0), &[&carried()]),
        ],
    );
    let PkiBody::Popdecc(challenges) = body(&tlv(tagged(5), &[&tlv(SEQUENCE, &[&old, &new])]))
    else {
        panic!()
    };
    assert!(challenges[0].encrypted_rand.is_none());
    assert!(challenges[1].encrypted_rand.is_some());
    let PkiBody::Popdecr(answers) = body(&tlv(
        tagged(6),
        &[&tlv(SEQUENCE, &[&[INTEGER, 2, 0, 0x80]])],
    )) else {
        panic!()
    };
    assert_eq!(answers[0].as_bytes(), [0, 0x80]);
}

#[test]
fn recovered_keys_come_with_their_certificates() {
    let pair = tlv(SEQUENCE, &[&tlv(tagged(0), &[&certificate()])]);
    let content = [
        accepted(),
        tlv(tagged(0), &[&certificate()]),
        tlv(tagged(1), &[&tlv(SEQUENCE, &[&certificate()])]),
        tlv(tagged(2), &[&tlv(SEQUENCE, &[&pair])]),
    ];
    let PkiBody::Krp(krp) = body(&tlv(tagged(10), &[&tlv(SEQUENCE, &[&content.concat()])])) else {
        panic!()
    };
    assert_eq!(*krp.new_sig_cert.unwrap().der(), certificate());
    assert_eq!(
        (
            krp.ca_certs.unwrap().len(),
            krp.key_pair_hist.unwrap().len()
        ),
        (1, 1)
    );
}

#[test]
fn a_revocation_is_answered_with_ids_and_crls() {
    let content = [
        tlv(SEQUENCE, &[&accepted()]),
        tlv(tagged(0), &[&tlv(SEQUENCE, &[&cert_id()])]),
        tlv(tagged(1), &[&tlv(SEQUENCE, &[&carried()])]),
    ];
    let PkiBody::Rp(rp) = body(&tlv(tagged(12), &[&tlv(SEQUENCE, &[&content.concat()])])) else {
        panic!()
    };
    assert_eq!(rp.status[0].status, PkiStatus::Accepted);
    assert_eq!(rp.rev_certs.unwrap()[0].serial_number.as_bytes(), [0, 0xff]);
    assert_eq!(*rp.crls.unwrap()[0].der(), carried());
}

#[test]
fn announcements_are_read() {
    let three = tlv(SEQUENCE, &[&certificate(), &certificate(), &certificate()]);
    assert!(matches!(
        body(&tlv(tagged(15), &[&three])),
        PkiBody::Ckuann(CaKeyUpdContent::V2(_))
    ));
    let update = tlv(
        SEQUENCE,
        &[
            &certificate(),
            &tlv(tagged(0), &[&certificate()]),
            &tlv(tagged(1), &[&certificate()]),
        ],
    );
    let PkiBody::Ckuann(CaKeyUpdContent::V3(read)) =
        body(&tlv(tagged(15), &[&tlv(tagged(0), &[&update])]))
    else {
        panic!()
    };
    assert!(read.new_with_old.is_some() && read.old_with_new.is_some());
    assert!(matches!(
        body(&tlv(tagged(16), &[&certificate()])),
        PkiBody::Cann(_)
    ));
    let time = tlv(TIME, &[b"20261122163000.5Z"]);
    let revocation = tlv(SEQUENCE, &[&[INTEGER, 1, 4], &cert_id(), &time, &time]);
    let PkiBody::Rann(read) = body(&tlv(tagged(17), &[&revocation])) else {
        panic!()
    };
    assert_eq!(
        read.will_be_revoked_at.timestamp().to_string(),
        "2026-11-22T16:30:00.5Z"
    );
    assert!(
        matches!(body(&tlv(tagged(18), &[&tlv(SEQUENCE, &[&carried(), &carried()])])), PkiBody::Crlann(crls) if crls.len() == 2)
    );
}

#[test]
fn archive_options_are_read_in_every_form() {
    let read = |value: &[u8]| {
        let control = tlv(SEQUENCE, &[&oid("1.3.6.1.5.5.7.5.1.4"), value]);
        match AttributeTypeAndValue::from_der(&control)
            .unwrap()
            .control()
            .unwrap()
        {
            Control::PkiArchiveOptions(options) => options,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(
        read(&tlv(tagged(0), &[&carried_as(tagged(0))])),
        PkiArchiveOptions::EncryptedPrivKey(EncryptedKey::EnvelopedData(_))
    ));
    assert_eq!(
        read(&tlv(primitive(1), &[&[5]])),
        PkiArchiveOptions::KeyGenParameters(OctetString::new([5]).unwrap())
    );
    assert_eq!(
        read(&tlv(primitive(2), &[&[0xff]])),
        PkiArchiveOptions::ArchiveRemGenPrivKey(true)
    );
}

#[test]
fn support_messages_are_read() {
    let read = |info_type: ObjectIdentifier, value: &[u8]| {
        let entry = tlv(SEQUENCE, &[&info_type.to_der().unwrap(), value]);
        let PkiBody::Genp(infos) = body(&tlv(tagged(22), &[&tlv(SEQUENCE, &[&entry])])) else {
            panic!()
        };
        infos[0].value().unwrap()
    };
    let InfoValue::CaCerts(certificates) = read(
        id::CA_CERTS,
        &tlv(SEQUENCE, &[&certificate(), &certificate()]),
    ) else {
        panic!()
    };
    assert_eq!(certificates.len(), 2);
    assert!(matches!(
        read(id::ROOT_CA_CERT, &certificate()),
        InfoValue::RootCaCert(_)
    ));
    let update = tlv(
        SEQUENCE,
        &[&certificate(), &tlv(tagged(1), &[&certificate()])],
    );
    let InfoValue::RootCaKeyUpdate(update) = read(id::ROOT_CA_KEY_UPDATE, &update) else {
        panic!()
    };
    assert!(update.new_with_old.is_none() && update.old_with_new.is_some());
    let key = tlv(
        SEQUENCE,
        &[&tlv(
            SEQUENCE,
            &[&oid("1.3.6.1.5.5.7.5.1.12"), &[INTEGER, 2, 8, 0]],
        )],
    );
    let InfoValue::CertReqTemplate(template) = read(
        id::CERT_REQ_TEMPLATE,
        &tlv(SEQUENCE, &[&tlv(SEQUENCE, &[]), &key]),
    ) else {
        panic!()
    };
    assert_eq!(
        template.key_spec.unwrap()[0].control().unwrap(),
        Control::RsaKeyLen(2048)
    );
    assert_eq!(read(id::CRLS, &[]), InfoValue::Absent);
    assert!(matches!(
        read(
            id::KEM_CIPHERTEXT_INFO,
            &tlv(SEQUENCE, &[&sha256(), &[OCTETS, 1, 1]])
        ),
        InfoValue::KemCiphertextInfo(_)
    ));
}

#[test]
fn the_status_of_crls_names_them_by_issuer_or_by_distribution_point() {
    let by_place = tlv(
        tagged(0),
        &[&tlv(
            tagged(0),
            &[&tlv(primitive(6), &[b"http://example.test/crl"])],
        )],
    );
    let by_issuer = tlv(tagged(1), &[&tlv(SEQUENCE, &[&directory_name("CA")])]);
    let list = tlv(
        SEQUENCE,
        &[
            &tlv(SEQUENCE, &[&by_place, &tlv(0x17, &[b"261122163000Z"])]),
            &tlv(SEQUENCE, &[&by_issuer]),
        ],
    );
    let entry =
        InfoTypeAndValue::from_der(&tlv(SEQUENCE, &[&oid("1.3.6.1.5.5.7.4.22"), &list])).unwrap();
    let InfoValue::CrlStatusList(read) = entry.value().unwrap() else {
        panic!()
    };
    assert!(
        matches!(&read[0].source, CrlSource::Dpn(DistributionPointName::FullName(names)) if names.len() == 1)
    );
    assert_eq!(
        read[0]
            .this_update
            .as_ref()
            .unwrap()
            .timestamp()
            .to_string(),
        "2026-11-22T16:30:00Z"
    );
    assert!(matches!(&read[1].source, CrlSource::Issuer(names) if names.len() == 1));
    assert_eq!(
        InfoTypeAndValue::with(id::CRL_STATUS_LIST, &read).unwrap(),
        entry
    );
}

#[test]
fn nested_messages_are_carried_to_the_octet_and_not_entered() {
    let (inner, other) = (one("ir-pbm-1-request"), one("ir-sig-1-request"));
    let PkiBody::Nested(messages) = body(&tlv(
        tagged(20),
        &[&tlv(SEQUENCE, &[inner.der(), other.der()])],
    )) else {
        panic!()
    };
    assert_eq!(
        PkiMessage::decode(messages[0].der().clone()).unwrap(),
        inner
    );
    assert_eq!(messages[1].der(), other.der());
    let PkiBody::Nested(junk) = body(&tlv(tagged(20), &[&tlv(SEQUENCE, &[&carried()])])) else {
        panic!()
    };
    assert!(PkiMessage::decode(junk[0].der().clone()).is_err());
}

#[test]
fn the_template_of_onap_encodes_to_the_octet() {
    let extension = |id: &str, value: &[u8]| Extension {
        extn_id: ObjectIdentifier::new_unwrap(id),
        critical: false,
        extn_value: OctetString::new(value).unwrap(),
    };
    let name = directory_name("a");
    let template = CertTemplate {
        version: Some(2),
        serial_number: Some(der::asn1::Int::new(&[0]).unwrap()),
        signing_alg: Some(spki::AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
            parameters: Some(der::Any::null()),
        }),
        validity: Some(OptionalValidity::default()),
        subject: Some(Decode::from_der(&name[2..]).unwrap()),
        extensions: Some(
            [
                extension("2.5.29.15", &[3, 2, 5, 0xe0]),
                extension("2.5.29.37", &carried()),
                extension("2.5.29.17", &[SEQUENCE, 0]),
            ]
            .into(),
        ),
        ..CertTemplate::default()
    };
    let expected = tlv(
        SEQUENCE,
        &[
            &[0x80, 1, 2],
            &[0x81, 1, 0],
            &tlv(0xa2, &[&oid("1.2.840.113549.1.1.11"), &[5, 0]]),
            &[0xa4, 0],
            &tlv(0xa5, &[&name[2..]]),
            &tlv(
                0xa9,
                &[
                    &tlv(SEQUENCE, &[&oid("2.5.29.15"), &[OCTETS, 4, 3, 2, 5, 0xe0]]),
                    &tlv(SEQUENCE, &[&oid("2.5.29.37"), &tlv(OCTETS, &[&carried()])]),
                    &tlv(SEQUENCE, &[&oid("2.5.29.17"), &[OCTETS, 2, SEQUENCE, 0]]),
                ],
            ),
        ],
    );
    assert_eq!(template.to_der().unwrap(), expected);
    assert_eq!(CertTemplate::from_der(&expected).unwrap(), template);
}

#[test]
fn a_request_with_reg_info_keeps_it_behind_the_pop() {
    let request = tlv(SEQUENCE, &[&[INTEGER, 1, 0], &tlv(SEQUENCE, &[])]);
    let info = tlv(
        SEQUENCE,
        &[&tlv(
            SEQUENCE,
            &[&oid("1.3.6.1.5.5.7.5.2.1"), &tlv(UTF8, &[b"version?1%"])],
        )],
    );
    for pop in [tlv(primitive(0), &[]), Vec::new()] {
        let der = tlv(SEQUENCE, &[&request, &pop, &info]);
        let message = CertReqMsg::from_der(&der).unwrap();
        assert_eq!(message.popo.is_some(), !pop.is_empty());
        assert_eq!(
            message.reg_info.as_ref().unwrap()[0].control().unwrap(),
            Control::Utf8Pairs("version?1%".to_owned())
        );
        assert_eq!(message.to_der().unwrap(), der);
    }
}
