use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use ra::{AskError, BreakerState, EndpointHealth};
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};
use tokio::time::{Instant, timeout_at};

use super::breaker::{Breaker, BreakerSettings, Pass};

/// What is asked of one endpoint at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// Calls under way at a time.
    pub limit: usize,
    /// Calls that may wait for their turn; one more is turned away at once.
    pub queue: usize,
    /// How long one waits for its turn.
    pub queue_wait: Duration,
    /// From the moment a call wants its turn until it has its answer.
    pub deadline: Duration,
    /// When it is left alone.
    pub breaker: BreakerSettings,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            limit: 512,
            queue: 512,
            queue_wait: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            breaker: BreakerSettings::default(),
        }
    }
}

impl GateSettings {
    /// The defaults for an endpoint where one exchange takes so long at most. A call has a little more, since an exchange that
    /// ends by itself says better why.
    pub fn for_exchanges_of(total: Duration) -> Self {
        Self::within(total + Duration::from_millis(500))
    }

    /// The defaults for an endpoint that has so long for a call; no more than half of it is spent waiting for a turn.
    pub fn within(deadline: Duration) -> Self {
        let default = Self::default();
        Self {
            deadline,
            queue_wait: default.queue_wait.min(deadline / 2),
            ..default
        }
    }
}

/// The way to one endpoint: so many calls at a time, each with its deadline, and none while it is known not to answer.
pub(crate) struct Gate {
    endpoint: String,
    settings: GateSettings,
    turns: Semaphore,
    queued: AtomicUsize,
    seen: Mutex<Seen>,
}

struct Seen {
    breaker: Breaker,
    trouble: Option<Trouble>,
    /// When a call was last answered.
    answered_at: Option<Instant>,
    answered: u64,
    failed: u64,
    shed: u64,
}

#[derive(Clone)]
struct Trouble {
    why: String,
    at: Instant,
    /// A connection would show that it is over.
    unreached: bool,
}

/// How a gate stands towards the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is against it.
    Well,
    /// The last call failed a moment ago, or the next one is the breaker's probe: rather elsewhere, if there is an elsewhere.
    Doubtful,
}

/// A call that is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shed {
    pub(crate) retry_after: Duration,
    why: String,
}

/// When a turn may be free again, as far as anyone can tell.
const SOON: Duration = Duration::from_secs(1);

impl Gate {
    pub(crate) fn new(endpoint: String, settings: GateSettings) -> Self {
        let seen = Seen {
            breaker: Breaker::new(settings.breaker),
            trouble: None,
            answered_at: None,
            answered: 0,
            failed: 0,
            shed: 0,
        };
        Self::knowing(endpoint, settings, seen)
    }

    /// The gate of an endpoint that was known before: what was learnt of it stays. With the same settings it is the same
    /// gate, calls under way included.
    pub(crate) fn after(earlier: &Arc<Self>, settings: GateSettings) -> Arc<Self> {
        if earlier.settings == settings {
            return Arc::clone(earlier);
        }
        let known = earlier.seen();
        let seen = Seen {
            breaker: known.breaker.clone().under(settings.breaker),
            trouble: known.trouble.clone(),
            ..*known
        };
        Arc::new(Self::knowing(earlier.endpoint.clone(), settings, seen))
    }

