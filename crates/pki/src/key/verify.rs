use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaPssSaltLength, VerificationAlgorithm};

use super::{KeyKind, PublicKey, VerifyError};
use crate::algorithm::SignatureScheme;
use crate::digest::HashAlgorithm;

pub(super) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let kind = key.kind();
    if let KeyKind::Rsa { bits } = kind
        && !(2048..=8192).contains(&bits)
    {
        return Err(VerifyError::RsaSize { bits });
    }
    let pss = matches!(scheme, SignatureScheme::RsaPss { .. });
    if key.0.pss_only && !pss {
        return Err(mismatch(scheme, kind));
    }
    // A key whose type is id-RSASSA-PSS, or a salt of another length than the hash, is met too seldom to be kept parsed.
    if let SignatureScheme::RsaPss { hash, salt_len } = scheme
        && matches!(kind, KeyKind::Rsa { .. })
    {
        return pss_algorithm(hash)
            .ok_or_else(|| mismatch(scheme, kind))?
            .with_pss_salt_length(RsaPssSaltLength::Custom(salt_len))
            .verify_sig(key.bits()?, message, signature)
            .map_err(|_| VerifyError::Wrong);
    }
    let algorithm = algorithm(scheme, kind).ok_or_else(|| mismatch(scheme, kind))?;
    let parse = || ParsedPublicKey::new(algorithm, key.bits()?).map_err(|_| VerifyError::Key);
    let kept = match key.0.parsed.get() {
        Some(kept) => kept,
        None => {
            let parsed = parse()?;
            key.0.parsed.get_or_init(|| (scheme, parsed))
        }
    };
    let checked = if kept.0 == scheme {
        kept.1.verify_sig(message, signature)
    } else {
        parse()?.verify_sig(message, signature)
    };
    checked.map_err(|_| VerifyError::Wrong)
}

fn mismatch(scheme: SignatureScheme, kind: KeyKind) -> VerifyError {
    VerifyError::Mismatch {
        scheme: format!("{scheme:?}"),
        kind,
    }
}

fn pss_algorithm(hash: HashAlgorithm) -> Option<lc::RsaParameters> {
    match hash {
        HashAlgorithm::Sha256 => Some(lc::RSA_PSS_2048_8192_SHA256),
        HashAlgorithm::Sha384 => Some(lc::RSA_PSS_2048_8192_SHA384),
        HashAlgorithm::Sha512 => Some(lc::RSA_PSS_2048_8192_SHA512),
        HashAlgorithm::Sha1 | HashAlgorithm::Sha224 => None,
    }
}

fn algorithm(scheme: SignatureScheme, kind: KeyKind) -> Option<&'static dyn VerificationAlgorithm> {
    use HashAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureScheme as S;
    Some(match (scheme, kind) {
        (S::RsaPkcs1(Sha1), KeyKind::Rsa { .. }) => {
            &lc::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (S::RsaPkcs1(Sha256), KeyKind::Rsa { .. }) => &lc::RSA_PKCS1_2048_8192_SHA256,
        (S::RsaPkcs1(Sha384), KeyKind::Rsa { .. }) => &lc::RSA_PKCS1_2048_8192_SHA384,
        (S::RsaPkcs1(Sha512), KeyKind::Rsa { .. }) => &lc::RSA_PKCS1_2048_8192_SHA512,
        (S::Ecdsa(Sha256), KeyKind::P256) => &lc::ECDSA_P256_SHA256_ASN1,
        (S::Ecdsa(Sha384), KeyKind::P256) => &lc::ECDSA_P256_SHA384_ASN1,
        (S::Ecdsa(Sha512), KeyKind::P256) => &lc::ECDSA_P256_SHA512_ASN1,
        (S::Ecdsa(Sha256), KeyKind::P384) => &lc::ECDSA_P384_SHA256_ASN1,
        (S::Ecdsa(Sha384), KeyKind::P384) => &lc::ECDSA_P384_SHA384_ASN1,
        (S::Ecdsa(Sha512), KeyKind::P384) => &lc::ECDSA_P384_SHA512_ASN1,
        (S::Ecdsa(Sha256), KeyKind::P521) => &lc::ECDSA_P521_SHA256_ASN1,
        (S::Ecdsa(Sha384), KeyKind::P521) => &lc::ECDSA_P521_SHA384_ASN1,
        (S::Ecdsa(Sha512), KeyKind::P521) => &lc::ECDSA_P521_SHA512_ASN1,
        (S::Ed25519, KeyKind::Ed25519) => &lc::ED25519,
        (S::MlDsa44, KeyKind::MlDsa44) => &lc::ML_DSA_44,
        (S::MlDsa65, KeyKind::MlDsa65) => &lc::ML_DSA_65,
        (S::MlDsa87, KeyKind::MlDsa87) => &lc::ML_DSA_87,
        _ => return None,
    })
}
