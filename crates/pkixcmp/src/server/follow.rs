//! Messages that follow in a transaction: certConf, pollReq, error (RFC 9810 sections 5.3.18 and 5.3.22, RFC 9483 sections 3.5 and 4).

use super::{Fault, Phase, ServerTransaction, fingerprint, kept};
use crate::body::PkiBody;
use crate::body::confirm::{CertConfirmContent, CertStatus};
use crate::body::poll::PollReqContent;
use crate::cert_hash::ExpectedCertHash;
use crate::cert_id::CertReqId;
use crate::failure_info::PkiFailureInfo;
use crate::header::Pvno;
use crate::message::PkiMessage;
use crate::protection::ProtectionKind;
use crate::status::{PkiStatus, PkiStatusInfo};
use crate::transaction::{LONGEST_ID, octets};

/// What a following message wants.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Follow {
    /// The same message as before, octet for octet: answer as before.
    Repeated,
    /// Is there an answer now? One that was given already is given again.
    Poll,
    /// The certificate is taken. Answer with [`super::Answer::Confirmed`] when that is noted.
    Accepted,
    /// The certificate is not wanted: revoke it, then answer with [`super::Answer::Confirmed`].
    Refused(PkiStatusInfo),
    /// The client gives the transaction up; a certificate it may have got is not wanted. Answer with [`super::Answer::Confirmed`].
    Aborted(PkiStatusInfo),
}

impl ServerTransaction {
    /// Judges a message that names this transaction and is not its first.
    ///
    /// # Errors
    /// The [`Fault`] to answer with, by [`super::refuse`]; the state is as it was.
    pub fn follow(&mut self, message: &PkiMessage) -> Result<Follow, Fault> {
        if self.is_repeated(message) {
            return Ok(Follow::Repeated);
        }
        self.check_header(message)?;
        let header = message.header();
        let (follow, phase) = match message.body() {
            PkiBody::CertConf(content) => self.confirmed(content, header.pvno)?,
            PkiBody::PollReq(content) => (self.polled(content)?, self.phase.clone()),
            PkiBody::Error(content) => self.aborted(&content.pki_status_info)?,
            _ => return Err(ANOTHER),
        };
        self.phase = phase;
        self.client_nonce = octets(header.sender_nonce.as_ref()).map(kept);
        self.last_message = fingerprint(message);
        Ok(follow)
    }

