use der::asn1::Any;
use der::{Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::RelativeDistinguishedName;

use crate::Name;

/// Whether two names are the same by RFC 5280 section 7.1: RDNs in the same order, values compared without regard to
/// case, to the string type, and to how much white space stands where some stands.
pub fn same_name(a: &Name, b: &Name) -> bool {
    a.len() == b.len() && a.iter_rdn().zip(b.iter_rdn()).all(|(a, b)| same_rdn(a, b))
}

/// The same with RDNs in any order: some CAs return subjects in reverse ("LDAP") order. Only for finding out whether a
/// renewal asks for what the old certificate had, never for chains.
pub fn same_name_unordered(a: &Name, b: &Name) -> bool {
    let mut left: Vec<_> = b.iter_rdn().collect();
    a.len() == b.len()
        && a.iter_rdn().all(|rdn| {
            let found = left.iter().position(|other| same_rdn(rdn, other));
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

fn same_rdn(a: &RelativeDistinguishedName, b: &RelativeDistinguishedName) -> bool {
    let mut left: Vec<_> = b.iter().collect();
    a.iter().count() == left.len()
        && a.iter().all(|attribute| {
            let found = left.iter().position(|other| same(attribute, other));
            found.map(|at| left.swap_remove(at)).is_some()
        })
}

fn same(a: &AttributeTypeAndValue, b: &AttributeTypeAndValue) -> bool {
    a.oid == b.oid
        && match (text_of(&a.value), text_of(&b.value)) {
            (Some(a), Some(b)) => a == b || folded(&a) == folded(&b),
            _ => a.value == b.value,
        }
}

/// Lower case, white space trimmed and each run of it one space.
fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

/// The text of a value of any string type; none when it is no string or not valid in its type.
pub(super) fn text_of(value: &Any) -> Option<String> {
    let bytes = value.value();
    match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok(),
        Tag::PrintableString | Tag::Ia5String | Tag::VisibleString | Tag::NumericString => bytes
            .is_ascii()
            .then(|| String::from_utf8_lossy(bytes).into_owned()),
        // T.61 is a large standard; what is found in certificates is Latin-1.
        Tag::TeletexString => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            let text = char::decode_utf16(units).collect::<Result<_, _>>().ok();
            text.filter(|_| rest.is_empty())
        }
        _ => None,
    }
}
