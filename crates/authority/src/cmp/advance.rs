use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::Certificate;
use pkixcmp::client::{Issued, Rejection, Step as Heard_, Verdict};
use pkixcmp::protection::ProtectionKind;
use pkixcmp::transaction::RequestKind;
use pkixcmp::{CmpCertificate, PkiFailureInfo, PkiMessage};
use ra::{Answer, AskError, By, Progress, Sealed, Step};

use super::CmpAuthority;
use super::answer::{Heard, beside_the_point, out_of_order};
use super::config::{AnswerTrust, SignerRule, UnprotectedErrors};
use super::order::unavailable;
use super::repeat::{self, Meaning, Standing};
use super::state::{Accept, Exchange, State, VERSION};
use crate::sealed;

/// Whether the CA can have issued something when it turns us down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It answers the first message.
    First(Standing),
    /// It answers a poll.
    Polled,
}

impl CmpAuthority {
    /// Sends the request, or polls.
    pub(crate) async fn advance_from(
        &self,
        state: &Sealed,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        if let By::Forward(_) = by {
            return Err(out_of_order(
                "messages are not passed on unchanged to this CA",
            ));
        }
        match sealed::open(VERSION, state)? {
            State::Asked { exchange, request } => self.ask(exchange, request, by, now).await,
            State::Waiting(exchange) => self.poll(exchange, by, now).await,
            _ => Err(out_of_order(
                "the CA has answered this request; its certificate waits for a verdict",
            )),
        }
    }

    async fn ask(
        &self,
        mut exchange: Exchange,
        request: Bytes,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let id = exchange.transaction.transaction_id().0;
        let standing = self.tried.standing(id, exchange.begun, now);
        self.warn_of_move(&exchange);
        let heard = self
            .exchange(&mut exchange.transaction, request.clone(), now)
            .await
            .inspect_err(|error| {
                if let AskError::Unknown { .. } = error {
                    self.tried.note(id);
                }
            })?;
        match &heard.step {
            Heard_::Rejected(rejection)
                if exchange.transaction.kind() == RequestKind::Rr
                    && repeat::meaning(rejection.failure, standing, &self.config.quirks)
                        == Meaning::Lost =>
            {
                // Asking again is safe: what was revoked before is said to be.
                self.revoke_anew(&request, now).await
            }
            _ => {
                self.after(exchange, heard, Stage::First(standing), by, now)
                    .await
            }
        }
    }

    async fn poll(
        &self,
        mut exchange: Exchange,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let heard = self.poll_once(&mut exchange, by, now).await?;
        self.after(exchange, heard, Stage::Polled, by, now).await
    }

