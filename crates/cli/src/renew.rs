//! `certway renew`.

use api::v2::{ProofAlgorithm, Replaces, ReplacesProof};
use jiff::Timestamp;
use pki::{Csr, PrivateKey, algorithm::SignatureScheme, digest::HashAlgorithm};
use secrecy::SecretString;

use crate::{
    acquire::{KeySource, Site},
    args::Renew,
    connection,
    credential::Credential,
    exit::{Exit, Failure},
    job::{Intent, Workplace},
    notes::Notes,
    outputs::Places,
    patience::Patience,
    report::{Report, hex},
    request::{self, Identity},
    secret::secret,
};
use api::client::with_causes;

/// Gets the successor of a certificate.
pub(crate) async fn run(options: &Renew, notes: &Notes) -> Result<Report, Failure> {
    let places = Places::of(&options.outputs)?;
    let workplace = Workplace::beside(places.certificate())?;
    let site = Site {
        places: &places,
        workplace: &workplace,
        notes,
    };

    let key = match (options.reuse_key, options.key_type) {
        (true, _) => "reuse".to_owned(),
        (false, Some(kind)) => format!("make {kind}"),
        (false, None) => "make alike".to_owned(),
    };
    let intent = request::intent(&options.connection, &options.wanted, key);
    // Before the old certificate is read: if an earlier run died between its last files, certificate and key do not fit now.
    if !options.reuse_key
        && let Some(report) = site.finish(&intent, None)?
    {
        return Ok(report);
    }
    let old = old(options, &places)?;
    let reused = options.reuse_key.then(|| {
        (
            old.key.clone(),
            options.key.as_deref().unwrap_or(places.key()).to_owned(),
        )
    });
    if let Some((key, file)) = &reused
        && let Some(report) = site.finish(
            &intent,
            Some(KeySource::Given(key.clone(), Some(file.clone()))),
        )?
    {
        return Ok(report);
    }
    if let Some(within) = options.if_expires_within
        && !is_due(old.certificate.not_after(), within, Timestamp::now())
    {
        return Ok(Report::not_due(&old.certificate));
    }
    let source = match reused {
        Some((key, file)) => KeySource::Given(key, Some(file)),
        None => KeySource::Make(options.key_type.unwrap_or(old.key.public_key().kind())),
    };
    let client = connection::client(&options.connection, Some(&old))?;
    let identity = Identity::of(
        &options.wanted,
        Some(&Identity {
            subject: old.certificate.subject().clone(),
            names: old.certificate.sans().to_vec(),
        }),
    )?;
    let intent = Intent {
        replaces: Some(hex(&old.certificate.fingerprint())),
        ..intent
    };
    site.acquire(
        &client,
        Patience::of(&options.connection),
        intent,
        source,
        |key| {
            let csr = identity.csr(key.unwrap_or(&old.key))?;
            let mut request = request::around(&csr, &options.wanted);
            request.replaces = Some(Replaces {
                certificate: old.certificate.to_pem(),
                proof: Some(proof(&csr, &old.key)?),
            });
            Ok(request)
        },
    )
    .await
}

/// The certificate to be succeeded: as named, or what the last run wrote.
fn old(options: &Renew, places: &Places) -> Result<Credential, Failure> {
    let given = secret(options.key_password_file.as_deref(), "CERTWAY_KEY_PASSWORD")?;
    match (&options.cert, places) {
        (Some(cert), Places::Store { path, password, .. }) if cert == path => Credential::read(
            cert,
            options.key.as_deref(),
            Some(given.as_ref().unwrap_or(password)),
        ),
        (Some(cert), _) => Credential::read(cert, options.key.as_deref(), given.as_ref()),
        (None, Places::Pem { cert, key, .. }) => Credential::read(cert, Some(key), given.as_ref()),
        (None, Places::Store { path, password, .. }) => Credential::read(
            path,
            None,
            Some::<&SecretString>(given.as_ref().unwrap_or(password)),
        ),
    }
}

/// Whether a certificate that ends then is to be renewed now.
fn is_due(not_after: Timestamp, within: api::v2::Lifetime, now: Timestamp) -> bool {
    // A time so long that it has no end on the calendar is always due.
    !within.after(now).is_ok_and(|limit| not_after > limit)
}

