//! Distinguished names: comparing them, and ONAP's way of writing them ([`onap`]).
//!
//! [`Name`] keeps RDNs as encoded. Its own `Display` and `FromStr` are RFC 4514: last RDN first.

mod compare;
pub mod onap;

pub use compare::{folded, same_name, same_name_unordered};

use bytes::Bytes;
use der::{Decode, Encode};

use crate::{Name, ObjectIdentifier};

/// The name as it stands in certificates and in [`crate::CertificateId::issuer`].
///
/// # Errors
/// When it is longer than DER can say.
pub fn to_der(name: &Name) -> der::Result<Bytes> {
    name.to_der().map(Bytes::from)
}

/// The reverse of [`to_der`].
///
/// # Errors
/// When it is no name.
pub fn from_der(octets: &[u8]) -> der::Result<Name> {
    Name::from_der(octets)
}

/// The text of the first attribute of this type, whatever its string type.
pub fn attribute(name: &Name, oid: &ObjectIdentifier) -> Option<String> {
    name.iter()
        .find(|attribute| attribute.oid == *oid)
        .and_then(|attribute| compare::text_of(&attribute.value))
}

/// The common name: the first, if there are several.
pub fn common_name(name: &Name) -> Option<String> {
    attribute(name, &const_oid::db::rfc4519::COMMON_NAME)
}

#[cfg(test)]
mod tests;
