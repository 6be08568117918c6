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

#[tokio::test(start_paused = true)]
async fn the_first_endpoint_is_asked_as_long_as_it_is_well() {
    let (one, two) = (Double::new(Mood::Answers), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    for _ in 0..3 {
        asked(&guard).await.unwrap();
    }
    assert_eq!((one.heard(), two.heard()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn what_did_not_arrive_is_to_be_prepared_anew_and_goes_elsewhere() {
    let (one, two) = (Double::new(Mood::Refuses), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    assert_eq!(not_sent(asked(&guard).await), Duration::ZERO, "at once");
    asked(&guard).await.unwrap();
    asked(&guard).await.unwrap();
    assert_eq!((one.heard(), two.heard()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_round_in_circles_when_no_endpoint_can_be_reached() {
    let (one, two) = (Double::new(Mood::Refuses), Double::new(Mood::Refuses));
    let guard = guard(&[&one, &two]);
    assert_eq!(not_sent(asked(&guard).await), Duration::ZERO);
    assert_ne!(not_sent(asked(&guard).await), Duration::ZERO);
    assert_eq!((one.heard(), two.heard()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_failed_once_is_tried_again_after_its_rest() {
    let (one, two) = (Double::new(Mood::Refuses), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    not_sent(asked(&guard).await);
    one.becomes(Mood::Answers);
    tokio::time::advance(REST).await;
    asked(&guard).await.unwrap();
    assert_eq!((one.heard(), two.heard()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_one_endpoint_may_have_heard_is_never_put_to_another() {
    let (one, two) = (Double::new(Mood::AnswerLost), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    let state = prepared(&guard).await.unwrap();
    unknown(advanced(&guard, &state).await);
    one.becomes(Mood::Refuses);
    for _ in 0..5 {
        not_sent(advanced(&guard, &state).await);
    }
    assert_eq!(two.heard(), 0);
    tokio::time::advance(REST).await;
    one.becomes(Mood::Answers);
    advanced(&guard, &state).await.unwrap();
    let heard = one.heard.lock().unwrap();
    assert!(
        heard.iter().all(|bytes| *bytes == heard[0]),
        "the same bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_at_the_endpoint_that_the_state_names() {
    let (one, two) = (Double::new(Mood::Refuses), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    not_sent(asked(&guard).await);
    let state = prepared(&guard).await.unwrap();
    one.becomes(Mood::Answers);
    let elsewhere = guard_of(&settings(), &[&one, &two], None);
    advanced(&elsewhere, &state).await.unwrap();
    assert_eq!((one.heard(), two.heard()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn in_a_cluster_the_same_bytes_go_to_the_next_endpoint_where_one_cannot_be_reached() {
    let (one, two) = (Double::new(Mood::AnswerLost), Double::new(Mood::Answers));
    let cluster = GuardSettings {
        endpoints: Endpoints::Cluster,
        ..settings()
    };
    let guard = guard_of(&cluster, &[&one, &two], None);
    let state = prepared(&guard).await.unwrap();
    unknown(advanced(&guard, &state).await);
    assert_eq!(two.heard(), 0, "it may have arrived");
    one.becomes(Mood::Refuses);
    advanced(&guard, &state).await.unwrap();
    assert_eq!(*two.heard.lock().unwrap(), one.heard.lock().unwrap()[..1]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_of_an_endpoint_that_is_gone_stays_unless_there_is_but_one() {
    let (one, two) = (Double::new(Mood::AnswerLost), Double::new(Mood::Answers));
    let before = guard(&[&one]);
    let state = prepared(&before).await.unwrap();
    let of = |names: &[&str]| {
        let member = |name: &&str| Member {
            endpoint: (*name).to_owned(),
            authority: Arc::clone(&two) as Arc<dyn Authority>,
        };
        let members = names.iter().map(member).collect();
        Guard::new(AuthorityName::new("ca"), &settings(), members, None).unwrap()
    };
    let several = of(&["http://two/", "http://three/"]);
    assert!(matches!(
        advanced(&several, &state).await,
        Err(AskError::Ours { .. })
    ));
    assert_eq!(two.heard(), 0);
    advanced(&of(&["http://moved/"]), &state).await.unwrap();
    assert_eq!(two.heard(), 1);
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_shed_requests_before_they_are_made_until_one_call_is_answered() {
    let one = Double::new(Mood::AnswerLost);
    let guard = guard(&[&one]);
    for _ in 0..3 {
        unknown(asked(&guard).await);
    }
    assert_eq!(breaker(&guard), BreakerState::Open);
    assert_eq!(not_sent(prepared(&guard).await), REST);
    assert_eq!((one.heard(), one.prepared.load(Ordering::Relaxed)), (3, 3));
    one.becomes(Mood::Answers);
    tokio::time::advance(REST).await;
    assert_eq!(breaker(&guard), BreakerState::HalfOpen);
    asked(&guard).await.unwrap();
    assert_eq!(breaker(&guard), BreakerState::Closed);
    assert_eq!(guard.health().await, Health::Up);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_is_followed_by_the_next() {
    let one = Double::new(Mood::AnswerLost);
    let guard = guard(&[&one]);
    for _ in 0..3 {
        unknown(asked(&guard).await);
    }
    tokio::time::advance(REST).await;
    one.becomes(Mood::Holds);
    let state = prepared(&guard).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_secs(1), advanced(&guard, &state)).await;
    assert!(given_up.is_err());
    one.becomes(Mood::Answers);
    advanced(&guard, &state).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_costs_a_call_its_deadline_and_no_more() {
    let one = Double::new(Mood::Silent);
    let guard = guard(&[&one]);
    let begun = Instant::now();
    let why = unknown(asked(&guard).await);
    assert_eq!(begun.elapsed(), settings().gate.deadline);
    assert!(why.contains("deadline of 10s"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_counts_towards_the_deadline() {
    let one = Double::new(Mood::Holds);
    let guard = guard(&[&one]);
    let busy: Vec<_> = (0..2)
        .map(|_| {
            let guard = Arc::clone(&guard);
            tokio::spawn(async move { asked(&guard).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let late = {
        let guard = Arc::clone(&guard);
        tokio::spawn(async move { asked(&guard).await })
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    one.becomes(Mood::Silent);
    one.answer.notify_waiters();
    unknown(late.await.unwrap());
    assert_eq!(begun.elapsed(), settings().gate.deadline);
    for call in busy {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_more_than_limit_and_queue_is_turned_away_before_it_is_made() {
    let one = Double::new(Mood::Holds);
    let guard = guard(&[&one]);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let guard = Arc::clone(&guard);
            tokio::spawn(async move { asked(&guard).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let health = &guard.endpoints()[0];
    assert_eq!((health.in_flight, health.queued, health.shed), (2, 1, 0));
    assert_eq!(not_sent(prepared(&guard).await), Duration::from_secs(1));
    assert_eq!(one.prepared.load(Ordering::Relaxed), 3);
    one.becomes(Mood::Answers);
    one.answer.notify_waiters();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let health = &guard.endpoints()[0];
    assert_eq!((health.in_flight, health.queued), (0, 0));
    assert_eq!((health.answered, health.failed, health.shed), (3, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_for_a_turn_has_not_been_sent() {
    let one = Double::new(Mood::Holds);
    let guard = guard(&[&one]);
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let guard = Arc::clone(&guard);
            tokio::spawn(async move { asked(&guard).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    tokio::task::yield_now().await;
    assert_eq!((one.heard(), guard.endpoints()[0].queued), (2, 0));
    one.answer.notify_waiters();
    let mut results = futures::future::join_all(calls)
        .await
        .into_iter()
        .map(Result::unwrap);
    assert!(results.next().unwrap().is_ok() && results.next().unwrap().is_ok());
    not_sent(results.next().unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_our_own_fault_says_nothing_of_the_endpoint() {
    let one = Double::new(Mood::NoKey);
    let guard = guard(&[&one]);
    for _ in 0..5 {
        assert!(matches!(asked(&guard).await, Err(AskError::Ours { .. })));
    }
    assert_eq!(breaker(&guard), BreakerState::Closed);
    assert_eq!(guard.health().await, Health::Up);
}

#[tokio::test(start_paused = true)]
async fn the_ca_is_up_as_long_as_one_endpoint_is_and_says_what_is_wrong_but_not_where() {
    let (one, two) = (Double::new(Mood::Refuses), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    not_sent(asked(&guard).await);
    assert_eq!(guard.health().await, Health::Up);
    let trouble = guard.endpoints()[0].trouble.clone();
    assert_eq!(trouble.as_deref(), Some("refused"));
    two.becomes(Mood::AnswerLost);
    unknown(asked(&guard).await);
    let Health::Down(why) = guard.health().await else {
        panic!("nobody is there")
    };
    assert!(why.starts_with("refused; "), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_question_is_put_to_every_endpoint_until_one_answers() {
    let (one, two) = (Double::new(Mood::AnswerLost), Double::new(Mood::Answers));
    let guard = guard(&[&one, &two]);
    let said = guard.support(Support::CaCerts, Timestamp::UNIX_EPOCH).await;
    assert!(said.is_ok());
    assert_eq!((one.heard(), two.heard()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_what_is_known_of_endpoints_that_stay() {
    let one = Double::new(Mood::AnswerLost);
    let before = guard(&[&one]);
    for _ in 0..3 {
        unknown(asked(&before).await);
    }
    let same = guard_of(&settings(), &[&one], Some(&before));
    assert_eq!(breaker(&same), BreakerState::Open);
    let mut other = settings();
    other.gate.limit = 7;
    let other = guard_of(&other, &[&one], Some(&before));
    assert_eq!(breaker(&other), BreakerState::Open);
    assert_eq!(other.endpoints()[0].failed, 3);
    let (two, gone) = (Double::new(Mood::Answers), Double::new(Mood::Answers));
    let added = guard_of(&settings(), &[&gone, &two], Some(&before));
    assert_eq!(added.endpoints()[1].breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_genm_probe_tells_that_an_endpoint_is_gone_and_that_it_is_back() {
    let one = Double::new(Mood::Refuses);
    let probe = ProbeSettings {
        by: Probe::Genm,
        every: Duration::from_secs(2),
    };
    let probing = GuardSettings {
        probe: Some(probe),
        ..settings()
    };
    let guard = guard_of(&probing, &[&one], None);
    let probed = async || guard.probe_due(Timestamp::UNIX_EPOCH).await;
    probed().await;
    assert_eq!(guard.health().await, Health::Down("refused".to_owned()));
    probed().await;
    assert_eq!(one.heard(), 1, "not its turn yet");
    one.becomes(Mood::Answers);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(guard.is_probe_due());
    probed().await;
    assert_eq!(guard.health().await, Health::Up);
    tokio::time::advance(Duration::from_secs(1)).await;
    asked(&guard).await.unwrap();
    tokio::time::advance(Duration::from_millis(1500)).await;
    assert!(!guard.is_probe_due(), "a call was answered meanwhile");
}

#[tokio::test]
async fn a_tcp_probe_tells_whether_somebody_listens_and_heals_nothing_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/pkix/", listener.local_addr().unwrap());
    let one = Double::new(Mood::AnswerLost);
    let settings = GuardSettings {
        probe: Some(ProbeSettings {
            by: Probe::Tcp,
            every: Duration::ZERO,
        }),
        ..settings()
    };
    let member = Member {
        endpoint,
        authority: Arc::clone(&one) as Arc<dyn Authority>,
    };
    let guard = Guard::new(AuthorityName::new("ca"), &settings, vec![member], None).unwrap();
    let probed = async || guard.probe_due(Timestamp::UNIX_EPOCH).await;
    probed().await;
    assert_eq!(guard.health().await, Health::Up);
    unknown(asked(&guard).await);
    probed().await;
    assert_ne!(
        guard.health().await,
        Health::Up,
        "it listens and does not answer"
    );
    one.becomes(Mood::Refuses);
    not_sent(asked(&guard).await);
    probed().await;
    assert_eq!(guard.health().await, Health::Up);
    drop(listener);
    probed().await;
    assert_ne!(guard.health().await, Health::Up);
    assert_eq!(one.heard(), 2, "no message was sent for it");
}
