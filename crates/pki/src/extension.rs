//! The certificate extensions this crate knows, read from and written to [`Extension`]s (RFC 5280 section 4.2). Outside the
//! crate they are fields of [`crate::Certificate`] and [`crate::Template`].

use const_oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_CRL_DISTRIBUTION_POINTS,
    ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME, ID_CE_SUBJECT_KEY_IDENTIFIER,
};
use der::asn1::{AnyRef, OctetString, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, TagNumber};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use x509_cert::ext::Extension;

use crate::general_name::{self, GeneralName};
use crate::{KeyUsages, ObjectIdentifier};

/// Basic constraints of a CA (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaConstraint {
    /// How many CA certificates may follow in a chain; none means no limit.
    pub path_len: Option<u8>,
}

/// More extensions than this in one certificate or request are refused.
pub(crate) const MOST_EXTENSIONS: usize = 100;

/// Why a list of extensions is refused.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum ExtensionError {
    /// The value of a known extension is not what it should be.
    #[error("extension {id} is malformed: {source}")]
    Malformed {
        /// Its OID.
        id: ObjectIdentifier,
        /// What is wrong with it.
        source: der::Error,
    },
    /// An extension occurs twice (RFC 5280 section 4.2).
    #[error("extension {0} occurs twice")]
    Twice(ObjectIdentifier),
    /// More than anyone needs.
    #[error("there are {0} extensions; {MOST_EXTENSIONS} are accepted")]
    TooMany(usize),
}

/// A list of extensions, sorted by what is known. Unset fields were absent.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) sans: Vec<GeneralName>,
    pub(crate) key_usage: Option<KeyUsages>,
    pub(crate) ext_key_usage: Option<Vec<ObjectIdentifier>>,
    pub(crate) ca: Option<CaConstraint>,
    pub(crate) subject_key_id: Option<Vec<u8>>,
    pub(crate) authority_key_id: Option<Vec<u8>>,
}

impl Extensions {
    /// Read what is known; key identifiers and unknown extensions are appended to `others`.
    pub(crate) fn read(
        list: &[Extension],
        others: &mut Vec<Extension>,
    ) -> Result<Self, ExtensionError> {
        if list.len() > MOST_EXTENSIONS {
            return Err(ExtensionError::TooMany(list.len()));
        }
        let mut found = Self::default();
        for (index, extension) in list.iter().enumerate() {
            let id = extension.extn_id;
            if list[..index].iter().any(|other| other.extn_id == id) {
                return Err(ExtensionError::Twice(id));
            }
            let known = found
                .take(id, extension.extn_value.as_bytes())
                .map_err(|source| ExtensionError::Malformed { id, source })?;
            if !known {
                others.push(extension.clone());
            }
        }
        Ok(found)
    }

