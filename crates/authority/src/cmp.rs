//! A CA that speaks CMP (RFC 9810), asked over HTTP (RFC 9811).

mod choose;
mod config;
mod endpoint;
mod failure;
mod transport;

pub use config::*;
pub use endpoint::{Endpoint, EndpointError};
pub use transport::TransportError;
