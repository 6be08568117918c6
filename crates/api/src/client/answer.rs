use std::time::Duration;

use jiff::Timestamp;
use reqwest::{
    Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER},
};
use serde::de::DeserializeOwned;

use super::{Answer, ClientError};
use crate::{Problem, headers, media};

/// More than any answer of the service: a few dozen roots with ML-DSA keys and signatures stay below 1 MiB.
const LARGEST_BODY: usize = 1 << 20;
/// More than any problem.
const LARGEST_PROBLEM: usize = 64 << 10;
/// Longer than anyone means to wait; a larger Retry-After is cut to it.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How much of a foreign body is shown.
const EXCERPT: usize = 120;

/// A successful answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    status: u16,
    location: Option<String>,
    retry_after: Option<Duration>,
    correlation_id: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    /// Reads an answer; everything but a success of the contract becomes an error.
    pub(super) async fn read(mut response: Response, now: Timestamp) -> Result<Self, ClientError> {
        let status = response.status();
        let limit = if status.is_success() {
            LARGEST_BODY
        } else {
            LARGEST_PROBLEM
        };
        let head = response.headers();
        let problem = field(head, CONTENT_TYPE).is_some_and(|t| is(t, media::PROBLEM));
        let mut reply = Self {
            status: status.as_u16(),
            location: field(head, LOCATION).map(str::to_owned),
            retry_after: field(head, RETRY_AFTER).and_then(|text| delay(text, now)),
            correlation_id: field(head, HeaderName::from_static(headers::CORRELATION_ID))
                .map(|id| printable(id.as_bytes())),
            body: Vec::new(),
        };
        let announced = response.content_length().unwrap_or(0);
        let mut whole = announced <= limit as u64;
        while whole
            && let Some(chunk) = response
                .chunk()
                .await
                .map_err(|e| ClientError::NotReached(e.without_url()))?
        {
            whole = reply.body.len() + chunk.len() <= limit;
            if whole {
                reply.body.extend_from_slice(&chunk);
            }
        }
        match (whole, status.is_success(), problem) {
            (false, _, _) => {
                Err(reply.unexpected(format!("the body is longer than {limit} bytes")))
            }
            (true, true, _) => Ok(reply),
            (true, false, true) => Err(reply.problem()),
            (true, false, false) => Err(reply.unexpected(reply.what_it_is())),
        }
    }

    /// The body as the JSON that is expected.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<Answer<T>, ClientError> {
        match serde_json::from_slice(&self.body) {
            Ok(body) => Ok(Answer {
                body,
                correlation_id: self.correlation_id,
            }),
            Err(error) => Err(self.unexpected(format!(
                "not the JSON of REST v2 ({error}); {}",
                self.what_it_is()
            ))),
        }
    }

    /// The body as it came.
    pub(super) fn bytes(self) -> Answer<Vec<u8>> {
        Answer {
            body: self.body,
            correlation_id: self.correlation_id,
        }
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn problem(self) -> ClientError {
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(mut problem) => {
                // RFC 9457 section 3.1.2: the status line has the say; the header fields likewise.
                problem.status = self.status;
                problem.retry_after = self
                    .retry_after
                    .map(|d| d.as_secs())
                    .or(problem.retry_after)
                    .map(|s| s.min(LONGEST_WAIT.as_secs()));
                problem.correlation_id = self.correlation_id.or(problem.correlation_id);
                ClientError::Problem(Box::new(problem))
            }
            Err(error) => {
                self.unexpected(format!("a problem document that cannot be read: {error}"))
            }
        }
    }

    pub(super) fn unexpected(&self, why: String) -> ClientError {
        ClientError::Unexpected {
            status: self.status,
            why,
            retry_after: self.retry_after,
            correlation_id: self.correlation_id.clone(),
        }
    }

    fn what_it_is(&self) -> String {
        if self.body.is_empty() {
            "the body is empty".to_owned()
        } else {
            format!("the body begins with: {}", printable(&self.body))
        }
    }
}

fn field(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a Content-Type is this media type, parameters aside.
fn is(content_type: &str, media_type: &str) -> bool {
    content_type
        .split(';')
        .next()
        .is_some_and(|t| t.trim().eq_ignore_ascii_case(media_type))
}

/// Retry-After (RFC 9110 section 10.2.3): seconds or a date.
fn delay(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(text)
                .ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

/// The first words of a foreign text, safe for a terminal.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT)]);
    let mut words = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
    {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().take(EXCERPT));
        if words.chars().count() >= EXCERPT {
            return words.chars().take(EXCERPT).chain(['…']).collect();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        assert_eq!(delay(" 30 ", now), Some(Duration::from_secs(30)));
        assert_eq!(
            delay("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(37))
        );
        assert_eq!(
            delay("Sun, 06 Nov 1994 08:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(delay("18446744073709551615", now), Some(LONGEST_WAIT));
        assert_eq!(delay("soon", now), None);
        assert_eq!(delay("-5", now), None);
    }

    #[test]
    fn a_foreign_text_is_shown_without_control_characters_and_not_at_length() {
        assert_eq!(
            printable(b"<h1>\x1b[31mBad\r\n Gateway</h1>"),
            "<h1> [31mBad Gateway</h1>"
        );
        assert!(printable("ä".repeat(10_000).as_bytes()).chars().count() <= EXCERPT + 1);
    }
}