    /// Take one extension; false when it is one of the others.
    fn take(&mut self, id: ObjectIdentifier, value: &[u8]) -> der::Result<bool> {
        match id {
            ID_CE_SUBJECT_ALT_NAME => self.sans = general_name::list_from_der(value)?,
            ID_CE_KEY_USAGE => self.key_usage = Some(KeyUsages::from_der(value)?),
            ID_CE_EXT_KEY_USAGE => self.ext_key_usage = Some(Vec::from_der(value)?),
            ID_CE_BASIC_CONSTRAINTS => self.ca = basic_constraints(value)?,
            ID_CE_SUBJECT_KEY_IDENTIFIER => {
                let id = <&OctetStringRef>::from_der(value)?;
                self.subject_key_id = Some(id.as_bytes().to_vec());
                return Ok(false);
            }
            ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_id = authority_key_id(value)?;
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Sequence)]
struct BasicConstraints {
    #[asn1(default = "Default::default")]
    ca: bool,
    #[asn1(optional = "true")]
    path_len: Option<u32>,
}

fn basic_constraints(value: &[u8]) -> der::Result<Option<CaConstraint>> {
    let constraints = BasicConstraints::from_der(value)?;
    let path_len = constraints
        .path_len
        .map(|len| u8::try_from(len).unwrap_or(u8::MAX));
    Ok(constraints.ca.then_some(CaConstraint { path_len }))
}

/// The keyIdentifier [0]; issuer and serial, which may stand beside it, are not used for anything.
fn authority_key_id(value: &[u8]) -> der::Result<Option<Vec<u8>>> {
    let mut reader = SliceReader::new(value)?;
    let found = reader.sequence(|fields| {
        let mut found = None;
        while !fields.is_finished() {
            let field: AnyRef<'_> = fields.decode()?;
            if field.header().tag().number() == TagNumber(0) {
                found = Some(field.value().to_vec());
            }
        }
        Ok::<_, der::Error>(found)
    })?;
    reader.finish()?;
    Ok(found)
}

fn extension(id: ObjectIdentifier, critical: bool, value: Vec<u8>) -> der::Result<Extension> {
    Ok(Extension {
        extn_id: id,
        critical,
        extn_value: OctetString::new(value)?,
    })
}

/// basicConstraints, always critical: CA with its path length, or the empty sequence that says "no CA".
pub(crate) fn write_basic_constraints(ca: Option<CaConstraint>) -> der::Result<Extension> {
    let constraints = BasicConstraints {
        ca: ca.is_some(),
        path_len: ca.and_then(|ca| ca.path_len).map(u32::from),
    };
    extension(ID_CE_BASIC_CONSTRAINTS, true, constraints.to_der()?)
}

/// keyUsage, critical (RFC 5280 section 4.2.1.3).
pub(crate) fn write_key_usage(usages: KeyUsages) -> der::Result<Extension> {
    extension(ID_CE_KEY_USAGE, true, usages.to_der()?)
}

/// extKeyUsage, not critical.
pub(crate) fn write_ext_key_usage(usages: &[ObjectIdentifier]) -> der::Result<Extension> {
    extension(ID_CE_EXT_KEY_USAGE, false, usages.to_vec().to_der()?)
}

/// subjectAltName; critical when there is no subject (RFC 5280 section 4.2.1.6).
pub(crate) fn write_sans(names: &[GeneralName], no_subject: bool) -> der::Result<Extension> {
    extension(
        ID_CE_SUBJECT_ALT_NAME,
        no_subject,
        general_name::list_to_der(names)?,
    )
}

/// subjectKeyIdentifier.
pub(crate) fn write_subject_key_id(id: &[u8]) -> der::Result<Extension> {
    extension(
        ID_CE_SUBJECT_KEY_IDENTIFIER,
        false,
        OctetStringRef::new(id)?.to_der()?,
    )
}

#[derive(Sequence)]
struct AuthorityKeyId<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    key_id: &'a OctetStringRef,
}

/// authorityKeyIdentifier with the key identifier alone.
pub(crate) fn write_authority_key_id(id: &[u8]) -> der::Result<Extension> {
    let value = AuthorityKeyId {
        key_id: OctetStringRef::new(id)?,
    };
    extension(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, value.to_der()?)
}

#[derive(Sequence)]
struct DistributionPoint {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    name: FullName,
}

#[derive(der::Choice)]
enum FullName {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    Full(Vec<GeneralName>),
}

/// cRLDistributionPoints: one point per URL (RFC 5280 section 4.2.1.13).
pub(crate) fn write_crl_urls(urls: &[String]) -> der::Result<Extension> {
    let points: Vec<_> = urls
        .iter()
        .map(|url| DistributionPoint {
            name: FullName::Full(vec![GeneralName::Uri(url.clone())]),
        })
        .collect();
    extension(ID_CE_CRL_DISTRIBUTION_POINTS, false, points.to_der()?)
}

/// Whether this extension is the CA's to say, whoever asks.
pub(crate) fn is_for_the_ca(extension: &Extension) -> bool {
    [
        ID_CE_SUBJECT_KEY_IDENTIFIER,
        ID_CE_AUTHORITY_KEY_IDENTIFIER,
        ID_CE_CRL_DISTRIBUTION_POINTS,
    ]
    .contains(&extension.extn_id)
}
