//! The server side of a transaction as a value (RFC 9810 sections 5.1 to 5.3, RFC 9483): what the first message obliges the answers to, and
//! whether what comes after belongs to it.
//!
//! For a message that opens a transaction: find out whether it was seen before (its transactionID under its sender's credential, then
//! [`ServerTransaction::is_repeated`]), judge its header with [`check_first`], remember it with [`ServerTransaction::open`], answer with
//! [`ServerTransaction::answer`]. For one that follows: [`ServerTransaction::follow`], then answer. For one that cannot be served at all:
//! [`refuse`].
//!
//! Everything here assumes that protection was verified before; what kind it was is compared. State serialises, and who keeps it versions it.

mod answer;
mod first;
mod follow;

use aws_lc_rs::digest;
use bytes::Bytes;
use pki::GeneralName;
use serde::{Deserialize, Serialize};
use spki::AlgorithmIdentifierOwned;

use crate::body::PkiBody;
use crate::body::failure::ErrorMsgContent;
use crate::cert_hash::ExpectedCertHash;
use crate::cert_id::CertReqId;
use crate::error::EncodeError;
use crate::failure_info::PkiFailureInfo;
use crate::header::Pvno;
use crate::message::{PkiMessage, Unprotected};
use crate::protection::ProtectionKind;
use crate::status::PkiStatusInfo;
use crate::transaction::{
    Address, LONGEST_ID, Nonce, Outgoing, RequestKind, has_implicit_confirm, octets,
};

pub use answer::{Answer, AnswerError, Granted, Release};
pub use first::{Conformance, HeaderRules, check_first};
pub use follow::Follow;

/// Why a message is not served; what the peer is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} ({failure})")]
pub struct Fault {
    /// The reason for the PKI message.
    pub failure: PkiFailureInfo,
    /// A sentence for whoever reads the peer's log.
    pub text: &'static str,
}

impl Fault {
    pub(crate) const fn new(failure: PkiFailureInfo, text: &'static str) -> Self {
        Self { failure, text }
    }

    /// As content of an error message.
    #[must_use]
    pub fn status(&self) -> PkiStatusInfo {
        PkiStatusInfo::rejection(self.failure, self.text)
    }
}

/// The server side of one transaction. See the [module](self).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerTransaction {
    kind: RequestKind,
    pvno: u32,
    transaction_id: Bytes,
    #[serde(with = "pki::der_serde")]
    client: GeneralName,
    #[serde(with = "pki::der_serde")]
    addressed: GeneralName,
    client_kid: Option<Bytes>,
    protection: ProtectionKind,
    /// At most one; a list because that is what serialises.
    #[serde(with = "pki::der_serde::list")]
    protection_alg: Vec<AlgorithmIdentifierOwned>,
    cert_req_id: i64,
    implicit_asked: bool,
    /// senderNonce of what came last.
    client_nonce: Option<Bytes>,
    /// senderNonces of what we sent last and before that.
    nonce: Option<Nonce>,
    nonce_before: Option<Nonce>,
    /// SHA-256 of what came last.
    last_message: [u8; 32],
    /// Whether we said waiting, so that the client may poll.
    waiting: bool,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// Nothing final was said yet.
    Open,
    /// A certificate was sent.
    Granted {
        hash: Box<ExpectedCertHash>,
        implicit: bool,
    },
    /// The client's last word is here, and waits for ours.
    Confirming,
    /// Ended by us or by the client.
    Done { confirmed: bool },
}

