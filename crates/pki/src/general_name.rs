//! [`GeneralName`]: subject alternative names and everything else that has this type.

mod text;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use der::asn1::{Any, AnyRef};
use der::{
    Choice, Decode, Encode, EncodeValue, ErrorKind, Header, Length, Reader, SliceReader, Tag,
    TagNumber, Tagged, Writer,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Name, ObjectIdentifier, der_serde};

pub use text::ParseGeneralNameError;

/// A name of any kind of RFC 5280 section 4.2.1.6. Text kinds hold ASCII (IA5String); encoding one that does not fails.
/// As text: `dns:a.example`, `ip:10.0.0.1`, `email:a@b.example`, `uri:https://…`, `dirname:CN=…` (RFC 4514),
/// `rid:1.2.3`, `other:OID;HEX`, `x400:HEX`, `edi:HEX`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum GeneralName {
    /// `otherName`, 0. A user principal name, for instance.
    Other {
        /// What kind of name it is.
        type_id: ObjectIdentifier,
        /// The value: one complete DER element.
        value: Bytes,
    },
    /// `rfc822Name`, 1: a mail address.
    Email(String),
    /// `dNSName`, 2.
    Dns(String),
    /// `x400Address`, 3: the content of the element, not looked into.
    X400(Bytes),
    /// `directoryName`, 4.
    Directory(Name),
    /// `ediPartyName`, 5: the content of the element, not looked into.
    EdiParty(Bytes),
    /// `uniformResourceIdentifier`, 6.
    Uri(String),
    /// `iPAddress`, 7: 4 or 16 bytes; the address-and-mask form of name constraints is not one.
    Ip(IpAddr),
    /// `registeredID`, 8.
    RegisteredId(ObjectIdentifier),
}

/// More names than this in one list are refused: nobody has a certificate like that, and each costs work downstream.
pub const MOST_NAMES: usize = 1000;

/// Read a DER `GeneralNames` (RFC 5280 section 4.2.1.6). An empty list is read too, though it should not be sent.
///
/// # Errors
/// When it is not DER, a name is not of its kind, or there are more than [`MOST_NAMES`].
pub fn list_from_der(der: &[u8]) -> der::Result<Vec<GeneralName>> {
    let mut reader = SliceReader::new(der)?;
    let names = reader.sequence(|fields| {
        let mut names = Vec::new();
        while !fields.is_finished() {
            if names.len() == MOST_NAMES {
                return Err(fields.error(ErrorKind::Overlength));
            }
            names.push(fields.decode()?);
        }
        Ok(names)
    })?;
    reader.finish()?;
    Ok(names)
}

/// A list of names as DER `GeneralNames`.
///
/// # Errors
/// When a text is not ASCII or an `otherName` value is not one DER element.
pub fn list_to_der(names: &[GeneralName]) -> der::Result<Vec<u8>> {
    names.to_vec().to_der()
}

impl GeneralName {
    fn number(&self) -> u32 {
        match self {
            Self::Other { .. } => 0,
            Self::Email(_) => 1,
            Self::Dns(_) => 2,
            Self::X400(_) => 3,
            Self::Directory(_) => 4,
            Self::EdiParty(_) => 5,
            Self::Uri(_) => 6,
            Self::Ip(_) => 7,
            Self::RegisteredId(_) => 8,
        }
    }

    /// The content of the element: what stands behind tag and length.
    fn content(&self) -> der::Result<Vec<u8>> {
        match self {
            Self::Other { type_id, value } => {
                let value = AnyRef::from_der(value)?.to_der()?;
                let mut content = type_id.to_der()?;
                let explicit = Tag::ContextSpecific {
                    constructed: true,
                    number: TagNumber(0),
                };
                Header::new(explicit, Length::try_from(value.len())?)
                    .encode_to_vec(&mut content)?;
                content.extend_from_slice(&value);
                Ok(content)
            }
            Self::Email(text) | Self::Dns(text) | Self::Uri(text) => {
                if !text.is_ascii() {
                    return Err(Tag::Ia5String.value_error().into());
                }
                Ok(text.clone().into_bytes())
            }
            Self::X400(content) | Self::EdiParty(content) => Ok(content.to_vec()),
            Self::Directory(name) => name.to_der(),
            Self::Ip(IpAddr::V4(address)) => Ok(address.octets().to_vec()),
            Self::Ip(IpAddr::V6(address)) => Ok(address.octets().to_vec()),
            Self::RegisteredId(oid) => Ok(oid.as_bytes().to_vec()),
        }
    }

    fn from_content(number: u32, constructed: bool, content: &[u8]) -> der::Result<Self> {
        let text = || {
            let plain = content
                .is_ascii()
                .then(|| String::from_utf8(content.to_vec()).ok());
            plain.flatten().ok_or(Tag::Ia5String.value_error())
        };
        let bytes = || Bytes::copy_from_slice(content);
        Ok(match (number, constructed) {
            (0, true) => {
                let mut reader = SliceReader::new(content)?;
                let type_id = reader.decode()?;
                let explicit: AnyRef<'_> = reader.decode()?;
                reader.finish()?;
                if explicit.header().tag().number() != TagNumber(0) {
                    return Err(ErrorKind::Noncanonical {
                        tag: explicit.tag(),
                    }
                    .into());
                }
                let value = Bytes::from(Any::from_der(explicit.value())?.to_der()?);
                Self::Other { type_id, value }
            }
            (1, false) => Self::Email(text()?),
            (2, false) => Self::Dns(text()?),
            (3, true) => Self::X400(bytes()),
            (4, true) => Self::Directory(Name::from_der(content)?),
            (5, true) => Self::EdiParty(bytes()),
            (6, false) => Self::Uri(text()?),
            (7, false) => Self::Ip(address(content)?),
            (8, false) => Self::RegisteredId(ObjectIdentifier::from_bytes(content)?),
            _ => return Err(ErrorKind::TagNumberInvalid.into()),
        })
    }
}

fn address(content: &[u8]) -> der::Result<IpAddr> {
    let v4 = <[u8; 4]>::try_from(content).map(|octets| Ipv4Addr::from(octets).into());
    let v6 = <[u8; 16]>::try_from(content).map(|octets| Ipv6Addr::from(octets).into());
    v4.or(v6)
        .map_err(|_| Tag::OctetString.length_error().into())
}

impl<'a> Decode<'a> for GeneralName {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        let element = AnyRef::decode(reader)?;
        match element.tag() {
            Tag::ContextSpecific {
                constructed,
                number,
            } => Self::from_content(number.0, constructed, element.value()),
            tag => Err(tag.unexpected_error(None).into()),
        }
    }
}

impl Tagged for GeneralName {
    fn tag(&self) -> Tag {
        Tag::ContextSpecific {
            constructed: matches!(self.number(), 0 | 3 | 4 | 5),
            number: TagNumber(self.number()),
        }
    }
}

impl EncodeValue for GeneralName {
    fn value_len(&self) -> der::Result<Length> {
        Length::try_from(self.content()?.len())
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(&self.content()?)
    }
}

impl Choice<'_> for GeneralName {
    fn can_decode(tag: Tag) -> bool {
        matches!(tag, Tag::ContextSpecific { number, .. } if number.0 <= 8)
    }
}

impl Serialize for GeneralName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        der_serde::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for GeneralName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        der_serde::deserialize(deserializer)
    }
}

#[cfg(test)]
pub(crate) mod tests;
