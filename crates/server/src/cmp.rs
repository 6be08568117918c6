//! The CMP front (RFC 9810, 9811, 9483): messages of end entities and RAs in, answers out, [`ra`] in between.
//!
//! [`answer`] is the whole of it and knows no HTTP; [`routes`] puts it on the paths of RFC 9811 and on `/pkix/`. Served are ir, cr, p10cr, kur,
//! rr, genm, certConf, pollReq and error, protected by a MAC or a signature; what else CMP has is refused with the error that belongs there.
//!
//! Nothing is kept between two messages but the journal's row: any replica, and a process started after a crash, goes on with any transaction.

mod authenticate;
mod call;
mod enroll;
mod exchange;
mod fail_info;
mod first;
mod follow;
mod http;
mod mac;
mod operation;
mod own;
mod protect;
mod render;
mod revoke;
mod route;
mod sender;
mod signature;
mod support;
mod trouble;

use ::http::StatusCode;
use bytes::Bytes;
use jiff::Timestamp;
use pki::{GeneralName, Name};
use pkixcmp::body::failure::ErrorMsgContent;
use pkixcmp::message::Unprotected;
use pkixcmp::server::refuse;
use pkixcmp::{
    GeneralizedTime, PkiBody, PkiFailureInfo, PkiHeader, PkiMessage, PkiStatusInfo, Pvno,
};
use ra::{Correlation, Label};
use tracing::Instrument;

use crate::flood::Flood;
use crate::metrics::CmpOutcome;
use crate::settings::UnauthenticatedErrors;
use crate::{App, Site};
use call::Call;
use protect::Reply;
use sender::Unauthenticated;

pub use fail_info::fail_info;
pub use http::routes;
pub(crate) use http::{decoded, owns};
pub use operation::Operation;

/// What the front keeps for the life of the process: derived MAC keys and what CAs said of themselves. Losing it costs time, nothing else.
#[derive(Default)]
pub struct Front {
    derivations: mac::Derivations,
    said: own::Said,
    unbelieved: Flood,
}

impl Front {
    /// Says how many messages were not believed beyond those that the log has line by line, once a window is over.
    pub(crate) fn say_held_back(&self) {
        say(self.unbelieved.held_back());
    }

    /// The same for the window that the end of the process cuts short.
    pub(crate) fn say_rest(&self) {
        say(self.unbelieved.rest());
    }
}

fn say(held_back: Option<u64>) {
    if let Some(messages) = held_back {
        tracing::warn!(
            messages,
            "more messages were not believed than are logged one by one"
        );
    }
}

/// How a message came. It decides nothing: CMP messages speak for themselves.
#[derive(Clone, Debug, Default)]
pub struct Transport {
    /// What ties together all that is done for the call.
    pub correlation: Option<Correlation>,
}

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 for every answer to a PKIMessage, errors included; 400 for what is none; 404 for a label that is not offered over CMP.
    pub status: StatusCode,
    /// A PKIMessage.
    pub body: Bytes,
}

/// Answers one message, sent to `label` (`None`: to a path without one) and, if the path says so, for one operation.
///
/// It never fails: whatever `body` holds, there is a message to say so. Work for a CA runs in a task of its own, so dropping the future drops
/// only the answer.
pub async fn answer(
    app: &App,
    label: Option<&Label>,
    operation: Option<Operation>,
    body: Bytes,
    transport: &Transport,
) -> Answer {
    let site = app.site();
    let limit = site.cmp.body;
    match PkiMessage::decode_within(body, limit) {
        Ok(message) => {
            let id = exchange::transaction_id(&message);
            // A transactionID has 16 octets; a longer one is refused later and not logged whole.
            let id = hex::encode(id.get(..64).unwrap_or(&id));
            let kind = message.body().name();
            if app.drain().has_begun() && !follow::goes_on(message.body()) {
                return Answer {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    body: unprotected(&message, trouble::stopping(), (site.ra.clock)()),
                };
            }
            let span = tracing::info_span!("cmp", transaction_id = %id, kind);
            let asked = Asked {
                app,
                site,
                label,
                operation,
                correlation: transport.correlation.as_ref(),
            };
            asked.answer(&message).instrument(span).await
        }
        Err(error) => {
            tracing::debug!(%error, "a body that is no PKIMessage");
            app.metrics()
                .cmp_message(None, "none", CmpOutcome::Unreadable);
            let why = PkiStatusInfo::rejection(PkiFailureInfo::BAD_DATA_FORMAT, error.to_string());
            Answer {
                status: StatusCode::BAD_REQUEST,
                body: stray_error(why, (site.ra.clock)()),
            }
        }
    }
}

struct Asked<'a> {
    app: &'a App,
    site: std::sync::Arc<Site>,
    label: Option<&'a Label>,
    operation: Option<Operation>,
    correlation: Option<&'a Correlation>,
}

