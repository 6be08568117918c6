use core::fmt;
use core::str::FromStr;

use bytes::Bytes;
use der::{Decode, Encode};
use thiserror::Error;

use super::GeneralName;
use crate::{Name, ObjectIdentifier};

impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { type_id, value } => write!(f, "other:{type_id};{}", hex::encode(value)),
            Self::Email(text) => write!(f, "email:{text}"),
            Self::Dns(text) => write!(f, "dns:{text}"),
            Self::X400(content) => write!(f, "x400:{}", hex::encode(content)),
            Self::Directory(name) => write!(f, "dirname:{name}"),
            Self::EdiParty(content) => write!(f, "edi:{}", hex::encode(content)),
            Self::Uri(text) => write!(f, "uri:{text}"),
            Self::Ip(address) => write!(f, "ip:{address}"),
            Self::RegisteredId(oid) => write!(f, "rid:{oid}"),
        }
    }
}

/// The text is no general name.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("\"{text}\" is no name: {expected}")]
pub struct ParseGeneralNameError {
    /// The beginning of the text.
    text: String,
    /// What would be valid.
    expected: &'static str,
}

impl FromStr for GeneralName {
    type Err = ParseGeneralNameError;

    fn from_str(text: &str) -> Result<Self, ParseGeneralNameError> {
        let refused = |expected| ParseGeneralNameError {
            text: text.chars().take(80).collect(),
            expected,
        };
        let (kind, value) = text.split_once(':').ok_or_else(|| {
            refused("expected dns:, ip:, email:, uri:, dirname:, rid: or other: before the name")
        })?;
        let ascii = || {
            let plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
            plain
                .then(|| value.to_owned())
                .ok_or_else(|| refused("expected printable ASCII without spaces"))
        };
        let bytes = |value: &str| {
            hex::decode(value)
                .map(Bytes::from)
                .map_err(|_| refused("expected hexadecimal digits"))
        };
        let oid = |value: &str| {
            ObjectIdentifier::new(value)
                .map_err(|_| refused("expected an object identifier such as 1.3.6.1.4.1.1"))
        };
        let name = match kind.to_ascii_lowercase().as_str() {
            "dns" => Self::Dns(ascii()?),
            "email" => Self::Email(ascii()?),
            "uri" => Self::Uri(ascii()?),
            "ip" => Self::Ip(
                value
                    .parse()
                    .map_err(|_| refused("expected an IPv4 or IPv6 address"))?,
            ),
            "dirname" => Self::Directory(
                Name::from_str(value)
                    .map_err(|_| refused("expected a distinguished name such as CN=a,O=b"))?,
            ),
            "rid" => Self::RegisteredId(oid(value)?),
            "x400" => Self::X400(bytes(value)?),
            "edi" => Self::EdiParty(bytes(value)?),
            "other" => {
                let (type_id, value) = value
                    .split_once(';')
                    .ok_or_else(|| refused("expected other:OID;HEX"))?;
                let value = bytes(value)?;
                der::Any::from_der(&value)
                    .map_err(|_| refused("the value after the semicolon is not DER"))?;
                Self::Other {
                    type_id: oid(type_id)?,
                    value,
                }
            }
            _ => {
                return Err(refused(
                    "expected one of dns, ip, email, uri, dirname, rid, other, x400, edi before the colon",
                ));
            }
        };
        name.to_der()
            .map(|_| name)
            .map_err(|_| refused("it cannot be encoded"))
    }
}
