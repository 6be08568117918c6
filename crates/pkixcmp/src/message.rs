//! [`PkiMessage`]: a message as received (RFC 9810 section 5.1).

mod unprotected;

pub use unprotected::Unprotected;

use bytes::Bytes;
use der::asn1::BitStringRef;
use der::{Decode, Reader, SliceReader, Tag};

use crate::body::PkiBody;
use crate::error::{DecodeError, decode};
use crate::header::PkiHeader;
use crate::limits;
use crate::raw::CmpCertificate;
use crate::tlv::{elements, explicit, sequence};

/// A received PKIMessage: the octets it came in, and what they say.
///
/// Header, body, protection and each extra certificate are slices of the received buffer; the parsed view stands beside them and
/// cannot be changed, so the two never differ. To send something, fill a [`PkiHeader`] and a [`PkiBody`] and make
/// an [`Unprotected`].
#[derive(Clone)]
pub struct PkiMessage {
    der: Bytes,
    raw_header: Bytes,
    raw_body: Bytes,
    header: PkiHeader,
    body: PkiBody,
    protection: Option<Bytes>,
    extra_certs: Vec<CmpCertificate>,
}

impl PkiMessage {
    /// Reads a message of at most [`limits::MESSAGE`] octets.
    ///
    /// # Errors
    /// As [`Self::decode_within`].
    pub fn decode(der: impl Into<Bytes>) -> Result<Self, DecodeError> {
        Self::decode_within(der, limits::MESSAGE)
    }

    /// Reads a message of at most `limit` octets.
    ///
    /// # Errors
    /// When there are more octets than `limit`, when they are not one DER PKIMessage and nothing else, when the body of a known
    /// type is not what belongs there, or when a list is longer than its bound. The error names the part and the offset.
    pub fn decode_within(der: impl Into<Bytes>, limit: usize) -> Result<Self, DecodeError> {
        let der = der.into();
        if der.len() > limit {
            return Err(DecodeError::TooLong {
                length: der.len(),
                limit,
            });
        }
        let parts = Parts::split(&der)?;
        let offset = |part: &[u8]| part.as_ptr().addr().saturating_sub(der.as_ptr().addr());
        let header = decode::<PkiHeader>(parts.header)
            .map_err(|error| DecodeError::malformed("header", offset(parts.header), error))?;
        let raw_body = der.slice_ref(parts.body);
        let body = PkiBody::decode_at(&raw_body, offset(parts.body))?;
        let protection = parts
            .protection
            .map(|tlv| {
                match BitStringRef::from_der(tlv).and_then(|bits| {
                    bits.as_bytes()
                        .ok_or_else(|| Tag::BitString.value_error().into())
                }) {
                    Ok(octets) => Ok(der.slice_ref(octets)),
                    Err(error) => Err(DecodeError::malformed("protection", offset(tlv), error)),
                }
            })
            .transpose()?;
        let extra_certs = match parts.extra_certs {
            Some(list) => elements(list, limits::CERTIFICATES)
                .and_then(|certificates| {
                    certificates
                        .into_iter()
                        .map(|certificate| CmpCertificate::slice(der.slice_ref(certificate)))
                        .collect()
                })
                .map_err(|error| DecodeError::malformed("extraCerts", offset(list), error))?,
            None => Vec::new(),
        };
        Ok(Self {
            raw_header: der.slice_ref(parts.header),
            raw_body,
            header,
            body,
            protection,
            extra_certs,
            der,
        })
    }

    /// The header alone, of a message whose rest was read before.
    ///
    /// # Errors
    /// When the octets are not one DER PKIMessage by their tags, or the header is not one.
    pub fn header_of(der: &[u8]) -> Result<PkiHeader, DecodeError> {
        decode::<PkiHeader>(Parts::split(der)?.header)
            .map_err(|error| DecodeError::malformed("header", 0, error))
    }

    /// The whole message as received.
    #[must_use]
    pub fn der(&self) -> &Bytes {
        &self.der
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &PkiHeader {
        &self.header
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &PkiBody {
        &self.body
    }

    /// The header as received.
    #[must_use]
    pub fn raw_header(&self) -> &Bytes {
        &self.raw_header
    }

    /// The body as received, with the tag that tells its type.
    #[must_use]
    pub fn raw_body(&self) -> &Bytes {
        &self.raw_body
    }

    /// The signature or MAC, if the message has one.
    #[must_use]
    pub fn protection(&self) -> Option<&Bytes> {
        self.protection.as_ref()
    }

    /// The certificates that came along, in their order; trusted for nothing by being here.
    #[must_use]
    pub fn extra_certs(&self) -> &[CmpCertificate] {
        &self.extra_certs
    }

    /// What the protection covers: the DER of `SEQUENCE { header, body }` (RFC 9810 section 5.1.3), made of the octets received.
    #[must_use]
    pub fn to_be_protected(&self) -> Bytes {
        sequence([self.raw_header.as_ref(), self.raw_body.as_ref()])
    }

    /// Header and body, for who takes them further.
    #[must_use]
    pub fn into_parts(self) -> (PkiHeader, PkiBody) {
        (self.header, self.body)
    }
}

/// Equal when the octets are.
impl PartialEq for PkiMessage {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for PkiMessage {}

/// Type, transaction and size; the contents may hold what does not belong into a log.
impl std::fmt::Debug for PkiMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PkiMessage")
            .field("body", &self.body.name())
            .field("pvno", &self.header.pvno.0)
            .field(
                "transaction_id",
                &self
                    .header
                    .transaction_id
                    .as_ref()
                    .map(|id| Hex(id.as_bytes())),
            )
            .field("octets", &self.der.len())
            .finish()
    }
}

struct Hex<'h>(&'h [u8]);

impl std::fmt::Debug for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The pieces of a message, found by tags and lengths alone.
struct Parts<'m> {
    header: &'m [u8],
    body: &'m [u8],
    /// The BIT STRING.
    protection: Option<&'m [u8]>,
    /// The SEQUENCE OF.
    extra_certs: Option<&'m [u8]>,
}

impl<'m> Parts<'m> {
    fn split(der: &'m [u8]) -> Result<Self, DecodeError> {
        let split = || -> der::Result<Self> {
            let mut reader = SliceReader::new(der)?;
            let parts = reader.sequence(|reader| -> der::Result<Self> {
                Ok(Self {
                    header: reader.tlv_bytes()?,
                    body: reader.tlv_bytes()?,
                    protection: explicit(reader, 0)?,
                    extra_certs: explicit(reader, 1)?,
                })
            })?;
            reader.finish()?;
            Ok(parts)
        };
        split().map_err(|error| DecodeError::malformed("message", 0, error))
    }
}
