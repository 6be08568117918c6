//! First messages that are almost right.

use jiff::{SignedDuration, Timestamp};
use pki::{CaConstraint, GeneralName, usage};
use pkixcmp::protection::{MacScheme, Pbmac1Parameters};
use pkixcmp::raw::RawMessage;
use pkixcmp::{GeneralizedTime, PkiBody, PkiFailureInfo, PkiHeader, PkiMessage, Pvno, Unprotected};
use proto_tests::certs::dn;
use proto_tests::{Keys, Native};

use crate::client::{
    Client, asking, certificate, error, ir, mac, next_is_served, octets, sign_as_it_is, signed,
    template,
};

const STRICT: &str = "conformance = \"rfc9483\"";

/// What an ir with that header gets.
fn with_header(ra: &Native, change: impl FnOnce(&mut PkiHeader)) -> PkiMessage {
    let client = Client::new(ra);
    let mut header = client.header();
    change(&mut header);
    client.send(&header, &ir())
}

/// The failInfo of an error or of the one response.
#[track_caller]
fn failure(answer: &PkiMessage) -> PkiFailureInfo {
    match answer.body() {
        PkiBody::Ip(content) => {
            let status = &content.response[0].status;
            status.failure.unwrap_or_else(|| panic!("{status:?}"))
        }
        _ => error(answer).0,
    }
}

#[test]
fn versions_that_do_not_exist_are_told_which_do() {
    let ra = Native::local();
    for version in [0, 1, 4, 9, 4_000_000_000] {
        let answer = with_header(&ra, |header| header.pvno = Pvno(version));
        assert_eq!(error(&answer).0, PkiFailureInfo::UNSUPPORTED_VERSION);
        assert!((2..=3).contains(&answer.header().pvno.0));
    }
    next_is_served(&ra, 0);
}

#[test]
fn version_3_is_answered_in_version_3() {
    let ra = Native::local();
    let answer = with_header(&ra, |header| header.pvno = Pvno::CMP2021);
    certificate(&answer);
    assert_eq!(answer.header().pvno, Pvno::CMP2021);
}

