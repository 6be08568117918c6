//! How fast requests are forwarded, for each issuer, and when one is tried again.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::identity::IssuerId;
use crate::kinds::Limits;

/// A token bucket, as a function of the time.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst);
        Self {
            per_second: f64::from(per_second),
            burst,
            left: burst,
            at: now,
        }
    }

    /// Takes one if there are more than `reserve`, or says when there will be.
    pub(crate) fn take(&mut self, reserve: f64, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.burst);
        self.at = now;
        let lacking = reserve + 1.0 - self.left;
        if lacking <= 0.0 {
            self.left -= 1.0;
            Ok(())
        } else {
            Err(Duration::from_secs_f64(lacking / self.per_second))
        }
    }
}

/// The gate of one issuer. A namespace never has more than half of the places, and the last tenth of the bucket is for those that took less than half of what it gave: a
/// thousand failing requests of one do not keep another's out.
struct Gate {
    limits: Limits,
    bucket: Mutex<Bucket>,
    places: Arc<Semaphore>,
    namespaces: Mutex<HashMap<String, Arc<Share>>>,
}

/// What a namespace has of a gate.
struct Share {
    places: Arc<Semaphore>,
    /// For those who wait for a place, and hold one of the controller's meanwhile: twice as many.
    queue: Semaphore,
    bucket: Mutex<Bucket>,
    /// When the next one that is turned away is to come back.
    turn: Mutex<Instant>,
}

impl Share {
    /// When one that is turned away is to come back: each a little after the one before. A thousand that came back for the same one would keep a processor busy with
    /// being turned away again.
    fn turned_away(&self, soonest: Duration, apart: Duration, now: Instant) -> Duration {
        let mut turn = lock(&self.turn);
        let at = (*turn).max(now + soonest).min(now + LONGEST_TURN);
        *turn = at + apart;
        at.saturating_duration_since(now)
    }
}

/// How far apart those come back who found the queue full.
const NEXT: Duration = Duration::from_millis(1);
/// Those before may have been deleted: whoever waits looks now and then whether it is its turn.
const LONGEST_TURN: Duration = Duration::from_secs(60);

/// The part of the bucket that is kept for those who took little.
const RESERVE: f64 = 0.1;

/// The gates of all issuers.
#[derive(Default)]
pub struct Gates(Mutex<HashMap<IssuerId, Arc<Gate>>>);

/// A place among the requests that are on their way; given back when dropped.
pub struct Place {
    _namespace: OwnedSemaphorePermit,
    _issuer: OwnedSemaphorePermit,
}

impl Gates {
    /// Waits for a place.
    ///
    /// # Errors
    /// Too many wait already, or the bucket is empty: when to come back, after those of its namespace that were told so before.
    pub async fn enter(
        &self,
        issuer: &IssuerId,
        namespace: &str,
        limits: &Limits,
    ) -> Result<Place, Duration> {
        let gate = self.gate(issuer, limits);
        let share = gate.share(namespace);
        let Ok(_queued) = share.queue.try_acquire() else {
            return Err(share.turned_away(NEXT, NEXT, Instant::now()));
        };
        // In this order: whoever waits for its namespace's share holds no place of the issuer's.
        let namespace = Arc::clone(&share.places)
            .acquire_owned()
            .await
            .map_err(|_| CLOSED)?;
        let issuer = Arc::clone(&gate.places)
            .acquire_owned()
            .await
            .map_err(|_| CLOSED)?;
        gate.take(&share, Instant::now())?;
        Ok(Place {
            _namespace: namespace,
            _issuer: issuer,
        })
    }

    /// Forgets an issuer that is gone.
    pub fn forget(&self, issuer: &IssuerId) {
        lock(&self.0).remove(issuer);
    }

    /// The issuer's gate; another one when its limits changed. Who is inside the old one goes on.
    fn gate(&self, issuer: &IssuerId, limits: &Limits) -> Arc<Gate> {
        let mut gates = lock(&self.0);
        if let Some(gate) = gates.get(issuer).filter(|gate| gate.limits == *limits) {
            return Arc::clone(gate);
        }
        let gate = Arc::new(Gate {
            limits: limits.clone(),
            bucket: Mutex::new(Bucket::new(limits.per_second, limits.burst, Instant::now())),
            places: Arc::new(Semaphore::new(limits.concurrent as usize)),
            namespaces: Mutex::default(),
        });
        gates.insert(issuer.clone(), Arc::clone(&gate));
        gate
    }
}

