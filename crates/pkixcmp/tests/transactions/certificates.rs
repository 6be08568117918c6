//! certHash: which digest names which certificate.

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use pki::AlgorithmId;
use pki::algorithm::SignatureScheme;
use pki::digest::HashAlgorithm;
use pkixcmp::body::confirm::CertStatus;
use pkixcmp::cert_hash::{CertHash, ExpectedCertHash, NoSignatureAlgorithm};
use pkixcmp::client::{Step, Verdict};
use pkixcmp::server::{Answer, Follow, Granted, Release};
use pkixcmp::{CertReqId, CmpCertificate, PkiBody, PkiFailureInfo, PkiStatusInfo, Pvno};

use crate::{MAC, begun, certificate_signed_with, from, ir, opening, sent};

fn signed_by(scheme: SignatureScheme) -> CmpCertificate {
    certificate_signed_with(&scheme.identifier().unwrap())
}

fn signed_by_oid(oid: &str) -> CmpCertificate {
    certificate_signed_with(&AlgorithmId {
        oid: ObjectIdentifier::new_unwrap(oid),
        parameters: None,
    })
}

fn status(hash: &[u8], hash_alg: Option<HashAlgorithm>) -> CertStatus {
    CertStatus {
        cert_hash: OctetString::new(hash).unwrap(),
        cert_req_id: CertReqId::FIRST,
        status_info: None,
        hash_alg: hash_alg.map(HashAlgorithm::identifier),
    }
}

#[test]
fn the_signature_algorithm_names_the_digest() {
    for (certificate, hash) in [
        (
            signed_by(SignatureScheme::RsaPkcs1(HashAlgorithm::Sha256)),
            HashAlgorithm::Sha256,
        ),
        (
            signed_by(SignatureScheme::RsaPkcs1(HashAlgorithm::Sha512)),
            HashAlgorithm::Sha512,
        ),
        (
            signed_by(SignatureScheme::Ecdsa(HashAlgorithm::Sha384)),
            HashAlgorithm::Sha384,
        ),
        (signed_by(SignatureScheme::Ed25519), HashAlgorithm::Sha512),
        (signed_by_oid("1.2.840.113549.1.1.5"), HashAlgorithm::Sha1),
        (signed_by_oid("1.2.840.10045.4.1"), HashAlgorithm::Sha1),
        (signed_by_oid("1.2.840.10045.4.3.1"), HashAlgorithm::Sha224),
        (
            signed_by(SignatureScheme::rsa_pss(HashAlgorithm::Sha384)),
            HashAlgorithm::Sha384,
        ),
    ] {
        let found = CertHash::of(&certificate).unwrap();
        assert_eq!(found.digest, hash.digest(certificate.der()), "{hash:?}");
        assert_eq!(found.hash_alg(), None);
        let expected = ExpectedCertHash::of(&certificate).unwrap();
        assert_eq!(
            expected.check(&status(&found.digest, None), Pvno::CMP2000),
            Ok(())
        );
    }
}

#[test]
fn a_certificate_whose_algorithm_names_no_digest_needs_hash_alg_and_version_3() {
    let certificate = signed_by(SignatureScheme::MlDsa65);
    let found = CertHash::of(&certificate).unwrap();
    assert_eq!(
        found.digest,
        HashAlgorithm::Sha256.digest(certificate.der())
    );
    assert_eq!(found.hash_alg(), Some(HashAlgorithm::Sha256.identifier()));

    let (mut client, mut server, _) = begun(opening(), &ir());
    let granted = Granted {
        certificate,
        status: PkiStatusInfo::accepted(),
        ca_pubs: Vec::new(),
        release: Release::Confirm,
    };
    let answer = sent(
        server
            .answer(&Answer::Granted(Box::new(granted)), from("CN=ca", 2))
            .unwrap(),
    );
    assert!(matches!(client.receive(&answer, MAC), Ok(Step::Issued(_))));
    let confirmation = sent(
        client
            .confirm(&Verdict::Accept, from("CN=device", 3))
            .unwrap(),
    );
    assert_eq!(confirmation.header().pvno, Pvno::CMP2021);
    let PkiBody::CertConf(content) = confirmation.body() else {
        panic!()
    };
    assert!(content[0].hash_alg.is_some());
    assert_eq!(server.follow(&confirmation), Ok(Follow::Accepted));
}

#[test]
fn any_sha2_may_be_named_under_version_3_and_none_under_version_2() {
    let certificate = signed_by(SignatureScheme::Ecdsa(HashAlgorithm::Sha256));
    let expected = ExpectedCertHash::of(&certificate).unwrap();
    for hash in [
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
        HashAlgorithm::Sha512,
    ] {
        let named = status(&hash.digest(certificate.der()), Some(hash));
        assert_eq!(expected.check(&named, Pvno::CMP2021), Ok(()));
        assert_eq!(
            expected.check(&named, Pvno::CMP2000),
            Err(PkiFailureInfo::BAD_REQUEST)
        );
    }
    let weak = status(
        &HashAlgorithm::Sha1.digest(certificate.der()),
        Some(HashAlgorithm::Sha1),
    );
    assert_eq!(
        expected.check(&weak, Pvno::CMP2021),
        Err(PkiFailureInfo::BAD_ALG)
    );
}

#[test]
fn another_digest_and_a_cut_one_name_no_certificate() {
    let certificate = signed_by(SignatureScheme::Ecdsa(HashAlgorithm::Sha256));
    let expected = ExpectedCertHash::of(&certificate).unwrap();
    let right = HashAlgorithm::Sha256.digest(certificate.der());
    for wrong in [
        &right[..31],
        &[],
        &HashAlgorithm::Sha384.digest(certificate.der()),
    ] {
        assert_eq!(
            expected.check(&status(wrong, None), Pvno::CMP2000),
            Err(PkiFailureInfo::BAD_CERT_ID)
        );
    }
    let unnamed = ExpectedCertHash::of(&signed_by(SignatureScheme::MlDsa44)).unwrap();
    assert_eq!(
        unnamed.check(&status(&right, None), Pvno::CMP2021),
        Err(PkiFailureInfo::BAD_ALG)
    );
}

#[test]
fn octets_that_are_no_certificate_have_no_hash() {
    let junk = CmpCertificate::from_der(vec![0x30, 2, 5, 0]).unwrap();
    assert_eq!(CertHash::of(&junk), Err(NoSignatureAlgorithm));
}