#[test]
fn a_message_of_yesterday_or_tomorrow_is_told_our_time() {
    let ra = Native::local();
    let day = SignedDuration::from_hours(24);
    for time in [Timestamp::now() - day, Timestamp::now() + day] {
        let answer = with_header(&ra, |header| {
            header.message_time = Some(GeneralizedTime::from(time));
        });
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_TIME);
        assert!(answer.header().message_time.is_some());
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_transactionid_is_needed_and_has_its_length() {
    let ra = Native::local();
    for id in [None, octets([]), octets([7; 65]), octets([7; 50_000])] {
        let answer = with_header(&ra, |header| header.transaction_id = id.clone());
        assert_eq!(failure(&answer), PkiFailureInfo::BAD_DATA_FORMAT, "{id:?}");
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_sendernonce_is_needed_and_has_its_length_where_rfc_9483_is_kept_to() {
    let ra = Native::local_with("", STRICT);
    for nonce in [None, octets([]), octets([7; 50_000])] {
        let answer = with_header(&ra, |header| header.sender_nonce = nonce.clone());
        assert_eq!(
            failure(&answer),
            PkiFailureInfo::BAD_SENDER_NONCE,
            "{nonce:?}"
        );
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_first_message_answers_nothing_where_rfc_9483_is_kept_to() {
    let ra = Native::local_with("", STRICT);
    let answer = with_header(&ra, |header| header.recip_nonce = octets([7; 16]));
    assert_eq!(failure(&answer), PkiFailureInfo::BAD_RECIPIENT_NONCE);
    next_is_served(&ra, 0);
}

#[test]
fn a_reference_that_is_missing_or_absurd_is_an_unknown_one() {
    let ra = Native::local();
    for reference in [None, octets([]), octets([0xff; 16]), octets([b'd'; 60_000])] {
        let answer = with_header(&ra, |header| header.sender_kid = reference);
        assert_eq!(failure(&answer), PkiFailureInfo::BAD_MESSAGE_CHECK);
        assert!(answer.protection().is_none(), "an oracle");
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_certreqid_of_its_own_is_echoed() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let key = Keys::ec();
    let body = PkiBody::Ir([asking(7, &template("CN=seven", &key), &key)].into());
    let answer = client.send(&client.header(), &body);
    certificate(&answer);
    let PkiBody::Ip(content) = answer.body() else {
        panic!("{:?}", answer.body());
    };
    assert_eq!(content.response[0].cert_req_id.0, 7);
}

#[test]
fn none_two_and_many_requests_in_a_message_are_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let key = Keys::ec();
    let one = |id| asking(id, &template("CN=many", &key), &key);
    for requests in [vec![], vec![one(0), one(1)], (0..64).map(one).collect()] {
        let answer = client.send(&client.header(), &PkiBody::Ir(requests.into()));
        let failure = failure(&answer);
        let right = [PkiFailureInfo::BAD_REQUEST, PkiFailureInfo::BAD_DATA_FORMAT];
        assert!(right.contains(&failure), "{failure}");
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_ca_certificate_and_the_usages_of_cmp_components_are_not_had() {
    let ra = Native::local();
    let key = Keys::ec();
    let mut ca = template("CN=ca", &key);
    ca.ca = Some(CaConstraint { path_len: None });
    let with_usage = [usage::CMC_RA, usage::CMC_CA].map(|usage| {
        let mut template = template("CN=usage", &key);
        template.ext_key_usage = vec![usage];
        template
    });
    let mut nameless = template("CN=x", &key);
    nameless.subject = pki::Name::default();
    let refused = [ca, nameless].into_iter().chain(with_usage);
    for template in refused {
        let client = Client::new(&ra);
        let body = PkiBody::Ir([asking(0, &template, &key)].into());
        let answer = client.send(&client.header(), &body);
        assert_eq!(failure(&answer), PkiFailureInfo::BAD_CERT_TEMPLATE);
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_proof_by_another_key_is_badpop() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let (key, other) = (Keys::ec(), Keys::ec());
    let body = PkiBody::Ir([asking(0, &template("CN=stolen", &key), &other)].into());
    let answer = client.send(&client.header(), &body);
    assert_eq!(failure(&answer), PkiFailureInfo::BAD_POP);
    next_is_served(&ra, 0);
}

#[test]
fn bodies_that_are_ours_to_send_or_nobodys_are_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let granted = client.granted().0;
    let unknown = PkiBody::Unknown {
        tag: 30,
        content: bytes::Bytes::from_static(&[0x05, 0x00]),
    };
    for body in [granted.body().clone(), PkiBody::Pkiconf, unknown] {
        let client = Client::new(&ra);
        let answer = client.send(&client.header(), &body);
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_REQUEST, "{body:?}");
    }
    next_is_served(&ra, 1);
}

#[test]
fn nested_messages_are_not_opened_here() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let inner = client.protected(&client.header(), &ir());
    let body = PkiBody::Nested(vec![RawMessage::from_der(inner).unwrap()]);
    let device = ra.setup.devices.identity("CN=device-1", &[]);
    let answers = [
        client.send(&client.header(), &body),
        client.signed(client.header(), &body, &device),
    ];
    for answer in answers {
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_REQUEST);
    }
    next_is_served(&ra, 0);
}

#[test]
fn half_a_protection_is_none() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let header = client.header();
    let made = |header: &PkiHeader| Unprotected::new(header, &ir(), Vec::new()).unwrap();
    let no_algorithm = PkiHeader {
        protection_alg: None,
        ..header.clone()
    };
    for octets in [
        made(&header).unprotected(),
        made(&no_algorithm).protected(&[0; 32]),
        made(&header).protected(&[]),
        made(&header).protected(&[0]),
        made(&header).protected(&[0; 32]),
        made(&header).protected(&[0; 30_000]),
    ] {
        let answer = client.post(&octets);
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_MESSAGE_CHECK);
        assert!(answer.protection().is_none());
    }
    next_is_served(&ra, 0);
}

#[test]
fn pbmac1_is_taken_and_answered_with_the_same() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let key = mac(
        proto_tests::native::SECRET,
        &MacScheme::Pbmac1(Pbmac1Parameters::sha256([5; 16])),
    );
    let header = PkiHeader {
        protection_alg: Some(key.algorithm().clone()),
        ..client.header()
    };
    let message = Unprotected::new(&header, &ir(), Vec::new()).unwrap();
    let answer = client.post(&key.protect(message));
    certificate(&answer);
    assert_eq!(
        answer.header().protection_alg.as_ref(),
        Some(key.algorithm())
    );
    assert_eq!(
        key.mac(&answer.to_be_protected()),
        answer.protection().unwrap()
    );
}

#[test]
fn a_mac_announced_as_something_else_is_badalg() {
    let ra = Native::local();
    for oid in ["1.2.840.113533.7.66.30", "1.2.840.113533.7.66.16"] {
        let answer = with_header(&ra, |header| {
            let algorithm = header.protection_alg.as_mut().unwrap();
            algorithm.oid = oid.parse().unwrap();
        });
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_ALG);
    }
    let answer = with_header(&ra, |header| {
        header.protection_alg.as_mut().unwrap().parameters = None;
    });
    assert_eq!(error(&answer).0, PkiFailureInfo::BAD_DATA_FORMAT);
    next_is_served(&ra, 0);
}

