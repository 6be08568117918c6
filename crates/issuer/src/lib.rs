//! A cert-manager external issuer: CertificateRequests of its kinds go to the RA over REST v2, and chain and trusted roots are written back.
//!
//! It decides nothing about certificates: policy, journal and CA are behind the RA. It never reads a workload's private key.
//!
//! The line of one request: [`request::standing`] says whether it is ours to answer, [`request::of_certificate_request`] what it asks for,
//! [`enroll::enroll`] asks the RA, [`answer::check`] believes the answer or not, [`verdict::verdict`] says what that means, [`request::patch`] is what is written. All
//! but the asking are pure. [`run::run`] has the controllers that call them.

pub mod admin;
pub mod answer;
pub mod args;
pub mod cert_manager;
pub mod checks;
pub mod context;
pub mod enroll;
pub mod events;
pub mod identity;
pub mod issuers;
pub mod kinds;
pub mod lease;
pub mod metrics;
pub mod pace;
pub mod ra;
pub mod reconcile;
pub mod renewals;
pub mod request;
pub mod run;
pub mod settings;
pub mod trouble;
pub mod turns;
pub mod verdict;
pub mod work;
