//! The answers.

use der::asn1::Int;
use der::{Decode, Encode};
use jiff::Timestamp;

use super::{Phase, ServerTransaction};
use crate::body::PkiBody;
use crate::body::enroll::{CertOrEncCert, CertRepMessage, CertResponse, CertifiedKeyPair};
use crate::body::failure::ErrorMsgContent;
use crate::body::poll::PollRep;
use crate::body::revoke::RevRepContent;
use crate::cert_hash::{ExpectedCertHash, NoSignatureAlgorithm};
use crate::cert_id::CertId;
use crate::error::EncodeError;
use crate::header::Pvno;
use crate::info::{InfoTypeAndValue, Infos};
use crate::list::List;
use crate::message::Unprotected;
use crate::raw::CmpCertificate;
use crate::status::{PkiStatus, PkiStatusInfo};
use crate::transaction::{Address, Outgoing, RequestKind};

/// What the server has to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The certificate: ip, cp or kup.
    Granted(Box<Granted>),
    /// No: ip, cp, kup or rp with the status rejection, an error for genm.
    Rejected(PkiStatusInfo),
    /// Not yet, as first answer: ip, cp or kup with the status waiting, an error with it for everything else (RFC 9483 section 4.4).
    Waiting {
        /// What the client's log may say about it; nothing when empty.
        text: String,
    },
    /// Not yet, as answer to a pollReq.
    CheckAfter {
        /// Seconds until it is worth asking again.
        seconds: u32,
        /// What the client's log may say about it.
        reason: Option<String>,
    },
    /// The certificate is revoked: rp.
    Revoked {
        /// accepted, grantedWithMods, revocationWarning or revocationNotification.
        status: PkiStatusInfo,
        /// The certificate, if it is to be named.
        certificate: Option<Box<CertId>>,
    },
    /// What a genm asked for: genp.
    Support(Infos),
    /// The client's last word is noted: pkiconf.
    Confirmed,
    /// The transaction ends here, for a reason that is not in the request.
    Error(PkiStatusInfo),
}

/// A certificate for the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Granted {
    /// The certificate.
    pub certificate: CmpCertificate,
    /// Whether it is just what was asked for: accepted or grantedWithMods.
    pub status: PkiStatusInfo,
    /// Certificates offered as trust anchors; they go into an ip only (RFC 9810 section 5.3.4) and are left out elsewhere.
    pub ca_pubs: Vec<CmpCertificate>,
    /// Which confirmation is needed.
    pub release: Release,
}

/// Which confirmation a certificate needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// None: implicitConfirm is granted if the client asked for it; otherwise certConf is expected after all.
    Implicit,
    /// certConf, until then.
    ConfirmUntil(Timestamp),
    /// certConf, at no stated time.
    Confirm,
}

impl ServerTransaction {
    /// Makes an answer. Its header answers the message that came last; who repeats an answer passes [`ServerTransaction::nonce_sent`].
    ///
    /// # Errors
    /// [`AnswerError::Unfit`] for an answer that does not fit the request or the state of the transaction; the other cases when it cannot be made.
    /// The state is as it was.
    pub fn answer(&mut self, answer: &Answer, out: Outgoing) -> Result<Unprotected, AnswerError> {
        let (body, phase) = self.body(answer)?;
        let address = Address {
            pvno: Pvno(self.pvno),
            recipient: &self.client,
            transaction_id: Some(&self.transaction_id),
            recip_nonce: self.client_nonce.as_deref(),
            general_info: self.general_info(answer)?,
        };
        let nonce = out.sender_nonce;
        let message = out.message(address, &body)?;
        if self.nonce != Some(nonce) {
            self.nonce_before = self.nonce.replace(nonce);
        }
        self.phase = phase;
        self.waiting |= matches!(answer, Answer::Waiting { .. });
        Ok(message)
    }