    fn check_header(&self, message: &PkiMessage) -> Result<(), Fault> {
        let header = message.header();
        if octets(header.transaction_id.as_ref()) != Some(self.transaction_id.as_ref()) {
            return Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "no such transaction",
            ));
        }
        if !matches!(
            message.body(),
            PkiBody::CertConf(_) | PkiBody::PollReq(_) | PkiBody::Error(_)
        ) {
            return Err(ANOTHER);
        }
        if header.pvno != Pvno::CMP2000 && header.pvno != Pvno::CMP2021 {
            return Err(Fault::new(
                PkiFailureInfo::UNSUPPORTED_VERSION,
                "pvno has to be 2 or 3",
            ));
        }
        if ProtectionKind::announced(header.protection_alg.as_ref()) != self.protection {
            return Err(Fault::new(
                PkiFailureInfo::WRONG_INTEGRITY,
                "protection has to be of the same kind throughout a transaction",
            ));
        }
        // A client that lost our last answer to a poll and asks anew refers to the one before.
        let before = self
            .nonce_before
            .filter(|_| matches!(message.body(), PkiBody::PollReq(_)));
        let ours = |nonce: &[u8]| {
            [self.nonce, before]
                .into_iter()
                .flatten()
                .any(|ours| ours.0 == nonce)
        };
        if !octets(header.recip_nonce.as_ref()).is_some_and(ours) {
            return Err(Fault::new(
                PkiFailureInfo::BAD_RECIPIENT_NONCE,
                "recipNonce has to be the senderNonce of the last answer",
            ));
        }
        if octets(header.sender_nonce.as_ref())
            .is_some_and(|nonce| nonce.is_empty() || nonce.len() > LONGEST_ID)
        {
            return Err(Fault::new(
                PkiFailureInfo::BAD_SENDER_NONCE,
                "senderNonce has to be 16 octets",
            ));
        }
        Ok(())
    }

    fn confirmed(
        &self,
        content: &CertConfirmContent,
        pvno: Pvno,
    ) -> Result<(Follow, Phase), Fault> {
        let hash = match &self.phase {
            Phase::Granted { hash, .. } => hash,
            Phase::Confirming | Phase::Done { confirmed: true } => {
                return Err(Fault::new(
                    PkiFailureInfo::CERT_CONFIRMED,
                    "the certificate was confirmed before",
                ));
            }
            _ => {
                return Err(Fault::new(
                    PkiFailureInfo::BAD_REQUEST,
                    "there is no certificate to be confirmed",
                ));
            }
        };
        let refused = match content.as_slice() {
            // RFC 9810 section 5.3.18: an empty list refuses everything.
            [] => Some(PkiStatusInfo::rejection(PkiFailureInfo::NONE, "")),
            [one] => self.refused(one, hash, pvno)?,
            _ => {
                return Err(Fault::new(
                    PkiFailureInfo::BAD_REQUEST,
                    "there was one certificate to be confirmed",
                ));
            }
        };
        Ok((
            refused.map_or(Follow::Accepted, Follow::Refused),
            Phase::Confirming,
        ))
    }

    fn refused(
        &self,
        status: &CertStatus,
        hash: &ExpectedCertHash,
        pvno: Pvno,
    ) -> Result<Option<PkiStatusInfo>, Fault> {
        if status.cert_req_id != self.cert_req_id() {
            return Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "certReqId is not that of the answer",
            ));
        }
        // Who refuses may have nothing to hash (RFC 9810 section 5.3.18).
        let rejects = status
            .status_info
            .as_ref()
            .is_some_and(|info| info.status == PkiStatus::Rejection);
        if !(rejects && status.cert_hash.as_bytes().is_empty()) {
            hash.check(status, pvno).map_err(|failure| {
                Fault::new(failure, "certHash or hashAlg do not fit the certificate")
            })?;
        }
        match &status.status_info {
            None => Ok(None),
            Some(info) if rejects => Ok(Some(info.clone())),
            Some(info) if !info.status.is_granted() => Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "a certificate is accepted or rejected, nothing else",
            )),
            Some(info) if info.failure.is_some_and(|failure| !failure.is_empty()) => {
                Err(Fault::new(
                    PkiFailureInfo::BAD_REQUEST,
                    "failInfo does not go with acceptance",
                ))
            }
            Some(_) => Ok(None),
        }
    }

    fn polled(&self, content: &PollReqContent) -> Result<Follow, Fault> {
        let [one] = content.as_slice() else {
            return Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "there is one request to poll for",
            ));
        };
        if !self.waiting {
            return Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "there is nothing to poll for",
            ));
        }
        if one.cert_req_id != self.poll_id() {
            return Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "certReqId is not that of the waiting answer",
            ));
        }
        Ok(Follow::Poll)
    }

    fn aborted(&self, why: &PkiStatusInfo) -> Result<(Follow, Phase), Fault> {
        match self.phase {
            Phase::Done { .. } => Err(Fault::new(
                PkiFailureInfo::BAD_REQUEST,
                "the transaction is over",
            )),
            _ => Ok((Follow::Aborted(why.clone()), Phase::Confirming)),
        }
    }

    /// The certReqId that polls bear: none when the waiting began with an error message.
    pub(super) fn poll_id(&self) -> CertReqId {
        match self.phase {
            Phase::Open | Phase::Granted { .. } if self.kind.enrolls() => self.cert_req_id(),
            _ => CertReqId::NONE,
        }
    }
}

const ANOTHER: Fault = Fault::new(
    PkiFailureInfo::TRANSACTION_ID_IN_USE,
    "another message has used this transactionID",
);
