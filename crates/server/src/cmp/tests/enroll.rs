//! Certificates asked for: ir, cr, kur, p10cr, waiting, asking again.

use std::task::Poll;

use jiff::SignedDuration;
use pki::Csr;
use pkixcmp::client::{Confirmation, Step};
use pkixcmp::crmf::control::AttributeTypeAndValue;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::transaction::TransactionId;
use pkixcmp::{CertId, PkiBody, PkiFailureInfo, PkiMessage, PkiStatus};
use ra::memory::Script;

use super::client::{Client, crmf, error, ir, issued, key, rejected, request, template};
use super::house::{House, RA_REFERENCE, SECRET, dn};

fn p10cr(key: &pki::PrivateKey) -> PkiBody {
    PkiBody::P10cr((&Csr::build(&template(key), key).unwrap()).into())
}

#[tokio::test]
async fn an_ir_by_mac_gets_the_certificate_and_every_root() {
    let (house, key) = (House::new().await, key());
    let issued = Client::new().enroll(&house, &ir(&key)).await;
    let certificate = issued.certificate.certificate().unwrap();
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(issued.status.status, PkiStatus::Accepted);
    let roots: Vec<_> = issued
        .ca_pubs
        .iter()
        .map(|c| c.certificate().unwrap())
        .collect();
    assert_eq!(roots, [house.ca.root().clone()]);
    assert_eq!(house.ca.confirmed(), [certificate.id()]);
}

#[tokio::test]
async fn an_ir_by_signature_gets_no_roots_but_our_certificate() {
    let (house, key) = (House::new().await, key());
    let client = Client::device(&house).await;
    let issued = client.enroll(&house, &ir(&key)).await;
    assert_eq!(issued.ca_pubs, []);
    let ours = issued.extra_certs[0].certificate().unwrap();
    assert_eq!(ours.subject(), &dn("CN=Certway RA"));
    // The root above it is not for the client to find in there.
    assert_eq!(issued.extra_certs.len(), 1);
}

#[tokio::test]
async fn a_cr_is_answered_by_a_cp_without_roots() {
    let house = House::new().await;
    let body = PkiBody::Cr([crmf(&key())].into());
    assert_eq!(Client::new().enroll(&house, &body).await.ca_pubs, []);
}

#[tokio::test]
async fn a_p10cr_is_answered_under_the_number_minus_one() {
    let (house, key) = (House::new().await, key());
    let issued = Client::new().enroll(&house, &p10cr(&key)).await;
    let certificate = issued.certificate.certificate().unwrap();
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(house.ca.confirmed(), [certificate.id()]);
}

#[tokio::test]
async fn a_p10cr_with_a_wrong_signature_is_a_bad_pop() {
    let (house, key) = (House::new().await, key());
    let csr = Csr::build(&template(&key), &key).unwrap();
    let mut der = csr.der().to_vec();
    let place = der.len() - 4;
    der[place] ^= 1;
    let broken = pkixcmp::raw::CertificationRequest::from_der(der).unwrap();
    let refusal = Client::new().refused(&house, &PkiBody::P10cr(broken)).await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_POP);
    assert_eq!(house.ca.issued(), []);
}

#[tokio::test]
async fn a_kur_is_signed_with_the_certificate_it_renews() {
    let (house, first, second) = (House::new().await, key(), key());
    let old = Client::new().enroll(&house, &ir(&first)).await;
    let old = old.certificate.certificate().unwrap();
    let named = AttributeTypeAndValue::old_cert_id(&CertId::of(&old).unwrap()).unwrap();
    let template = CertTemplate::from_template(&template(&second)).unwrap();
    let body = PkiBody::Kur([request(template, &second, vec![named])].into());
    let holder = Client::signing(first, old);
    let new = holder.enroll(&house, &body).await;
    let new = new.certificate.certificate().unwrap();
    assert_eq!(new.public_key(), second.public_key());
}

