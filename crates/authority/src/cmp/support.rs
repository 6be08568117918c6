use jiff::Timestamp;
use pki::Certificate;
use pkixcmp::PkiBody;
use pkixcmp::client::{self, ClientTransaction, Step};
use pkixcmp::info::{InfoTypeAndValue, InfoValue, id};
use ra::{AskError, Refusal, RefusalKind, Support, SupportAnswer};

use super::CmpAuthority;
use super::answer::beside_the_point;
use super::order::unavailable;
use super::trust::readable;

impl CmpAuthority {
    /// Asks by genm (RFC 9483 section 4.3).
    pub(crate) async fn ask_support(
        &self,
        asked: Support,
        now: Timestamp,
    ) -> Result<SupportAnswer, AskError> {
        match asked {
            Support::CaCerts => self.ca_certs(now).await.map(SupportAnswer::CaCerts),
            // A CA behind CMP publishes its CRL itself, at the URL in its certificates.
            Support::Crl => Ok(SupportAnswer::Crl(None)),
            _ => Err(AskError::Refused(Refusal::new(
                RefusalKind::Unsupported,
                "this CA is not asked for that",
            ))),
        }
    }

    async fn ca_certs(&self, now: Timestamp) -> Result<Vec<Certificate>, AskError> {
        let opening = self.opening(client::Confirmation::Explicit)?;
        let hand = self.hand(opening.transaction_id, now)?;
        let sender = self.sender(None);
        let out = hand.outgoing(&sender, now).map_err(unavailable)?;
        let body = PkiBody::Genm([InfoTypeAndValue::bare(id::CA_CERTS)].into());
        let (mut transaction, message) =
            ClientTransaction::begin(opening, &body, out).map_err(unavailable)?;
        let message = hand.protect(message).await.map_err(unavailable)?;
        let heard = self.exchange(&mut transaction, message, now).await?;
        match &heard.step {
            Step::Support(infos) => Ok(infos.iter().flat_map(certificates).collect()),
            Step::Rejected(rejection) => Err(AskError::Refused(heard.refusal(rejection))),
            _ => Err(beside_the_point(
                "the CA does not answer a question for its certificates at once",
            )),
        }
    }
}

fn certificates(info: &InfoTypeAndValue) -> Vec<Certificate> {
    match info.value() {
        Ok(InfoValue::CaCerts(list)) => list.iter().filter_map(readable).collect(),
        _ => Vec::new(),
    }
}
