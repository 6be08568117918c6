//! rr and genm.

use jiff::SignedDuration;
use pki::GeneralName;
use pki::crl::RevocationReason;
use pkixcmp::body::revoke::RevDetails;
use pkixcmp::client::{Confirmation, Step};
use pkixcmp::info::{InfoTypeAndValue, InfoValue, id};
use pkixcmp::server::Conformance;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiStatus};
use ra::TextPattern;
use ra::memory::Script;

use super::client::{Client, ir, key, rejected, rr};
use super::house::House;

const REVOKED: Step = Step::Revoked {
    status: PkiStatus::Accepted,
};

#[tokio::test]
async fn a_certificate_is_revoked_with_its_own_key_once() {
    let (house, key) = (House::new().await, key());
    let issued = Client::new().enroll(&house, &ir(&key)).await;
    let own = issued.certificate.certificate().unwrap();
    let holder = Client::signing(key, own.clone());
    let (_, step) = holder.ask(&house, &rr(&own), Confirmation::Explicit).await;
    assert_eq!(step, REVOKED);
    assert_eq!(house.ca.revoked(), [own.id()]);
    let again = holder.refused(&house, &rr(&own)).await;
    assert_eq!(again.failure, PkiFailureInfo::CERT_REVOKED);
}

#[tokio::test]
async fn a_repeated_revocation_request_gets_its_answer_again() {
    let (house, key) = (House::new().await, key());
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key)).await;
    let own = own.certificate.certificate().unwrap();
    let (mut talk, message) = client.begin(&rr(&own), Confirmation::Explicit);
    let first = house.ask(message.clone()).await;
    let second = house.ask(message).await;
    assert_eq!(first.raw_body(), second.raw_body());
    assert_eq!(talk.hear(&second), REVOKED);
    assert_eq!(house.ca.revoked().len(), 1);
}

#[tokio::test]
async fn a_client_with_a_secret_revokes_what_it_enrolled_and_nothing_else() {
    let house = House::new().await;
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let other = Client::mac("4711", super::house::SECRET);
    let refusal = other.refused(&house, &rr(&own)).await;
    assert_eq!(refusal.failure, PkiFailureInfo::NOT_AUTHORIZED);
    let (_, step) = client.ask(&house, &rr(&own), Confirmation::Explicit).await;
    assert_eq!(step, REVOKED);
}

#[tokio::test]
async fn a_revocation_by_mac_is_refused_where_settings_say_so() {
    let house = House::with(|_, settings| settings.rules.mac_revocation = false).await;
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let refusal = client.refused(&house, &rr(&own)).await;
    assert_eq!(refusal.failure, PkiFailureInfo::WRONG_INTEGRITY);
    assert_eq!(house.ca.revoked(), []);
}

#[tokio::test]
async fn an_ra_named_in_settings_revokes_for_others() {
    let pattern = TextPattern::new("subject:CN=device-*");
    let house = House::with(|_, settings| settings.acts_as_ra = vec![pattern]).await;
    let own = Client::new().enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let ra = Client::device(&house).await;
    let (_, step) = ra.ask(&house, &rr(&own), Confirmation::Explicit).await;
    assert_eq!(step, REVOKED);
}

#[tokio::test]
async fn the_usage_cmc_ra_from_a_clients_ca_makes_no_ra() {
    let house = House::new().await;
    let own = Client::new().enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let key = key();
    let certificate = house
        .vendor
        .issue("CN=would-be RA", &key, &[pki::usage::CMC_RA])
        .await;
    let refusal = Client::signing(key, certificate)
        .refused(&house, &rr(&own))
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::NOT_AUTHORIZED);
}

#[tokio::test]
async fn a_revocation_that_names_no_certificate_is_refused() {
    let house = House::new().await;
    let nameless = RevDetails {
        cert_details: pkixcmp::crmf::template::CertTemplate::default(),
        crl_entry_details: None,
    };
    let refusal = Client::new()
        .refused(&house, &PkiBody::Rr([nameless].into()))
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_CERT_TEMPLATE);
}

