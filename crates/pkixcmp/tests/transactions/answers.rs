//! What a client refuses to believe, and what it bears with when it is told to.

use der::asn1::OctetString;
use pkixcmp::body::enroll::{CertRepMessage, CertResponse};
use pkixcmp::body::failure::ErrorMsgContent;
use pkixcmp::body::poll::PollRep;
use pkixcmp::client::{
    Authenticity, ClientError, ClientTransaction, Mismatch, Opening, Step, Tolerance, Verdict,
};
use pkixcmp::header::PkiHeader;
use pkixcmp::protection::ProtectionKind;
use pkixcmp::server::{Answer, Granted, Release};
use pkixcmp::transaction::Outgoing;
use pkixcmp::{CertReqId, PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, PkiStatusInfo, Pvno};

use crate::{
    MAC, begun, certificate, from, ir, opening, p10cr, request, sent, signature, with_body,
    with_header,
};

fn granted() -> Answer {
    Answer::Granted(Box::new(Granted {
        certificate: certificate(),
        status: PkiStatusInfo::accepted(),
        ca_pubs: Vec::new(),
        release: Release::Confirm,
    }))
}

/// A client that has asked, and the right answer to it.
fn answered(tolerance: Tolerance, body: &PkiBody) -> (ClientTransaction, PkiMessage) {
    let (client, mut server, _) = begun(
        Opening {
            tolerance,
            ..opening()
        },
        body,
    );
    let answer = sent(server.answer(&granted(), from("CN=ca", 2)).unwrap());
    (client, answer)
}

/// The same, with an error as answer.
fn failed(tolerance: Tolerance) -> (ClientTransaction, PkiMessage) {
    let (client, mut server, _) = begun(
        Opening {
            tolerance,
            ..opening()
        },
        &ir(),
    );
    let error = Answer::Error(PkiStatusInfo::rejection(
        PkiFailureInfo::BAD_REQUEST,
        "wrong",
    ));
    let rim = Outgoing {
        protection_alg: None,
        ..from("CN=ca", 2)
    };
    let answer = sent(server.answer(&error, rim).unwrap());
    (client, answer)
}

fn octets(of: impl AsRef<[u8]>) -> Option<OctetString> {
    Some(OctetString::new(of.as_ref()).unwrap())
}

/// Refused, and the right answer is believed after it: the state was left alone.
fn refused_and_unmoved(change: impl FnOnce(&mut PkiHeader)) -> Mismatch {
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    let mismatch = client
        .receive(&with_header(&answer, change), MAC)
        .unwrap_err();
    assert!(matches!(client.receive(&answer, MAC), Ok(Step::Issued(_))));
    mismatch
}

fn refused_body(body: &PkiBody) -> Mismatch {
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    client.receive(&with_body(&answer, body), MAC).unwrap_err()
}

fn response(change: impl FnOnce(&mut CertResponse)) -> PkiBody {
    let (_, answer) = answered(Tolerance::default(), &ir());
    let mut content = answer.body().responses().unwrap().clone();
    change(&mut content.response[0]);
    PkiBody::Ip(content)
}

#[test]
fn another_transaction_id_or_none_is_refused() {
    assert_eq!(
        refused_and_unmoved(|header| header.transaction_id = octets([8; 16])),
        Mismatch::TransactionId
    );
    assert_eq!(
        refused_and_unmoved(|header| header.transaction_id = None),
        Mismatch::TransactionId
    );
}

#[test]
fn another_recip_nonce_or_none_is_refused() {
    assert_eq!(
        refused_and_unmoved(|header| header.recip_nonce = octets([8; 16])),
        Mismatch::RecipNonce
    );
    assert_eq!(
        refused_and_unmoved(|header| header.recip_nonce = octets([1; 15])),
        Mismatch::RecipNonce
    );
    assert_eq!(
        refused_and_unmoved(|header| header.recip_nonce = None),
        Mismatch::RecipNonce
    );
}

