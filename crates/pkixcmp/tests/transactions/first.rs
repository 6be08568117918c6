//! Which messages may open a transaction, by RFC 9810 and by RFC 9483.

use der::asn1::OctetString;
use jiff::SignedDuration;
use pkixcmp::header::PkiHeader;
use pkixcmp::server::{Conformance, HeaderRules, ServerTransaction, check_first, refuse};
use pkixcmp::{InfoTypeAndValue, PkiBody, PkiFailureInfo, PkiMessage, Pvno};

use crate::{begun, from, ir, now, opening, p10cr, request, sent, with_body, with_header};

fn lenient() -> HeaderRules {
    HeaderRules::default()
}

fn strict() -> HeaderRules {
    HeaderRules {
        conformance: Conformance::Strict,
        time_window: Some(SignedDuration::from_secs(300)),
    }
}

fn first() -> PkiMessage {
    begun(opening(), &ir()).2
}

fn judged(rules: &HeaderRules, change: impl FnOnce(&mut PkiHeader)) -> Result<(), PkiFailureInfo> {
    check_first(&with_header(&first(), change), rules, now()).map_err(|fault| fault.failure)
}

fn octets(length: usize) -> Option<OctetString> {
    Some(OctetString::new(vec![5; length]).unwrap())
}

#[test]
fn a_message_that_keeps_to_the_profile_passes_under_both_rules() {
    for rules in [lenient(), strict()] {
        assert_eq!(judged(&rules, |_| ()), Ok(()));
        assert_eq!(judged(&rules, |header| header.pvno = Pvno::CMP2021), Ok(()));
        assert_eq!(
            judged(&rules, |header| header.general_info =
                Some([InfoTypeAndValue::implicit_confirm()].into())),
            Ok(())
        );
    }
}

#[test]
fn other_versions_are_unsupported_and_answered_in_the_nearest_one_we_speak() {
    for (pvno, answer) in [(1, 2), (4, 3), (1000, 3)] {
        assert_eq!(
            judged(&lenient(), |header| header.pvno = Pvno(pvno)),
            Err(PkiFailureInfo::UNSUPPORTED_VERSION)
        );
        let message = with_header(&first(), |header| header.pvno = Pvno(pvno));
        let fault = check_first(&message, &lenient(), now()).unwrap_err();
        let error = sent(refuse(&message, fault.status(), from("CN=ca", 2)).unwrap());
        assert_eq!(error.header().pvno, Pvno(answer));
    }
}

#[test]
fn a_transaction_id_of_128_bits_is_demanded_strictly_and_a_usable_one_always() {
    for length in [0, 65, 100_000] {
        assert_eq!(
            judged(&lenient(), |header| header.transaction_id = octets(length)),
            Err(PkiFailureInfo::BAD_DATA_FORMAT)
        );
    }
    assert_eq!(
        judged(&lenient(), |header| header.transaction_id = None),
        Err(PkiFailureInfo::BAD_DATA_FORMAT)
    );
    for length in [15, 17] {
        assert_eq!(
            judged(&lenient(), |header| header.transaction_id = octets(length)),
            Ok(())
        );
        assert_eq!(
            judged(&strict(), |header| header.transaction_id = octets(length)),
            Err(PkiFailureInfo::BAD_DATA_FORMAT)
        );
    }
}

#[test]
fn a_sender_nonce_of_128_bits_is_demanded_strictly_and_may_be_absent_otherwise() {
    for length in [0, 65] {
        assert_eq!(
            judged(&lenient(), |header| header.sender_nonce = octets(length)),
            Err(PkiFailureInfo::BAD_SENDER_NONCE)
        );
    }
    for length in [15, 17] {
        assert_eq!(
            judged(&lenient(), |header| header.sender_nonce = octets(length)),
            Ok(())
        );
        assert_eq!(
            judged(&strict(), |header| header.sender_nonce = octets(length)),
            Err(PkiFailureInfo::BAD_SENDER_NONCE)
        );
    }
    assert_eq!(
        judged(&lenient(), |header| header.sender_nonce = None),
        Ok(())
    );
    assert_eq!(
        judged(&strict(), |header| header.sender_nonce = None),
        Err(PkiFailureInfo::BAD_SENDER_NONCE)
    );
}

#[test]
fn a_recip_nonce_in_a_first_message_is_refused_strictly() {
    assert_eq!(
        judged(&lenient(), |header| header.recip_nonce = octets(16)),
        Ok(())
    );
    assert_eq!(
        judged(&strict(), |header| header.recip_nonce = octets(16)),
        Err(PkiFailureInfo::BAD_RECIPIENT_NONCE)
    );
}

#[test]
fn a_message_time_outside_of_the_window_is_bad_either_way() {
    let windowed = HeaderRules {
        time_window: Some(SignedDuration::from_secs(300)),
        ..lenient()
    };
    for (offset, fits) in [
        (-301, false),
        (-300, true),
        (0, true),
        (300, true),
        (301, false),
    ] {
        let at = now() + SignedDuration::from_secs(offset);
        let outcome = judged(&windowed, |header| header.message_time = Some(at.into()));
        assert_eq!(
            outcome,
            if fits {
                Ok(())
            } else {
                Err(PkiFailureInfo::BAD_TIME)
            },
            "{offset}"
        );
        assert_eq!(
            judged(&lenient(), |header| header.message_time = Some(at.into())),
            Ok(())
        );
    }
}

