use futures::executor::block_on;
use secrecy::SecretString;

use super::*;
use crate::fixtures::{key, read};

const MESSAGE: &[u8] = b"to be signed";

fn encrypted(name: &str, passphrase: &str) -> Result<PrivateKey, KeyError> {
    let passphrase = SecretString::from(passphrase);
    PrivateKey::from_pem(&read(&format!("keys/{name}.pem")), Some(&passphrase))
}

fn refusal(name: &str) -> KeyError {
    PrivateKey::from_pem(&read(&format!("keys/{name}.pem")), None).unwrap_err()
}

fn assert_signs(key: &PrivateKey) {
    let signature = key.sign_now(MESSAGE).unwrap();
    let public = key.public_key();
    assert_eq!(public.verify(key.algorithm(), MESSAGE, &signature), Ok(()));
    assert!(
        public
            .verify(key.algorithm(), b"other", &signature)
            .is_err()
    );
}

#[test]
fn every_form_of_openssl_is_read_and_signs() {
    for (name, kind) in [
        ("rsa-pkcs8", "rsa:2048"),
        ("rsa-pkcs1", "rsa:2048"),
        ("rsa-pkcs8-labelled-pkcs1", "rsa:2048"),
        ("rsa3072-pkcs8", "rsa:3072"),
        ("p256-sec1", "ec:P-256"),
        ("p256-pkcs8", "ec:P-256"),
        ("p384-sec1", "ec:P-384"),
        ("p521-sec1", "ec:P-521"),
        ("ed25519-pkcs8", "ed25519"),
    ] {
        let key = key(name);
        assert_eq!(key.public_key().kind().to_string(), kind, "{name}");
        assert_signs(&key);
    }
}

#[test]
fn the_forms_of_one_key_are_one_key() {
    let one = key("rsa-pkcs8");
    assert_eq!(one.public_key(), key("rsa-pkcs1").public_key());
    assert_eq!(
        one.public_key(),
        key("rsa-pkcs8-labelled-pkcs1").public_key()
    );
    assert_eq!(
        key("p256-sec1").public_key(),
        key("p256-pkcs8").public_key()
    );
}

#[test]
fn encrypted_pkcs8_is_read_with_its_passphrase() {
    for name in ["p256-pbes2", "p256-scrypt"] {
        let key_ = encrypted(name, "correct-horse").unwrap();
        assert_eq!(key_.public_key(), key("p256-sec1").public_key(), "{name}");
    }
}

#[test]
fn an_encrypted_key_without_passphrase_says_that_one_is_needed() {
    assert!(matches!(refusal("p256-pbes2"), KeyError::Encrypted));
}

#[test]
fn a_wrong_passphrase_is_told_from_a_broken_file() {
    let error = encrypted("p256-pbes2", "battery-staple").unwrap_err();
    assert!(matches!(error, KeyError::WrongPassphrase), "{error}");
}

#[test]
fn old_encryption_is_refused_with_the_command_that_mends_it() {
    for name in ["p256-pbes1", "p256-pbes2-3des", "rsa-proc-type"] {
        let error = encrypted(name, "correct-horse").unwrap_err();
        assert!(
            matches!(error, KeyError::Encryption { .. }),
            "{name}: {error}"
        );
        assert!(
            error.to_string().contains("openssl pkcs8 -topk8"),
            "{error}"
        );
    }
}

#[test]
fn a_key_that_asks_for_twenty_million_iterations_is_refused_before_the_work() {
    let error = encrypted("p256-pbes2-20m", "correct-horse").unwrap_err();
    assert!(error.to_string().contains("10 million"), "{error}");
}

#[test]
fn a_weak_rsa_key_is_refused_with_its_size() {
    assert!(matches!(
        refusal("rsa1024-pkcs8"),
        KeyError::RsaSize { bits: 1024 }
    ));
}

