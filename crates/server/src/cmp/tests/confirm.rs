//! The last word: certConf, error, implicit confirmation.

use pkixcmp::client::{Confirmation, Step, Verdict};
use pkixcmp::status::PkiStatusInfo;
use pkixcmp::{PkiBody, PkiFailureInfo};
use ra::memory::Script;

use super::client::{Client, error, ir, issued, key, rejected};
use super::house::House;

fn rejection() -> Verdict {
    Verdict::Reject(PkiStatusInfo::rejection(
        PkiFailureInfo::BAD_CERT_TEMPLATE,
        "not what was asked for",
    ))
}

#[tokio::test]
async fn implicit_confirmation_is_granted_to_who_asks() {
    let house = House::new().await;
    let client = Client::new();
    let (_, step) = client
        .ask(&house, &ir(&key()), Confirmation::Implicit)
        .await;
    assert!(issued(step).implicitly_confirmed);
    assert_eq!(house.ca.confirmed().len(), 1);
}

#[tokio::test]
async fn implicit_confirmation_is_not_granted_where_settings_say_so() {
    let house = House::with(|_, settings| settings.grant_implicit_confirm = false).await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Implicit)
        .await;
    let issued = issued(step);
    assert!(!issued.implicitly_confirmed);
    assert!(issued.confirm_until.is_some());
    assert_eq!(house.ca.confirmed(), []);
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    assert_eq!(house.ca.confirmed().len(), 1);
}

#[tokio::test]
async fn an_explicitly_confirmed_certificate_is_confirmed_to_the_ca_only_then() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    assert!(!issued(step).implicitly_confirmed);
    assert_eq!(house.ca.confirmed(), []);
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    assert_eq!(house.ca.confirmed().len(), 1);
}

#[tokio::test]
async fn a_byte_identical_cert_conf_gets_the_same_pki_conf_after_a_restart() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let message = talk.confirmation(&Verdict::Accept);
    let first = house.ask(message.clone()).await;
    let house = house.restarted();
    let second = house.ask(message).await;
    assert_eq!(second.body(), &PkiBody::Pkiconf);
    assert_eq!(first.header().sender_nonce, second.header().sender_nonce);
    assert_eq!(talk.hear(&second), Step::Confirmed);
}

#[tokio::test]
async fn another_cert_conf_is_told_that_the_certificate_is_confirmed() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let mut late = super::client::Talk {
        client: talk.client,
        transaction: talk.transaction.clone(),
    };
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    let answer = late.accept(&house).await;
    assert_eq!(rejected(answer).failure, PkiFailureInfo::CERT_CONFIRMED);
}

#[tokio::test]
async fn a_certificate_that_the_client_gives_back_is_withdrawn_and_pki_conf_says_so_twice() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let message = talk.confirmation(&rejection());
    assert_eq!(house.ask(message.clone()).await.body(), &PkiBody::Pkiconf);
    assert_eq!(house.ca.withdrawn().len(), 1);
    assert_eq!(house.ca.confirmed(), []);
    assert_eq!(talk.send(&house, message).await, Step::Confirmed);
    assert_eq!(house.ca.withdrawn().len(), 1);
}

#[tokio::test]
async fn an_error_of_the_client_gives_the_certificate_back() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let answer = house.ask(message).await;
    issued(talk.hear(&answer));
    let why = PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_FAILURE, "no room");
    let message = talk.transaction.abort(why, client.out()).unwrap();
    assert_eq!(
        talk.send(&house, client.protect(message)).await,
        Step::Confirmed
    );
    assert_eq!(house.ca.withdrawn().len(), 1);
}

#[tokio::test]
async fn an_error_of_a_client_that_waits_ends_its_request_and_what_comes_yet_is_given_back() {
    for confirmation in [Confirmation::Explicit, Confirmation::Implicit] {
        let house = House::new().await;
        let wait = jiff::SignedDuration::from_secs(7);
        house.ca.will(Script::Wait(wait));
        let client = Client::new();
        let (mut talk, message) = client.begin(&ir(&key()), confirmation);
        let answer = house.ask(message.clone()).await;
        assert!(matches!(talk.hear(&answer), Step::Waiting { .. }));
        let why = PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_FAILURE, "no room");
        let given_up = talk.transaction.abort(why, client.out()).unwrap();
        let given_up = client.protect(given_up);
        for _ in 0..2 {
            let answer = house.ask(given_up.clone()).await;
            assert_eq!(answer.body(), &PkiBody::Pkiconf);
        }
        house.pass(8);
        house.sweep().await;
        assert_eq!(house.ca.confirmed(), []);
        assert_eq!(house.ca.withdrawn().len(), 1);
        let again = house.ask(message).await;
        assert!(matches!(again.body(), PkiBody::Ip(_)), "{again:?}");
    }
}

