//! The numbered steps of the line (docs/ISSUANCE.md) as tracing events.
//!
//! The tests that kill the process at every step stop it here; how long steps take is told to [`crate::Witness`].

use crate::EntryId;

/// The target of the events.
pub const TARGET: &str = "certway::step";

/// Step 7: every byte the CA will see is fixed.
pub const PREPARED: u64 = 7;
/// Step 8: the row is durable, nothing was sent.
pub const BEGUN: u64 = 8;
/// Step 9: the CA answered, nothing of the answer is durable.
pub const ASKED: u64 = 9;
/// Step 10: the certificate passed (or failed) its checks, nothing of it is durable.
pub const CHECKED: u64 = 10;
/// Step 11: certificate and verdict are durable.
pub const FINISHED: u64 = 11;
/// Step 12, first half: the CA heard the verdict, the journal does not know that.
pub const CONFIRMED_UPSTREAM: u64 = 12;
/// Step 12, second half: the journal knows, nobody was answered.
pub const CONFIRMED: u64 = 13;
/// Step 14: the client's word on its certificate is durable, the CA has not heard it.
pub const HEARD: u64 = 14;

/// Says that `entry` has come to `step`.
pub fn reached(step: u64, entry: &EntryId) {
    tracing::trace!(target: TARGET, step, %entry, "step reached");
}