#[test]
fn keys_of_unsupported_kinds_are_refused_with_what_is_supported() {
    for name in ["secp256k1-sec1", "dsa-pkcs8"] {
        let error = refusal(name);
        assert!(
            matches!(error, KeyError::Unsupported { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains("P-256"));
    }
}

#[test]
fn a_text_without_a_key_says_what_was_expected() {
    let certificate = read("certificates/self-signed-sha1.pem");
    let error = PrivateKey::from_pem(&certificate, None).unwrap_err();
    assert!(matches!(error, KeyError::NoKey), "{error}");
    let parameters =
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let error = PrivateKey::from_pem(parameters, None).unwrap_err();
    assert!(matches!(error, KeyError::NoKey), "{error}");
}

#[test]
fn the_first_key_behind_a_certificate_is_found() {
    let mut text = read("certificates/self-signed-sha1.pem");
    text.extend(read("keys/rsa-pkcs1.pem"));
    let found = PrivateKey::from_pem(&text, None).unwrap();
    assert_eq!(found.public_key(), key("rsa-pkcs1").public_key());
}

#[test]
fn truncated_and_changed_keys_are_refused_without_panic() {
    for name in ["rsa-pkcs1", "p256-sec1", "ed25519-pkcs8"] {
        let der = key(name).to_pkcs8_der().unwrap();
        for len in 0..der.len() {
            assert!(PrivateKey::from_der(&der[..len]).is_err());
        }
        for at in 0..der.len().min(120) {
            let mut changed = der.to_vec();
            changed[at] ^= 0xff;
            let _ = PrivateKey::from_der(&changed);
        }
    }
}

#[test]
fn every_kind_that_is_generated_signs_and_survives_pkcs8() {
    for kind in [
        "ec:P-256",
        "ec:P-384",
        "ec:P-521",
        "ed25519",
        "ml-dsa-44",
        "ml-dsa-65",
        "ml-dsa-87",
        "rsa:2048",
    ] {
        let made = PrivateKey::generate(kind.parse().unwrap()).unwrap();
        assert_eq!(made.public_key().kind().to_string(), kind);
        assert_signs(&made);
        let pem = made.to_pkcs8_pem().unwrap();
        let read = PrivateKey::from_pem(pem.as_bytes(), None).unwrap();
        assert_eq!(read.public_key(), made.public_key(), "{kind}");
    }
}

#[test]
fn the_seed_form_of_ml_dsa_gives_the_key_of_rfc_9881() {
    // The example key of RFC 9881 appendix C has the seed 00 01 02 … 1f; so begins its public key.
    let public = "d7b2b47254aae0db45e7930d4a98d2c97d8f1397d1789dafa17024b316e9bec94fc9946d42f19b79a7413bbaa3";
    let mut der = hex::decode("3034020100300b060960864801650304031104228020").unwrap();
    der.extend(0..32u8);
    let key = PrivateKey::from_der(&der).unwrap();
    assert_eq!(key.public_key().kind(), KeyKind::MlDsa44);
    let spki = hex::encode(key.public_key().spki_der());
    assert_eq!(spki.find(public), Some(2 * (spki.len() / 2 - 1312)));
    assert_eq!(key.to_pkcs8_der().unwrap().as_slice(), der);
}

#[test]
fn rsa_sizes_nobody_asks_for_are_not_generated() {
    let error = PrivateKey::generate(KeyKind::Rsa { bits: 2560 }).unwrap_err();
    assert!(
        error.to_string().contains("2048, 3072, 4096 or 8192"),
        "{error}"
    );
}

#[test]
fn rsa_signs_with_other_hashes_and_with_pss() {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    for scheme in [
        SignatureScheme::RsaPkcs1(Sha384),
        SignatureScheme::RsaPkcs1(Sha512),
        SignatureScheme::rsa_pss(Sha256),
        SignatureScheme::rsa_pss(Sha384),
        SignatureScheme::rsa_pss(Sha512),
    ] {
        let algorithm = scheme.identifier().unwrap();
        let key = key("rsa-pkcs1").with_algorithm(algorithm.clone()).unwrap();
        assert_eq!(key.algorithm(), &algorithm);
        assert_signs(&key);
    }
}

#[test]
fn p521_signs_with_sha256_too() {
    let algorithm = SignatureScheme::Ecdsa(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    assert_signs(&key("p521-sec1").with_algorithm(algorithm).unwrap());
}

#[test]
fn an_algorithm_for_other_keys_and_sha1_are_refused() {
    let ecdsa = SignatureScheme::Ecdsa(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    let sha1 = SignatureScheme::RsaPkcs1(HashAlgorithm::Sha1)
        .identifier()
        .unwrap();
    for algorithm in [
        ecdsa.clone(),
        sha1,
        SignatureScheme::Ed25519.identifier().unwrap(),
    ] {
        let error = key("rsa-pkcs1").with_algorithm(algorithm).unwrap_err();
        assert!(matches!(error, KeyError::Algorithm { .. }), "{error}");
    }
    let error = key("p384-sec1").with_algorithm(ecdsa).unwrap_err();
    assert!(matches!(error, KeyError::Algorithm { .. }), "{error}");
}

#[test]
fn large_rsa_signs_off_the_calling_thread_with_the_same_result() {
    let key = key("rsa3072-pkcs8");
    // PKCS#1 v1.5 is deterministic, so both ways give the same bytes.
    let there = block_on(Signer::sign(&key, MESSAGE)).unwrap();
    assert_eq!(there, key.sign_now(MESSAGE).unwrap());
}

#[test]
fn a_panic_while_signing_fails_that_signature_only() {
    let failed = block_on(worker::run::<()>(|| panic!("on purpose")));
    assert!(matches!(failed, Err(SignError::Failed(_))));
    for _ in 0..8 {
        assert_eq!(block_on(worker::run(|| Ok(1))), Ok(1));
    }
}

#[test]
fn debug_output_shows_the_kind_and_no_key_material() {
    let key = key("p256-sec1");
    assert_eq!(format!("{key:?}"), "PrivateKey(ec:P-256)");
}
