//! Whole transactions: our client against our server, both restarted between any two messages.

use pkixcmp::body::revoke::RevDetails;
use pkixcmp::client::{Confirmation, Opening, Step, Tolerance, Verdict};
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::info::id;
use pkixcmp::server::{Answer, Follow, Granted, Release};
use pkixcmp::{InfoTypeAndValue, PkiBody, PkiFailureInfo, PkiStatus, PkiStatusInfo};

use crate::{MAC, begun, certificate, from, ir, now, opening, p10cr, request, restarted, sent};

fn granted(release: Release) -> Answer {
    Answer::Granted(Box::new(Granted {
        certificate: certificate(),
        status: PkiStatusInfo::accepted(),
        ca_pubs: vec![certificate()],
        release,
    }))
}

fn waiting() -> Answer {
    Answer::Waiting {
        text: "an operator looks at it".into(),
    }
}

fn implicit() -> Opening {
    Opening {
        confirmation: Confirmation::Implicit,
        ..opening()
    }
}

#[test]
fn every_kind_of_request_for_a_certificate_ends_with_the_explicit_confirmation_of_its_answer() {
    let bodies = [
        (ir(), "ip", 0),
        (PkiBody::Cr([request(0)].into()), "cp", 0),
        (PkiBody::Kur([request(77)].into()), "kup", 77),
        (p10cr(), "cp", -1),
    ];
    for (body, answer_name, id) in bodies {
        let (mut client, mut server, _) = begun(opening(), &body);
        let until = now();
        let answer = sent(
            server
                .answer(&granted(Release::ConfirmUntil(until)), from("CN=ca", 2))
                .unwrap(),
        );
        assert_eq!(answer.body().name(), answer_name);
        assert_eq!(
            answer.body().responses().unwrap().response[0].cert_req_id.0,
            id
        );
        assert_eq!(
            answer.body().responses().unwrap().ca_pubs.is_some(),
            answer_name == "ip",
            "caPubs belong into ip"
        );

        let Step::Issued(issued) = client.receive(&answer, MAC).unwrap() else {
            panic!("{answer_name}")
        };
        assert_eq!(issued.certificate, certificate());
        assert!(!issued.implicitly_confirmed);
        assert_eq!(issued.confirm_until, Some(until));

        let mut client = restarted(&client);
        let confirmation = sent(
            client
                .confirm(&Verdict::Accept, from("CN=device", 3))
                .unwrap(),
        );
        let mut server = restarted(&server);
        assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
        let done = sent(
            restarted(&server)
                .answer(&Answer::Confirmed, from("CN=ca", 4))
                .unwrap(),
        );
        assert_eq!(restarted(&client).receive(&done, MAC), Ok(Step::Confirmed));
        assert_eq!(client.receive(&done, MAC), Ok(Step::Confirmed));
        assert!(client.is_done());
    }
}

#[test]
fn implicit_confirmation_asked_for_and_granted_needs_no_more_messages() {
    let (mut client, mut server, _) = begun(implicit(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Implicit), from("CN=ca", 2))
            .unwrap(),
    );
    assert!(server.is_implicitly_confirmed());
    let Step::Issued(issued) = client.receive(&answer, MAC).unwrap() else {
        panic!()
    };
    assert!(issued.implicitly_confirmed);
}

#[test]
fn implicit_confirmation_without_a_value_as_onap_asks_for_it_is_granted_too() {
    let opening = Opening {
        confirmation: Confirmation::ImplicitWithoutValue,
        ..opening()
    };
    let (mut client, mut server, message) = begun(opening, &ir());
    assert_eq!(
        message.header().general_info.as_ref().unwrap()[0].info_value,
        None
    );
    let answer = sent(
        server
            .answer(&granted(Release::Implicit), from("CN=ca", 2))
            .unwrap(),
    );
    let Step::Issued(issued) = client.receive(&answer, MAC).unwrap() else {
        panic!()
    };
    assert!(issued.implicitly_confirmed);
}

