//! A CMP CA with habits: it repeats itself or not, makes clients wait or not, takes back what nobody confirms or not.
//! It keeps its record in memory and outlives the RA that is killed before it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bytes::Bytes;
use pki::{Certificate, Csr, Name, Template};
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::protection::MacScheme;
use pkixcmp::server::{Answer, Follow, Granted, Release, ServerTransaction, refuse};
use pkixcmp::{CmpCertificate, PkiBody, PkiFailureInfo, PkiMessage, PkiStatusInfo};

use crate::ca::{REFERENCE, SECRET};
use crate::certs::Issuer;
use crate::cmp::Shared;
use crate::output::PATIENCE;
use crate::upstream::{FakeUpstream, Reply};

/// What kind of CA it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    /// The same bytes get the same answer again; else `transactionIdInUse`.
    pub repeats: bool,
    /// A transaction whose client has lost the thread is ended, and its unconfirmed certificate taken back.
    pub withdraws: bool,
    /// A certConf that comes again is refused as any other message, instead of with `certConfirmed`.
    pub forgets: bool,
    /// Implicit confirmation is granted to who asks for it.
    pub implicit: bool,
    /// So many answers are "not yet" before there is a certificate.
    pub waits: u32,
}

/// What goes wrong with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection breaks before the CA has heard it.
    Unheard,
    /// The CA has acted, and the connection breaks before the answer is out.
    Lost,
    /// The CA has acted, and no answer comes while the connection stays open.
    Late,
    /// 503, and the CA has not acted.
    Busy,
    /// The request has to wait: so many answers are "not yet".
    Wait(u32),
    /// A confirmation is refused, and the certificate taken back.
    Refuse,
}

/// What became of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Issued, and nobody has confirmed it.
    Unconfirmed,
    /// Confirmed by its client, or implicitly.
    Confirmed,
    /// Taken back.
    Withdrawn,
}

/// The CA.
pub struct ScriptedCa {
    /// What its certificates chain to.
    pub root: Certificate,
    upstream: FakeUpstream,
    desk: Arc<Mutex<Desk>>,
    gate: Arc<Gate>,
}

/// Closed, no message gets to the desk.
#[derive(Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

/// An answer that is made and not yet sent. It is sent when this value goes.
pub struct Held(Arc<Hold>);

struct Hold {
    subject: Name,
    kind: &'static str,
    at: Mutex<At>,
    moved: Condvar,
}

/// Where a held answer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Awaited,
    Here,
    Gone,
}

struct Desk {
    holds: Vec<Arc<Hold>>,
    habits: Habits,
    issuer: Issuer,
    shared: Shared,
    open: HashMap<Bytes, Open>,
}

struct Open {
    transaction: ServerTransaction,
    template: Template,
    waits: u32,
    certificate: Option<(Certificate, Fate)>,
    last: Bytes,
}

impl ScriptedCa {
    /// Starts one; it knows the same secret as [`crate::EmbeddedCa`].
    pub fn start(habits: Habits) -> Self {
        Self::start_with(habits, |_| Fault::None)
    }

    /// One with which goes wrong what `fault` says for each message.
    pub fn start_with(
        habits: Habits,
        fault: impl Fn(&PkiMessage) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let issuer = Issuer::root("O=Certway Tests,CN=Scripted CA");
        let root = issuer.certificate.clone();
        let desk = Arc::new(Mutex::new(Desk {
            holds: Vec::new(),
            habits,
            issuer,
            shared: Shared::new(REFERENCE, SECRET),
            open: HashMap::new(),
        }));
        let gate = Arc::new(Gate::default());
        let (working, before) = (Arc::clone(&desk), Arc::clone(&gate));
        let upstream = FakeUpstream::start(move |request| {
            before.pass();
            let message = PkiMessage::decode(Bytes::copy_from_slice(&request.body)).unwrap();
            let fault = fault(&message);
            match fault {
                Fault::Unheard => return Reply::Close,
                Fault::Busy => return Reply::http(503, "text/plain", "busy"),
                _ => {}
            }
            let (octets, hold) = working.lock().unwrap().answer(&message, fault);
            if let Some(hold) = hold {
                hold.keep();
            }
            match fault {
                Fault::Lost => Reply::Close,
                Fault::Late => Reply::Silence,
                _ => Reply::cmp(octets),
            }
        });
        Self {
            root,
            upstream,
            desk,
            gate,
        }
    }

    /// From now on every message waits, until [`Self::goes_on`].
    pub fn pauses(&self) {
        *self.gate.is_closed.lock().unwrap() = true;
    }

    /// Every message that waited is answered.
    pub fn goes_on(&self) {
        *self.gate.is_closed.lock().unwrap() = false;
        self.gate.opened.notify_all();
    }

    /// How many messages came, those that wait included.
    pub fn asked(&self) -> usize {
        self.upstream.received().len()
    }

