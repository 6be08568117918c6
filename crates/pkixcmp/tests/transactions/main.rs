//! Transactions, protection and proof of possession: client against server in memory, and both against what `openssl cmp` said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod answers;
mod certificates;
mod conversations;
mod first;
mod following;
mod openssl;
mod proofs;

use std::path::Path;

use const_oid::ObjectIdentifier;
use der::Encode;
use jiff::Timestamp;
use pki::{AlgorithmId, GeneralName};
use pkixcmp::client::{Authenticity, ClientTransaction, Confirmation, Opening, Tolerance};
use pkixcmp::crmf::pop::ProofOfPossession;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::crmf::{CertReqMsg, CertRequest};
use pkixcmp::header::PkiHeader;
use pkixcmp::protection::{MacScheme, PbmParameters};
use pkixcmp::raw::CertificationRequest;
use pkixcmp::server::ServerTransaction;
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CertReqId, CmpCertificate, PkiBody, PkiMessage, Pvno, Unprotected};
use serde::Serialize;
use serde::de::DeserializeOwned;

const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

fn now() -> Timestamp {
    "2026-11-22T16:00:00Z".parse().unwrap()
}

fn name(text: &str) -> GeneralName {
    GeneralName::Directory(text.parse().unwrap())
}

/// A MAC as protection; the octets of the MAC do not matter here.
fn mac() -> Option<AlgorithmId> {
    let scheme = MacScheme::Pbm(PbmParameters::sha256([7; 16]));
    Some(scheme.to_algorithm().unwrap())
}

fn signature() -> Option<AlgorithmId> {
    Some(AlgorithmId {
        oid: ObjectIdentifier::new_unwrap(ECDSA_SHA256),
        parameters: None,
    })
}

/// The rim of a message by `sender` with a nonce of this octet.
fn from(sender: &str, nonce: u8) -> Outgoing {
    Outgoing {
        sender: name(sender),
        sender_kid: Some("reference".into()),
        protection_alg: mac(),
        sender_nonce: Nonce([nonce; 16]),
        message_time: Some(now()),
        extra_certs: Vec::new(),
    }
}

fn opening() -> Opening {
    Opening {
        transaction_id: TransactionId([9; 16]),
        recipient: name("CN=ca"),
        pvno: Pvno::CMP2000,
        confirmation: Confirmation::Explicit,
        general_info: Vec::new(),
        tolerance: Tolerance::default(),
    }
}

fn request(id: i64) -> CertReqMsg {
    let cert_template = CertTemplate {
        subject: Some("CN=device".parse().unwrap()),
        ..CertTemplate::default()
    };
    CertReqMsg {
        cert_req: CertRequest {
            cert_req_id: CertReqId(id),
            cert_template,
            controls: None,
        },
        popo: Some(ProofOfPossession::RaVerified(der::asn1::Null)),
        reg_info: None,
    }
}

fn ir() -> PkiBody {
    PkiBody::Ir([request(0)].into())
}

fn p10cr() -> PkiBody {
    PkiBody::P10cr(CertificationRequest::from_der(vec![0x30, 0]).unwrap())
}

/// What is needed of a certificate here: its octets and its signature algorithm.
fn certificate_signed_with(algorithm: &AlgorithmId) -> CmpCertificate {
    let mut content = vec![0x30, 3, 2, 1, 1];
    content.extend(algorithm.to_der().unwrap());
    content.extend([3, 2, 0, 0]);
    let mut der = vec![0x30, u8::try_from(content.len()).unwrap()];
    der.extend(content);
    CmpCertificate::from_der(der).unwrap()
}

fn certificate() -> CmpCertificate {
    certificate_signed_with(&signature().unwrap())
}

/// What goes over the wire: protected, if the header says so.
fn sent(message: Unprotected) -> PkiMessage {
    let plain = PkiMessage::decode(message.clone().unprotected()).unwrap();
    if plain.header().protection_alg.is_some() {
        PkiMessage::decode(message.protected(&[0; 32])).unwrap()
    } else {
        plain
    }
}

/// The same message with another header.
fn with_header(message: &PkiMessage, change: impl FnOnce(&mut PkiHeader)) -> PkiMessage {
    let mut header = message.header().clone();
    change(&mut header);
    sent(Unprotected::with_raw_body(&header, message.raw_body().clone(), Vec::new()).unwrap())
}

/// The same message with another body.
fn with_body(message: &PkiMessage, body: &PkiBody) -> PkiMessage {
    sent(Unprotected::new(message.header(), body, Vec::new()).unwrap())
}

/// As if the process had ended here and another one went on.
fn restarted<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(state: &T) -> T {
    let kept = postcard::to_allocvec(state).unwrap();
    let back: T = postcard::from_bytes(&kept).unwrap();
    assert_eq!(&back, state);
    back
}

/// A client that has sent `body`, and a server that has received it.
fn begun(opening: Opening, body: &PkiBody) -> (ClientTransaction, ServerTransaction, PkiMessage) {
    let (client, message) = ClientTransaction::begin(opening, body, from("CN=device", 1)).unwrap();
    let message = sent(message);
    let server = ServerTransaction::open(&message).unwrap();
    (restarted(&client), restarted(&server), message)
}

/// Authenticity of what comes from a server that holds the secret.
const MAC: Authenticity = Authenticity::Mac;

/// One message of the corpus of `openssl cmp` exchanges.
fn captured(name: &str) -> PkiMessage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.der"));
    PkiMessage::decode(std::fs::read(path).unwrap()).unwrap()
}
