//! [`Signer`]: whatever can sign: a key in memory, an HSM, a vault.

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::{AlgorithmId, PublicKey};

/// A private key that can be used but need not be at hand. Async because a vault or an HSM may be behind it; an
/// implementation that computes for long does so on a thread of its own, so callers may await it anywhere.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public half; signatures made by [`Signer::sign`] verify under it.
    fn public_key(&self) -> &PublicKey;

    /// The algorithm of every signature made, with parameters, as it goes into messages and certificates.
    fn algorithm(&self) -> &AlgorithmId;

    /// Sign `message` (not its digest). The answer is the content of the BIT STRING that X.509 and CMP carry.
    ///
    /// # Errors
    /// See [`SignError`].
    async fn sign(&self, message: &[u8]) -> Result<Bytes, SignError>;
}

/// Why nothing was signed. Never contains key material.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key cannot be reached now; trying again later may succeed.
    #[error("the signing key cannot be reached: {0}")]
    Unavailable(String),
    /// The key was reached and could not, or would not, sign.
    #[error("the signing key failed to sign: {0}")]
    Failed(String),
}
