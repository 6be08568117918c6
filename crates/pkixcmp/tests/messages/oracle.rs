//! An outside judge: the `cmpv2` crate, version 0.2, reads the same octets. Where it reads and writes them unchanged it must agree with
//! us; where it does not, the reason is known and listed (docs/adr/0001-own-cmp-types.md).

use der07::{Decode, Encode};
use pkixcmp::{PkiMessage, Pvno};

use crate::{captured, one, rebuilt};

/// How the oracle fares with some octets.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Verdict {
    /// Reads them and writes them unchanged.
    Same,
    /// Reads them as something else.
    Differs,
    /// Does not read them.
    Refuses,
}

const POLL_REQ: &str = "pollReq is typed as pollRep";
const POLL_REP: &str = "pollRep is a bare SEQUENCE instead of a list of them";
const FLAGS: &str = "the numbers of the bits of PKIFailureInfo are used as masks";
const FLAGS_WIDTH: &str = "PKIFailureInfo has sixteen bits";
const VALIDITY: &str = "OptionalValidity is read as the Validity of a certificate";
const POPO_PRIV_KEY: &str = "the choices of POPOPrivKey are tagged explicitly";

/// The captured messages it does not get right, each with the reason, in the order of the names.
const KNOWN: [(&str, Verdict, &str); 17] = [
    ("certconf-rejects-2-request", Verdict::Differs, FLAGS),
    ("cr-null-subject-1-response", Verdict::Differs, FLAGS),
    ("ir-names-1-request", Verdict::Refuses, VALIDITY),
    ("ir-polling-2-request", Verdict::Refuses, POLL_REQ),
    ("ir-polling-2-response", Verdict::Refuses, POLL_REP),
    ("ir-polling-3-request", Verdict::Refuses, POLL_REQ),
    ("p10cr-polling-2-request", Verdict::Refuses, POLL_REQ),
    ("p10cr-polling-2-response", Verdict::Refuses, POLL_REP),
    ("p10cr-polling-3-request", Verdict::Refuses, POLL_REQ),
    ("popo-keyenc-1-request", Verdict::Refuses, POPO_PRIV_KEY),
    ("popo-keyenc-1-response", Verdict::Differs, FLAGS),
    ("popo-none-1-response", Verdict::Differs, FLAGS),
    (
        "popo-raverified-refused-1-response",
        Verdict::Differs,
        FLAGS,
    ),
    (
        "rejected-all-bits-1-response",
        Verdict::Refuses,
        FLAGS_WIDTH,
    ),
    ("rejected-badpop-1-response", Verdict::Differs, FLAGS),
    ("rejected-bit-16-1-response", Verdict::Refuses, FLAGS_WIDTH),
    ("rejected-bit-26-1-response", Verdict::Refuses, FLAGS_WIDTH),
];

fn verdict(der: &[u8]) -> Verdict {
    match cmpv2::message::PkiMessage::from_der(der) {
        Ok(message) if message.to_der().is_ok_and(|again| again == der) => Verdict::Same,
        Ok(_) => Verdict::Differs,
        Err(_) => Verdict::Refuses,
    }
}

