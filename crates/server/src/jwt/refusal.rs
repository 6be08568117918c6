//! Why a token that somebody else signed is not taken.

use jiff::Timestamp;

/// What is repeated of a name in a token.
const LONGEST_NAME: usize = 200;

/// Why a signed token makes nobody known. Each says what was wrong and what to do; the token itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenRefusal {
    /// More than is read.
    #[error("the token has more than {most} octets; ask its issuer for one with fewer claims")]
    TooLarge {
        /// How many there may be.
        most: usize,
    },
    /// No JWT.
    #[error(
        "the token is neither known here nor a JWT that can be read ({why}); send one signed with RS256, PS256, ES256, EdDSA or their longer forms"
    )]
    Unreadable {
        /// Where reading it ended.
        why: &'static str,
    },
    /// Of an issuer that nobody configured.
    #[error(
        "tokens of the issuer `{issuer}` are not taken here; configure it as one of `token_issuers`, or use a token of one that is"
    )]
    UnknownIssuer {
        /// Its `iss`, cut short.
        issuer: String,
    },
    /// Signed with a key that its issuer does not publish.
    #[error(
        "the token is signed with a key that its issuer `{issuer}` does not publish; get a new token, and if that does not help compare the issuer's keys with `token_issuers.{issuer}.keys`"
    )]
    UnknownKey {
        /// The issuer's name in the configuration.
        issuer: String,
    },
    /// By an algorithm that is none of the key's.
    #[error(
        "the token is signed by an algorithm that the key of its issuer `{issuer}` is not for; have it signed by the one that the key set states"
    )]
    Algorithm {
        /// The issuer's name in the configuration.
        issuer: String,
    },
    /// The signature is wrong.
    #[error(
        "the signature of the token is not one of its issuer `{issuer}`; it was changed on its way, or is not the issuer's: get a new one"
    )]
    Signature {
        /// The issuer's name in the configuration.
        issuer: String,
    },
    /// Over.
    #[error("the token has expired{}; get a new one, and compare the clocks if it is new", at(*.since))]
    Expired {
        /// Its `exp`, where that is a time.
        since: Option<Timestamp>,
    },
    /// Not begun.
    #[error("the token is not valid yet{}; compare the clocks of its issuer and of this service", at(*.before))]
    NotYetValid {
        /// Its `nbf`, where that is a time.
        before: Option<Timestamp>,
    },
    /// For somebody else.
    #[error("the token is not for this service; get one with the audience `{expected}`")]
    Audience {
        /// Ours.
        expected: String,
    },
    /// Good, and of nobody we know.
    #[error(
        "`{subject}` of the token issuer `{issuer}` is none of the callers here; name it in one of `callers`"
    )]
    UnknownSubject {
        /// The issuer's name in the configuration.
        issuer: String,
        /// Its `sub`, cut short.
        subject: String,
    },
}

impl TokenRefusal {
    /// [`TokenRefusal::UnknownIssuer`], with what may be repeated of its name.
    pub(super) fn unknown_issuer(issuer: &str) -> Self {
        Self::UnknownIssuer {
            issuer: shown(issuer),
        }
    }

    /// [`TokenRefusal::UnknownSubject`], with what may be repeated of the subject.
    pub(crate) fn unknown_subject(issuer: &str, subject: &str) -> Self {
        Self::UnknownSubject {
            issuer: issuer.to_owned(),
            subject: shown(subject),
        }
    }

    /// The reason as one word, for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Unreadable { .. } => "unreadable",
            Self::UnknownIssuer { .. } => "unknown-issuer",
            Self::UnknownKey { .. } => "unknown-key",
            Self::Algorithm { .. } => "algorithm",
            Self::Signature { .. } => "signature",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Audience { .. } => "audience",
            Self::UnknownSubject { .. } => "unknown-subject",
        }
    }
}

fn at(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" ({time:.0})"))
}

/// A name out of a token that was not believed, or that nobody here knows: cut short, and without what could be mistaken for something else.
fn shown(name: &str) -> String {
    let visible = |c: char| if c.is_control() || c == '`' { '?' } else { c };
    name.chars().take(LONGEST_NAME).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_of_a_name_is_short_and_harmless() {
        let name = shown(&format!("a`\n\u{1b}{}", "x".repeat(1000)));
        assert!(name.starts_with("a???x") && name.chars().count() == LONGEST_NAME);
    }
}