#[test]
fn a_missing_message_time_is_bad_strictly_only() {
    assert_eq!(
        judged(&lenient(), |header| header.message_time = None),
        Ok(())
    );
    assert_eq!(
        judged(&strict(), |header| header.message_time = None),
        Err(PkiFailureInfo::BAD_TIME)
    );
}

#[test]
fn implicit_confirm_and_a_time_to_confirm_exclude_each_other() {
    let both = [
        InfoTypeAndValue::implicit_confirm(),
        InfoTypeAndValue::confirm_wait_time(now()).unwrap(),
    ];
    for rules in [lenient(), strict()] {
        assert_eq!(
            judged(&rules, |header| header.general_info =
                Some(both.clone().into())),
            Err(PkiFailureInfo::BAD_REQUEST)
        );
    }
}

#[test]
fn implicit_confirm_without_null_is_refused_strictly() {
    let bare = [InfoTypeAndValue::implicit_confirm_without_value()];
    assert_eq!(
        judged(&lenient(), |header| header.general_info =
            Some(bare.clone().into())),
        Ok(())
    );
    assert_eq!(
        judged(&strict(), |header| header.general_info =
            Some(bare.clone().into())),
        Err(PkiFailureInfo::BAD_DATA_FORMAT)
    );
}

#[test]
fn one_profile_may_be_named_for_one_request() {
    let profiles = |names: &[&str]| {
        InfoTypeAndValue::cert_profile(names.iter().map(|name| (*name).to_owned())).unwrap()
    };
    let judge = |info| {
        judged(&lenient(), |header| {
            header.general_info = Some([info].into());
        })
    };
    assert_eq!(judge(profiles(&["tls"])), Ok(()));
    assert_eq!(
        judge(profiles(&["tls", "ipsec"])),
        Err(PkiFailureInfo::BAD_REQUEST)
    );
    assert_eq!(judge(profiles(&[])), Err(PkiFailureInfo::BAD_DATA_FORMAT));
    assert_eq!(
        judge(InfoTypeAndValue::bare(pkixcmp::info::id::CERT_PROFILE)),
        Err(PkiFailureInfo::BAD_DATA_FORMAT)
    );
}

#[test]
fn an_unknown_general_info_is_ignored() {
    let unknown = InfoTypeAndValue::bare(const_oid::ObjectIdentifier::new_unwrap("1.2.3.4"));
    assert_eq!(
        judged(&strict(), |header| header.general_info =
            Some([unknown].into())),
        Ok(())
    );
}

#[test]
fn only_requests_open_a_transaction_and_only_one_at_a_time() {
    let judge = |body: &PkiBody| {
        let message = with_body(&first(), body);
        let opened = ServerTransaction::open(&message)
            .map(|_| ())
            .map_err(|fault| fault.failure);
        assert_eq!(
            check_first(&message, &lenient(), now()).map_err(|fault| fault.failure),
            opened
        );
        opened
    };
    assert_eq!(judge(&p10cr()), Ok(()));
    assert_eq!(judge(&PkiBody::Genm(pkixcmp::info::Infos::new())), Ok(()));
    for body in [
        PkiBody::Pkiconf,
        PkiBody::Ir([request(0), request(1)].into()),
        PkiBody::Kur(pkixcmp::List::new()),
        PkiBody::Rr(pkixcmp::List::new()),
        PkiBody::Nested(Vec::new()),
        PkiBody::Unknown {
            tag: 27,
            content: Default::default(),
        },
    ] {
        assert_eq!(
            judge(&body),
            Err(PkiFailureInfo::BAD_REQUEST),
            "{}",
            body.name()
        );
    }
}

#[test]
fn a_cert_req_id_other_than_0_is_refused_strictly() {
    let message = with_body(&first(), &PkiBody::Cr([request(7)].into()));
    assert_eq!(check_first(&message, &lenient(), now()), Ok(()));
    assert_eq!(
        check_first(&message, &strict(), now()).unwrap_err().failure,
        PkiFailureInfo::BAD_REQUEST
    );
}

#[test]
fn a_refusal_answers_the_header_it_got_and_leaves_out_what_is_absurd() {
    let message = first();
    let fault = pkixcmp::PkiStatusInfo::rejection(PkiFailureInfo::BAD_REQUEST, "no");
    let error = sent(refuse(&message, fault.clone(), from("CN=ca", 2)).unwrap());
    assert_eq!(
        error.header().transaction_id,
        message.header().transaction_id
    );
    assert_eq!(error.header().recip_nonce, message.header().sender_nonce);
    assert_eq!(error.header().recipient, message.header().sender);

    let absurd = with_header(&message, |header| {
        (header.transaction_id, header.sender_nonce) = (octets(1000), octets(1000));
    });
    let error = sent(refuse(&absurd, fault, from("CN=ca", 2)).unwrap());
    assert_eq!(
        (&error.header().transaction_id, &error.header().recip_nonce),
        (&None, &None)
    );
}

#[test]
fn what_answers_need_is_remembered() {
    let (_, server, message) = begun(opening(), &ir());
    assert_eq!(server.client(), &message.header().sender);
    assert_eq!(server.addressed(), &message.header().recipient);
    assert_eq!(server.client_kid().unwrap(), "reference");
    assert_eq!(
        server.protection_alg(),
        message.header().protection_alg.as_ref()
    );
    assert_eq!(server.transaction_id(), &vec![9; 16]);
    assert!(!server.asks_implicit_confirmation());
}