    fn knowing(endpoint: String, settings: GateSettings, seen: Seen) -> Self {
        Self {
            endpoint,
            settings,
            turns: Semaphore::new(settings.limit),
            queued: AtomicUsize::new(0),
            seen: Mutex::new(seen),
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Whether a call would be let through now, without one.
    ///
    /// # Errors
    /// [`Shed`]
    pub(crate) fn standing(&self) -> Result<Standing, Shed> {
        let now = Instant::now();
        let seen = self.seen();
        let pass = seen
            .breaker
            .would_admit(now)
            .map_err(|rest| self.down(rest))?;
        if self.turns.available_permits() == 0
            && self.queued.load(Ordering::Relaxed) >= self.settings.queue
        {
            return Err(self.full());
        }
        let rest = self.settings.breaker.rest;
        let lately = |trouble: &Trouble| now.saturating_duration_since(trouble.at) < rest;
        let doubtful = pass == Pass::Probe || seen.trouble.as_ref().is_some_and(lately);
        Ok(if doubtful {
            Standing::Doubtful
        } else {
            Standing::Well
        })
    }

    /// Notes that a call was turned away before it came to [`Gate::pass`].
    pub(crate) fn turned_away(&self) {
        self.seen().shed += 1;
    }

    /// Makes the call in its turn, and learns from what comes of it.
    ///
    /// # Errors
    /// Those of the call; [`AskError::NotSent`] when it is not let through, [`AskError::Unknown`] when the deadline is over.
    pub(crate) async fn pass<T>(
        &self,
        call: impl Future<Output = Result<T, AskError>>,
    ) -> Result<T, AskError> {
        let until = Instant::now() + self.settings.deadline;
        let _turn = self.turn().await.map_err(|shed| self.shed(shed))?;
        let admitted = self.seen().breaker.admit(Instant::now());
        let pass = admitted.map_err(|rest| self.shed(self.down(rest)))?;
        let mut call_ = Call {
            gate: self,
            pass,
            told: false,
        };
        let result = timeout_at(until, call).await.unwrap_or_else(|_| {
            let within = self.settings.deadline;
            let why = format!(
                "{}: no answer within the deadline of {within:?}",
                self.endpoint
            );
            Err(AskError::Unknown { why })
        });
        call_.tell(&result);
        result
    }

    /// Notes whether a connection to the endpoint stands when one is tried.
    pub(crate) fn reached(&self, reached: Result<(), String>) {
        let mut seen = self.seen();
        match reached {
            Ok(()) => {
                seen.trouble.take_if(|trouble| trouble.unreached);
            }
            Err(why) => self.failed(&mut seen, Pass::Ordinary, &why, true),
        }
    }

    /// Whether a call was answered within the last span.
    pub(crate) fn answered_within(&self, span: Duration) -> bool {
        let at = self.seen().answered_at;
        at.is_some_and(|at| at.elapsed() < span)
    }

    /// Why the last call got no answer, if it did not.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.seen()
            .trouble
            .as_ref()
            .map(|trouble| trouble.why.clone())
    }

    pub(crate) fn health(&self) -> EndpointHealth {
        let seen = self.seen();
        EndpointHealth {
            endpoint: self.endpoint.clone(),
            breaker: seen.breaker.state(Instant::now()),
            in_flight: self
                .settings
                .limit
                .saturating_sub(self.turns.available_permits()),
            queued: self.queued.load(Ordering::Relaxed),
            answered: seen.answered,
            failed: seen.failed,
            shed: seen.shed,
            trouble: seen.trouble.as_ref().map(|trouble| trouble.why.clone()),
        }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Shed> {
        match self.turns.try_acquire() {
            Ok(turn) => return Ok(turn),
            Err(TryAcquireError::Closed) => return Err(self.full()),
            Err(TryAcquireError::NoPermits) => {}
        }
        let _place = Place::take(&self.queued, self.settings.queue).ok_or_else(|| self.full())?;
        let waited = tokio::time::timeout(self.settings.queue_wait, self.turns.acquire()).await;
        waited.ok().and_then(Result::ok).ok_or_else(|| self.full())
    }

    fn full(&self) -> Shed {
        let GateSettings { limit, queue, .. } = self.settings;
        Shed {
            retry_after: SOON,
            why: format!(
                "{}: {limit} calls are under way, which is the limit, and no turn is free (up to {queue} may wait)",
                self.endpoint
            ),
        }
    }

    fn down(&self, rest: Duration) -> Shed {
        Shed {
            retry_after: rest,
            why: format!("{}: it failed too often and is left alone", self.endpoint),
        }
    }

    fn shed(&self, shed: Shed) -> AskError {
        self.turned_away();
        shed.into()
    }

    fn failed(&self, seen: &mut Seen, pass: Pass, why: &str, unreached: bool) {
        let now = Instant::now();
        let before = seen.breaker.state(now);
        seen.breaker.failed(pass, now);
        let after = seen.breaker.state(now);
        if before != after && after == BreakerState::Open {
            tracing::warn!(endpoint = %self.endpoint, %why, rest = ?self.settings.breaker.rest, "an endpoint of a CA is left alone: it failed too often");
        }
        seen.failed += 1;
        // Where it is, is for the log alone.
        let prefix = format!("{}: ", self.endpoint);
        let why = why.strip_prefix(&prefix).unwrap_or(why).to_owned();
        seen.trouble = Some(Trouble {
            why,
            at: now,
            unreached,
        });
    }

    fn answered(&self, seen: &mut Seen) {
        if seen.breaker.state(Instant::now()) != BreakerState::Closed {
            tracing::info!(endpoint = %self.endpoint, "an endpoint of a CA answers again");
        }
        seen.breaker.answered();
        seen.answered += 1;
        seen.answered_at = Some(Instant::now());
        seen.trouble = None;
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call under way. One that is dropped tells the breaker that nothing was learnt.
struct Call<'a> {
    gate: &'a Gate,
    pass: Pass,
    told: bool,
}

impl Call<'_> {
    fn tell<T>(&mut self, result: &Result<T, AskError>) {
        let mut seen = self.gate.seen();
        match result {
            Ok(_) | Err(AskError::Refused(_) | AskError::Lost { .. }) => {
                self.gate.answered(&mut seen);
            }
            Err(AskError::NotSent { why, .. }) => {
                self.gate.failed(&mut seen, self.pass, why, true);
            }
            Err(AskError::Unknown { why }) => {
                self.gate.failed(&mut seen, self.pass, why, false);
            }
            Err(AskError::Ours { .. }) => return,
        }
        self.told = true;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.gate.seen().breaker.given_up(self.pass, Instant::now());
        }
    }
}

/// A place in the queue.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(queued: &'a AtomicUsize, most: usize) -> Option<Self> {
        let more = |now: usize| (now < most).then_some(now + 1);
        let taken = queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self(queued))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl From<Shed> for AskError {
    fn from(shed: Shed) -> Self {
        let span = SignedDuration::try_from(shed.retry_after).unwrap_or(SignedDuration::MAX);
        Self::NotSent {
            retry_after: Some(span.max(SignedDuration::from_secs(1))),
            why: shed.why,
        }
    }
}
