//! [`PkiFailureInfo`]: the reasons of a failure, as named bits (RFC 9810 section 5.2.3).

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use der::asn1::BitStringRef;
use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};
use serde::{Deserialize, Serialize};

/// PKIFailureInfo: the set of reasons for a failure, a BIT STRING of named bits.
///
/// All 27 named bits are constants here. Bits up to 63 without a name are kept and encoded again; a message that sets a higher
/// one is refused. DER says that a string of named bits ends with a one (X.690 section 11.2.2), so that is how it is written;
/// when read, trailing zeros are tolerated.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PkiFailureInfo(u64);

macro_rules! failure_bits {
    ($($bit:literal $constant:ident $name:literal $doc:literal;)+) => {
        impl PkiFailureInfo {
            $(
                #[doc = concat!("`", $name, "` (", $bit, "): ", $doc)]
                pub const $constant: Self = Self(1 << $bit);
            )+
        }

        /// The name of each bit, at the place of its number.
        const NAMES: &[&str] = &[$($name),+];
    };
}

failure_bits! {
    0 BAD_ALG "badAlg" "unrecognized or unsupported algorithm identifier.";
    1 BAD_MESSAGE_CHECK "badMessageCheck" "the integrity check failed, for example the signature did not verify.";
    2 BAD_REQUEST "badRequest" "the transaction is not permitted or supported.";
    3 BAD_TIME "badTime" "messageTime is too far from the recipient's time.";
    4 BAD_CERT_ID "badCertId" "no certificate fits the given criteria.";
    5 BAD_DATA_FORMAT "badDataFormat" "the data has the wrong format.";
    6 WRONG_AUTHORITY "wrongAuthority" "the request names another authority.";
    7 INCORRECT_DATA "incorrectData" "the requester's data is wrong (notary services).";
    8 MISSING_TIME_STAMP "missingTimeStamp" "a time stamp that policy wants is missing.";
    9 BAD_POP "badPOP" "the proof of possession failed.";
    10 CERT_REVOKED "certRevoked" "the certificate has been revoked already.";
    11 CERT_CONFIRMED "certConfirmed" "the certificate has been confirmed already.";
    12 WRONG_INTEGRITY "wrongIntegrity" "the kind of protection is not valid here: a password instead of a signature or the other way round.";
    13 BAD_RECIPIENT_NONCE "badRecipientNonce" "recipNonce is missing or has the wrong value.";
    14 TIME_NOT_AVAILABLE "timeNotAvailable" "the time source is not available.";
    15 UNACCEPTED_POLICY "unacceptedPolicy" "the policy asked for is not supported.";
    16 UNACCEPTED_EXTENSION "unacceptedExtension" "the extension asked for is not supported.";
    17 ADD_INFO_NOT_AVAILABLE "addInfoNotAvailable" "the additional information is not available.";
    18 BAD_SENDER_NONCE "badSenderNonce" "senderNonce is missing or has the wrong size.";
    19 BAD_CERT_TEMPLATE "badCertTemplate" "the certificate template is not valid or lacks something mandatory.";
    20 SIGNER_NOT_TRUSTED "signerNotTrusted" "the signer of the message is unknown or not trusted.";
    21 TRANSACTION_ID_IN_USE "transactionIdInUse" "the transactionID is used already.";
    22 UNSUPPORTED_VERSION "unsupportedVersion" "the version of the message is not supported.";
    23 NOT_AUTHORIZED "notAuthorized" "the sender may not make this request.";
    24 SYSTEM_UNAVAIL "systemUnavail" "the system is not available.";
    25 SYSTEM_FAILURE "systemFailure" "the system failed.";
    26 DUPLICATE_CERT_REQ "duplicateCertReq" "a certificate like this one exists already.";
}

impl PkiFailureInfo {
    /// No reason at all; an empty BIT STRING.
    pub const NONE: Self = Self(0);

    /// The set with only bit `number`; `None` above 63.
    #[must_use]
    pub fn from_bit(number: u32) -> Option<Self> {
        1u64.checked_shl(number).map(Self)
    }

    /// The set as a mask in which bit *n* of RFC 9810 has the value 2ⁿ, as `openssl cmp -failurebits` counts too.
    #[must_use]
    pub fn mask(self) -> u64 {
        self.0
    }

    /// The set given by such a mask.
    #[must_use]
    pub fn from_mask(mask: u64) -> Self {
        Self(mask)
    }

