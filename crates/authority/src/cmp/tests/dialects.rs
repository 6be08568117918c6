//! What goes out, field by field.

use std::sync::LazyLock;

use der::asn1::OctetString;
use der::{Decode, Encode};
use pki::{AlgorithmId, GeneralName, KeyKind, general_name};
use pkixcmp::crmf::CertReqMsg;
use pkixcmp::crmf::control::Control;
use pkixcmp::crmf::pop::ProofOfPossession;
use pkixcmp::protection::{MacScheme, Owf, Sha1Use, verify_signature};
use pkixcmp::{PkiBody, PkiMessage, Pvno};

use super::ca::{Shield, carried, kinds, under};
use super::*;

static RSA: LazyLock<Arc<PrivateKey>> =
    LazyLock::new(|| Arc::new(PrivateKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap()));
static OLD_RSA: LazyLock<Arc<PrivateKey>> =
    LazyLock::new(|| Arc::new(PrivateKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap()));

const SHA256_WITH_RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b];
const NULL: &[u8] = &[5, 0];

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [
        &[0x30, u8::try_from(content.len()).unwrap()],
        content.as_slice(),
    ]
    .concat()
}

fn der(value: &impl Encode) -> Vec<u8> {
    value.to_der().unwrap()
}

/// The one request of an ir, cr or kur.
fn single(message: &PkiMessage) -> &CertReqMsg {
    let requests = message.body().requests().unwrap();
    assert_eq!(requests.len(), 1);
    &requests[0]
}

fn names() -> Vec<GeneralName> {
    [
        "uri:https://b.example/",
        "dns:b.example",
        "ip:10.0.0.2",
        "email:x@b.example",
        "dns:a.example",
        "ip:9.0.0.1",
    ]
    .map(|text| text.parse().unwrap())
    .to_vec()
}

async fn onap_first() -> (Arc<Ca>, PkiMessage) {
    let ca = Ca::start_with(Shield::Signed).await;
    ca.grants_implicit();
    let mut request = lent(&RSA);
    request.wanted.sans = names();
    enrolled(&authority(onap(&ca)), &request).await;
    let first = ca.messages().remove(0);
    (ca, first)
}

/// certservice-compat 2.2 and 2.3.
#[tokio::test]
async fn the_header_of_an_onap_ir_is_octet_for_octet_that_of_certservice() {
    let (_, message) = onap_first().await;
    let header = message.header();
    assert!(matches!(message.body(), PkiBody::Ir(_)));
    assert_eq!(header.pvno, Pvno::CMP2000);
    assert_eq!(
        header.sender,
        GeneralName::Directory(named("O=Test,CN=workload")),
        "the subject, not the reference"
    );
    assert_eq!(
        header.recipient,
        GeneralName::Directory(named("O=Test,CN=CA"))
    );
    assert_eq!(
        der(header.message_time.as_ref().unwrap()),
        [&[0x18, 15], b"20261122120000Z".as_slice()].concat()
    );
    assert_eq!(header.sender_kid.as_ref().unwrap().as_bytes(), REFERENCE);
    assert_eq!(header.transaction_id.as_ref().unwrap().as_bytes().len(), 16);
    assert_eq!(header.sender_nonce.as_ref().unwrap().as_bytes().len(), 16);
    assert!(
        header.recip_kid.is_none() && header.recip_nonce.is_none() && header.free_text.is_none()
    );
    let infos = header.general_info.as_ref().unwrap();
    let implicit = sequence(&[&[6, 8, 0x2b, 6, 1, 5, 5, 7, 4, 13]]);
    assert_eq!(
        der(infos),
        sequence(&[&implicit]),
        "implicitConfirm and not even a NULL"
    );
    assert!(message.extra_certs().is_empty());
    let algorithm = header.protection_alg.as_ref().unwrap();
    match MacScheme::from_algorithm(algorithm).unwrap() {
        MacScheme::Pbm(pbm) => {
            assert_eq!(
                (pbm.owf, pbm.mac, pbm.salt.len()),
                (Owf::Sha1, pkixcmp::protection::Hmac::Sha1, 16)
            );
            assert!((1000..2000).contains(&pbm.iterations));
        }
        MacScheme::Pbmac1(_) => panic!(),
    }
    // SHA-1 and HMAC-SHA1, both without parameters.
    let parameters = algorithm.parameters.as_ref().unwrap().value();
    let has = |part: &[u8]| parameters.windows(part.len()).any(|window| window == part);
    assert!(
        has(&[0x30, 7, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a])
            && has(&[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 8, 1, 2])
    );
}

