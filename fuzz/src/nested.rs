//! Depth: elements in elements, and messages in messages.

use bytes::Bytes;
use pkixcmp::{PkiBody, PkiMessage};

use crate::tlv::{tlv, wrapped};

/// As much as is read of a message.
const MOST: usize = pkixcmp::limits::MESSAGE;
const SEQUENCE: u8 = 0x30;
/// `[20]`, the body of a nested message.
const NESTED: u8 = 0xb4;

/// Octets are: depth (2), tag, place, and what is innermost. However deep it is, reading takes no more stack than there is, and messages
/// in messages come out as they were put in.
pub(crate) fn depth(octets: &[u8]) {
    let [high, low, tag, place, core @ ..] = octets else {
        return;
    };
    // The deepest take as long as thousands of others: a few starts are enough of them, and most are as deep as what is found in the field.
    let stated = usize::from(u16::from_be_bytes([*high, *low]));
    let depth = match *high {
        0xff => stated,
        0xf0..0xff => stated % 512,
        _ => usize::from(*low) % 32,
    };
    if place & 0x80 != 0 {
        return messages(depth % 300, core);
    }
    let deep = wrapped(*tag | 0x20, depth, core, MOST - 200);
    match place % 8 {
        0 => read(&deep),
        1 => read(&message(&tlv(0xa0 | (tag & 0x1f).min(30), &deep))),
        2 => read(&message_with_header(
            &[NULL_HEADER, &tlv(0xa8, &sequence(&info(&deep)))].concat(),
        )),
        3 => read(&message_with_header(
            &[NULL_HEADER, &tlv(0xa1, &sequence(&[OID, &deep].concat()))].concat(),
        )),
        4 => read(&message_with_header(
            &[&[2, 1, 2], tlv(0xa4, &deep).as_slice(), &tlv(0xa4, &deep)].concat(),
        )),
        5 => drop(pki::Csr::from_der(deep)),
        6 => drop(pki::Certificate::from_der(deep)),
        _ => drop(pki::keystore::read(&sequence(&deep), None)),
    }
}

const OID: &[u8] = &[6, 3, 0x2a, 3, 4];
/// pvno, sender, recipient.
const NULL_HEADER: &[u8] = &[2, 1, 2, 0xa4, 2, 0x30, 0, 0xa4, 2, 0x30, 0];

fn sequence(value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, value)
}

fn info(value: &[u8]) -> Vec<u8> {
    sequence(&[OID, value].concat())
}

fn message(body: &[u8]) -> Vec<u8> {
    sequence(&[sequence(NULL_HEADER).as_slice(), body].concat())
}

fn message_with_header(header: &[u8]) -> Vec<u8> {
    sequence(&[sequence(header).as_slice(), &tlv(0xb3, &[5, 0])].concat())
}

fn read(octets: &[u8]) {
    crate::message::decode(octets);
    crate::message::reencode(octets);
}

/// `core` inside that many nested messages, entered one by one.
fn messages(depth: usize, core: &[u8]) {
    let core = if PkiMessage::decode(Bytes::copy_from_slice(core)).is_ok() {
        core.to_vec()
    } else {
        message(&tlv(0xb3, &[5, 0]))
    };
    let mut outside = core.clone();
    let mut times = 0;
    while times < depth && outside.len() + 100 < MOST {
        outside = message(&tlv(NESTED, &sequence(&outside)));
        times += 1;
    }
    let mut inside = Bytes::from(outside);
    for _ in 0..times {
        let message = PkiMessage::decode(inside).expect("depth is no reason to refuse a message");
        let PkiBody::Nested(list) = message.body() else {
            unreachable!("it was made as a nested one")
        };
        assert_eq!(list.len(), 1);
        inside = list[0].der().clone();
    }
    assert_eq!(inside, core);
}
