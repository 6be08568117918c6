//! Proof of possession, and signature protection with keys of every kind.

use bytes::Bytes;
use der::asn1::{BitString, Null};
use der::{Decode, Encode};
use pki::algorithm::SignatureScheme;
use pki::digest::HashAlgorithm;
use pki::{KeyKind, PrivateKey, PublicKey};
use pkixcmp::client::ClientTransaction;
use pkixcmp::crmf::pop::{
    AuthInfo, PkMacValue, PopoPrivKey, PopoSigningKeyInput, ProofOfPossession,
};
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::crmf::{CertReqMsg, CertRequest};
use pkixcmp::pop::{PopError, Proof, SignatureProof, Unproven, raw_requests};
use pkixcmp::protection::{ProtectionError, Sha1Use, verify_signature};
use pkixcmp::raw::PoposkInput;
use pkixcmp::transaction::Outgoing;
use pkixcmp::{CertReqId, PkiBody, PkiFailureInfo, PkiMessage};
use spki::SubjectPublicKeyInfoOwned;

use crate::{captured, from, ir, name, opening, sent};

fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).unwrap()
}

fn spki(key: &PublicKey) -> SubjectPublicKeyInfoOwned {
    SubjectPublicKeyInfoOwned::from_der(key.spki_der()).unwrap()
}

fn wanted(key: &PrivateKey) -> CertRequest {
    let cert_template = CertTemplate {
        subject: Some("CN=device".parse().unwrap()),
        public_key: Some(spki(key.public_key())),
        ..CertTemplate::default()
    };
    CertRequest {
        cert_req_id: CertReqId::FIRST,
        cert_template,
        controls: None,
    }
}

fn proven(key: &PrivateKey) -> CertReqMsg {
    let unproven = Unproven::new(wanted(key)).unwrap();
    let signature = key.sign_now(unproven.to_be_signed()).unwrap();
    unproven
        .proven(key.algorithm().clone(), &signature, None)
        .unwrap()
}

/// The proof of the only request, as a server finds it in a received message.
fn proof_of(message: &PkiMessage) -> Result<Proof, PopError> {
    let requests = raw_requests(message);
    let (raw, parsed) = &requests[0];
    assert_eq!(raw, &Bytes::from(parsed.to_der().unwrap()));
    Proof::of(raw, parsed)
}

fn received(request: CertReqMsg) -> PkiMessage {
    let body = PkiBody::Ir([request].into());
    sent(
        ClientTransaction::begin(opening(), &body, from("CN=device", 1))
            .unwrap()
            .1,
    )
}

fn signature(message: &PkiMessage) -> SignatureProof {
    match proof_of(message) {
        Ok(Proof::Signature(proof)) => *proof,
        other => panic!("{other:?}"),
    }
}

fn key_in(message: &PkiMessage) -> PublicKey {
    let template = &message.body().requests().unwrap()[0].cert_req.cert_template;
    PublicKey::from_spki_der(template.public_key.as_ref().unwrap().to_der().unwrap()).unwrap()
}

/// A proof over POPOSigningKeyInput, for a template made from `template`.
fn with_input(template: CertTemplate, input_key: &PrivateKey, auth_info: AuthInfo) -> PkiMessage {
    let input = PopoSigningKeyInput {
        auth_info,
        public_key: spki(input_key.public_key()),
    };
    let input = PoposkInput::from_der(input.to_der().unwrap()).unwrap();
    let signed = input_key.sign_now(input.der()).unwrap();
    let cert_req = CertRequest {
        cert_req_id: CertReqId::FIRST,
        cert_template: template,
        controls: None,
    };
    let popo = pkixcmp::crmf::pop::PopoSigningKey {
        poposk_input: Some(input),
        algorithm_identifier: input_key.algorithm().clone(),
        signature: BitString::from_bytes(&signed).unwrap(),
    };
    received(CertReqMsg {
        cert_req,
        popo: Some(ProofOfPossession::Signature(popo)),
        reg_info: None,
    })
}