#[test]
fn implicit_confirmation_that_nobody_asked_for_is_neither_granted_nor_believed() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Implicit), from("CN=ca", 2))
            .unwrap(),
    );
    assert!(!server.is_implicitly_confirmed());
    assert!(answer.header().general_info.is_none());
    let anyway = crate::with_header(&answer, |header| {
        header.general_info = Some([InfoTypeAndValue::implicit_confirm()].into());
    });
    let Step::Issued(issued) = client.receive(&anyway, MAC).unwrap() else {
        panic!()
    };
    assert!(!issued.implicitly_confirmed);
}

#[test]
fn implicit_confirmation_asked_for_but_not_granted_means_that_a_certconf_is_due() {
    let (mut client, mut server, _) = begun(implicit(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    let Step::Issued(issued) = client.receive(&answer, MAC).unwrap() else {
        panic!()
    };
    assert!(!issued.implicitly_confirmed);
}

#[test]
fn a_client_that_confirms_although_it_was_implicit_is_answered_all_the_same() {
    let (mut client, mut server, _) = begun(implicit(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Implicit), from("CN=ca", 2))
            .unwrap(),
    );
    client.receive(&answer, MAC).unwrap();
    let refusal = Verdict::Reject(PkiStatusInfo::rejection(
        PkiFailureInfo::BAD_CERT_TEMPLATE,
        "another key",
    ));
    let confirmation = sent(client.confirm(&refusal, from("CN=device", 3)).unwrap());
    assert!(
        matches!(server.follow(&confirmation), Ok(Follow::Refused(why)) if why.failure == Some(PkiFailureInfo::BAD_CERT_TEMPLATE))
    );
    let done = sent(server.answer(&Answer::Confirmed, from("CN=ca", 4)).unwrap());
    assert_eq!(client.receive(&done, MAC), Ok(Step::Confirmed));
}

#[test]
fn waiting_is_polled_for_until_the_answer_is_there() {
    for (body, poll_id) in [(ir(), 0), (p10cr(), -1)] {
        let (mut client, mut server, _) = begun(opening(), &body);
        let wait = sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap());
        let Step::Waiting {
            check_after,
            reason,
        } = client.receive(&wait, MAC).unwrap()
        else {
            panic!()
        };
        assert_eq!(
            (check_after, reason.as_slice()),
            (1, ["an operator looks at it".to_owned()].as_slice())
        );

        for round in 0..3 {
            client = restarted(&client);
            server = restarted(&server);
            let poll = sent(client.poll(from("CN=device", 10 + round)).unwrap());
            let PkiBody::PollReq(content) = poll.body() else {
                panic!()
            };
            assert_eq!(content[0].cert_req_id.0, poll_id);
            assert_eq!(server.follow(&poll), Ok(Follow::Poll));
            let later = Answer::CheckAfter {
                seconds: 3600,
                reason: Some("still looking".into()),
            };
            let answer = sent(server.answer(&later, from("CN=ca", 20 + round)).unwrap());
            let step = client.receive(&answer, MAC).unwrap();
            assert_eq!(
                step,
                Step::Waiting {
                    check_after: 3600,
                    reason: vec!["still looking".into()]
                }
            );
        }

        let poll = sent(client.poll(from("CN=device", 30)).unwrap());
        assert_eq!(server.follow(&poll), Ok(Follow::Poll));
        let answer = sent(
            server
                .answer(&granted(Release::Confirm), from("CN=ca", 31))
                .unwrap(),
        );
        assert!(matches!(client.receive(&answer, MAC), Ok(Step::Issued(_))));
        let confirmation = sent(
            client
                .confirm(&Verdict::Accept, from("CN=device", 32))
                .unwrap(),
        );
        assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
    }
}

