//! The client side of a transaction as a value (RFC 9810 sections 5.1 to 5.3, RFC 9483): what was sent, what may come, what to send next.
//!
//! [`ClientTransaction::begin`] makes the request; [`ClientTransaction::receive`] judges each answer and gives a [`Step`];
//! [`ClientTransaction::poll`] and [`ClientTransaction::confirm`] make what follows. The state can be kept anywhere between any two of these: it
//! serialises, and who does that versions it. Protection is not done here: what goes out is an [`Unprotected`], and what comes in is handed over
//! with what its protection proved.
//!
//! ```text
//! begin → Requested ── ip/cp/kup granted ──→ Answered ── confirm → Confirming ── pkiconf → Done
//!             │ waiting        ↑                                      │ waiting
//!             └───→ Waiting ───┘  (poll, pollRep, poll, …) ←──────────┘
//!     rp, genp, any rejection → Done
//! ```

mod answer;
mod check;
mod step;

use bytes::Bytes;
use der::asn1::OctetString;
use pki::GeneralName;
use serde::{Deserialize, Serialize};

use crate::body::PkiBody;
use crate::body::confirm::CertStatus;
use crate::body::failure::ErrorMsgContent;
use crate::body::poll::PollReq;
use crate::cert_hash::CertHash;
use crate::cert_id::CertReqId;
use crate::error::EncodeError;
use crate::header::Pvno;
use crate::info::InfoTypeAndValue;
use crate::message::Unprotected;
use crate::protection::ProtectionKind;
use crate::raw::CmpCertificate;
use crate::status::PkiStatusInfo;
use crate::transaction::{Address, Nonce, Outgoing, RequestKind, TransactionId};

pub use check::{Authenticity, Mismatch};
pub use step::{Issued, Rejection, Step};

/// How a transaction begins.
#[derive(Clone, Debug)]
pub struct Opening {
    /// 128 random bits.
    pub transaction_id: TransactionId,
    /// Who is asked.
    pub recipient: GeneralName,
    /// 2, or 3 where the request has something only 3 knows (EnvelopedData).
    pub pvno: Pvno,
    /// Whether to ask that no certConf be needed.
    pub confirmation: Confirmation,
    /// More entries of generalInfo: certProfile and the like.
    pub general_info: Vec<InfoTypeAndValue>,
    /// What to bear with from this peer.
    pub tolerance: Tolerance,
}

/// Which confirmation is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// certConf and pkiConf.
    #[default]
    Explicit,
    /// None, if the CA grants it.
    Implicit,
    /// The same, asked for as ONAP's client did: an entry without the NULL that RFC 9810 section 5.1.1.1 wants in it.
    ImplicitWithoutValue,
}

/// What to bear with from a peer that does not keep to the RFCs, and bounds on what it may ask of us. The default bears with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// A cp that answers p10cr names certReqId 0 instead of -1 (Nokia NCM, EJBCA).
    pub p10cr_answered_as_zero: bool,
    /// An error is of pvno 1 (old servers).
    pub version_1_in_errors: bool,
    /// An error bears no protection (EJBCA and many more). It is passed on as not authenticated and does not end the transaction.
    pub unprotected_errors: bool,
    /// An unprotected error lacks transactionID or recipNonce.
    pub unprotected_errors_without_ids: bool,
    /// A request with a MAC is answered with a signature (EJBCA's default).
    pub signature_answers_mac: bool,
    /// A signed request is answered with a MAC, over a secret that is shared besides (EJBCA by configuration).
    pub mac_answers_signature: bool,
    /// Seconds to the next poll: at least and at most this many, whatever the peer says.
    pub check_after: (u32, u32),
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            p10cr_answered_as_zero: false,
            version_1_in_errors: false,
            unprotected_errors: false,
            unprotected_errors_without_ids: false,
            signature_answers_mac: false,
            mac_answers_signature: false,
            check_after: (1, 86_400),
        }
    }
}