#[test]
fn a_proof_made_in_two_steps_verifies_with_the_key_of_the_request_and_no_other() {
    let key = key();
    let message = received(proven(&key));
    let proof = signature(&message);
    assert_eq!(proof.verify(&key_in(&message)), Ok(()));
    assert!(matches!(
        proof.verify(self::key().public_key()),
        Err(PopError::Signature(_))
    ));
}

#[test]
fn a_proof_over_another_template_does_not_verify() {
    let key = key();
    let mut request = proven(&key);
    request.cert_req.cert_template.subject = Some("CN=someone else".parse().unwrap());
    let message = received(request);
    assert!(matches!(
        signature(&message).verify(&key_in(&message)),
        Err(PopError::Signature(_))
    ));
}

#[test]
fn the_proofs_of_openssl_verify() {
    for name in [
        "ir-pbm",
        "ir-rsa",
        "ir-names",
        "ir-ed25519",
        "cr-sig",
        "kur-sig",
        "ir-sig",
    ] {
        let message = captured(&format!("{name}-1-request"));
        let proof = signature(&message);
        assert_eq!(proof.claimed_sender, None);
        assert_eq!(proof.verify(&key_in(&message)), Ok(()), "{name}");
    }
}

#[test]
fn the_other_kinds_of_proof_are_told_apart() {
    assert_eq!(
        proof_of(&captured("popo-raverified-1-request")),
        Ok(Proof::RaVerified)
    );
    assert_eq!(
        proof_of(&captured("popo-none-1-request")),
        Ok(Proof::Absent)
    );
    assert_eq!(
        proof_of(&captured("popo-keyenc-1-request")),
        Ok(Proof::AtConfirmation)
    );
    assert!(raw_requests(&captured("p10cr-pbm-1-request")).is_empty());
}

#[test]
fn a_template_without_a_subject_needs_the_poposkinput_and_its_signature() {
    let key = key();
    let no_subject = CertTemplate {
        public_key: Some(spki(key.public_key())),
        ..CertTemplate::default()
    };
    let message = with_input(
        no_subject.clone(),
        &key,
        AuthInfo::Sender(name("CN=device")),
    );
    let proof = signature(&message);
    assert_eq!(proof.claimed_sender, Some(name("CN=device")));
    assert_eq!(proof.verify(key.public_key()), Ok(()));

    let mut bare = proven(&key);
    bare.cert_req.cert_template = no_subject;
    assert_eq!(proof_of(&received(bare)), Err(PopError::InputMissing));
}

#[test]
fn a_poposkinput_that_is_not_needed_or_has_another_key_is_refused() {
    let key = key();
    let sender = || AuthInfo::Sender(name("CN=device"));
    assert_eq!(
        proof_of(&with_input(wanted(&key).cert_template, &key, sender())),
        Err(PopError::InputUnneeded)
    );
    let no_subject = CertTemplate {
        public_key: Some(spki(key.public_key())),
        ..CertTemplate::default()
    };
    assert_eq!(
        proof_of(&with_input(no_subject, &self::key(), sender())),
        Err(PopError::OtherKey)
    );
}

#[test]
fn proofs_that_give_the_key_away_or_rest_on_a_mac_are_refused() {
    let key = key();
    let no_subject = CertTemplate {
        public_key: Some(spki(key.public_key())),
        ..CertTemplate::default()
    };
    let mac = PkMacValue {
        alg_id: key.algorithm().clone(),
        value: BitString::from_bytes(&[1]).unwrap(),
    };
    assert_eq!(
        proof_of(&with_input(no_subject, &key, AuthInfo::PublicKeyMac(mac))),
        Err(PopError::Kind)
    );
    for popo in [
        ProofOfPossession::KeyEncipherment(PopoPrivKey::ThisMessage(
            BitString::from_bytes(&[1]).unwrap(),
        )),
        ProofOfPossession::KeyAgreement(PopoPrivKey::SubsequentMessage(1)),
    ] {
        let request = CertReqMsg {
            popo: Some(popo),
            ..proven(&key)
        };
        assert_eq!(proof_of(&received(request)), Err(PopError::Kind));
    }
}