    /// One pollReq and its answer.
    pub(crate) async fn poll_once(
        &self,
        exchange: &mut Exchange,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Heard, AskError> {
        self.warn_of_move(exchange);
        let hand = self.hand_for(exchange, by, now)?;
        let out = hand
            .outgoing(&exchange.sender(), now)
            .map_err(unavailable)?;
        let message = exchange.transaction.poll(out).map_err(unavailable)?;
        let message = hand.protect(message).await.map_err(unavailable)?;
        self.exchange(&mut exchange.transaction, message, now).await
    }

    async fn after(
        &self,
        exchange: Exchange,
        heard: Heard,
        stage: Stage,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        match &heard.step {
            Heard_::Waiting {
                check_after,
                reason,
            } => {
                let check_after = waiting(*check_after, reason, &exchange);
                step(&State::Waiting(exchange), Progress::Waiting { check_after })
            }
            Heard_::Issued(issued) => self.issued(exchange, issued, by, now).await,
            Heard_::Revoked { status } => {
                tracing::info!(authority = %self.config.name, transaction = %exchange.id(), %status, "The CA revoked the certificate");
                step(&State::Over, Progress::Done)
            }
            // The poll may not have been the first to ask for the answer: what the CA has said once, and nobody heard, it does not say again.
            Heard_::Rejected(rejection)
                if stage == Stage::Polled
                    && exchange.transaction.kind().enrolls()
                    && heard.is_authentic(rejection)
                    && repeat::is_forgotten(rejection, &self.config.quirks) =>
            {
                Err(AskError::Lost {
                    why: heard.refusal(rejection).detail,
                })
            }
            Heard_::Rejected(rejection) => self.rejected(&heard, rejection, stage),
            _ => Err(beside_the_point(
                "the CA answered with something else than what was asked for",
            )),
        }
    }

    /// Which rejections end what. One that nobody vouches for ends a first request, where the CA has issued nothing that we
    /// know of; later it might make us forget a certificate.
    fn rejected(
        &self,
        heard: &Heard,
        rejection: &Rejection,
        stage: Stage,
    ) -> Result<Step, AskError> {
        let refusal = heard.refusal(rejection);
        let quirks = &self.config.quirks;
        let vouched = heard.is_authentic(rejection)
            || quirks.unprotected_errors == UnprotectedErrors::EndConfirmations;
        match stage {
            Stage::Polled if !vouched => Err(AskError::Unknown {
                why: refusal.detail,
            }),
            Stage::Polled => step(&State::Over, Progress::Rejected(refusal)),
            Stage::First(_)
                if !heard.is_authentic(rejection)
                    && quirks.unprotected_errors == UnprotectedErrors::Ignored =>
            {
                Err(AskError::Unknown {
                    why: refusal.detail,
                })
            }
            Stage::First(standing) => match repeat::meaning(rejection.failure, standing, quirks) {
                Meaning::Refused => step(&State::Over, Progress::Rejected(refusal)),
                Meaning::StillBusy => Err(AskError::Unknown {
                    why: refusal.detail,
                }),
                Meaning::Lost => Err(AskError::Lost {
                    why: refusal.detail,
                }),
            },
        }
    }

    async fn issued(
        &self,
        exchange: Exchange,
        issued: &Issued,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let leaf = Certificate::from_der(issued.certificate.der().clone()).map_err(|error| {
            AskError::Lost {
                why: format!("what the CA issued cannot be read: {error}"),
            }
        })?;
        let read = |carried: &CmpCertificate| self.known.read(carried.der()).ok();
        let mut pool: Vec<_> = issued.extra_certs.iter().filter_map(read).collect();
        let mut ca_pubs: Vec<_> = issued.ca_pubs.iter().filter_map(read).collect();
        if !self.may_name_roots(&exchange) {
            pool.append(&mut ca_pubs);
        }
        let must_confirm = !issued.implicitly_confirmed;
        tracing::info!(
            authority = %self.config.name,
            transaction = %exchange.id(),
            serial = %leaf.serial_text(),
            must_confirm,
            "The CA issued a certificate"
        );
        let sent_as = exchange
            .sent_as
            .ok_or_else(|| beside_the_point("the CA answered a revocation with a certificate"))?;
        let accept = if must_confirm {
            self.accept(&exchange, by, now).await
        } else {
            None
        };
        let answer = Answer {
            leaf,
            pool,
            ca_pubs,
            must_confirm,
            sent_as,
        };
        step(
            &State::Issued { exchange, accept },
            Progress::Issued(Box::new(answer)),
        )
    }

    /// The certConf that accepts, made now, so that it is the same however often it has to be sent; where that is not possible it
    /// is made when the verdict comes.
    async fn accept(&self, exchange: &Exchange, by: By<'_>, now: Timestamp) -> Option<Box<Accept>> {
        let mut transaction = exchange.transaction.clone();
        let hand = self.hand_for(exchange, by, now).ok()?;
        let out = hand.outgoing(&exchange.sender(), now).ok()?;
        let message = transaction.confirm(&Verdict::Accept, out).ok()?;
        let message = hand.protect(message).await.ok()?;
        Some(Box::new(Accept {
            transaction,
            message,
        }))
    }

    /// Whether caPubs of the answer are the CA's word on what to trust (RFC 9810 section 5.3.2): under a MAC, or signed by
    /// someone who may speak for the CA.
    fn may_name_roots(&self, exchange: &Exchange) -> bool {
        let signed = exchange.transaction.known_signer().is_some()
            || exchange.transaction.expects() == ProtectionKind::Signature;
        let anyone = matches!(
            self.config.trust,
            AnswerTrust::Anchors {
                signer: SignerRule::AnyBelowAnchors,
                ..
            }
        );
        !(signed && anyone)
    }

    async fn revoke_anew(&self, request: &Bytes, now: Timestamp) -> Result<Step, AskError> {
        let request = PkiMessage::decode(request.clone()).map_err(unavailable)?;
        let (heard, exchange) = self.revoke_now(request.body(), now).await?;
        match &heard.step {
            Heard_::Rejected(rejection)
                if heard.is_authentic(rejection)
                    && rejection.failure.contains(PkiFailureInfo::CERT_REVOKED) =>
            {
                step(&State::Over, Progress::Done)
            }
            _ => {
                self.after(exchange, heard, Stage::Polled, By::Ra, now)
                    .await
            }
        }
    }

    fn warn_of_move(&self, exchange: &Exchange) {
        let here = self.transport.endpoint().to_string();
        if exchange.endpoint != here {
            tracing::warn!(
                authority = %self.config.name,
                transaction = %exchange.id(),
                begun_at = %exchange.endpoint,
                endpoint = %here,
                "A transaction goes on at another URL than it began at: the CA's configuration was changed"
            );
        }
    }
}

/// Logs why the CA makes us wait, and gives how long.
pub(crate) fn waiting(check_after: u32, reason: &[String], exchange: &Exchange) -> SignedDuration {
    tracing::info!(transaction = %exchange.id(), seconds = check_after, reason = reason.join("; "), "The CA has not decided yet");
    SignedDuration::from_secs(check_after.into())
}

/// A step to this state.
pub(crate) fn step(state: &State, progress: Progress) -> Result<Step, AskError> {
    Ok(Step {
        state: sealed::seal(VERSION, state)?,
        progress,
    })
}
