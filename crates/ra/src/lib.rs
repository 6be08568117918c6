//! The registration authority's domain: who asks, what is allowed, what was done.
//!
//! One enrollment is one straight line (docs/ISSUANCE.md): a front turns bytes into a [`Requester`] and an
//! [`EnrollRequest`], [`Ra::enroll`] decides, writes the row, asks the CA, checks its answer and has it confirmed;
//! [`Ra::recall`] answers whoever asks again, and [`Ra::sweep`] carries on what a stopped process left behind.
//!
//! This crate does no I/O and knows no runtime, no HTTP, no SQL and no CMP: CAs are behind [`Authority`], the memory
//! behind [`Journal`], ownership of names behind [`Domains`], shared secrets behind [`Credentials`], metrics and the audit
//! log behind [`Witness`]. Each has one in-memory double in [`memory`].
//!
//! Start with [`Ra`].

mod approve;
mod audit;
mod authority;
mod changes;
mod check;
mod confirm;
mod correlation;
mod credentials;
mod decide;
mod domains;
mod drive;
mod entry;
mod journal;
mod line;
pub mod memory;
mod outcome;
mod pattern;
mod profile;
mod record;
mod refusal;
mod request;
mod requester;
mod revoke;
pub mod step;
mod support;
mod unbegun;
mod witness;

pub use audit::{AuditEvent, AuditKind};
pub use authority::{
    Answer, AskError, Authority, AuthorityName, BreakerState, By, EndpointHealth, Health, Order,
    Progress, SentAs, Step, Support, SupportAnswer, Verdict,
};
pub use changes::{Change as Changed, Changes};
pub use check::{Anchors, OnChange, Sound, check};
pub use confirm::Word;
pub use correlation::{Correlation, NoCorrelation};
pub use credentials::{Credentials, SharedSecret};
pub use decide::{Approved, Question, decide};
pub use domains::{Domains, Facts};
pub use entry::{Asked, Entry, EntryId, Phase};
pub use journal::{
    Begun, Change, Claim, CrlEntry, Issuance, Journal, JournalError, Lease, Revocation, UnderWay,
    longest_believed,
};
pub use line::{Clock, LabelRules, Ra};
pub use outcome::{Error, Issued, Outcome, SOONEST};
pub use pattern::{DnsPattern, IpPattern, PatternError, TextPattern};
pub use profile::{
    KeyRules, NameKind, NameRules, Profile, ProfileName, Requesters, UsageRules, ValidityRules,
};
pub use refusal::{CaStatus, Refusal, RefusalKind};
pub use request::{
    ConfirmedBy, EnrollRequest, Key, Label, Original, Proof, Replaces, RevokeRequest, Sealed,
};
pub use requester::{CredentialId, Principal, Requester};
pub use witness::{Called, Stage, Witness};
