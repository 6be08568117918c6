//! The journal on SQLite (one file, the default) and PostgreSQL (for replicas): [`ra::Journal`] on either, by URL.
//!
//! It keeps what was done, durably, and knows nothing of policy, CMP or HTTP; what fronts and authorities seal into an
//! entry it does not look at. Start with [`SqlJournal::open`].
//!
//! # How it is laid out, and why
//!
//! - **Everything that is written goes through one task**, which makes one transaction of what is queued: a commit
//!   costs a disk's flush, and so it is shared. Rows go in sorted multi-row statements, on SQLite several of them in one text; when one of
//!   them cannot be written, the batch is repeated row by row and only the culprit fails. Nothing waits for a batch to fill.
//! - **The wide row is written once.** `journal` has the request as begun. What moves is apart: `running` has claim,
//!   fence, lease, due time and the authority's sealed state, and loses the row with the last write, so it stays as
//!   small as there are requests under way, and a message that would let a reader guess at a shared secret leaves the
//!   database with it. `outcome` has the phase, under 200 bytes, replaced as the request goes on. A log of phases
//!   would need the newest of several rows for every read; the audit trail tells the history already.
//! - **A fence is compared in the statement that moves the row** (`running`), in the same transaction as all that
//!   hangs on it; whose fence does not hold writes nothing. Leases run by the database's clock.
//! - **Ids grow with time**, so rows are appended; only `ikey` and the issuance's name, 16 bytes each, are scattered.
//! - **Certificates are written once**: the one issued in `issuance`, which outlives its entry, CA certificates in
//!   `certificate` by SHA-256. Revocations have a table of their own, since they may be of certificates that others
//!   issued; the first one stands.
//! - SQL is one text for both databases but for how a transaction begins, the clock, and `SKIP LOCKED`.

mod ailment;
mod codec;
mod compact;
mod database;
mod fault;
mod history;
mod issued;
mod issuers;
mod journal;
mod known;
mod name;
mod numbers;
mod options;
mod outage;
#[cfg(test)]
mod plans;
mod read;
mod rows;
mod sql;
mod target;
mod writer;

pub use compact::{Compacted, Retention};
pub use history::{Event, History, Recorded, Revoked, Span};
pub use journal::SqlJournal;
pub use options::Options;
pub use target::{Password, Target, TargetError, Tls, TlsMode};