/// The client side of one transaction. See the [module](self).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientTransaction {
    kind: RequestKind,
    transaction_id: TransactionId,
    #[serde(with = "pki::der_serde")]
    recipient: GeneralName,
    pvno: u32,
    cert_req_id: i64,
    implicit_asked: bool,
    protection: ProtectionKind,
    tolerance: Tolerance,
    /// senderNonce of what we sent last.
    nonce: Nonce,
    /// senderNonce of what is being polled for; a final answer may refer to it (RFC 9483 section 4.4).
    polled_nonce: Option<Nonce>,
    /// senderNonce of what came last.
    peer_nonce: Option<Bytes>,
    /// Who signed what came last.
    signer: Option<Bytes>,
    phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    Requested,
    Waiting {
        poll_id: i64,
        awaiting_confirmation: bool,
    },
    Answered {
        cert_req_id: i64,
        hash: CertHash,
    },
    Confirming,
    Done,
}

impl ClientTransaction {
    /// Makes the request: ir, cr, kur or rr with exactly one entry, p10cr, or genm.
    ///
    /// # Errors
    /// [`ClientError::Body`] for another body or number of entries, [`ClientError::Encode`] when it does not encode.
    pub fn begin(
        opening: Opening,
        body: &PkiBody,
        out: Outgoing,
    ) -> Result<(Self, Unprotected), ClientError> {
        let kind = RequestKind::of(body).ok_or(ClientError::Body)?;
        let cert_req_id = match (body, body.requests()) {
            (_, Some(requests)) => match requests.as_slice() {
                [one] => one.cert_req.cert_req_id,
                _ => return Err(ClientError::Body),
            },
            (PkiBody::Rr(revocations), _) if revocations.len() != 1 => {
                return Err(ClientError::Body);
            }
            _ => CertReqId::NONE,
        };
        let asked = kind
            .enrolls()
            .then_some(opening.confirmation)
            .and_then(asking);
        let transaction = Self {
            kind,
            transaction_id: opening.transaction_id,
            recipient: opening.recipient,
            pvno: opening.pvno.0,
            cert_req_id: cert_req_id.0,
            implicit_asked: asked.is_some(),
            protection: ProtectionKind::announced(out.protection_alg.as_ref()),
            tolerance: opening.tolerance,
            nonce: out.sender_nonce,
            polled_nonce: None,
            peer_nonce: None,
            signer: None,
            phase: Phase::Requested,
        };
        let general_info = asked.into_iter().chain(opening.general_info).collect();
        let message = transaction.message(body, general_info, opening.pvno, out)?;
        Ok((transaction, message))
    }

    /// Asks whether there is an answer now. Allowed after [`Step::Waiting`].
    ///
    /// # Errors
    /// [`ClientError::Phase`] at any other time.
    pub fn poll(&mut self, out: Outgoing) -> Result<Unprotected, ClientError> {
        let Phase::Waiting { poll_id, .. } = self.phase else {
            return Err(ClientError::Phase { wanted: "waiting" });
        };
        let body = PkiBody::PollReq(
            [PollReq {
                cert_req_id: CertReqId(poll_id),
            }]
            .into(),
        );
        self.follow(&body, Pvno(self.pvno), out)
    }

    /// Says whether the certificate is taken. Allowed after [`Step::Issued`], also after one that was confirmed implicitly, where a
    /// refusal has still to be told; [`Step::Confirmed`] follows.
    ///
    /// # Errors
    /// [`ClientError::Phase`] at any other time.
    pub fn confirm(
        &mut self,
        verdict: &Verdict,
        out: Outgoing,
    ) -> Result<Unprotected, ClientError> {
        let Phase::Answered { cert_req_id, hash } = &self.phase else {
            return Err(ClientError::Phase { wanted: "answered" });
        };
        let status = CertStatus {
            cert_hash: OctetString::new(hash.digest.as_ref())
                .map_err(|error| EncodeError::new("certConf", error))?,
            cert_req_id: CertReqId(*cert_req_id),
            // Absent would mean accepted too, but some servers want to read it.
            status_info: Some(match verdict {
                Verdict::Accept => PkiStatusInfo::accepted(),
                Verdict::Reject(why) => why.clone(),
            }),
            hash_alg: hash.hash_alg(),
        };
        let pvno = if hash.names_its_algorithm {
            Pvno::CMP2021
        } else {
            Pvno(self.pvno)
        };
        let message = self.follow(&PkiBody::CertConf([status].into()), pvno, out)?;
        self.phase = Phase::Confirming;
        self.polled_nonce = None;
        Ok(message)
    }