#[test]
fn a_confirmation_can_be_kept_waiting_too() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    client.receive(&answer, MAC).unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    server.follow(&confirmation).unwrap();
    let wait = sent(server.answer(&waiting(), from("CN=ca", 4)).unwrap());
    assert_eq!(wait.body().name(), "error");
    assert!(matches!(
        client.receive(&wait, MAC),
        Ok(Step::Waiting { .. })
    ));
    let poll = sent(client.poll(from("CN=device", 5)).unwrap());
    assert_eq!(server.follow(&poll), Ok(Follow::Poll));
    let later = sent(
        server
            .answer(
                &Answer::CheckAfter {
                    seconds: 5,
                    reason: None,
                },
                from("CN=ca", 6),
            )
            .unwrap(),
    );
    assert!(matches!(
        client.receive(&later, MAC),
        Ok(Step::Waiting { check_after: 5, .. })
    ));
    let poll = sent(client.poll(from("CN=device", 7)).unwrap());
    server.follow(&poll).unwrap();
    let done = sent(server.answer(&Answer::Confirmed, from("CN=ca", 8)).unwrap());
    assert_eq!(client.receive(&done, MAC), Ok(Step::Confirmed));
}

#[test]
fn a_rejection_ends_the_transaction_with_its_reasons() {
    for body in [ir(), p10cr()] {
        let (mut client, mut server, _) = begun(opening(), &body);
        let why = PkiStatusInfo::rejection(
            PkiFailureInfo::BAD_POP | PkiFailureInfo::BAD_ALG,
            "no\u{1b}[2J",
        );
        let answer = sent(
            server
                .answer(&Answer::Rejected(why), from("CN=ca", 2))
                .unwrap(),
        );
        let Step::Rejected(rejection) = client.receive(&answer, MAC).unwrap() else {
            panic!()
        };
        assert!(rejection.authenticated);
        assert_eq!(
            rejection.failure,
            PkiFailureInfo::BAD_POP | PkiFailureInfo::BAD_ALG
        );
        assert_eq!(rejection.texts, ["no [2J"]);
        assert_eq!(rejection.to_string(), "rejected: no [2J (badAlg, badPOP)");
        assert!(client.is_done());
        assert!(client.poll(from("CN=device", 3)).is_err());
    }
}

#[test]
fn a_revocation_is_answered_or_rejected_in_one_round() {
    let rr = PkiBody::Rr(
        [RevDetails {
            cert_details: CertTemplate::default(),
            crl_entry_details: None,
        }]
        .into(),
    );
    let (mut client, mut server, _) = begun(opening(), &rr);
    let revoked = Answer::Revoked {
        status: PkiStatusInfo::accepted(),
        certificate: None,
    };
    let answer = sent(server.answer(&revoked, from("CN=ca", 2)).unwrap());
    assert_eq!(
        client.receive(&answer, MAC),
        Ok(Step::Revoked {
            status: PkiStatus::Accepted
        })
    );

    let (mut client, mut server, _) = begun(opening(), &rr);
    let rejected = Answer::Rejected(PkiStatusInfo::rejection(PkiFailureInfo::CERT_REVOKED, ""));
    let answer = sent(server.answer(&rejected, from("CN=ca", 2)).unwrap());
    assert_eq!(answer.body().name(), "rp");
    let step = client.receive(&answer, MAC).unwrap();
    assert!(
        matches!(step, Step::Rejected(rejection) if rejection.failure == PkiFailureInfo::CERT_REVOKED)
    );
}

