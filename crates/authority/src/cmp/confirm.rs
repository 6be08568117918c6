use jiff::Timestamp;
use pkixcmp::client::{self, Rejection, Step as Said};
use pkixcmp::{PkiBody, PkiFailureInfo, PkiStatusInfo};
use ra::{Answer, AskError, By, Progress, Sealed, Step, Verdict};

use super::CmpAuthority;
use super::advance::{step, waiting};
use super::answer::{Heard, beside_the_point, out_of_order};
use super::config::UnprotectedErrors;
use super::order::{revocation, unavailable};
use super::state::{Accept, Exchange, State, VERSION};
use crate::sealed;

/// CRLReason cessationOfOperation (RFC 5280 section 5.3.1): the certificate was never put to use.
const NEVER_USED: u8 = 5;

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
        match (sealed::open(VERSION, state)?, verdict) {
            (State::Issued { .. }, Verdict::Accept { .. }) if !answer.must_confirm => {
                step(&State::Over, Progress::Done)
            }
            (State::Issued { exchange, accept }, Verdict::Accept { .. }) => {
                self.take(exchange, accept, answer, verdict, by, now).await
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
                    .word(exchange, &client::Verdict::Reject(status), by, now)
                    .await?;
                self.say(exchange, message, answer, verdict, now).await
            }
            (State::Confirming(mut exchange), _) => {
                let heard = self.poll_once(&mut exchange, by, now).await?;
                self.said(exchange, &heard, answer, verdict, now).await
            }
            (State::Withdrawing(mut exchange), _) => {
                let heard = self.poll_once(&mut exchange, By::Ra, now).await?;
                withdrawn(exchange, &heard)
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
        answer: &Answer,
        verdict: &Verdict,
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
            let heard = self
                .exchange(&mut exchange.transaction, message, now)
                .await?;
            let too_old =
                |rejection: &Rejection| rejection.failure.contains(PkiFailureInfo::BAD_TIME);
            if !matches!(&heard.step, Said::Rejected(rejection) if too_old(rejection)) {
                return self.said(exchange, &heard, answer, verdict, now).await;
            }
        }
        let (exchange, message) = self
            .word(exchange, &client::Verdict::Accept, by, now)
            .await?;
        self.say(exchange, message, answer, verdict, now).await
    }

    /// Sends rr in a transaction of its own.
    pub(crate) async fn revoke_now(
        &self,
        body: &PkiBody,
        now: Timestamp,
    ) -> Result<(Heard, Exchange), AskError> {
        let opening = self.opening(client::Confirmation::Explicit)?;
        let hand = self.hand(opening.transaction_id, now)?;
        let sender = self.sender(None);
        let out = hand.outgoing(&sender, now).map_err(unavailable)?;
        let (transaction, message) =
            client::ClientTransaction::begin(opening, body, out).map_err(unavailable)?;
        let message = hand.protect(message).await.map_err(unavailable)?;
        let mut exchange = Exchange {
            transaction,
            endpoint: self.transport.endpoint().to_string(),
            begun: now,
            sender: sender.name,
            sender_kid: sender.kid,
            old: None,
            sent_as: None,
        };
        let heard = self
            .exchange(&mut exchange.transaction, message, now)
            .await?;
        Ok((heard, exchange))
    }

    /// certConf, made now.
    async fn word(
        &self,
        mut exchange: Exchange,
        verdict: &client::Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<(Exchange, bytes::Bytes), AskError> {
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
        message: bytes::Bytes,
        answer: &Answer,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let heard = self
            .exchange(&mut exchange.transaction, message, now)
            .await?;
        self.said(exchange, &heard, answer, verdict, now).await
    }

    async fn said(
        &self,
        exchange: Exchange,
        heard: &Heard,
        answer: &Answer,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        match &heard.step {
            Said::Confirmed => {
                tracing::info!(authority = %self.config.name, transaction = %exchange.id(), "The CA has our confirmation");
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
            Said::Rejected(rejection) => {
                self.not_confirmed(heard, rejection, answer, verdict, now)
                    .await
            }
            _ => Err(beside_the_point(
                "the CA answered a confirmation with something else",
            )),
        }
    }

    async fn not_confirmed(
        &self,
        heard: &Heard,
        rejection: &Rejection,
        answer: &Answer,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let refusal = heard.refusal(rejection);
        let ends_unprotected =
            self.config.quirks.unprotected_errors == UnprotectedErrors::EndConfirmations;
        if !heard.is_authentic(rejection) && !ends_unprotected {
            // Anyone could have said so, and believing it would make us forget a certificate.
            return Err(AskError::Unknown {
                why: refusal.detail,
            });
        }
        let confirmed_before = rejection.failure.contains(PkiFailureInfo::CERT_CONFIRMED);
        match verdict {
            // The pkiConf was lost, our word was not.
            Verdict::Accept { .. } if confirmed_before => step(&State::Over, Progress::Done),
            Verdict::Reject { .. } if confirmed_before && self.config.takes.rr => {
                self.withdraw(answer, now).await
            }
            _ => step(&State::Over, Progress::Rejected(refusal)),
        }
    }

    /// Gives back a certificate that counts already. Sent again after a lost answer this is another rr, to which the CA says
    /// that the certificate is revoked.
    async fn withdraw(&self, answer: &Answer, now: Timestamp) -> Result<Step, AskError> {
        let body = revocation(&answer.leaf.id(), NEVER_USED)?;
        let (heard, exchange) = self.revoke_now(&body, now).await?;
        withdrawn(exchange, &heard)
    }
}

fn withdrawn(exchange: Exchange, heard: &Heard) -> Result<Step, AskError> {
    match &heard.step {
        Said::Revoked { .. } => step(&State::Over, Progress::Done),
        Said::Waiting {
            check_after,
            reason,
        } => {
            let check_after = waiting(*check_after, reason, &exchange);
            step(
                &State::Withdrawing(exchange),
                Progress::Waiting { check_after },
            )
        }
        Said::Rejected(rejection) if !heard.is_authentic(rejection) => Err(AskError::Unknown {
            why: heard.refusal(rejection).detail,
        }),
        Said::Rejected(rejection) if rejection.failure.contains(PkiFailureInfo::CERT_REVOKED) => {
            step(&State::Over, Progress::Done)
        }
        Said::Rejected(rejection) => {
            step(&State::Over, Progress::Rejected(heard.refusal(rejection)))
        }
        _ => Err(beside_the_point(
            "the CA answered a revocation with something else",
        )),
    }
}
