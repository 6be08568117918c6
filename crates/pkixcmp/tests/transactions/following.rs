//! Which messages belong to a running transaction, and what each wrong one is told.

use der::asn1::OctetString;
use pkixcmp::body::confirm::CertStatus;
use pkixcmp::body::poll::PollReq;
use pkixcmp::client::{ClientTransaction, Verdict};
use pkixcmp::server::{Answer, AnswerError, Follow, Granted, Release, ServerTransaction};
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

/// A server that has sent a certificate, and the right certConf for it.
fn unconfirmed() -> (ServerTransaction, PkiMessage, ClientTransaction) {
    let (mut client, mut server, _) = begun(opening(), &ir());
    client
        .receive(
            &sent(server.answer(&granted(), from("CN=ca", 2)).unwrap()),
            MAC,
        )
        .unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    (server, confirmation, client)
}

fn octets(of: impl AsRef<[u8]>) -> Option<OctetString> {
    Some(OctetString::new(of.as_ref()).unwrap())
}

/// Refused for this reason, and the right message is taken after it: the state was left alone.
fn fault(wrong: impl FnOnce(&PkiMessage) -> PkiMessage) -> PkiFailureInfo {
    let (mut server, confirmation, _) = unconfirmed();
    let fault = server.follow(&wrong(&confirmation)).unwrap_err();
    assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
    fault.failure
}

fn with_status(confirmation: &PkiMessage, change: impl FnOnce(&mut CertStatus)) -> PkiMessage {
    let PkiBody::CertConf(mut content) = confirmation.body().clone() else {
        panic!()
    };
    change(&mut content[0]);
    with_body(confirmation, &PkiBody::CertConf(content))
}