#[test]
fn a_revocation_that_takes_time_waits_by_way_of_an_error_message() {
    let rr = PkiBody::Rr(
        [RevDetails {
            cert_details: CertTemplate::default(),
            crl_entry_details: None,
        }]
        .into(),
    );
    let (mut client, mut server, _) = begun(opening(), &rr);
    let answer = sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap());
    assert_eq!(answer.body().name(), "error");
    assert!(matches!(
        client.receive(&answer, MAC),
        Ok(Step::Waiting { .. })
    ));
    let poll = sent(client.poll(from("CN=device", 3)).unwrap());
    let PkiBody::PollReq(content) = poll.body() else {
        panic!()
    };
    assert_eq!(content[0].cert_req_id.0, -1);
    assert_eq!(server.follow(&poll), Ok(Follow::Poll));
    let revoked = Answer::Revoked {
        status: PkiStatusInfo::accepted(),
        certificate: None,
    };
    let answer = sent(server.answer(&revoked, from("CN=ca", 4)).unwrap());
    assert!(matches!(
        client.receive(&answer, MAC),
        Ok(Step::Revoked { .. })
    ));
}

#[test]
fn a_general_message_is_answered_in_one_round() {
    let (mut client, mut server, _) = begun(
        opening(),
        &PkiBody::Genm([InfoTypeAndValue::bare(id::CA_CERTS)].into()),
    );
    let infos = pkixcmp::info::Infos::from([InfoTypeAndValue::bare(id::CA_CERTS)]);
    let answer = sent(
        server
            .answer(&Answer::Support(infos.clone()), from("CN=ca", 2))
            .unwrap(),
    );
    assert_eq!(client.receive(&answer, MAC), Ok(Step::Support(infos)));
    assert!(client.is_done());
}

#[test]
fn a_client_that_gives_up_is_answered_with_pkiconf() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    client.receive(&answer, MAC).unwrap();
    let why = PkiStatusInfo::rejection(PkiFailureInfo::BAD_DATA_FORMAT, "cannot read it");
    let error = sent(client.abort(why.clone(), from("CN=device", 3)).unwrap());
    assert_eq!(server.follow(&error), Ok(Follow::Aborted(why)));
    let done = sent(server.answer(&Answer::Confirmed, from("CN=ca", 4)).unwrap());
    assert_eq!(client.receive(&done, MAC), Ok(Step::Confirmed));
}

#[test]
fn a_lost_answer_is_given_again_to_the_same_octets_and_only_to_those() {
    let (mut client, mut server, first) = begun(opening(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    let mut server = restarted(&server);
    assert!(server.is_repeated(&first));
    assert_eq!(server.follow(&first), Ok(Follow::Repeated));
    let rim = pkixcmp::transaction::Outgoing {
        sender_nonce: server.nonce_sent().unwrap(),
        ..from("CN=ca", 99)
    };
    let again = sent(server.answer(&granted(Release::Confirm), rim).unwrap());
    assert_eq!(again.der(), answer.der());
    assert!(matches!(client.receive(&again, MAC), Ok(Step::Issued(_))));

    let other = crate::with_header(&first, |header| {
        header.free_text = Some(["changed".to_owned()].into());
    });
    assert!(!server.is_repeated(&other));
    assert_eq!(
        server.follow(&other).unwrap_err().failure,
        PkiFailureInfo::TRANSACTION_ID_IN_USE
    );
}

#[test]
fn a_lost_pkiconf_is_given_again_too() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    client.receive(&answer, MAC).unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
    let lost = sent(server.answer(&Answer::Confirmed, from("CN=ca", 4)).unwrap());
    let mut server = restarted(&server);
    assert_eq!(server.follow(&confirmation), Ok(Follow::Repeated));
    let again = sent(server.answer(&Answer::Confirmed, from("CN=ca", 4)).unwrap());
    assert_eq!(again.der(), lost.der());
    assert_eq!(client.receive(&again, MAC), Ok(Step::Confirmed));
}

#[test]
fn a_client_that_was_restarted_before_it_kept_a_poll_answer_can_poll_again() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    let wait = sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap());
    client.receive(&wait, MAC).unwrap();
    let before = restarted(&client);
    server
        .follow(&sent(client.poll(from("CN=device", 3)).unwrap()))
        .unwrap();
    server
        .answer(
            &Answer::CheckAfter {
                seconds: 1,
                reason: None,
            },
            from("CN=ca", 4),
        )
        .unwrap();
    let mut client = before;
    let poll = sent(client.poll(from("CN=device", 5)).unwrap());
    assert_eq!(server.follow(&poll), Ok(Follow::Poll));
}

