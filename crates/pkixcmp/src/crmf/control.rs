//! Controls and regInfo: how a request is to be handled (RFC 4211 sections 6 and 7).

pub mod id;
pub mod publication;

use der::asn1::{Any, ObjectIdentifier};
use der::{EncodeValue, Sequence, Tagged};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::cert_id::CertId;
use crate::crmf::CertRequest;
use crate::crmf::control::publication::{PkiArchiveOptions, PkiPublicationInfo};
use crate::error::{DecodeError, EncodeError};

/// AttributeTypeAndValue of RFC 4211: one control, or one entry of regInfo. Unknown ones are carried.
#[derive(Clone, PartialEq, Eq, Sequence)]
pub struct AttributeTypeAndValue {
    /// What kind, one of [`id`] or something else.
    pub attribute_type: ObjectIdentifier,
    /// The value, uninterpreted.
    pub value: Any,
}

impl AttributeTypeAndValue {
    /// An entry with this value.
    ///
    /// # Errors
    /// When the value cannot be encoded: a list in it is longer than its bound.
    pub fn with(
        attribute_type: ObjectIdentifier,
        value: &(impl Tagged + EncodeValue),
    ) -> Result<Self, EncodeError> {
        let value = Any::encode_from(value).map_err(|error| EncodeError::new("control", error))?;
        Ok(Self {
            attribute_type,
            value,
        })
    }

    /// oldCertID: the certificate that a kur replaces (RFC 4211 section 6.5).
    ///
    /// # Errors
    /// None in practice; see [`Self::with`].
    pub fn old_cert_id(certificate: &CertId) -> Result<Self, EncodeError> {
        Self::with(id::OLD_CERT_ID, certificate)
    }

    /// What the entry says, by its type.
    ///
    /// # Errors
    /// When the value is not what belongs to the type.
    pub fn control(&self) -> Result<Control, DecodeError> {
        let Some(name) = id::name(&self.attribute_type) else {
            return Ok(Control::Unknown);
        };
        Control::of(&self.attribute_type, &self.value)
            .map_err(|error| DecodeError::malformed(name, 0, error))
    }
}

/// The value may be a one-time secret, so only its size is shown.
impl std::fmt::Debug for AttributeTypeAndValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}({} octets)",
            self.attribute_type,
            self.value.value().len()
        )
    }
}

/// What a control or an entry of regInfo says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "read one at a time, kept nowhere"
)]
pub enum Control {
    /// A type that is not known here.
    Unknown,
    /// A one-time secret of the registration.
    RegToken(Secret),
    /// A lasting secret to prove identity with.
    Authenticator(Secret),
    /// Whether and where to publish the certificate.
    PkiPublicationInfo(PkiPublicationInfo),
    /// Whether and how to archive the private key.
    PkiArchiveOptions(PkiArchiveOptions),
    /// The certificate to be replaced.
    OldCertId(CertId),
    /// The key to encrypt answers for.
    ProtocolEncrKey(SubjectPublicKeyInfoOwned),
    /// The algorithm of the key, in a certReqTemplate (RFC 9810 section 5.3.19.16).
    AlgId(AlgorithmIdentifierOwned),
    /// The length of the RSA key in bits, likewise.
    RsaKeyLen(u32),
    /// regInfo: `name?value%` pairs (RFC 4211 section 7.1).
    Utf8Pairs(String),
    /// regInfo: the request as it was before an RA changed it (RFC 4211 section 7.2).
    CertReq(CertRequest),
}

impl Control {
    fn of(attribute_type: &ObjectIdentifier, value: &Any) -> der::Result<Self> {
        Ok(match *attribute_type {
            id::REG_TOKEN => Self::RegToken(Secret(value.decode_as()?)),
            id::AUTHENTICATOR => Self::Authenticator(Secret(value.decode_as()?)),
            id::PKI_PUBLICATION_INFO => Self::PkiPublicationInfo(value.decode_as()?),
            id::PKI_ARCHIVE_OPTIONS => Self::PkiArchiveOptions(value.decode_as()?),
            id::OLD_CERT_ID => Self::OldCertId(value.decode_as()?),
            id::PROTOCOL_ENCR_KEY => Self::ProtocolEncrKey(value.decode_as()?),
            id::ALG_ID => Self::AlgId(value.decode_as()?),
            id::RSA_KEY_LEN => Self::RsaKeyLen(value.decode_as()?),
            id::UTF8_PAIRS => Self::Utf8Pairs(value.decode_as()?),
            id::CERT_REQ => Self::CertReq(value.decode_as()?),
            _ => Self::Unknown,
        })
    }
}

/// A text that is not shown: regToken and authenticator are what lets someone enroll.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Compare it in constant time.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_token_is_read_but_not_shown() {
        let control =
            AttributeTypeAndValue::with(id::REG_TOKEN, &"one-time-secret".to_owned()).unwrap();
        let Control::RegToken(token) = control.control().unwrap() else {
            panic!()
        };
        assert_eq!(token.expose(), "one-time-secret");
        assert!(!format!("{control:?} {token:?}").contains("one-time"));
    }

    #[test]
    fn a_control_nobody_knows_is_carried() {
        let control =
            AttributeTypeAndValue::with(ObjectIdentifier::new_unwrap("1.2.3.4"), &7_u8).unwrap();
        assert_eq!(control.control().unwrap(), Control::Unknown);
    }

    #[test]
    fn a_control_whose_value_is_of_another_type_is_an_error_that_names_it() {
        let control = AttributeTypeAndValue::with(id::OLD_CERT_ID, &7_u8).unwrap();
        assert!(
            control
                .control()
                .unwrap_err()
                .to_string()
                .starts_with("oldCertID is malformed")
        );
    }
}
