use async_trait::async_trait;
use pki::GeneralName;

use crate::{Domains, Facts, JournalError, Principal};

/// Ownership of names held in memory; empty, it means that nobody owns anything.
#[derive(Default)]
pub struct MemoryDomains(Vec<(GeneralName, Vec<Principal>)>);

impl MemoryDomains {
    /// Says that `owners` and nobody else may ask for `name`.
    pub fn own(&mut self, name: GeneralName, owners: Vec<Principal>) {
        self.0.push((name, owners));
    }
}

#[async_trait]
impl Domains for MemoryDomains {
    async fn facts(&self, names: &[GeneralName]) -> Result<Facts, JournalError> {
        let owned = self
            .0
            .iter()
            .filter(|(name, _)| names.contains(name))
            .cloned()
            .collect();
        Ok(Facts { owned })
    }
}
