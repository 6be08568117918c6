//! Messages that go on with a transaction: certConf, pollReq, error (RFC 9810 sections 5.3.18, 5.3.21 and 5.3.22).

use std::sync::Arc;

use bytes::Bytes;
use pkixcmp::server::{Answer, Follow};
use pkixcmp::transaction::Nonce;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiStatusInfo};
use ra::{ConfirmedBy, Entry, EntryId, Outcome, Phase, Refusal, RefusalKind, Verdict, Word};

use super::call::Call;
use super::exchange::{Exchange, Said, transaction_id};

use super::sender::Authenticated;
use super::trouble::{failed, lost};
use super::{fail_info, render};

impl Call<'_> {
    /// Serves a message that goes on with a transaction; the error is for an error message.
    pub(super) async fn follow(&self, sender: &Authenticated) -> Result<Bytes, PkiStatusInfo> {
        let id = EntryId::of(&sender.who.credential, &transaction_id(self.message));
        let ra = &self.site.ra;
        let recalled = match self.message.body() {
            // It goes on to claim the entry, and learns then what others did to it.
            PkiBody::CertConf(_) => ra.expect(&sender.who, &id).await,
            _ => ra.recall(&sender.who, &id).await,
        };
        let outcome = recalled.map_err(|error| failed(&error))?;
        let known = outcome.as_ref().and_then(Outcome::entry);
        let (Some(outcome), Some(entry)) = (&outcome, known) else {
            return Err(no_transaction());
        };
        if entry.label != *self.label {
            return Err(no_transaction());
        }
        not_with_the_new_certificate(sender, outcome)?;
        let mut exchange = Exchange::unseal(&entry.front).map_err(lost)?;
        if exchange.transaction.is_confirmed() && exchange.transaction.is_repeated(self.message) {
            return self.send(sender, exchange, Answer::Confirmed.into()).await;
        }
        self.recreate(sender, &mut exchange, outcome)?;
        let follow = exchange.transaction.follow(self.message);
        match follow.map_err(|fault| fault.status())? {
            Follow::Poll => {
                let rendered =
                    render::outcome(outcome, &exchange.transaction, sender, self.message)?;
                self.send(sender, exchange, rendered).await
            }
            Follow::Accepted => {
                let verdict = Verdict::Accept { original: None };
                self.conclude(sender, exchange, entry, verdict).await
            }
            Follow::Refused(why) | Follow::Aborted(why) => {
                let why = Refusal::new(RefusalKind::NotConfirmed, given_back(&why));
                let verdict = Verdict::Reject {
                    why,
                    original: None,
                };
                self.conclude(sender, exchange, entry, verdict).await
            }
            // The first message again would not have come here, and the last word was looked for before.
            _ => Err(no_transaction()),
        }
    }

    /// Brings the exchange to where its last answer left it. Answers change nothing in the row, so this one is made again; which one it was shows
    /// in the nonce that came back, and one that is not ours leaves a nonce that nothing fits.
    fn recreate(
        &self,
        sender: &Authenticated,
        exchange: &mut Exchange,
        outcome: &Outcome,
    ) -> Result<(), PkiStatusInfo> {
        if exchange.transaction.is_confirmed() {
            return Ok(());
        }
        let polls = matches!(self.message.body(), PkiBody::PollReq(_));
        let granted = exchange.returned(Said::Final, self.message);
        // What was granted may have been withdrawn since: too late for a last word.
        if let (Outcome::Refused { refusal, .. }, Some(_), false) = (outcome, granted, polls) {
            return Err(fail_info::status(refusal));
        }
        let waited = exchange.returned(Said::Wait, self.message);
        let (answer, nonce) = match (outcome, granted, waited) {
            (Outcome::Issued(issued), nonce, None) if !polls => {
                let granted = render::granted(issued, sender)?;
                (Answer::Granted(Box::new(granted)), nonce)
            }
            // Who polls though it was told the end has lost that: it is told again.
            (_, granted, waited) => (render::waiting(), waited.or(granted.filter(|_| polls))),
        };
        let nonce = nonce.unwrap_or(Nonce([0; 16]));
        let out = sender.reply.outgoing(self.message, nonce, self.now, &[]);
        let recreated = exchange.transaction.answer(&answer, out);
        recreated.map(drop).map_err(lost)
    }

    /// Whether nothing is left to do for the client's word on a certificate that is confirmed: by us, as it had asked, or by this very
    /// message, which another process has heard.
    fn was_heard(&self, entry: &Entry) -> bool {
        entry.confirmed_by == ConfirmedBy::Ra
            || Exchange::unseal(&entry.front).is_ok_and(|exchange| {
                exchange.transaction.is_confirmed()
                    && exchange.transaction.is_repeated(self.message)
            })
    }

    /// The client's last word: durable, and with the CA as soon as it hears us, before the client gets ours.
    async fn conclude(
        &self,
        sender: &Authenticated,
        exchange: Exchange,
        entry: &Entry,
        verdict: Verdict,
    ) -> Result<Bytes, PkiStatusInfo> {
        let accepts = matches!(verdict, Verdict::Accept { .. });
        let front = exchange.seal().map_err(lost)?;
        let word = Word {
            id: entry.id,
            begun_at: entry.begun_at,
            verdict,
            front: Some(front),
        };
        let line = Arc::clone(&self.site.ra).confirm(sender.who.clone(), word);
        let outcome = self.own_task(line).await?;
        let heard = match &outcome {
            Outcome::Issued(issued) => accepts && matches!(issued.entry.phase, Phase::Confirmed(_)),
            // The word is in the row; the CA hears it even if it cannot be reached now.
            Outcome::Waiting { entry, .. } => matches!(entry.phase, Phase::Confirming(..)),
            Outcome::Refused { refusal, entry } => match entry.as_ref().map(|entry| &entry.phase) {
                Some(Phase::Withdrawn(_)) => !accepts,
                Some(Phase::Confirmed(_)) => {
                    accepts && entry.as_ref().is_some_and(|entry| self.was_heard(entry))
                }
                // There is nothing yet that could be given back; what comes will be.
                Some(Phase::Abandoned(_)) => !accepts,
                _ => return Err(fail_info::status(refusal)),
            },
            Outcome::Revoked(_) => false,
        };
        match outcome {
            _ if heard => self.send(sender, exchange, Answer::Confirmed.into()).await,
            Outcome::Refused { refusal, .. } => Err(fail_info::status(&refusal)),
            _ => Err(PkiStatusInfo::rejection(
                PkiFailureInfo::SYSTEM_UNAVAIL,
                "the confirmation could not be noted; send it again",
            )),
        }
    }
}

