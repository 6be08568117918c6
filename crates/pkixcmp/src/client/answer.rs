//! What the body of an answer says.

use super::{Authenticity, ClientTransaction, Issued, Mismatch, Phase, Rejection, Step, check};
use crate::body::PkiBody;
use crate::body::enroll::{CertOrEncCert, CertRepMessage, CertResponse};
use crate::body::failure::ErrorMsgContent;
use crate::body::poll::PollRepContent;
use crate::body::revoke::RevRepContent;
use crate::cert_hash::CertHash;
use crate::cert_id::CertReqId;
use crate::list::FreeText;
use crate::message::PkiMessage;
use crate::status::{PkiStatus, PkiStatusInfo, displayable};
use crate::transaction::{RequestKind, confirm_wait_until, has_implicit_confirm};

/// Most texts of one answer that are passed on.
const TEXTS: usize = 8;

impl ClientTransaction {
    /// Judges an answer and moves on.
    ///
    /// An error that nothing authenticates becomes [`Step::Rejected`] where [`super::Tolerance`] allows it, and leaves the state as it was.
    ///
    /// # Errors
    /// [`Mismatch`] when it is not an answer to this transaction; the state is as it was.
    pub fn receive(
        &mut self,
        message: &PkiMessage,
        authenticity: Authenticity,
    ) -> Result<Step, Mismatch> {
        if matches!(self.phase, Phase::Done | Phase::Answered { .. }) {
            return Err(Mismatch::Over);
        }
        check::header(self, message, &authenticity)?;
        if let (PkiBody::Error(error), Authenticity::Unproven) = (message.body(), &authenticity) {
            return Ok(Step::Rejected(rejection(error, false)));
        }
        let mut next = self.clone();
        check::learn(&mut next, message, authenticity);
        let step = next.judge(message)?;
        *self = next;
        Ok(step)
    }

    fn judge(&mut self, message: &PkiMessage) -> Result<Step, Mismatch> {
        let confirming = match self.phase {
            Phase::Waiting {
                awaiting_confirmation,
                ..
            } => awaiting_confirmation,
            Phase::Confirming => true,
            _ => false,
        };
        match message.body() {
            PkiBody::Error(error) if error.pki_status_info.status == PkiStatus::Waiting => Ok(self
                .wait(
                    CertReqId::NONE,
                    confirming,
                    error.pki_status_info.texts_for_display(),
                )),
            PkiBody::Error(error) => {
                self.phase = Phase::Done;
                Ok(Step::Rejected(rejection(error, true)))
            }
            PkiBody::PollRep(poll) => self.poll_again(poll),
            PkiBody::Pkiconf if confirming => {
                self.phase = Phase::Done;
                Ok(Step::Confirmed)
            }
            body if !confirming && self.kind.is_answered_by(body) => match body {
                PkiBody::Rp(revoked) => self.revoked(revoked),
                PkiBody::Genp(infos) => {
                    self.phase = Phase::Done;
                    Ok(Step::Support(infos.clone()))
                }
                body => self.certified(message, body.responses()),
            },
            body => Err(Mismatch::Body {
                found: body.name(),
                expected: check::expected(self),
            }),
        }
    }

    fn certified(
        &mut self,
        message: &PkiMessage,
        content: Option<&CertRepMessage>,
    ) -> Result<Step, Mismatch> {
        let content = content.ok_or(Mismatch::Count { found: 0 })?;
        let [response] = content.response.as_slice() else {
            return Err(Mismatch::Count {
                found: content.response.len(),
            });
        };
        self.check_id(response.cert_req_id)?;
        match response.status.status {
            PkiStatus::Accepted | PkiStatus::GrantedWithMods => {
                self.issued(message, content, response)
            }
            _ if response.certified_key_pair.is_some() => Err(Mismatch::Contradiction(
                "a certificate without being granted",
            )),
            PkiStatus::Waiting => Ok(self.wait(
                response.cert_req_id,
                false,
                response.status.texts_for_display(),
            )),
            PkiStatus::Rejection => Ok(self.rejected(&response.status)),
            _ => Err(Mismatch::Contradiction(
                "a status that no request for a certificate can have",
            )),
        }
    }

