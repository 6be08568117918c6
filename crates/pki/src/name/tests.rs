use der::{Decode, Encode};
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    onap::parse(text).unwrap()
}

/// A Name of one common name in the given string type.
fn common(tag: u8, text: &[u8]) -> Name {
    let value = [&[tag, u8::try_from(text.len()).unwrap()], text].concat();
    let mut der = vec![0x06, 3, 0x55, 4, 3];
    der.extend(value);
    for tag in [0x30, 0x31, 0x30] {
        der = [&[tag, u8::try_from(der.len()).unwrap()][..], &der].concat();
    }
    Name::from_der(&der).unwrap()
}

#[test]
fn onap_text_is_encoded_left_to_right() {
    let parsed = name("O=EJBCA Container Quickstart,CN=ManagementCA,UID=12345");
    let order: Vec<_> = parsed
        .iter()
        .map(|attribute| attribute.oid.to_string())
        .collect();
    assert_eq!(order, ["2.5.4.10", "2.5.4.3", "0.9.2342.19200300.100.1.1"]);
}

#[test]
fn string_types_are_those_of_onap() {
    for (text, tag) in [
        ("C=DE", 0x13),
        ("SERIALNUMBER=17", 0x13),
        ("DC=example", 0x16),
        ("E=a@b.example", 0x16),
        ("CN=x", 0x0c),
        ("O=x", 0x0c),
    ] {
        let der = name(text).to_der().unwrap();
        let value = text.split_once('=').unwrap().1.len();
        assert_eq!(der[der.len() - value - 2], tag, "{text}");
    }
}

#[test]
fn white_space_around_keywords_and_values_is_dropped() {
    assert_eq!(name(" CN = a b , O = c "), name("CN=a b,O=c"));
}

#[test]
fn escapes_quotes_and_hexadecimal_are_understood() {
    assert_eq!(
        common_name(&name(r"CN=a\,b\+c\=d\\")),
        Some(r"a,b+c=d\".into())
    );
    assert_eq!(
        common_name(&name(r#"CN="a,b + c""#)),
        Some("a,b + c".into())
    );
    assert_eq!(common_name(&name(r"CN=\ a\20")), Some(" a ".into()));
    assert_eq!(common_name(&name(r"CN=M\C3\BCller")), Some("Müller".into()));
    assert_eq!(common_name(&name("CN=#0c0161")), Some("a".into()));
    assert_eq!(name("2.5.4.3=a"), name("cn=a"));
    assert_eq!(name("OID.2.5.4.3=a"), name("CN=a"));
}

#[test]
fn attributes_joined_by_plus_are_one_rdn() {
    let parsed = name("CN=a+O=b,C=DE");
    assert_eq!(parsed.len(), 2);
    assert_eq!(parsed.iter().count(), 3);
}

#[test]
fn texts_that_are_no_names_are_refused_with_the_part_that_is_wrong() {
    use onap::ParseNameError as E;
    assert_eq!(onap::parse("  "), Err(E::Empty));
    assert_eq!(onap::parse("CN=a,junk"), Err(E::NoValue("junk".into())));
    assert_eq!(onap::parse("CN=a,"), Err(E::NoValue(String::new())));
    assert_eq!(onap::parse("FOO=a"), Err(E::Keyword("FOO".into())));
    assert_eq!(onap::parse("CN=\"a"), Err(E::Unended));
    assert_eq!(onap::parse("CN=a\\"), Err(E::Unended));
    assert!(matches!(onap::parse("C=Ö"), Err(E::Value { .. })));
    assert!(matches!(onap::parse("CN=#zz"), Err(E::Value { .. })));
    assert_eq!(onap::parse(&"CN=a,".repeat(200)), Err(E::TooMany));
}

#[test]
fn names_are_the_same_whatever_case_space_and_string_type() {
    assert!(same_name(
        &name("O=Example  Org,CN=Node"),
        &name("O=example org ,CN=NODE")
    ));
    assert!(same_name(&common(0x0c, b"Node"), &common(0x13, b"node")));
    assert!(same_name(
        &common(0x1e, b"\0N\0o\0d\0e"),
        &common(0x0c, b"node")
    ));
    assert!(same_name(
        &common(0x14, b"M\xfcller"),
        &common(0x0c, "MÜLLER".as_bytes())
    ));
    assert!(!same_name(&name("CN=a b"), &name("CN=ab")));
    assert!(!same_name(&name("CN=a"), &name("O=a")));
    assert!(!same_name(&name("CN=a"), &name("CN=a,O=b")));
}

#[test]
fn order_counts_unless_told_otherwise() {
    let (there, back) = (name("C=DE,O=x,CN=a"), name("CN=a,O=x,C=DE"));
    assert!(!same_name(&there, &back));
    assert!(same_name_unordered(&there, &back));
    assert!(!same_name_unordered(&there, &name("CN=a,O=x,O=x")));
    assert!(!same_name_unordered(&name("O=x,O=y"), &name("O=x,O=x")));
}

#[test]
fn display_is_left_to_right_and_shows_text_of_every_string_type() {
    assert_eq!(
        onap::display(&name("C=DE, O=Example, CN=a")),
        "C=DE,O=Example,CN=a"
    );
    assert_eq!(onap::display(&common(0x13, b"node")), "CN=node");
    assert_eq!(onap::display(&common(0x05, b"")), "CN=#0500");
    assert_eq!(onap::display(&Name::default()), "");
}

proptest! {
    #[test]
    fn what_is_displayed_is_read_as_the_same_name(values in prop::collection::vec("\\PC{1,20}", 1..5)) {
        let text: Vec<_> = values
            .iter()
            .map(|value| format!("O=#0c{:02x}{}", value.len(), hex::encode(value)))
            .collect();
        let first = name(&text.join(","));
        let second = name(&onap::display(&first));
        prop_assert_eq!(&first, &second);
        prop_assert!(same_name(&first, &second));
        prop_assert_eq!(Name::from_der(&first.to_der().unwrap()).unwrap(), first);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = onap::parse(&text);
    }

    #[test]
    fn no_text_of_name_syntax_makes_the_parser_panic(text in "[CNO=,+\"\\\\# a0éf]{0,40}") {
        let _ = onap::parse(&text);
    }
}

#[test]
fn names_fold_to_the_same_octets_exactly_where_they_are_the_same() {
    let names = [
        common(0x0c, b"Node A"),
        common(0x13, b"node  a"),
        common(0x0c, b"nodea"),
        common(0x04, b"node a"),
        name("CN=node a"),
        name("O=node a"),
        name("CN=node a,O=b"),
        name("O=b,CN=node a"),
        name("CN=node,CN=a"),
    ];
    for a in &names {
        for b in &names {
            assert_eq!(folded(a) == folded(b), same_name(a, b), "{a} and {b}");
        }
    }
}
