//! Whatever the octets, reading them does not panic, and what was read can be written.

use std::sync::LazyLock;

use bytes::Bytes;
use pkixcmp::{PkiBody, PkiMessage};
use proptest::prelude::*;

use crate::{captured, rebuilt};

static CORPUS: LazyLock<Vec<Bytes>> =
    LazyLock::new(|| captured().into_iter().map(|(_, der)| der).collect());

/// What must hold for any octets: no panic; if they are a message, the parsed view encodes, and reads as itself again.
fn holds(der: Vec<u8>) -> Result<(), TestCaseError> {
    let der = Bytes::from(der);
    let Ok(message) = PkiMessage::decode(der.clone()) else {
        return Ok(());
    };
    prop_assert_eq!(message.der(), &der);
    let again = PkiMessage::decode(rebuilt(&message)).expect("what was encoded is a message");
    prop_assert_eq!(again.header(), message.header());
    prop_assert_eq!(again.body(), message.body());
    prop_assert_eq!(again.extra_certs(), message.extra_certs());
    prop_assert_eq!(again.protection(), message.protection());
    prop_assert_eq!(rebuilt(&again), again.der());
    if again.der() != message.der() {
        prop_assert!(
            is_put_in_order(&message),
            "other octets were written than read"
        );
    }
    look_into(&message);
    Ok(())
}

/// Whether the message has one of the two things that are not written as they came: a DEFAULT FALSE written out, and a set of named
/// bits, in which zeros may follow the last bit.
fn is_put_in_order(message: &PkiMessage) -> bool {
    let default_written = message
        .raw_body()
        .windows(3)
        .any(|octets| octets == [1, 1, 0]);
    default_written || format!("{:?}", message.body()).contains("PkiFailureInfo")
}

/// Every accessor that interprets what was carried.
fn look_into(message: &PkiMessage) {
    let _ = format!("{message:?} {:?} {:?}", message.header(), message.body());
    let infos = match message.body() {
        PkiBody::Genm(infos) | PkiBody::Genp(infos) => Some(infos),
        _ => None,
    };
    for info in infos
        .into_iter()
        .chain(&message.header().general_info)
        .flatten()
    {
        let _ = info.value();
    }
    for certificate in message.extra_certs() {
        let _ = certificate.certificate();
    }
    if let PkiBody::P10cr(request) = message.body() {
        let _ = request.csr().map(|csr| csr.template());
    }
    for request in message.body().requests().into_iter().flatten() {
        let controls = request.cert_req.controls.iter().flatten();
        let _ = request.cert_req.cert_template.to_template();
        for attribute in controls.chain(request.reg_info.iter().flatten()) {
            let _ = attribute.control();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_octets_do_no_harm(der in prop::collection::vec(any::<u8>(), 0..600)) {
        holds(der)?;
    }

    #[test]
    fn arbitrary_octets_in_a_body_do_no_harm(tag in 0u8..31, content in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut der = vec![0xa0 | tag, u8::try_from(content.len()).unwrap()];
        der.extend(content);
        let _ = PkiBody::decode(der);
    }

    #[test]
    fn captured_messages_with_octets_changed_do_no_harm(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut der = which.get(&CORPUS).to_vec();
        for (place, octet) in changes {
            let place = place.index(der.len());
            der[place] = octet;
        }
        holds(der)?;
    }

    #[test]
    fn captured_messages_with_one_bit_changed_do_no_harm(which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut der = which.get(&CORPUS).to_vec();
        let place = place.index(der.len());
        der[place] ^= 1u8 << bit;
        holds(der)?;
    }

    #[test]
    fn captured_messages_cut_short_are_refused(which in any::<prop::sample::Index>(), length in any::<prop::sample::Index>()) {
        let der = which.get(&CORPUS);
        prop_assert!(PkiMessage::decode(der.slice(..length.index(der.len()))).is_err());
    }

    #[test]
    fn captured_messages_with_octets_after_them_are_refused(which in any::<prop::sample::Index>(), rest in prop::collection::vec(any::<u8>(), 1..8)) {
        let der = [which.get(&CORPUS).as_ref(), &rest].concat();
        prop_assert!(PkiMessage::decode(der).is_err());
    }
}
