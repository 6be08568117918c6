//! A CMP CA on a socket that does its work by `pkixcmp`'s server transaction, or what a test tells it to do instead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, issue};
use pki::{
    CaConstraint, Certificate, Csr, GeneralName, KeyKind, KeyUsages, Name, PrivateKey, PublicKey,
    Signer, Template, name, random,
};
use pkixcmp::info::{InfoTypeAndValue, id};
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters, ProtectionKind, Sha1Use,
};
use pkixcmp::server::{Answer, Follow, Granted, Release, ServerTransaction, refuse};
use pkixcmp::transaction::{Nonce, Outgoing};
use pkixcmp::{CmpCertificate, PkiBody, PkiFailureInfo, PkiMessage, PkiStatusInfo, Unprotected};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(super) const REFERENCE: &[u8] = b"ra-1";
pub(super) const SECRET: &[u8] = b"correct horse";

/// What the CA does with the next message; when nothing is left, it does its work.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Its work.
    Work,
    /// Its work, and then the connection breaks before the answer is out.
    WorkAndLose,
    /// `waiting` to a request, "not yet" to a poll.
    Wait,
    /// A protected answer that refuses.
    Reject(PkiFailureInfo),
    /// An error without protection.
    BareError(PkiFailureInfo),
    /// The same without transactionID and nonces.
    NakedError,
    /// Its work, with this done to the answer before it is protected.
    Tamper(fn(&mut pkixcmp::PkiHeader)),
    /// Says granted and sends no certificate.
    NoCertificate,
    /// Its work, protected with another secret.
    OtherSecret,
    /// Its work, without protection.
    NoProtection,
    /// Its work, signed by this key and with these extraCerts.
    SignAs(Arc<PrivateKey>, Vec<Certificate>),
    /// Its work, with 10⁹ iterations announced.
    ManyIterations,
    /// Issues for this key.
    IssueFor(PublicKey),
    /// This octet by octet, and then the end of the connection.
    Raw(Vec<u8>),
    /// An HTTP head, and then a body without end.
    Endless,
    /// Its work, under this status and media type.
    Http(&'static str, &'static str),
    /// Cuts the answer short of its Content-Length.
    Truncate,
}

/// How the CA protects its answers.
#[derive(Clone)]
pub(super) enum Shield {
    /// By a MAC with the request's parameters, or a signature where the request is signed.
    AsAsked,
    /// Always signed by the CA.
    Signed,
    /// Signed, with the signer's certificate only in the first answer of a transaction.
    SignedOnce,
    /// Always by a MAC.
    Mac,
}

pub(super) struct Ca {
    pub(super) key: Arc<PrivateKey>,
    pub(super) certificate: Certificate,
    pub(super) url: String,
    pub(super) address: std::net::SocketAddr,
    state: Mutex<State>,
}

struct State {
    acts: VecDeque<Act>,
    shield: Shield,
    implicit: bool,
    repeats: bool,
    received: Vec<Bytes>,
    heads: Vec<String>,
    transactions: HashMap<Bytes, Open>,
    log: Vec<&'static str>,
    revoked: Vec<Vec<u8>>,
}

struct Open {
    transaction: ServerTransaction,
    request: PkiMessage,
    certificate: Option<Certificate>,
    last: Option<Bytes>,
}

pub(super) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(super) fn named(text: &str) -> Name {
    name::onap::parse(text).unwrap()
}

pub(super) fn key() -> Arc<PrivateKey> {
    Arc::new(PrivateKey::generate(KeyKind::P256).unwrap())
}

/// A self-signed CA certificate.
pub(super) async fn root(subject: &str, key: &PrivateKey) -> Certificate {
    root_at(subject, key, now()).await
}

pub(super) async fn root_at(subject: &str, key: &PrivateKey, at: Timestamp) -> Certificate {
    let mut template = Template::new(named(subject), key.public_key().clone());
    template.ca = Some(CaConstraint { path_len: None });
    template.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::DIGITAL_SIGNATURE);
    let year = SignedDuration::from_hours(24 * 365);
    let serial = Serial::random().unwrap();
    issue(
        &TbsParameters::self_signed(template, serial, at - year, at + year),
        key,
    )
    .await
    .unwrap()
}

