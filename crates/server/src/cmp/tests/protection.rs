//! Who is believed, and how answers are protected.

use pki::GeneralName;
use pkixcmp::client::{Confirmation, Step};
use pkixcmp::protection::{Hmac, MacScheme, PbmParameters, Pbmac1Parameters, ProtectionKind};
use pkixcmp::{PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, Unprotected};
use ra::memory::Script;

use super::client::{Client, error, ir, issued, key, rejected};
use super::house::{House, REFERENCE, SECRET, dn};
use crate::settings::UnauthenticatedErrors;

fn kind(answer: &PkiMessage) -> ProtectionKind {
    ProtectionKind::announced(answer.header().protection_alg.as_ref())
}

fn pbm(iterations: u32) -> MacScheme {
    MacScheme::Pbm(PbmParameters {
        iterations,
        ..PbmParameters::sha256([1; 16])
    })
}

#[tokio::test]
async fn a_mac_is_answered_by_a_mac_with_the_same_parameters_and_reference() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message.clone()).unwrap();
    let answer = house.ask(message).await;
    assert_eq!(
        asked.header().protection_alg,
        answer.header().protection_alg
    );
    assert_eq!(asked.header().sender_kid, answer.header().sender_kid);
    assert_eq!(asked.header().recipient, answer.header().sender);
}

#[tokio::test]
async fn pbmac1_and_hmac_sha1_are_spoken_too() {
    let house = House::new().await;
    let openssl = PbmParameters {
        mac: Hmac::Sha1,
        ..PbmParameters::sha256([2; 16])
    };
    for scheme in [
        MacScheme::Pbmac1(Pbmac1Parameters::sha256([3; 16])),
        MacScheme::Pbm(openssl),
        pbm(20_000),
    ] {
        let client = Client::with_scheme(REFERENCE, SECRET, scheme);
        client.enroll(&house, &ir(&key())).await;
    }
}

