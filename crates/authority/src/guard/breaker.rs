use std::time::Duration;

use ra::BreakerState;
use tokio::time::Instant;

/// When an endpoint is no longer asked, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many calls in a row without an answer to be believed open it.
    pub failures: u32,
    /// For so long nobody is asked then; after that one call is let through.
    pub rest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            rest: Duration::from_secs(5),
        }
    }
}

/// Keeps calls from an endpoint that does not answer: it costs the caller nothing then, and the endpoint can recover.
///
/// A state machine and nothing else: whoever asks it says what time it is.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// The right to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// One of many.
    Ordinary,
    /// The one that tells whether the endpoint is back.
    Probe,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
        }
    }

    /// The same knowledge under other settings.
    pub(crate) fn under(self, settings: BreakerSettings) -> Self {
        Self { settings, ..self }
    }

    /// What [`Breaker::admit`] would say.
    ///
    /// # Errors
    /// When it may be worth asking again.
    pub(crate) fn would_admit(&self, now: Instant) -> Result<Pass, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Pass::Ordinary),
            State::Open { until } if now >= until => Ok(Pass::Probe),
            State::Open { until } => Err(until - now),
            State::Probing => Err(self.settings.rest),
        }
    }

    /// Lets one call through, or does not. Whoever got a pass gives it back by one of the three below.
    ///
    /// # Errors
    /// When it may be worth asking again.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Pass, Duration> {
        let pass = self.would_admit(now)?;
        if pass == Pass::Probe {
            self.state = State::Probing;
        }
        Ok(pass)
    }

    /// The endpoint answered: whichever call that was, it is there.
    pub(crate) fn answered(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// It did not. Of calls that began before it opened, nothing new is learnt.
    pub(crate) fn failed(&mut self, pass: Pass, now: Instant) {
        let failures = match (&self.state, pass) {
            (State::Closed { failures }, _) => failures + 1,
            (State::Probing, Pass::Probe) => self.settings.failures,
            (State::Probing | State::Open { .. }, _) => return,
        };
        self.state = if failures >= self.settings.failures {
            State::Open {
                until: now + self.settings.rest,
            }
        } else {
            State::Closed { failures }
        };
    }

    /// Nobody will tell what became of the call.
    pub(crate) fn given_up(&mut self, pass: Pass, now: Instant) {
        if let (State::Probing, Pass::Probe) = (&self.state, pass) {
            self.state = State::Open { until: now };
        }
    }

    pub(crate) fn state(&self, now: Instant) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::Probing => BreakerState::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        failures: 3,
        rest: Duration::from_secs(5),
    };

    fn failing(breaker: &mut Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            let pass = breaker.admit(now).unwrap();
            breaker.failed(pass, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not_let_them_add_up() {
        let (mut breaker, now) = (Breaker::new(SETTINGS), Instant::now());
        failing(&mut breaker, 2, now);
        breaker.answered();
        failing(&mut breaker, 2, now);
        assert_eq!(breaker.state(now), BreakerState::Closed);
        failing(&mut breaker, 1, now);
        assert_eq!(breaker.state(now), BreakerState::Open);
        assert_eq!(breaker.admit(now), Err(SETTINGS.rest));
    }

    #[test]
    fn after_its_rest_one_call_is_let_through_and_the_others_are_not() {
        let (mut breaker, now) = (Breaker::new(SETTINGS), Instant::now());
        failing(&mut breaker, 3, now);
        let almost = now + SETTINGS.rest - Duration::from_millis(1);
        assert_eq!(breaker.admit(almost), Err(Duration::from_millis(1)));
        let rested = now + SETTINGS.rest;
        assert_eq!(breaker.state(rested), BreakerState::HalfOpen);
        assert_eq!(breaker.would_admit(rested), Ok(Pass::Probe));
        assert_eq!(breaker.admit(rested), Ok(Pass::Probe));
        assert_eq!(breaker.admit(rested), Err(SETTINGS.rest));
    }

    #[test]
    fn the_probe_closes_it_by_an_answer_and_opens_it_again_without() {
        let (mut breaker, now) = (Breaker::new(SETTINGS), Instant::now());
        failing(&mut breaker, 3, now);
        let rested = now + SETTINGS.rest;
        failing(&mut breaker, 1, rested);
        assert_eq!(breaker.state(rested), BreakerState::Open);
        let rested = rested + SETTINGS.rest;
        assert_eq!(breaker.admit(rested), Ok(Pass::Probe));
        breaker.answered();
        assert_eq!(breaker.state(rested), BreakerState::Closed);
        assert_eq!(breaker.admit(rested), Ok(Pass::Ordinary));
    }

    #[test]
    fn calls_from_before_it_opened_neither_keep_it_open_for_longer_nor_stand_in_for_the_probe() {
        let (mut breaker, now) = (Breaker::new(SETTINGS), Instant::now());
        let old = breaker.admit(now).unwrap();
        failing(&mut breaker, 3, now);
        let later = now + Duration::from_secs(4);
        breaker.failed(old, later);
        let rested = now + SETTINGS.rest;
        assert_eq!(breaker.admit(rested), Ok(Pass::Probe));
        breaker.failed(old, rested);
        breaker.given_up(old, rested);
        assert_eq!(breaker.admit(rested), Err(SETTINGS.rest), "still probing");
        breaker.answered();
        assert_eq!(breaker.state(rested), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_is_given_up_lets_the_next_call_be_the_probe() {
        let (mut breaker, now) = (Breaker::new(SETTINGS), Instant::now());
        failing(&mut breaker, 3, now);
        let rested = now + SETTINGS.rest;
        let pass = breaker.admit(rested).unwrap();
        breaker.given_up(pass, rested);
        assert_eq!(breaker.admit(rested), Ok(Pass::Probe));
    }
}
