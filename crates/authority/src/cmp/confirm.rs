use bytes::Bytes;
use jiff::Timestamp;
use pkixcmp::client::{self, Rejection, Step as Said};
use pkixcmp::{PkiFailureInfo, PkiMessage, PkiStatusInfo};
use ra::{Answer, AskError, By, Progress, Refusal, RefusalKind, Sealed, Step, Verdict};

use super::CmpAuthority;
use super::advance::{step, waiting};
use super::answer::{Heard, beside_the_point, out_of_order};
use super::config::UnprotectedErrors;
use super::order::unavailable;
use super::state::{Accept, Exchange, State, VERSION};
use super::withdraw::{taken_back, withdrawn};
use crate::sealed;

/// Our word on a certificate.
#[derive(Clone, Copy)]
struct Word<'a> {
    answer: &'a Answer,
    verdict: &'a Verdict,
    /// Whether the CA may have heard it before, and have acted on it.
    is_repeat: bool,
}

impl CmpAuthority {
    /// Tells the CA the verdict: by certConf where it waits for one, by rr where it has to take back what it confirmed itself.
    pub(crate) async fn confirm_from(
        &self,
        state: &Sealed,
        answer: &Answer,
        verdict: &Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        if let By::Forward(_) = by {
            return Err(out_of_order(
                "messages are not passed on unchanged to this CA",
            ));
        }
        let word = |is_repeat| Word {
            answer,
            verdict,
            is_repeat,
        };
        match (sealed::open(VERSION, state)?, verdict) {
            (State::Issued { .. }, Verdict::Accept { .. }) if !answer.must_confirm => {
                step(&State::Over, Progress::Done)
            }
            (State::Issued { exchange, accept }, Verdict::Accept { .. }) => {
                let word = word(self.may_have_said(&exchange, accept.as_deref(), now));
                self.take(exchange, accept, word, by, now).await
            }
            (State::Issued { .. }, Verdict::Reject { .. })
                if !answer.must_confirm && self.config.takes.rr =>
            {
                self.withdraw(answer, now).await
            }
            (State::Issued { exchange, .. }, Verdict::Reject { why, .. }) => {
                let status =
                    PkiStatusInfo::rejection(PkiFailureInfo::INCORRECT_DATA, why.detail.clone());
                let (exchange, message) = self
                    .cert_conf(exchange, &client::Verdict::Reject(status), by, now)
                    .await?;
                self.say(exchange, message, word(false), now).await
            }
            (State::Confirming(mut exchange), _) => {
                let heard = self.poll_once(&mut exchange, by, now).await?;
                self.said(exchange, &heard, word(true), now).await
            }
            (State::Withdrawing(mut exchange), _) => {
                let heard = self.poll_once(&mut exchange, By::Ra, now).await?;
                withdrawn(exchange, &heard)
            }
            (State::TakingBack { mut exchange, why }, _) => {
                let heard = self.poll_once(&mut exchange, By::Ra, now).await?;
                taken_back(exchange, &heard, answer, why)
            }
            (State::Asked { .. } | State::Waiting(_), _) => Err(out_of_order(
                "the CA has issued nothing to be confirmed yet",
            )),
            (State::Over, _) => Err(out_of_order("this transaction is over")),
        }
    }