/// certservice-compat 2.4.
#[tokio::test]
async fn the_template_of_an_onap_ir_is_octet_for_octet_that_of_certservice() {
    let (_, message) = onap_first().await;
    let request = single(&message);
    assert_eq!(
        request.cert_req.cert_req_id.0, 0,
        "the one deviation: certservice-compat wants 0 in place of a random number"
    );
    assert!(request.cert_req.controls.is_none() && request.reg_info.is_none());
    let template = &request.cert_req.cert_template;
    assert_eq!(template.version, Some(2));
    assert_eq!(template.serial_number.as_ref().unwrap().as_bytes(), [0]);
    assert_eq!(
        der(template.signing_alg.as_ref().unwrap()),
        sequence(&[SHA256_WITH_RSA, NULL])
    );
    assert_eq!(template.issuer, Some(named("O=Test,CN=CA")));
    assert_eq!(
        der(template.validity.as_ref().unwrap()),
        [0x30, 0],
        "there, and empty"
    );
    assert_eq!(template.subject, Some(named("O=Test,CN=workload")));
    assert_eq!(
        der(template.public_key.as_ref().unwrap()),
        RSA.public_key().spki_der().as_ref() as &[u8]
    );
    assert!(template.issuer_uid.is_none() && template.subject_uid.is_none());
    let extensions = template.extensions.as_ref().unwrap();
    let found: Vec<_> = extensions
        .iter()
        .map(|e| (e.extn_id.to_string(), e.critical, e.extn_value.as_bytes()))
        .collect();
    let client_auth: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
    let server_auth: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
    let usages = sequence(&[client_auth, server_auth]);
    let sorted = [
        "email:x@b.example",
        "dns:a.example",
        "dns:b.example",
        "uri:https://b.example/",
        "ip:9.0.0.1",
        "ip:10.0.0.2",
    ]
    .map(|text| text.parse().unwrap());
    let sans = general_name::list_to_der(&sorted).unwrap();
    assert_eq!(
        found,
        [
            ("2.5.29.15".to_owned(), false, [3, 2, 5, 0xe0].as_slice()),
            ("2.5.29.37".to_owned(), false, usages.as_slice()),
            ("2.5.29.17".to_owned(), false, sans.as_slice()),
        ]
    );
}

