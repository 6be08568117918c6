//! certway-ra as a library: the edges around one enrollment line.
//!
//! Bytes come in over REST and CMP, are parsed into what [`ra`] understands, and its outcome is rendered again. Configuration becomes a
//! [`Site`]; the process around it is an [`App`], whose site a reload replaces as a whole.
//!
//! It is not the place where anything is decided about certificates (that is `ra`), where a CA is spoken to (`authority`) or where anything
//! is kept (`store`).
//!
//! Start with [`App`] and [`router::router`].

pub mod app;
pub mod callers;
pub mod peer;
pub mod router;
pub mod site;

pub use app::App;
pub use callers::{Callers, Unauthenticated};
pub use peer::Peer;
pub use site::{CmpSettings, CmpSigner, LabelSettings, Site, V1Settings};