    /// Whether every bit of `other` is set here.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The numbers of the bits set, ascending.
    pub fn bits(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |bit| self.0 >> bit & 1 == 1)
    }

    /// The names of the bits set, ascending; bits without a name are left out.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES
            .iter()
            .zip(0u32..)
            .filter(move |(_, bit)| self.0 >> bit & 1 == 1)
            .map(|(name, _)| *name)
    }

    /// The bit with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .position(|known| *known == name)
            .map(|bit| Self(1 << bit))
    }

    fn significant_octets(self) -> u8 {
        8 - self.0.leading_zeros() as u8 / 8
    }
}

impl BitOr for PkiFailureInfo {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for PkiFailureInfo {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// The names, separated by commas; a bit without a name as `bit 40`.
impl fmt::Display for PkiFailureInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, bit) in self.bits().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            match usize::try_from(bit).ok().and_then(|at| NAMES.get(at)) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "bit {bit}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PkiFailureInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PkiFailureInfo({self})")
    }
}

impl FixedTag for PkiFailureInfo {
    const TAG: Tag = Tag::BitString;
}

impl<'a> DecodeValue<'a> for PkiFailureInfo {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let string = BitStringRef::decode_value(reader, header)?;
        // X.690 section 11.2.1: bits behind the last are zero. They would be lost here otherwise.
        let behind = (1u16 << string.unused_bits()) - 1;
        let last = string.raw_bytes().last().copied().unwrap_or_default();
        if u16::from(last) & behind != 0 {
            return Err(reader.error(Tag::BitString.value_error()));
        }
        let mut set = Self::NONE;
        for (bit, _) in (0..).zip(string.bits()).filter(|(_, one)| *one) {
            set |= Self::from_bit(bit).ok_or_else(|| reader.error(Tag::BitString.value_error()))?;
        }
        Ok(set)
    }
}