impl Gate {
    fn share(&self, namespace: &str) -> Arc<Share> {
        let half = half(&self.limits);
        let places = half.concurrent as usize;
        let mut namespaces = lock(&self.namespaces);
        // Those that nobody is in or waits for are made anew when they are needed.
        if namespaces.len() > MOST_IDLE {
            namespaces.retain(|_, share| share.places.available_permits() < places);
        }
        let share = namespaces.entry(namespace.to_owned());
        let new = || Share {
            places: Arc::new(Semaphore::new(places)),
            queue: Semaphore::new(2 * places),
            bucket: Mutex::new(Bucket::new(half.per_second, half.burst, Instant::now())),
            turn: Mutex::new(Instant::now()),
        };
        Arc::clone(share.or_insert_with(|| Arc::new(new())))
    }

    fn take(&self, share: &Share, now: Instant) -> Result<(), Duration> {
        let took_little = lock(&share.bucket).take(0.0, now).is_ok();
        let reserve = if took_little {
            0.0
        } else {
            (f64::from(self.limits.burst) * RESERVE).floor()
        };
        let taken = lock(&self.bucket).take(reserve, now);
        let apart = Duration::from_secs(1) / self.limits.per_second.max(1);
        taken.map_err(|soonest| share.turned_away(soonest, apart, now))
    }
}

fn half(limits: &Limits) -> Limits {
    Limits {
        per_second: limits.per_second.div_ceil(2),
        burst: limits.burst.div_ceil(2),
        concurrent: limits.concurrent.div_ceil(2),
    }
}

const MOST_IDLE: usize = 1_000;
/// A semaphore is closed by nobody here.
const CLOSED: Duration = Duration::from_secs(1);

/// How often a request was tried, by UID, and when it may be tried again.
#[derive(Default)]
pub struct Attempts(Mutex<HashMap<String, Tried>>);

struct Tried {
    times: u32,
    last: Instant,
}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const MOST_REMEMBERED: usize = 10_000;

impl Attempts {
    /// One more failed. How long to stay away: twice as long each time from a second to five minutes, up to a quarter off so that not all come back at once, and
    /// never less than the RA asks for.
    pub fn failed(&self, uid: &str, retry_after: Option<Duration>) -> Duration {
        let now = Instant::now();
        let mut attempts = lock(&self.0);
        // Requests that were deleted meanwhile come back no more.
        if attempts.len() > MOST_REMEMBERED {
            attempts.retain(|_, tried| now.duration_since(tried.last) < 3 * LONGEST_PAUSE);
        }
        let none = Tried {
            times: 0,
            last: now,
        };
        let tried = attempts.entry(uid.to_owned()).or_insert(none);
        let pause = FIRST_PAUSE
            .saturating_mul(2_u32.saturating_pow(tried.times))
            .min(LONGEST_PAUSE);
        tried.times = tried.times.saturating_add(1);
        tried.last = now;
        let share = f64::from(u32::try_from(RandomState::new().hash_one(uid) >> 32).unwrap_or(0))
            / f64::from(u32::MAX);
        pause
            .mul_f64(0.25_f64.mul_add(-share, 1.0))
            .max(retry_after.unwrap_or_default())
    }

    /// Whether none failed yet.
    pub fn is_first(&self, uid: &str) -> bool {
        !lock(&self.0).contains_key(uid)
    }

