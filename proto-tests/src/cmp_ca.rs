//! A CMP CA that does its work by `pkixcmp`'s server transaction, or what a test tells it to do instead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::Timestamp;
use pki::{Certificate, Csr, GeneralName, PrivateKey, PublicKey, Template, random};
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters, ProtectionKind, Sha1Use,
};
use pkixcmp::server::{Answer, Follow, Granted, Release, ServerTransaction, refuse};
use pkixcmp::transaction::{Nonce, Outgoing};
use pkixcmp::{
    CmpCertificate, PkiBody, PkiFailureInfo, PkiHeader, PkiMessage, PkiStatusInfo, Unprotected,
};

use crate::ca::SECRET;
use crate::certs::Issuer;
use crate::upstream::{FakeUpstream, Received, Reply};

/// What the CA does with the next message; when nothing is left, its work.
#[derive(Clone)]
pub enum Act {
    /// Its work.
    Work,
    /// Its work, but what comes out is replaced.
    Replace(fn(Vec<u8>) -> Reply),
    /// Its work, and then the connection breaks before the answer is out.
    Lose,
    /// `waiting` to a request, "not yet" to a poll; look again after so many seconds.
    Wait(u32),
    /// A protected refusal.
    Reject(PkiFailureInfo, &'static str),
    /// An error without protection.
    BareError(PkiFailureInfo, &'static str),
    /// Its work, with this done to the header before it is protected.
    Header(fn(&mut PkiHeader)),
    /// Its work, with this done to the body before it is protected.
    Body(fn(PkiBody) -> PkiBody),
    /// Its work, protected with this secret.
    Secret(&'static str),
    /// Its work, without protection.
    Unprotected,
    /// Its work, signed with that key under that certificate.
    Signed(Arc<PrivateKey>, Certificate),
    /// Its work, with so many iterations announced.
    Iterations(u32),
    /// Issues for this key.
    IssueFor(PublicKey),
    /// Issues below this CA instead.
    IssueBy(Arc<Issuer>),
    /// Issues below this CA, and shows just these certificates.
    Show {
        /// Who issues.
        issuer: Arc<Issuer>,
        /// What stands in caPubs.
        ca_pubs: Vec<Certificate>,
        /// What stands in extraCerts.
        extra_certs: Vec<Certificate>,
    },
    /// This, whatever came.
    Say(Reply),
}

/// The CA. It ends with this value.
pub struct CmpCa {
    /// Where it listens.
    pub upstream: FakeUpstream,
    /// What it issues with: a root.
    pub root: Arc<Issuer>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    acts: VecDeque<Act>,
    always: Option<Act>,
    transactions: HashMap<Bytes, Open>,
    kinds: Vec<&'static str>,
    log: Vec<&'static str>,
}

struct Open {
    transaction: ServerTransaction,
    request: PkiMessage,
    certificate: Option<Certificate>,
}

struct Desk {
    root: Arc<Issuer>,
    state: Arc<Mutex<State>>,
}

impl Default for CmpCa {
    fn default() -> Self {
        Self::start()
    }
}

impl CmpCa {
    /// Starts one. Whoever has [`crate::ca::SECRET`] may have certificates.
    pub fn start() -> Self {
        let root = Arc::new(Issuer::root("O=Elsewhere,CN=CMP CA"));
        let state = Arc::new(Mutex::new(State::default()));
        let desk = Desk {
            root: Arc::clone(&root),
            state: Arc::clone(&state),
        };
        Self {
            upstream: FakeUpstream::start(move |received| desk.serve(received)),
            root,
            state,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.upstream.url("/pkix/")
    }

    /// What it does with the next messages.
    pub fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().acts.extend(acts);
    }

    /// What it does with every message from now on, until it [`recovers`](Self::recovers).
    pub fn always(&self, act: Act) {
        self.state().always = Some(act);
    }

    /// From now on it does its work.
    pub fn recovers(&self) {
        let mut state = self.state();
        state.always = None;
        state.acts.clear();
    }

    /// The kinds of message it got, in order.
    pub fn kinds(&self) -> Vec<&'static str> {
        self.state().kinds.clone()
    }

    /// What came of its transactions: `issued`, `accepted`, `refused`, `revoked`.
    pub fn log(&self) -> Vec<&'static str> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Desk {
    fn serve(&self, received: &Received) -> Reply {
        let act = {
            let mut state = lock(&self.state);
            let next = state.acts.pop_front().or_else(|| state.always.clone());
            next.unwrap_or(Act::Work)
        };
        let Ok(message) = PkiMessage::decode(received.body.clone()) else {
            return Reply::http(400, "text/plain", "not CMP");
        };
        lock(&self.state).kinds.push(message.body().name());
        match act {
            Act::Say(reply) => reply,
            Act::BareError(failure, text) => {
                let status = PkiStatusInfo::rejection(failure, text);
                let error = refuse(&message, status, self.outgoing(None, Vec::new()));
                Reply::cmp(error.unwrap().unprotected())
            }
            Act::Replace(make) => make(self.work(&Act::Work, message).to_vec()),
            Act::Lose => {
                self.work(&Act::Work, message);
                Reply::Close
            }
            act => Reply::cmp(self.work(&act, message)),
        }
    }

    fn work(&self, act: &Act, message: PkiMessage) -> Bytes {
        let id = message.header().transaction_id.as_ref().unwrap();
        let id = Bytes::copy_from_slice(id.as_bytes());
        let known = lock(&self.state).transactions.remove(&id);
        let mut open = known.unwrap_or_else(|| Open {
            transaction: ServerTransaction::open(&message).unwrap(),
            request: message.clone(),
            certificate: None,
        });
        let answer = self.next(act, &mut open, &message);
        let octets = self.protected(act, &mut open, &answer, &message);
        lock(&self.state).transactions.insert(id, open);
        octets
    }

    fn next(&self, act: &Act, open: &mut Open, message: &PkiMessage) -> Answer {
        let first = message.der() == open.request.der();
        if first && !open.transaction.is_confirmed() {
            return match act {
                Act::Wait(_) => Answer::Waiting {
                    text: "an officer looks at it".to_owned(),
                },
                Act::Reject(failure, text) => {
                    Answer::Rejected(PkiStatusInfo::rejection(*failure, *text))
                }
                act => self.result(act, open),
            };
        }
        if let Act::Reject(failure, text) = act {
            return Answer::Error(PkiStatusInfo::rejection(*failure, *text));
        }
        let note = |what| lock(&self.state).log.push(what);
        match (open.transaction.follow(message), act) {
            (Ok(Follow::Poll), Act::Wait(seconds)) => Answer::CheckAfter {
                seconds: *seconds,
                reason: None,
            },
            (Ok(Follow::Poll), act) if !open.transaction.is_confirmed() => self.result(act, open),
            (Ok(Follow::Accepted), _) => {
                note("accepted");
                Answer::Confirmed
            }
            (Ok(Follow::Refused(_) | Follow::Aborted(_)), _) => {
                note("refused");
                Answer::Confirmed
            }
            (Ok(_), _) => Answer::Confirmed,
            (Err(fault), _) => Answer::Error(fault.status()),
        }
    }

    /// What a request gets, the same however often it comes.
    fn result(&self, act: &Act, open: &mut Open) -> Answer {
        let note = |what| lock(&self.state).log.push(what);
        if let PkiBody::Rr(_) = open.request.body() {
            note("revoked");
            return Answer::Revoked {
                status: PkiStatusInfo::accepted(),
                certificate: None,
            };
        }
        if let PkiBody::Genm(_) = open.request.body() {
            let why = "there is nothing to tell";
            return Answer::Rejected(PkiStatusInfo::rejection(PkiFailureInfo::BAD_REQUEST, why));
        }
        let mut template = asked(open.request.body());
        if let Act::IssueFor(key) = act {
            template.public_key = key.clone();
        }
        let issuer = match act {
            Act::IssueBy(other) | Act::Show { issuer: other, .. } => other,
            _ => &self.root,
        };
        let ca_pubs = match act {
            Act::Show { ca_pubs, .. } => ca_pubs.iter().map(carried).collect(),
            _ => vec![carried(&self.root.certificate)],
        };
        let certificate = open.certificate.get_or_insert_with(|| {
            note("issued");
            issuer.sign(template)
        });
        Answer::Granted(Box::new(Granted {
            certificate: carried(certificate),
            status: PkiStatusInfo::accepted(),
            ca_pubs,
            release: Release::Confirm,
        }))
    }

    fn protected(
        &self,
        act: &Act,
        open: &mut Open,
        answer: &Answer,
        message: &PkiMessage,
    ) -> Bytes {
        if let Act::Signed(key, certificate) = act {
            let extra = vec![carried(certificate)];
            let out = self.outgoing(Some(key.algorithm().clone()), extra);
            return sign(open.transaction.answer(answer, out).unwrap(), key);
        }
        if open.transaction.protection() == ProtectionKind::Signature {
            let extra = vec![carried(&self.root.certificate)];
            let out = self.outgoing(Some(self.root.key.algorithm().clone()), extra);
            return sign(
                open.transaction.answer(answer, out).unwrap(),
                &self.root.key,
            );
        }
        let secret = match act {
            Act::Secret(secret) => secret,
            _ => SECRET,
        };
        let announced = message.header().protection_alg.as_ref();
        let scheme = MacScheme::from_algorithm(announced.unwrap()).unwrap();
        let policy = MacPolicy::default().with_sha1(Sha1Use::Everywhere);
        let secret = MacSecret::new(secret.as_bytes());
        let mac = MacKey::derive(&secret, &scheme, &policy, &KeyCache::new(0)).unwrap();
        let algorithm = match act {
            Act::Unprotected => None,
            Act::Iterations(iterations) => {
                let many = PbmParameters {
                    iterations: *iterations,
                    ..PbmParameters::sha256([1; 16])
                };
                Some(MacScheme::Pbm(many).to_algorithm().unwrap())
            }
            _ => Some(mac.algorithm().clone()),
        };
        let extra = match act {
            Act::Show { extra_certs, .. } => extra_certs.iter().map(carried).collect(),
            _ => Vec::new(),
        };
        let out = self.outgoing(algorithm, extra);
        let made = open.transaction.answer(answer, out).unwrap();
        match act {
            Act::Unprotected => made.unprotected(),
            Act::Header(change) => {
                let (mut header, body) =
                    PkiMessage::decode(mac.protect(made)).unwrap().into_parts();
                change(&mut header);
                mac.protect(Unprotected::new(&header, &body, Vec::new()).unwrap())
            }
            Act::Body(change) => {
                let (header, body) = PkiMessage::decode(mac.protect(made)).unwrap().into_parts();
                mac.protect(Unprotected::new(&header, &change(body), Vec::new()).unwrap())
            }
            _ => mac.protect(made),
        }
    }

    fn outgoing(
        &self,
        protection_alg: Option<pki::AlgorithmId>,
        extra_certs: Vec<CmpCertificate>,
    ) -> Outgoing {
        Outgoing {
            sender: GeneralName::Directory(self.root.certificate.subject().clone()),
            sender_kid: None,
            protection_alg,
            sender_nonce: Nonce(random::bytes().unwrap()),
            message_time: Some(Timestamp::now()),
            extra_certs,
        }
    }
}

fn sign(message: Unprotected, key: &PrivateKey) -> Bytes {
    let signature = key.sign_now(&message.to_be_protected()).unwrap();
    message.protected(&signature)
}

/// The certificate as messages carry it.
pub fn carried(certificate: &Certificate) -> CmpCertificate {
    CmpCertificate::from_der(certificate.der().clone()).unwrap()
}

fn asked(body: &PkiBody) -> Template {
    if let PkiBody::P10cr(csr) = body {
        let csr = Csr::from_der(csr.der().clone()).unwrap();
        return csr.template().unwrap();
    }
    let request = &body.requests().unwrap()[0].cert_req;
    request.cert_template.to_template().unwrap()
}
