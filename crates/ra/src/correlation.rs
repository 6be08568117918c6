use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a request across everything that is done for it: log lines, audit events, its row. The requester chooses it or the front does.
///
/// 1 to 64 letters, digits, `-`, `_`, `.` and `:`, so that it can forge neither a log line nor a header field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Correlation(Arc<str>);

/// A text that is no correlation id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a correlation id has 1 to {} letters, digits, `-`, `_`, `.` and `:`",
    Correlation::LONGEST
)]
pub struct NoCorrelation;

impl Correlation {
    /// Most characters of one.
    pub const LONGEST: usize = 64;

    /// Reads one; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        let is_one = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(fits);
        is_one.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Correlation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Correlation {
    type Error = NoCorrelation;

    fn try_from(text: String) -> Result<Self, NoCorrelation> {
        Self::parse(&text).ok_or(NoCorrelation)
    }
}

impl From<Correlation> for String {
    fn from(correlation: Correlation) -> Self {
        correlation.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_digits_and_a_few_signs_make_one() {
        assert_eq!(
            Correlation::parse("0192f0c1-a_b.c:1").unwrap().as_str(),
            "0192f0c1-a_b.c:1"
        );
    }

    #[test]
    fn nothing_else_does() {
        let long = "a".repeat(Correlation::LONGEST + 1);
        for text in ["", "a b", "a\"b", "a{b", "a\nb", "ä", long.as_str()] {
            assert_eq!(Correlation::parse(text), None, "{text}");
        }
    }
}