#[test]
fn the_word_of_an_ra_replaces_the_proof() {
    let key = key();
    let request = Unproven::new(wanted(&key)).unwrap().ra_verified(None);
    assert_eq!(request.popo, Some(ProofOfPossession::RaVerified(Null)));
    assert_eq!(proof_of(&received(request)), Ok(Proof::RaVerified));
}

fn signed_by(key: &PrivateKey) -> PkiMessage {
    let rim = Outgoing {
        protection_alg: Some(key.algorithm().clone()),
        ..from("CN=device", 1)
    };
    let (_, message) = ClientTransaction::begin(opening(), &ir(), rim).unwrap();
    let signature = key.sign_now(&message.to_be_protected()).unwrap();
    PkiMessage::decode(message.protected(&signature)).unwrap()
}

#[test]
fn keys_of_every_kind_protect_a_message_that_their_public_half_verifies() {
    let pss = SignatureScheme::rsa_pss(HashAlgorithm::Sha256)
        .identifier()
        .unwrap();
    let generate = |kind| PrivateKey::generate(kind).unwrap();
    let rsa = generate(KeyKind::Rsa { bits: 2048 });
    let rsa_der = rsa.to_pkcs8_der().unwrap();
    let keys = [
        rsa,
        PrivateKey::from_der(&rsa_der)
            .unwrap()
            .with_algorithm(pss)
            .unwrap(),
        generate(KeyKind::P256),
        generate(KeyKind::P384),
        generate(KeyKind::Ed25519),
        generate(KeyKind::MlDsa44),
        generate(KeyKind::MlDsa65),
    ];
    let other = generate(KeyKind::Ed25519);
    for key in keys {
        let message = signed_by(&key);
        let algorithm = key.algorithm().oid;
        assert_eq!(
            verify_signature(&message, key.public_key(), Sha1Use::Refused),
            Ok(()),
            "{algorithm}"
        );
        let changed = pkixcmp::Unprotected::with_raw_body(
            message.header(),
            captured("genm-pbm-1-request").raw_body().clone(),
            Vec::new(),
        )
        .unwrap();
        let changed = PkiMessage::decode(changed.protected(message.protection().unwrap())).unwrap();
        assert_eq!(
            verify_signature(&changed, key.public_key(), Sha1Use::Refused),
            Err(ProtectionError::Mismatch),
            "{algorithm}"
        );
        assert!(
            verify_signature(&message, other.public_key(), Sha1Use::Refused).is_err(),
            "{algorithm}"
        );
    }
}

#[test]
fn an_algorithm_that_does_not_suit_the_key_or_rests_on_sha1_is_refused_without_looking_at_the_bits()
{
    let key = key();
    let message = signed_by(&key);
    let with = |scheme: SignatureScheme| {
        let algorithm = scheme.identifier().unwrap();
        crate::with_header(&message, |header| header.protection_alg = Some(algorithm))
    };
    let unsuited = verify_signature(
        &with(SignatureScheme::Ed25519),
        key.public_key(),
        Sha1Use::Refused,
    )
    .unwrap_err();
    assert!(matches!(unsuited, ProtectionError::Signature(_)));
    assert_eq!(unsuited.failure(), PkiFailureInfo::BAD_ALG);
    let sha1 = with(SignatureScheme::RsaPkcs1(HashAlgorithm::Sha1));
    let refused = verify_signature(&sha1, key.public_key(), Sha1Use::MacOnly);
    assert_eq!(
        refused,
        Err(ProtectionError::Refused("a signature over SHA-1"))
    );
}