#[tokio::test]
async fn a_cert_conf_for_another_certificate_is_refused_and_the_right_one_still_counts() {
    let house = House::new().await;
    let client = Client::new();
    let (mut one, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let (mut two, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let right = one.confirmation(&Verdict::Accept);
    let foreign = two.confirmation(&Verdict::Accept);
    let (right_parsed, foreign_parsed) = (
        pkixcmp::PkiMessage::decode(right.clone()).unwrap(),
        pkixcmp::PkiMessage::decode(foreign).unwrap(),
    );
    let swapped = pkixcmp::Unprotected::with_raw_body(
        right_parsed.header(),
        foreign_parsed.raw_body().clone(),
        Vec::new(),
    );
    let answer = house.ask(client.protect(swapped.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_CERT_ID);
    assert_eq!(one.send(&house, right).await, Step::Confirmed);
}

#[tokio::test]
async fn a_cert_conf_with_a_nonce_that_was_never_sent_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let message = pkixcmp::PkiMessage::decode(talk.confirmation(&Verdict::Accept)).unwrap();
    let mut header = message.header().clone();
    header.recip_nonce = header.sender_nonce.clone();
    let changed =
        pkixcmp::Unprotected::with_raw_body(&header, message.raw_body().clone(), Vec::new());
    let answer = house.ask(client.protect(changed.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_RECIPIENT_NONCE);
    assert_eq!(house.ca.confirmed(), []);
}

#[tokio::test]
async fn a_cert_conf_of_no_transaction_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    let message = pkixcmp::PkiMessage::decode(talk.confirmation(&Verdict::Accept)).unwrap();
    let mut header = message.header().clone();
    header.transaction_id = header.sender_nonce.clone();
    let changed =
        pkixcmp::Unprotected::with_raw_body(&header, message.raw_body().clone(), Vec::new());
    let answer = house.ask(client.protect(changed.unwrap())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
}

#[tokio::test]
async fn a_cert_conf_signed_with_the_certificate_just_issued_is_refused() {
    let house = House::new().await;
    let device = Client::device(&house).await;
    let Client::Signature { key, .. } = &device else {
        panic!("not a device");
    };
    // A certificate for the same key, so that the credential is the same too.
    let (mut talk, step) = device.ask(&house, &ir(key), Confirmation::Explicit).await;
    let new = issued(step).certificate.certificate().unwrap();
    let key = pki::PrivateKey::from_der(&key.to_pkcs8_der().unwrap()).unwrap();
    let holder = Client::signing(key, new);
    talk.client = &holder;
    let step = talk.accept(&house).await;
    assert_eq!(rejected(step).failure, PkiFailureInfo::WRONG_INTEGRITY);
    assert_eq!(house.ca.confirmed(), []);
}

#[tokio::test]
async fn a_confirmation_is_noted_although_the_ca_cannot_be_reached() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    house.ca.will(Script::NotSent);
    assert_eq!(talk.accept(&house).await, Step::Confirmed);
    assert_eq!(house.ca.confirmed(), []);
    house.pass(600);
    house.sweep().await;
    assert_eq!(house.ca.confirmed().len(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_confirmed_too_late_is_gone() {
    let house = House::new().await;
    let client = Client::new();
    let (mut talk, step) = client
        .ask(&house, &ir(&key()), Confirmation::Explicit)
        .await;
    issued(step);
    house.pass(301);
    house.sweep().await;
    assert_eq!(house.ca.withdrawn().len(), 1);
    let step = talk.accept(&house).await;
    assert_eq!(rejected(step).failure, PkiFailureInfo::CERT_REVOKED);
}
