//! Messages that begin a transaction: ir, cr, p10cr, kur, rr, genm.

use std::sync::Arc;

use bytes::Bytes;
use pkixcmp::server::{Fault, HeaderRules, check_first};
use pkixcmp::transaction::RequestKind;
use pkixcmp::{PkiFailureInfo, PkiStatusInfo, server};
use ra::{EntryId, Error, Outcome};
use tokio::time::Instant;

use super::call::Call;
use super::exchange::{Exchange, Said, fingerprint, transaction_id};
use super::fail_info::failure;
use super::render::{self, Rendered};
use super::sender::Authenticated;
use super::trouble::{failed, lost, stopping};
use super::{enroll, revoke, support};
use crate::drain::Failed;
use crate::held;

impl Call<'_> {
    /// Serves a first message; the error is for an error message.
    pub(super) async fn first(&self, sender: &Authenticated) -> Result<Bytes, PkiStatusInfo> {
        let rules = &self.settings.rules.header;
        let timeless = HeaderRules {
            time_window: None,
            ..rules.clone()
        };
        let fault = |fault: Fault| fault.status();
        let is_late = check_first(self.message, rules, self.now).err();
        match check_first(self.message, &timeless, self.now) {
            Err(why) if why.failure != PkiFailureInfo::BAD_TIME => return Err(fault(why)),
            _ => {}
        }
        let id = EntryId::of(&sender.who.credential, &transaction_id(self.message));
        if let Some(why) = is_late {
            // A retransmission is as old as what it repeats, and is answered all the same.
            if !self.is_known(sender, &id).await? {
                return Err(fault(why));
            }
        }
        let seed = pki::random::bytes().map_err(|_| failure())?;
        let exchange = Exchange::begin(self.message, seed).map_err(fault)?;
        let outcome = match exchange.transaction.kind() {
            RequestKind::Genm => return support::answer(self, sender, exchange).await,
            RequestKind::Rr => self.revoke(sender, &exchange).await?,
            _ => self.enroll(sender, &exchange).await?,
        };
        let outcome = match outcome {
            Ok(outcome) => self.hold(sender, &id, outcome).await?,
            Err(status) => {
                return self
                    .send(sender, exchange, Rendered::rejected(status))
                    .await;
            }
        };
        let exchange = match outcome.entry() {
            Some(entry) if entry.fingerprint == fingerprint(self.message) => {
                let stored = Exchange::unseal(&entry.front).map_err(lost)?;
                stored.reopened(self.message).map_err(fault)?
            }
            _ => exchange,
        };
        let rendered = render::outcome(&outcome, &exchange.transaction, sender, self.message)?;
        self.send(sender, exchange, rendered).await
    }

    /// Steps 3 to 12 for a certificate. The inner error goes into ip, cp or kup.
    async fn enroll(
        &self,
        sender: &Authenticated,
        exchange: &Exchange,
    ) -> Result<Result<Outcome, PkiStatusInfo>, PkiStatusInfo> {
        let request = match enroll::request(self, sender, exchange).await {
            Ok(request) => request,
            Err(enroll::Unfit::Message(status)) => return Err(status),
            Err(enroll::Unfit::Request(status)) => return Ok(Err(status)),
        };
        let line = Arc::clone(&self.site.ra).enroll(sender.who.clone(), request);
        self.own_task(line).await.map(Ok)
    }

    async fn revoke(
        &self,
        sender: &Authenticated,
        exchange: &Exchange,
    ) -> Result<Result<Outcome, PkiStatusInfo>, PkiStatusInfo> {
        let request = match revoke::request(self, sender, exchange) {
            Ok(request) => request,
            Err(enroll::Unfit::Message(status)) => return Err(status),
            Err(enroll::Unfit::Request(status)) => return Ok(Err(status)),
        };
        let line = Arc::clone(&self.site.ra).revoke(sender.who.clone(), request);
        self.own_task(line).await.map(Ok)
    }

    /// A CA that is only a little slow spares the client its polling.
    async fn hold(
        &self,
        sender: &Authenticated,
        id: &EntryId,
        outcome: Outcome,
    ) -> Result<Outcome, PkiStatusInfo> {
        let until = Instant::now() + self.settings.rules.hold;
        // Stopped early, the client polls, and the next process answers it.
        let line = (&*self.site.ra, self.drain);
        held::decided(line, (&sender.who, id), outcome, until)
            .await
            .map_err(|error| failed(&error))
    }

    async fn is_known(&self, sender: &Authenticated, id: &EntryId) -> Result<bool, PkiStatusInfo> {
        let entry = self.site.ra.journal.find(id).await;
        let entry = entry.map_err(|error| failed(&error.into()))?;
        Ok(entry.is_some_and(|entry| {
            entry.owner == sender.who.credential && entry.fingerprint == fingerprint(self.message)
        }))
    }

    /// Makes, protects and gives back an answer of the transaction.
    pub(super) async fn send(
        &self,
        sender: &Authenticated,
        mut exchange: Exchange,
        rendered: Rendered,
    ) -> Result<Bytes, PkiStatusInfo> {
        let said = match rendered.answer {
            server::Answer::Waiting { .. } | server::Answer::CheckAfter { .. } => Said::Wait,
            _ => Said::Final,
        };
        let nonce = exchange.nonce(said, self.message);
        let out = sender
            .reply
            .outgoing(self.message, nonce, self.now, &rendered.chain);
        let made = exchange.transaction.answer(&rendered.answer, out);
        let made = made.map_err(lost)?;
        sender.reply.protect(made).await.map_err(lost)
    }

    /// In a task of its own: a client that goes away does not stop it half-way.
    pub(super) async fn own_task(
        &self,
        line: impl Future<Output = Result<Outcome, Error>> + Send + 'static,
    ) -> Result<Outcome, PkiStatusInfo> {
        match held::end(&mut self.drain.start(line)).await {
            Ok(outcome) => Ok(outcome),
            Err(Failed::Line(error)) => Err(failed(&error)),
            Err(Failed::Ended(error)) => Err(lost(error)),
            Err(Failed::GivenUp) => Err(stopping()),
        }
    }
}
