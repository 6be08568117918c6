//! What is trusted and why: chains, paths and keystores, through the crate's public face.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)]

mod authority;
mod chain;
mod keystore;
mod path;