impl EncodeValue for PkiFailureInfo {
    fn value_len(&self) -> der::Result<Length> {
        Length::from(self.significant_octets()) + Length::ONE
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        let octets = self.significant_octets();
        let unused = if octets == 0 {
            0
        } else {
            self.0.leading_zeros() as u8 % 8
        };
        writer.write_byte(unused)?;
        // The first bit of the string is the highest of its first octet.
        for octet in self.0.to_le_bytes().into_iter().take(usize::from(octets)) {
            writer.write_byte(octet.reverse_bits())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::{Decode, Encode};

    /// `name(bit)` as RFC 9810 section 5.2.3 lists them, each with its DER worked out by hand from X.690.
    const ENCODINGS: [(&str, u32, &[u8]); 27] = [
        ("badAlg", 0, &[3, 2, 7, 0x80]),
        ("badMessageCheck", 1, &[3, 2, 6, 0x40]),
        ("badRequest", 2, &[3, 2, 5, 0x20]),
        ("badTime", 3, &[3, 2, 4, 0x10]),
        ("badCertId", 4, &[3, 2, 3, 0x08]),
        ("badDataFormat", 5, &[3, 2, 2, 0x04]),
        ("wrongAuthority", 6, &[3, 2, 1, 0x02]),
        ("incorrectData", 7, &[3, 2, 0, 0x01]),
        ("missingTimeStamp", 8, &[3, 3, 7, 0, 0x80]),
        ("badPOP", 9, &[3, 3, 6, 0, 0x40]),
        ("certRevoked", 10, &[3, 3, 5, 0, 0x20]),
        ("certConfirmed", 11, &[3, 3, 4, 0, 0x10]),
        ("wrongIntegrity", 12, &[3, 3, 3, 0, 0x08]),
        ("badRecipientNonce", 13, &[3, 3, 2, 0, 0x04]),
        ("timeNotAvailable", 14, &[3, 3, 1, 0, 0x02]),
        ("unacceptedPolicy", 15, &[3, 3, 0, 0, 0x01]),
        ("unacceptedExtension", 16, &[3, 4, 7, 0, 0, 0x80]),
        ("addInfoNotAvailable", 17, &[3, 4, 6, 0, 0, 0x40]),
        ("badSenderNonce", 18, &[3, 4, 5, 0, 0, 0x20]),
        ("badCertTemplate", 19, &[3, 4, 4, 0, 0, 0x10]),
        ("signerNotTrusted", 20, &[3, 4, 3, 0, 0, 0x08]),
        ("transactionIdInUse", 21, &[3, 4, 2, 0, 0, 0x04]),
        ("unsupportedVersion", 22, &[3, 4, 1, 0, 0, 0x02]),
        ("notAuthorized", 23, &[3, 4, 0, 0, 0, 0x01]),
        ("systemUnavail", 24, &[3, 5, 7, 0, 0, 0, 0x80]),
        ("systemFailure", 25, &[3, 5, 6, 0, 0, 0, 0x40]),
        ("duplicateCertReq", 26, &[3, 5, 5, 0, 0, 0, 0x20]),
    ];

    #[test]
    fn every_named_bit_has_the_place_the_name_and_the_encoding_of_the_rfc() {
        for (name, bit, encoding) in ENCODINGS {
            let set = PkiFailureInfo::from_name(name).unwrap();
            assert_eq!(
                set.mask(),
                1 << bit,
                "{name}: openssl's -failurebits counts bit n as 2^n"
            );
            assert_eq!(PkiFailureInfo::from_bit(bit), Some(set), "{name}");
            assert_eq!(set.to_der().unwrap(), encoding, "{name}");
            assert_eq!(PkiFailureInfo::from_der(encoding).unwrap(), set, "{name}");
            assert_eq!(set.to_string(), name);
        }
        assert_eq!(NAMES.len(), ENCODINGS.len());
        assert_eq!(PkiFailureInfo::DUPLICATE_CERT_REQ.mask(), 1 << 26);
        assert_eq!(PkiFailureInfo::BAD_POP.mask(), 1 << 9);
    }

    #[test]
    fn several_reasons_are_one_bit_string_and_shown_by_name() {
        let set =
            PkiFailureInfo::BAD_ALG | PkiFailureInfo::BAD_POP | PkiFailureInfo::DUPLICATE_CERT_REQ;
        assert_eq!(set.to_der().unwrap(), [3, 5, 5, 0x80, 0x40, 0, 0x20]);
        assert_eq!(set.to_string(), "badAlg, badPOP, duplicateCertReq");
        assert!(
            set.contains(PkiFailureInfo::BAD_POP) && !set.contains(PkiFailureInfo::BAD_REQUEST)
        );
    }

    #[test]
    fn bits_behind_the_last_are_refused_and_not_lost() {
        assert!(PkiFailureInfo::from_der(&[3, 2, 5, 0x20]).is_ok());
        assert!(PkiFailureInfo::from_der(&[3, 2, 5, 0x29]).is_err());
    }

    #[test]
    fn all_27_bits_survive_a_round_trip() {
        let all = PkiFailureInfo::from_mask((1 << 27) - 1);
        let encoded = all.to_der().unwrap();
        assert_eq!(encoded, [3, 5, 5, 0xff, 0xff, 0xff, 0xe0]);
        assert_eq!(PkiFailureInfo::from_der(&encoded).unwrap(), all);
        assert_eq!(all.names().count(), 27);
    }

    #[test]
    fn no_reason_is_an_empty_bit_string() {
        assert_eq!(PkiFailureInfo::NONE.to_der().unwrap(), [3, 1, 0]);
        assert!(PkiFailureInfo::from_der(&[3, 1, 0]).unwrap().is_empty());
    }

    #[test]
    fn bits_without_a_name_are_kept_and_shown_by_number() {
        let set = PkiFailureInfo::from_der(&[3, 6, 7, 0x20, 0, 0, 0, 0x80]).unwrap();
        assert_eq!(set.bits().collect::<Vec<_>>(), [2, 32]);
        assert_eq!(set.to_string(), "badRequest, bit 32");
        assert_eq!(set.to_der().unwrap(), [3, 6, 7, 0x20, 0, 0, 0, 0x80]);
        let highest = PkiFailureInfo::from_bit(63).unwrap();
        assert_eq!(highest.to_der().unwrap(), [3, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            PkiFailureInfo::from_der(&highest.to_der().unwrap()).unwrap(),
            highest
        );
    }

    #[test]
    fn a_bit_above_63_is_refused_but_zeros_there_are_not() {
        assert!(PkiFailureInfo::from_der(&[3, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]).is_err());
        let padded = PkiFailureInfo::from_der(&[3, 10, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(padded, PkiFailureInfo::BAD_ALG);
    }

    #[test]
    fn trailing_zeros_of_a_careless_peer_are_read_but_never_written() {
        let padded = PkiFailureInfo::from_der(&[3, 5, 5, 0x20, 0, 0, 0]).unwrap();
        assert_eq!(padded, PkiFailureInfo::BAD_REQUEST);
        assert_eq!(padded.to_der().unwrap(), [3, 2, 5, 0x20]);
    }
}