#[tokio::test]
async fn two_revocations_in_one_message_are_refused() {
    let house = House::new().await;
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let one = RevDetails::of(&own.id(), None).unwrap();
    let (_, message) = client.begin(&rr(&own), Confirmation::Explicit);
    let parsed = pkixcmp::PkiMessage::decode(message).unwrap();
    let body = PkiBody::Rr([one.clone(), one].into());
    let message = pkixcmp::Unprotected::new(parsed.header(), &body, Vec::new()).unwrap();
    let answer = house.ask(client.protect(message)).await;
    assert_eq!(super::client::error(&answer), PkiFailureInfo::BAD_REQUEST);
    assert_eq!(house.ca.revoked(), []);
}

#[tokio::test]
async fn nothing_is_taken_off_the_crl() {
    let house = House::new().await;
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    let lifted = RevDetails::of(&own.id(), Some(RevocationReason::RemoveFromCrl)).unwrap();
    let refusal = client.refused(&house, &PkiBody::Rr([lifted].into())).await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_REQUEST);
}

#[tokio::test]
async fn a_slow_revocation_is_polled_for() {
    let house = House::new().await;
    let client = Client::new();
    let own = client.enroll(&house, &ir(&key())).await;
    let own = own.certificate.certificate().unwrap();
    house.ca.will(Script::Wait(SignedDuration::from_secs(7)));
    let (mut talk, step) = client.ask(&house, &rr(&own), Confirmation::Explicit).await;
    assert!(matches!(step, Step::Waiting { .. }), "{step:?}");
    house.pass(8);
    house.sweep().await;
    assert_eq!(talk.poll(&house).await, REVOKED);
}

#[tokio::test]
async fn ca_certificates_are_told_to_whoever_is_authenticated() {
    let house = House::new().await;
    let body = PkiBody::Genm([InfoTypeAndValue::bare(id::CA_CERTS)].into());
    let client = Client::new();
    let (_, step) = client.ask(&house, &body, Confirmation::Explicit).await;
    let Step::Support(infos) = step else {
        panic!("{step:?}");
    };
    let InfoValue::CaCerts(list) = infos[0].value().unwrap() else {
        panic!("{infos:?}");
    };
    assert_eq!(list[0].certificate().unwrap(), *house.ca.root());
}

#[tokio::test]
async fn an_empty_genm_gets_an_empty_genp() {
    let house = House::new().await;
    let client = Client::new();
    let body = PkiBody::Genm(Vec::new().into());
    let (_, step) = client.ask(&house, &body, Confirmation::Explicit).await;
    assert!(
        matches!(&step, Step::Support(infos) if infos.is_empty()),
        "{step:?}"
    );
}

#[tokio::test]
async fn an_unknown_question_is_left_out_or_refused_as_the_profile_has_it() {
    let body = PkiBody::Genm([InfoTypeAndValue::bare(id::SIGN_KEY_PAIR_TYPES)].into());
    let client = Client::new();
    let house = House::new().await;
    let (_, step) = client.ask(&house, &body, Confirmation::Explicit).await;
    assert!(
        matches!(&step, Step::Support(infos) if infos.is_empty()),
        "{step:?}"
    );
    let strict = |_: &mut crate::Site, settings: &mut crate::CmpSettings| {
        settings.rules.header.conformance = Conformance::Strict;
    };
    let house = House::with(strict).await;
    let (_, step) = client.ask(&house, &body, Confirmation::Explicit).await;
    assert_eq!(rejected(step).failure, PkiFailureInfo::BAD_REQUEST);
}

#[tokio::test]
async fn a_certificate_of_the_labels_own_ca_may_ask_what_everyone_may_know() {
    let (house, key) = (House::new().await, key());
    let issued = Client::new().enroll(&house, &ir(&key)).await;
    let holder = Client::signing(key, issued.certificate.certificate().unwrap());
    let body = PkiBody::Genm([InfoTypeAndValue::bare(id::CA_CERTS)].into());
    let (_, step) = holder.ask(&house, &body, Confirmation::Explicit).await;
    assert!(matches!(step, Step::Support(_)), "{step:?}");
    // A name of its own asks for nothing more.
    assert_eq!(
        GeneralName::Dns("a.example".to_owned()),
        issued.certificate.certificate().unwrap().sans()[0]
    );
}
