//! One in-memory double of each trait: for tests, for benchmarks of the line without a database, and for configured
//! credentials.

mod ca;
mod credentials;
mod domains;
mod journal;
mod witness;

pub use ca::{MemoryCa, Script};
pub use credentials::MemoryCredentials;
pub use domains::MemoryDomains;
pub use journal::MemoryJournal;
pub use witness::MemoryWitness;
