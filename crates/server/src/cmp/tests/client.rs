//! A CMP client: `pkixcmp`'s transaction and the protection around it.

use bytes::Bytes;
use jiff::Timestamp;
use pki::{Certificate, GeneralName, KeyKind, Name, PrivateKey, Template};
use pkixcmp::body::failure::ErrorMsgContent;
use pkixcmp::body::revoke::RevDetails;
use pkixcmp::client::{
    Authenticity, ClientTransaction, Confirmation, Issued, Opening, Rejection, Step, Tolerance,
    Verdict,
};
use pkixcmp::crmf::control::AttributeTypeAndValue;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::crmf::{CertReqMsg, CertRequest};
use pkixcmp::message::Unprotected;
use pkixcmp::pop::Unproven;
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters, ProtectionKind, Sha1Use,
    verify_mac, verify_signature,
};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CertReqId, CmpCertificate, PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, Pvno};

use super::house::{House, REFERENCE, SECRET, dn};

/// Who asks, and with what.
pub(super) enum Client {
    Mac {
        reference: Bytes,
        secret: MacSecret,
        scheme: MacScheme,
    },
    Signature {
        key: PrivateKey,
        chain: Vec<Certificate>,
    },
}

impl Client {
    pub(super) fn new() -> Self {
        Self::mac(REFERENCE, SECRET)
    }

    pub(super) fn mac(reference: &str, secret: &str) -> Self {
        let salt: [u8; 16] = pki::random::bytes().unwrap();
        Self::with_scheme(
            reference,
            secret,
            MacScheme::Pbm(PbmParameters::sha256(salt)),
        )
    }

    pub(super) fn with_scheme(reference: &str, secret: &str, scheme: MacScheme) -> Self {
        Self::Mac {
            reference: Bytes::copy_from_slice(reference.as_bytes()),
            secret: MacSecret::new(secret),
            scheme,
        }
    }

    /// With a certificate of the vendor.
    pub(super) async fn device(house: &House) -> Self {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let own = house.vendor.issue("CN=device-1", &key, &[]).await;
        Self::Signature {
            key,
            chain: vec![own],
        }
    }

    pub(super) fn signing(key: PrivateKey, own: Certificate) -> Self {
        Self::Signature {
            key,
            chain: vec![own],
        }
    }

    /// The lenient policy of somebody who sends whatever a test wants sent.
    fn policy() -> MacPolicy {
        MacPolicy {
            iterations: 1..=u32::MAX,
            ..MacPolicy::default().with_sha1(Sha1Use::Everywhere)
        }
    }

    fn key(&self) -> Option<MacKey> {
        match self {
            Self::Mac { secret, scheme, .. } => {
                Some(MacKey::derive(secret, scheme, &Self::policy(), &KeyCache::default()).unwrap())
            }
            Self::Signature { .. } => None,
        }
    }

    pub(super) fn out(&self) -> Outgoing {
        let (sender, sender_kid, protection_alg, extra_certs) = match self {
            Self::Mac {
                reference, scheme, ..
            } => (
                Name::default(),
                Some(reference.clone()),
                scheme.to_algorithm().unwrap(),
                Vec::new(),
            ),
            Self::Signature { key, chain } => (
                chain[0].subject().clone(),
                chain[0].subject_key_id().map(Bytes::copy_from_slice),
                key.algorithm().clone(),
                chain.iter().map(CmpCertificate::from).collect(),
            ),
        };
        Outgoing {
            sender: GeneralName::Directory(sender),
            sender_kid,
            protection_alg: Some(protection_alg),
            sender_nonce: Nonce(pki::random::bytes().unwrap()),
            message_time: Some(Timestamp::now()),
            extra_certs,
        }
    }

    pub(super) fn protect(&self, message: Unprotected) -> Bytes {
        match self {
            Self::Mac { .. } => self.key().unwrap().protect(message),
            Self::Signature { key, .. } => {
                let signature = key.sign_now(&message.to_be_protected()).unwrap();
                message.protected(&signature)
            }
        }
    }

    /// What the protection of an answer proves to this client.
    pub(super) fn believes(&self, message: &PkiMessage) -> Authenticity {
        let kind = ProtectionKind::announced(message.header().protection_alg.as_ref());
        match (self, kind) {
            (Self::Mac { secret, .. }, ProtectionKind::Mac) => {
                verify_mac(message, secret, &Self::policy(), &KeyCache::default()).unwrap();
                Authenticity::Mac
            }
            (_, ProtectionKind::Signature) => {
                let signer = message.extra_certs()[0].clone();
                let certificate = signer.certificate().unwrap();
                verify_signature(message, certificate.public_key(), Sha1Use::Refused).unwrap();
                Authenticity::Signature { signer }
            }
            _ => Authenticity::Unproven,
        }
    }

    /// Begins a transaction; gives it with the message that is to be sent.
    pub(super) fn begin(&self, body: &PkiBody, confirmation: Confirmation) -> (Talk<'_>, Bytes) {
        self.begin_as(
            TransactionId(pki::random::bytes().unwrap()),
            body,
            confirmation,
        )
    }

