//! The two ways a message points at something: [`CertId`] at a certificate, [`CertReqId`] at a request of the transaction.

use bytes::Bytes;
use der::asn1::Int;
use der::{
    DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Sequence, Tag, Writer,
};
use pki::{Certificate, CertificateId, GeneralName, Name};

use crate::error::EncodeError;

/// CertId (RFC 4211 section 6.5): issuer and serial number of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertId {
    /// The issuer, a directoryName in practice.
    pub issuer: GeneralName,
    /// The serial number, of any length and sign.
    pub serial_number: Int,
}

impl CertId {
    /// Points at this certificate.
    ///
    /// # Errors
    /// When the serial number is too long for DER.
    pub fn of(certificate: &Certificate) -> Result<Self, EncodeError> {
        let serial_number =
            Int::new(certificate.serial()).map_err(|error| EncodeError::new("CertId", error))?;
        Ok(Self {
            issuer: GeneralName::Directory(certificate.issuer().clone()),
            serial_number,
        })
    }

    /// The same as elsewhere in Certway; `None` when the issuer is not a directoryName.
    #[must_use]
    pub fn certificate_id(&self) -> Option<CertificateId> {
        let GeneralName::Directory(issuer) = &self.issuer else {
            return None;
        };
        certificate_id(issuer, &self.serial_number)
    }
}

/// Issuer and serial number as elsewhere in Certway.
pub(crate) fn certificate_id(issuer: &Name, serial: &Int) -> Option<CertificateId> {
    Some(CertificateId {
        issuer: issuer.to_der().ok()?.into(),
        serial: Bytes::copy_from_slice(serial.as_bytes()),
    })
}

/// certReqId: ties request, response, confirmation and poll of one transaction together (RFC 9810 section 5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertReqId(pub i64);

impl CertReqId {
    /// 0, what RFC 9483 section 4.1.1 asks of the only request in a message.
    pub const FIRST: Self = Self(0);
    /// -1, for what has no number of its own: p10cr, and polling after an error message (RFC 9810 section 5.3.22).
    pub const NONE: Self = Self(-1);
}

impl std::fmt::Display for CertReqId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl FixedTag for CertReqId {
    const TAG: Tag = Tag::Integer;
}

impl<'a> DecodeValue<'a> for CertReqId {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        i64::decode_value(reader, header).map(Self)
    }
}

impl EncodeValue for CertReqId {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}