#[test]
fn an_answer_without_a_usable_sender_nonce_is_refused() {
    assert_eq!(
        refused_and_unmoved(|header| header.sender_nonce = None),
        Mismatch::SenderNonce
    );
    assert_eq!(
        refused_and_unmoved(|header| header.sender_nonce = octets([])),
        Mismatch::SenderNonce
    );
    assert_eq!(
        refused_and_unmoved(|header| header.sender_nonce = octets([0; 65])),
        Mismatch::SenderNonce
    );
}

#[test]
fn versions_other_than_2_and_3_are_refused() {
    for pvno in [0, 1, 4] {
        assert_eq!(
            refused_and_unmoved(|header| header.pvno = Pvno(pvno)),
            Mismatch::Version { found: pvno }
        );
    }
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    let newer = with_header(&answer, |header| header.pvno = Pvno::CMP2021);
    assert!(client.receive(&newer, MAC).is_ok());
}

#[test]
fn an_answer_that_nothing_authenticates_is_refused() {
    let (mut client, answer) = answered(
        Tolerance {
            unprotected_errors: true,
            ..Tolerance::default()
        },
        &ir(),
    );
    assert_eq!(
        client.receive(&answer, Authenticity::Unproven),
        Err(Mismatch::Unauthenticated { body: "ip" })
    );
}

#[test]
fn protection_of_another_kind_is_refused_unless_the_ca_is_known_to_sign_what_was_asked_by_mac() {
    let signed = || Authenticity::Signature {
        signer: certificate(),
    };
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    let expected = Mismatch::Protection {
        found: ProtectionKind::Signature,
        expected: ProtectionKind::Mac,
    };
    assert_eq!(client.expects(), ProtectionKind::Mac);
    assert_eq!(client.receive(&answer, signed()), Err(expected));

    let (mut client, answer) = answered(
        Tolerance {
            signature_answers_mac: true,
            ..Tolerance::default()
        },
        &ir(),
    );
    assert!(client.accepts(ProtectionKind::Signature) && client.accepts(ProtectionKind::Mac));
    assert!(client.receive(&answer, signed()).is_ok());
}

#[test]
fn a_mac_never_answers_a_signature() {
    let tolerance = Tolerance {
        signature_answers_mac: true,
        ..Tolerance::default()
    };
    let rim = Outgoing {
        protection_alg: signature(),
        ..from("CN=device", 1)
    };
    let (client, _) = ClientTransaction::begin(
        Opening {
            tolerance,
            ..opening()
        },
        &ir(),
        rim,
    )
    .unwrap();
    assert_eq!(client.expects(), ProtectionKind::Signature);
    assert!(!client.accepts(ProtectionKind::Mac));
}

#[test]
fn the_signer_is_remembered_for_a_pkiconf_that_does_not_name_it() {
    let tolerance = Tolerance {
        signature_answers_mac: true,
        ..Tolerance::default()
    };
    let (mut client, answer) = answered(tolerance, &ir());
    assert_eq!(client.known_signer(), None);
    client
        .receive(
            &answer,
            Authenticity::Signature {
                signer: certificate(),
            },
        )
        .unwrap();
    assert_eq!(
        crate::restarted(&client).known_signer(),
        Some(certificate())
    );
}

#[test]
fn an_answer_of_another_type_is_refused() {
    let cp = with_type(PkiBody::Cp);
    assert_eq!(
        refused_body(&cp),
        Mismatch::Body {
            found: "cp",
            expected: "ip"
        }
    );
    assert_eq!(
        refused_body(&PkiBody::Pkiconf),
        Mismatch::Body {
            found: "pkiconf",
            expected: "ip"
        }
    );
    assert!(matches!(
        refused_body(&ir()),
        Mismatch::Body { found: "ir", .. }
    ));
    let poll = PollRep {
        cert_req_id: CertReqId::FIRST,
        check_after: der::asn1::Int::new(&[1]).unwrap(),
        reason: None,
    };
    assert!(matches!(
        refused_body(&PkiBody::PollRep([poll].into())),
        Mismatch::Body {
            found: "pollRep",
            ..
        }
    ));
}