/// A certificate under `issuer`.
pub(super) async fn under(
    issuer: &Certificate,
    key: &PrivateKey,
    template: Template,
) -> Certificate {
    under_at(issuer, key, template, now()).await
}

pub(super) async fn under_at(
    issuer: &Certificate,
    key: &PrivateKey,
    template: Template,
    at: Timestamp,
) -> Certificate {
    let serial = Serial::random().unwrap();
    let day = SignedDuration::from_hours(24);
    issue(
        &TbsParameters::under(issuer, template, serial, at - day, at + day),
        key,
    )
    .await
    .unwrap()
}

impl Ca {
    pub(super) async fn start() -> Arc<Self> {
        Self::start_with(Shield::AsAsked).await
    }

    pub(super) async fn start_with(shield: Shield) -> Arc<Self> {
        let key = key();
        let certificate = root("O=Test,CN=CA", &key).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ca = Arc::new(Self {
            key,
            certificate,
            url: format!("http://{address}/pkix/"),
            address,
            state: Mutex::new(State {
                acts: VecDeque::new(),
                shield,
                implicit: false,
                repeats: false,
                received: Vec::new(),
                heads: Vec::new(),
                transactions: HashMap::new(),
                log: Vec::new(),
                revoked: Vec::new(),
            }),
        });
        let serving = Arc::clone(&ca);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let ca = Arc::clone(&serving);
                tokio::spawn(async move { ca.connection(stream).await });
            }
        });
        ca
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.state().acts.extend(acts);
    }

    pub(super) fn grants_implicit(&self) {
        self.state().implicit = true;
    }

    pub(super) fn repeats(&self) {
        self.state().repeats = true;
    }

    /// Every message as received.
    pub(super) fn received(&self) -> Vec<Bytes> {
        self.state().received.clone()
    }

    /// Every message as received, decoded.
    pub(super) fn messages(&self) -> Vec<PkiMessage> {
        self.received()
            .into_iter()
            .map(|der| PkiMessage::decode(der).unwrap())
            .collect()
    }

    /// Every HTTP head as received.
    pub(super) fn heads(&self) -> Vec<String> {
        self.state().heads.clone()
    }

    /// What was confirmed, refused, revoked, in order.
    pub(super) fn log(&self) -> Vec<&'static str> {
        self.state().log.clone()
    }

    pub(super) async fn connection<S: AsyncReadExt + AsyncWriteExt + Unpin>(&self, mut stream: S) {
        let mut buffer = Vec::new();
        while let Some(body) = self.read(&mut stream, &mut buffer).await {
            let act = self.state().acts.pop_front().unwrap_or(Act::Work);
            let (answer, stays) = self.act(act, body).await;
            if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            if !stays {
                let _ = stream.shutdown().await;
                return;
            }
            if answer.ends_with(b"\r\n\r\n") {
                // Endless: as long as somebody reads.
                while stream.write_all(&[0x30; 64 * 1024]).await.is_ok() {}
                return;
            }
        }
    }

    async fn read<S: AsyncReadExt + Unpin>(
        &self,
        stream: &mut S,
        buffer: &mut Vec<u8>,
    ) -> Option<Bytes> {
        loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |text| text.parse().unwrap());
                if buffer.len() >= end + 4 + length {
                    let rest = buffer.split_off(end + 4 + length);
                    let body = Bytes::copy_from_slice(&buffer[end + 4..]);
                    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
                    *buffer = rest;
                    let mut state = self.state();
                    state.heads.push(head);
                    state.received.push(body.clone());
                    return Some(body);
                }
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// The octets of the HTTP answer, and whether the connection stays.
    async fn act(&self, act: Act, body: Bytes) -> (Vec<u8>, bool) {
        let cmp = "application/pkixcmp";
        match act {
            Act::Raw(octets) => (octets, false),
            Act::Endless => (b"HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nConnection: close\r\n\r\n".to_vec(), true),
            Act::WorkAndLose => {
                self.work(Act::Work, body).await;
                (Vec::new(), false)
            }
            Act::Http(status, media_type) => (http(status, media_type, &self.work(Act::Work, body).await), true),
            Act::Truncate => {
                let mut answer = http("200 OK", cmp, &self.work(Act::Work, body).await);
                answer.truncate(answer.len() - 40);
                (answer, false)
            }
            act => (http("200 OK", cmp, &self.work(act, body).await), true),
        }
    }

    async fn work(&self, act: Act, body: Bytes) -> Bytes {
        let message = PkiMessage::decode(body).unwrap();
        let id =
            Bytes::copy_from_slice(message.header().transaction_id.as_ref().unwrap().as_bytes());
        if let Act::BareError(failure) = act {
            let out = self.outgoing(None, Vec::new());
            return refuse(
                &message,
                PkiStatusInfo::rejection(failure, "not protected"),
                out,
            )
            .unwrap()
            .unprotected();
        }
        if let Act::NakedError = act {
            let why = PkiStatusInfo::rejection(
                PkiFailureInfo::BAD_REQUEST,
                "Failed to verify message using both Global Shared Secret",
            );
            let header = pkixcmp::PkiHeader {
                transaction_id: None,
                sender_nonce: None,
                protection_alg: None,
                sender_kid: None,
                general_info: None,
                ..message.header().clone()
            };
            let body = PkiBody::Error(pkixcmp::body::failure::ErrorMsgContent::from(why));
            return Unprotected::new(&header, &body, Vec::new())
                .unwrap()
                .unprotected();
        }
        let known = self.state().transactions.remove(&id);
        let (mut open, answer) = match known {
            None => self.first(&act, message.clone()).await,
            Some(open) => match self.next(&act, open, &message).await {
                Ok(next) => next,
                Err((open, refusal)) => {
                    self.state().transactions.insert(id, open);
                    return refusal;
                }
            },
        };
        let octets = self.protected(&act, &mut open, answer, &message).await;
        open.last = Some(octets.clone());
        self.state().transactions.insert(id, open);
        octets
    }

    async fn first(&self, act: &Act, message: PkiMessage) -> (Open, Answer) {
        let transaction = ServerTransaction::open(&message).unwrap();
        let mut open = Open {
            transaction,
            request: message,
            certificate: None,
            last: None,
        };
        let answer = match act {
            Act::Wait => Answer::Waiting {
                text: "an officer looks at it".to_owned(),
            },
            Act::Reject(failure) => Answer::Rejected(PkiStatusInfo::rejection(*failure, "no")),
            act => self.result(act, &mut open).await,
        };
        (open, answer)
    }

    async fn next(
        &self,
        act: &Act,
        mut open: Open,
        message: &PkiMessage,
    ) -> Result<(Open, Answer), (Open, Bytes)> {
        if let Act::Reject(failure) = act {
            let refusal = self.refusal(message, *failure).await;
            return Err((open, refusal));
        }
        let follow = match open.transaction.follow(message) {
            Ok(Follow::Repeated) if !self.state().repeats => {
                let refusal = self
                    .refusal(message, PkiFailureInfo::TRANSACTION_ID_IN_USE)
                    .await;
                return Err((open, refusal));
            }
            Ok(Follow::Repeated) => {
                let last = open.last.clone().unwrap();
                return Err((open, last));
            }
            Ok(follow) => follow,
            Err(fault) => {
                let refusal = self.refusal(message, fault.failure).await;
                return Err((open, refusal));
            }
        };
        let answer = match (follow, act) {
            (Follow::Poll, Act::Wait) => Answer::CheckAfter {
                seconds: 7,
                reason: None,
            },
            (Follow::Poll, act)
                if open.certificate.is_none() && !open.transaction.is_confirmed() =>
            {
                self.result(act, &mut open).await
            }
            (Follow::Poll, _) => Answer::Confirmed,
            (Follow::Accepted, Act::Wait) => Answer::Waiting {
                text: String::new(),
            },
            (Follow::Accepted, _) => {
                self.state().log.push("accepted");
                Answer::Confirmed
            }
            (Follow::Refused(_) | Follow::Aborted(_), _) => {
                self.state().log.push("refused");
                Answer::Confirmed
            }
            (Follow::Repeated, _) => unreachable!(),
            (other, _) => panic!("{other:?}"),
        };
        Ok((open, answer))
    }

    /// What a request gets.
    async fn result(&self, act: &Act, open: &mut Open) -> Answer {
        match open.request.body() {
            PkiBody::Rr(list) => {
                let serial = list[0]
                    .cert_details
                    .serial_number
                    .as_ref()
                    .unwrap()
                    .as_bytes()
                    .to_vec();
                let mut state = self.state();
                if state.revoked.contains(&serial) {
                    return Answer::Rejected(PkiStatusInfo::rejection(
                        PkiFailureInfo::CERT_REVOKED,
                        "revoked before",
                    ));
                }
                state.revoked.push(serial);
                state.log.push("revoked");
                Answer::Revoked {
                    status: PkiStatusInfo::accepted(),
                    certificate: None,
                }
            }
            PkiBody::Genm(_) => {
                let list: pkixcmp::body::enroll::CmpCertificates =
                    [carried(&self.certificate)].into();
                Answer::Support([InfoTypeAndValue::with(id::CA_CERTS, &list).unwrap()].into())
            }
            body => {
                let mut template = asked(body);
                if let Act::IssueFor(key) = act {
                    template.public_key = key.clone();
                }
                let certificate = under(&self.certificate, &self.key, template).await;
                open.certificate = Some(certificate.clone());
                let release = if self.state().implicit {
                    Release::Implicit
                } else {
                    Release::Confirm
                };
                Answer::Granted(Box::new(Granted {
                    certificate: carried(&certificate),
                    status: PkiStatusInfo::accepted(),
                    ca_pubs: vec![carried(&self.certificate)],
                    release,
                }))
            }
        }
    }

    async fn protected(
        &self,
        act: &Act,
        open: &mut Open,
        answer: Answer,
        message: &PkiMessage,
    ) -> Bytes {
        let first = open.last.is_none();
        let shield = self.state().shield.clone();
        let signs = match (&shield, open.transaction.protection()) {
            (Shield::Signed | Shield::SignedOnce, _)
            | (Shield::AsAsked, ProtectionKind::Signature) => true,
            (Shield::Mac, _) | (Shield::AsAsked, _) => false,
        };
        let (signer, extra) = match act {
            Act::SignAs(key, extra) => (Some(Arc::clone(key)), extra.clone()),
            _ if signs && matches!(shield, Shield::SignedOnce) && !first => {
                (Some(Arc::clone(&self.key)), vec![])
            }
            _ if signs => (Some(Arc::clone(&self.key)), vec![self.certificate.clone()]),
            _ => (None, vec![]),
        };
        let extra: Vec<_> = extra.iter().map(carried).collect();
        if let Some(signer) = signer {
            let out = self.outgoing(Some(signer.algorithm().clone()), extra);
            let unprotected = open.transaction.answer(&answer, out).unwrap();
            let signature = signer.sign(&unprotected.to_be_protected()).await.unwrap();
            return unprotected.protected(&signature);
        }
        let secret = if let Act::OtherSecret = act {
            &b"wrong"[..]
        } else {
            SECRET
        };
        let scheme = match message
            .header()
            .protection_alg
            .as_ref()
            .map(MacScheme::from_algorithm)
        {
            Some(Ok(scheme)) => scheme,
            _ => MacScheme::Pbm(PbmParameters::sha256([9; 16])),
        };
        let policy = MacPolicy::default().with_sha1(Sha1Use::Everywhere);
        let mac =
            MacKey::derive(&MacSecret::new(secret), &scheme, &policy, &KeyCache::new(0)).unwrap();
        let algorithm = match act {
            Act::NoProtection => None,
            Act::ManyIterations => {
                let many = PbmParameters {
                    iterations: 1_000_000_000,
                    ..PbmParameters::sha256([1; 16])
                };
                Some(MacScheme::Pbm(many).to_algorithm().unwrap())
            }
            _ => Some(mac.algorithm().clone()),
        };
        let out = self.outgoing(algorithm, extra);
        let unprotected = open.transaction.answer(&answer, out).unwrap();
        match act {
            Act::NoProtection => unprotected.unprotected(),
            Act::Tamper(change) => {
                let made = PkiMessage::decode(mac.protect(unprotected)).unwrap();
                let mut header = made.header().clone();
                change(&mut header);
                mac.protect(
                    Unprotected::with_raw_body(&header, made.raw_body().clone(), Vec::new())
                        .unwrap(),
                )
            }
            Act::NoCertificate => {
                let made = PkiMessage::decode(mac.protect(unprotected)).unwrap();
                let mut content = made.body().responses().unwrap().clone();
                content.response[0].certified_key_pair = None;
                mac.protect(
                    Unprotected::new(made.header(), &PkiBody::Ip(content), Vec::new()).unwrap(),
                )
            }
            _ => mac.protect(unprotected),
        }
    }

    /// A refusal outside of a transaction, protected as the request was.
    async fn refusal(&self, message: &PkiMessage, failure: PkiFailureInfo) -> Bytes {
        let status = PkiStatusInfo::rejection(failure, "not again");
        match ProtectionKind::announced(message.header().protection_alg.as_ref()) {
            ProtectionKind::Mac => {
                let scheme =
                    MacScheme::from_algorithm(message.header().protection_alg.as_ref().unwrap())
                        .unwrap();
                let policy = MacPolicy::default().with_sha1(Sha1Use::Everywhere);
                let mac =
                    MacKey::derive(&MacSecret::new(SECRET), &scheme, &policy, &KeyCache::new(0))
                        .unwrap();
                mac.protect(
                    refuse(
                        message,
                        status,
                        self.outgoing(Some(mac.algorithm().clone()), vec![]),
                    )
                    .unwrap(),
                )
            }
            _ => {
                let out = self.outgoing(
                    Some(self.key.algorithm().clone()),
                    vec![carried(&self.certificate)],
                );
                let unprotected = refuse(message, status, out).unwrap();
                let signature = self.key.sign(&unprotected.to_be_protected()).await.unwrap();
                unprotected.protected(&signature)
            }
        }
    }

    fn outgoing(
        &self,
        protection_alg: Option<pki::AlgorithmId>,
        extra_certs: Vec<CmpCertificate>,
    ) -> Outgoing {
        Outgoing {
            sender: GeneralName::Directory(self.certificate.subject().clone()),
            sender_kid: None,
            protection_alg,
            sender_nonce: Nonce(random::bytes().unwrap()),
            message_time: Some(now()),
            extra_certs,
        }
    }
}

pub(super) fn carried(certificate: &Certificate) -> CmpCertificate {
    CmpCertificate::from_der(certificate.der().clone()).unwrap()
}

fn asked(body: &PkiBody) -> Template {
    if let PkiBody::P10cr(csr) = body {
        return Csr::from_der(csr.der().clone())
            .unwrap()
            .template()
            .unwrap();
    }
    let template = &body.requests().unwrap()[0].cert_req.cert_template;
    let spki = der::Encode::to_der(template.public_key.as_ref().unwrap()).unwrap();
    let mut asked = Template::new(
        template.subject.clone().unwrap(),
        PublicKey::from_spki_der(spki).unwrap(),
    );
    if let Some(extensions) = &template.extensions {
        asked.take_extensions(extensions).unwrap();
    }
    asked
}

pub(super) fn http(status: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The kinds of the messages received, in order.
pub(super) fn kinds(messages: &[PkiMessage]) -> Vec<&'static str> {
    messages
        .iter()
        .map(|message| message.body().name())
        .collect()
}
