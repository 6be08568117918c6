use std::time::Duration;

use crate::{Problem, ProblemSlug};

/// Why a request got no answer that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The service said no, or not now.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// No answer: not connected, TLS refused by either side, cut off, out of time. The request may or may not have arrived.
    #[error("the service was not reached, or its answer did not arrive")]
    NotReached(#[source] reqwest::Error),
    /// An answer that is not the contract's: a gateway's HTML page, JSON of another shape, more than is ever read, a redirect.
    #[error("HTTP status {status}: {why}")]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// What was wrong with the answer; of the body at most its first few words.
        why: String,
        /// The header field `Retry-After`.
        retry_after: Option<Duration>,
        /// The header field `x-correlation-id`.
        correlation_id: Option<String>,
    },
    /// The caller gave something that cannot be sent.
    #[error("{0}")]
    Unusable(String),
}

impl ClientError {
    /// Whether exactly the same request may succeed later, without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Problem(problem) => match problem.slug() {
                Some(slug) => matches!(slug, ProblemSlug::Unavailable | ProblemSlug::Overloaded),
                None => passing(problem.status),
            },
            Self::NotReached(error) => !error.is_builder() && !error.is_redirect(),
            Self::Unexpected { status, .. } => passing(*status),
            Self::Unusable(_) => false,
        }
    }

    /// How long the service asks us to stay away.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(problem) => problem.retry_after.map(Duration::from_secs),
            Self::Unexpected { retry_after, .. } => *retry_after,
            Self::NotReached(_) | Self::Unusable(_) => None,
        }
    }

    /// The kind of refusal, if it was one that this version knows.
    #[must_use]
    pub fn slug(&self) -> Option<ProblemSlug> {
        match self {
            Self::Problem(problem) => problem.slug(),
            _ => None,
        }
    }
}

/// The error and its causes in one line, without saying the same thing twice.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// Statuses with which gateways and overloaded services say "later" (RFC 9110 section 15, RFC 6585 section 4).
fn passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
}