#[tokio::test]
async fn a_signature_is_answered_by_a_signature() {
    let house = House::new().await;
    let client = Client::device(&house).await;
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let answer = house.ask(message).await;
    assert_eq!(kind(&answer), ProtectionKind::Signature);
    let sender = GeneralName::Directory(dn("CN=Certway RA"));
    assert_eq!(answer.header().sender, sender);
    let ours = answer.extra_certs()[0].certificate().unwrap();
    ours.verify_signed_by(house.ours.root.public_key()).unwrap();
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_reference_get_the_same_answer() {
    let house = House::new().await;
    let mut answers = Vec::new();
    for client in [
        Client::mac(REFERENCE, "guess"),
        Client::mac("nobody", SECRET),
    ] {
        let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
        let answer = house.ask(message).await;
        assert_eq!(error(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
        assert_eq!(kind(&answer), ProtectionKind::None);
        answers.push(answer);
    }
    assert_eq!(answers[0].raw_body(), answers[1].raw_body());
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_billion_iterations_are_refused_before_any_work() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let mut header = asked.header().clone();
    header.protection_alg = Some(pbm(1_000_000_000).to_algorithm().unwrap());
    let changed = Unprotected::with_raw_body(&header, asked.raw_body().clone(), Vec::new());
    let before = std::time::Instant::now();
    let answer = house.ask(changed.unwrap().protected(&[0; 32])).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_ALG);
    assert!(before.elapsed() < std::time::Duration::from_secs(2));
}

#[tokio::test]
async fn too_few_iterations_are_refused() {
    let house = House::new().await;
    let client = Client::with_scheme(REFERENCE, SECRET, pbm(1));
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    assert_eq!(error(&house.ask(message).await), PkiFailureInfo::BAD_ALG);
}

#[tokio::test]
async fn an_unprotected_request_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    for keeps_algorithm in [true, false] {
        let mut header = asked.header().clone();
        header.protection_alg = header.protection_alg.filter(|_| keeps_algorithm);
        let bare = Unprotected::with_raw_body(&header, asked.raw_body().clone(), Vec::new());
        let answer = house.ask(bare.unwrap().unprotected()).await;
        assert_eq!(error(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
    }
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_changed_body_is_not_believed() {
    let house = House::new().await;
    for client in [Client::new(), Client::device(&house).await] {
        let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
        let (_, other) = client.begin(&ir(&key()), Confirmation::Explicit);
        let asked = PkiMessage::decode(message).unwrap();
        let other = PkiMessage::decode(other).unwrap();
        let changed = Unprotected::with_raw_body(
            asked.header(),
            other.raw_body().clone(),
            asked.extra_certs().to_vec(),
        );
        let changed = changed.unwrap().protected(asked.protection().unwrap());
        let answer = house.ask(changed).await;
        assert_eq!(error(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
    }
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_signer_of_an_unknown_ca_is_not_trusted() {
    let house = House::new().await;
    let stranger = super::house::Issuer::new("CN=Vendor").await;
    let key = key();
    let certificate = stranger.issue("CN=device-1", &key, &[]).await;
    let client = Client::Signature {
        key,
        chain: vec![certificate, stranger.root],
    };
    let refusal = client.refused(&house, &ir(&super::client::key())).await;
    assert_eq!(refusal.failure, PkiFailureInfo::SIGNER_NOT_TRUSTED);
    assert!(!refusal.authenticated);
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_certificate_of_the_labels_own_ca_does_not_open_the_door_for_an_ir() {
    let (house, key) = (House::new().await, key());
    let issued = Client::new().enroll(&house, &ir(&key)).await;
    let holder = Client::signing(key, issued.certificate.certificate().unwrap());
    let refusal = holder.refused(&house, &ir(&super::client::key())).await;
    assert_eq!(refusal.failure, PkiFailureInfo::SIGNER_NOT_TRUSTED);
}

#[tokio::test]
async fn a_sender_that_is_not_the_subject_of_its_certificate_is_refused() {
    let house = House::new().await;
    let client = Client::device(&house).await;
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let mut header = asked.header().clone();
    header.sender = GeneralName::Directory(dn("CN=admin"));
    let changed = Unprotected::with_raw_body(
        &header,
        asked.raw_body().clone(),
        asked.extra_certs().to_vec(),
    );
    let answer = house.ask(client.protect(changed.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
}

#[tokio::test]
async fn the_sender_is_compared_as_a_name_and_not_as_octets() {
    let house = House::new().await;
    let client = Client::device(&house).await;
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let mut header = asked.header().clone();
    header.sender = GeneralName::Directory(dn("CN=DEVICE-1"));
    let changed = Unprotected::with_raw_body(
        &header,
        asked.raw_body().clone(),
        asked.extra_certs().to_vec(),
    );
    let answer = house.ask(client.protect(changed.unwrap())).await;
    assert!(matches!(answer.body(), PkiBody::Ip(_)), "{answer:?}");
}

#[tokio::test]
async fn a_signature_whose_certificate_does_not_come_along_is_refused() {
    let house = House::new().await;
    let client = Client::device(&house).await;
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let bare = Unprotected::with_raw_body(asked.header(), asked.raw_body().clone(), Vec::new());
    let answer = house.ask(client.protect(bare.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::ADD_INFO_NOT_AVAILABLE);
}

#[tokio::test]
async fn a_revoked_certificate_protects_nothing_any_more() {
    let (house, first) = (House::new().await, key());
    let client = Client::new();
    let own = client.enroll(&house, &ir(&first)).await;
    let own = own.certificate.certificate().unwrap();
    client
        .ask(&house, &super::client::rr(&own), Confirmation::Explicit)
        .await;
    let body = PkiBody::Kur([super::client::crmf(&key())].into());
    let refusal = Client::signing(first, own).refused(&house, &body).await;
    assert_eq!(refusal.failure, PkiFailureInfo::CERT_REVOKED);
}

#[tokio::test]
async fn a_label_without_a_signer_takes_no_signatures() {
    let house = House::with(|_, settings| settings.signer = None).await;
    let refusal = Client::device(&house)
        .await
        .refused(&house, &ir(&key()))
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::WRONG_INTEGRITY);
}

#[tokio::test]
async fn a_confirmation_under_another_kind_of_protection_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let device = Client::device(&house).await;
    let message = PkiMessage::decode(talk.confirmation(&pkixcmp::client::Verdict::Accept)).unwrap();
    let out = device.out();
    let mut header = message.header().clone();
    (header.sender, header.protection_alg) = (out.sender, out.protection_alg);
    header.sender_kid = None;
    let changed = Unprotected::with_raw_body(&header, message.raw_body().clone(), out.extra_certs);
    let answer = house.ask(device.protect(changed.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
    assert_eq!(house.ca.confirmed(), []);
    assert_eq!(
        talk.send(&house, message.der().clone()).await,
        Step::Confirmed
    );
}

#[tokio::test]
async fn an_error_to_somebody_known_is_protected_like_an_answer() {
    let house = House::new().await;
    for (client, wanted) in [
        (Client::new(), ProtectionKind::Mac),
        (Client::device(&house).await, ProtectionKind::Signature),
    ] {
        house.ca.will(Script::NotSent);
        let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
        let answer = house.ask(message).await;
        assert_eq!(error(&answer), PkiFailureInfo::SYSTEM_UNAVAIL);
        assert_eq!(kind(&answer), wanted);
        assert!(rejected(talk.hear(&answer)).authenticated);
    }
}

#[tokio::test]
async fn an_error_to_a_stranger_is_signed_where_settings_say_so() {
    let signed = UnauthenticatedErrors::Signed;
    let house = House::with(|_, settings| settings.rules.unauthenticated_errors = signed).await;
    let client = Client::mac(REFERENCE, "guess");
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let answer = house.ask(message).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
    assert_eq!(kind(&answer), ProtectionKind::Signature);
    client.believes(&answer);
}

#[tokio::test]
async fn ra_verified_is_believed_of_an_ra_only() {
    let unproven = |key: &pki::PrivateKey| {
        let mut request = super::client::crmf(key);
        let verified = pkixcmp::pop::Unproven::new(request.cert_req.clone()).unwrap();
        request = verified.ra_verified(None);
        PkiBody::Ir([request].into())
    };
    let pattern = ra::TextPattern::new("subject:CN=device-*");
    let house = House::with(|_, settings| settings.acts_as_ra = vec![pattern]).await;
    let refusal = Client::new().refused(&house, &unproven(&key())).await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_POP);
    let ra = Client::device(&house).await;
    let granted = ra.enroll(&house, &unproven(&key())).await;
    assert_eq!(granted.status.status, PkiStatus::Accepted);
}
