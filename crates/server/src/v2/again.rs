//! Asking again: the idempotency key, and for how long a call is held.

use std::time::Duration;

use api::client::IdempotencyKey;
use api::{ProblemSlug, headers};
use axum::http::HeaderMap;
use bytes::Bytes;
use ra::{Asked, Entry, EntryId, Key, Outcome, Requester};
use tokio::time::{Instant, timeout_at};

use super::Failure;
use super::call::Call;
use crate::drain::{Failed, RETRY_AFTER, Working};
use crate::held;
use crate::problem;

/// How long a call is held when it does not say.
const HOLD: Duration = Duration::from_secs(10);
/// How long at most: below the time-outs of gateways and of our own client.
const LONGEST_HOLD: Duration = Duration::from_secs(30);
/// The first answer of the line is waited for at least so long, also by a client that does not want to wait.
const FIRST: Duration = Duration::from_secs(1);

/// The key of a call: the caller's own, or one that nobody has used. The prefixes keep the two apart, and both from the keys of other
/// fronts under the same credential.
///
/// # Errors
/// 400 for more than one key, or one that is not 1 to 255 visible ASCII characters.
pub(super) fn key(fields: &HeaderMap, who: &Requester) -> Result<Key, Failure> {
    let mut given = fields.get_all(headers::IDEMPOTENCY_KEY).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => [b"v2-once:".as_slice(), &fresh()?].concat(),
        (Some(text), None) => {
            let key: IdempotencyKey = text
                .to_str()
                .unwrap_or_default()
                .parse()
                .map_err(|e| Failure::bad_request(format!("Idempotency-Key: {e}")))?;
            [b"v2-key:", key.as_str().as_bytes()].concat()
        }
        (Some(_), Some(_)) => {
            return Err(Failure::bad_request(
                "Idempotency-Key: more than one is given",
            ));
        }
    };
    Ok(Key {
        scope: who.credential.clone(),
        value: Bytes::from(value),
        replay_for: None,
    })
}

fn fresh() -> Result<[u8; 16], Failure> {
    pki::random::bytes().map_err(|error| {
        tracing::error!(%error, "no random bytes to be had");
        problem::internal().into()
    })
}

/// How long this call may be held (RFC 7240 sections 4.1 and 4.3). What is no preference of that RFC is overlooked, as it wants it.
pub(super) fn hold(fields: &HeaderMap) -> Duration {
    let texts = fields.get_all("prefer").iter();
    let wishes: Vec<(&str, &str)> = texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split([',', ';']))
        .map(|wish| wish.split_once('=').unwrap_or((wish, "")))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
        .collect();
    let named = |wanted: &str| {
        let mut all = wishes.iter();
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| *value)
    };
    match named("wait").and_then(|seconds| seconds.parse::<u32>().ok()) {
        Some(seconds) => Duration::from_secs(seconds.into()).min(LONGEST_HOLD),
        None if named("respond-async").is_some() => Duration::ZERO,
        None => HOLD,
    }
}

/// What came of the line within `hold`, the CA's waiting included.
///
/// # Errors
/// Those of the line.
pub(super) async fn outcome(
    call: &Call,
    (id, fingerprint): (EntryId, [u8; 32]),
    mut work: Working,
    hold: Duration,
) -> Result<Outcome, Failure> {
    let (begun, until) = (Instant::now(), Instant::now() + hold);
    let outcome = match timeout_at(until.max(begun + FIRST), &mut work).await {
        Ok(ended) => ended.map_err(Failed::from).flatten()?,
        Err(_) => match call.site.ra.recall(&call.who, &id).await? {
            // Another request under the same key has a row too; only the line knows that they differ.
            Some(outcome) if is_of(&outcome, fingerprint) => return Ok(outcome),
            _ => held::end(&mut work).await?,
        },
    };
    // Stopped early, whoever asks again is answered by the next process, or another one.
    let line = (&*call.site.ra, &call.drain);
    Ok(held::decided(line, (&call.who, &id), outcome, until).await?)
}

fn is_of(outcome: &Outcome, fingerprint: [u8; 32]) -> bool {
    outcome
        .entry()
        .is_some_and(|entry| entry.fingerprint == fingerprint)
}

/// An earlier request of the caller's, if it was made under this label and was of this kind.
///
/// # Errors
/// 404, or those of the line.
pub(super) async fn earlier(
    call: &Call,
    id: EntryId,
    is_meant: impl Fn(&Asked) -> bool,
) -> Result<Outcome, Failure> {
    let found = call.site.ra.recall(&call.who, &id).await?;
    let meant = |entry: &Entry| entry.label == call.label && is_meant(&entry.asked);
    found
        .filter(|outcome| outcome.entry().is_some_and(meant))
        .ok_or_else(Failure::not_found)
}

/// Logged here, where it ends.
impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Line(error) => error.into(),
            Failed::Ended(error) => {
                tracing::error!(%error, "the work on a request ended without a result");
                problem::internal().into()
            }
            Failed::GivenUp => Self::new(
                ProblemSlug::Unavailable,
                "the service is being stopped; what was begun goes on: ask again under the same idempotency key",
            )
            .retry_after(RETRY_AFTER.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn held(value: &'static str) -> Duration {
        let mut fields = HeaderMap::new();
        fields.insert("prefer", HeaderValue::from_static(value));
        hold(&fields)
    }

    #[test]
    fn a_client_says_how_long_it_waits_within_a_bound() {
        assert_eq!(held("wait=3"), Duration::from_secs(3));
        assert_eq!(held("respond-async, Wait = \"5\""), Duration::from_secs(5));
        assert_eq!(held("wait=0"), Duration::ZERO);
        assert_eq!(held("respond-async"), Duration::ZERO);
        assert_eq!(held("wait=4000000000"), LONGEST_HOLD);
    }

    #[test]
    fn what_is_no_preference_changes_nothing() {
        for text in [
            "wait=-1",
            "wait=99999999999999999999",
            "wait",
            "return=minimal",
            "",
        ] {
            assert_eq!(held(text), HOLD, "{text}");
        }
        assert_eq!(hold(&HeaderMap::new()), HOLD);
    }
}