    /// Where it takes CMP.
    pub fn url(&self) -> String {
        self.upstream.url("/cmp")
    }

    /// Keeps back the answer to the next message of that kind, `certConf` say, about a certificate for `subject`: the CA has acted on it, and
    /// its client does not hear so.
    pub fn hold(&self, subject: &Name, kind: &'static str) -> Held {
        let hold = Arc::new(Hold {
            subject: subject.clone(),
            kind,
            at: Mutex::new(At::Awaited),
            moved: Condvar::new(),
        });
        self.desk.lock().unwrap().holds.push(Arc::clone(&hold));
        Held(hold)
    }

    /// From now on nobody has to wait.
    pub fn decides(&self) {
        let mut desk = self.desk.lock().unwrap();
        desk.habits.waits = 0;
        for open in desk.open.values_mut() {
            open.waits = 0;
        }
    }

    /// Every certificate it issued, and what became of each.
    pub fn records(&self) -> Vec<(Certificate, Fate)> {
        let desk = self.desk.lock().unwrap();
        let all = desk.open.values();
        all.filter_map(|open| open.certificate.clone()).collect()
    }

    /// Every certificate it issued for that subject, and what became of each.
    pub fn record(&self, subject: &Name) -> Vec<(Certificate, Fate)> {
        let mut records = self.records();
        records.retain(|(certificate, _)| certificate.subject() == subject);
        records
    }
}

impl Held {
    /// Waits until the answer is there.
    ///
    /// # Panics
    /// When nobody asks.
    pub fn wait(&self) {
        let at = self.0.until(|at| at != At::Awaited);
        assert!(at != At::Awaited, "no {} came", self.0.kind);
    }

    /// Sends it.
    pub fn release(self) {}
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.turn(At::Gone);
    }
}

impl Hold {
    fn keep(&self) {
        self.turn(At::Here);
        self.until(|at| at == At::Gone);
    }

