//! REST v2, for clients that keep their keys.

mod enroll;
mod enrollment;
mod health;
mod lifetime;
mod proof;
mod revoke;
mod trust;
mod usage;

pub use enroll::{EnrollRequest, Replaces, ReplacesProof};
pub use enrollment::{Change, Enrollment, Issued, RequestKind, Waiting};
pub use health::Health;
pub use lifetime::{Lifetime, LifetimeError};
pub use proof::{ProofAlgorithm, UnknownProofAlgorithm};
pub use revoke::{
    Revocation, RevocationReason, RevocationStatus, RevokeRequest, RevokeTarget, UnknownReason,
};
pub use trust::{Trust, TrustFormat, TrustedRoot, UnknownFormat};
pub use usage::{UnknownUsage, Usage, UsageTarget};
