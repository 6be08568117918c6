//! X.509 as the rest of Certway sees it: names, keys, the [`Signer`] trait and its software form, certification
//! requests, templates, certificates, revocation lists, chains and keystores.
//!
//! It is not aware of CMP, HTTP or Kubernetes, does no I/O and needs no async runtime. Everything is parsed once, at
//! the edge, into types that keep the bytes as received beside the parsed view; signatures are always verified over
//! those bytes, never over a re-encoding.
//!
//! Start with [`Certificate`] to read, [`PrivateKey`] to sign, and [`Template`] for what is asked of a CA.

pub mod algorithm;
pub mod certificate;
pub mod chain;
pub mod crl;
pub mod csr;
pub mod der_serde;
pub mod digest;
pub mod extension;
#[cfg(test)]
mod fixtures;
pub mod general_name;
pub mod issue;
pub mod key;
pub mod keystore;
pub mod known;
pub mod name;
pub mod path;
pub mod pem;
pub mod pkcs11;
pub mod private_key;
pub mod random;
pub mod signer;
pub mod template;
pub mod time;
pub mod usage;

pub use certificate::{Certificate, CertificateError, CertificateId};
pub use const_oid::ObjectIdentifier;
pub use csr::{Csr, CsrError};
pub use extension::CaConstraint;
pub use general_name::GeneralName;
pub use key::{KeyError, KeyKind, PublicKey, VerifyError};
pub use known::KnownCas;
pub use private_key::PrivateKey;
pub use signer::{SignError, Signer};
pub use template::{RequestedValidity, Template};
pub use usage::KeyUsages;
pub use x509_cert::ext::Extension;
pub use x509_cert::name::Name;

/// An algorithm OID with its parameters (RFC 5280 section 4.1.1.2).
pub type AlgorithmId = spki::AlgorithmIdentifierOwned;
