use proptest::prelude::*;

use super::*;
use crate::name;

fn oid() -> impl Strategy<Value = ObjectIdentifier> {
    prop::collection::vec(0u32..100_000, 1..6).prop_map(|arcs| {
        let arcs: String = arcs.iter().map(|arc| format!(".{arc}")).collect();
        ObjectIdentifier::new(&format!("1.3{arcs}").replace("1.3.", "1.3.6.")).unwrap()
    })
}

pub(crate) fn names() -> impl Strategy<Value = GeneralName> {
    let text = || "[!-~]{1,40}";
    let bytes = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    prop_oneof![
        (oid(), bytes()).prop_map(|(type_id, value)| {
            let value = der::asn1::OctetString::new(value.to_vec()).unwrap();
            GeneralName::Other {
                type_id,
                value: value.to_der().unwrap().into(),
            }
        }),
        text().prop_map(GeneralName::Email),
        text().prop_map(GeneralName::Dns),
        bytes().prop_map(GeneralName::X400),
        "[a-z]{1,20}".prop_map(|cn| {
            GeneralName::Directory(name::onap::parse(&format!("O=x,CN={cn}")).unwrap())
        }),
        bytes().prop_map(GeneralName::EdiParty),
        text().prop_map(GeneralName::Uri),
        any::<std::net::IpAddr>().prop_map(GeneralName::Ip),
        oid().prop_map(GeneralName::RegisteredId),
    ]
}

proptest! {
    #[test]
    fn every_name_survives_der_text_and_storage(name in names()) {
        prop_assert_eq!(GeneralName::from_der(&name.to_der().unwrap()).unwrap(), name.clone());
        prop_assert_eq!(name.to_string().parse::<GeneralName>().unwrap(), name.clone());
        let stored = postcard::to_allocvec(&name).unwrap();
        prop_assert_eq!(postcard::from_bytes::<GeneralName>(&stored).unwrap(), name);
    }

    #[test]
    fn lists_survive_der(list in prop::collection::vec(names(), 0..8)) {
        prop_assert_eq!(list_from_der(&list_to_der(&list).unwrap()).unwrap(), list);
    }

    #[test]
    fn junk_is_refused_or_read_and_never_panics(junk in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(name) = GeneralName::from_der(&junk) {
            prop_assert_eq!(GeneralName::from_der(&name.to_der().unwrap()).unwrap(), name);
        }
    }
}

#[test]
fn the_standard_kinds_encode_as_other_makers_do() {
    for (text, der) in [
        ("dns:a", "820161"),
        ("ip:127.0.0.1", "87047f000001"),
        ("rid:1.2.3.4", "88032a0304"),
        ("email:a@b", "8103614062"),
        ("uri:urn:x", "860575726e3a78"),
        ("other:1.2.3;0c0161", "a00906022a03a0030c0161"),
        ("dirname:CN=a", "a40e300c310a30080603550403 0c0161"),
        ("x400:", "a300"),
        ("edi:", "a500"),
    ] {
        let name: GeneralName = text.parse().unwrap();
        assert_eq!(
            hex::encode(name.to_der().unwrap()),
            der.replace(' ', ""),
            "{text}"
        );
        assert_eq!(name.to_string(), text);
    }
}

#[test]
fn texts_that_are_no_names_say_what_would_be() {
    for (text, expected) in [
        ("a.example", "dns:"),
        ("dns:", "ASCII"),
        ("dns:bücher.example", "ASCII"),
        ("ip:10.0.0", "IPv4 or IPv6"),
        ("rid:x", "object identifier"),
        ("other:1.2.3;zz", "hexadecimal"),
        ("other:1.2.3;ffff", "DER"),
        ("host:a", "one of dns"),
    ] {
        let error = text.parse::<GeneralName>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn an_address_that_is_neither_of_4_nor_of_16_bytes_is_refused() {
    for len in [0u8, 3, 5, 8, 15, 17, 32] {
        let der = [&[0x87, len][..], &vec![1; len.into()]].concat();
        assert!(GeneralName::from_der(&der).is_err(), "{len}");
    }
}

#[test]
fn text_that_is_not_ascii_is_refused_when_read_and_when_written() {
    assert!(GeneralName::from_der(&[0x82, 2, 0xc3, 0xbc]).is_err());
    assert!(GeneralName::Dns("ü".into()).to_der().is_err());
}

#[test]
fn an_other_name_whose_value_is_not_der_is_not_written() {
    let name = GeneralName::Other {
        type_id: ObjectIdentifier::new_unwrap("1.2.3"),
        value: Bytes::from_static(&[0xff, 0xff]),
    };
    assert!(name.to_der().is_err());
}

#[test]
fn more_than_a_thousand_names_are_refused() {
    let most = vec![GeneralName::Dns("a".into()); MOST_NAMES];
    assert!(list_from_der(&list_to_der(&most).unwrap()).is_ok());
    let more = vec![GeneralName::Dns("a".into()); MOST_NAMES + 1];
    assert!(list_from_der(&list_to_der(&more).unwrap()).is_err());
}
