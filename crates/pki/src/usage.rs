//! Key usages and extended key usages, with the names people give them.

use core::fmt;
use core::ops::BitOr;
use core::str::FromStr;

use der::asn1::BitString;
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ObjectIdentifier;

/// A set of key usages (RFC 5280 section 4.2.1.3). Bit 0 of the BIT STRING is the lowest bit here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyUsages(u16);

impl KeyUsages {
    /// No usage at all.
    pub const NONE: Self = Self(0);
    /// digitalSignature (0).
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// nonRepudiation (1), also called contentCommitment.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// keyEncipherment (2).
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// dataEncipherment (3).
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// keyAgreement (4).
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign (5).
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign (6).
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// encipherOnly (7).
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// decipherOnly (8).
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    const BITS: u16 = 9;

    /// Whether every usage of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether no usage is in this set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets in one.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Each usage of the set by itself, lowest bit first.
    pub fn iter(self) -> impl Iterator<Item = Self> {
        (0..Self::BITS)
            .map(|bit| Self(1 << bit))
            .filter(move |usage| self.contains(*usage))
    }

    /// Read the extension value, a DER BIT STRING. Bits beyond the ninth are not kept: none is defined.
    ///
    /// # Errors
    /// When it is no DER BIT STRING.
    pub fn from_der(der: &[u8]) -> der::Result<Self> {
        let bits = BitString::from_der(der)?;
        let set = (0u16..)
            .zip(bits.bits().take(Self::BITS.into()))
            .filter(|(_, set)| *set);
        Ok(Self(set.fold(0, |all, (bit, _)| all | 1 << bit)))
    }

    /// The extension value: a named BIT STRING, trailing zero bits removed (X.690 section 11.2.2).
    ///
    /// # Errors
    /// Does not fail for any set; the type is that of the encoder.
    pub fn to_der(self) -> der::Result<Vec<u8>> {
        let [high, low] = self.0.reverse_bits().to_be_bytes();
        let mut bytes = vec![high, low];
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        let unused = bytes.last().map_or(0, |last| last.trailing_zeros());
        BitString::new(u8::try_from(unused).unwrap_or_default(), bytes)?.to_der()
    }
}

impl BitOr for KeyUsages {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl fmt::Display for KeyUsages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, usage) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", Usage::Key(usage))?;
        }
        Ok(())
    }
}

/// One usage, of the key itself or an extended one. As text it has the names of cert-manager, which are those of
/// CFSSL: `digital signature`, `key encipherment`, `server auth`, `client auth`, …; an OID stands for itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Usage {
    /// A key usage.
    Key(KeyUsages),
    /// An extended key usage.
    Extended(ObjectIdentifier),
}

/// The text names no usage.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error(
    "\"{0}\" is no usage; expected for instance \"digital signature\", \"key encipherment\", \"server auth\", \"client auth\" or an OID"
)]
pub struct ParseUsageError(String);

impl FromStr for Usage {
    type Err = ParseUsageError;

    fn from_str(text: &str) -> Result<Self, ParseUsageError> {
        let folded = fold(text);
        let named = NAMES
            .iter()
            .find(|(_, name)| fold(name) == folded)
            .map(|(usage, _)| *usage);
        named
            .or_else(|| ObjectIdentifier::new(text).ok().map(Self::Extended))
            .ok_or_else(|| ParseUsageError(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (NAMES.iter().find(|(usage, _)| usage == self), self) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Self::Extended(oid)) => write!(f, "{oid}"),
            (None, Self::Key(usages)) => write!(f, "{usages}"),
        }
    }
}

