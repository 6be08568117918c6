use bytes::Bytes;
use jiff::Timestamp;
use pkixcmp::client::{ClientTransaction, Rejection, Step};
use pkixcmp::{PkiBody, PkiMessage};
use ra::{AskError, By, Refusal};
use tracing::Instrument;

use super::CmpAuthority;
use super::config::Dialect;
use super::failure;
use super::hand::{Hand, Sender};
use super::order::unavailable;
use super::state::Exchange;
use super::transport::NoAnswer;
use super::trust::Judge;

/// An answer that belongs to the transaction.
pub(crate) struct Heard {
    pub(crate) step: Step,
    /// Whether it is believed for more than the name it bears.
    pub(crate) proved: bool,
}

impl CmpAuthority {
    /// Sends one message and judges the answer. `transaction` moves on only when there is one that belongs to it.
    ///
    /// # Errors
    /// [`AskError::NotSent`] when the CA has not acted on the message, [`AskError::Unknown`] when it may have.
    pub(crate) async fn exchange(
        &self,
        transaction: &mut ClientTransaction,
        message: Bytes,
        now: Timestamp,
    ) -> Result<Heard, AskError> {
        let span = tracing::info_span!("upstream", authority = %self.config.name);
        let heard = self.heard(transaction, message, now);
        heard.instrument(span).await
    }

    async fn heard(
        &self,
        transaction: &mut ClientTransaction,
        message: Bytes,
        now: Timestamp,
    ) -> Result<Heard, AskError> {
        let id = hex::encode(transaction.transaction_id().0);
        let authority = &self.config.name;
        tracing::debug!(%authority, transaction = %id, endpoint = %self.transport.endpoint(), octets = message.len(), "Sending a message to the CA");
        let octets = self
            .transport
            .post(message, now)
            .await
            .map_err(AskError::from)?;
        // What operators of CertService look for in its log; for other CAs a line of each kind is enough.
        let certservice = self.config.dialect == Dialect::Onap;
        if certservice {
            tracing::info!(%authority, transaction = %id, octets = octets.len(), "Received response from Server");
        }
        let unknown = |why: String| AskError::Unknown {
            why: format!("{}: {why}", self.transport.endpoint()),
        };
        let answer = PkiMessage::decode_within(octets, self.config.transport.max_response)
            .map_err(|error| unknown(format!("the answer is no CMP message: {error}")))?;
        if certservice {
            tracing::info!(%authority, transaction = %id, body = answer.body().name(), "Response type is: {}", onap_type(answer.body()));
        } else {
            tracing::debug!(%authority, transaction = %id, body = answer.body().name(), "The CA answered");
        }
        let judged = Judge {
            config: &self.config,
            cache: &self.keys,
            now,
        }
        .judge(&answer, transaction);
        let step = transaction
            .receive(&answer, judged.authenticity)
            .map_err(|mismatch| {
                let doubt = judged
                    .doubt
                    .map(|doubt| format!(" ({doubt})"))
                    .unwrap_or_default();
                unknown(format!("{mismatch}{doubt}"))
            })?;
        Ok(Heard {
            step,
            proved: !judged.by_name_alone,
        })
    }

    /// What protects the next message of an exchange: our own protection, or the key of the old certificate, which has to be
    /// lent again.
    pub(crate) fn hand_for<'h>(
        &'h self,
        exchange: &Exchange,
        by: By<'h>,
        now: Timestamp,
    ) -> Result<Hand<'h>, AskError> {
        match (&exchange.old, by) {
            (None, _) => self.hand(exchange.transaction.transaction_id(), now),
            (Some(old), By::Lent(signer)) if signer.public_key() == old.public_key() => {
                Hand::lent(signer, old).map_err(unavailable)
            }
            (Some(old), _) => Err(AskError::Ours {
                why: format!(
                    "the transaction is protected with the key of certificate {}, and that key is not at hand: it goes on when \
                     the requester asks again and lends it",
                    hex::encode(old.serial())
                ),
            }),
        }
    }
}

impl Heard {
    /// Whether a rejection is the CA's word for sure.
    pub(crate) fn is_authentic(&self, rejection: &Rejection) -> bool {
        self.proved && rejection.authenticated
    }

    /// The refusal a rejection is.
    pub(crate) fn refusal(&self, rejection: &Rejection) -> Refusal {
        failure::refusal(rejection, self.is_authentic(rejection))
    }
}

impl Exchange {
    pub(crate) fn sender(&self) -> Sender {
        Sender {
            name: self.sender.clone(),
            kid: self.sender_kid.clone(),
        }
    }

    pub(crate) fn id(&self) -> String {
        hex::encode(self.transaction.transaction_id().0)
    }
}

impl From<NoAnswer> for AskError {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::NotSent { retry_after, why } => Self::NotSent { retry_after, why },
            NoAnswer::Unknown { why } => Self::Unknown { why },
        }
    }
}

/// The type of a body as CertService logs it.
fn onap_type(body: &PkiBody) -> String {
    match body {
        PkiBody::Ip(_) => "INIT_REP".to_owned(),
        PkiBody::Cp(_) => "CERT_REP".to_owned(),
        PkiBody::Kup(_) => "KEY_UPDATE_REP".to_owned(),
        other => other.tag().to_string(),
    }
}

/// What is in the state does not fit what is asked of it.
pub(crate) fn out_of_order(what: &str) -> AskError {
    AskError::Ours {
        why: what.to_owned(),
    }
}

/// What the CA answered does not fit what it was asked.
pub(crate) fn beside_the_point(what: &str) -> AskError {
    AskError::Unknown {
        why: what.to_owned(),
    }
}