    /// It is over, or it went well.
    pub fn forget(&self, uid: &str) {
        lock(&self.0).remove(uid);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IssuerKind;

    fn limits(per_second: u32, burst: u32, concurrent: u32) -> Limits {
        Limits {
            per_second,
            burst,
            concurrent,
        }
    }

    fn issuer() -> IssuerId {
        IssuerId::seen_from("web", IssuerKind::ClusterIssuer, "ca")
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_as_many_as_a_second_has() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        for _ in 0..3 {
            bucket.take(0.0, start).unwrap();
        }
        assert_eq!(
            bucket.take(0.0, start).unwrap_err(),
            Duration::from_millis(100)
        );
        let later = start + Duration::from_millis(150);
        bucket.take(0.0, later).unwrap();
        assert!(bucket.take(0.0, later).is_err());
        let much_later = start + Duration::from_secs(3600);
        let given = (0..10)
            .filter(|_| bucket.take(0.0, much_later).is_ok())
            .count();
        assert_eq!(given, 3);
    }

    #[tokio::test]
    async fn one_namespace_never_has_all_places() {
        let gates = Gates::default();
        let limits = limits(1000, 1000, 4);
        let first = gates.enter(&issuer(), "a", &limits).await.ok().unwrap();
        let _second = gates.enter(&issuer(), "a", &limits).await.ok().unwrap();
        let issuer = issuer();
        let third = gates.enter(&issuer, "a", &limits);
        tokio::pin!(third);
        assert!(futures::poll!(third.as_mut()).is_pending());
        assert!(gates.enter(&issuer, "b", &limits).await.is_ok());
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn what_one_namespace_leaves_of_the_bucket_another_gets_at_once() {
        let gates = Gates::default();
        let limits = limits(1, 100, 4);
        let mut taken = 0;
        while gates.enter(&issuer(), "greedy", &limits).await.is_ok() {
            taken += 1;
        }
        assert_eq!(taken, 90);
        for _ in 0..10 {
            assert!(gates.enter(&issuer(), "modest", &limits).await.is_ok());
        }
    }

    #[tokio::test]
    async fn an_empty_bucket_says_when_to_come_back() {
        let gates = Gates::default();
        let limits = limits(1, 1, 4);
        drop(gates.enter(&issuer(), "a", &limits).await);
        let wait = gates.enter(&issuer(), "a", &limits).await.err().unwrap();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(500));
    }

    #[tokio::test]
    async fn twice_as_many_as_have_places_wait_for_them_and_the_others_come_back() {
        let gates = Gates::default();
        let limits = limits(1000, 1000, 4);
        let issuer = issuer();
        let inside = [
            gates.enter(&issuer, "a", &limits).await.ok(),
            gates.enter(&issuer, "a", &limits).await.ok(),
        ];
        let mut waiting: Vec<_> = (0..4)
            .map(|_| Box::pin(gates.enter(&issuer, "a", &limits)))
            .collect();
        for one in &mut waiting {
            assert!(futures::poll!(one.as_mut()).is_pending());
        }
        let pause = gates.enter(&issuer, "a", &limits).await.err().unwrap();
        assert!(pause < Duration::from_millis(100), "{pause:?}");
        assert!(gates.enter(&issuer, "b", &limits).await.is_ok());
        drop(inside);
        for one in waiting {
            assert!(one.await.is_ok());
        }
    }

    #[tokio::test]
    async fn those_who_are_turned_away_come_back_one_after_the_other() {
        let gates = Gates::default();
        let limits = limits(10, 1, 4);
        drop(gates.enter(&issuer(), "a", &limits).await);
        let mut pauses = Vec::new();
        for _ in 0..1_000 {
            let pause = gates.enter(&issuer(), "a", &limits).await.err().unwrap();
            pauses.push(pause.as_secs_f64());
        }
        let together = |second: f64| pauses.iter().filter(|p| (**p - second).abs() < 0.5).count();
        assert!((9..=11).contains(&together(3.0)), "{pauses:?}");
        let longest = pauses.iter().fold(0.0_f64, |a, b| a.max(*b));
        assert!(longest <= LONGEST_TURN.as_secs_f64());
        // Another namespace does not stand behind them.
        let pause = gates.enter(&issuer(), "b", &limits).await.err().unwrap();
        assert!(pause <= Duration::from_millis(200), "{pause:?}");
    }

    #[test]
    fn pauses_grow_to_five_minutes_and_honour_the_ra() {
        let attempts = Attempts::default();
        let pauses: Vec<_> = (0..12).map(|_| attempts.failed("u", None)).collect();
        assert!(pauses[0] <= FIRST_PAUSE && pauses[0] >= FIRST_PAUSE.mul_f64(0.74));
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
        assert!(pauses[11] >= LONGEST_PAUSE.mul_f64(0.74));
        assert!(attempts.failed("v", Some(Duration::from_secs(70))) >= Duration::from_secs(70));
        attempts.forget("u");
        assert!(attempts.failed("u", None) <= FIRST_PAUSE);
    }
}