/// Possession of the old key, shown by signing the new request with it. It goes with the request even over mTLS with the old certificate:
/// a gateway may end TLS before the service.
fn proof(csr: &Csr, key: &PrivateKey) -> Result<ReplacesProof, Failure> {
    let unusable = |e: &dyn std::error::Error| {
        Failure::new(
            Exit::Local,
            format!("the old key cannot sign: {}", with_causes(e)),
        )
    };
    let scheme = SignatureScheme::try_from(key.algorithm()).map_err(|e| unusable(&e))?;
    let algorithm = name_of(scheme).ok_or_else(|| {
        Failure::new(
            Exit::Local,
            "the old key signs with an algorithm that REST v2 has no name for",
        )
    })?;
    let signature = key.sign_now(csr.der()).map_err(|e| unusable(&e))?;
    Ok(ReplacesProof {
        algorithm,
        signature: signature.to_vec(),
    })
}

fn name_of(scheme: SignatureScheme) -> Option<ProofAlgorithm> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    Some(match scheme {
        SignatureScheme::RsaPkcs1(Sha256) => ProofAlgorithm::RsaSha256,
        SignatureScheme::RsaPkcs1(Sha384) => ProofAlgorithm::RsaSha384,
        SignatureScheme::RsaPkcs1(Sha512) => ProofAlgorithm::RsaSha512,
        SignatureScheme::RsaPss { hash: Sha256, .. } => ProofAlgorithm::RsaPssSha256,
        SignatureScheme::RsaPss { hash: Sha384, .. } => ProofAlgorithm::RsaPssSha384,
        SignatureScheme::RsaPss { hash: Sha512, .. } => ProofAlgorithm::RsaPssSha512,
        SignatureScheme::Ecdsa(Sha256) => ProofAlgorithm::EcdsaSha256,
        SignatureScheme::Ecdsa(Sha384) => ProofAlgorithm::EcdsaSha384,
        SignatureScheme::Ecdsa(Sha512) => ProofAlgorithm::EcdsaSha512,
        SignatureScheme::Ed25519 => ProofAlgorithm::Ed25519,
        SignatureScheme::MlDsa44 => ProofAlgorithm::MlDsa44,
        SignatureScheme::MlDsa65 => ProofAlgorithm::MlDsa65,
        SignatureScheme::MlDsa87 => ProofAlgorithm::MlDsa87,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use pki::{KeyKind, Template};

    use super::*;

    #[test]
    fn a_certificate_is_due_when_it_ends_within_the_time() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let due = |end: &str| is_due(end.parse().unwrap(), "30d".parse().unwrap(), now);
        assert!(due("2026-11-01T00:00:00Z"));
        assert!(due("2026-12-22T00:00:00Z"));
        assert!(!due("2026-12-22T00:00:01Z"));
    }

    #[test]
    fn a_proof_is_a_signature_over_the_requests_der_that_the_old_key_verifies() {
        for kind in [
            KeyKind::P256,
            KeyKind::P521,
            KeyKind::Ed25519,
            KeyKind::MlDsa44,
        ] {
            let old = PrivateKey::generate(kind).unwrap();
            let new = PrivateKey::generate(KeyKind::P256).unwrap();
            let csr = csr(&new);
            let proof = proof(&csr, &old).unwrap();
            old.public_key()
                .verify(old.algorithm(), csr.der(), &proof.signature)
                .unwrap();
            assert_eq!(
                ProofAlgorithm::of(&identifier(old.algorithm())),
                Some(proof.algorithm),
                "{kind}"
            );
        }
    }

    #[test]
    fn rsa_algorithms_have_the_identifiers_that_rest_v2_names() {
        let mut key = PrivateKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap();
        for hash in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            for scheme in [
                SignatureScheme::RsaPkcs1(hash),
                SignatureScheme::rsa_pss(hash),
            ] {
                key = key.with_algorithm(scheme.identifier().unwrap()).unwrap();
                let csr = csr(&key);
                let proof = proof(&csr, &key).unwrap();
                let identifier = proof.algorithm.algorithm_identifier();
                let found = csr.der().windows(identifier.len()).any(|w| w == identifier);
                assert!(found, "{}", proof.algorithm);
            }
        }
    }

    fn csr(key: &PrivateKey) -> Csr {
        let subject = pki::name::onap::parse("CN=a").unwrap();
        Csr::build(&Template::new(subject, key.public_key().clone()), key).unwrap()
    }

    /// DER of an AlgorithmIdentifier without parameters, by hand.
    fn identifier(algorithm: &pki::AlgorithmId) -> Vec<u8> {
        assert!(algorithm.parameters.is_none());
        let oid = algorithm.oid.as_bytes();
        let length = |n: usize| u8::try_from(n).unwrap();
        [&[0x30, length(oid.len() + 2), 6, length(oid.len())], oid].concat()
    }
}
