use std::collections::HashMap;

use async_trait::async_trait;

use crate::{Credentials, JournalError, Label, Requester, SharedSecret};

/// Shared secrets held in memory, as configuration gives them.
#[derive(Default)]
pub struct MemoryCredentials(HashMap<(Label, Vec<u8>), (Requester, SharedSecret)>);

impl MemoryCredentials {
    /// Adds the secret of `reference` under `label`; a second one takes the place of the first.
    pub fn insert(
        &mut self,
        label: Label,
        reference: impl Into<Vec<u8>>,
        who: Requester,
        secret: SharedSecret,
    ) {
        self.0.insert((label, reference.into()), (who, secret));
    }
}

#[async_trait]
impl Credentials for MemoryCredentials {
    async fn secret(
        &self,
        label: &Label,
        reference: &[u8],
    ) -> Result<Option<(Requester, SharedSecret)>, JournalError> {
        Ok(self.0.get(&(label.clone(), reference.to_vec())).cloned())
    }
}