impl Asked<'_> {
    async fn answer(&self, message: &PkiMessage) -> Answer {
        let now = (self.site.ra.clock)();
        let label = match route::label(&self.site, self.label, message).await {
            Ok(label) => label,
            Err(error) => {
                tracing::error!(%error, "a message could not be routed");
                return ok(self.put_off(message, now).await);
            }
        };
        let Some(call) = self.call(label, message, now) else {
            self.app
                .metrics()
                .cmp_message(None, message.body().name(), CmpOutcome::Unrouted);
            let why = PkiStatusInfo::rejection(
                PkiFailureInfo::BAD_REQUEST,
                "no CA is offered over CMP at this path",
            );
            return Answer {
                status: StatusCode::NOT_FOUND,
                body: unprotected(message, why, now),
            };
        };
        ok(call.answer().await)
    }

    fn call<'c>(
        &'c self,
        label: Option<&'c Label>,
        message: &'c PkiMessage,
        now: Timestamp,
    ) -> Option<Call<'c>> {
        let (label, settings) = self.site.labels.get_key_value(label?)?;
        Some(Call {
            front: self.app.cmp(),
            metrics: self.app.metrics(),
            drain: self.app.drain(),
            site: &self.site,
            label,
            settings: settings.cmp.as_ref()?,
            operation: self.operation,
            message,
            correlation: self.correlation,
            now,
        })
    }

    /// "Later", protected where the path's own label knows the sender: a client that does not believe it takes its certificate for lost.
    async fn put_off(&self, message: &PkiMessage, now: Timestamp) -> Bytes {
        let likely = route::likely(&self.site, self.label);
        if let Some(call) = self.call(likely, message, now)
            && let Ok(sender) = authenticate::authenticate(&call).await
        {
            call.count(CmpOutcome::Error);
            return call.refuse(&sender.reply, fail_info::later()).await;
        }
        unprotected(message, fail_info::later(), now)
    }
}

impl Call<'_> {
    async fn answer(&self) -> Bytes {
        let sender = match authenticate::authenticate(self).await {
            Ok(sender) => sender,
            Err(Unauthenticated { status, why }) => {
                // Anybody can send such messages, as many as they like.
                if self.front.unbelieved.may_write() {
                    tracing::warn!(label = %self.label, %why, "a message was not believed");
                }
                self.metrics.unbelieved(self.label, status.failure);
                self.count(CmpOutcome::Unbelieved);
                return self.refuse(&self.stranger(), status).await;
            }
        };
        let served = match self.operation {
            Some(operation) if !operation.takes(self.message.body()) => {
                Err(PkiStatusInfo::rejection(
                    PkiFailureInfo::BAD_REQUEST,
                    "this type of message does not belong to the operation that the path names",
                ))
            }
            _ => match self.message.body() {
                body if follow::goes_on(body) => self.follow(&sender).await,
                _ => self.first(&sender).await,
            },
        };
        match served {
            Ok(body) => {
                self.count(CmpOutcome::Answered);
                body
            }
            Err(status) => {
                self.count(CmpOutcome::Error);
                tracing::info!(label = %self.label, credential = %sender.who.credential, %status, "answered with an error");
                self.refuse(&sender.reply, status).await
            }
        }
    }

    fn count(&self, outcome: CmpOutcome) {
        let kind = self.message.body().name();
        self.metrics.cmp_message(Some(self.label), kind, outcome);
    }

    /// How somebody who is not authenticated is answered: never with a MAC, which would be an oracle.
    fn stranger(&self) -> Reply {
        match (
            &self.settings.rules.unauthenticated_errors,
            &self.settings.signer,
        ) {
            (UnauthenticatedErrors::Signed, Some(signer)) => Reply::Signature(signer.clone()),
            _ => Reply::Unprotected,
        }
    }

    async fn refuse(&self, reply: &Reply, why: PkiStatusInfo) -> Bytes {
        let made = exchange::random_nonce().ok().and_then(|nonce| {
            let out = reply.outgoing(self.message, nonce, self.now, &[]);
            refuse(self.message, why.clone(), out).ok()
        });
        match made {
            Some(made) => match reply.protect(made).await {
                Ok(body) => body,
                Err(error) => {
                    tracing::error!(%error, "an answer could not be signed");
                    unprotected(self.message, why, self.now)
                }
            },
            None => stray_error(why, self.now),
        }
    }
}

fn ok(body: Bytes) -> Answer {
    Answer {
        status: StatusCode::OK,
        body,
    }
}

fn unprotected(message: &PkiMessage, why: PkiStatusInfo, now: Timestamp) -> Bytes {
    let made = exchange::random_nonce().ok().and_then(|nonce| {
        let out = Reply::Unprotected.outgoing(message, nonce, now, &[]);
        refuse(message, why.clone(), out).ok()
    });
    made.map_or_else(|| stray_error(why, now), Unprotected::unprotected)
}

/// An error that answers no message: there was none.
fn stray_error(why: PkiStatusInfo, now: Timestamp) -> Bytes {
    let nobody = || GeneralName::Directory(Name::default());
    let header = PkiHeader {
        pvno: Pvno::CMP2000,
        sender: nobody(),
        recipient: nobody(),
        message_time: Some(GeneralizedTime::from(now)),
        protection_alg: None,
        sender_kid: None,
        recip_kid: None,
        transaction_id: None,
        sender_nonce: None,
        recip_nonce: None,
        free_text: None,
        general_info: None,
    };
    let body = PkiBody::Error(ErrorMsgContent::from(why));
    Unprotected::new(&header, &body, Vec::new())
        .map(Unprotected::unprotected)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