#[test]
fn another_transaction_id_is_refused() {
    assert_eq!(
        fault(|message| with_header(message, |header| header.transaction_id = octets([8; 16]))),
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn another_recip_nonce_or_none_is_refused() {
    for nonce in [octets([8; 16]), octets([]), None] {
        assert_eq!(
            fault(|message| with_header(message, |header| header.recip_nonce = nonce)),
            PkiFailureInfo::BAD_RECIPIENT_NONCE
        );
    }
}

#[test]
fn another_kind_of_protection_or_none_is_refused() {
    for algorithm in [signature(), None] {
        assert_eq!(
            fault(|message| with_header(message, |header| header.protection_alg = algorithm)),
            PkiFailureInfo::WRONG_INTEGRITY
        );
    }
}

#[test]
fn another_version_is_refused_but_3_may_follow_2() {
    assert_eq!(
        fault(|message| with_header(message, |header| header.pvno = Pvno(1))),
        PkiFailureInfo::UNSUPPORTED_VERSION
    );
    let (mut server, confirmation, _) = unconfirmed();
    let newer = with_header(&confirmation, |header| header.pvno = Pvno::CMP2021);
    assert_eq!(server.follow(&newer), Ok(Follow::Accepted));
}

#[test]
fn another_request_under_the_same_transaction_id_is_refused() {
    assert_eq!(
        fault(|message| with_body(message, &ir())),
        PkiFailureInfo::TRANSACTION_ID_IN_USE
    );
    assert_eq!(
        fault(|message| with_body(message, &PkiBody::Cr([request(0)].into()))),
        PkiFailureInfo::TRANSACTION_ID_IN_USE
    );
}

#[test]
fn a_certconf_for_another_request_or_certificate_is_refused() {
    assert_eq!(
        fault(|message| with_status(message, |status| status.cert_req_id = CertReqId(1))),
        PkiFailureInfo::BAD_REQUEST
    );
    assert_eq!(
        fault(|message| with_status(message, |status| status.cert_hash =
            octets([1; 32]).unwrap())),
        PkiFailureInfo::BAD_CERT_ID
    );
    assert_eq!(
        fault(|message| with_status(message, |status| status.cert_hash = octets([]).unwrap())),
        PkiFailureInfo::BAD_CERT_ID
    );
}

#[test]
fn a_hash_algorithm_under_version_2_is_refused() {
    let named = Some(pki::digest::HashAlgorithm::Sha256.identifier());
    assert_eq!(
        fault(|message| with_status(message, |status| status.hash_alg = named)),
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn a_reason_for_failure_does_not_go_with_acceptance() {
    let contradiction = PkiStatusInfo {
        failure: Some(PkiFailureInfo::BAD_ALG),
        ..PkiStatusInfo::accepted()
    };
    assert_eq!(
        fault(|message| with_status(message, |status| status.status_info = Some(contradiction))),
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn a_status_that_neither_accepts_nor_rejects_is_refused() {
    assert_eq!(
        fault(|message| with_status(message, |status| status.status_info =
            Some(PkiStatusInfo::waiting()))),
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn acceptance_may_be_said_or_left_unsaid() {
    for info in [
        PkiStatusInfo::accepted(),
        PkiStatusInfo {
            status: PkiStatus::GrantedWithMods,
            ..PkiStatusInfo::accepted()
        },
    ] {
        let (mut server, confirmation, _) = unconfirmed();
        let said = with_status(&confirmation, |status| status.status_info = Some(info));
        assert_eq!(server.follow(&said), Ok(Follow::Accepted));
    }
}

#[test]
fn a_rejection_may_name_the_certificate_or_have_nothing_to_name() {
    let why = PkiStatusInfo::rejection(PkiFailureInfo::BAD_CERT_ID, "not mine");
    for hash in [None, Some(octets([]).unwrap())] {
        let (mut server, confirmation, _) = unconfirmed();
        let rejection = with_status(&confirmation, |status| {
            status.status_info = Some(why.clone());
            status.cert_hash = hash.unwrap_or(status.cert_hash.clone());
        });
        assert_eq!(server.follow(&rejection), Ok(Follow::Refused(why.clone())));
    }
}

#[test]
fn an_empty_certconf_refuses_the_certificate() {
    let (mut server, confirmation, _) = unconfirmed();
    let empty = with_body(&confirmation, &PkiBody::CertConf(pkixcmp::List::new()));
    assert!(matches!(server.follow(&empty), Ok(Follow::Refused(_))));
}

#[test]
fn two_confirmations_for_one_certificate_are_refused() {
    let twice = |message: &PkiMessage| {
        let PkiBody::CertConf(content) = message.body() else {
            panic!()
        };
        with_body(
            message,
            &PkiBody::CertConf([content[0].clone(), content[0].clone()].into()),
        )
    };
    assert_eq!(fault(twice), PkiFailureInfo::BAD_REQUEST);
}

#[test]
fn a_second_confirmation_is_told_that_there_was_one() {
    let (mut server, confirmation, _) = unconfirmed();
    server.follow(&confirmation).unwrap();
    let done = sent(server.answer(&Answer::Confirmed, from("CN=ca", 4)).unwrap());
    let nonce = done.header().sender_nonce.clone();
    let again = with_header(&confirmation, |header| {
        (header.recip_nonce, header.sender_nonce) = (nonce, octets([77; 16]));
    });
    assert_eq!(
        server.follow(&again).unwrap_err().failure,
        PkiFailureInfo::CERT_CONFIRMED
    );
}

#[test]
fn a_certconf_before_there_is_a_certificate_is_refused() {
    let (_, confirmation, _) = unconfirmed();
    let (mut client, mut server, _) = begun(opening(), &ir());
    client
        .receive(
            &sent(
                server
                    .answer(
                        &Answer::Waiting {
                            text: String::new(),
                        },
                        from("CN=ca", 2),
                    )
                    .unwrap(),
            ),
            MAC,
        )
        .unwrap();
    assert_eq!(
        server.follow(&confirmation).unwrap_err().failure,
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn a_poll_is_refused_when_nothing_is_waiting_or_for_another_request() {
    let poll = |message: &PkiMessage, id| {
        with_body(
            message,
            &PkiBody::PollReq(
                [PollReq {
                    cert_req_id: CertReqId(id),
                }]
                .into(),
            ),
        )
    };
    assert_eq!(
        fault(|message| poll(message, 0)),
        PkiFailureInfo::BAD_REQUEST
    );

    for (body, right, wrong) in [(ir(), 0, -1), (p10cr(), -1, 0)] {
        let (mut client, mut server, _) = begun(opening(), &body);
        client
            .receive(
                &sent(
                    server
                        .answer(
                            &Answer::Waiting {
                                text: String::new(),
                            },
                            from("CN=ca", 2),
                        )
                        .unwrap(),
                ),
                MAC,
            )
            .unwrap();
        let message = sent(client.poll(from("CN=device", 3)).unwrap());
        assert_eq!(
            server.follow(&poll(&message, wrong)).unwrap_err().failure,
            PkiFailureInfo::BAD_REQUEST
        );
        assert_eq!(
            server
                .follow(&with_body(
                    &message,
                    &PkiBody::PollReq(pkixcmp::List::new())
                ))
                .unwrap_err()
                .failure,
            PkiFailureInfo::BAD_REQUEST
        );
        assert_eq!(server.follow(&poll(&message, right)), Ok(Follow::Poll));
    }
}

#[test]
fn after_the_end_nothing_follows() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let no = Answer::Rejected(PkiStatusInfo::rejection(PkiFailureInfo::BAD_POP, ""));
    let answer = sent(server.answer(&no, from("CN=ca", 2)).unwrap());
    client.receive(&answer, MAC).unwrap();
    let (_, confirmation, _) = unconfirmed();
    for body in [
        confirmation.body().clone(),
        PkiBody::PollReq(
            [PollReq {
                cert_req_id: CertReqId(0),
            }]
            .into(),
        ),
    ] {
        assert_eq!(
            server
                .follow(&with_body(&confirmation, &body))
                .unwrap_err()
                .failure,
            PkiFailureInfo::BAD_REQUEST
        );
    }
}

#[test]
fn answers_that_do_not_fit_the_request_or_the_moment_are_not_made() {
    let unfit = |body: &PkiBody, answer: &Answer| {
        let (_, mut server, _) = begun(opening(), body);
        let before = server.clone();
        assert!(
            matches!(
                server.answer(answer, from("CN=ca", 2)),
                Err(AnswerError::Unfit(_))
            ),
            "{answer:?}"
        );
        assert_eq!(server, before);
    };
    let genm = PkiBody::Genm(pkixcmp::info::Infos::new());
    unfit(&genm, &granted());
    unfit(&ir(), &Answer::Support(pkixcmp::info::Infos::new()));
    unfit(
        &ir(),
        &Answer::Revoked {
            status: PkiStatusInfo::accepted(),
            certificate: None,
        },
    );
    unfit(&ir(), &Answer::Confirmed);
    unfit(
        &ir(),
        &Answer::CheckAfter {
            seconds: 1,
            reason: None,
        },
    );
    unfit(&ir(), &Answer::Rejected(PkiStatusInfo::accepted()));
    let (mut server, confirmation, _) = unconfirmed();
    server.follow(&confirmation).unwrap();
    assert!(
        matches!(
            server.answer(&granted(), from("CN=ca", 4)),
            Err(AnswerError::Unfit(_))
        ),
        "the client has spoken"
    );
}

#[test]
fn an_answer_can_be_left_unprotected_where_nothing_better_is_possible() {
    let (_, mut server, _) = begun(opening(), &ir());
    let rim = Outgoing {
        protection_alg: None,
        ..from("CN=ca", 2)
    };
    let error = Answer::Error(PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_UNAVAIL, ""));
    let message = sent(server.answer(&error, rim).unwrap());
    assert_eq!(
        (message.protection(), &message.header().protection_alg),
        (None, &None)
    );
}

#[test]
fn only_a_poll_may_refer_to_the_answer_before_the_last() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let wait = server.answer(
        &Answer::Waiting {
            text: String::new(),
        },
        from("CN=ca", 2),
    );
    client.receive(&sent(wait.unwrap()), MAC).unwrap();
    server
        .follow(&sent(client.poll(from("CN=device", 3)).unwrap()))
        .unwrap();
    client
        .receive(
            &sent(server.answer(&granted(), from("CN=ca", 4)).unwrap()),
            MAC,
        )
        .unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 5))
            .unwrap(),
    );
    let stale = with_header(&confirmation, |header| header.recip_nonce = octets([2; 16]));
    assert_eq!(
        server.follow(&stale).unwrap_err().failure,
        PkiFailureInfo::BAD_RECIPIENT_NONCE
    );
    assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
}

#[test]
fn an_absurdly_long_nonce_is_neither_kept_nor_echoed() {
    let (_, _, message) = begun(opening(), &ir());
    let long = with_header(&message, |header| {
        header.sender_nonce = octets([1; 100_000]);
    });
    let mut server = ServerTransaction::open(&long).unwrap();
    let answer = sent(server.answer(&granted(), from("CN=ca", 2)).unwrap());
    assert_eq!(answer.header().recip_nonce, None);
}
