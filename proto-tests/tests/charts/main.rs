//! The Helm charts: that they are well made, that the API server takes what they render, that their rules suffice and are
//! needed, and that a newcomer gets from nothing to a certificate by what the documentation says.

mod config;
mod crds;
mod lint;
mod manifests;
mod namespaced;
mod newcomer;
mod ra;
mod readme;
mod rules;
mod schema;
mod server;
mod world;
