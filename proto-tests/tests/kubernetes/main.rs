//! cert-manager on a real Kubernetes control plane: what an issuer has to do for it, and that the stack does it at all.
//!
//! The tables of `certificates` and `signing_requests` are about any issuer. The CA issuer in cert-manager's own tree is
//! the control: a case that fails with it is a wrong case.

mod admission;
mod apart;
mod approval;
mod bad_input;
mod certificates;
mod checks;
mod control;
mod deaths;
mod faults;
mod feature;
mod in_tree;
mod modifications;
mod namespaced;
mod neighbours;
mod onap;
mod ours;
mod outages;
mod rollover;
mod roots;
mod signing_requests;
mod tested;
mod token;
mod trust_manager;
mod two_replicas;
