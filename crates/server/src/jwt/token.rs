//! One token: read without belief, then held against keys, clock and audience.

use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Algorithm, TokenData};
use serde::Deserialize;

use super::keys::KeySet;
use super::refusal::TokenRefusal;

/// Octets of a token that are read. A ServiceAccount's has about a thousand.
const LARGEST: usize = 16 * 1024;
/// By how many seconds clocks may differ.
const LEEWAY: f64 = 30.0;

/// A token that could be read. Nothing in it is believed yet. It has no Debug form: it is a secret.
pub struct Token<'a> {
    /// Header and claims as they are signed.
    signed: &'a [u8],
    signature: &'a str,
    algorithm: Algorithm,
    key_id: Option<String>,
    claims: Claims,
}

/// The claims that decide (RFC 7519 section 4.1); others are carried and not looked at.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    /// Seconds since 1970; a JSON number with or without a fraction.
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(all) => all.iter().any(|one| one == audience),
        }
    }
}

impl<'a> Token<'a> {
    /// Whether a bearer token is meant as a JWT: three parts with dots between them.
    #[must_use]
    pub fn looks_like(text: &[u8]) -> bool {
        text.iter().filter(|octet| **octet == b'.').count() == 2
    }

    /// Reads a token (RFC 7515 section 7.1), believing nothing.
    ///
    /// # Errors
    /// [`TokenRefusal::TooLarge`] and [`TokenRefusal::Unreadable`]. An algorithm that nobody knows, `none` among them, cannot be read.
    pub fn read(text: &'a [u8]) -> Result<Self, TokenRefusal> {
        let unreadable = |why| TokenRefusal::Unreadable { why };
        if text.len() > LARGEST {
            return Err(TokenRefusal::TooLarge { most: LARGEST });
        }
        let whole = std::str::from_utf8(text).map_err(|_| unreadable("it is not ASCII"))?;
        let (signed, signature) = whole
            .rsplit_once('.')
            .ok_or_else(|| unreadable("it has not three parts"))?;
        let TokenData { header, claims } = insecure_decode::<Claims>(text).map_err(|_| {
            unreadable("its header, its algorithm or one of its claims iss, sub, aud, exp and nbf")
        })?;
        // RFC 7515 section 4.1.11: whoever does not understand an extension that is marked so refuses.
        if header.crit.is_some() {
            return Err(unreadable("it has critical extensions"));
        }
        Ok(Self {
            signed: signed.as_bytes(),
            signature,
            algorithm: header.alg,
            key_id: header.kid,
            claims,
        })
    }

    /// Who says that it signed this (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// About whom it is (`sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// The name of the key it is signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Whether the issuer of that name, whose keys these are, signed it.
    ///
    /// # Errors
    /// [`TokenRefusal::UnknownKey`], [`TokenRefusal::Algorithm`] and [`TokenRefusal::Signature`].
    pub(super) fn is_signed_by(&self, issuer: &str, keys: &KeySet) -> Result<(), TokenRefusal> {
        let issuer = || issuer.to_owned();
        let mut named = keys.named(self.key_id()).peekable();
        if named.peek().is_none() {
            return Err(TokenRefusal::UnknownKey { issuer: issuer() });
        }
        let mut taking = named.filter(|key| key.takes(self.algorithm)).peekable();
        if taking.peek().is_none() {
            return Err(TokenRefusal::Algorithm { issuer: issuer() });
        }
        if !taking.any(|key| key.verifies(self.algorithm, self.signed, self.signature)) {
            return Err(TokenRefusal::Signature { issuer: issuer() });
        }
        Ok(())
    }

    /// Whether it holds at this time.
    ///
    /// # Errors
    /// [`TokenRefusal::Expired`] and [`TokenRefusal::NotYetValid`].
    pub(super) fn is_valid_at(&self, now: Timestamp) -> Result<(), TokenRefusal> {
        let seconds = now.as_duration().as_secs_f64();
        let lasts = seconds < self.claims.exp + LEEWAY;
        if !lasts {
            return Err(TokenRefusal::Expired {
                since: timestamp(self.claims.exp),
            });
        }
        match self.claims.nbf {
            Some(begin) if seconds < begin - LEEWAY => Err(TokenRefusal::NotYetValid {
                before: timestamp(begin),
            }),
            _ => Ok(()),
        }
    }

    /// Whether it is for that audience.
    ///
    /// # Errors
    /// [`TokenRefusal::Audience`].
    pub(super) fn is_for(&self, audience: &str) -> Result<(), TokenRefusal> {
        if self.claims.aud.names(audience) {
            return Ok(());
        }
        Err(TokenRefusal::Audience {
            expected: audience.to_owned(),
        })
    }
}

#[allow(clippy::cast_possible_truncation)] // a number that is no time saturates and is then none
fn timestamp(seconds: f64) -> Option<Timestamp> {
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests;
