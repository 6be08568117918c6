use super::*;
use crate::digest::HashAlgorithm;
use crate::fixtures::{key, read};
use crate::{Certificate, Csr};
use der::asn1::Any;

const MESSAGE: &[u8] = b"message";

fn request(name: &str) -> Csr {
    Csr::from_pem(&read(&format!("requests/{name}.pem"))).unwrap()
}

#[test]
fn signatures_of_openssl_verify() {
    for name in [
        "everything",
        "pss",
        "pss-max-salt",
        "plain-p384-with-text",
        "plain-ed25519",
        "plain-p521-sha256",
    ] {
        assert_eq!(request(name).verify(), Ok(()), "{name}");
    }
}

#[test]
fn a_sha1_signature_of_an_old_ca_verifies() {
    let pem = read("certificates/self-signed-sha1.pem");
    assert!(Certificate::from_pem(&pem).unwrap().is_self_signed());
}

#[test]
fn a_signature_by_a_weak_key_is_not_believed() {
    let pem = read("certificates/self-signed-rsa1024.pem");
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert_eq!(
        certificate.verify_signed_by(certificate.public_key()),
        Err(VerifyError::RsaSize { bits: 1024 })
    );
}

#[test]
fn rsa_parameters_may_be_null_or_absent() {
    let key = key("rsa-pkcs1");
    let signature = key.sign_now(MESSAGE).unwrap();
    let mut algorithm = key.algorithm().clone();
    assert_eq!(algorithm.parameters, Some(Any::null()));
    assert_eq!(
        key.public_key().verify(&algorithm, MESSAGE, &signature),
        Ok(())
    );
    algorithm.parameters = None;
    assert_eq!(
        key.public_key().verify(&algorithm, MESSAGE, &signature),
        Ok(())
    );
}

#[test]
fn pss_without_parameters_is_refused_and_says_why() {
    let key = key("rsa-pkcs1");
    let algorithm = AlgorithmId {
        oid: algorithm::RSASSA_PSS,
        parameters: None,
    };
    let error = key.public_key().verify(&algorithm, MESSAGE, &[0; 256]);
    assert!(matches!(error, Err(VerifyError::Unsupported(_))));
}

#[test]
fn pss_with_the_sha1_default_is_refused() {
    let empty = Any::new(der::Tag::Sequence, []).unwrap();
    let algorithm = AlgorithmId {
        oid: algorithm::RSASSA_PSS,
        parameters: Some(empty),
    };
    let error = SignatureScheme::try_from(&algorithm).unwrap_err();
    assert!(error.to_string().contains("SHA-1"), "{error}");
}

#[test]
fn an_algorithm_for_another_kind_of_key_does_not_verify() {
    let rsa = key("rsa-pkcs1");
    let ec = key("p256-sec1");
    let signature = rsa.sign_now(MESSAGE).unwrap();
    let error = ec.public_key().verify(rsa.algorithm(), MESSAGE, &signature);
    assert!(matches!(error, Err(VerifyError::Mismatch { .. })));
}

#[test]
fn one_key_verifies_several_algorithms_in_turn() {
    let key = key("rsa-pkcs1");
    for hash in [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha512,
        HashAlgorithm::Sha256,
    ] {
        let algorithm = SignatureScheme::RsaPkcs1(hash).identifier().unwrap();
        let signer = key.clone().with_algorithm(algorithm.clone()).unwrap();
        let signature = signer.sign_now(MESSAGE).unwrap();
        assert_eq!(
            key.public_key().verify(&algorithm, MESSAGE, &signature),
            Ok(())
        );
        assert!(
            key.public_key()
                .verify(&algorithm, b"other", &signature)
                .is_err()
        );
    }
}