impl ServerTransaction {
    /// Remembers the first message of a transaction.
    ///
    /// # Errors
    /// A [`Fault`] when it is no such message, has more than one request, or no transactionID that can be kept. [`check_first`] finds these too,
    /// and more.
    pub fn open(message: &PkiMessage) -> Result<Self, Fault> {
        let (header, body) = (message.header(), message.body());
        let kind = first::kind(body)?;
        let cert_req_id = body
            .requests()
            .and_then(|requests| requests.first())
            .map_or(CertReqId::NONE, |one| one.cert_req.cert_req_id);
        Ok(Self {
            kind,
            pvno: header.pvno.0,
            transaction_id: kept(first::transaction_id(message)?),
            client: header.sender.clone(),
            addressed: header.recipient.clone(),
            client_kid: octets(header.sender_kid.as_ref()).map(kept),
            protection: ProtectionKind::announced(header.protection_alg.as_ref()),
            protection_alg: header.protection_alg.iter().cloned().collect(),
            cert_req_id: cert_req_id.0,
            implicit_asked: kind.enrolls() && has_implicit_confirm(header),
            client_nonce: octets(header.sender_nonce.as_ref())
                .filter(|nonce| nonce.len() <= LONGEST_ID)
                .map(kept),
            nonce: None,
            nonce_before: None,
            last_message: fingerprint(message),
            waiting: false,
            phase: Phase::Open,
        })
    }

    /// Whether a message is, octet for octet, the last one of this transaction. Then the answer to it was lost: send the same again, rebuilt with
    /// [`Self::nonce_sent`] or kept.
    #[must_use]
    pub fn is_repeated(&self, message: &PkiMessage) -> bool {
        self.last_message == fingerprint(message)
    }

    /// The senderNonce of our last answer, with which it is to be built again.
    #[must_use]
    pub fn nonce_sent(&self) -> Option<Nonce> {
        self.nonce
    }

    /// What was asked for.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The transactionID, as the client wrote it.
    #[must_use]
    pub fn transaction_id(&self) -> &Bytes {
        &self.transaction_id
    }

    /// The certReqId of the request; -1 for p10cr and what has none.
    #[must_use]
    pub fn cert_req_id(&self) -> CertReqId {
        CertReqId(self.cert_req_id)
    }

    /// The client's name.
    #[must_use]
    pub fn client(&self) -> &GeneralName {
        &self.client
    }

    /// Whom the client addressed: under a MAC, the name to answer with.
    #[must_use]
    pub fn addressed(&self) -> &GeneralName {
        &self.addressed
    }

    /// The client's senderKID: under a MAC the reference of the secret, which the answers bear too.
    #[must_use]
    pub fn client_kid(&self) -> Option<&Bytes> {
        self.client_kid.as_ref()
    }

    /// The kind of protection of the request, which is that of every message of the transaction.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        self.protection
    }

    /// The protectionAlg of the request: under a MAC, what the answers mirror.
    #[must_use]
    pub fn protection_alg(&self) -> Option<&AlgorithmIdentifierOwned> {
        self.protection_alg.first()
    }

    /// Whether the client asked for implicit confirmation; it may be granted or not.
    #[must_use]
    pub fn asks_implicit_confirmation(&self) -> bool {
        self.implicit_asked
    }

    /// Whether the client has said its last word: certConf or an error.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        matches!(
            self.phase,
            Phase::Confirming | Phase::Done { confirmed: true }
        )
    }

    /// Whether the certificate that was sent needs no certConf.
    #[must_use]
    pub fn is_implicitly_confirmed(&self) -> bool {
        matches!(self.phase, Phase::Granted { implicit: true, .. })
    }
}

/// Refuses a message with an error, whether or not it belongs to a transaction; the header answers the one received.
///
/// # Errors
/// When the message does not encode.
pub fn refuse(
    message: &PkiMessage,
    why: PkiStatusInfo,
    out: Outgoing,
) -> Result<Unprotected, EncodeError> {
    let header = message.header();
    let short = |octets: &&[u8]| octets.len() <= LONGEST_ID;
    let address = Address {
        // A version that is not known is answered in the highest one that is (RFC 9810 section 7).
        pvno: header.pvno.clamp(Pvno::CMP2000, Pvno::CMP2021),
        recipient: &header.sender,
        transaction_id: octets(header.transaction_id.as_ref()).filter(short),
        recip_nonce: octets(header.sender_nonce.as_ref()).filter(short),
        general_info: Vec::new(),
    };
    out.message(address, &PkiBody::Error(ErrorMsgContent::from(why)))
}

fn kept(octets: &[u8]) -> Bytes {
    Bytes::copy_from_slice(octets)
}

fn fingerprint(message: &PkiMessage) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, message.der()).as_ref());
    fingerprint
}