    fn issued(
        &mut self,
        message: &PkiMessage,
        content: &CertRepMessage,
        response: &CertResponse,
    ) -> Result<Step, Mismatch> {
        let certificate = match response
            .certified_key_pair
            .as_ref()
            .map(|pair| &pair.cert_or_enc_cert)
        {
            Some(CertOrEncCert::Certificate(certificate)) => certificate.clone(),
            Some(CertOrEncCert::EncryptedCert(_)) => return Err(Mismatch::Encrypted),
            None => return Err(Mismatch::Contradiction("granted without a certificate")),
        };
        let hash = CertHash::of(&certificate).map_err(|_| Mismatch::Certificate)?;
        self.phase = Phase::Answered {
            cert_req_id: response.cert_req_id.0,
            hash,
        };
        self.polled_nonce = None;
        let ca_pubs = content
            .ca_pubs
            .as_ref()
            .map(|list| list.to_vec())
            .unwrap_or_default();
        Ok(Step::Issued(Box::new(Issued {
            certificate,
            status: response.status.clone(),
            ca_pubs,
            extra_certs: message.extra_certs().to_vec(),
            implicitly_confirmed: self.implicit_asked && has_implicit_confirm(message.header()),
            confirm_until: confirm_wait_until(message.header()),
        })))
    }

    fn revoked(&mut self, content: &RevRepContent) -> Result<Step, Mismatch> {
        let [info] = content.status.as_slice() else {
            return Err(Mismatch::Count {
                found: content.status.len(),
            });
        };
        match info.status {
            PkiStatus::Waiting => Ok(self.wait(CertReqId::NONE, false, info.texts_for_display())),
            PkiStatus::Rejection => Ok(self.rejected(info)),
            PkiStatus::KeyUpdateWarning => Err(Mismatch::Contradiction(
                "a status that no revocation can have",
            )),
            status => {
                self.phase = Phase::Done;
                Ok(Step::Revoked { status })
            }
        }
    }

    fn rejected(&mut self, info: &PkiStatusInfo) -> Step {
        self.phase = Phase::Done;
        Step::Rejected(Rejection {
            texts: info.texts_for_display(),
            failure: info.failure.unwrap_or_default(),
            of_message: false,
            authenticated: true,
        })
    }

    /// pollRep: still nothing.
    fn poll_again(&mut self, content: &PollRepContent) -> Result<Step, Mismatch> {
        let Phase::Waiting { poll_id, .. } = self.phase else {
            return Err(Mismatch::Body {
                found: "pollRep",
                expected: check::expected(self),
            });
        };
        let [entry] = content.as_slice() else {
            return Err(Mismatch::Count {
                found: content.len(),
            });
        };
        if entry.cert_req_id.0 != poll_id {
            return Err(Mismatch::CertReqId {
                found: entry.cert_req_id.0,
                expected: poll_id,
            });
        }
        let seconds = entry.check_after_seconds().unwrap_or(u64::MAX);
        Ok(Step::Waiting {
            check_after: self.bounded(seconds),
            reason: texts(entry.reason.as_ref()),
        })
    }

    fn wait(
        &mut self,
        poll_id: CertReqId,
        awaiting_confirmation: bool,
        reason: Vec<String>,
    ) -> Step {
        self.polled_nonce.get_or_insert(self.nonce);
        self.phase = Phase::Waiting {
            poll_id: poll_id.0,
            awaiting_confirmation,
        };
        Step::Waiting {
            check_after: self.bounded(0),
            reason,
        }
    }

    fn bounded(&self, seconds: u64) -> u32 {
        let (least, most) = self.tolerance.check_after;
        u32::try_from(seconds)
            .unwrap_or(u32::MAX)
            .max(least)
            .min(most)
    }

    fn check_id(&self, found: CertReqId) -> Result<(), Mismatch> {
        let zero_for_p10cr = self.kind == RequestKind::P10cr
            && self.tolerance.p10cr_answered_as_zero
            && found == CertReqId::FIRST;
        if found.0 == self.cert_req_id || zero_for_p10cr {
            return Ok(());
        }
        Err(Mismatch::CertReqId {
            found: found.0,
            expected: self.cert_req_id,
        })
    }
}

fn rejection(error: &ErrorMsgContent, authenticated: bool) -> Rejection {
    let mut all = error.pki_status_info.texts_for_display();
    all.extend(texts(error.error_details.as_ref()));
    all.truncate(TEXTS);
    Rejection {
        texts: all,
        failure: error.pki_status_info.failure.unwrap_or_default(),
        of_message: true,
        authenticated,
    }
}

fn texts(of: Option<&FreeText>) -> Vec<String> {
    of.into_iter()
        .flat_map(|list| list.iter())
        .map(|text| displayable(text))
        .filter(|text| !text.is_empty())
        .take(TEXTS)
        .collect()
}
