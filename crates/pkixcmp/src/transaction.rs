//! What both sides of a transaction share: nonces, identifiers, what one outgoing message needs.

use std::fmt;

use bytes::Bytes;
use der::asn1::OctetString;
use jiff::Timestamp;
use pki::GeneralName;
use serde::{Deserialize, Serialize};
use spki::AlgorithmIdentifierOwned;

use crate::body::PkiBody;
use crate::error::EncodeError;
use crate::header::{PkiHeader, Pvno};
use crate::info::{InfoTypeAndValue, InfoValue, id};
use crate::message::Unprotected;
use crate::raw::CmpCertificate;
use crate::time::GeneralizedTime;

/// Longest transactionID or nonce of a peer that is kept; 16 octets is what they should have.
pub(crate) const LONGEST_ID: usize = 64;

/// A senderNonce of ours: 128 random bits, new for every message (RFC 9483 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nonce(pub [u8; 16]);

/// A transactionID of ours: 128 random bits (RFC 9483 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionId(pub [u8; 16]);

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({})", Hex(&self.0))
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransactionId({})", Hex(&self.0))
    }
}

/// Octets in hexadecimal, for messages to people.
pub(crate) struct Hex<'h>(pub(crate) &'h [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The request a transaction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RequestKind {
    /// ir, answered by ip.
    Ir,
    /// cr, answered by cp.
    Cr,
    /// kur, answered by kup.
    Kur,
    /// p10cr, answered by cp.
    P10cr,
    /// rr, answered by rp.
    Rr,
    /// genm, answered by genp.
    Genm,
}

impl RequestKind {
    /// The kind of a body; `None` for one that opens no transaction here.
    #[must_use]
    pub fn of(body: &PkiBody) -> Option<Self> {
        Some(match body {
            PkiBody::Ir(_) => Self::Ir,
            PkiBody::Cr(_) => Self::Cr,
            PkiBody::Kur(_) => Self::Kur,
            PkiBody::P10cr(_) => Self::P10cr,
            PkiBody::Rr(_) => Self::Rr,
            PkiBody::Genm(_) => Self::Genm,
            _ => return None,
        })
    }

    /// Whether a certificate is asked for.
    #[must_use]
    pub fn enrolls(self) -> bool {
        matches!(self, Self::Ir | Self::Cr | Self::Kur | Self::P10cr)
    }

    /// Whether `body` is of the type that answers this kind; error is not counted.
    #[must_use]
    pub fn is_answered_by(self, body: &PkiBody) -> bool {
        matches!(
            (self, body),
            (Self::Ir, PkiBody::Ip(_))
                | (Self::Cr | Self::P10cr, PkiBody::Cp(_))
                | (Self::Kur, PkiBody::Kup(_))
                | (Self::Rr, PkiBody::Rp(_))
                | (Self::Genm, PkiBody::Genp(_))
        )
    }
}

/// What one outgoing message needs beyond its transaction. Whoever protects the message knows most of it, and it may change from message to
/// message: keys are rolled over, and MAC parameters mirror the peer's.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Our name: the subject of the protection certificate, or what the shared secret is filed under.
    pub sender: GeneralName,
    /// The key identifier of the protection certificate, or the reference of the shared secret.
    pub sender_kid: Option<Bytes>,
    /// How the message will be protected; `None` for not at all.
    pub protection_alg: Option<AlgorithmIdentifierOwned>,
    /// 128 random bits.
    pub sender_nonce: Nonce,
    /// The time now.
    pub message_time: Option<Timestamp>,
    /// The protection certificate with its chain, then what else the recipient needs.
    pub extra_certs: Vec<CmpCertificate>,
}

/// The rest of a header.
pub(crate) struct Address<'a> {
    pub(crate) pvno: Pvno,
    pub(crate) recipient: &'a GeneralName,
    pub(crate) transaction_id: Option<&'a [u8]>,
    pub(crate) recip_nonce: Option<&'a [u8]>,
    pub(crate) general_info: Vec<InfoTypeAndValue>,
}

impl Outgoing {
    pub(crate) fn message(
        self,
        address: Address<'_>,
        body: &PkiBody,
    ) -> Result<Unprotected, EncodeError> {
        let octets = |octets: &[u8]| {
            OctetString::new(octets).map_err(|error| EncodeError::new("header", error))
        };
        let header = PkiHeader {
            pvno: address.pvno,
            sender: self.sender,
            recipient: address.recipient.clone(),
            message_time: self.message_time.map(GeneralizedTime::from),
            protection_alg: self.protection_alg,
            sender_kid: self.sender_kid.as_deref().map(octets).transpose()?,
            recip_kid: None,
            transaction_id: address.transaction_id.map(octets).transpose()?,
            sender_nonce: Some(octets(&self.sender_nonce.0)?),
            recip_nonce: address.recip_nonce.map(octets).transpose()?,
            free_text: None,
            general_info: (!address.general_info.is_empty()).then(|| address.general_info.into()),
        };
        Unprotected::new(&header, body, self.extra_certs)
    }
}

/// Whether a header asks for, or grants, implicit confirmation. The value should be NULL; some peers leave it out.
#[must_use]
pub fn has_implicit_confirm(header: &PkiHeader) -> bool {
    infos(header).any(InfoTypeAndValue::is_implicit_confirm)
}

/// Until when the sender of a header waits for a confirmation; `None` also when the value is no time.
#[must_use]
pub fn confirm_wait_until(header: &PkiHeader) -> Option<Timestamp> {
    infos(header)
        .find(|info| info.info_type == id::CONFIRM_WAIT_TIME)
        .and_then(|info| match info.value() {
            Ok(InfoValue::ConfirmWaitTime(until)) => Some(until.timestamp()),
            _ => None,
        })
}

pub(crate) fn infos(header: &PkiHeader) -> impl Iterator<Item = &InfoTypeAndValue> {
    header.general_info.iter().flat_map(|infos| infos.iter())
}

pub(crate) fn octets(string: Option<&OctetString>) -> Option<&[u8]> {
    string.map(OctetString::as_bytes)
}
