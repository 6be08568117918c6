use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{JournalError, Label, Requester};

/// A shared secret: never shown, zeroed by whoever holds the bytes behind it.
#[derive(Clone)]
pub struct SharedSecret(Arc<Zeroizing<Vec<u8>>>);

impl SharedSecret {
    /// Takes the secret's bytes as they enter the MAC.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes.into())))
    }

    /// The bytes, for the MAC and nothing else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Shared secrets of CMP clients, by the reference in their senderKID.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The secret of `reference` under `label` and whom it makes the sender; `None` when there is no such reference
    /// (the caller takes as long as for a wrong secret).
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when the store cannot be read.
    async fn secret(
        &self,
        label: &Label,
        reference: &[u8],
    ) -> Result<Option<(Requester, SharedSecret)>, JournalError>;
}
