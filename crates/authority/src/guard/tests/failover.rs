//! Which endpoint is asked, and when another one may be.

use super::*;

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