fn with_type(body: fn(CertRepMessage) -> PkiBody) -> PkiBody {
    match response(|_| ()) {
        PkiBody::Ip(content) => body(content),
        _ => unreachable!(),
    }
}

#[test]
fn no_response_and_two_responses_are_refused() {
    let PkiBody::Ip(content) = response(|_| ()) else {
        panic!()
    };
    let one = content.response[0].clone();
    for (response, found) in [(vec![], 0), (vec![one.clone(), one], 2)] {
        let body = PkiBody::Ip(CertRepMessage {
            ca_pubs: None,
            response: response.into(),
        });
        assert_eq!(refused_body(&body), Mismatch::Count { found });
    }
}

#[test]
fn another_cert_req_id_is_refused() {
    for found in [1, -1] {
        let body = response(|response| response.cert_req_id = CertReqId(found));
        assert_eq!(
            refused_body(&body),
            Mismatch::CertReqId { found, expected: 0 }
        );
    }
}

#[test]
fn a_random_cert_req_id_that_is_echoed_is_right() {
    let (mut client, answer) = answered(
        Tolerance::default(),
        &PkiBody::Ir([request(2_147_484_647)].into()),
    );
    assert!(client.receive(&answer, MAC).is_ok());
}

#[test]
fn zero_in_the_answer_to_p10cr_is_borne_with_by_name_and_echoed_in_the_certconf() {
    let zero = |answer: &PkiMessage| {
        let PkiBody::Cp(mut content) = answer.body().clone() else {
            panic!()
        };
        content.response[0].cert_req_id = CertReqId::FIRST;
        with_body(answer, &PkiBody::Cp(content))
    };
    let (mut client, answer) = answered(Tolerance::default(), &p10cr());
    assert_eq!(
        client.receive(&zero(&answer), MAC),
        Err(Mismatch::CertReqId {
            found: 0,
            expected: -1
        })
    );

    let (mut client, answer) = answered(
        Tolerance {
            p10cr_answered_as_zero: true,
            ..Tolerance::default()
        },
        &p10cr(),
    );
    assert!(client.receive(&zero(&answer), MAC).is_ok());
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    let PkiBody::CertConf(content) = confirmation.body() else {
        panic!()
    };
    assert_eq!(content[0].cert_req_id, CertReqId::FIRST);
}

#[test]
fn granted_without_a_certificate_and_a_certificate_without_being_granted_are_refused() {
    let without = response(|response| response.certified_key_pair = None);
    assert!(matches!(refused_body(&without), Mismatch::Contradiction(_)));
    for status in [
        PkiStatus::Rejection,
        PkiStatus::Waiting,
        PkiStatus::KeyUpdateWarning,
    ] {
        let body = response(|response| response.status.status = status);
        assert!(
            matches!(refused_body(&body), Mismatch::Contradiction(_)),
            "{status}"
        );
        let body = response(|response| {
            (response.status.status, response.certified_key_pair) = (status, None);
        });
        let odd = status == PkiStatus::KeyUpdateWarning;
        let (mut client, answer) = answered(Tolerance::default(), &ir());
        assert_eq!(
            client.receive(&with_body(&answer, &body), MAC).is_err(),
            odd,
            "{status}"
        );
    }
}

#[test]
fn a_certificate_granted_with_modifications_says_so() {
    let body = response(|response| response.status.status = PkiStatus::GrantedWithMods);
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    let Ok(Step::Issued(issued)) = client.receive(&with_body(&answer, &body), MAC) else {
        panic!()
    };
    assert_eq!(issued.status.status, PkiStatus::GrantedWithMods);
}

#[test]
fn a_certificate_that_is_not_one_is_refused() {
    use pkixcmp::body::enroll::CertOrEncCert;
    let junk = pkixcmp::CmpCertificate::from_der(vec![0x30, 3, 2, 1, 1]).unwrap();
    let body = response(|response| {
        response
            .certified_key_pair
            .as_mut()
            .unwrap()
            .cert_or_enc_cert = CertOrEncCert::Certificate(junk);
    });
    assert_eq!(refused_body(&body), Mismatch::Certificate);
}

