//! When each issuer was checked last, and what came of it: the check costs a call of its RA and is not made for every change that its own status is.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::identity::IssuerId;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Checked {
    at: Instant,
    generation: Option<i64>,
    failures: u32,
    is_doubted: bool,
}

/// The last check of each issuer.
#[derive(Default)]
pub struct Checks {
    last: Mutex<HashMap<IssuerId, Checked>>,
    told: Mutex<HashMap<IssuerId, bool>>,
    every: Duration,
}

/// The first pause after a failed check; it doubles. Also how soon after a check the next one is, whoever doubts.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause while checks fail: every request of the issuer waits for the one that does not.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

impl Checks {
    /// A check of each issuer so often.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self {
            every,
            ..Self::default()
        }
    }

    /// How long until the issuer of this generation is to be checked: nothing when it is due, was changed, or was doubted.
    pub fn due_in(&self, issuer: &IssuerId, generation: Option<i64>) -> Duration {
        let last = lock(&self.last);
        let Some(checked) = last.get(issuer).filter(|c| c.generation == generation) else {
            return Duration::ZERO;
        };
        let usual = self.pause(checked.failures);
        let pause = if checked.is_doubted {
            usual.min(FIRST_PAUSE)
        } else {
            usual
        };
        pause.saturating_sub(checked.at.elapsed())
    }

    /// It was checked. How long until the next time.
    pub fn done(&self, issuer: &IssuerId, generation: Option<i64>, well: bool) -> Duration {
        let mut last = lock(&self.last);
        let before = last.get(issuer).map_or(0, |checked| checked.failures);
        let failures = if well { 0 } else { before.saturating_add(1) };
        let checked = Checked {
            at: Instant::now(),
            generation,
            failures,
            is_doubted: false,
        };
        last.insert(issuer.clone(), checked);
        self.pause(failures)
    }

    /// A request had trouble with it: it is due soon, but not for each of a thousand requests anew. Whether that is news.
    pub fn doubt(&self, issuer: &IssuerId) -> bool {
        let mut last = lock(&self.last);
        let checked = last.get_mut(issuer);
        checked.is_some_and(|checked| !std::mem::replace(&mut checked.is_doubted, true))
    }

    /// Whether its readiness is another one than when this was last asked.
    pub fn turned(&self, issuer: &IssuerId, ready: bool) -> bool {
        lock(&self.told).insert(issuer.clone(), ready) != Some(ready)
    }

    /// Forgets an issuer that is gone.
    pub fn forget(&self, issuer: &IssuerId) {
        lock(&self.last).remove(issuer);
        lock(&self.told).remove(issuer);
    }

    fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 => self.every,
            n => FIRST_PAUSE
                .saturating_mul(2_u32.saturating_pow(n - 1))
                .min(LONGEST_PAUSE)
                .min(self.every),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IssuerKind;

    fn issuer() -> IssuerId {
        IssuerId::seen_from("web", IssuerKind::Issuer, "ca")
    }

    #[test]
    fn an_issuer_is_checked_at_first_and_when_it_changes() {
        let checks = Checks::every(Duration::from_secs(60));
        assert!(checks.due_in(&issuer(), Some(1)).is_zero());
        checks.done(&issuer(), Some(1), true);
        assert!(checks.due_in(&issuer(), Some(1)) > Duration::from_secs(50));
        assert!(checks.due_in(&issuer(), Some(2)).is_zero());
    }

    #[test]
    fn a_doubted_issuer_is_checked_soon_and_once_however_many_doubt_it() {
        let checks = Checks::every(Duration::from_secs(60));
        checks.done(&issuer(), None, true);
        assert!(checks.doubt(&issuer()) && !checks.doubt(&issuer()));
        let soon = checks.due_in(&issuer(), None);
        assert!(!soon.is_zero() && soon <= FIRST_PAUSE);
        checks.done(&issuer(), None, true);
        assert!(checks.due_in(&issuer(), None) > Duration::from_secs(50));
        assert!(checks.doubt(&issuer()));
    }

    #[test]
    fn after_failures_it_is_checked_sooner_than_usual() {
        let checks = Checks::every(Duration::from_secs(60));
        let pauses: Vec<u64> = (0..7)
            .map(|_| checks.done(&issuer(), None, false).as_secs())
            .collect();
        assert_eq!(pauses, [2, 4, 8, 15, 15, 15, 15]);
        assert_eq!(checks.done(&issuer(), None, true).as_secs(), 60);
    }

    #[test]
    fn a_turn_is_told_once() {
        let checks = Checks::every(Duration::from_secs(60));
        let told: Vec<bool> = [true, true, false, false, true]
            .into_iter()
            .map(|ready| checks.turned(&issuer(), ready))
            .collect();
        assert_eq!(told, [true, false, true, false, true]);
    }
}