    fn body(&self, answer: &Answer) -> Result<(PkiBody, Phase), AnswerError> {
        let confirming = matches!(self.phase, Phase::Confirming);
        let done = || Phase::Done { confirmed: false };
        Ok(match (answer, self.kind) {
            (Answer::Confirmed, _) if confirming || self.is_confirmed() => {
                (PkiBody::Pkiconf, Phase::Done { confirmed: true })
            }
            (Answer::Confirmed, _) => {
                return Err(AnswerError::Unfit(
                    "pkiconf without certConf or error before",
                ));
            }
            (Answer::CheckAfter { seconds, reason }, _) if self.waiting => {
                (self.poll_rep(*seconds, reason.clone())?, self.phase.clone())
            }
            (Answer::CheckAfter { .. }, _) => {
                return Err(AnswerError::Unfit("pollRep without having said waiting"));
            }
            (Answer::Waiting { text }, _) if confirming => {
                (error(waiting(text)), self.phase.clone())
            }
            (Answer::Error(status), _) => (error(status.clone()), done()),
            _ if self.is_confirmed() => {
                return Err(AnswerError::Unfit("the client has said its last word"));
            }
            (Answer::Waiting { text }, kind) if kind.enrolls() => (
                self.certificates(None, waiting(text), Vec::new()),
                Phase::Open,
            ),
            (Answer::Waiting { text }, _) => (error(waiting(text)), Phase::Open),
            (Answer::Granted(granted), kind)
                if kind.enrolls() && granted.status.status.is_granted() =>
            {
                let hash = Box::new(ExpectedCertHash::of(&granted.certificate)?);
                (
                    self.granted(granted),
                    Phase::Granted {
                        hash,
                        implicit: self.releases(granted.release),
                    },
                )
            }
            (Answer::Rejected(status), _) if status.status != PkiStatus::Rejection => {
                return Err(AnswerError::Unfit("a rejection with another status"));
            }
            (Answer::Rejected(status), RequestKind::Genm) => (error(status.clone()), done()),
            (Answer::Rejected(status), RequestKind::Rr) => {
                (revocation(status.clone(), None), done())
            }
            (Answer::Rejected(status), _) => {
                (self.certificates(None, status.clone(), Vec::new()), done())
            }
            (
                Answer::Revoked {
                    status,
                    certificate,
                },
                RequestKind::Rr,
            ) => (
                revocation(status.clone(), certificate.as_deref().cloned()),
                done(),
            ),
            (Answer::Support(infos), RequestKind::Genm) => (PkiBody::Genp(infos.clone()), done()),
            _ => {
                return Err(AnswerError::Unfit(
                    "the request was of another kind, or the status says otherwise",
                ));
            }
        })
    }

    fn granted(&self, granted: &Granted) -> PkiBody {
        let pair = CertifiedKeyPair {
            cert_or_enc_cert: CertOrEncCert::Certificate(granted.certificate.clone()),
            private_key: None,
            publication_info: None,
        };
        let ca_pubs = if self.kind == RequestKind::Ir {
            granted.ca_pubs.clone()
        } else {
            Vec::new()
        };
        self.certificates(Some(pair), granted.status.clone(), ca_pubs)
    }

    fn certificates(
        &self,
        certified_key_pair: Option<CertifiedKeyPair>,
        status: PkiStatusInfo,
        ca_pubs: Vec<CmpCertificate>,
    ) -> PkiBody {
        let response = CertResponse {
            cert_req_id: self.cert_req_id(),
            status,
            certified_key_pair,
            rsp_info: None,
        };
        let ca_pubs = (!ca_pubs.is_empty()).then(|| ca_pubs.into());
        let content = CertRepMessage {
            ca_pubs,
            response: List::from([response]),
        };
        match self.kind {
            RequestKind::Ir => PkiBody::Ip(content),
            RequestKind::Kur => PkiBody::Kup(content),
            _ => PkiBody::Cp(content),
        }
    }

    fn poll_rep(&self, seconds: u32, reason: Option<String>) -> Result<PkiBody, EncodeError> {
        let check_after = seconds
            .to_der()
            .and_then(|der| Int::from_der(&der))
            .map_err(|error| EncodeError::new("pollRep", error))?;
        let entry = PollRep {
            cert_req_id: self.poll_id(),
            check_after,
            reason: reason.map(|text| List::from([text])),
        };
        Ok(PkiBody::PollRep(List::from([entry])))
    }

    fn releases(&self, release: Release) -> bool {
        release == Release::Implicit && self.implicit_asked
    }

    fn general_info(&self, answer: &Answer) -> Result<Vec<InfoTypeAndValue>, EncodeError> {
        let Answer::Granted(granted) = answer else {
            return Ok(Vec::new());
        };
        Ok(match granted.release {
            release if self.releases(release) => vec![InfoTypeAndValue::implicit_confirm()],
            Release::ConfirmUntil(until) => vec![InfoTypeAndValue::confirm_wait_time(until)?],
            Release::Implicit | Release::Confirm => Vec::new(),
        })
    }
}

fn error(status: PkiStatusInfo) -> PkiBody {
    PkiBody::Error(ErrorMsgContent::from(status))
}

fn waiting(text: &str) -> PkiStatusInfo {
    let texts = if text.is_empty() {
        Vec::new()
    } else {
        vec![text.to_owned()]
    };
    PkiStatusInfo {
        texts,
        ..PkiStatusInfo::waiting()
    }
}

fn revocation(status: PkiStatusInfo, certificate: Option<CertId>) -> PkiBody {
    PkiBody::Rp(RevRepContent {
        status: List::from([status]),
        rev_certs: certificate.map(|id| List::from([id])),
        crls: None,
    })
}

/// An answer was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It does not fit the request or the state of the transaction.
    #[error("this answer does not fit: {0}")]
    Unfit(&'static str),
    /// The certificate is not readable.
    #[error(transparent)]
    Certificate(#[from] NoSignatureAlgorithm),
    /// It does not encode.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
