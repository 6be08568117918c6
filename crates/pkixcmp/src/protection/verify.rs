//! Checking the protection of a received message, over the octets received.

use aws_lc_rs::hmac;
use pki::algorithm::SignatureScheme;
use pki::digest::HashAlgorithm;
use pki::{PublicKey, VerifyError};
use spki::AlgorithmIdentifierOwned;

use super::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, ProtectionError, ProtectionKind, Sha1Use,
};
use crate::message::PkiMessage;

/// Checks a MAC: bounds and allow-list first, then derivation, then a comparison in constant time. Gives the key, with which the answer can be
/// protected at no further cost.
///
/// For a reference nobody knows, call this with a random secret all the same: the answer and the time it takes then do not tell whether it was
/// the reference or the secret that was wrong.
///
/// # Errors
/// [`ProtectionError::Unprotected`] and [`ProtectionError::OtherKind`] when the message bears no MAC; as [`MacScheme::from_algorithm`] and [`MacPolicy::admit`]; [`ProtectionError::Mismatch`] when the MAC is another one.
pub fn verify_mac(
    message: &PkiMessage,
    secret: &MacSecret,
    policy: &MacPolicy,
    cache: &KeyCache,
) -> Result<MacKey, ProtectionError> {
    let (algorithm, protection) = protection_of(message, ProtectionKind::Mac)?;
    verify_mac_over(
        algorithm,
        &message.to_be_protected(),
        protection,
        secret,
        policy,
        cache,
    )
}

/// Checks a signature with the key of the protection certificate. Whether that certificate is trusted, and for this, is the caller's to find out;
/// it stands first in extraCerts, or is known from before.
///
/// A signature over SHA-1 is believed with [`Sha1Use::Everywhere`] only.
///
/// # Errors
/// [`ProtectionError::Unprotected`] and [`ProtectionError::OtherKind`] when the message bears no signature; [`ProtectionError::Refused`] for
/// SHA-1; [`ProtectionError::Signature`] when the algorithm is unknown or does not suit the key; [`ProtectionError::Mismatch`] when the
/// signature is wrong.
pub fn verify_signature(
    message: &PkiMessage,
    key: &PublicKey,
    sha1: Sha1Use,
) -> Result<(), ProtectionError> {
    let (algorithm, signature) = protection_of(message, ProtectionKind::Signature)?;
    let hash = SignatureScheme::try_from(algorithm)
        .ok()
        .and_then(SignatureScheme::hash);
    if hash == Some(HashAlgorithm::Sha1) && sha1 != Sha1Use::Everywhere {
        return Err(ProtectionError::Refused("a signature over SHA-1"));
    }
    key.verify(algorithm, &message.to_be_protected(), signature)
        .map_err(|error| match error {
            VerifyError::Wrong => ProtectionError::Mismatch,
            other => ProtectionError::Signature(other),
        })
}

/// Algorithm and bits of a message whose protection is of the kind wanted.
fn protection_of(
    message: &PkiMessage,
    wanted: ProtectionKind,
) -> Result<(&AlgorithmIdentifierOwned, &[u8]), ProtectionError> {
    let algorithm = message.header().protection_alg.as_ref();
    let (Some(algorithm), Some(bits)) = (algorithm, message.protection()) else {
        return Err(ProtectionError::Unprotected);
    };
    if ProtectionKind::announced(Some(algorithm)) != wanted {
        return Err(ProtectionError::OtherKind { wanted });
    }
    Ok((algorithm, bits))
}

pub(super) fn verify_mac_over(
    algorithm: &AlgorithmIdentifierOwned,
    to_be_protected: &[u8],
    protection: &[u8],
    secret: &MacSecret,
    policy: &MacPolicy,
    cache: &KeyCache,
) -> Result<MacKey, ProtectionError> {
    let scheme = MacScheme::from_algorithm(algorithm)?;
    policy.admit(&scheme)?;
    let known = cache.find(secret, &scheme);
    let fresh = known.is_none();
    let key = known.unwrap_or_else(|| scheme.derive(secret));
    hmac::verify(&key, to_be_protected, protection).map_err(|_| ProtectionError::Mismatch)?;
    if fresh {
        cache.keep(secret, &scheme, &key);
    }
    Ok(MacKey {
        algorithm: algorithm.clone(),
        scheme,
        key,
    })
}