    /// Tells the peer that its answer is not acceptable and that the transaction ends here; it answers with pkiConf, or not at all.
    ///
    /// # Errors
    /// [`ClientError::Phase`] when the transaction is over, or nothing was received yet that could be complained about.
    pub fn abort(&mut self, why: PkiStatusInfo, out: Outgoing) -> Result<Unprotected, ClientError> {
        if self.is_done() || self.peer_nonce.is_none() {
            return Err(ClientError::Phase {
                wanted: "one with an answer to complain about",
            });
        }
        let message = self.follow(
            &PkiBody::Error(ErrorMsgContent::from(why)),
            Pvno(self.pvno),
            out,
        )?;
        self.phase = Phase::Confirming;
        self.polled_nonce = None;
        Ok(message)
    }

    /// The kind of protection answers have to bear: the one of the request.
    #[must_use]
    pub fn expects(&self) -> ProtectionKind {
        self.protection
    }

    /// Whether an answer may bear this kind: [`Self::expects`], or what [`Tolerance`] adds.
    #[must_use]
    pub fn accepts(&self, kind: ProtectionKind) -> bool {
        kind == self.protection
            || (self.tolerance.signature_answers_mac
                && self.protection == ProtectionKind::Mac
                && kind == ProtectionKind::Signature)
            || (self.tolerance.mac_answers_signature
                && self.protection == ProtectionKind::Signature
                && kind == ProtectionKind::Mac)
    }

    /// The certificate whose key signed the last answer that was believed. A server may leave it out of later messages (Nokia NCM's
    /// pkiConf has neither extraCerts nor senderKID): try this one then.
    #[must_use]
    pub fn known_signer(&self) -> Option<CmpCertificate> {
        self.signer
            .clone()
            .and_then(|der| CmpCertificate::from_der(der).ok())
    }

    /// What was asked for.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The transactionID.
    #[must_use]
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// Whether nothing more is to be sent or received.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Whether the answer has to be polled for.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    fn follow(
        &mut self,
        body: &PkiBody,
        pvno: Pvno,
        out: Outgoing,
    ) -> Result<Unprotected, ClientError> {
        let nonce = out.sender_nonce;
        let message = self.message(body, Vec::new(), pvno, out)?;
        self.nonce = nonce;
        Ok(message)
    }

    fn message(
        &self,
        body: &PkiBody,
        general_info: Vec<InfoTypeAndValue>,
        pvno: Pvno,
        out: Outgoing,
    ) -> Result<Unprotected, ClientError> {
        let address = Address {
            pvno,
            recipient: &self.recipient,
            transaction_id: Some(&self.transaction_id.0),
            recip_nonce: self.peer_nonce.as_deref(),
            general_info,
        };
        out.message(address, body).map_err(ClientError::Encode)
    }
}

/// What the client says about a certificate it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken.
    Accept,
    /// Not taken; the CA revokes it.
    Reject(PkiStatusInfo),
}

/// A message could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The body opens no transaction, or does not have exactly one request.
    #[error(
        "a transaction begins with an ir, cr, kur or rr with exactly one request, a p10cr, or a genm"
    )]
    Body,
    /// The transaction is in another phase.
    #[error("the transaction is not {wanted}")]
    Phase {
        /// The phase this is allowed in.
        wanted: &'static str,
    },
    /// The message does not encode.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

fn asking(confirmation: Confirmation) -> Option<InfoTypeAndValue> {
    match confirmation {
        Confirmation::Explicit => None,
        Confirmation::Implicit => Some(InfoTypeAndValue::implicit_confirm()),
        Confirmation::ImplicitWithoutValue => {
            Some(InfoTypeAndValue::implicit_confirm_without_value())
        }
    }
}
