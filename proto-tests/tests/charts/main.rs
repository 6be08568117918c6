//! The Helm charts: that they are well made, that the API server takes what they render, that their rules suffice and are
//! needed, and that a newcomer gets from nothing to a certificate by what the documentation says.

mod crds;
mod lint;
mod manifests;
mod readme;
mod schema;
mod server;
mod world;
