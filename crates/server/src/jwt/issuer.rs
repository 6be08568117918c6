//! Who signs tokens, and where the keys are.

use std::sync::Arc;

use jiff::Timestamp;

use super::keys::KeySet;
use super::refusal::TokenRefusal;
use super::remote::{NoKeys, RemoteKeys};
use super::token::Token;

/// Someone whose tokens are taken.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    /// Its name in the configuration.
    pub name: String,
    /// The `iss` of its tokens, to the letter.
    pub issuer: String,
    /// What one of the `aud` of its tokens has to be.
    pub audience: String,
    /// What its tokens are verified with.
    pub keys: Keys,
}

/// Where the keys of an issuer come from.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Out of a file, read with the configuration.
    Fixed(Arc<KeySet>),
    /// From a server, kept and refreshed.
    Remote(Arc<RemoteKeys>),
}

/// Why it cannot be said whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// The token is at fault.
    Refused(TokenRefusal),
    /// The keys of the issuer of this name cannot be had.
    NoKeys {
        /// The issuer's name in the configuration.
        issuer: String,
    },
}

impl From<TokenRefusal> for Unverified {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Everyone whose tokens are taken; no two have the same `iss`.
#[derive(Clone, Debug, Default)]
pub struct TokenIssuers(Vec<TokenIssuer>);

impl TokenIssuers {
    /// Those issuers.
    #[must_use]
    pub fn new(issuers: Vec<TokenIssuer>) -> Self {
        Self(issuers)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &TokenIssuer> {
        self.0.iter()
    }

    /// The keys of the issuer of that name, where they come from a server.
    #[must_use]
    pub fn remote(&self, name: &str) -> Option<&Arc<RemoteKeys>> {
        let named = self.0.iter().find(|issuer| issuer.name == name)?;
        match &named.keys {
            Keys::Remote(keys) => Some(keys),
            Keys::Fixed(_) => None,
        }
    }

    /// Whose token this is. No server is asked, but where the token names a key that is not at hand: then, at a bounded rate, the keys are
    /// asked for once more and waited for a few seconds.
    ///
    /// # Errors
    /// [`Unverified`].
    pub async fn verify(
        &self,
        token: &Token<'_>,
        now: Timestamp,
    ) -> Result<&TokenIssuer, Unverified> {
        let issuer = self
            .0
            .iter()
            .find(|issuer| issuer.issuer == token.issuer())
            .ok_or_else(|| TokenRefusal::unknown_issuer(token.issuer()))?;
        let keys = issuer.keys.with(token.key_id()).await;
        let keys = keys.map_err(|NoKeys| Unverified::NoKeys {
            issuer: issuer.name.clone(),
        })?;
        // What an unsigned token says of its time and audience is not worth an answer.
        token.is_signed_by(&issuer.name, &keys)?;
        token.is_valid_at(now)?;
        token.is_for(&issuer.audience)?;
        Ok(issuer)
    }
}

impl Keys {
    async fn with(&self, id: Option<&str>) -> Result<Arc<KeySet>, NoKeys> {
        match self {
            Self::Fixed(keys) => Ok(Arc::clone(keys)),
            Self::Remote(keys) => keys.with(id).await,
        }
    }
}
