//! A client that fills in every field itself.

use bytes::Bytes;
use der::asn1::OctetString;
use jiff::Timestamp;
use pki::{Certificate, GeneralName, Name, PrivateKey, Template, random};
use pkixcmp::body::confirm::CertStatus;
use pkixcmp::cert_hash::CertHash;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::crmf::{CertReqMsg, CertRequest};
use pkixcmp::pop::Unproven;
use pkixcmp::protection::{KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters};
use pkixcmp::{
    CertReqId, CmpCertificate, GeneralizedTime, PkiBody, PkiFailureInfo, PkiHeader, PkiMessage,
    Pvno, Unprotected,
};
use proto_tests::certs::{Identity, dn};
use proto_tests::cmp_ca::carried;
use proto_tests::native::{RA_SECRET, SECRET};
use proto_tests::{Keys, Native};

/// Who speaks, and in which transaction.
pub struct Client<'r> {
    pub ra: &'r Native,
    reference: &'static str,
    secret: &'static str,
    pub transaction: [u8; 16],
}

pub fn octets(octets: impl Into<Vec<u8>>) -> Option<OctetString> {
    Some(OctetString::new(octets.into()).unwrap())
}

/// A PBM key under that secret.
pub fn mac(secret: &str, scheme: &MacScheme) -> MacKey {
    let policy = MacPolicy {
        iterations: 1..=u32::MAX,
        ..MacPolicy::default()
    };
    let secret = MacSecret::new(secret.as_bytes());
    MacKey::derive(&secret, scheme, &policy, &KeyCache::new(0)).unwrap()
}

pub fn pbm() -> MacScheme {
    MacScheme::Pbm(PbmParameters::sha256([5; 16]))
}

/// A request for a certificate, with its proof.
pub fn asking(id: i64, template: &Template, key: &PrivateKey) -> CertReqMsg {
    let unproven = Unproven::new(CertRequest {
        cert_req_id: CertReqId(id),
        cert_template: CertTemplate::from_template(template).unwrap(),
        controls: None,
    });
    let unproven = unproven.unwrap();
    let signature = key.sign_now(unproven.to_be_signed()).unwrap();
    let made = unproven.proven(key.algorithm().clone(), &signature, None);
    made.unwrap()
}

pub fn template(subject: &str, key: &PrivateKey) -> Template {
    Template::new(dn(subject), key.public_key().clone())
}

/// An ir for a new key.
pub fn ir() -> PkiBody {
    let key = Keys::ec();
    PkiBody::Ir([asking(0, &template("CN=made", &key), &key)].into())
}

impl<'r> Client<'r> {
    /// `device-1`, in a new transaction.
    pub fn new(ra: &'r Native) -> Self {
        Self::named(ra, "device-1", SECRET)
    }

    /// `device-2`, in a new transaction.
    pub fn other(ra: &'r Native) -> Self {
        Self::named(ra, "device-2", RA_SECRET)
    }

    fn named(ra: &'r Native, reference: &'static str, secret: &'static str) -> Self {
        Self {
            ra,
            reference,
            secret,
            transaction: random::bytes().unwrap(),
        }
    }

    /// A header as it should be, for a first message under the secret.
    pub fn header(&self) -> PkiHeader {
        PkiHeader {
            pvno: Pvno::CMP2000,
            sender: GeneralName::Directory(dn(&format!("CN={}", self.reference))),
            recipient: GeneralName::Directory(Name::default()),
            message_time: Some(GeneralizedTime::from(Timestamp::now())),
            protection_alg: Some(mac(self.secret, &pbm()).algorithm().clone()),
            sender_kid: octets(self.reference),
            recip_kid: None,
            transaction_id: octets(self.transaction),
            sender_nonce: octets(random::bytes::<16>().unwrap()),
            recip_nonce: None,
            free_text: None,
            general_info: None,
        }
    }

    /// The same, in answer to a message.
    pub fn answering(&self, message: &PkiMessage) -> PkiHeader {
        PkiHeader {
            recip_nonce: message.header().sender_nonce.clone(),
            ..self.header()
        }
    }

