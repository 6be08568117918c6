//! PKIMessage: read, and written again from what was read.

use bytes::Bytes;
use pkixcmp::message::Unprotected;
use pkixcmp::{CmpCertificate, PkiBody, PkiMessage};

use crate::tlv;

/// Whatever is read is kept as it came, its parts are cut out of it, and what is made of them does not panic.
pub(crate) fn decode(octets: &[u8]) {
    let received = Bytes::copy_from_slice(octets);
    let message = match PkiMessage::decode(received.clone()) {
        Ok(message) => message,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(message.der(), &received);
    let parts = [message.raw_header(), message.raw_body()];
    let certificates = message.extra_certs().iter().map(CmpCertificate::der);
    for part in parts
        .into_iter()
        .chain(message.protection())
        .chain(certificates)
    {
        assert!(part.is_empty() || received.as_ptr_range().contains(&part.as_ptr()));
    }
    assert!(message.to_be_protected().len() <= received.len());
    assert!(format!("{message:?}").len() < 1000 + 3 * received.len());
    for certificate in message.extra_certs() {
        let _ = certificate.certificate();
    }
    body(message.body());
}

/// What the fronts make of a body.
fn body(body: &PkiBody) {
    for request in body.requests().into_iter().flat_map(|list| list.iter()) {
        let _ = request.cert_req.cert_template.to_template();
        for control in request
            .cert_req
            .controls
            .iter()
            .flat_map(|list| list.iter())
        {
            let _ = control.control();
        }
    }
    for response in body
        .responses()
        .into_iter()
        .flat_map(|list| list.response.iter())
    {
        assert!(!response.status.to_string().is_empty());
    }
    match body {
        PkiBody::P10cr(request) => {
            if let Ok(csr) = request.csr() {
                let _ = csr.template();
            }
        }
        PkiBody::Rr(details) => {
            for one in details.iter() {
                let _ = one.certificate_id();
                let _ = one.reason_code();
            }
        }
        PkiBody::PollRep(answers) => {
            for one in answers.iter() {
                let _ = one.check_after_seconds();
            }
        }
        _ => {}
    }
}

/// Encoding what was read gives the octets that were read; three things are put in order, and then it stays as it is.
pub(crate) fn reencode(octets: &[u8]) {
    let Ok(message) = PkiMessage::decode(Bytes::copy_from_slice(octets)) else {
        return;
    };
    let again = encode(&message);
    if again != octets {
        assert_eq!(tlv::in_order(&again), tlv::in_order(octets));
        let reread = PkiMessage::decode(again.clone()).expect("what we encode is read");
        assert_eq!(encode(&reread), again);
    }
}

fn encode(message: &PkiMessage) -> Bytes {
    let certificates = message.extra_certs().to_vec();
    let unprotected = Unprotected::new(message.header(), message.body(), certificates)
        .expect("what was read within bounds is written within bounds");
    match message.protection() {
        Some(bits) => unprotected.protected(bits),
        None => unprotected.unprotected(),
    }
}
