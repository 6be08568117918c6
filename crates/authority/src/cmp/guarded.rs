use std::sync::Arc;

use super::config::CmpConfig;
use super::endpoint::Endpoint;
use super::{CmpAuthority, CmpConfigError};
use crate::guard::{GateSettings, Guard, GuardSettings, Member};

/// A CA behind CMP as it is put to use: with all its endpoints, guarded.
pub struct GuardedCmp {
    /// The CA, and the endpoint that is asked first.
    pub cmp: CmpConfig,
    /// Its other endpoints, best first. They share everything but the way there.
    pub others: Vec<Endpoint>,
    /// How it is guarded.
    pub guard: GuardSettings,
}

impl From<CmpConfig> for GuardedCmp {
    /// With one endpoint.
    fn from(cmp: CmpConfig) -> Self {
        let gate = GateSettings::for_exchanges_of(cmp.transport.total);
        Self {
            others: Vec::new(),
            guard: GuardSettings {
                gate,
                ..GuardSettings::default()
            },
            cmp,
        }
    }
}

impl GuardedCmp {
    /// The authority. No message is sent; what `earlier` knows of the same endpoints is kept.
    ///
    /// # Errors
    /// [`CmpConfigError`] for parts that do not go together.
    pub fn build(self, earlier: Option<&Guard>) -> Result<Guard, CmpConfigError> {
        let Self { cmp, others, guard } = self;
        let member = |config: CmpConfig| {
            Ok(Member {
                endpoint: config.endpoint.to_string(),
                authority: Arc::new(CmpAuthority::new(config)?),
            })
        };
        let others = others.into_iter().map(|endpoint| CmpConfig {
            endpoint,
            ..cmp.clone()
        });
        let members: Result<Vec<_>, CmpConfigError> = std::iter::once(cmp.clone())
            .chain(others)
            .map(member)
            .collect();
        Ok(Guard::new(cmp.name.clone(), &guard, members?, earlier)?)
    }
}