    /// Octets under the secret.
    pub fn protected(&self, header: &PkiHeader, body: &PkiBody) -> Bytes {
        let message = Unprotected::new(header, body, Vec::new()).unwrap();
        mac(self.secret, &pbm()).protect(message)
    }

    /// Sends a message under the secret.
    pub fn send(&self, header: &PkiHeader, body: &PkiBody) -> PkiMessage {
        self.post(&self.protected(header, body))
    }

    /// Sends octets that are a message; the answer is one.
    #[track_caller]
    pub fn post(&self, octets: &[u8]) -> PkiMessage {
        let answer = self.ra.post(octets);
        assert_eq!(answer.status, 200, "{}", answer.text());
        PkiMessage::decode(answer.body).unwrap()
    }

    /// Sends a message signed by that identity, whose name and key identifier the header gets.
    pub fn signed(&self, mut header: PkiHeader, body: &PkiBody, by: &Identity) -> PkiMessage {
        self.post(&signed(&mut header, body, by))
    }

    /// An ir that was granted, with what was granted.
    #[track_caller]
    pub fn granted(&self) -> (PkiMessage, Certificate) {
        let answer = self.send(&self.header(), &ir());
        let certificate = certificate(&answer);
        (answer, certificate)
    }

    /// The certConf for that answer, accepted.
    #[track_caller]
    pub fn confirms(&self, answer: &PkiMessage, certificate: &Certificate) {
        let body = cert_conf(0, certificate);
        let answer = self.send(&self.answering(answer), &body);
        assert!(
            matches!(answer.body(), PkiBody::Pkiconf),
            "{:?}",
            answer.body()
        );
    }
}

/// Octets signed by that identity.
pub fn signed(header: &mut PkiHeader, body: &PkiBody, by: &Identity) -> Bytes {
    let certificate = by.certificate();
    header.sender = GeneralName::Directory(certificate.subject().clone());
    header.sender_kid = certificate.subject_key_id().and_then(octets);
    header.protection_alg = Some(by.key.algorithm().clone());
    sign_as_it_is(header, body, by)
}

/// The same, with the header as it is.
pub fn sign_as_it_is(header: &PkiHeader, body: &PkiBody, by: &Identity) -> Bytes {
    let chain: Vec<CmpCertificate> = by.chain.iter().map(carried).collect();
    let message = Unprotected::new(header, body, chain).unwrap();
    let signature = by.key.sign_now(&message.to_be_protected()).unwrap();
    message.protected(&signature)
}

/// certConf that accepts.
pub fn cert_conf(id: i64, certificate: &Certificate) -> PkiBody {
    let hash = CertHash::of(&carried(certificate)).unwrap();
    let status = CertStatus {
        cert_hash: OctetString::new(hash.digest.as_ref()).unwrap(),
        cert_req_id: CertReqId(id),
        status_info: None,
        hash_alg: None,
    };
    PkiBody::CertConf([status].into())
}

/// The certificate that was granted.
#[track_caller]
pub fn certificate(answer: &PkiMessage) -> Certificate {
    let PkiBody::Ip(content) = answer.body() else {
        panic!("{:?}", answer.body());
    };
    let pair = content.response[0].certified_key_pair.as_ref();
    let pair = pair.unwrap_or_else(|| panic!("{:?}", content.response[0].status));
    match &pair.cert_or_enc_cert {
        pkixcmp::body::enroll::CertOrEncCert::Certificate(certificate) => {
            Certificate::from_der(certificate.der().clone()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

/// The error's failInfo and words.
#[track_caller]
pub fn error(answer: &PkiMessage) -> (PkiFailureInfo, String) {
    match answer.body() {
        PkiBody::Error(content) => {
            let status = &content.pki_status_info;
            (status.failure.unwrap(), status.texts.join("; "))
        }
        other => panic!("{other:?}"),
    }
}

/// Whoever comes next is served, and no more was issued than was right.
#[track_caller]
pub fn next_is_served(ra: &Native, issued: i64) {
    assert_eq!(ra.issued(), issued);
    let client = Client::new(ra);
    let (answer, certificate) = client.granted();
    client.confirms(&answer, &certificate);
}
