//! What came of the line, and how long a connection waits for it.

use std::time::Duration;

use jiff::SignedDuration;
use ra::{AuthorityName, EntryId, Health, Outcome, Ra, Requester};
use tokio::time::{Instant, sleep};

use crate::drain::{Drain, Failed, Working};

/// How long to wait before the first look at a row that someone else moves.
const FIRST: Duration = Duration::from_millis(50);
/// How long to wait at least and at most between looks at a row that someone else moves.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(2);

/// What came of it.
///
/// # Errors
/// [`Failed`]
pub(crate) async fn end(work: &mut Working) -> Result<Outcome, Failed> {
    work.await?
}

/// Looks at a row that someone else moves, until it is decided, `until` has come, or the process is about to end. First soon, since most are
/// moved at once, then as seldom as the row says.
///
/// # Errors
/// Those of the line.
pub(crate) async fn decided(
    (ra, drain): (&Ra, &Drain),
    (who, id): (&Requester, &EntryId),
    mut outcome: Outcome,
    until: Instant,
) -> Result<Outcome, ra::Error> {
    let mut soon = FIRST;
    while let Outcome::Waiting { check_after, .. } = outcome {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        tokio::select! {
            () = sleep(soon.min(pause(check_after)).min(left)) => {}
            () = drain.begun() => break,
        }
        soon = (soon * 2).min(LATEST);
        match ra.recall(who, id).await? {
            Some(now) => outcome = now,
            None => break,
        }
    }
    Ok(outcome)
}

/// What keeps a CA from answering, where it is not that it takes its time.
pub(crate) async fn trouble(ra: &Ra, authority: &AuthorityName) -> Option<String> {
    match ra.authorities.get(authority)?.health().await {
        Health::Down(why) => Some(why),
        Health::Up => None,
    }
}

/// How long to wait before a row is looked at again: what the row says, within bounds.
pub(crate) fn pause(check_after: SignedDuration) -> Duration {
    Duration::try_from(check_after)
        .unwrap_or(LATEST)
        .clamp(SOONEST, LATEST)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use ra::memory::{MemoryCa, Script};
    use ra::{ConfirmedBy, CredentialId, EnrollRequest, Key, Label, Proof, Requester, Sealed};

    use super::*;
    use crate::testing;

    const HOUR: Duration = Duration::from_secs(3600);

    fn somebody() -> Requester {
        Requester {
            credential: CredentialId::new("somebody"),
            principals: Vec::new(),
            acts_as_ra: false,
            certificate: None,
            via: None,
        }
    }

    fn request() -> EnrollRequest {
        let csr = testing::csr(&testing::key("p256-pkcs8"), "CN=a", &[]);
        EnrollRequest {
            key: Key {
                scope: somebody().credential,
                value: "one".into(),
                replay_for: None,
            },
            fingerprint: [1; 32],
            label: Label::new("RA"),
            profile: None,
            wanted: csr.template().unwrap(),
            lifetime: None,
            proof: Proof::RaVerified,
            original: None,
            replaces: None,
            confirmed_by: ConfirmedBy::Ra,
            front: Sealed::default(),
            correlation: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_is_looked_at_for_an_hour_and_seen_at_once_when_it_is_decided_then() {
        let ca = Arc::new(MemoryCa::new(Timestamp::now()).await.unwrap());
        ca.will(Script::Wait(SignedDuration::from_hours(1)));
        let mut ra = testing::site(&ca).ra;
        let (start, begun) = (Timestamp::now(), Instant::now());
        Arc::get_mut(&mut ra).unwrap().clock = Arc::new(move || start + begun.elapsed());
        let who = Requester {
            acts_as_ra: true,
            ..somebody()
        };
        let asked = Arc::clone(&ra).enroll(who, request()).await.unwrap();
        let id = asked.entry().unwrap().id;

        let drain = Drain::default();
        let (who, until) = (somebody(), begun + 2 * HOUR);
        let looks = decided((&ra, &drain), (&who, &id), asked, until);
        let decides = async {
            sleep(HOUR + SOONEST).await;
            Arc::clone(&ra).sweep(1).await.unwrap()
        };
        let (outcome, swept) = tokio::join!(looks, decides);
        assert_eq!(swept, 1);
        assert!(matches!(outcome.unwrap(), Outcome::Issued(_)));
        let late = begun.elapsed() - HOUR - SOONEST;
        assert!(late <= LATEST, "{late:?}");
    }
}
