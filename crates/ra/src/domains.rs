use async_trait::async_trait;
use pki::GeneralName;

use crate::{JournalError, Principal};

/// What is known of the names in a request before it is decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// For each name that someone owns: the name and those who may ask for it.
    pub owned: Vec<(GeneralName, Vec<Principal>)>,
}

/// Who owns which names.
#[async_trait]
pub trait Domains: Send + Sync {
    /// The ownership of `names`; names that nobody owns are left out.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] when the store cannot be read.
    async fn facts(&self, names: &[GeneralName]) -> Result<Facts, JournalError>;
}
