//! The benchmark: certway-ra between a load client and a CA, all on this machine, held against the crypto that none of them can avoid.
//!
//! [`run`] starts the programs that lie beside it, measures one cell after the other and writes a table. What each cell is, stands in
//! [`cells`]; docs/PERFORMANCE.md says how to read the figures.

pub mod cells;
mod client;
mod crowd;
mod daemon;
mod figures;
pub mod floor;
mod goals;
mod half;
mod http;
pub mod kubernetes;
mod load;
mod long;
mod machine;
pub mod options;
mod postgres;
mod process;
mod requests;
mod run;
mod site;
mod stubborn;
mod table;

pub use options::Options;
pub use process::cpu;
pub use run::run;