#[tokio::test]
async fn a_kur_that_says_nothing_of_names_keeps_them() {
    let (house, first, second) = (House::new().await, key(), key());
    let old = Client::new().enroll(&house, &ir(&first)).await;
    let old = old.certificate.certificate().unwrap();
    let mut nameless = template(&second);
    nameless.sans.clear();
    let template = CertTemplate::from_template(&nameless).unwrap();
    let body = PkiBody::Kur([request(template, &second, Vec::new())].into());
    let new = Client::signing(first, old.clone())
        .enroll(&house, &body)
        .await;
    assert_eq!(new.certificate.certificate().unwrap().sans(), old.sans());
}

#[tokio::test]
async fn a_kur_for_another_certificate_than_the_signing_one_is_refused() {
    let (house, first, second) = (House::new().await, key(), key());
    let client = Client::new();
    let old = client.enroll(&house, &ir(&first)).await;
    let other = client.enroll(&house, &ir(&second)).await;
    let other = CertId::of(&other.certificate.certificate().unwrap()).unwrap();
    let named = AttributeTypeAndValue::old_cert_id(&other).unwrap();
    let wanted = CertTemplate::from_template(&template(&second)).unwrap();
    let body = PkiBody::Kur([request(wanted, &second, vec![named])].into());
    let holder = Client::signing(first, old.certificate.certificate().unwrap());
    let refusal = holder.refused(&house, &body).await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_CERT_ID);
}

#[tokio::test]
async fn a_kur_may_not_add_names() {
    let (house, first, second) = (House::new().await, key(), key());
    let old = Client::new().enroll(&house, &ir(&first)).await;
    let mut wider = template(&second);
    wider
        .sans
        .push(pki::GeneralName::Dns("b.example".to_owned()));
    let wider = CertTemplate::from_template(&wider).unwrap();
    let body = PkiBody::Kur([request(wider, &second, Vec::new())].into());
    let holder = Client::signing(first, old.certificate.certificate().unwrap());
    let refusal = holder.refused(&house, &body).await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_CERT_TEMPLATE);
}

#[tokio::test]
async fn a_kur_by_mac_is_of_the_wrong_integrity() {
    let house = House::new().await;
    let body = PkiBody::Kur([crmf(&key())].into());
    let refusal = Client::new().refused(&house, &body).await;
    assert_eq!(refusal.failure, PkiFailureInfo::WRONG_INTEGRITY);
}

#[tokio::test]
async fn an_ra_renews_on_behalf_of_the_holder_what_old_cert_id_names() {
    let (house, first, second) = (House::new().await, key(), key());
    let old = Client::new().enroll(&house, &ir(&first)).await;
    let old = old.certificate.certificate().unwrap();
    let named = AttributeTypeAndValue::old_cert_id(&CertId::of(&old).unwrap()).unwrap();
    let wanted = CertTemplate::from_template(&template(&second)).unwrap();
    let body = PkiBody::Kur([request(wanted, &second, vec![named])].into());
    let new = Client::mac(RA_REFERENCE, SECRET)
        .enroll(&house, &body)
        .await;
    let new = new.certificate.certificate().unwrap();
    assert_eq!(new.public_key(), second.public_key());
    let holder_itself = Client::new().refused(&house, &body).await;
    assert_eq!(holder_itself.failure, PkiFailureInfo::WRONG_INTEGRITY);
}

#[tokio::test]
async fn an_ra_cannot_renew_a_certificate_that_is_not_known_here() {
    let house = House::new().await;
    let foreign = CertId::of(&house.vendor.root).unwrap();
    let named = AttributeTypeAndValue::old_cert_id(&foreign).unwrap();
    let wanted = key();
    let template = CertTemplate::from_template(&template(&wanted)).unwrap();
    let body = PkiBody::Kur([request(template, &wanted, vec![named])].into());
    let refusal = Client::mac(RA_REFERENCE, SECRET)
        .refused(&house, &body)
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_CERT_ID);
}

#[tokio::test]
async fn a_kur_of_a_certificate_that_another_ca_issued_is_refused() {
    let house = House::new().await;
    let device = Client::device(&house).await;
    let (mut talk, message) =
        device.begin(&PkiBody::Kur([crmf(&key())].into()), Confirmation::Explicit);
    let step = talk.send(&house, message).await;
    assert_eq!(rejected(step).failure, PkiFailureInfo::SIGNER_NOT_TRUSTED);
}

