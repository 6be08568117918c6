//! What every reconcile needs.

use std::sync::Arc;

use pki::KnownCas;

use crate::checks::Checks;
use crate::events::Events;
use crate::identity::IssuerId;
use crate::issuers::Issuers;
use crate::metrics::Metrics;
use crate::pace::{Attempts, Gates};
use crate::ra::Ra;
use crate::renewals::Renewals;
use crate::request::Approval;
use crate::turns::Turns;

/// The parts, each on its own.
pub struct Context {
    /// The API server.
    pub kube: kube::Client,
    /// The issuers there are.
    pub issuers: Issuers,
    /// The way to the RAs.
    pub ra: Ra,
    /// How fast.
    pub gates: Gates,
    /// How often.
    pub attempts: Attempts,
    /// What is replaced by what is asked for.
    pub renewals: Renewals,
    /// CA certificates that came with answers.
    pub known: KnownCas,
    /// For people.
    pub events: Events,
    /// For programs.
    pub metrics: Arc<Metrics>,
    /// Whether an approval is waited for.
    pub approval: Approval,
    /// When each issuer was checked, and how that went.
    pub checks: Checks,
    /// Issuers that became ready, or are not any more: their requests are looked at.
    pub turns: Turns,
    /// Issuers that a request had trouble with: they are looked at.
    pub doubts: Turns,
}

impl Context {
    /// An issuer is gone: its requests hear of it, and nothing of it stays in memory.
    pub fn forget(&self, issuer: &IssuerId) {
        self.ra.forget(issuer);
        self.gates.forget(issuer);
        self.checks.forget(issuer);
        self.metrics.forget(issuer);
        self.turns.tell(issuer);
    }

    /// A request is over: nothing of it stays in memory.
    pub fn over(&self, uid: &str) {
        self.attempts.forget(uid);
        self.renewals.forget(uid);
    }

    /// A request had trouble with its issuer: it is checked soon.
    pub fn doubt(&self, issuer: &IssuerId) {
        if self.checks.doubt(issuer) {
            self.doubts.tell(issuer);
        }
    }
}
