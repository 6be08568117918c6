//! [`InfoTypeAndValue`]: the entries of generalInfo, genm and genp (RFC 9810 section 5.3.19).

pub mod id;
pub mod support;
mod value;

pub use value::InfoValue;

use der::asn1::{Any, ObjectIdentifier};
use der::{EncodeValue, Sequence, Tagged};

use crate::error::{DecodeError, EncodeError};
use crate::limits;
use crate::list::{FreeText, List};
use crate::time::GeneralizedTime;

/// GeneralInfo and GenMsgContent: a bounded list of entries.
pub type Infos = List<InfoTypeAndValue, { limits::INFOS }>;

/// One piece of information: its type and, with most types, a value.
///
/// The value is kept as it came, also for types nobody here knows; absent and NULL are different and both kept.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct InfoTypeAndValue {
    /// What kind of information, one of [`id`] or something else.
    pub info_type: ObjectIdentifier,
    /// The value, uninterpreted.
    pub info_value: Option<Any>,
}

impl InfoTypeAndValue {
    /// An entry without a value, as most questions of a genm are.
    #[must_use]
    pub const fn bare(info_type: ObjectIdentifier) -> Self {
        Self {
            info_type,
            info_value: None,
        }
    }

    /// An entry with a value.
    ///
    /// # Errors
    /// When the value cannot be encoded: a list in it is longer than its bound.
    pub fn with(
        info_type: ObjectIdentifier,
        value: &(impl Tagged + EncodeValue),
    ) -> Result<Self, EncodeError> {
        let value =
            Any::encode_from(value).map_err(|error| EncodeError::new("info value", error))?;
        Ok(Self {
            info_type,
            info_value: Some(value),
        })
    }

    /// implicitConfirm with NULL, as RFC 9810 section 5.1.1.1 writes it.
    #[must_use]
    pub fn implicit_confirm() -> Self {
        Self {
            info_type: id::IMPLICIT_CONFIRM,
            info_value: Some(Any::null()),
        }
    }

    /// implicitConfirm without a value, as EJBCA and ONAP's client write it.
    #[must_use]
    pub const fn implicit_confirm_without_value() -> Self {
        Self::bare(id::IMPLICIT_CONFIRM)
    }

    /// confirmWaitTime: until when the server waits for the certConf (RFC 9810 section 5.1.1.2).
    ///
    /// # Errors
    /// None in practice; see [`Self::with`].
    pub fn confirm_wait_time(until: jiff::Timestamp) -> Result<Self, EncodeError> {
        Self::with(id::CONFIRM_WAIT_TIME, &GeneralizedTime::from(until))
    }

    /// certProfile: the profiles asked for, one per request (RFC 9810 section 5.1.1.4).
    ///
    /// # Errors
    /// When there are more than [`limits::TEXTS`].
    pub fn cert_profile(names: impl IntoIterator<Item = String>) -> Result<Self, EncodeError> {
        Self::with(id::CERT_PROFILE, &names.into_iter().collect::<FreeText>())
    }

    /// Whether this asks for or grants implicit confirmation, with whichever value.
    #[must_use]
    pub fn is_implicit_confirm(&self) -> bool {
        self.info_type == id::IMPLICIT_CONFIRM
    }

    /// What the entry says, by its type.
    ///
    /// # Errors
    /// When the value is not what belongs to the type.
    pub fn value(&self) -> Result<InfoValue, DecodeError> {
        InfoValue::read(self)
    }
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode};

    use super::*;

    #[test]
    fn implicit_confirm_is_understood_with_null_and_without_a_value_and_written_as_it_came() {
        for (entry, hex) in [
            (
                InfoTypeAndValue::implicit_confirm(),
                "300c06082b060105050704 0d0500",
            ),
            (
                InfoTypeAndValue::implicit_confirm_without_value(),
                "300a06082b060105050704 0d",
            ),
        ] {
            let octets: Vec<u8> = hex
                .replace(' ', "")
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
            assert_eq!(entry.to_der().unwrap(), octets);
            let read = InfoTypeAndValue::from_der(&octets).unwrap();
            assert_eq!(read, entry);
            assert_eq!(read.value().unwrap(), InfoValue::ImplicitConfirm);
            assert!(read.is_implicit_confirm());
        }
    }

    #[test]
    fn a_type_nobody_knows_is_carried() {
        let entry =
            InfoTypeAndValue::with(ObjectIdentifier::new_unwrap("1.2.3.4"), &56_789_u32).unwrap();
        assert_eq!(entry.value().unwrap(), InfoValue::Unknown);
        assert_eq!(
            InfoTypeAndValue::from_der(&entry.to_der().unwrap()).unwrap(),
            entry
        );
    }

    #[test]
    fn the_time_to_confirm_comes_back() {
        let until: jiff::Timestamp = "2026-11-22T18:30:00Z".parse().unwrap();
        let InfoValue::ConfirmWaitTime(read) = InfoTypeAndValue::confirm_wait_time(until)
            .unwrap()
            .value()
            .unwrap()
        else {
            panic!()
        };
        assert_eq!(read.timestamp(), until);
    }

    #[test]
    fn profiles_come_back_in_their_order() {
        let entry = InfoTypeAndValue::cert_profile(["tls".to_owned(), "ipsec".to_owned()]).unwrap();
        let InfoValue::CertProfile(names) = entry.value().unwrap() else {
            panic!()
        };
        assert_eq!(*names, ["tls", "ipsec"]);
    }

    #[test]
    fn a_value_that_is_not_of_its_type_is_an_error_and_not_a_guess() {
        let entry = InfoTypeAndValue::with(id::CA_CERTS, &5_u8).unwrap();
        assert!(entry.value().is_err());
    }
}