/// Whether such a message belongs to a transaction that was begun before.
pub(super) fn goes_on(body: &PkiBody) -> bool {
    matches!(
        body,
        PkiBody::CertConf(_) | PkiBody::PollReq(_) | PkiBody::Error(_)
    )
}

/// A certificate is not confirmed by itself: that would prove its key and not who asked for it (RFC 9483 section 4.1.1).
fn not_with_the_new_certificate(
    sender: &Authenticated,
    outcome: &Outcome,
) -> Result<(), PkiStatusInfo> {
    match outcome {
        Outcome::Issued(issued)
            if sender.who.certificate.is_some()
                && sender.who.certificate.as_ref() == issued.chain.first() =>
        {
            Err(PkiStatusInfo::rejection(
                PkiFailureInfo::WRONG_INTEGRITY,
                "a message of this transaction cannot be signed with the certificate that came of it",
            ))
        }
        _ => Ok(()),
    }
}

fn given_back(why: &PkiStatusInfo) -> String {
    let texts = why.texts_for_display();
    if texts.is_empty() {
        "the client gave the certificate back".to_owned()
    } else {
        format!("the client gave the certificate back: {}", texts.join("; "))
    }
}

fn no_transaction() -> PkiStatusInfo {
    PkiStatusInfo::rejection(
        PkiFailureInfo::BAD_REQUEST,
        "there is no transaction with this transactionID and this protection",
    )
}