#[tokio::test]
async fn a_slow_ca_makes_the_client_poll_until_the_certificate_is_there() {
    let house = House::new().await;
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    assert!(matches!(step, Step::Waiting { .. }), "{step:?}");
    let Step::Waiting { check_after, .. } = talk.poll(&house).await else {
        panic!("not waiting");
    };
    assert!((5..=7).contains(&check_after), "{check_after}");
    house.pass(8);
    house.sweep().await;
    issued(talk.poll(&house).await);
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    assert_eq!(house.ca.confirmed().len(), 1);
}

#[tokio::test]
async fn a_ca_that_is_only_a_little_slow_spares_the_client_its_polling() {
    let patient = std::time::Duration::from_secs(30);
    let house = House::with(|_, settings| settings.rules.hold = patient).await;
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    let (client, body) = (Client::new(), ir(&key()));
    let moved = async {
        while house.ca.calls() == 0 {
            tokio::task::yield_now().await;
        }
        house.pass(8);
        while house.ca.issued().is_empty() {
            house.sweep().await;
            tokio::task::yield_now().await;
        }
    };
    let asked = client.ask(&house, &body, Confirmation::Explicit);
    let ((_, step), ()) = tokio::join!(asked, moved);
    issued(step);
}

#[tokio::test]
async fn polling_goes_on_after_a_restart() {
    let house = House::new().await;
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    let client = Client::new();
    let (mut talk, _) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    let house = house.restarted();
    house.pass(8);
    house.sweep().await;
    issued(talk.poll(&house).await);
    let house = house.restarted();
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
}

#[tokio::test]
async fn a_lost_final_answer_to_a_poll_is_given_again() {
    let house = House::new().await;
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    let client = Client::new();
    let (mut talk, _) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    house.pass(8);
    house.sweep().await;
    let poll = talk.polling();
    let (lost, again) = (house.ask(poll.clone()).await, house.ask(poll).await);
    assert_eq!(lost.raw_body(), again.raw_body());
    assert_eq!(lost.header().sender_nonce, again.header().sender_nonce);
    issued(talk.hear(&again));
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
}

#[tokio::test]
async fn polling_for_what_nobody_was_told_to_wait_for_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (mut waiting, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    waiting.send(&house, message).await;
    let poll = waiting.polling();
    // The same poll by somebody else with the right secret of another reference.
    let foreign = Client::mac("4711", super::house::SECRET);
    let parsed = PkiMessage::decode(poll).unwrap();
    let mut header = parsed.header().clone();
    let out = foreign.out();
    header.protection_alg = out.protection_alg;
    header.sender_kid = PkiMessage::decode(foreign.begin(&ir(&key()), Confirmation::Explicit).1)
        .unwrap()
        .header()
        .sender_kid
        .clone();
    let message =
        pkixcmp::Unprotected::with_raw_body(&header, parsed.raw_body().clone(), Vec::new())
            .unwrap();
    let answer = house.ask(foreign.protect(message)).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
}

#[tokio::test]
async fn a_byte_identical_request_gets_the_same_answer_with_the_same_nonce() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let first = house.ask(message.clone()).await;
    let house = house.restarted();
    let second = house.ask(message).await;
    assert_eq!(first.raw_body(), second.raw_body());
    assert_eq!(first.header().sender_nonce, second.header().sender_nonce);
    assert_eq!(house.ca.issued().len(), 1);
    issued(talk.hear(&second));
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
}

#[tokio::test]
async fn a_request_repeated_after_its_confirmation_gets_the_same_answer() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let first = house.ask(message.clone()).await;
    issued(talk.hear(&first));
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    let second = house.ask(message).await;
    assert_eq!(first.raw_body(), second.raw_body());
    assert_eq!(house.ca.issued().len(), 1);
}

#[tokio::test]
async fn a_late_retransmission_is_answered_and_a_late_request_is_not() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let (_, never_sent) = client.begin(&ir(&key()), Confirmation::Explicit);
    house.ask(message.clone()).await;
    house.pass(1000);
    issued(talk.send(&house, message).await);
    let answer = house.ask(never_sent).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_TIME);
    let told = answer.header().message_time.as_ref().unwrap().timestamp();
    let off = told.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((990..=1010).contains(&off), "our own time is {off} s ahead");
}