#[test]
fn an_unprotected_error_is_refused_unless_borne_with_and_never_ends_the_transaction() {
    let (mut client, error) = failed(Tolerance::default());
    assert_eq!(
        client.receive(&error, Authenticity::Unproven),
        Err(Mismatch::Unauthenticated { body: "error" })
    );

    let (mut client, error) = failed(Tolerance {
        unprotected_errors: true,
        ..Tolerance::default()
    });
    let before = client.clone();
    let Ok(Step::Rejected(rejection)) = client.receive(&error, Authenticity::Unproven) else {
        panic!()
    };
    assert!(!rejection.authenticated);
    assert_eq!(rejection.failure, PkiFailureInfo::BAD_REQUEST);
    assert_eq!(
        rejection.to_string(),
        "rejected (unauthenticated answer): wrong (badRequest)"
    );
    assert_eq!(client, before, "who cannot say who he is cannot end it");
}

#[test]
fn an_unprotected_error_without_identifiers_needs_a_permission_of_its_own() {
    let strip = |error: &PkiMessage| {
        with_header(error, |header| {
            (
                header.transaction_id,
                header.recip_nonce,
                header.sender_nonce,
            ) = (None, None, None);
        })
    };
    let (mut client, error) = failed(Tolerance {
        unprotected_errors: true,
        ..Tolerance::default()
    });
    assert_eq!(
        client.receive(&strip(&error), Authenticity::Unproven),
        Err(Mismatch::TransactionId)
    );

    let tolerance = Tolerance {
        unprotected_errors: true,
        unprotected_errors_without_ids: true,
        ..Tolerance::default()
    };
    let (mut client, error) = failed(tolerance);
    assert!(
        client
            .receive(&strip(&error), Authenticity::Unproven)
            .is_ok()
    );
    let other = with_header(&error, |header| header.transaction_id = octets([8; 16]));
    assert_eq!(
        client.receive(&other, Authenticity::Unproven),
        Err(Mismatch::TransactionId),
        "absent is not wrong"
    );
}

#[test]
fn a_protected_error_always_needs_its_identifiers() {
    let tolerance = Tolerance {
        unprotected_errors: true,
        unprotected_errors_without_ids: true,
        ..Tolerance::default()
    };
    let (mut client, error) = failed(tolerance);
    let stripped = with_header(&error, |header| header.transaction_id = None);
    assert_eq!(client.receive(&stripped, MAC), Err(Mismatch::TransactionId));
}

#[test]
fn version_1_is_borne_with_in_errors_only_and_by_name_only() {
    let old = |message: &PkiMessage| with_header(message, |header| header.pvno = Pvno::CMP1999);
    let (mut client, error) = failed(Tolerance::default());
    assert_eq!(
        client.receive(&old(&error), MAC),
        Err(Mismatch::Version { found: 1 })
    );
    let tolerance = Tolerance {
        version_1_in_errors: true,
        ..Tolerance::default()
    };
    let (mut client, error) = failed(tolerance);
    assert!(client.receive(&old(&error), MAC).is_ok());
    let (mut client, answer) = answered(tolerance, &ir());
    assert_eq!(
        client.receive(&old(&answer), MAC),
        Err(Mismatch::Version { found: 1 })
    );
}

#[test]
fn the_details_of_an_error_are_told_with_its_status_and_bounded() {
    let (mut client, error) = failed(Tolerance::default());
    let status = PkiStatusInfo {
        texts: vec!["status".into()],
        ..PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_FAILURE, "")
    };
    let details = (0..20).map(|n| format!("detail {n}\n")).collect();
    let content = ErrorMsgContent {
        error_details: Some(details),
        ..ErrorMsgContent::from(status)
    };
    let Ok(Step::Rejected(rejection)) =
        client.receive(&with_body(&error, &PkiBody::Error(content)), MAC)
    else {
        panic!()
    };
    assert_eq!(rejection.texts.len(), 8);
    assert_eq!(rejection.texts[..2], ["status", "detail 0"]);
    assert!(client.is_done());
}