#[test]
fn a_final_answer_that_was_lost_can_be_polled_for_again() {
    let (mut client, mut server, _) = begun(opening(), &ir());
    client
        .receive(
            &sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap()),
            MAC,
        )
        .unwrap();
    server
        .follow(&sent(client.poll(from("CN=device", 3)).unwrap()))
        .unwrap();
    server
        .answer(&granted(Release::Confirm), from("CN=ca", 4))
        .unwrap();
    assert_eq!(
        server.follow(&sent(client.poll(from("CN=device", 5)).unwrap())),
        Ok(Follow::Poll)
    );
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 6))
            .unwrap(),
    );
    assert!(matches!(client.receive(&answer, MAC), Ok(Step::Issued(_))));
}

#[test]
fn a_polled_answer_may_refer_to_the_poll_or_to_the_request() {
    for refers_to in [1, 3] {
        let (mut client, mut server, _) = begun(opening(), &ir());
        client
            .receive(
                &sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap()),
                MAC,
            )
            .unwrap();
        server
            .follow(&sent(client.poll(from("CN=device", 3)).unwrap()))
            .unwrap();
        let answer = sent(
            server
                .answer(&granted(Release::Confirm), from("CN=ca", 4))
                .unwrap(),
        );
        assert_eq!(
            answer.header().recip_nonce.as_ref().unwrap().as_bytes(),
            [3; 16],
            "the message that came last"
        );
        let answer = crate::with_header(&answer, |header| {
            header.recip_nonce = Some(der::asn1::OctetString::new([refers_to; 16]).unwrap());
        });
        assert!(
            matches!(client.receive(&answer, MAC), Ok(Step::Issued(_))),
            "{refers_to}"
        );
    }
}

#[test]
fn the_time_to_the_next_poll_is_bounded_whatever_the_peer_says() {
    let tolerance = Tolerance {
        check_after: (10, 600),
        ..Tolerance::default()
    };
    let (mut client, mut server, _) = begun(
        Opening {
            tolerance,
            ..opening()
        },
        &ir(),
    );
    client
        .receive(
            &sent(server.answer(&waiting(), from("CN=ca", 2)).unwrap()),
            MAC,
        )
        .unwrap();
    for (nonce, said, bounded) in [(3, 0, 10), (5, 60, 60), (7, u32::MAX, 600)] {
        server
            .follow(&sent(client.poll(from("CN=device", nonce)).unwrap()))
            .unwrap();
        let answer = sent(
            server
                .answer(
                    &Answer::CheckAfter {
                        seconds: said,
                        reason: None,
                    },
                    from("CN=ca", nonce + 1),
                )
                .unwrap(),
        );
        let Ok(Step::Waiting { check_after, .. }) = client.receive(&answer, MAC) else {
            panic!()
        };
        assert_eq!(check_after, bounded);
    }
}

#[test]
fn the_headers_of_a_transaction_hang_together() {
    let (mut client, mut server, first) = begun(opening(), &ir());
    assert_eq!(first.header().recip_nonce, None);
    let answer = sent(
        server
            .answer(&granted(Release::Confirm), from("CN=ca", 2))
            .unwrap(),
    );
    client.receive(&answer, MAC).unwrap();
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    for (message, before) in [(&answer, &first), (&confirmation, &answer)] {
        assert_eq!(
            message.header().transaction_id,
            first.header().transaction_id
        );
        assert_eq!(message.header().recip_nonce, before.header().sender_nonce);
        assert_eq!(
            message.header().recipient,
            if message == &answer {
                first.header().sender.clone()
            } else {
                first.header().recipient.clone()
            }
        );
        assert_eq!(message.header().pvno, first.header().pvno);
    }
}
