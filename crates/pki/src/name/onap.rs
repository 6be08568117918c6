//! Distinguished names as ONAP CertService writes them: left to right, the first RDN of the text first in DER. RFC 4514
//! has it the other way round.

use der::asn1::{Any, Ia5StringRef, PrintableStringRef, SetOfVec, Utf8StringRef};
use der::{Decode, Encode, Tag};
use thiserror::Error;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};

use super::compare::text_of;
use crate::{Name, ObjectIdentifier};

/// More attributes than this in one name are refused.
const MOST_ATTRIBUTES: usize = 100;

/// Why a text is no distinguished name.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ParseNameError {
    /// There is nothing in it.
    #[error("the distinguished name is empty; expected for instance C=DE,O=Example,CN=CA")]
    Empty,
    /// A part has no `=`.
    #[error("\"{0}\" in a distinguished name is not KEYWORD=VALUE")]
    NoValue(String),
    /// The keyword is neither known nor an OID.
    #[error(
        "\"{0}\" is no attribute of a distinguished name; use C, O, OU, CN, L, ST, … or an OID"
    )]
    Keyword(String),
    /// The value cannot be encoded in the string type of its attribute.
    #[error("the value of {keyword} in a distinguished name is not valid: {why}")]
    Value {
        /// The keyword as written.
        keyword: String,
        /// What would be valid.
        why: &'static str,
    },
    /// A quotation mark is not closed, or the text ends in a backslash.
    #[error("a quotation or escape in a distinguished name does not end")]
    Unended,
    /// More attributes than anyone has.
    #[error("a distinguished name has more than {MOST_ATTRIBUTES} attributes")]
    TooMany,
}

/// Read `C=DE,O=Example,CN=CA` without turning the order round. `+` joins attributes of one RDN; `\` escapes one
/// character or two hexadecimal digits; values may stand in quotation marks; `#` begins a value in hexadecimal DER.
/// Values become UTF8String, except country, serial number, dnQualifier and telephone number (PrintableString), and
/// domain component and mail address (IA5String).
///
/// # Errors
/// See [`ParseNameError`].
pub fn parse(text: &str) -> Result<Name, ParseNameError> {
    if text.trim().is_empty() {
        return Err(ParseNameError::Empty);
    }
    let mut attributes = 0;
    let mut rdns = RdnSequence::default();
    for rdn in split(text, ',')? {
        let mut set = SetOfVec::new();
        for part in split(rdn, '+')? {
            attributes += 1;
            if attributes > MOST_ATTRIBUTES {
                return Err(ParseNameError::TooMany);
            }
            let attribute = attribute(part)?;
            set.insert(attribute)
                .map_err(|_| ParseNameError::NoValue(shortened(part)))?;
        }
        rdns.push(RelativeDistinguishedName::from(set));
    }
    // There is no other way from RDNs to a Name.
    rdns.to_der()
        .and_then(|der| Name::from_der(&der))
        .map_err(|_| ParseNameError::TooMany)
}

/// Write a name left to right, `C=DE,O=Example,CN=CA`. [`parse`] reads it back as the same name, though string types may
/// differ. Values that are no text are written as `#` and hexadecimal DER.
pub fn display(name: &Name) -> String {
    let mut out = String::new();
    for rdn in name.iter_rdn() {
        for (index, attribute) in rdn.iter().enumerate() {
            if !out.is_empty() {
                out.push(if index == 0 { ',' } else { '+' });
            }
            match KEYWORDS.iter().find(|(_, oid)| *oid == attribute.oid) {
                Some((keyword, _)) => out.push_str(keyword),
                None => out.push_str(&attribute.oid.to_string()),
            }
            out.push('=');
            match text_of(&attribute.value) {
                Some(text) => escape(&text, &mut out),
                None => {
                    out.push('#');
                    out.push_str(&hex::encode(attribute.value.to_der().unwrap_or_default()));
                }
            }
        }
    }
    out
}

/// Split at a separator that is neither escaped nor in quotation marks.
fn split(text: &str, separator: char) -> Result<Vec<&str>, ParseNameError> {
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut escaped, mut quoted) = (false, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == separator && !quoted {
            parts.push(&text[from..at]);
            from = at + c.len_utf8();
        }
    }
    if escaped || quoted {
        return Err(ParseNameError::Unended);
    }
    parts.push(&text[from..]);
    Ok(parts)
}

fn attribute(text: &str) -> Result<AttributeTypeAndValue, ParseNameError> {
    let (keyword, value) = text
        .split_once('=')
        .ok_or_else(|| ParseNameError::NoValue(shortened(text)))?;
    let keyword = keyword.trim();
    let invalid = |why| ParseNameError::Value {
        keyword: shortened(keyword),
        why,
    };
    let oid = oid_of(keyword).ok_or_else(|| ParseNameError::Keyword(shortened(keyword)))?;
    let value = match value.trim_start().strip_prefix('#') {
        Some(digits) => hex::decode(digits.trim_end())
            .ok()
            .and_then(|der| Any::from_der(&der).ok())
            .ok_or_else(|| invalid("expected hexadecimal DER after #"))?,
        None => encoded(&oid, &unescaped(value).map_err(invalid)?).map_err(invalid)?,
    };
    Ok(AttributeTypeAndValue { oid, value })
}

fn oid_of(keyword: &str) -> Option<ObjectIdentifier> {
    let known = KEYWORDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(keyword));
    known.map(|(_, oid)| *oid).or_else(|| {
        let (prefix, digits) = keyword.split_at_checked(4).unwrap_or(("", keyword));
        let oid = if prefix.eq_ignore_ascii_case("OID.") {
            digits
        } else {
            keyword
        };
        ObjectIdentifier::new(oid).ok()
    })
}