    /// Sends the certConf that was made with the certificate, as it is: a CA that has heard it can know it again. One that finds
    /// it too old gets a new one.
    async fn take(
        &self,
        exchange: Exchange,
        accept: Option<Box<Accept>>,
        word: Word<'_>,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        if let Some(accept) = accept {
            let Accept {
                transaction,
                message,
            } = *accept;
            let mut exchange = Exchange {
                transaction,
                ..exchange.clone()
            };
            let heard = self.told(&mut exchange, message, now).await?;
            let too_old =
                |rejection: &Rejection| rejection.failure.contains(PkiFailureInfo::BAD_TIME);
            if !matches!(&heard.step, Said::Rejected(rejection) if too_old(rejection)) {
                return self.said(exchange, &heard, word, now).await;
            }
        }
        let (exchange, message) = self
            .cert_conf(exchange, &client::Verdict::Accept, by, now)
            .await?;
        self.say(exchange, message, word, now).await
    }

    /// Whether the certConf that accepts may have reached the CA before: sent by this process without an answer, or made so long ago
    /// that another may have sent it. One that is made anew each time does not show its age.
    fn may_have_said(&self, exchange: &Exchange, accept: Option<&Accept>, now: Timestamp) -> bool {
        let id = exchange.transaction.transaction_id().0;
        let made_at = accept.and_then(Accept::made_at);
        made_at.is_none_or(|made_at| self.told.standing(id, made_at, now).is_repeat)
    }

    /// Sends a certConf, and remembers when there is no answer to it.
    async fn told(
        &self,
        exchange: &mut Exchange,
        message: Bytes,
        now: Timestamp,
    ) -> Result<Heard, AskError> {
        let id = exchange.transaction.transaction_id().0;
        let heard = self.exchange(&mut exchange.transaction, message, now).await;
        heard.inspect_err(|error| {
            if let AskError::Unknown { .. } = error {
                self.told.note(id);
            }
        })
    }

    /// certConf, made now.
    async fn cert_conf(
        &self,
        mut exchange: Exchange,
        verdict: &client::Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<(Exchange, Bytes), AskError> {
        let hand = self.hand_for(&exchange, by, now)?;
        let out = hand
            .outgoing(&exchange.sender(), now)
            .map_err(unavailable)?;
        let message = exchange
            .transaction
            .confirm(verdict, out)
            .map_err(unavailable)?;
        let message = hand.protect(message).await.map_err(unavailable)?;
        Ok((exchange, message))
    }

    async fn say(
        &self,
        mut exchange: Exchange,
        message: Bytes,
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let heard = self.told(&mut exchange, message, now).await?;
        self.said(exchange, &heard, word, now).await
    }

    async fn said(
        &self,
        exchange: Exchange,
        heard: &Heard,
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        match &heard.step {
            Said::Confirmed => {
                tracing::debug!(authority = %self.config.name, transaction = %exchange.id(), "The CA has our confirmation");
                step(&State::Over, Progress::Done)
            }
            Said::Waiting {
                check_after,
                reason,
            } => {
                let check_after = waiting(*check_after, reason, &exchange);
                step(
                    &State::Confirming(exchange),
                    Progress::Waiting { check_after },
                )
            }
            Said::Rejected(rejection) => self.not_confirmed(heard, rejection, word, now).await,
            _ => Err(beside_the_point(
                "the CA answered a confirmation with something else",
            )),
        }
    }

    async fn not_confirmed(
        &self,
        heard: &Heard,
        rejection: &Rejection,
        word: Word<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        // Whatever the CA finds wrong, to whoever asked it means that the certificate was given back.
        let refusal = Refusal {
            kind: RefusalKind::NotConfirmed,
            ..heard.refusal(rejection)
        };
        let ends_unprotected =
            self.config.quirks.unprotected_errors == UnprotectedErrors::EndConfirmations;
        if !heard.is_authentic(rejection) && !ends_unprotected {
            // Anyone could have said so, and believing it would make us forget a certificate.
            return Err(AskError::Unknown {
                why: refusal.detail,
            });
        }
        let confirmed_before = rejection.failure.contains(PkiFailureInfo::CERT_CONFIRMED);
        match word.verdict {
            // The pkiConf was lost, our word was not.
            Verdict::Accept { .. } if confirmed_before => step(&State::Over, Progress::Done),
            // It may have counted the certificate when it heard us first, and have forgotten that since.
            Verdict::Accept { .. } if word.is_repeat => {
                self.take_back(word.answer, refusal, now).await
            }
            Verdict::Reject { .. } if confirmed_before && self.config.takes.rr => {
                self.withdraw(word.answer, now).await
            }
            _ => step(&State::Over, Progress::Rejected(refusal)),
        }
    }
}

impl Accept {
    /// When it was made.
    fn made_at(&self) -> Option<Timestamp> {
        let header = PkiMessage::header_of(&self.message).ok()?;
        Some(header.message_time.as_ref()?.timestamp())
    }
}
