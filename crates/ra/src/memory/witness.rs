use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{AuditEvent, AuthorityName, Called, Stage, Witness};

/// A witness that remembers everything it was told.
#[derive(Default)]
pub struct MemoryWitness(Mutex<Told>);

#[derive(Default)]
struct Told {
    stages: Vec<Stage>,
    calls: Vec<Called>,
    events: Vec<AuditEvent>,
}

impl MemoryWitness {
    /// The stages that ended, in order.
    pub fn stages(&self) -> Vec<Stage> {
        self.told().stages.clone()
    }

    /// What came of each call to a CA.
    pub fn calls(&self) -> Vec<Called> {
        self.told().calls.clone()
    }

    /// Every decision.
    pub fn events(&self) -> Vec<AuditEvent> {
        self.told().events.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for MemoryWitness {
    fn took(&self, stage: Stage, _: &AuthorityName, _: Duration) {
        self.told().stages.push(stage);
    }

    fn called(&self, _: &AuthorityName, result: Called) {
        self.told().calls.push(result);
    }

    fn decided(&self, event: &AuditEvent) {
        self.told().events.push(event.clone());
    }
}
