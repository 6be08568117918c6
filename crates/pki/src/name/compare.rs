use der::asn1::Any;
use der::{Encode as _, Tag, Tagged};
use x509_cert::name::RelativeDistinguishedName;

use crate::{Name, ObjectIdentifier};

/// Whether two names are the same by RFC 5280 section 7.1: RDNs in the same order, values compared without regard to
/// case, to the string type, and to how much white space stands where some stands.
pub fn same_name(a: &Name, b: &Name) -> bool {
    a.len() == b.len() && a.iter_rdn().zip(b.iter_rdn()).all(|(a, b)| same_rdn(a, b))
}

/// The same with RDNs in any order: some CAs return subjects in reverse ("LDAP") order. Only for finding out whether a
/// renewal asks for what the old certificate had, never for chains.
pub fn same_name_unordered(a: &Name, b: &Name) -> bool {
    a == b || a.len() == b.len() && sorted(a) == sorted(b)
}

/// Octets that are the same for two names if, and only if, [`same_name`] says so: to look a name up however it was
/// encoded.
pub fn folded(name: &Name) -> Vec<u8> {
    let mut out = Vec::new();
    let mut part = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    for rdn in name.iter_rdn().map(folded_rdn) {
        part(&(rdn.len() as u64).to_be_bytes());
        for (oid, value) in rdn {
            part(oid.as_bytes());
            match value {
                Folded::Text(text) => part(text.as_bytes()),
                Folded::Other(other) => {
                    // No text has an octet that is not UTF-8, so these two cannot be taken for each other.
                    let der = other.to_der().unwrap_or_default();
                    part(&[&[0xff], &der[..]].concat());
                }
            }
        }
    }
    out
}

/// Names come from peers and may be long: sorting keeps the comparison from being quadratic.
fn sorted(name: &Name) -> Vec<Vec<(ObjectIdentifier, Folded)>> {
    let mut rdns: Vec<_> = name.iter_rdn().map(folded_rdn).collect();
    rdns.sort_unstable();
    rdns
}

/// Names of one house differ in their last RDN alone, and folding is what costs.
fn same_rdn(a: &RelativeDistinguishedName, b: &RelativeDistinguishedName) -> bool {
    a == b || a.len() == b.len() && folded_rdn(a) == folded_rdn(b)
}

/// An RDN is a set, so its attributes are brought into one order.
fn folded_rdn(rdn: &RelativeDistinguishedName) -> Vec<(ObjectIdentifier, Folded)> {
    let mut attributes: Vec<_> = rdn
        .iter()
        .map(|attribute| (attribute.oid, Folded::of(&attribute.value)))
        .collect();
    attributes.sort_unstable();
    attributes
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Folded {
    /// Lower case, white space trimmed and each run of it one space.
    Text(String),
    /// What is no text counts byte for byte.
    Other(Any),
}

impl Folded {
    fn of(value: &Any) -> Self {
        let Some(text) = text_of(value) else {
            return Self::Other(value.clone());
        };
        let mut out = String::with_capacity(text.len());
        for word in text.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.extend(word.chars().flat_map(char::to_lowercase));
        }
        Self::Text(out)
    }
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
