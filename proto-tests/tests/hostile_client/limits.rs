//! Too much of everything. What is bounded is bounded before work is done on it, so each of these is answered at once.

use std::time::{Duration, Instant};

use pkixcmp::protection::{MacScheme, PbmParameters, Pbmac1Parameters};
use pkixcmp::{PkiBody, PkiFailureInfo, PkiHeader, Unprotected};
use proto_tests::{Native, NativeSetup};

use crate::client::{Client, error, ir, mac, next_is_served, pbm};

/// An answer that took longer did the work.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A service that reads messages as large as can be configured, so that it is not their size alone that saves it.
fn large() -> Native {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    setup.start(&format!("[cmp]\nmax_body = 1048576\n{config}"))
}

fn many(iterations: u32) -> [MacScheme; 2] {
    [
        MacScheme::Pbm(PbmParameters {
            iterations,
            ..PbmParameters::sha256([5; 16])
        }),
        MacScheme::Pbmac1(Pbmac1Parameters {
            iterations,
            ..Pbmac1Parameters::sha256([5; 16])
        }),
    ]
}

#[test]
fn a_billion_iterations_are_refused_unless_done_and_so_is_one() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let begun = Instant::now();
    for scheme in [1_000_000_000, 100_001, 1].into_iter().flat_map(many) {
        let header = PkiHeader {
            protection_alg: Some(scheme.to_algorithm().unwrap()),
            ..client.header()
        };
        let message = Unprotected::new(&header, &ir(), Vec::new()).unwrap();
        let answer = client.post(&message.protected(&[0; 32]));
        let (failure, text) = error(&answer);
        assert_eq!(failure, PkiFailureInfo::BAD_ALG, "{text}");
        assert!(text.contains("iterationCount"), "{text}");
    }
    assert!(begun.elapsed() < AT_ONCE);
    next_is_served(&ra, 0);
}

#[test]
fn as_many_iterations_as_are_allowed_hold_nobody_else_up() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let [scheme, _] = many(100_000);
    let header = PkiHeader {
        protection_alg: Some(scheme.to_algorithm().unwrap()),
        ..client.header()
    };
    let costly = Unprotected::new(&header, &ir(), Vec::new()).unwrap();
    let costly = costly.protected(&[0; 32]);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let (failure, text) = error(&client.post(&costly));
                let right = [
                    PkiFailureInfo::BAD_MESSAGE_CHECK,
                    PkiFailureInfo::SYSTEM_UNAVAIL,
                ];
                assert!(right.contains(&failure), "{text}");
            });
        }
        let begun = Instant::now();
        next_is_served(&ra, 0);
        assert!(begun.elapsed() < AT_ONCE);
    });
}

#[test]
fn a_salt_without_end_or_without_content_is_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    for salt in [vec![], vec![7; 65], vec![7; 60_000]] {
        let scheme = MacScheme::Pbm(PbmParameters::sha256(salt));
        let header = PkiHeader {
            protection_alg: Some(scheme.to_algorithm().unwrap()),
            ..client.header()
        };
        let message = Unprotected::new(&header, &ir(), Vec::new()).unwrap();
        let (failure, text) = error(&client.post(&message.protected(&[0; 32])));
        assert_eq!(failure, PkiFailureInfo::BAD_ALG, "{text}");
    }
    next_is_served(&ra, 0);
}

/// A TLV.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag];
    match content.len() {
        short @ 0..0x80 => octets.push(short as u8),
        long => {
            octets.push(0x84);
            octets.extend((long as u32).to_be_bytes());
            // DER wants the shortest form.
            let leading = octets[2..].iter().take_while(|octet| **octet == 0).count();
            octets.drain(2..2 + leading);
            octets[1] -= leading as u8;
        }
    }
    octets.extend_from_slice(content);
    octets
}

/// The header of a right message, and one of `bodies` behind it, with a MAC over both.
fn protected(client: &Client<'_>, body: Vec<u8>) -> Vec<u8> {
    let made = Unprotected::with_raw_body(&client.header(), body.into(), Vec::new()).unwrap();
    mac(proto_tests::native::SECRET, &pbm())
        .protect(made)
        .to_vec()
}