#[test]
fn a_signer_that_says_to_be_someone_else_is_not_believed() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let device = ra.setup.devices.identity("CN=device-1", &[]);
    let mut header = client.header();
    signed(&mut header, &ir(), &device);
    let mut other_name = header.clone();
    other_name.sender = GeneralName::Directory(dn("CN=device-2"));
    let mut other_key = header.clone();
    other_key.sender_kid = octets([7; 20]);
    for header in [other_name, other_key] {
        let answer = client.post(&sign_as_it_is(&header, &ir(), &device));
        assert_eq!(error(&answer).0, PkiFailureInfo::BAD_MESSAGE_CHECK);
    }
    next_is_served(&ra, 0);
}

#[test]
fn a_signature_without_its_certificate_or_over_other_octets_is_not_believed() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let device = ra.setup.devices.identity("CN=device-1", &[]);
    let mut header = client.header();
    let octets = signed(&mut header, &ir(), &device);
    let message = PkiMessage::decode(octets).unwrap();
    let other = Unprotected::new(&header, &ir(), message.extra_certs().to_vec()).unwrap();
    let answer = client.post(&other.protected(message.protection().unwrap()));
    assert_eq!(error(&answer).0, PkiFailureInfo::BAD_MESSAGE_CHECK);
    let bare = Unprotected::with_raw_body(&header, message.raw_body().clone(), Vec::new());
    let answer = client.post(&bare.unwrap().protected(message.protection().unwrap()));
    assert_eq!(error(&answer).0, PkiFailureInfo::ADD_INFO_NOT_AVAILABLE);
    next_is_served(&ra, 0);
}

/// certProfile with those names.
fn profiles(names: &[&str]) -> pkixcmp::InfoTypeAndValue {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let id = pkixcmp::info::id::CERT_PROFILE;
    pkixcmp::InfoTypeAndValue::with(id, &names).unwrap()
}

#[test]
fn a_profile_that_does_not_exist_or_is_not_the_labels_and_two_of_them_are_refused() {
    let ra = Native::local();
    for names in [&["none"][..], &["any", "any"], &[]] {
        let answer = with_header(&ra, |header| {
            header.general_info = Some([profiles(names)].into());
        });
        failure(&answer);
    }
    let answer = with_header(&ra, |header| {
        header.general_info = Some([profiles(&["any"])].into());
    });
    certificate(&answer);
    next_is_served(&ra, 1);
}
