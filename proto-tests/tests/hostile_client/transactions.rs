//! Messages in transactions they do not belong to.

use pkixcmp::body::failure::ErrorMsgContent;
use pkixcmp::body::poll::PollReq;
use pkixcmp::{CertReqId, PkiBody, PkiFailureInfo, PkiStatusInfo};
use proto_tests::certs::Identity;
use proto_tests::{Keys, Native};

use crate::client::{
    Client, asking, cert_conf, certificate, error, ir, next_is_served, octets, template,
};

#[test]
fn a_certconf_in_another_transaction_confirms_nothing() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    let mut header = client.answering(&answer);
    header.transaction_id = octets([9; 16]);
    let refused = client.send(&header, &cert_conf(0, &certificate));
    assert_eq!(error(&refused).0, PkiFailureInfo::BAD_REQUEST);
    client.confirms(&answer, &certificate);
    next_is_served(&ra, 1);
}

#[test]
fn a_certconf_to_another_nonce_or_none_confirms_nothing() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    for nonce in [octets([9; 16]), None] {
        let mut header = client.answering(&answer);
        header.recip_nonce = nonce;
        let refused = client.send(&header, &cert_conf(0, &certificate));
        assert_eq!(error(&refused).0, PkiFailureInfo::BAD_RECIPIENT_NONCE);
    }
    client.confirms(&answer, &certificate);
    next_is_served(&ra, 1);
}

#[test]
fn two_clients_with_the_same_transactionid_do_not_meet() {
    let ra = Native::local();
    let one = Client::new(&ra);
    let mut two = Client::other(&ra);
    two.transaction = one.transaction;
    let (first, second) = (one.granted(), two.granted());
    assert_ne!(first.1, second.1);
    two.confirms(&second.0, &second.1);
    one.confirms(&first.0, &first.1);
    next_is_served(&ra, 2);
}

#[test]
fn one_client_does_not_confirm_anothers_certificate() {
    let ra = Native::local();
    let one = Client::new(&ra);
    let mut two = Client::other(&ra);
    two.transaction = one.transaction;
    let (answer, certificate) = one.granted();
    let refused = two.send(&two.answering(&answer), &cert_conf(0, &certificate));
    assert_eq!(error(&refused).0, PkiFailureInfo::BAD_REQUEST);
    one.confirms(&answer, &certificate);
    next_is_served(&ra, 1);
}

#[test]
fn another_request_under_a_transactionid_in_use_is_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    let again = client.send(&client.header(), &ir());
    let text = format!("{:?}", again.body());
    let in_use = PkiFailureInfo::TRANSACTION_ID_IN_USE;
    match again.body() {
        PkiBody::Error(content) => {
            assert_eq!(content.pki_status_info.failure, Some(in_use), "{text}");
        }
        PkiBody::Ip(content) => {
            assert_eq!(content.response[0].status.failure, Some(in_use), "{text}");
        }
        _ => panic!("{text}"),
    }
    client.confirms(&answer, &certificate);
    next_is_served(&ra, 1);
}

#[test]
fn a_certconf_under_the_other_kind_of_protection_confirms_nothing() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    let device = ra.setup.devices.identity("CN=device-1", &[]);
    let body = cert_conf(0, &certificate);
    let refused = client.signed(client.answering(&answer), &body, &device);
    let (failure, text) = error(&refused);
    let right = [PkiFailureInfo::BAD_REQUEST, PkiFailureInfo::WRONG_INTEGRITY];
    assert!(right.contains(&failure), "{failure}: {text}");
    client.confirms(&answer, &certificate);
    next_is_served(&ra, 1);
}

#[test]
fn a_certconf_signed_with_the_new_certificate_confirms_nothing() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let device = ra.setup.devices.identity("O=Devices,CN=made", &[]);
    let key = Keys::ec();
    let asked = [asking(0, &template("O=Devices,CN=made", &key), &key)];
    let answer = client.signed(client.header(), &PkiBody::Ir(asked.into()), &device);
    let new = Identity {
        key,
        chain: vec![certificate(&answer)],
    };
    let body = cert_conf(0, new.certificate());
    let refused = client.signed(client.answering(&answer), &body, &new);
    let (failure, text) = error(&refused);
    let right = [PkiFailureInfo::BAD_REQUEST, PkiFailureInfo::WRONG_INTEGRITY];
    assert!(right.contains(&failure), "{failure}: {text}");
    let confirmed = client.signed(client.answering(&answer), &body, &device);
    assert!(matches!(confirmed.body(), PkiBody::Pkiconf));
    next_is_served(&ra, 1);
}

#[test]
fn a_certconf_for_another_certificate_or_certreqid_confirms_nothing() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    let other = &ra.setup.root.certificate;
    for body in [cert_conf(0, other), cert_conf(7, &certificate)] {
        let refused = client.send(&client.answering(&answer), &body);
        let (failure, text) = error(&refused);
        let right = [PkiFailureInfo::BAD_CERT_ID, PkiFailureInfo::BAD_REQUEST];
        assert!(right.contains(&failure), "{failure}: {text}");
    }
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_second_certconf_is_told_that_there_was_one() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    client.confirms(&answer, &certificate);
    let again = client.send(&client.answering(&answer), &cert_conf(0, &certificate));
    assert_eq!(error(&again).0, PkiFailureInfo::CERT_CONFIRMED);
    next_is_served(&ra, 1);
}

#[test]
fn the_same_certconf_again_is_answered_again() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, certificate) = client.granted();
    let octets = client.protected(&client.answering(&answer), &cert_conf(0, &certificate));
    for _ in 0..3 {
        assert!(matches!(client.post(&octets).body(), PkiBody::Pkiconf));
    }
    next_is_served(&ra, 1);
}

#[test]
fn a_certconf_without_a_request_before_it_is_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let body = cert_conf(0, &ra.setup.root.certificate);
    let refused = client.send(&client.header(), &body);
    assert_eq!(error(&refused).0, PkiFailureInfo::BAD_REQUEST);
    next_is_served(&ra, 0);
}

#[test]
fn a_poll_where_nothing_waits_is_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let poll = PkiBody::PollReq(
        [PollReq {
            cert_req_id: CertReqId(0),
        }]
        .into(),
    );
    let refused = client.send(&client.header(), &poll);
    assert_eq!(error(&refused).0, PkiFailureInfo::BAD_REQUEST);
    next_is_served(&ra, 0);
}

#[test]
fn who_polls_for_a_certificate_that_was_given_gets_it_again_and_may_confirm_either_answer() {
    let ra = Native::local();
    let poll = PkiBody::PollReq(
        [PollReq {
            cert_req_id: CertReqId(0),
        }]
        .into(),
    );
    for confirms_first in [true, false] {
        let client = Client::new(&ra);
        let (first, given) = client.granted();
        let again = client.send(&client.answering(&first), &poll);
        assert_eq!(certificate(&again), given);
        let answer = if confirms_first { &first } else { &again };
        client.confirms(answer, &given);
    }
    next_is_served(&ra, 2);
}

#[test]
fn a_client_that_ends_with_an_error_gets_pkiconf_and_its_certificate_is_revoked() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (answer, _) = client.granted();
    let why = PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_FAILURE, "disk full");
    let body = PkiBody::Error(ErrorMsgContent::from(why));
    let end = client.send(&client.answering(&answer), &body);
    assert!(matches!(end.body(), PkiBody::Pkiconf), "{:?}", end.body());
    assert_eq!(ra.revoked(), 1);
    next_is_served(&ra, 1);
}