#[tokio::test]
async fn the_proof_of_an_onap_ir_is_a_signature_whose_algorithm_has_no_parameters() {
    let (_, message) = onap_first().await;
    let request = single(&message);
    match request.popo.as_ref().unwrap() {
        ProofOfPossession::Signature(popo) => {
            assert!(popo.poposk_input.is_none());
            assert_eq!(
                der(&popo.algorithm_identifier),
                sequence(&[SHA256_WITH_RSA])
            );
            let algorithm = AlgorithmId::from_der(&sequence(&[SHA256_WITH_RSA, NULL])).unwrap();
            let signature = popo.signature.as_bytes().unwrap();
            RSA.public_key()
                .verify(&algorithm, &der(&request.cert_req), signature)
                .unwrap();
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_names_an_onap_template_has_an_empty_list_of_them() {
    let ca = Ca::start_with(Shield::Signed).await;
    let mut request = lent(&RSA);
    request.wanted.sans.clear();
    let sealed = prepare(&authority(onap(&ca)), &request).await.unwrap();
    let _ = authority(onap(&ca)).advance(&sealed, By::Ra, now()).await;
    let message = ca.messages().remove(0);
    let extensions = single(&message)
        .cert_req
        .cert_template
        .extensions
        .clone()
        .unwrap();
    assert_eq!(
        extensions[2].extn_value,
        OctetString::new([0x30, 0]).unwrap()
    );
}

/// certservice-compat 2.1, 2.2 and 2.6.
#[tokio::test]
async fn an_onap_kur_is_signed_with_the_old_key_has_the_old_certificate_and_no_sender_kid() {
    let ca = Ca::start_with(Shield::Signed).await;
    ca.grants_implicit();
    let old = under(&ca.certificate, &ca.key, template_of(&OLD_RSA)).await;
    enrolled(&authority(onap(&ca)), &renewal(&RSA, &old, &OLD_RSA)).await;
    let message = ca.messages().remove(0);
    assert!(matches!(message.body(), PkiBody::Kur(_)));
    let header = message.header();
    assert_eq!(
        der(header.protection_alg.as_ref().unwrap()),
        sequence(&[SHA256_WITH_RSA, NULL])
    );
    assert!(header.sender_kid.is_none());
    assert_eq!(
        header.sender,
        GeneralName::Directory(named("O=Test,CN=workload"))
    );
    assert_eq!(message.extra_certs(), [carried(&old)]);
    verify_signature(&message, old.public_key(), Sha1Use::Refused).unwrap();
    assert!(single(&message).cert_req.controls.is_none(), "no oldCertId");
}

#[tokio::test]
async fn the_names_of_old_and_new_are_compared_as_certservice_does() {
    let ca = Ca::start_with(Shield::Signed).await;
    ca.grants_implicit();
    let case = async |subject: &str, sans: &[&str]| {
        let mut template = template_of(&OLD_RSA);
        template.subject = named(subject);
        template.sans = sans.iter().map(|text| text.parse().unwrap()).collect();
        let old = under(&ca.certificate, &ca.key, template).await;
        let mut request = renewal(&RSA, &old, &OLD_RSA);
        request.wanted.subject = named("C=US,O=Test,CN=workload");
        request.wanted.sans = ["dns:a.example", "ip:10.0.0.1"]
            .map(|text| text.parse().unwrap())
            .to_vec();
        enrolled(&authority(onap(&ca)), &request).await.1.sent_as
    };
    let same = ["dns:a.example", "ip:10.0.0.1"];
    assert_eq!(
        case("C=US,O=Test,CN=workload", &same).await,
        ra::SentAs::KeyUpdate
    );
    assert_eq!(
        case("CN=WORKLOAD,O=test ,C=US", &same).await,
        ra::SentAs::KeyUpdate,
        "order, case and blanks"
    );
    assert_eq!(
        case("C=US,O=Test,CN=workload", &["ip:10.0.0.1", "dns:a.example"]).await,
        ra::SentAs::KeyUpdate,
        "order"
    );
    assert_eq!(
        case("C=US,O=Test,CN=other", &same).await,
        ra::SentAs::Certification
    );
    assert_eq!(
        case("C=US,O=Test,CN=workload", &["dns:A.example", "ip:10.0.0.1"]).await,
        ra::SentAs::Certification,
        "exact"
    );
    assert_eq!(
        case("C=US,O=Test,CN=workload", &[]).await,
        ra::SentAs::Certification
    );
    assert_eq!(
        case("C=US,O=Test,CN=workload", &["dns:a.example"; 2]).await,
        ra::SentAs::Certification,
        "as multisets"
    );
}

#[tokio::test]
async fn an_onap_answer_under_a_mac_is_believed_also_where_the_request_was_signed() {
    let ca = Ca::start_with(Shield::Mac).await;
    ca.grants_implicit();
    let old = under(&ca.certificate, &ca.key, template_of(&OLD_RSA)).await;
    enrolled(&authority(onap(&ca)), &renewal(&RSA, &old, &OLD_RSA)).await;
}

#[tokio::test]
async fn an_onap_ca_that_grants_no_implicit_confirmation_gets_a_certconf() {
    let ca = Ca::start_with(Shield::Signed).await;
    let authority = authority(onap(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(kinds(&ca.messages()), ["ir", "certConf"]);
    assert_eq!(
        ca.messages()[1].header().sender,
        GeneralName::Directory(named("O=Test,CN=workload"))
    );
}

#[tokio::test]
async fn an_rfc9483_ir_has_what_was_asked_for_and_nothing_else() {
    let ca = Ca::start().await;
    let mut request = lent(&key());
    request.wanted.sans.clear();
    enrolled(&authority(config(&ca)), &request).await;
    let message = ca.messages().remove(0);
    let header = message.header();
    assert_eq!(header.pvno, Pvno::CMP2000);
    assert_eq!(header.sender, GeneralName::Directory(named("CN=ra-1")));
    assert_eq!(header.sender_kid.as_ref().unwrap().as_bytes(), REFERENCE);
    assert!(header.general_info.is_none(), "no implicit confirmation");
    let request = single(&message);
    assert_eq!(request.cert_req.cert_req_id.0, 0);
    assert!(request.cert_req.controls.is_none());
    let template = &request.cert_req.cert_template;
    assert!(
        template.version.is_none()
            && template.serial_number.is_none()
            && template.signing_alg.is_none()
    );
    assert!(template.issuer.is_none() && template.validity.is_none());
    assert!(
        template.extensions.is_none(),
        "not even an empty list of names"
    );
}

#[tokio::test]
async fn an_rfc9483_ir_carries_validity_and_usages_that_were_asked_for() {
    let ca = Ca::start().await;
    let mut request = lent(&key());
    let until = now() + jiff::SignedDuration::from_hours(5);
    request.wanted.validity.not_after = Some(until);
    request.wanted.key_usage = Some(pki::KeyUsages::KEY_AGREEMENT);
    request.wanted.ext_key_usage = vec![pki::usage::CLIENT_AUTH];
    enrolled(&authority(config(&ca)), &request).await;
    let message = ca.messages().remove(0);
    let template = &single(&message).cert_req.cert_template;
    let validity = template.validity.as_ref().unwrap();
    assert!(validity.not_before.is_none());
    assert_eq!(validity.not_after.as_ref().unwrap().timestamp(), until);
    let ids: Vec<_> = template
        .extensions
        .as_ref()
        .unwrap()
        .iter()
        .map(|e| e.extn_id.to_string())
        .collect();
    assert_eq!(ids, ["2.5.29.15", "2.5.29.37", "2.5.29.17"]);
}

#[tokio::test]
async fn an_rfc9483_kur_names_the_old_certificate_as_sender_and_in_its_controls() {
    let ca = Ca::start().await;
    let old_key = key();
    let old = under(&ca.certificate, &ca.key, template_of(&old_key)).await;
    let trust = AnswerTrust::Anchors {
        anchors: vec![ca.certificate.clone()],
        signer: SignerRule::CaOrCmcCa,
    };
    enrolled(
        &authority(CmpConfig {
            trust,
            ..config(&ca)
        }),
        &renewal(&key(), &old, &old_key),
    )
    .await;
    let message = ca.messages().remove(0);
    assert_eq!(
        message.header().sender,
        GeneralName::Directory(old.subject().clone())
    );
    assert_eq!(
        message.header().sender_kid.as_ref().unwrap().as_bytes(),
        old.subject_key_id().unwrap()
    );
    match single(&message).cert_req.controls.as_ref().unwrap()[0]
        .control()
        .unwrap()
    {
        Control::OldCertId(id) => {
            assert_eq!(id.issuer, GeneralName::Directory(old.issuer().clone()));
            assert_eq!(id.serial_number.as_bytes(), old.serial());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn implicit_confirmation_by_rfc9483_is_asked_for_with_null() {
    let ca = Ca::start().await;
    let quirks = Quirks {
        repeats: true,
        ..Quirks::default()
    };
    let config = CmpConfig {
        confirmation: Confirmation::Implicit,
        quirks,
        ..config(&ca)
    };
    enrolled(&authority(config), &lent(&key())).await;
    let message = ca.messages().remove(0);
    let implicit = sequence(&[&[6, 8, 0x2b, 6, 1, 5, 5, 7, 4, 13], NULL]);
    assert_eq!(
        der(message.header().general_info.as_ref().unwrap()),
        sequence(&[&implicit])
    );
}

#[tokio::test]
async fn a_mac_has_the_form_that_was_configured() {
    use pkixcmp::protection::Hmac::{Sha256, Sha384, Sha512};
    let ca = Ca::start().await;
    let pbm = MacForm::Pbm {
        owf: Owf::Sha512,
        mac: Sha384,
        iterations: 321,
    };
    let pbmac1 = MacForm::Pbmac1 {
        prf: Sha512,
        mac: Sha256,
        iterations: 432,
    };
    for form in [pbm, pbmac1] {
        let mut config = config(&ca);
        if let Protection::Mac(identity) = &mut config.protection {
            identity.form = form;
        }
        enrolled(&authority(config), &lent(&key())).await;
        let message = ca.messages().pop().unwrap();
        let found =
            match MacScheme::from_algorithm(message.header().protection_alg.as_ref().unwrap())
                .unwrap()
            {
                MacScheme::Pbm(pbm) => MacForm::Pbm {
                    owf: pbm.owf,
                    mac: pbm.mac,
                    iterations: pbm.iterations,
                },
                MacScheme::Pbmac1(pbmac1) => {
                    assert_eq!(pbmac1.key_length, Some(32));
                    MacForm::Pbmac1 {
                        prf: pbmac1.prf,
                        mac: pbmac1.mac,
                        iterations: pbmac1.iterations,
                    }
                }
            };
        assert_eq!(found, form);
    }
}

/// The sentences that ONAP's integration tests look for in the log (certservice-compat 1.9).
#[tokio::test]
async fn the_log_says_what_certservice_says() {
    let ca = Ca::start_with(Shield::Signed).await;
    ca.grants_implicit();
    let (key, old_key) = (key(), key());
    let old = under(&ca.certificate, &ca.key, template_of(&old_key)).await;
    // For the whole process, since a subscriber of one thread can miss what others were the first to reach; each thread keeps
    // its own lines.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(|| Log)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let authority = authority(onap(&ca));
    enrolled(&authority, &lent(&key)).await;
    enrolled(&authority, &renewal(&key, &old, &old_key)).await;
    let mut request = renewal(&key, &old, &old_key);
    request.wanted.sans.clear();
    enrolled(&authority, &request).await;
    let text = LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap());
    let count = |sentence: &str| text.matches(sentence).count();
    let start = "Certificate Signing Request and Old Certificate have";
    assert_eq!(
        count(&format!(
            "{start} the same parameters. Preparing Key Update Request"
        )),
        1
    );
    assert_eq!(
        count(&format!(
            "{start} different parameters. Preparing Certification Request"
        )),
        1
    );
    assert_eq!(count("Received response from Server"), 3);
    for kind in ["INIT_REP", "CERT_REP", "KEY_UPDATE_REP"] {
        assert_eq!(count(&format!("Response type is: {kind}")), 1, "{kind}");
    }
    assert!(!text.contains("correct horse"));
}

thread_local! {
    static LINES: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(octets));
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
