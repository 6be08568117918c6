//! rr and rp: revocation (RFC 9810 sections 5.3.9 and 5.3.10).

use der::asn1::{Int, ObjectIdentifier, OctetString};
use der::{Decode, Sequence, Tag};
use pki::crl::RevocationReason;
use pki::{CertificateId, Extension, Name};

use crate::cert_id::{CertId, certificate_id};
use crate::crmf::template::{CertTemplate, Extensions};
use crate::error::{DecodeError, EncodeError};
use crate::limits;
use crate::list::List;
use crate::raw::CertificateList;
use crate::status::PkiStatusInfo;

/// RevReqContent.
pub type RevReqContent = List<RevDetails, { limits::REQUESTS }>;

/// RevDetails: which certificate to revoke, and why.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct RevDetails {
    /// Issuer and serial number of the certificate, and whatever else names it.
    pub cert_details: CertTemplate,
    /// Extensions for the CRL entry: reasonCode above all.
    #[asn1(optional = "true")]
    pub crl_entry_details: Option<Extensions>,
}

impl RevDetails {
    /// Asks to revoke a certificate; the reason is a CRLReason of RFC 5280 section 5.3.1, and may be left out.
    ///
    /// # Errors
    /// When the serial number is too long for DER.
    pub fn of(
        certificate: &CertificateId,
        reason: Option<RevocationReason>,
    ) -> Result<Self, EncodeError> {
        let build = || -> der::Result<Self> {
            let cert_details = CertTemplate {
                serial_number: Some(Int::new(&certificate.serial)?),
                issuer: Some(Name::from_der(&certificate.issuer)?),
                ..CertTemplate::default()
            };
            let crl_entry_details = reason
                .map(|reason| reason_code(reason.code()))
                .transpose()?;
            Ok(Self {
                cert_details,
                crl_entry_details: crl_entry_details.map(|extension| [extension].into()),
            })
        };
        build().map_err(|error| EncodeError::new("rr", error))
    }

    /// The certificate meant; `None` when issuer or serial number is missing, which RFC 9483 section 4.2 wants both.
    #[must_use]
    pub fn certificate_id(&self) -> Option<CertificateId> {
        certificate_id(
            self.cert_details.issuer.as_ref()?,
            self.cert_details.serial_number.as_ref()?,
        )
    }

    /// The number of the reason: a CRLReason, known or not; `None` when there is no reason.
    ///
    /// # Errors
    /// When the reasonCode is not an ENUMERATED of one octet.
    pub fn reason_code(&self) -> Result<Option<u8>, DecodeError> {
        let Some(extension) = self
            .crl_entry_details
            .iter()
            .flatten()
            .find(|extension| extension.extn_id == REASON_CODE)
        else {
            return Ok(None);
        };
        match extension.extn_value.as_bytes() {
            [ENUMERATED, 1, code] => Ok(Some(*code)),
            _ => Err(DecodeError::malformed(
                "reasonCode",
                0,
                Tag::Enumerated.value_error().into(),
            )),
        }
    }
}

/// id-ce-cRLReasons.
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
/// The tag of an ENUMERATED.
const ENUMERATED: u8 = 0x0a;

fn reason_code(code: u8) -> der::Result<Extension> {
    Ok(Extension {
        extn_id: REASON_CODE,
        critical: false,
        extn_value: OctetString::new([ENUMERATED, 1, code])?,
    })
}

/// RevRepContent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Sequence)]
pub struct RevRepContent {
    /// One status per request, in the same order.
    pub status: List<PkiStatusInfo, { limits::REQUESTS }>,
    /// The certificates asked about, in the same order.
    #[asn1(context_specific = "0", optional = "true")]
    pub rev_certs: Option<List<CertId, { limits::REQUESTS }>>,
    /// The CRLs that have them.
    #[asn1(context_specific = "1", optional = "true")]
    pub crls: Option<List<CertificateList, { limits::CRLS }>>,
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn certificate() -> CertificateId {
        CertificateId {
            issuer: Bytes::from_static(&[0x30, 0]),
            serial: Bytes::from_static(&[0, 0xff]),
        }
    }

    #[test]
    fn what_is_to_be_revoked_and_why_comes_back() {
        let details =
            RevDetails::of(&certificate(), Some(RevocationReason::KeyCompromise)).unwrap();
        assert_eq!(details.certificate_id(), Some(certificate()));
        assert_eq!(details.reason_code().unwrap(), Some(1));
    }

    #[test]
    fn a_revocation_without_a_reason_has_no_extension() {
        let details = RevDetails::of(&certificate(), None).unwrap();
        assert_eq!(details.crl_entry_details, None);
        assert_eq!(details.reason_code().unwrap(), None);
    }

    #[test]
    fn a_revocation_without_a_serial_number_names_no_certificate() {
        let mut details = RevDetails::of(&certificate(), None).unwrap();
        details.cert_details.serial_number = None;
        assert_eq!(details.certificate_id(), None);
    }
}