/// `serverAuth`, `server auth` and `server-auth` are the same.
fn fold(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

const fn kp(last: u32) -> ObjectIdentifier {
    let parent = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3");
    match parent.push_arc(last) {
        Ok(oid) => oid,
        Err(_) => parent,
    }
}

/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
pub const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
/// id-kp-serverAuth.
pub const SERVER_AUTH: ObjectIdentifier = kp(1);
/// id-kp-clientAuth.
pub const CLIENT_AUTH: ObjectIdentifier = kp(2);
/// id-kp-codeSigning.
pub const CODE_SIGNING: ObjectIdentifier = kp(3);
/// id-kp-emailProtection.
pub const EMAIL_PROTECTION: ObjectIdentifier = kp(4);
/// id-kp-timeStamping.
pub const TIME_STAMPING: ObjectIdentifier = kp(8);
/// id-kp-OCSPSigning.
pub const OCSP_SIGNING: ObjectIdentifier = kp(9);
/// id-kp-cmcCA (RFC 6402 section 2.10): the holder is a CA speaking CMP or CMC.
pub const CMC_CA: ObjectIdentifier = kp(27);
/// id-kp-cmcRA (RFC 6402 section 2.10): the holder is an RA (RFC 9810 section 4.5).
pub const CMC_RA: ObjectIdentifier = kp(28);
/// id-kp-cmcArchive (RFC 6402 section 2.10).
pub const CMC_ARCHIVE: ObjectIdentifier = kp(29);
/// id-kp-cmKGA (RFC 9480 section 2.2): the holder generates keys for others.
pub const CM_KGA: ObjectIdentifier = kp(32);

/// The extended key usages that make their holder an authority in CMP; a workload never gets them.
pub const CMP_AUTHORITY: [ObjectIdentifier; 4] = [CMC_CA, CMC_RA, CMC_ARCHIVE, CM_KGA];

/// The first name of a usage is the one it is shown with.
const NAMES: &[(Usage, &str)] = &[
    (
        Usage::Key(KeyUsages::DIGITAL_SIGNATURE),
        "digital signature",
    ),
    (Usage::Key(KeyUsages::DIGITAL_SIGNATURE), "signing"),
    (Usage::Key(KeyUsages::NON_REPUDIATION), "content commitment"),
    (Usage::Key(KeyUsages::NON_REPUDIATION), "non repudiation"),
    (Usage::Key(KeyUsages::KEY_ENCIPHERMENT), "key encipherment"),
    (
        Usage::Key(KeyUsages::DATA_ENCIPHERMENT),
        "data encipherment",
    ),
    (Usage::Key(KeyUsages::KEY_AGREEMENT), "key agreement"),
    (Usage::Key(KeyUsages::KEY_CERT_SIGN), "cert sign"),
    (Usage::Key(KeyUsages::KEY_CERT_SIGN), "key cert sign"),
    (Usage::Key(KeyUsages::CRL_SIGN), "crl sign"),
    (Usage::Key(KeyUsages::ENCIPHER_ONLY), "encipher only"),
    (Usage::Key(KeyUsages::DECIPHER_ONLY), "decipher only"),
    (Usage::Extended(ANY), "any"),
    (Usage::Extended(SERVER_AUTH), "server auth"),
    (Usage::Extended(CLIENT_AUTH), "client auth"),
    (Usage::Extended(CODE_SIGNING), "code signing"),
    (Usage::Extended(EMAIL_PROTECTION), "email protection"),
    (Usage::Extended(EMAIL_PROTECTION), "s/mime"),
    (Usage::Extended(kp(5)), "ipsec end system"),
    (Usage::Extended(kp(6)), "ipsec tunnel"),
    (Usage::Extended(kp(7)), "ipsec user"),
    (Usage::Extended(TIME_STAMPING), "timestamping"),
    (Usage::Extended(OCSP_SIGNING), "ocsp signing"),
    (
        Usage::Extended(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.3")),
        "microsoft sgc",
    ),
    (
        Usage::Extended(ObjectIdentifier::new_unwrap("2.16.840.1.113730.4.1")),
        "netscape sgc",
    ),
    (Usage::Extended(CMC_CA), "cmc ca"),
    (Usage::Extended(CMC_RA), "cmc ra"),
    (Usage::Extended(CMC_ARCHIVE), "cmc archive"),
    (Usage::Extended(CM_KGA), "cm kga"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usages_encode_as_onap_sends_them() {
        let usages =
            KeyUsages::DIGITAL_SIGNATURE | KeyUsages::NON_REPUDIATION | KeyUsages::KEY_ENCIPHERMENT;
        assert_eq!(usages.to_der().unwrap(), [3, 2, 5, 0xe0]);
    }

    #[test]
    fn every_set_of_usages_survives_the_round_trip() {
        for bits in 0..1 << KeyUsages::BITS {
            let set = KeyUsages(bits);
            assert_eq!(KeyUsages::from_der(&set.to_der().unwrap()).unwrap(), set);
        }
    }

    #[test]
    fn the_ninth_usage_takes_a_second_byte() {
        let der = KeyUsages::DECIPHER_ONLY.to_der().unwrap();
        assert_eq!(der, [3, 3, 7, 0, 0x80]);
    }

    #[test]
    fn usages_are_read_in_every_spelling() {
        for text in [
            "server auth",
            "serverAuth",
            "SERVER-AUTH",
            "1.3.6.1.5.5.7.3.1",
        ] {
            assert_eq!(text.parse(), Ok(Usage::Extended(SERVER_AUTH)));
        }
        assert_eq!(
            "keyEncipherment".parse(),
            Ok(Usage::Key(KeyUsages::KEY_ENCIPHERMENT))
        );
        assert_eq!(
            "signing".parse(),
            Ok(Usage::Key(KeyUsages::DIGITAL_SIGNATURE))
        );
    }

    #[test]
    fn every_name_is_read_back_as_its_usage() {
        for (usage, name) in NAMES {
            assert_eq!(name.parse(), Ok(*usage));
            assert_eq!(usage.to_string().parse(), Ok(*usage));
        }
    }

    #[test]
    fn an_unknown_usage_is_refused_by_name() {
        let error = "world domination".parse::<Usage>().unwrap_err();
        assert!(error.to_string().contains("world domination"));
    }
}
