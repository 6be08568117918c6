//! The requester's word on its certificate.

use super::*;

/// A request whose requester confirms.
fn to_be_confirmed(key: &str) -> EnrollRequest {
    EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request(key)
    }
}

#[test]
fn an_implicitly_confirmed_certificate_needs_no_second_word() {
    let house = House::with(MemoryCa::implicit, |_| {});
    issued(house.enroll(request("k")).unwrap());
    assert_eq!(house.ca.calls(), 1);
    assert!(matches!(house.phase("k"), Phase::Confirmed(_)));
}

#[test]
fn the_ca_hears_nothing_until_the_requester_that_confirms_itself_has() {
    let house = House::new();
    let got = issued(house.enroll(to_be_confirmed("k")).unwrap());
    assert!(matches!(house.phase("k"), Phase::Issued(_)));
    assert!(house.ca.confirmed().is_empty());
    issued(house.confirm(id_of("k"), Verdict::Accept { original: None }));
    assert_eq!(house.ca.confirmed(), [got.chain[0].id()]);
    let again = house.confirm(id_of("k"), Verdict::Accept { original: None });
    assert_eq!(refused(again), RefusalKind::AlreadyConfirmed);
}

#[test]
fn the_state_of_a_front_changes_with_the_requesters_last_word() {
    let house = House::new();
    issued(house.enroll(to_be_confirmed("k")).unwrap());
    let word = Sealed(Bytes::from_static(b"certConf"));
    let verdict = Verdict::Accept { original: None };
    let said = Word {
        front: Some(word.clone()),
        ..house.word(id_of("k"), verdict)
    };
    let told = Arc::clone(&house.ra).confirm(alice(), said);
    issued(block_on(told).unwrap());
    let row = block_on(house.journal.find(&id_of("k"))).unwrap().unwrap();
    assert_eq!(row.front, word);
}

#[test]
fn a_certificate_that_its_requester_rejects_is_given_back() {
    let house = House::new();
    let got = issued(house.enroll(to_be_confirmed("k")).unwrap());
    let why = Refusal::new(RefusalKind::NotConfirmed, "not what I wanted");
    let outcome = house.confirm(
        id_of("k"),
        Verdict::Reject {
            why,
            original: None,
        },
    );
    assert_eq!(refused(outcome), RefusalKind::NotConfirmed);
    assert_eq!(house.ca.withdrawn(), [got.chain[0].id()]);
}

fn rejection() -> Verdict {
    let why = Refusal::new(RefusalKind::NotConfirmed, "the client gave up");
    Verdict::Reject {
        why,
        original: None,
    }
}

#[test]
fn a_certificate_that_comes_after_its_requester_gave_up_is_given_back() {
    for confirmed_by in [ConfirmedBy::Requester, ConfirmedBy::Ra] {
        let house = House::new();
        let wait = || Script::Wait(SignedDuration::from_secs(10));
        house.ca.will(wait());
        house.ca.will(wait());
        let asked = EnrollRequest {
            confirmed_by,
            ..request("a")
        };
        assert!(matches!(
            house.enroll(asked).unwrap(),
            Outcome::Waiting { .. }
        ));
        for _ in 0..2 {
            let given_up = house.confirm(id_of("a"), rejection());
            assert_eq!(refused(given_up), RefusalKind::NotConfirmed);
            assert_eq!(house.phase("a").name(), "abandoned");
        }
        let again = house.recall(&alice(), "a").unwrap();
        assert_eq!(refused(again), RefusalKind::NotConfirmed);
        house.later(11);
        assert_eq!(house.sweep(), 1, "it is polled all the same");
        assert_eq!(house.phase("a").name(), "abandoned");
        house.later(11);
        assert_eq!(house.sweep(), 1);
        assert_eq!(house.phase("a").name(), "withdrawn");
        assert_eq!(house.ca.confirmed(), []);
        assert_eq!(house.ca.withdrawn().len(), 1);
        let kinds: Vec<&str> = house
            .journal
            .audit()
            .iter()
            .map(|event| event.kind.as_str())
            .collect();
        assert_eq!(
            kinds,
            ["begun", "waiting", "abandoned", "confirming", "withdrawn"]
        );
    }
}

#[test]
fn a_request_that_its_requester_gave_up_ends_as_the_ca_decides() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(10)));
    house.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "no",
    )));
    house.enroll(request("a")).unwrap();
    house.confirm(id_of("a"), rejection());
    house.later(11);
    house.sweep();
    assert_eq!(house.phase("a").name(), "refused");
}

#[test]
fn a_certificate_not_confirmed_in_time_is_given_back() {
    let house = House::new();
    issued(house.enroll(to_be_confirmed("k")).unwrap());
    house.later(59);
    assert_eq!(house.sweep(), 0);
    house.later(1);
    assert_eq!(house.sweep(), 1);
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::NotConfirmed
    );
    assert_eq!(house.ca.withdrawn().len(), 1);
}

#[test]
fn nobody_sees_or_moves_the_request_of_another() {
    let house = House::new();
    issued(house.enroll(to_be_confirmed("k")).unwrap());
    let mallory = requester("mallory");
    assert!(house.recall(&mallory, "k").is_none());
    let verdict = Verdict::Accept { original: None };
    let word = house.word(id_of("k"), verdict);
    let outcome = block_on(Arc::clone(&house.ra).confirm(mallory, word)).unwrap();
    assert_eq!(refused(outcome), RefusalKind::NotFound);
    assert!(matches!(house.phase("k"), Phase::Issued(_)));
}

#[test]
fn a_word_on_an_ended_request_is_none_on_the_one_that_has_its_key_since() {
    let asked = || {
        let mut asked = to_be_confirmed("k");
        asked.key.replay_for = Some(SignedDuration::from_secs(60));
        asked
    };
    for swept in [false, true] {
        let house = House::new();
        house.ca.will(Script::Reject(Refusal::new(
            RefusalKind::RejectedByCa,
            "no",
        )));
        refused(house.enroll(asked()).unwrap());
        let word = house.word(id_of("k"), Verdict::Accept { original: None });
        house.later(3_600);
        issued(house.enroll(asked()).unwrap());
        if swept {
            // The journal no longer has it as the call that issued left it.
            let claimed = block_on(house.journal.claim(&id_of("k"), SignedDuration::ZERO));
            let (claim, _) = claimed.unwrap().unwrap();
            block_on(house.journal.release(claim)).unwrap();
        }
        let outcome = block_on(Arc::clone(&house.ra).confirm(alice(), word)).unwrap();
        assert_eq!(refused(outcome), RefusalKind::NotFound);
        assert!(matches!(house.phase("k"), Phase::Issued(_)));
        issued(house.confirm(id_of("k"), Verdict::Accept { original: None }));
    }
}