fn agrees(name: &str, der: &[u8]) {
    let theirs = cmpv2::message::PkiMessage::from_der(der).unwrap();
    let ours = PkiMessage::decode(der.to_vec()).unwrap();
    let (header, their_header) = (ours.header(), &theirs.header);
    assert_eq!(header.pvno.0, their_header.pvno as u32, "{name}: pvno");
    let octets = |ours: &Option<der::asn1::OctetString>| {
        ours.as_ref().map(|octets| octets.as_bytes().to_vec())
    };
    let their_octets = |theirs: &Option<der07::asn1::OctetString>| {
        theirs.as_ref().map(|octets| octets.as_bytes().to_vec())
    };
    assert_eq!(
        octets(&header.transaction_id),
        their_octets(&their_header.trans_id),
        "{name}: transactionID"
    );
    assert_eq!(
        octets(&header.sender_nonce),
        their_octets(&their_header.sender_nonce),
        "{name}: senderNonce"
    );
    assert_eq!(
        octets(&header.recip_nonce),
        their_octets(&their_header.recip_nonce),
        "{name}: recipNonce"
    );
    assert_eq!(
        octets(&header.sender_kid),
        their_octets(&their_header.sender_kid),
        "{name}: senderKID"
    );
    assert_eq!(
        octets(&header.recip_kid),
        their_octets(&their_header.recip_kid),
        "{name}: recipKID"
    );
    assert_eq!(
        der::Encode::to_der(&header.sender).unwrap(),
        their_header.sender.to_der().unwrap(),
        "{name}: sender"
    );
    assert_eq!(
        der::Encode::to_der(&header.recipient).unwrap(),
        their_header.recipient.to_der().unwrap(),
        "{name}: recipient"
    );
    assert_eq!(
        header
            .message_time
            .as_ref()
            .map(|time| time.timestamp().as_second()),
        their_header
            .message_time
            .map(|time| i64::try_from(time.to_unix_duration().as_secs()).unwrap()),
        "{name}: messageTime"
    );
    assert_eq!(
        header
            .protection_alg
            .as_ref()
            .map(|algorithm| der::Encode::to_der(algorithm).unwrap()),
        their_header
            .protection_alg
            .as_ref()
            .map(|algorithm| algorithm.to_der().unwrap()),
        "{name}: protectionAlg"
    );
    assert_eq!(
        header
            .general_info
            .as_ref()
            .map(|infos| der::Encode::to_der(infos).unwrap()),
        their_header
            .general_info
            .as_ref()
            .map(|infos| infos.to_der().unwrap()),
        "{name}: generalInfo"
    );
    assert_eq!(
        ours.raw_body(),
        &theirs.body.to_der().unwrap(),
        "{name}: body"
    );
    let their_tag = der07::Tagged::tag(&theirs.body).number().value();
    assert_eq!(
        ours.body().tag(),
        u32::from(their_tag),
        "{name}: type of body"
    );
    assert_eq!(
        ours.protection().map(AsRef::as_ref),
        theirs
            .protection
            .as_ref()
            .map(|bits| bits.as_bytes().unwrap()),
        "{name}: protection"
    );
    assert_eq!(
        ours.extra_certs()
            .iter()
            .map(|certificate| certificate.der().to_vec())
            .collect::<Vec<_>>(),
        theirs
            .extra_certs
            .iter()
            .flatten()
            .map(|certificate| certificate.to_der().unwrap())
            .collect::<Vec<_>>(),
        "{name}: extraCerts"
    );
}

#[test]
fn what_the_oracle_reads_and_writes_unchanged_it_reads_as_we_do() {
    for (name, der) in captured() {
        if verdict(&der) == Verdict::Same {
            agrees(&name, &der);
        }
    }
}

#[test]
fn the_oracle_fails_exactly_where_its_known_errors_are() {
    let found: Vec<_> = captured()
        .into_iter()
        .map(|(name, der)| (name, verdict(&der)))
        .filter(|(_, verdict)| *verdict != Verdict::Same)
        .collect();
    let known: Vec<_> = KNOWN
        .iter()
        .map(|(name, verdict, _)| ((*name).to_owned(), *verdict))
        .collect();
    assert_eq!(found, known);
}

#[test]
fn the_oracle_refuses_version_three_and_we_keep_it() {
    let mut der = one("ir-pbm-1-request").der().to_vec();
    let place = der
        .windows(3)
        .position(|octets| octets == [2, 1, 2])
        .unwrap();
    der[place + 2] = 3;
    assert_eq!(verdict(&der), Verdict::Refuses);
    let message = PkiMessage::decode(der.clone()).unwrap();
    assert_eq!(message.header().pvno, Pvno::CMP2021);
    assert_eq!(rebuilt(&message), der);
}

#[test]
fn the_oracle_reads_other_reasons_than_the_server_gave() {
    let message = one("rejected-bit-0-1-response");
    let theirs = cmpv2::message::PkiMessage::from_der(message.der()).unwrap();
    let cmpv2::body::PkiBody::Cp(answer) = theirs.body else {
        panic!("no cp")
    };
    let theirs = answer.response[0].status.fail_info.unwrap();
    assert!(
        theirs.contains(cmpv2::status::PkiFailureInfoValues::BadMessageCheck),
        "badAlg is no longer read as badMessageCheck"
    );
    let pkixcmp::PkiBody::Cp(answer) = message.body() else {
        panic!("{message:?}")
    };
    assert_eq!(
        answer.response[0].status.failure,
        Some(pkixcmp::PkiFailureInfo::BAD_ALG)
    );
}
