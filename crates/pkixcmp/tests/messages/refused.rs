//! What is not a message, and what is more than a peer may send.

use der::Decode;
use pkixcmp::{DecodeError, GeneralizedTime, PkiBody, PkiMessage, Unprotected, limits};

use crate::{captured, one, rebuilt};

/// Part, offset and words of a refusal.
fn refusal(der: Vec<u8>) -> (&'static str, usize, String) {
    match PkiMessage::decode(der) {
        Err(DecodeError::Malformed {
            part,
            offset,
            reason,
        }) => (part, offset, reason.to_string()),
        other => panic!("{other:?}"),
    }
}

/// Values with tag and length before them.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let [high, low] = u16::try_from(value.len()).unwrap().to_be_bytes();
    let length: &[u8] = match low {
        _ if high > 0 => &[0x82, high, low],
        0x80.. => &[0x81, low],
        _ => &[low],
    };
    [&[tag], length, &value].concat()
}

/// A captured message with another body.
fn with_body(body: &[u8]) -> Vec<u8> {
    tlv(0x30, &[one("ir-names-1-request").raw_header(), body])
}

#[test]
fn a_message_longer_than_the_caller_allows_is_refused_unread() {
    assert_eq!(
        PkiMessage::decode_within(vec![0; 11], 10),
        Err(DecodeError::TooLong {
            length: 11,
            limit: 10
        })
    );
    assert!(matches!(
        PkiMessage::decode(vec![0; limits::MESSAGE + 1]),
        Err(DecodeError::TooLong { .. })
    ));
}

#[test]
fn a_truncated_message_is_refused_with_its_offset() {
    let der = one("ir-pbm-1-request").der().to_vec();
    assert_eq!(refusal(der[..100].to_vec()).0, "message");
    assert_eq!(refusal(Vec::new()).1, 0);
}

#[test]
fn octets_after_the_message_are_refused_where_they_begin() {
    let der = one("ir-pbm-1-request").der().to_vec();
    let (part, offset, _) = refusal([der.as_slice(), &[0]].concat());
    assert_eq!((part, offset), ("message", der.len()));
}

#[test]
fn an_error_in_a_body_names_the_body_and_the_place_in_the_message() {
    let message = one("ir-pbm-1-request");
    let mut der = message.der().to_vec();
    let body = message.raw_body().as_ptr().addr() - message.der().as_ptr().addr();
    let id = body
        + message
            .raw_body()
            .windows(3)
            .position(|octets| octets == [2, 1, 0])
            .unwrap();
    der[id] = 0x04;
    let (part, offset, _) = refusal(der);
    assert_eq!(part, "ir");
    assert!((id..id + 4).contains(&offset), "{offset} is not near {id}");
}

#[test]
fn an_error_in_the_header_says_so() {
    let mut der = one("ir-pbm-1-request").der().to_vec();
    let place = der
        .windows(3)
        .position(|octets| octets == [2, 1, 2])
        .unwrap();
    der[place] = 0x04;
    assert_eq!(refusal(der).0, "header");
}

#[test]
fn ber_is_refused_and_called_by_its_name() {
    let message = one("genm-pbm-1-request");
    let indefinite = [
        &[0x30, 0x80],
        message.raw_header().as_ref(),
        message.raw_body(),
        &[0, 0],
    ]
    .concat();
    let (part, offset, words) = refusal(indefinite);
    assert_eq!((part, offset), ("message", 2));
    assert!(words.contains("BER"), "{words}");
}

#[test]
fn lengths_that_are_not_the_shortest_and_strings_in_pieces_are_refused() {
    let message = one("genm-pbm-1-request");
    let id = message
        .header()
        .transaction_id
        .as_ref()
        .unwrap()
        .as_bytes()
        .to_vec();
    let plain = tlv(0xa4, &[&tlv(0x04, &[&id])]);
    let header = message.raw_header();
    let place = header
        .windows(plain.len())
        .position(|octets| octets == plain)
        .unwrap();
    for instead in [
        tlv(0xa4, &[&[0x04, 0x81, 16], &id]),
        tlv(
            0xa4,
            &[&tlv(
                0x24,
                &[&tlv(0x04, &[&id[..8]]), &tlv(0x04, &[&id[8..]])],
            )],
        ),
    ] {
        let content = [&header[3..place], &instead, &header[place + plain.len()..]].concat();
        let der = tlv(0x30, &[&tlv(0x30, &[&content]), message.raw_body()]);
        assert_eq!(refusal(der).0, "header");
    }
    let control = tlv(0x30, &[&tlv(0x30, &[&header[3..]]), message.raw_body()]);
    assert!(
        PkiMessage::decode(control).is_ok(),
        "the message was taken apart wrongly"
    );
}