#[test]
fn what_is_nested_ten_thousand_times_is_refused_without_going_there() {
    let ra = large();
    let client = Client::new(&ra);
    let mut sequences = Vec::new();
    for _ in 0..10_000 {
        sequences = tlv(0x30, &sequences);
    }
    let begun = Instant::now();
    // As ir, p10cr, nested, genm and as a body nobody knows.
    for tag in [0xa0, 0xa4, 0xb4, 0xb5, 0xbe] {
        let answer = ra.post(&protected(&client, tlv(tag, &sequences)));
        assert!(
            [200, 400].contains(&answer.status),
            "{tag:x}: {}",
            answer.text()
        );
    }
    let answer = ra.post(&sequences);
    assert_eq!(answer.status, 400);
    assert!(begun.elapsed() < AT_ONCE * 2);
    next_is_served(&ra, 0);
}

#[test]
fn lists_without_end_are_refused_at_their_bound() {
    let ra = large();
    let client = Client::new(&ra);
    let begun = Instant::now();
    // genm: a hundred thousand info types; ir: as many empty requests; certConf, pollReq, rr likewise.
    let info = tlv(0x30, &[0x06, 0x01, 0x2a]);
    let infos = tlv(0xb5, &tlv(0x30, &info.repeat(100_000)));
    let empty = tlv(0x30, &[0x30, 0x00].repeat(100_000));
    let bodies = [
        infos,
        tlv(0xa0, &empty),
        tlv(0xb8, &empty),
        tlv(0xb9, &empty),
        tlv(0xab, &empty),
    ];
    for body in bodies {
        let answer = ra.post(&protected(&client, body));
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert!(begun.elapsed() < AT_ONCE * 2);
    next_is_served(&ra, 0);
}

#[test]
fn extra_certificates_without_end_are_refused() {
    let ra = large();
    let client = Client::new(&ra);
    let message = client.protected(&client.header(), &ir());
    let decoded = pkixcmp::PkiMessage::decode(message).unwrap();
    let extra = tlv(0xa1, &tlv(0x30, &[0x30, 0x00].repeat(100_000)));
    let protection = tlv(
        0x03,
        &[&[0], decoded.protection().unwrap().as_ref()].concat(),
    );
    let all = [
        decoded.raw_header().as_ref(),
        decoded.raw_body(),
        &tlv(0xa0, &protection),
        &extra,
    ];
    let answer = ra.post(&tlv(0x30, &all.concat()));
    assert_eq!(answer.status, 400, "{}", answer.text());
    next_is_served(&ra, 0);
}

#[test]
fn indefinite_lengths_are_refused() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let message = client.protected(&client.header(), &ir());
    let content = &message[4..];
    let ber = [&[0x30, 0x80][..], content, &[0, 0]].concat();
    let answer = ra.post(&ber);
    assert_eq!(answer.status, 400, "{}", answer.text());
    next_is_served(&ra, 0);
}

#[test]
fn a_request_half_sent_is_given_up_and_holds_nobody_up() {
    let ra = Native::local();
    let mut connections: Vec<_> = (0..50).map(|_| ra.cmp().connect().unwrap()).collect();
    for connection in &mut connections {
        let head = "POST /pkix/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/pkixcmp\r\nContent-Length: 500\r\n\r\n0";
        connection.send(head.as_bytes()).unwrap();
    }
    let begun = Instant::now();
    next_is_served(&ra, 0);
    assert!(begun.elapsed() < AT_ONCE);
}

#[test]
fn a_genm_for_everything_is_answered_with_what_there_is() {
    let ra = Native::local();
    let client = Client::new(&ra);
    let infos: Vec<_> = (1..60u32)
        .map(|number| {
            let oid = format!("1.3.6.1.5.5.7.4.{number}").parse().unwrap();
            pkixcmp::InfoTypeAndValue::bare(oid)
        })
        .collect();
    let answer = client.send(&client.header(), &PkiBody::Genm(infos.into()));
    assert!(
        matches!(answer.body(), PkiBody::Genp(_) | PkiBody::Error(_)),
        "{:?}",
        answer.body()
    );
    next_is_served(&ra, 0);
}
