//! Taking back by rr what may count at the CA.

use jiff::Timestamp;
use pkixcmp::client::{self, Step as Said};
use pkixcmp::{PkiBody, PkiFailureInfo};
use ra::{Answer, AskError, Progress, Refusal, Step};

use super::CmpAuthority;
use super::advance::{step, waiting};
use super::answer::{Heard, beside_the_point};
use super::order::{revocation, unavailable};
use super::state::{Exchange, State};

/// CRLReason cessationOfOperation (RFC 5280 section 5.3.1): the certificate was never put to use.
const NEVER_USED: u8 = 5;

impl CmpAuthority {
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

    /// Gives back a certificate that counts already. Sent again after a lost answer this is another rr, to which the CA says
    /// that the certificate is revoked.
    pub(crate) async fn withdraw(&self, answer: &Answer, now: Timestamp) -> Result<Step, AskError> {
        let body = revocation(&answer.leaf.id(), NEVER_USED)?;
        let (heard, exchange) = self.revoke_now(&body, now).await?;
        withdrawn(exchange, &heard)
    }

    /// Gives back a certificate of which nobody knows whether it counts, since the CA refuses, for the reason `why`, a confirmation
    /// that it may have taken before.
    ///
    /// # Errors
    /// [`AskError::Lost`] where the CA takes no rr: the certificate may count there, and nobody has it.
    pub(crate) async fn take_back(
        &self,
        answer: &Answer,
        why: Refusal,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        if !self.config.takes.rr {
            return Err(may_count(answer, &why, "it takes no revocation from us"));
        }
        let body = revocation(&answer.leaf.id(), NEVER_USED)?;
        let (heard, exchange) = self.revoke_now(&body, now).await?;
        taken_back(exchange, &heard, answer, why)
    }
}

/// What came of an rr for a certificate that was rejected.
pub(crate) fn withdrawn(exchange: Exchange, heard: &Heard) -> Result<Step, AskError> {
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
        _ => Err(not_an_answer()),
    }
}

/// What came of an rr for a certificate whose confirmation was refused for the reason `why`. Either way it is not one of ours: revoked,
/// or never counted.
pub(crate) fn taken_back(
    exchange: Exchange,
    heard: &Heard,
    answer: &Answer,
    why: Refusal,
) -> Result<Step, AskError> {
    let gone = PkiFailureInfo::CERT_REVOKED | PkiFailureInfo::BAD_CERT_ID;
    match &heard.step {
        Said::Revoked { .. } => step(&State::Over, Progress::Rejected(why)),
        Said::Waiting {
            check_after,
            reason,
        } => {
            let check_after = waiting(*check_after, reason, &exchange);
            step(
                &State::TakingBack { exchange, why },
                Progress::Waiting { check_after },
            )
        }
        Said::Rejected(rejection) if !heard.is_authentic(rejection) => Err(AskError::Unknown {
            why: heard.refusal(rejection).detail,
        }),
        Said::Rejected(rejection) if rejection.failure.mask() & gone.mask() != 0 => {
            step(&State::Over, Progress::Rejected(why))
        }
        Said::Rejected(rejection) => {
            let refused = heard.refusal(rejection).detail;
            Err(may_count(
                answer,
                &why,
                &format!("nor is it revoked: {refused}"),
            ))
        }
        _ => Err(not_an_answer()),
    }
}

fn may_count(answer: &Answer, why: &Refusal, and: &str) -> AskError {
    AskError::Lost {
        why: format!(
            "the CA refuses a confirmation that it may have taken before ({}), and {and}; certificate {} may count there",
            why.detail,
            hex::encode(answer.leaf.serial())
        ),
    }
}

fn not_an_answer() -> AskError {
    beside_the_point("the CA answered a revocation with something else")
}