#[test]
fn a_protection_that_does_not_fill_its_octets_is_refused() {
    let message = one("genm-pbm-1-request");
    let mut der = message.der().to_vec();
    let protection = message.protection().unwrap();
    let place = protection.as_ptr().addr() - message.der().as_ptr().addr();
    der[place - 1] = 3;
    der[place + protection.len() - 1] &= 0xf8;
    assert_eq!(refusal(der).0, "protection");
}

#[test]
fn a_body_of_a_type_nobody_knows_is_carried() {
    for (tag, number) in [(vec![0xbb, 3], 27), (vec![0xbf, 0x81, 0x01, 3], 129)] {
        let der = with_body(&[tag.as_slice(), &[2, 1, 5]].concat());
        let message = PkiMessage::decode(der.clone()).unwrap();
        assert_eq!(
            *message.body(),
            PkiBody::Unknown {
                tag: number,
                content: vec![2, 1, 5].into()
            }
        );
        assert_eq!(message.body().name(), "unknown");
        assert_eq!(rebuilt(&message), der);
    }
}

#[test]
fn a_body_without_a_context_tag_is_refused() {
    assert_eq!(refusal(with_body(&[0x30, 0])).0, "body");
}

#[test]
fn more_extra_certificates_than_allowed_are_refused() {
    let message = one("genm-pbm-1-request");
    let with = |count: usize| {
        let list = tlv(0x30, &[&[0x30, 0].repeat(count)]);
        tlv(
            0x30,
            &[
                message.raw_header(),
                message.raw_body(),
                &tlv(0xa1, &[&list]),
            ],
        )
    };
    assert_eq!(
        PkiMessage::decode(with(limits::CERTIFICATES))
            .unwrap()
            .extra_certs()
            .len(),
        limits::CERTIFICATES
    );
    let (part, _, words) = refusal(with(limits::CERTIFICATES + 1));
    assert_eq!(part, "extraCerts");
    assert!(words.contains("more entries"), "{words}");
}

#[test]
fn more_entries_in_a_body_than_allowed_are_refused_whatever_the_list() {
    // For each type of body the smallest entry its list can have.
    let entries: [(u8, &[u8], usize); 8] = [
        (0, &[0x30, 7, 0x30, 5, 2, 1, 0, 0x30, 0], limits::REQUESTS),
        (6, &[2, 1, 0], limits::REQUESTS),
        (11, &[0x30, 2, 0x30, 0], limits::REQUESTS),
        (18, &[0x30, 0], limits::CRLS),
        (20, &[0x30, 0], limits::NESTED),
        (21, &[0x30, 3, 6, 1, 42], limits::INFOS),
        (24, &[0x30, 5, 4, 0, 2, 1, 0], limits::REQUESTS),
        (25, &[0x30, 3, 2, 1, 0], limits::REQUESTS),
    ];
    for (tag, entry, limit) in entries {
        let with =
            |count: usize| PkiBody::decode(tlv(0xa0 | tag, &[&tlv(0x30, &[&entry.repeat(count)])]));
        assert!(with(limit).is_ok(), "[{tag}]: {:?}", with(limit));
        let error = with(limit + 1).unwrap_err().to_string();
        assert!(error.contains("more entries"), "[{tag}]: {error}");
    }
}

#[test]
fn a_message_that_would_be_refused_for_its_length_is_not_made() {
    let message = one("ir-pbm-implicit-1-response");
    let mut header = message.header().clone();
    header.free_text = Some(vec![String::new(); limits::TEXTS + 1].into());
    let error = Unprotected::new(&header, message.body(), Vec::new()).unwrap_err();
    assert!(
        error.to_string().starts_with("header cannot be encoded"),
        "{error}"
    );
}

#[test]
fn times_may_have_a_fraction_and_nothing_else() {
    let read = |text: &str| {
        GeneralizedTime::from_der(
            &[&[0x18, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat(),
        )
    };
    for (text, moment) in [
        ("20261122163000Z", "2026-11-22T16:30:00Z"),
        ("20261122163000.5Z", "2026-11-22T16:30:00.5Z"),
        (
            "20261122163000.123456789012Z",
            "2026-11-22T16:30:00.123456789Z",
        ),
    ] {
        assert_eq!(read(text).unwrap().timestamp().to_string(), moment);
    }
    for text in [
        "20261122163000",
        "202611221630Z",
        "20261122163000.Z",
        "20261122163000+0100",
        "20261322163000Z",
        "20261122256000Z",
        "2026112216300éZ",
        "Z",
        "",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_shown_of_a_message_has_no_content() {
    for (name, der) in captured() {
        let shown = format!("{:?}", PkiMessage::decode(der).unwrap());
        assert!(
            shown.len() < 160 && !shown.contains("fresh"),
            "{name}: {shown}"
        );
    }
}