#[test]
fn nothing_is_received_when_nothing_is_awaited() {
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    client.receive(&answer, MAC).unwrap();
    assert_eq!(client.receive(&answer, MAC), Err(Mismatch::Over));
}

#[test]
fn a_poll_answer_about_another_request_is_refused() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let wait = sent(
        server
            .answer(
                &Answer::Waiting {
                    text: String::new(),
                },
                from("CN=ca", 2),
            )
            .unwrap(),
    );
    client.receive(&wait, MAC).unwrap();
    server
        .follow(&sent(client.poll(from("CN=device", 3)).unwrap()))
        .unwrap();
    let answer = sent(
        server
            .answer(
                &Answer::CheckAfter {
                    seconds: 1,
                    reason: None,
                },
                from("CN=ca", 4),
            )
            .unwrap(),
    );
    let PkiBody::PollRep(mut content) = answer.body().clone() else {
        panic!()
    };
    content[0].cert_req_id = CertReqId(5);
    let other = with_body(&answer, &PkiBody::PollRep(content));
    assert_eq!(
        client.receive(&other, MAC),
        Err(Mismatch::CertReqId {
            found: 5,
            expected: 0
        })
    );
    let first_nonce = with_header(&answer, |header| header.recip_nonce = octets([1; 16]));
    assert_eq!(
        client.receive(&first_nonce, MAC),
        Err(Mismatch::RecipNonce),
        "only a final answer may refer to the request"
    );
    assert!(client.receive(&answer, MAC).is_ok());
}

#[test]
fn a_transaction_begins_with_exactly_one_request() {
    let begin = |body: &PkiBody| {
        ClientTransaction::begin(opening(), body, from("CN=device", 1)).map(|_| ())
    };
    assert_eq!(
        begin(&PkiBody::Ir([request(0), request(1)].into())),
        Err(ClientError::Body)
    );
    assert_eq!(
        begin(&PkiBody::Ir(pkixcmp::List::new())),
        Err(ClientError::Body)
    );
    assert_eq!(
        begin(&PkiBody::Rr(pkixcmp::List::new())),
        Err(ClientError::Body)
    );
    assert_eq!(begin(&PkiBody::Pkiconf), Err(ClientError::Body));
}

#[test]
fn what_is_out_of_turn_is_not_sent() {
    let (mut client, answer) = answered(Tolerance::default(), &ir());
    let rim = || from("CN=device", 3);
    assert!(matches!(client.poll(rim()), Err(ClientError::Phase { .. })));
    assert!(matches!(
        client.confirm(&Verdict::Accept, rim()),
        Err(ClientError::Phase { .. })
    ));
    assert!(matches!(
        client.abort(PkiStatusInfo::accepted(), rim()),
        Err(ClientError::Phase { .. })
    ));
    client.receive(&answer, MAC).unwrap();
    assert!(client.confirm(&Verdict::Accept, rim()).is_ok());
    assert!(matches!(
        client.confirm(&Verdict::Accept, rim()),
        Err(ClientError::Phase { .. })
    ));
}

#[test]
fn general_info_of_the_caller_travels_with_the_request_only() {
    let profile = pkixcmp::InfoTypeAndValue::cert_profile(["tls".to_owned()]).unwrap();
    let opening = Opening {
        general_info: vec![profile.clone()],
        ..opening()
    };
    let (mut client, mut server, message) = begun(opening, &ir());
    assert_eq!(*message.header().general_info.clone().unwrap(), [profile]);
    let answer = sent(server.answer(&granted(), from("CN=ca", 2)).unwrap());
    client.receive(&answer, MAC).unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    assert_eq!(confirmation.header().general_info, None);
}
