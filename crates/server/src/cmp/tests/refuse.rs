//! Bad input: each gets an answer, nothing is issued, and the service lives on.

use http::StatusCode;
use pki::GeneralName;
use pkixcmp::client::Confirmation;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::raw::RawMessage;
use pkixcmp::server::Conformance;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, Pvno, Unprotected};

use super::client::{Client, crmf, error, ir, key, request, template};
use super::house::House;
use crate::cmp::Operation;

/// The answer to a request whose body was changed, under a right MAC.
async fn with_body(house: &House, body: &PkiBody) -> PkiMessage {
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let changed = Unprotected::new(asked.header(), body, Vec::new()).unwrap();
    house.ask(client.protect(changed)).await
}

async fn with_header(house: &House, change: impl FnOnce(&mut pkixcmp::PkiHeader)) -> PkiMessage {
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let asked = PkiMessage::decode(message).unwrap();
    let mut header = asked.header().clone();
    change(&mut header);
    let changed = Unprotected::with_raw_body(&header, asked.raw_body().clone(), Vec::new());
    house.ask(client.protect(changed.unwrap())).await
}

#[tokio::test]
async fn junk_an_empty_body_a_truncated_message_and_trailing_octets_are_answered_by_400_and_an_error()
 {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let mut bodies = vec![
        b"junk".to_vec(),
        Vec::new(),
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        [message.as_ref(), b"\0"].concat(),
    ];
    bodies.extend(
        (1..message.len())
            .step_by(7)
            .map(|end| message[..end].to_vec()),
    );
    for body in bodies {
        let answer = house.post(body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let answer = PkiMessage::decode(answer.body).unwrap();
        assert_eq!(error(&answer), PkiFailureInfo::BAD_DATA_FORMAT);
    }
    assert_eq!(house.ca.calls(), 0);
    client.enroll(&house, &ir(&key())).await;
}

#[tokio::test]
async fn octets_changed_anywhere_never_get_a_certificate() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    for place in (0..message.len()).step_by(5) {
        let mut changed = message.to_vec();
        changed[place] ^= 0x41;
        let answer = house.post(changed).await;
        let answer = PkiMessage::decode(answer.body).unwrap();
        assert!(
            matches!(answer.body(), PkiBody::Error(_)),
            "octet {place}: {answer:?}"
        );
    }
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn an_unknown_version_is_refused_with_the_highest_known() {
    let house = House::new().await;
    for version in [0, 1, 4, 99] {
        let answer = with_header(&house, |header| header.pvno = Pvno(version)).await;
        assert_eq!(error(&answer), PkiFailureInfo::UNSUPPORTED_VERSION);
        assert!((2..=3).contains(&answer.header().pvno.0));
    }
}

#[tokio::test]
async fn version_3_is_answered_in_version_3() {
    let house = House::new().await;
    let answer = with_header(&house, |header| header.pvno = Pvno::CMP2021).await;
    assert!(matches!(answer.body(), PkiBody::Ip(_)), "{answer:?}");
    assert_eq!(answer.header().pvno, Pvno::CMP2021);
}

#[tokio::test]
async fn a_message_without_a_transaction_id_is_refused() {
    let house = House::new().await;
    let answer = with_header(&house, |header| header.transaction_id = None).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_DATA_FORMAT);
}

#[tokio::test]
async fn a_first_message_without_nonce_is_refused_where_the_profile_wants_one() {
    let strict = |_: &mut crate::Site, settings: &mut crate::CmpSettings| {
        settings.rules.header.conformance = Conformance::Strict;
    };
    let house = House::with(strict).await;
    let answer = with_header(&house, |header| header.sender_nonce = None).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_SENDER_NONCE);
    let answer = with_header(&house, |header| header.message_time = None).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_TIME);
    Client::new().enroll(&house, &ir(&key())).await;
}

