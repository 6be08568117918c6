//! The container images: built as `deploy/images/build` builds them, looked into, and started. No daemon, no registry, no base to pull.

mod containers;
mod contents;
mod onap;
mod running;
mod store;