    pub(super) fn begin_as(
        &self,
        transaction_id: TransactionId,
        body: &PkiBody,
        confirmation: Confirmation,
    ) -> (Talk<'_>, Bytes) {
        let opening = Opening {
            transaction_id,
            recipient: GeneralName::Directory(dn("CN=Certway")),
            pvno: Pvno::CMP2000,
            confirmation,
            general_info: Vec::new(),
            tolerance: Tolerance {
                unprotected_errors: true,
                ..Tolerance::default()
            },
        };
        let (transaction, message) = ClientTransaction::begin(opening, body, self.out()).unwrap();
        let talk = Talk {
            client: self,
            transaction,
        };
        (talk, self.protect(message))
    }

    /// Begins, sends and reads the answer.
    pub(super) async fn ask(
        &self,
        house: &House,
        body: &PkiBody,
        confirmation: Confirmation,
    ) -> (Talk<'_>, Step) {
        let (mut talk, message) = self.begin(body, confirmation);
        let step = talk.send(house, message).await;
        (talk, step)
    }

    /// The whole of an enrollment with explicit confirmation.
    pub(super) async fn enroll(&self, house: &House, body: &PkiBody) -> Issued {
        let (mut talk, step) = self.ask(house, body, Confirmation::Explicit).await;
        let issued = issued(step);
        assert_eq!(talk.accept(house).await, Step::Confirmed);
        issued
    }

    /// The refusal of a request.
    pub(super) async fn refused(&self, house: &House, body: &PkiBody) -> Rejection {
        let (_, step) = self.ask(house, body, Confirmation::Explicit).await;
        rejected(step)
    }
}

/// A transaction under way.
pub(super) struct Talk<'c> {
    pub(super) client: &'c Client,
    pub(super) transaction: ClientTransaction,
}

impl Talk<'_> {
    pub(super) async fn send(&mut self, house: &House, message: Bytes) -> Step {
        let answer = house.ask(message).await;
        self.hear(&answer)
    }

    pub(super) fn hear(&mut self, answer: &PkiMessage) -> Step {
        let authenticity = self.client.believes(answer);
        self.transaction.receive(answer, authenticity).unwrap()
    }

    pub(super) fn confirmation(&mut self, verdict: &Verdict) -> Bytes {
        let message = self.transaction.confirm(verdict, self.client.out());
        self.client.protect(message.unwrap())
    }

    pub(super) async fn accept(&mut self, house: &House) -> Step {
        let message = self.confirmation(&Verdict::Accept);
        self.send(house, message).await
    }

    pub(super) fn polling(&mut self) -> Bytes {
        let message = self.transaction.poll(self.client.out()).unwrap();
        self.client.protect(message)
    }

    pub(super) async fn poll(&mut self, house: &House) -> Step {
        let message = self.polling();
        self.send(house, message).await
    }
}

pub(super) fn issued(step: Step) -> Issued {
    match step {
        Step::Issued(issued) => *issued,
        other => panic!("{other:?}"),
    }
}

pub(super) fn rejected(step: Step) -> Rejection {
    match step {
        Step::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

/// The failInfo of an answer that is an error.
pub(super) fn error(answer: &PkiMessage) -> PkiFailureInfo {
    match answer.body() {
        PkiBody::Error(ErrorMsgContent {
            pki_status_info, ..
        }) => {
            assert_eq!(pki_status_info.status, PkiStatus::Rejection);
            pki_status_info.failure.unwrap()
        }
        other => panic!("{}", other.name()),
    }
}

pub(super) fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).unwrap()
}

pub(super) fn template(key: &PrivateKey) -> Template {
    Template {
        sans: vec![GeneralName::Dns("a.example".to_owned())],
        ..Template::new(dn("CN=a.example"), key.public_key().clone())
    }
}

/// A request for `template`, proven by `key`.
pub(super) fn request(
    template: CertTemplate,
    key: &PrivateKey,
    controls: Vec<AttributeTypeAndValue>,
) -> CertReqMsg {
    let unproven = Unproven::new(CertRequest {
        cert_req_id: CertReqId::FIRST,
        cert_template: template,
        controls: (!controls.is_empty()).then(|| controls.into()),
    })
    .unwrap();
    let signature = key.sign_now(unproven.to_be_signed()).unwrap();
    unproven
        .proven(key.algorithm().clone(), &signature, None)
        .unwrap()
}

pub(super) fn crmf(key: &PrivateKey) -> CertReqMsg {
    let template = CertTemplate::from_template(&template(key)).unwrap();
    request(template, key, Vec::new())
}

pub(super) fn ir(key: &PrivateKey) -> PkiBody {
    PkiBody::Ir([crmf(key)].into())
}

pub(super) fn rr(certificate: &Certificate) -> PkiBody {
    PkiBody::Rr([RevDetails::of(&certificate.id(), None).unwrap()].into())
}
