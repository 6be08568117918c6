use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use url::Url;

use super::*;
use crate::jwt::signing::{Signing, text};

/// A server of keys that a test writes, and counts the questions of.
#[derive(Clone, Default)]
struct Server(Arc<Published>);

#[derive(Default)]
struct Published {
    /// `None`: nobody answers.
    keys: Mutex<Option<String>>,
    /// Answers that come before.
    first: Mutex<VecDeque<Option<String>>>,
    asked: AtomicUsize,
}

impl Server {
    fn with(keys: &[&Signing]) -> Self {
        let server = Self::default();
        server.publish(keys);
        server
    }

    fn publish(&self, keys: &[&Signing]) {
        *self.0.keys.lock().unwrap() = Some(text(keys));
    }

    fn go_away(&self) {
        *self.0.keys.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn keys(&self) -> RemoteKeys {
        let published = Arc::clone(&self.0);
        RemoteKeys::asking(settings(), move || {
            let published = Arc::clone(&published);
            async move {
                published.asked.fetch_add(1, Ordering::SeqCst);
                let first = published.first.lock().unwrap().pop_front();
                let answer = first.unwrap_or_else(|| published.keys.lock().unwrap().clone());
                let answer = answer.ok_or_else(|| FetchError::NoAnswer {
                    url: "https://keys.example".to_owned(),
                    why: "connection refused".to_owned(),
                })?;
                Ok(KeySet::read(answer.as_bytes()).unwrap())
            }
        })
    }
}

const REFRESH: Duration = Duration::from_secs(300);
const MAX_AGE: Duration = Duration::from_secs(3600);

fn settings() -> RemoteSettings {
    RemoteSettings {
        name: "cluster".to_owned(),
        place: Place::At(Url::parse("https://keys.example").unwrap()),
        roots: None,
        token_file: None,
        refresh_every: REFRESH,
        max_age: MAX_AGE,
    }
}

async fn has(keys: &RemoteKeys, id: &str) -> Result<bool, NoKeys> {
    let found = keys.with(Some(id)).await?;
    Ok(found.named(Some(id)).next().is_some())
}

#[tokio::test(start_paused = true)]
async fn the_first_request_waits_for_the_first_keys() {
    let one = Signing::p256("1");
    let server = Server::with(&[&one]);
    let keys = server.keys();
    assert!(keys.current().is_none());
    assert_eq!(has(&keys, "1").await, Ok(true));
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn keys_at_hand_ask_nobody() {
    let one = Signing::p256("1");
    let server = Server::with(&[&one]);
    let keys = server.keys();
    for _ in 0..100 {
        assert_eq!(has(&keys, "1").await, Ok(true));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_asked_for_by_the_first_token_that_names_it() {
    let (one, two) = (Signing::p256("1"), Signing::p256("2"));
    let server = Server::with(&[&one]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Ok(true));
    server.publish(&[&one, &two]);
    tokio::time::sleep(REST).await;
    assert_eq!(has(&keys, "2").await, Ok(true));
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_keys_costs_one_question_a_rest() {
    let one = Signing::p256("1");
    let server = Server::with(&[&one]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Ok(true));
    let begun = Instant::now();
    for number in 0..6_000 {
        assert_eq!(has(&keys, &format!("unknown-{number}")).await, Ok(false));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let most = begun.elapsed().as_secs() / REST.as_secs() + 1;
    let asked = server.asked() as u64;
    assert!((2..=most + 1).contains(&asked), "{asked}");
    assert_eq!(has(&keys, "1").await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_leaves_the_last_keys_until_they_are_too_old() {
    let one = Signing::p256("1");
    let server = Server::with(&[&one]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Ok(true));
    server.go_away();
    tokio::time::sleep(REFRESH + LONGEST_PAUSE).await;
    assert!(
        keys.standing()
            .trouble
            .as_ref()
            .unwrap()
            .contains("refused")
    );
    assert_eq!(has(&keys, "1").await, Ok(true));
    // Whether it is the issuer's cannot be said now.
    assert_eq!(has(&keys, "2").await, Err(NoKeys));
    tokio::time::sleep(MAX_AGE).await;
    assert_eq!(has(&keys, "1").await, Err(NoKeys));
    assert!(keys.current().is_none());
    server.publish(&[&one]);
    tokio::time::sleep(LONGEST_PAUSE).await;
    assert_eq!(has(&keys, "1").await, Ok(true));
    assert_eq!(keys.standing().trouble, None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_late_at_the_start_is_asked_again_soon() {
    let one = Signing::p256("1");
    let server = Server::with(&[&one]);
    server.0.first.lock().unwrap().extend([None, None, None]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Err(NoKeys));
    // 1, 2 and 4 s.
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(has(&keys, "1").await, Ok(true));
    assert_eq!((server.asked(), keys.standing().failed), (4, 3));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_taken_back_is_gone_with_the_next_refresh() {
    let (one, two) = (Signing::p256("1"), Signing::p256("2"));
    let server = Server::with(&[&one, &two]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Ok(true));
    server.publish(&[&two]);
    tokio::time::sleep(REFRESH + REST).await;
    assert_eq!(has(&keys, "1").await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_any_more_when_the_keys_are_let_go() {
    let server = Server::with(&[&Signing::p256("1")]);
    let keys = server.keys();
    assert_eq!(has(&keys, "1").await, Ok(true));
    drop(keys);
    tokio::time::sleep(10 * REFRESH).await;
    assert_eq!(server.asked(), 1);
}

#[test]
fn pauses_after_failures_double_up_to_half_a_minute() {
    let pauses: Vec<u64> = (1..9).map(|n| pace(n, REFRESH).1.as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(pace(u32::MAX, REFRESH).1, LONGEST_PAUSE);
    assert_eq!(pace(0, REFRESH), (REST, REFRESH));
}