    fn turn(&self, to: At) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if *at != At::Gone {
            *at = to;
        }
        self.moved.notify_all();
    }

    fn until(&self, there: impl Fn(At) -> bool) -> At {
        let at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .moved
            .wait_timeout_while(at, PATIENCE, |at| !there(*at));
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Gate {
    fn pass(&self) {
        let mut is_closed = self.is_closed.lock().unwrap();
        while *is_closed {
            is_closed = self.opened.wait(is_closed).unwrap();
        }
    }
}

impl Drop for ScriptedCa {
    fn drop(&mut self) {
        self.goes_on();
    }
}

impl Desk {
    fn answer(&mut self, message: &PkiMessage, fault: Fault) -> (Bytes, Option<Arc<Hold>>) {
        if let PkiBody::Rr(list) = message.body() {
            return (self.revoke(message, &list[0].cert_details), None);
        }
        let octets = self.octets(message, fault);
        let id = message.header().transaction_id.as_ref().unwrap();
        let subject = &self.open[id.as_bytes()].template.subject;
        let kind = message.body().name();
        let held = |hold: &Arc<Hold>| hold.kind == kind && hold.subject == *subject;
        let hold = self.holds.iter().position(held);
        (octets, hold.map(|at| self.holds.swap_remove(at)))
    }

    /// Once, and again as if it were the first time.
    fn revoke(&mut self, message: &PkiMessage, asked: &CertTemplate) -> Bytes {
        let serial = asked.serial_number.as_ref().unwrap().as_bytes();
        let mut issued = self
            .open
            .values_mut()
            .flat_map(|open| &mut open.certificate);
        let found = issued.find(|(certificate, _)| certificate.serial() == serial);
        let answer = match found {
            Some((_, fate)) => {
                *fate = Fate::Withdrawn;
                Answer::Revoked {
                    status: PkiStatusInfo::accepted(),
                    certificate: None,
                }
            }
            None => Answer::Rejected(PkiStatusInfo::rejection(PkiFailureInfo::BAD_CERT_ID, "")),
        };
        let (key, out) = self.rim(message);
        let mut transaction = ServerTransaction::open(message).unwrap();
        key.protect(transaction.answer(&answer, out).unwrap())
    }

    fn octets(&mut self, message: &PkiMessage, fault: Fault) -> Bytes {
        assert!(self.shared.protects(message), "a wrong MAC from our RA");
        let id = message.header().transaction_id.as_ref().unwrap();
        let id = Bytes::copy_from_slice(id.as_bytes());
        let (mut open, answer) = match self.open.remove(&id) {
            None => self.first(message, fault),
            Some(mut open) => match self.next(&mut open, message, fault) {
                Said::Answer(answer) => (open, answer),
                Said::Again => {
                    let octets = open.last.clone();
                    self.open.insert(id, open);
                    return octets;
                }
                Said::Refused(failure) => {
                    if self.habits.withdraws
                        && let Some((_, fate @ Fate::Unconfirmed)) = &mut open.certificate
                    {
                        *fate = Fate::Withdrawn;
                    }
                    self.open.insert(id, open);
                    return self.refusal(message, failure);
                }
            },
        };
        let (key, out) = self.rim(message);
        let octets = key.protect(open.transaction.answer(&answer, out).unwrap());
        open.last = octets.clone();
        self.open.insert(id, open);
        octets
    }

    fn first(&self, message: &PkiMessage, fault: Fault) -> (Open, Answer) {
        let mut open = Open {
            transaction: ServerTransaction::open(message).unwrap(),
            template: asked(message.body()),
            waits: match fault {
                Fault::Wait(waits) => waits,
                _ => self.habits.waits,
            },
            certificate: None,
            last: Bytes::new(),
        };
        let answer = self.decide(&mut open, false);
        (open, answer)
    }

    fn next(&self, open: &mut Open, message: &PkiMessage, fault: Fault) -> Said {
        let unconfirmed = matches!(open.certificate, Some((_, Fate::Unconfirmed)));
        if fault == Fault::Refuse && unconfirmed && matches!(message.body(), PkiBody::CertConf(_)) {
            open.certificate.as_mut().unwrap().1 = Fate::Withdrawn;
            return Said::Refused(PkiFailureInfo::BAD_CERT_ID);
        }
        match open.transaction.follow(message) {
            Ok(Follow::Repeated) if self.habits.repeats => Said::Again,
            Ok(Follow::Repeated) => Said::Refused(self.refuses_again(open)),
            Ok(Follow::Poll) if open.certificate.is_none() => Said::Answer(self.decide(open, true)),
            Ok(Follow::Poll) if self.habits.repeats => Said::Answer(self.granted(open)),
            Ok(Follow::Poll) => Said::Refused(PkiFailureInfo::BAD_REQUEST),
            Ok(Follow::Accepted) => {
                open.certificate.as_mut().unwrap().1 = Fate::Confirmed;
                Said::Answer(Answer::Confirmed)
            }
            Ok(_) => {
                open.certificate.as_mut().unwrap().1 = Fate::Withdrawn;
                Said::Answer(Answer::Confirmed)
            }
            Err(fault) => Said::Refused(fault.failure),
        }
    }

    fn refuses_again(&self, open: &Open) -> PkiFailureInfo {
        match open.certificate {
            Some((_, Fate::Confirmed))
                if !self.habits.forgets && open.transaction.is_confirmed() =>
            {
                PkiFailureInfo::CERT_CONFIRMED
            }
            _ => PkiFailureInfo::TRANSACTION_ID_IN_USE,
        }
    }

    fn decide(&self, open: &mut Open, polled: bool) -> Answer {
        if open.waits > 0 {
            open.waits -= 1;
            return if polled {
                Answer::CheckAfter {
                    seconds: 1,
                    reason: None,
                }
            } else {
                Answer::Waiting {
                    text: "an officer looks at it".to_owned(),
                }
            };
        }
        let implicit = self.habits.implicit && open.transaction.asks_implicit_confirmation();
        let fate = if implicit {
            Fate::Confirmed
        } else {
            Fate::Unconfirmed
        };
        open.certificate = Some((self.issuer.sign(open.template.clone()), fate));
        self.granted(open)
    }

    fn granted(&self, open: &Open) -> Answer {
        let (certificate, _) = open.certificate.as_ref().unwrap();
        let release = if self.habits.implicit {
            Release::Implicit
        } else {
            Release::Confirm
        };
        Answer::Granted(Box::new(Granted {
            certificate: CmpCertificate::from(certificate),
            status: PkiStatusInfo::accepted(),
            ca_pubs: vec![CmpCertificate::from(&self.issuer.certificate)],
            release,
        }))
    }

    fn refusal(&self, message: &PkiMessage, failure: PkiFailureInfo) -> Bytes {
        let (key, out) = self.rim(message);
        let status = PkiStatusInfo::rejection(failure, "not again");
        key.protect(refuse(message, status, out).unwrap())
    }

    /// Protection mirrors that of the request.
    fn rim(
        &self,
        message: &PkiMessage,
    ) -> (pkixcmp::protection::MacKey, pkixcmp::transaction::Outgoing) {
        let algorithm = message.header().protection_alg.as_ref().unwrap();
        let key = self
            .shared
            .key_by(&MacScheme::from_algorithm(algorithm).unwrap());
        let out = self
            .shared
            .outgoing(&key, self.issuer.certificate.subject().clone());
        (key, out)
    }
}

enum Said {
    Answer(Answer),
    Again,
    Refused(PkiFailureInfo),
}

fn asked(body: &PkiBody) -> Template {
    if let PkiBody::P10cr(csr) = body {
        let csr = Csr::from_der(csr.der().clone()).unwrap();
        return csr.template().unwrap();
    }
    let template = &body.requests().unwrap()[0].cert_req.cert_template;
    template.to_template().unwrap()
}
