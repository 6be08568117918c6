//! The CMP front, and the whole service from the octets of a connection.

use bytes::Bytes;
use der::asn1::OctetString;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use pki::Signer;
use pkixcmp::message::Unprotected;
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters, ProtectionKind,
};
use pkixcmp::{CmpCertificate, PkiHeader, PkiMessage};
use ra::Label;
use server::cmp::{Transport, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::site::{House, REFERENCE, SECRET, with_house};

/// Octets are a message, sent as they are and, if they are one, once more under protection that we believe: what comes after authentication
/// would be reached by nobody who does not know a secret. Every answer is a PKIMessage.
pub(crate) fn cmp(octets: &[u8]) {
    with_house(|house| {
        house.runtime.block_on(async {
            asked(house, Bytes::copy_from_slice(octets)).await;
            let Ok(message) = PkiMessage::decode(Bytes::copy_from_slice(octets)) else {
                return;
            };
            let believed = match ProtectionKind::announced(message.header().protection_alg.as_ref())
            {
                ProtectionKind::Signature => signed(house, &message),
                _ => under_secret(&message),
            };
            if let Some(believed) = believed {
                asked(house, believed).await;
            }
        });
    });
}

async fn asked(house: &House, octets: Bytes) {
    let transport = Transport::default();
    let known = PkiMessage::decode(octets.clone());
    let label = Label::new("RA");
    let answer = answer(&house.app, Some(&label), None, octets, &transport).await;
    let said = PkiMessage::decode(answer.body).expect("every answer is a PKIMessage");
    match known {
        Ok(asked) => {
            assert_eq!(answer.status, 200);
            let asked = asked.header();
            assert_eq!(said.header().transaction_id, asked.transaction_id);
            assert_eq!(said.header().recip_nonce, asked.sender_nonce);
        }
        Err(_) => assert_eq!(answer.status, 400),
    }
}

fn under_secret(message: &PkiMessage) -> Option<Bytes> {
    let scheme = MacScheme::Pbm(PbmParameters {
        iterations: 100,
        ..PbmParameters::sha256(*b"salt of a fuzzer")
    });
    let secret = MacSecret::new(SECRET);
    let cache = KeyCache::new(0);
    let key = MacKey::derive(&secret, &scheme, &MacPolicy::default(), &cache).ok()?;
    let header = PkiHeader {
        protection_alg: Some(key.algorithm().clone()),
        sender_kid: OctetString::new(REFERENCE).ok(),
        ..message.header().clone()
    };
    let certificates = message.extra_certs().to_vec();
    let body = message.raw_body().clone();
    let made = Unprotected::with_raw_body(&header, body, certificates).ok()?;
    Some(key.protect(made))
}

fn signed(house: &House, message: &PkiMessage) -> Option<Bytes> {
    let certificate = &house.certificate;
    let header = PkiHeader {
        sender: pki::GeneralName::Directory(certificate.subject().clone()),
        protection_alg: Some(Signer::algorithm(&house.key).clone()),
        sender_kid: None,
        ..message.header().clone()
    };
    let mut certificates = vec![CmpCertificate::from_der(certificate.der().clone()).ok()?];
    certificates.extend_from_slice(message.extra_certs());
    let body = message.raw_body().clone();
    let made = Unprotected::with_raw_body(&header, body, certificates).ok()?;
    let signature = house.key.sign_now(&made.to_be_protected()).ok()?;
    Some(made.protected(&signature))
}

/// Octets are what comes over one connection to the REST and CMP listener. It ends, and what comes back is HTTP.
pub(crate) fn connection(octets: &[u8]) {
    with_house(|house| {
        let answers = house.runtime.block_on(async {
            let (near, far) = tokio::io::duplex(1 << 16);
            let peer = house.peer();
            let service = house.router.clone();
            let service = service.map_request(move |mut request: http::Request<_>| {
                request.extensions_mut().insert(peer.clone());
                request
            });
            let serving = http1::Builder::new()
                .half_close(true)
                .serve_connection(TokioIo::new(far), TowerToHyperService::new(service));
            let (mut read, mut write) = tokio::io::split(near);
            let asking = async {
                let _ = write.write_all(octets).await;
                let _ = write.shutdown().await;
            };
            let hearing = async {
                let mut answers = Vec::new();
                let _ = read.read_to_end(&mut answers).await;
                answers
            };
            let (_, (), answers) = tokio::join!(serving, asking, hearing);
            answers
        });
        assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."));
    });
}
