//! Bearer tokens that somebody else signed (JWT, RFC 7519): those of the issuers that configuration names, such as the ServiceAccount tokens
//! of a Kubernetes cluster.
//!
//! [`Token::read`] reads one and believes nothing, [`TokenIssuers::verify`] says whether to. A token is verified here, by public keys that
//! are at hand; its issuer is not asked about it.

mod fetch;
mod issuer;
mod keys;
mod refusal;
mod remote;
#[cfg(test)]
pub(crate) mod signing;
mod token;

pub use fetch::{FetchError, Place};
pub use issuer::{Keys, TokenIssuer, TokenIssuers, Unverified};
pub use keys::{KeySet, KeySetError};
pub use refusal::TokenRefusal;
pub use remote::{RemoteKeys, RemoteSettings, Standing};
pub use token::Token;
