//! A CMP client that is driven message by message, so that tests can lose, repeat and kill between any two of them.

use bytes::Bytes;
use jiff::Timestamp;
use pki::{Certificate, GeneralName, Name, PrivateKey, Template};
use pkixcmp::client::{
    Authenticity, ClientTransaction, Confirmation, Opening, Step, Tolerance, Verdict,
};
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::crmf::{CertReqMsg, CertRequest};
use pkixcmp::pop::Unproven;
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters, Sha1Use, verify_mac,
};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CertReqId, PkiBody, PkiMessage, Pvno};

use crate::certs::{dn, sans};

/// A shared secret under its reference; protects and verifies by MAC.
#[derive(Clone)]
pub struct Shared {
    reference: Bytes,
    secret: MacSecret,
}

/// One transaction of a client.
#[derive(Clone)]
pub struct Talk {
    shared: Shared,
    transaction: ClientTransaction,
}

impl Shared {
    /// That secret, known by that reference.
    pub fn new(reference: &str, secret: &str) -> Self {
        Self {
            reference: Bytes::copy_from_slice(reference.as_bytes()),
            secret: MacSecret::new(secret),
        }
    }

    /// A key for new messages.
    pub fn key(&self) -> MacKey {
        let salt: [u8; 16] = pki::random::bytes().unwrap();
        self.key_by(&MacScheme::Pbm(PbmParameters::sha256(salt)))
    }

    /// The key by that scheme: what answers mirror.
    pub fn key_by(&self, scheme: &MacScheme) -> MacKey {
        MacKey::derive(&self.secret, scheme, &policy(), &KeyCache::new(0)).unwrap()
    }

    /// The rim of a message by `sender`, protected with `key`.
    pub fn outgoing(&self, key: &MacKey, sender: Name) -> Outgoing {
        Outgoing {
            sender: GeneralName::Directory(sender),
            sender_kid: Some(self.reference.clone()),
            protection_alg: Some(key.algorithm().clone()),
            sender_nonce: Nonce(pki::random::bytes().unwrap()),
            message_time: Some(Timestamp::now()),
            extra_certs: Vec::new(),
        }
    }

    /// Whether the message bears this secret's MAC.
    pub fn protects(&self, message: &PkiMessage) -> bool {
        verify_mac(message, &self.secret, &policy(), &KeyCache::new(0)).is_ok()
    }

    /// Begins a transaction; gives it with the message to send.
    pub fn begin(&self, body: &PkiBody, confirmation: Confirmation) -> (Talk, Bytes) {
        let opening = Opening {
            transaction_id: TransactionId(pki::random::bytes().unwrap()),
            recipient: GeneralName::Directory(dn("CN=Certway")),
            pvno: Pvno::CMP2000,
            confirmation,
            general_info: Vec::new(),
            tolerance: Tolerance::default(),
        };
        let key = self.key();
        let out = self.outgoing(&key, Name::default());
        let (transaction, message) = ClientTransaction::begin(opening, body, out).unwrap();
        let talk = Talk {
            shared: self.clone(),
            transaction,
        };
        (talk, key.protect(message))
    }
}

impl Talk {
    /// Whether an answer is one to be believed.
    pub fn believes(&self, answer: &[u8]) -> bool {
        let message = PkiMessage::decode(Bytes::copy_from_slice(answer));
        message.is_ok_and(|message| self.shared.protects(&message))
    }

    /// What an answer means.
    ///
    /// # Panics
    /// When it is not protected by the secret, or does not belong to the transaction.
    pub fn hear(&mut self, answer: &[u8]) -> Step {
        let message = PkiMessage::decode(Bytes::copy_from_slice(answer)).unwrap();
        assert!(
            self.shared.protects(&message),
            "{} {:?}",
            message.body().name(),
            message.body()
        );
        self.transaction
            .receive(&message, Authenticity::Mac)
            .unwrap()
    }

    /// The pollReq that is next.
    pub fn poll(&mut self) -> Bytes {
        let (key, out) = self.next();
        key.protect(self.transaction.poll(out).unwrap())
    }

    /// The certConf that takes the certificate.
    pub fn accept(&mut self) -> Bytes {
        let (key, out) = self.next();
        key.protect(self.transaction.confirm(&Verdict::Accept, out).unwrap())
    }

    fn next(&self) -> (MacKey, Outgoing) {
        let key = self.shared.key();
        let out = self.shared.outgoing(&key, Name::default());
        (key, out)
    }
}

/// An ir for those names, proven by `key`.
pub fn ir(subject: &str, names: &[&str], key: &PrivateKey) -> PkiBody {
    let mut template = Template::new(dn(subject), key.public_key().clone());
    template.sans = sans(names);
    PkiBody::Ir([request(&template, key)].into())
}

fn request(template: &Template, key: &PrivateKey) -> CertReqMsg {
    let unproven = Unproven::new(CertRequest {
        cert_req_id: CertReqId::FIRST,
        cert_template: CertTemplate::from_template(template).unwrap(),
        controls: None,
    })
    .unwrap();
    let signature = key.sign_now(unproven.to_be_signed()).unwrap();
    unproven
        .proven(key.algorithm().clone(), &signature, None)
        .unwrap()
}

/// The certificate of an answer that has one.
///
/// # Panics
/// When it has none.
#[track_caller]
pub fn issued(step: Step) -> Certificate {
    match step {
        Step::Issued(issued) => issued.certificate.certificate().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn policy() -> MacPolicy {
    MacPolicy::default().with_sha1(Sha1Use::Everywhere)
}
