//! Breaker, deadline, and how many may be under way.

use tokio::task::JoinHandle;

use super::*;

/// A call in a task of its own.
fn asking(guard: &Arc<Guard>) -> JoinHandle<Result<Step, AskError>> {
    let guard = Arc::clone(guard);
    tokio::spawn(async move { asked(&guard).await })
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
    let busy: Vec<_> = (0..2).map(|_| asking(&guard)).collect();
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let late = asking(&guard);
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
    let calls: Vec<_> = (0..3).map(|_| asking(&guard)).collect();
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
    let calls: Vec<_> = (0..3).map(|_| asking(&guard)).collect();
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