#[test]
fn a_key_limited_to_pss_takes_no_other_padding() {
    let key = key("rsa-pkcs1");
    // The same key under id-RSASSA-PSS: the last byte of rsaEncryption's OID changes and the NULL may stay.
    let mut spki = key.public_key().spki_der().to_vec();
    let at = spki
        .windows(9)
        .position(|window| window == algorithm::RSA_ENCRYPTION.as_bytes());
    spki[at.unwrap() + 8] = 10;
    let limited = PublicKey::from_spki_der(spki).unwrap();
    let signature = key.sign_now(MESSAGE).unwrap();
    assert!(matches!(
        limited.verify(key.algorithm(), MESSAGE, &signature),
        Err(VerifyError::Mismatch { .. })
    ));
    let pss = SignatureScheme::rsa_pss(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    let signature = key
        .with_algorithm(pss.clone())
        .unwrap()
        .sign_now(MESSAGE)
        .unwrap();
    assert_eq!(limited.verify(&pss, MESSAGE, &signature), Ok(()));
}

#[test]
fn the_key_identifier_is_the_sha1_of_the_key_bits() {
    // openssl x509 wrote this subjectKeyIdentifier by the same method.
    let pem = read("certificates/everything-without-end.pem");
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert_eq!(
        certificate.subject_key_id(),
        Some(&certificate.public_key().key_id()[..])
    );
}

#[test]
fn keys_of_unknown_kinds_are_read_and_verify_nothing() {
    // secp256k1, G as the point.
    let spki = hex::decode(
        "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    )
    .unwrap();
    let key = PublicKey::from_spki_der(spki).unwrap();
    assert_eq!(key.kind(), KeyKind::Other);
    let ecdsa = SignatureScheme::Ecdsa(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    assert!(matches!(
        key.verify(&ecdsa, MESSAGE, &[0; 70]),
        Err(VerifyError::Mismatch { .. })
    ));
}

#[test]
fn a_point_of_wrong_length_is_refused() {
    let mut spki = key("p256-sec1").public_key().spki_der().to_vec();
    spki.truncate(spki.len() - 1);
    spki[1] -= 1;
    let bit_string_len = spki.len() - 64 - 2;
    spki[bit_string_len] -= 1;
    let error = PublicKey::from_spki_der(spki).unwrap_err();
    assert!(matches!(error, KeyError::Malformed { .. }), "{error}");
}

#[test]
fn a_point_off_the_curve_verifies_nothing() {
    let key = key("p256-sec1");
    let mut spki = key.public_key().spki_der().to_vec();
    *spki.last_mut().unwrap() ^= 1;
    let off = PublicKey::from_spki_der(spki).unwrap();
    let signature = key.sign_now(MESSAGE).unwrap();
    assert_eq!(
        off.verify(key.algorithm(), MESSAGE, &signature),
        Err(VerifyError::Key)
    );
}

#[test]
fn key_kinds_are_read_as_they_are_written() {
    for text in [
        "rsa:2048",
        "ec:P-256",
        "ec:P-384",
        "ec:P-521",
        "ed25519",
        "ml-dsa-44",
        "ml-dsa-65",
        "ml-dsa-87",
    ] {
        assert_eq!(text.parse::<KeyKind>().unwrap().to_string(), text);
    }
    assert_eq!("EC:p-256".parse(), Ok(KeyKind::P256));
    for text in [
        "",
        "rsa",
        "rsa:",
        "rsa:+2048",
        "rsa:99999999999",
        "ec:P-192",
        "other",
    ] {
        assert!(text.parse::<KeyKind>().is_err(), "{text}");
    }
}

#[test]
fn pss_parameters_are_those_openssl_writes() {
    let written = SignatureScheme::rsa_pss(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    assert_eq!(&written, request("pss").signature_algorithm());
}

#[test]
fn serde_keeps_the_spki_bytes_in_binary_and_in_json() {
    let key = key("p256-sec1");
    let binary = postcard::to_allocvec(key.public_key()).unwrap();
    let read: PublicKey = postcard::from_bytes(&binary).unwrap();
    assert_eq!(&read, key.public_key());
    let json = serde_json::to_string(key.public_key()).unwrap();
    let read: PublicKey = serde_json::from_str(&json).unwrap();
    assert_eq!(&read, key.public_key());
}