#[tokio::test]
async fn two_requests_in_one_message_are_refused() {
    let house = House::new().await;
    let answer = with_body(&house, &PkiBody::Ir([crmf(&key()), crmf(&key())].into())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
    let answer = with_body(&house, &PkiBody::Ir(Vec::new().into())).await;
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn bodies_that_open_no_transaction_here_are_refused() {
    let house = House::new().await;
    let (_, inner) = Client::new().begin(&ir(&key()), Confirmation::Explicit);
    let bodies = [
        PkiBody::Pkiconf,
        PkiBody::Nested(vec![RawMessage::from_der(inner.clone()).unwrap()]),
        PkiBody::Krr([crmf(&key())].into()),
        PkiBody::Ccr([crmf(&key())].into()),
        PkiBody::Genp(Vec::new().into()),
        PkiBody::CertConf(Vec::new().into()),
        PkiBody::PollReq(Vec::new().into()),
        PkiBody::Unknown {
            tag: 30,
            content: bytes::Bytes::from_static(&[5, 0]),
        },
    ];
    for body in bodies {
        let answer = with_body(&house, &body).await;
        assert_eq!(
            error(&answer),
            PkiFailureInfo::BAD_REQUEST,
            "{}",
            body.name()
        );
    }
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_wrong_proof_of_possession_is_a_bad_pop_inside_the_ip() {
    let house = House::new().await;
    let (one, other) = (key(), key());
    let wanted = CertTemplate::from_template(&template(&one)).unwrap();
    let body = PkiBody::Ir([request(wanted, &other, Vec::new())].into());
    let answer = with_body(&house, &body).await;
    let PkiBody::Ip(content) = answer.body() else {
        panic!("{}", answer.body().name());
    };
    let status = &content.response[0].status;
    assert_eq!(status.status, PkiStatus::Rejection);
    assert_eq!(status.failure, Some(PkiFailureInfo::BAD_POP));
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_missing_proof_of_possession_is_a_bad_pop() {
    let house = House::new().await;
    let mut bare = crmf(&key());
    bare.popo = None;
    let refusal = Client::new()
        .refused(&house, &PkiBody::Ir([bare].into()))
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_POP);
}

#[tokio::test]
async fn keys_are_not_made_here() {
    let (house, key) = (House::new().await, key());
    let mut template = CertTemplate::from_template(&template(&key)).unwrap();
    template.public_key = None;
    let mut keyless = request(template, &key, Vec::new());
    keyless.popo = None;
    let refusal = Client::new()
        .refused(&house, &PkiBody::Ir([keyless].into()))
        .await;
    assert_eq!(refusal.failure, PkiFailureInfo::BAD_CERT_TEMPLATE);
    assert!(refusal.texts[0].contains("public key"), "{refusal}");
}

#[tokio::test]
async fn names_that_nobody_may_have_are_a_bad_template() {
    let (house, key) = (House::new().await, key());
    let mut nameless = template(&key);
    (nameless.subject, nameless.sans) = (pki::Name::default(), Vec::new());
    let mut too_many = template(&key);
    too_many.sans = (0..200)
        .map(|n| GeneralName::Dns(format!("a{n}.example")))
        .collect();
    let mut ca = template(&key);
    ca.ca = Some(pki::CaConstraint { path_len: None });
    let mut authority = template(&key);
    authority.ext_key_usage = vec![pki::usage::CMC_RA];
    for wanted in [nameless, too_many, ca, authority] {
        let wanted = CertTemplate::from_template(&wanted).unwrap();
        let body = PkiBody::Ir([request(wanted, &key, Vec::new())].into());
        let refusal = Client::new().refused(&house, &body).await;
        assert_eq!(
            refusal.failure,
            PkiFailureInfo::BAD_CERT_TEMPLATE,
            "{refusal}"
        );
    }
    assert_eq!(house.ca.calls(), 0);
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_operation_is_refused() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let wrong = Some(Operation::Certification);
    let answer = house.post_to(Some("RA"), wrong, message.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = PkiMessage::decode(answer.body).unwrap();
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
    let right = Some(Operation::Initialization);
    let answer = house.post_to(Some("RA"), right, message).await;
    let answer = PkiMessage::decode(answer.body).unwrap();
    assert!(matches!(answer.body(), PkiBody::Ip(_)), "{answer:?}");
}

#[tokio::test]
async fn a_label_that_is_not_offered_is_not_found() {
    let house = House::new().await;
    let client = Client::new();
    let (_, message) = client.begin(&ir(&key()), Confirmation::Explicit);
    let answer = house.post_to(Some("nobody"), None, message).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = PkiMessage::decode(answer.body).unwrap();
    assert_eq!(error(&answer), PkiFailureInfo::BAD_REQUEST);
}
