//! What is known of the endpoints.

use super::*;

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
