//! Seeing a request through: trying again when the service is out of reach, asking again when the CA takes its time.

use std::time::{Duration, Instant};

use api::client::{Answer, Awaited, ClientError, Pending, Progress, with_causes};

use crate::{
    args::Connection,
    exit::{Exit, Failure, is_tls_refusal},
    notes::Notes,
};

/// How long we are willing to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    retry_for: Duration,
    wait: Duration,
}

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl Patience {
    /// As the options have it.
    pub(crate) fn of(options: &Connection) -> Self {
        Self {
            retry_for: options.retry_for,
            wait: options.wait,
        }
    }

    /// Sends a request that may be repeated, until there is an answer; then asks until there is an outcome.
    pub(crate) async fn see_through<T: Awaited>(
        self,
        notes: &Notes,
        send: impl AsyncFn() -> Result<Answer<Progress<T>>, ClientError>,
    ) -> Result<Answer<T>, Failure> {
        let began = Instant::now();
        let mut trouble = Trouble::default();
        let mut pending: Option<Box<Pending<T>>> = None;
        loop {
            let result = match &pending {
                None => send().await,
                Some(pending) => pending.ask().await,
            };
            let pause = match result {
                Ok(Answer {
                    body: Progress::Done(body),
                    correlation_id,
                }) => {
                    return Ok(Answer {
                        body,
                        correlation_id,
                    });
                }
                Ok(Answer {
                    body: Progress::Waiting(next),
                    ..
                }) => {
                    trouble = Trouble::default();
                    let left = self.wait.saturating_sub(began.elapsed());
                    if left.is_zero() {
                        return Err(Failure::new(
                            Exit::TimedOut,
                            format!(
                                "the CA has not decided in {} s (id {}); run the same command again to go on waiting",
                                self.wait.as_secs(),
                                next.id()
                            ),
                        ));
                    }
                    let pause = next.check_after().min(left);
                    notes.say(&format!(
                        "the CA has not decided yet (id {}); asking again in {} s",
                        next.id(),
                        pause.as_secs().max(1)
                    ));
                    pending = Some(next);
                    pause
                }
                Err(error) => match trouble.pause(&error, self, Instant::now()) {
                    Some(pause) => {
                        notes.say(&format!(
                            "{}; trying again in {} s",
                            with_causes(&error),
                            pause.as_secs().max(1)
                        ));
                        pause
                    }
                    None => return Err(error.into()),
                },
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// The same for what a CA does not take its time for.
    pub(crate) async fn repeat<T>(
        self,
        notes: &Notes,
        send: impl AsyncFn() -> Result<T, ClientError>,
    ) -> Result<T, Failure> {
        let mut trouble = Trouble::default();
        loop {
            let error = match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(pause) = trouble.pause(&error, self, Instant::now()) else {
                return Err(error.into());
            };
            notes.say(&format!(
                "{}; trying again in {} s",
                with_causes(&error),
                pause.as_secs().max(1)
            ));
            tokio::time::sleep(pause).await;
        }
    }
}

/// A row of failures without a success between.
#[derive(Default)]
struct Trouble {
    since: Option<Instant>,
    times: u32,
}

impl Trouble {
    /// How long to pause before the next try; `None` when there is to be none. A service that says when to come back is there, so it is
    /// given the time for waiting; silence is given the time for trying again.
    fn pause(&mut self, error: &ClientError, patience: Patience, now: Instant) -> Option<Duration> {
        if !error.is_transient() || is_tls_refusal(error) {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let asked = error.retry_after();
        let budget = if asked.is_some() {
            patience.wait
        } else {
            patience.retry_for
        };
        let left = budget.saturating_sub(now.duration_since(since));
        let own = Duration::from_secs(1 << self.times.min(5))
            .min(LONGEST_PAUSE)
            .min(left);
        self.times += 1;
        let pause = asked.map_or(own, |asked| asked.max(Duration::from_secs(1)));
        (!left.is_zero() && pause <= left).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use api::{Problem, ProblemSlug};

    use super::*;

    fn patience(retry_for: u64, wait: u64) -> Patience {
        Patience {
            retry_for: Duration::from_secs(retry_for),
            wait: Duration::from_secs(wait),
        }
    }

    fn unavailable(retry_after: Option<u64>) -> ClientError {
        ClientError::Problem(Box::new(Problem {
            retry_after,
            ..Problem::new(ProblemSlug::Unavailable)
        }))
    }

    #[test]
    fn pauses_grow_until_the_time_is_over() {
        let (mut trouble, start) = (Trouble::default(), Instant::now());
        let mut at = start;
        let mut pauses = Vec::new();
        while let Some(pause) = trouble.pause(&unavailable(None), patience(15, 0), at) {
            pauses.push(pause.as_secs());
            at += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8]);
    }

    #[test]
    fn the_service_may_name_the_pause_but_not_stretch_our_patience() {
        let now = Instant::now();
        let pause = |asked, wait| {
            Trouble::default().pause(&unavailable(Some(asked)), patience(0, wait), now)
        };
        assert_eq!(pause(90, 3600), Some(Duration::from_secs(90)));
        assert_eq!(pause(0, 3600), Some(Duration::from_secs(1)));
        assert_eq!(pause(99, 15), None);
        assert_eq!(pause(1, 0), None);
    }

    #[test]
    fn a_refusal_is_final() {
        let refusal = ClientError::Problem(Box::new(Problem::new(ProblemSlug::NameNotAllowed)));
        assert_eq!(
            Trouble::default().pause(&refusal, patience(15, 15), Instant::now()),
            None
        );
    }
}
