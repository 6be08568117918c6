//! Keys in tokens: hardware security modules and what behaves like one, by PKCS#11.
//!
//! A key is named by a [`KeyUri`] (RFC 7512) and used through a [`TokenKey`], a [`Signer`](crate::Signer) like any other. Which library
//! is loaded and which PIN is given comes with [`TokenSettings`] and never out of the URI.
//!
//! A token is asked on threads of its own, each with one session: callers only await, so no runtime is needed, and a token that hangs
//! holds nobody longer than the time-out. Sessions and the login that a token lost are opened again when the next signature is wanted,
//! at growing intervals while that fails. A PIN that the token refused is never given to it again by this process.
//! [`standings`] says how each token is; [`close`] belongs before the end of the process.

mod error;
mod job;
mod key;
mod module;
mod pool;
mod scheme;
mod session;
mod uri;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

pub use error::TokenError;
pub use key::TokenKey;
pub use pool::{Standing, close, standings};
pub use uri::{KeyUri, UriError};

/// How tokens of one module are reached.
#[derive(Clone)]
pub struct TokenSettings {
    /// The PKCS#11 library, as its maker delivers it. It runs inside this process.
    pub module: PathBuf,
    /// The user's PIN; none for tokens that want none, or that have a keypad of their own.
    pub pin: Option<SecretString>,
    /// How many sessions, and so signatures at a time, there are at most.
    pub sessions: NonZeroUsize,
    /// For how long a signature is awaited.
    pub timeout: Duration,
}

impl TokenSettings {
    /// Four sessions and ten seconds.
    pub fn new(module: impl Into<PathBuf>, pin: Option<SecretString>) -> Self {
        Self {
            module: module.into(),
            pin,
            sessions: NonZeroUsize::MIN.saturating_add(3),
            timeout: Duration::from_secs(10),
        }
    }
}
