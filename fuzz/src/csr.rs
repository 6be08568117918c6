//! PKCS#10 requests and PEM texts.

use bytes::Bytes;
use pki::{Certificate, Csr, PrivateKey, pem};

/// A request as DER, or as PEM: kept as it came, verified and turned into a template without a panic, and the same again from its PEM.
pub(crate) fn csr(octets: &[u8]) {
    let csr = match Csr::from_der(Bytes::copy_from_slice(octets)) {
        Ok(csr) => {
            assert_eq!(csr.der(), octets);
            csr
        }
        Err(_) => match Csr::from_pem(octets) {
            Ok(csr) => csr,
            Err(_) => return,
        },
    };
    let verified = csr.verify();
    let template = csr.template();
    assert!(!format!("{csr:?}").is_empty());
    let again = Csr::from_pem(csr.to_pem().as_bytes()).expect("what we write is read");
    assert_eq!(again.der(), csr.der());
    assert_eq!(again.public_key(), csr.public_key());
    assert_eq!(again.template().is_ok(), template.is_ok());
    if verified.is_ok() {
        assert!(!csr.signature().is_empty());
    }
    if let Ok(template) = template {
        assert_eq!(&template.public_key, csr.public_key());
        for name in &template.sans {
            assert!(!name.to_string().is_empty());
        }
    }
}

/// Blocks are found in a bounded number, each is the same after it was written again, and nothing made of them panics.
pub(crate) fn pem(text: &[u8]) {
    let mut count = 0;
    for block in pem::blocks(text) {
        count += 1;
        let Ok(block) = block else {
            continue;
        };
        assert!(block.der.len() <= text.len());
        let again = pem::encode(&block.label, &block.der);
        let mut blocks = pem::blocks(again.as_bytes());
        let same = blocks.next().expect("it has a block").expect("it is whole");
        assert_eq!(
            (same.label.as_str(), same.der.as_slice()),
            (block.label.trim(), block.der.as_slice())
        );
        assert!(blocks.next().is_none());
    }
    assert!(count <= 1 + text.len() / "-----BEGIN -----".len());
    if let Ok(certificates) = Certificate::all_from_pem(text) {
        assert!(certificates.len() <= count);
        for certificate in &certificates {
            let again = Certificate::from_pem(certificate.to_pem().as_bytes());
            assert_eq!(again.as_ref().ok(), Some(certificate));
        }
    }
    let _ = PrivateKey::from_pem(text, None);
}