fn encoded(oid: &ObjectIdentifier, text: &str) -> Result<Any, &'static str> {
    let value = match string_type(oid) {
        Tag::PrintableString => PrintableStringRef::new(text)
            .map(Into::into)
            .map_err(|_| "expected letters, digits, spaces and '()+,-./:=? only")?,
        Tag::Ia5String => Ia5StringRef::new(text)
            .map(Into::into)
            .map_err(|_| "expected ASCII only")?,
        _ => Utf8StringRef::new(text)
            .map(Into::into)
            .map_err(|_| "it is too long")?,
    };
    Ok(value)
}

fn string_type(oid: &ObjectIdentifier) -> Tag {
    if [COUNTRY, SERIAL_NUMBER, DN_QUALIFIER, TELEPHONE_NUMBER].contains(oid) {
        Tag::PrintableString
    } else if [EMAIL, DOMAIN_COMPONENT].contains(oid) {
        Tag::Ia5String
    } else {
        Tag::Utf8String
    }
}

/// The value without escapes, quotation marks and the white space around it.
fn unescaped(text: &str) -> Result<String, &'static str> {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    // Trailing white space goes, unless it was escaped or quoted.
    let mut kept = 0;
    let mut quoted = false;
    let mut chars = text.trim_start().chars();
    while let Some(c) = chars.next() {
        let mut literal = quoted;
        match c {
            '"' => {
                quoted = !quoted;
                kept = bytes.len();
                continue;
            }
            '\\' => {
                literal = true;
                let mut ahead = chars.clone();
                let pair = (
                    ahead.next().and_then(|c| c.to_digit(16)),
                    ahead.next().and_then(|c| c.to_digit(16)),
                );
                match (pair, chars.next()) {
                    ((Some(high), Some(low)), _) => {
                        chars.next();
                        bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
                    }
                    (_, Some(c)) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                    (_, None) => return Err("it ends in a backslash"),
                }
            }
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
        if literal || !c.is_whitespace() {
            kept = bytes.len();
        }
    }
    bytes.truncate(kept);
    String::from_utf8(bytes).map_err(|_| "its escaped bytes are not UTF-8")
}

fn escape(text: &str, out: &mut String) {
    let last = text.chars().count().saturating_sub(1);
    for (at, c) in text.chars().enumerate() {
        let edge = c == ' ' && (at == 0 || at == last);
        if c.is_control() || (c.is_whitespace() && c != ' ') {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("\\{byte:02x}"));
            }
            continue;
        }
        if edge
            || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=')
            || (c == '#' && at == 0)
        {
            out.push('\\');
        }
        out.push(c);
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
const DN_QUALIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.46");
const TELEPHONE_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.20");
const EMAIL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
const DOMAIN_COMPONENT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25");

/// The first keyword of an attribute is the one it is shown with.
const KEYWORDS: &[(&str, ObjectIdentifier)] = &[
    ("C", COUNTRY),
    ("O", ObjectIdentifier::new_unwrap("2.5.4.10")),
    ("OU", ObjectIdentifier::new_unwrap("2.5.4.11")),
    ("CN", ObjectIdentifier::new_unwrap("2.5.4.3")),
    ("L", ObjectIdentifier::new_unwrap("2.5.4.7")),
    ("ST", ObjectIdentifier::new_unwrap("2.5.4.8")),
    ("STREET", ObjectIdentifier::new_unwrap("2.5.4.9")),
    ("T", ObjectIdentifier::new_unwrap("2.5.4.12")),
    ("SERIALNUMBER", SERIAL_NUMBER),
    ("SN", SERIAL_NUMBER),
    ("E", EMAIL),
    ("EMAILADDRESS", EMAIL),
    ("DC", DOMAIN_COMPONENT),
    (
        "UID",
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"),
    ),
    ("SURNAME", ObjectIdentifier::new_unwrap("2.5.4.4")),
    ("GIVENNAME", ObjectIdentifier::new_unwrap("2.5.4.42")),
    ("INITIALS", ObjectIdentifier::new_unwrap("2.5.4.43")),
    ("GENERATION", ObjectIdentifier::new_unwrap("2.5.4.44")),
    ("UNIQUEIDENTIFIER", ObjectIdentifier::new_unwrap("2.5.4.45")),
    ("DN", DN_QUALIFIER),
    ("PSEUDONYM", ObjectIdentifier::new_unwrap("2.5.4.65")),
    ("DESCRIPTION", ObjectIdentifier::new_unwrap("2.5.4.13")),
    ("BUSINESSCATEGORY", ObjectIdentifier::new_unwrap("2.5.4.15")),
    ("POSTALADDRESS", ObjectIdentifier::new_unwrap("2.5.4.16")),
    ("POSTALCODE", ObjectIdentifier::new_unwrap("2.5.4.17")),
    ("TELEPHONENUMBER", TELEPHONE_NUMBER),
    ("NAME", ObjectIdentifier::new_unwrap("2.5.4.41")),
    ("ROLE", ObjectIdentifier::new_unwrap("2.5.4.72")),
    (
        "ORGANIZATIONIDENTIFIER",
        ObjectIdentifier::new_unwrap("2.5.4.97"),
    ),
    (
        "UNSTRUCTUREDNAME",
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.2"),
    ),
    (
        "UNSTRUCTUREDADDRESS",
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.8"),
    ),
];
