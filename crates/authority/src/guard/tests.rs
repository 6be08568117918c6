mod failover;
mod health;
mod limits;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pki::CertificateId;
use ra::{BreakerState, Progress};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;

/// What an endpoint does with calls.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Answers,
    Refuses,
    Silent,
    AnswerLost,
    NoKey,
    /// Answers when it is told to.
    Holds,
}

/// An endpoint that remembers what it was asked and by which bytes.
struct Double {
    mood: Mutex<Mood>,
    heard: Mutex<Vec<Bytes>>,
    prepared: AtomicUsize,
    answer: Notify,
}

impl Double {
    fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood: Mutex::new(mood),
            heard: Mutex::default(),
            prepared: AtomicUsize::new(0),
            answer: Notify::new(),
        })
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// How many calls came to it.
    fn heard(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    async fn call(&self, state: &Sealed) -> Result<Step, AskError> {
        let mood = *self.mood.lock().unwrap();
        self.heard.lock().unwrap().push(state.0.clone());
        match mood {
            Mood::Answers => {}
            Mood::Holds => self.answer.notified().await,
            Mood::Refuses => {
                return Err(AskError::NotSent {
                    retry_after: None,
                    why: "http://one/: refused".to_owned(),
                });
            }
            Mood::AnswerLost => {
                return Err(AskError::Unknown {
                    why: "http://one/: reset".to_owned(),
                });
            }
            Mood::NoKey => {
                return Err(AskError::Ours {
                    why: "no key".to_owned(),
                });
            }
            Mood::Silent => std::future::pending().await,
        }
        Ok(Step {
            state: state.clone(),
            progress: Progress::Done,
        })
    }
}

#[async_trait]
impl Authority for Double {
    async fn prepare(&self, _: Order<'_>, _: Timestamp) -> Result<Sealed, AskError> {
        let number = self.prepared.fetch_add(1, Ordering::Relaxed);
        Ok(Sealed(Bytes::from(number.to_string())))
    }

    async fn advance(&self, state: &Sealed, _: By<'_>, _: Timestamp) -> Result<Step, AskError> {
        self.call(state).await
    }

    async fn confirm(
        &self,
        state: &Sealed,
        _: &Answer,
        _: &Verdict,
        _: By<'_>,
        _: Timestamp,
    ) -> Result<Step, AskError> {
        self.call(state).await
    }

    async fn support(&self, _: Support, _: Timestamp) -> Result<SupportAnswer, AskError> {
        self.call(&Sealed::default()).await?;
        Ok(SupportAnswer::CaCerts(Vec::new()))
    }
}

const REST: Duration = Duration::from_secs(5);

fn settings() -> GuardSettings {
    GuardSettings {
        gate: GateSettings {
            limit: 2,
            queue: 1,
            queue_wait: Duration::from_secs(3),
            deadline: Duration::from_secs(10),
            breaker: BreakerSettings {
                failures: 3,
                rest: REST,
            },
        },
        ..GuardSettings::default()
    }
}

fn guard_of(
    settings: &GuardSettings,
    doubles: &[&Arc<Double>],
    earlier: Option<&Guard>,
) -> Arc<Guard> {
    let names = ["http://one/", "http://two/", "http://three/"];
    let member = |(name, double): (&&str, &&Arc<Double>)| Member {
        endpoint: (*name).to_owned(),
        authority: Arc::clone(double) as Arc<dyn Authority>,
    };
    let members = names.iter().zip(doubles).map(member).collect();
    Arc::new(Guard::new(AuthorityName::new("ca"), settings, members, earlier).unwrap())
}

fn guard(doubles: &[&Arc<Double>]) -> Arc<Guard> {
    guard_of(&settings(), doubles, None)
}

async fn prepared(guard: &Guard) -> Result<Sealed, AskError> {
    let of = CertificateId {
        issuer: Bytes::new(),
        serial: Bytes::from_static(&[1]),
    };
    let order = Order::Revoke {
        of: &of,
        reason: 0,
        original: None,
    };
    guard.prepare(order, Timestamp::UNIX_EPOCH).await
}

async fn advanced(guard: &Guard, state: &Sealed) -> Result<Step, AskError> {
    guard.advance(state, By::Ra, Timestamp::UNIX_EPOCH).await
}

async fn asked(guard: &Guard) -> Result<Step, AskError> {
    advanced(guard, &prepared(guard).await?).await
}

#[track_caller]
fn not_sent<T>(result: Result<T, AskError>) -> Duration {
    match result {
        Err(AskError::NotSent { retry_after, .. }) => {
            retry_after.map_or(Duration::MAX, |span| span.try_into().unwrap())
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was sent"),
    }
}

#[track_caller]
fn unknown<T>(result: Result<T, AskError>) -> String {
    match result {
        Err(AskError::Unknown { why }) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was answered"),
    }
}

fn breaker(guard: &Guard) -> BreakerState {
    guard.endpoints()[0].breaker
}
