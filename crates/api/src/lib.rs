//! The REST contract: what travels between a requester and certway-ra, as serde types with OpenAPI schema, and a thin client for it.
//!
//! It is not the place where anything is decided, and it knows no ASN.1: certificates and requests are PEM text here, keys never appear
//! (but for REST v1, whose headers carry them and which therefore has only its answers here). Server, issuer and CLI share these types so
//! that they cannot drift apart.
//!
//! Start with [`v2::EnrollRequest`] and [`v2::Enrollment`]; every refusal is a [`Problem`] with a [`ProblemSlug`]. Callers start with
//! [`client::Client`], and what watches over programs of ours with [`probe::ask`].

pub mod client;
pub mod headers;
pub mod media;
pub mod paths;
pub mod probe;
pub mod problem;
pub mod v1;
pub mod v2;

pub use problem::{Problem, ProblemSlug};
