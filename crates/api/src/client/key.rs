use std::{fmt, str::FromStr};

use reqwest::header::HeaderValue;

/// The caller's own name for one enrollment or revocation: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// As it stands in the header field.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = IdempotencyKeyError;

    fn from_str(text: &str) -> Result<Self, IdempotencyKeyError> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdempotencyKeyError)
        }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct IdempotencyKeyError;

/// A bearer token (RFC 6750). Its Debug form does not show it.
#[derive(Clone, Debug)]
pub struct Bearer(HeaderValue);

impl Bearer {
    /// The value of the header field `Authorization`, marked as one not to be shown.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl FromStr for Bearer {
    type Err = BearerError;

    fn from_str(token: &str) -> Result<Self, BearerError> {
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BearerError);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| BearerError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// Not a bearer token; what it is instead is not said, for it may be another secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a bearer token is one word of visible ASCII characters")]
pub struct BearerError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        assert_eq!("uid-1".parse::<IdempotencyKey>().unwrap().as_str(), "uid-1");
        for text in ["", "a b", "ü", "a\nb", &"k".repeat(256)] {
            assert_eq!(
                text.parse::<IdempotencyKey>(),
                Err(IdempotencyKeyError),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let bearer: Bearer = "s3cret".parse().unwrap();
        assert!(!format!("{bearer:?}").contains("s3cret"));
        for text in ["", "two words", "line\nfeed"] {
            assert!(text.parse::<Bearer>().is_err(), "{text:?}");
        }
    }
}
