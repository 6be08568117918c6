//! What a CMP CA sees of certway-ra configured as CertService was: the messages CertService sent, field by field.

use pki::{GeneralName, ObjectIdentifier};
use pkixcmp::crmf::CertReqMsg;
use pkixcmp::crmf::pop::ProofOfPossession;
use pkixcmp::protection::{Hmac, MacScheme, Owf};
use pkixcmp::{PkiBody, PkiMessage, Pvno};
use proto_tests::certs::dn;
use proto_tests::upstream::Reply;
use proto_tests::v1::{ENROLL, Request, UPDATE};
use proto_tests::{FakeUpstream, Issuer, Keys, ca};
use serde_json::json;

/// Written so that its order of encoding would show if it were turned round.
const ISSUER: &str = "O=EJBCA Container Quickstart,CN=ManagementCA,UID=12345";
const SUBJECT: &str = "C=US,O=Linux-Foundation,CN=onap.org";
const PBM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113533.7.66.13");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const IMPLICIT_CONFIRM: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.4.13");

/// The first message that comes of a request.
fn sent(path: &str, request: &Request) -> PkiMessage {
    let upstream = FakeUpstream::answering(Reply::Close);
    let service = crate::impatient(&[json!({
        "caName": "RA", "url": upstream.url("/ejbca/publicweb/cmp/cmpRA"), "issuerDN": ISSUER,
        "authentication": { "iak": ca::SECRET, "rv": ca::REFERENCE },
    })]);
    request.get(&service.client, path);
    let received = upstream.received().remove(0);
    let head = received.head.to_ascii_lowercase();
    assert!(
        head.starts_with("post /ejbca/publicweb/cmp/cmpra http/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("content-type: application/pkixcmp\r\n"),
        "{head}"
    );
    PkiMessage::decode(received.body).unwrap()
}

/// What is the same in every one of them.
fn common(message: &PkiMessage) -> &CertReqMsg {
    let header = message.header();
    assert_eq!(header.pvno, Pvno::CMP2000);
    assert_eq!(header.sender, GeneralName::Directory(dn(SUBJECT)));
    assert_eq!(
        header.recipient,
        GeneralName::Directory(dn(ISSUER)),
        "left to right, as written"
    );
    assert!(header.message_time.is_some());
    assert!(
        header.recip_kid.is_none() && header.recip_nonce.is_none() && header.free_text.is_none()
    );
    for nonce in [&header.transaction_id, &header.sender_nonce] {
        assert_eq!(nonce.as_ref().unwrap().as_bytes().len(), 16);
    }
    let infos = header.general_info.as_ref().unwrap();
    assert_eq!(infos.len(), 1);
    assert_eq!(
        (infos[0].info_type, &infos[0].info_value),
        (IMPLICIT_CONFIRM, &None)
    );

    let requests = message.body().requests().unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert!(request.cert_req.controls.is_none() && request.reg_info.is_none());
    let template = &request.cert_req.cert_template;
    assert_eq!(template.version, Some(2));
    assert_eq!(template.serial_number.as_ref().unwrap().as_bytes(), [0]);
    let signing = template.signing_alg.as_ref().unwrap();
    assert_eq!(signing.oid, SHA256_WITH_RSA);
    assert!(
        signing.parameters.as_ref().unwrap().value().is_empty(),
        "NULL"
    );
    assert_eq!(template.issuer, Some(dn(ISSUER)));
    let validity = template.validity.as_ref().unwrap();
    assert!(
        validity.not_before.is_none() && validity.not_after.is_none(),
        "there, and empty"
    );
    assert_eq!(template.subject, Some(dn(SUBJECT)));
    let Some(ProofOfPossession::Signature(proof)) = &request.popo else {
        panic!("{:?}", request.popo);
    };
    assert!(proof.poposk_input.is_none());
    assert_eq!(proof.algorithm_identifier.oid, SHA256_WITH_RSA);
    request
}

/// Protected with the secret as CertService did it.
fn by_secret(message: &PkiMessage) {
    let header = message.header();
    assert_eq!(
        header.sender_kid.as_ref().unwrap().as_bytes(),
        ca::REFERENCE.as_bytes()
    );
    assert!(message.extra_certs().is_empty());
    let algorithm = header.protection_alg.as_ref().unwrap();
    assert_eq!(algorithm.oid, PBM);
    let MacScheme::Pbm(parameters) = MacScheme::from_algorithm(algorithm).unwrap() else {
        panic!("{algorithm:?}");
    };
    assert_eq!((parameters.owf, parameters.mac), (Owf::Sha1, Hmac::Sha1));
    assert_eq!(parameters.salt.len(), 16);
    assert!(parameters.iterations >= 1000);
}

/// keyUsage, extKeyUsage and subjectAltName, none critical, in this order; the last as given.
fn extensions(request: &CertReqMsg, sans: &[u8]) {
    let list = request.cert_req.cert_template.extensions.as_ref().unwrap();
    let found: Vec<(String, &[u8])> = list
        .iter()
        .map(|extension| {
            assert!(!extension.critical);
            (
                extension.extn_id.to_string(),
                extension.extn_value.as_bytes(),
            )
        })
        .collect();
    let client_and_server = hex::decode("301406082b0601050507030206082b06010505070301").unwrap();
    let wanted: [(&str, &[u8]); 3] = [
        ("2.5.29.15", &[0x03, 0x02, 0x05, 0xe0]),
        ("2.5.29.37", &client_and_server),
        ("2.5.29.17", sans),
    ];
    assert_eq!(found, wanted.map(|(oid, value)| (oid.to_owned(), value)));
}

#[test]
fn a_first_certificate_is_asked_for_by_ir_under_the_shared_secret() {
    // The names are sorted by their tags and then by their text, whatever their order in the CSR.
    let names = [
        "ip:10.0.0.1",
        "dns:b.org",
        "uri:a:b",
        "email:a@a.org",
        "dns:a.org",
    ];
    let message = sent(ENROLL, &Request::for_names(SUBJECT, &names, &Keys::rsa()));
    assert!(matches!(message.body(), PkiBody::Ir(_)));
    by_secret(&message);
    let sorted = proto_tests::certs::sans(&[
        "email:a@a.org",
        "dns:a.org",
        "dns:b.org",
        "uri:a:b",
        "ip:10.0.0.1",
    ]);
    extensions(
        common(&message),
        &pki::general_name::list_to_der(&sorted).unwrap(),
    );
}

#[test]
fn without_names_there_is_an_extension_with_none() {
    let message = sent(ENROLL, &Request::for_names(SUBJECT, &[], &Keys::rsa()));
    extensions(common(&message), &[0x30, 0x00]);
}

#[test]
fn an_update_with_other_names_is_asked_for_by_cr_under_the_shared_secret() {
    let old = Issuer::root("CN=CA").identity_of(Keys::rsa3072(), SUBJECT, &["dns:old.org"]);
    let update =
        Request::for_names(SUBJECT, &[], &Keys::rsa()).replacing(&old.chain_pem(), &old.key);
    let message = sent(UPDATE, &update);
    assert!(matches!(message.body(), PkiBody::Cr(_)));
    by_secret(&message);
    common(&message);
}

#[test]
fn an_update_with_the_same_names_is_asked_for_by_kur_under_the_old_key() {
    let ca = Issuer::root("CN=CA").issuing("CN=Issuing");
    let old = ca.identity_of(Keys::rsa3072(), SUBJECT, &[]);
    let update =
        Request::for_names(SUBJECT, &[], &Keys::rsa()).replacing(&old.chain_pem(), &old.key);
    let message = sent(UPDATE, &update);
    assert!(matches!(message.body(), PkiBody::Kur(_)));
    common(&message);
    let header = message.header();
    assert!(header.sender_kid.is_none());
    let algorithm = header.protection_alg.as_ref().unwrap();
    assert_eq!(algorithm.oid, SHA256_WITH_RSA);
    assert!(
        algorithm.parameters.as_ref().unwrap().value().is_empty(),
        "NULL"
    );
    let extra: Vec<_> = message
        .extra_certs()
        .iter()
        .map(|raw| raw.certificate().unwrap())
        .collect();
    assert_eq!(
        extra,
        old.chain[..1],
        "the old certificate and nothing above it"
    );
    let signed = message.to_be_protected();
    let signature = message.protection().unwrap();
    old.key
        .public_key()
        .verify(algorithm, &signed, signature)
        .unwrap();
}
