//! certway-ra as a library: the edges around one enrollment line.
//!
//! Bytes come in over REST and CMP, are parsed into what [`ra`] understands, and its outcome is rendered again. Configuration ([`config`],
//! [`onap`]) becomes a [`Site`]; the process around it is an [`App`], whose site a reload replaces as a whole.
//!
//! It is not the place where anything is decided about certificates (that is `ra`), where a CA is spoken to (`authority`) or where anything
//! is kept (`store`).
//!
//! Start with [`App`] and [`router::router`]; [`serve::run`] is the whole program.

pub mod admin;
pub mod app;
mod audit;
pub mod callers;
pub mod check;
mod clock;
pub mod cmp;
pub mod compact;
pub mod config;
mod correlate;
pub mod crl;
pub mod demo;
mod discard;
pub mod drain;
pub mod expiry;
mod files;
mod flood;
mod health;
mod held;
pub mod journal;
pub mod jwt;
pub mod listen;
pub mod log;
mod manager;
pub mod metrics;
pub mod onap;
pub mod otlp;
pub mod peer;
pub mod problem;
pub mod reload;
pub mod router;
mod seats;
pub mod serve;
pub mod settings;
pub mod signals;
pub mod site;
#[cfg(feature = "stop-points")]
mod stop;
pub mod sweep;
#[cfg(test)]
pub(crate) mod testing;
pub mod tls;
mod trace_context;
pub mod v1;
pub mod v2;

pub use app::App;
pub use callers::{Callers, Unauthenticated};
pub use config::Problems;
pub use drain::Drain;
pub use files::Files;
pub use peer::Peer;
pub use settings::{CmpSettings, CmpSigner, LabelSettings, V1Settings};
pub use site::Site;
