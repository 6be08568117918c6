//! CAs we can ask, as [`ra::Authority`]: one behind CMP ([`cmp`]), or a signer of our own ([`local`]); and what stands before
//! those that are reached over a network ([`guard`]).
//!
//! What this crate is not: it decides nothing about who may have a certificate (that is `ra`'s), and it keeps nothing but
//! caches: what has to survive a crash is in the [`ra::Sealed`] state that every call takes and gives back.
//!
//! Start with [`cmp::CmpConfig`] and [`cmp::CmpAuthority`], or with [`local::LocalAuthority`].

pub mod cmp;
pub mod guard;
pub mod local;
mod sealed;