#[tokio::test]
async fn another_request_under_a_transaction_id_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let id = TransactionId([7; 16]);
    let (mut talk, message) = client.begin_as(id, &ir(&key()), Confirmation::Explicit);
    issued(talk.send(&house, message).await);
    let (_, other) = client.begin_as(id, &ir(&key()), Confirmation::Explicit);
    let answer = house.ask(other).await;
    assert_eq!(error(&answer), PkiFailureInfo::TRANSACTION_ID_IN_USE);
    assert_eq!(house.ca.issued().len(), 1);
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
}

#[tokio::test]
async fn two_clients_with_one_transaction_id_do_not_meet() {
    let house = House::new().await;
    let id = TransactionId([7; 16]);
    let one = Client::new();
    let other = Client::mac("4711", super::house::SECRET);
    let (keys, confirmation) = ((key(), key()), Confirmation::Explicit);
    let (mut first, message) = one.begin_as(id, &ir(&keys.0), confirmation);
    let mine = issued(first.send(&house, message).await);
    let (mut second, message) = other.begin_as(id, &ir(&keys.1), confirmation);
    let theirs = issued(second.send(&house, message).await);
    assert_eq!(
        mine.certificate.certificate().unwrap().public_key(),
        keys.0.public_key()
    );
    assert_eq!(
        theirs.certificate.certificate().unwrap().public_key(),
        keys.1.public_key()
    );
    assert_eq!(first.accept(&house).await, Step::Confirmed);
    assert_eq!(second.accept(&house).await, Step::Confirmed);
    assert_eq!(house.ca.confirmed().len(), 2);
}

#[tokio::test]
async fn what_the_ca_changed_is_granted_with_mods() {
    let (house, key) = (House::new().await, key());
    let mut other = template(&key);
    other.sans.clear();
    house.ca.will(Script::IssueInstead(Box::new(other)));
    let (_, step) = Client::new()
        .ask(&house, &ir(&key), Confirmation::Explicit)
        .await;
    let issued = issued(step);
    assert_eq!(issued.status.status, PkiStatus::GrantedWithMods);
    assert!(
        issued.status.texts[0].contains("subjectAltName"),
        "{:?}",
        issued.status.texts
    );
}

#[tokio::test]
async fn a_ca_that_cannot_be_reached_is_a_system_that_is_unavailable() {
    let house = House::new().await;
    house.ca.will(Script::NotSent);
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let answer = house.ask(message.clone()).await;
    assert_eq!(error(&answer), PkiFailureInfo::SYSTEM_UNAVAIL);
    // Nothing was begun, so the same message begins anew.
    issued(talk.send(&house, message).await);
}

#[tokio::test]
async fn a_profile_is_asked_for_by_name() {
    let house = House::new().await;
    let client = Client::new();
    let body = ir(&key());
    let (_, message) = client.begin(&body, Confirmation::Explicit);
    let parsed = PkiMessage::decode(message).unwrap();
    let mut header = parsed.header().clone();
    let named = pkixcmp::InfoTypeAndValue::cert_profile(["nonsense".to_owned()]).unwrap();
    header.general_info = Some([named].into());
    let message = pkixcmp::Unprotected::new(&header, &body, Vec::new()).unwrap();
    let answer = house.ask(client.protect(message)).await;
    let PkiBody::Ip(content) = answer.body() else {
        panic!("{}", answer.body().name());
    };
    let status = &content.response[0].status;
    assert_eq!(status.failure, Some(PkiFailureInfo::BAD_REQUEST));
    assert!(status.texts[0].contains("nonsense"), "{status}");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_its_enrollment() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Implicit);
    {
        let mut asking = std::pin::pin!(house.post(message));
        let once = std::future::poll_fn(|context| Poll::Ready(asking.as_mut().poll(context)));
        assert!(once.await.is_pending());
    }
    assert_eq!(house.ca.confirmed(), []);
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.ca.confirmed().len(), 1);
}
