//! What a CA may answer, and what becomes of a request that it does not answer.

use super::*;

#[test]
fn a_ca_that_makes_us_wait_is_polled_when_it_said_so_by_whoever_sweeps() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(90)));
    let Outcome::Waiting { check_after, .. } = house.enroll(request("k")).unwrap() else {
        panic!()
    };
    assert_eq!(check_after, SignedDuration::from_secs(90));
    house.later(89);
    assert_eq!(house.sweep(), 0);
    house.later(1);
    assert_eq!(house.sweep(), 1);
    issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_puts_off_nothing_by_an_hour() {
    let house = House::new();
    house.later(3600);
    house.ca.will(Script::Wait(SignedDuration::from_secs(90)));
    house.enroll(request("k")).unwrap();
    let confirmed_by = ConfirmedBy::Requester;
    let held = EnrollRequest {
        confirmed_by,
        ..request("held")
    };
    issued(house.enroll(held).unwrap());
    house.later(-3600);
    assert_eq!(block_on(house.ra.clock_was_set_back()).unwrap(), 1);
    house.later(29);
    assert_eq!(
        house.sweep(),
        0,
        "a call may be under way for as long as its lease"
    );
    house.later(1);
    assert_eq!(house.sweep(), 1);
    issued(house.recall(&alice(), "k").unwrap());
    issued(house.recall(&alice(), "held").unwrap());
    assert_eq!(house.ca.issued().len(), 2);
    assert!(house.ca.withdrawn().is_empty());
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_message_and_one_certificate_comes_of_it() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(5);
    assert_eq!(house.sweep(), 1);
    let got = issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued(), [got.chain[0].clone()]);
}

#[test]
fn what_was_never_sent_is_an_error_and_the_same_key_may_begin_anew() {
    let house = House::new();
    house.ca.will(Script::NotSent);
    assert!(matches!(
        house.enroll(request("k")),
        Err(Error::Unavailable { .. })
    ));
    issued(house.enroll(request("k")).unwrap());
}

#[test]
fn where_there_is_another_way_the_request_is_begun_anew_at_once_and_so_is_a_revocation() {
    let house = House::new();
    house.ca.will(Script::NotSentThisWay);
    house.ca.will(Script::NotSentThisWay);
    let issued = issued(house.enroll(request("k")).unwrap());
    assert_eq!(house.ca.calls(), 4, "three ways and the confirmation");
    assert_eq!(house.ca.issued().len(), 1);
    house.ca.will(Script::NotSentThisWay);
    let revoked = house.revoke(alice(), "r", issued.chain[0].id());
    assert!(matches!(revoked, Outcome::Revoked(_)), "{revoked:?}");
}

#[test]
fn ways_that_never_end_are_given_up() {
    let house = House::new();
    for _ in 0..20 {
        house.ca.will(Script::NotSentThisWay);
    }
    assert!(matches!(
        house.enroll(request("k")),
        Err(Error::Unavailable { .. })
    ));
    assert_eq!(house.ca.calls(), 8);
    assert_eq!(house.phase("k"), Phase::NotSent);
}

#[test]
fn another_way_is_not_taken_with_a_row_that_someone_else_began() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::NotSentThisWay);
    house.enroll(request("k")).unwrap();
    house.later(5);
    house.sweep();
    assert_eq!(house.phase("k"), Phase::Waiting);
    assert_eq!(house.ca.calls(), 2);
}

#[test]
fn not_sent_proves_nothing_for_a_row_that_someone_else_began() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::NotSent);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(5);
    house.sweep();
    assert_eq!(house.phase("k"), Phase::Waiting);
    house.later(400);
    house.sweep();
    issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued().len(), 1);
}

#[test]
fn a_ca_that_will_not_repeat_its_answer_ends_the_request_as_lost() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::Lost);
    house.enroll(request("k")).unwrap();
    house.later(5);
    house.sweep();
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::Lost
    );
}

#[test]
fn a_ca_that_gives_no_answer_for_a_week_is_not_asked_for_ever() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::AnswerLost);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(7 * 24 * 3_600 + 1);
    house.sweep();
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::Lost
    );
}

#[test]
fn a_ca_that_never_hears_the_confirmation_is_not_told_for_ever() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    house.enroll(request("k")).unwrap();
    house.later(30 * 24 * 3_600);
    house.sweep_with(&[None, Some(Script::AnswerLost)]);
    for _ in 0..3 {
        house.later(2 * 24 * 3_600);
        house.sweep_with(&[Some(Script::AnswerLost)]);
        assert!(matches!(house.phase("k"), Phase::Confirming(..)));
    }
    house.later(2 * 24 * 3_600);
    house.sweep_with(&[Some(Script::AnswerLost)]);
    assert!(matches!(house.phase("k"), Phase::Lost(_)));
}

#[test]
fn a_rejection_by_the_ca_is_the_answer_every_time() {
    let house = House::new();
    house.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "no",
    )));
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::RejectedByCa
    );
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::RejectedByCa
    );
    assert_eq!(house.ca.calls(), 1);
}

#[test]
fn a_certificate_for_another_key_is_given_back() {
    let house = House::new();
    let other = template(&PrivateKey::generate(KeyKind::P256).unwrap());
    house.ca.will(Script::IssueInstead(Box::new(other)));
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::BadAnswer
    );
    assert_eq!(house.ca.withdrawn().len(), 1);
    assert_eq!(
        block_on(house.journal.revoked(&AuthorityName::new("corp")))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_the_ca_changed_is_told_or_given_back_as_the_profile_says() {
    for (on_change, kept) in [
        (OnChange::Accept, true),
        (OnChange::Warn, true),
        (OnChange::Reject, false),
    ] {
        let house = House::with(|ca| ca, |profile| profile.on_change = on_change);
        let asked = request("k");
        let mut less = asked.wanted.clone();
        less.sans.clear();
        house.ca.will(Script::IssueInstead(Box::new(less)));
        match house.enroll(asked).unwrap() {
            Outcome::Issued(got) => {
                assert!(kept);
                assert_eq!(got.changes.0[0].field, "subjectAltName");
                assert_eq!(got.changes.0[0].requested, "dns:a.example.com");
            }
            other => {
                assert!(!kept);
                assert_eq!(refused(other), RefusalKind::BadAnswer);
            }
        }
    }
}

#[test]
fn a_confirmation_that_got_no_answer_is_sent_again_until_the_ca_has_heard() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    house.enroll(request("k")).unwrap();
    house.later(2);
    // The next two calls: the poll is good, the confirmation's answer is lost.
    let ca = Arc::clone(&house.ca);
    let root = ca.root().clone();
    house.sweep_with(&[None, Some(Script::AnswerLost)]);
    assert!(matches!(house.phase("k"), Phase::Confirming(..)));
    house.later(300);
    assert_eq!(house.sweep(), 1);
    let got = issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(got.anchors, [root]);
    assert_eq!(house.ca.confirmed(), [got.chain[0].id()]);
}
