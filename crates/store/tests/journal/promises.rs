//! The promises of `ra::Journal`, each asked of any journal.

use std::collections::HashSet;
use std::str::FromStr as _;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use jiff::SignedDuration;
use pki::CertificateId;
use ra::{
    Asked, AuthorityName, Begun, CaStatus, Change, ConfirmedBy, Entry, Journal, JournalError,
    Lease, Phase, Refusal, RefusalKind, Sealed, UnderWay, Verdict,
};

use crate::requests::{
    LONG, NONE, answer, assert_same, at, begin, begun, certificate, change, end, entry, issuance,
    refusal, revocation, sealed,
};

type Any = Arc<dyn Journal>;

async fn find(journal: &Any, entry: &Entry) -> Entry {
    journal.find(&entry.id).await.unwrap().expect("an entry")
}

pub(crate) async fn what_was_begun_is_found_as_it_was_begun(journal: &Any) {
    let mut enroll = entry("enroll");
    enroll.replay_for = Some(SignedDuration::new(300, 5));
    enroll.confirmed_by = ConfirmedBy::Requester;
    let mut revoke = entry("revoke");
    revoke.asked = Asked::Revoke {
        of: CertificateId {
            issuer: Bytes::from_static(b"0\0"),
            serial: Bytes::from_static(&[1, 2]),
        },
        reason: 1,
    };
    revoke.due = None;
    revoke.upstream = Sealed::default();
    for entry in [enroll, revoke] {
        begun(&**journal, &entry, LONG).await;
        assert_same(&find(journal, &entry).await, &entry);
    }
}

pub(crate) async fn nothing_is_found_under_an_unknown_key(journal: &Any) {
    assert!(journal.find(&entry("unknown").id).await.unwrap().is_none());
}

pub(crate) async fn the_same_request_again_is_seen(journal: &Any) {
    let first = entry("a");
    begun(&**journal, &first, LONG).await;
    let again = Entry {
        front: sealed("other front"),
        begun_at: at(9),
        ..entry("a")
    };
    match begin(&**journal, &again, LONG).await {
        Begun::Seen(seen) => assert_same(&seen, &first),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn another_request_under_the_same_key_is_told_apart(journal: &Any) {
    let first = entry("a");
    begun(&**journal, &first, LONG).await;
    let other = Entry {
        fingerprint: [8; 32],
        ..entry("a")
    };
    assert!(matches!(
        begin(&**journal, &other, LONG).await,
        Begun::OtherRequest
    ));
    assert_same(&find(journal, &first).await, &first);
}

pub(crate) async fn of_many_that_begin_one_key_at_once_exactly_one_is_new(journal: &Any) {
    let one = entry("a");
    let all = join_all((0..20).map(|_| begin(&**journal, &one, LONG))).await;
    assert_eq!(
        all.iter()
            .filter(|begun| matches!(begun, Begun::New(_)))
            .count(),
        1
    );
    assert_eq!(
        all.iter()
            .filter(|begun| matches!(begun, Begun::Seen(_)))
            .count(),
        19
    );
}

pub(crate) async fn overlapping_keys_begun_at_once_are_each_new_once(journal: &Any) {
    let entries: Vec<Entry> = (0..150)
        .map(|n| entry(&format!("k{}", n * 7 % 50)))
        .collect();
    let all = join_all(entries.iter().map(|entry| begin(&**journal, entry, LONG))).await;
    let mut new = HashSet::new();
    for (entry, begun) in entries.iter().zip(all) {
        match begun {
            Begun::New(claim) => assert!(new.insert(claim.id)),
            Begun::Seen(seen) => assert_eq!(seen.id, entry.id),
            Begun::OtherRequest => panic!("the same request taken for another"),
        }
    }
    assert_eq!(new.len(), 50);
}

pub(crate) async fn every_phase_is_found_as_it_was_written(journal: &Any) {
    let leaf = certificate("leaf");
    let ca = CaStatus {
        strings: vec!["no".to_owned()],
        fail_info: vec!["badAlg".to_owned()],
        authenticated: true,
    };
    let by_ca = Refusal::by_ca(RefusalKind::RejectedByCa, "the CA refused", ca);
    let original = Some(Bytes::from_static(b"certConf"));
    let phases = [
        Phase::Waiting,
        Phase::Issued(answer(leaf.clone())),
        Phase::Confirming(
            answer(leaf.clone()),
            Verdict::Accept {
                original: original.clone(),
            },
        ),
        Phase::Confirming(
            answer(leaf.clone()),
            Verdict::Reject {
                why: refusal(),
                original,
            },
        ),
        Phase::Confirmed(answer(leaf)),
        Phase::Withdrawn(refusal()),
        Phase::Revoked,
        Phase::Refused(by_ca),
        Phase::NotSent,
        Phase::Lost(refusal()),
    ];
    for (n, phase) in phases.into_iter().enumerate() {
        let entry = entry(&n.to_string());
        let claim = begun(&**journal, &entry, LONG).await;
        journal
            .write(&claim, change(&entry, phase.clone()))
            .await
            .unwrap();
        let found = find(journal, &entry).await;
        assert_eq!(found.phase, phase);
        assert_eq!(found.changed_at, at(5));
        assert_eq!(found.begun_at, at(0));
    }
}

pub(crate) async fn a_change_leaves_alone_what_it_does_not_name(journal: &Any) {
    let entry = entry("a");
    let claim = begun(&**journal, &entry, LONG).await;
    let keep = |phase| Change {
        lease: Lease::Keep,
        due: Some(at(60)),
        ..change(&entry, phase)
    };
    journal.write(&claim, keep(Phase::Waiting)).await.unwrap();
    let found = find(journal, &entry).await;
    assert_eq!(
        (found.front, found.upstream, found.due),
        (sealed("front"), sealed("upstream"), Some(at(60)))
    );

    let named = Change {
        front: Some(sealed("f2")),
        upstream: Some(sealed("u2")),
        ..keep(Phase::Waiting)
    };
    journal.write(&claim, named).await.unwrap();
    journal.write(&claim, keep(Phase::Waiting)).await.unwrap();
    let found = find(journal, &entry).await;
    assert_eq!((found.front, found.upstream), (sealed("f2"), sealed("u2")));
}

pub(crate) async fn a_finished_entry_has_lost_its_upstream_state(journal: &Any) {
    let entry = entry("a");
    let claim = begun(&**journal, &entry, LONG).await;
    journal
        .write(&claim, end(&entry, Phase::Refused(refusal())))
        .await
        .unwrap();
    let found = find(journal, &entry).await;
    assert_eq!((found.upstream, found.due), (Sealed::default(), None));
    assert_eq!(found.front, sealed("front"));
}

pub(crate) async fn a_late_writer_is_fenced_and_changes_nothing(journal: &Any) {
    let entry = entry("a");
    let late = begun(&**journal, &entry, NONE).await;
    let (current, taken) = journal
        .claim(&entry.id, LONG)
        .await
        .unwrap()
        .expect("a claim");
    assert_same(&taken, &entry);
    assert!(current.fence > late.fence);

    let leaf = certificate("late");
    let issued = Change {
        issuance: Some(issuance(&entry, leaf.clone())),
        ..end(&entry, Phase::Confirmed(answer(leaf.clone())))
    };
    for refused in [issued, change(&entry, Phase::Waiting)] {
        assert!(matches!(
            journal.write(&late, refused).await,
            Err(JournalError::Fenced)
        ));
    }
    assert_same(&find(journal, &entry).await, &entry);
    assert!(journal.issuance(&leaf.id()).await.unwrap().is_none());

    journal
        .write(&current, end(&entry, Phase::Revoked))
        .await
        .unwrap();
    let after_the_end = journal.write(&late, end(&entry, Phase::NotSent)).await;
    assert!(matches!(after_the_end, Err(JournalError::Fenced)));
    assert_eq!(find(journal, &entry).await.phase, Phase::Revoked);
}

pub(crate) async fn a_late_writer_may_write_while_nobody_took_the_entry(journal: &Any) {
    let entry = entry("a");
    let late = begun(&**journal, &entry, NONE).await;
    journal
        .write(&late, end(&entry, Phase::Revoked))
        .await
        .unwrap();
    assert_eq!(find(journal, &entry).await.phase, Phase::Revoked);
}

pub(crate) async fn a_negative_lease_is_over_at_once(journal: &Any) {
    let entry = entry("a");
    begun(&**journal, &entry, SignedDuration::MIN).await;
    assert!(journal.claim(&entry.id, -LONG).await.unwrap().is_some());
    assert!(
        journal
            .claim(&entry.id, SignedDuration::MAX)
            .await
            .unwrap()
            .is_some()
    );
    let longest = SignedDuration::MAX;
    assert!(journal.claim(&entry.id, longest).await.unwrap().is_none());
}

pub(crate) async fn a_held_entry_cannot_be_claimed(journal: &Any) {
    let entry = entry("a");
    begun(&**journal, &entry, LONG).await;
    assert!(journal.claim(&entry.id, LONG).await.unwrap().is_none());
}

pub(crate) async fn an_unknown_entry_cannot_be_claimed(journal: &Any) {
    assert!(
        journal
            .claim(&entry("unknown").id, LONG)
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn a_write_can_end_the_lease(journal: &Any) {
    let entry = entry("a");
    let claim = begun(&**journal, &entry, LONG).await;
    journal
        .write(
            &claim,
            Change {
                lease: Lease::Keep,
                ..change(&entry, Phase::Waiting)
            },
        )
        .await
        .unwrap();
    assert!(journal.claim(&entry.id, LONG).await.unwrap().is_none());
    journal
        .write(&claim, change(&entry, Phase::Waiting))
        .await
        .unwrap();
    let (_, found) = journal
        .claim(&entry.id, LONG)
        .await
        .unwrap()
        .expect("a claim");
    assert_eq!(found.phase, Phase::Waiting);
}

pub(crate) async fn a_released_entry_can_be_claimed_by_the_next(journal: &Any) {
    let entry = entry("a");
    let claim = begun(&**journal, &entry, LONG).await;
    journal.release(claim).await.unwrap();
    assert_same(&find(journal, &entry).await, &entry);
    assert!(journal.claim(&entry.id, LONG).await.unwrap().is_some());
}

pub(crate) async fn a_late_release_frees_nothing(journal: &Any) {
    let entry = entry("a");
    let late = begun(&**journal, &entry, NONE).await;
    journal
        .claim(&entry.id, LONG)
        .await
        .unwrap()
        .expect("a claim");
    journal.release(late).await.unwrap();
    assert!(journal.claim(&entry.id, LONG).await.unwrap().is_none());
}

pub(crate) async fn a_finished_entry_can_be_claimed_and_each_claim_has_a_greater_fence(
    journal: &Any,
) {
    let entry = entry("a");
    let claim = begun(&**journal, &entry, LONG).await;
    journal
        .write(
            &claim,
            end(&entry, Phase::Confirmed(answer(certificate("a")))),
        )
        .await
        .unwrap();
    let mut last = claim.fence;
    for _ in 0..3 {
        let (claim, found) = journal
            .claim(&entry.id, LONG)
            .await
            .unwrap()
            .expect("a claim");
        assert_eq!(found.phase.name(), "confirmed");
        assert!(claim.fence > last);
        last = claim.fence;
        assert!(journal.claim(&entry.id, LONG).await.unwrap().is_none());
        journal.release(claim).await.unwrap();
    }
}

pub(crate) async fn only_what_is_due_and_free_is_claimed_the_longest_due_first(journal: &Any) {
    for (name, due, lease) in [
        ("later", Some(at(100)), NONE),
        ("second", Some(at(20)), NONE),
        ("held", Some(at(5)), LONG),
        ("never", None, NONE),
        ("first", Some(at(10)), NONE),
        ("third", Some(at(50)), NONE),
    ] {
        begun(&**journal, &Entry { due, ..entry(name) }, lease).await;
    }
    let names = |claimed: Vec<(ra::Claim, Entry)>| -> Vec<ra::EntryId> {
        assert!(claimed.iter().all(|(claim, entry)| claim.id == entry.id));
        claimed.into_iter().map(|(_, entry)| entry.id).collect()
    };
    let claimed = names(journal.claim_due(2, at(50), LONG).await.unwrap());
    assert_eq!(claimed, [entry("first").id, entry("second").id]);
    assert_eq!(
        names(journal.claim_due(10, at(50), LONG).await.unwrap()),
        [entry("third").id]
    );
    assert!(
        journal
            .claim_due(10, at(50), LONG)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        journal
            .claim(&entry("first").id, LONG)
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn a_lease_that_ends_later_than_any_claimants_is_not_believed(journal: &Any) {
    let (ahead, held) = (entry("ahead"), entry("held"));
    // As a clock writes it that is an hour ahead, and is set back then.
    let late = begun(&**journal, &ahead, LONG + SignedDuration::from_hours(1)).await;
    begun(&**journal, &held, LONG).await;
    let claimed = journal.claim_due(10, at(99), LONG).await.unwrap();
    let [(claim, found)] = claimed.as_slice() else {
        panic!("{claimed:?}");
    };
    assert_eq!(found.id, ahead.id);
    let refused = journal.write(&late, change(&ahead, Phase::Waiting)).await;
    assert!(matches!(refused, Err(JournalError::Fenced)), "{refused:?}");
    journal
        .write(claim, change(&ahead, Phase::Waiting))
        .await
        .unwrap();
    let again = entry("again");
    begun(&**journal, &again, LONG + SignedDuration::from_hours(1)).await;
    let claimed = journal.claim(&again.id, LONG).await.unwrap();
    assert!(claimed.is_some());
    assert!(journal.claim(&again.id, LONG).await.unwrap().is_none());
}

pub(crate) async fn what_is_put_off_is_hastened_unless_it_waits_for_its_requester(journal: &Any) {
    let answer = answer(certificate("leaf"));
    let reject = Verdict::Reject {
        why: refusal(),
        original: None,
    };
    let phases = [
        ("waiting", Phase::Waiting, 3600),
        (
            "confirming",
            Phase::Confirming(answer.clone(), reject),
            3600,
        ),
        ("issued", Phase::Issued(answer), 3600),
        ("soon", Phase::Waiting, 20),
    ];
    for (name, phase, due) in phases {
        let entry = entry(name);
        let claim = begun(&**journal, &entry, LONG).await;
        let change = Change {
            due: Some(at(due)),
            ..change(&entry, phase)
        };
        journal.write(&claim, change).await.unwrap();
    }
    begun(
        &**journal,
        &Entry {
            due: None,
            ..entry("lent")
        },
        LONG,
    )
    .await;
    assert_eq!(journal.hasten(at(70)).await.unwrap(), 2);
    let dues = [
        ("waiting", 70),
        ("confirming", 70),
        ("issued", 3600),
        ("soon", 20),
    ];
    for (name, due) in dues {
        assert_eq!(
            find(journal, &entry(name)).await.due,
            Some(at(due)),
            "{name}"
        );
    }
    assert_eq!(find(journal, &entry("lent")).await.due, None);
    assert_eq!(journal.hasten(at(70)).await.unwrap(), 0);
}

pub(crate) async fn due_entries_are_claimed_once_among_many_sweepers(journal: &Any) {
    for n in 0..30 {
        begun(&**journal, &entry(&n.to_string()), NONE).await;
    }
    let sweeps = join_all((0..8).map(|_| journal.claim_due(7, at(99), LONG))).await;
    let claimed: Vec<_> = sweeps
        .into_iter()
        .flat_map(|sweep| sweep.unwrap())
        .map(|(claim, _)| claim.id)
        .collect();
    assert_eq!(claimed.len(), 30);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 30);
}

pub(crate) async fn an_entry_of_which_nothing_left_us_gives_way(journal: &Any) {
    let first = entry("a");
    let old = begun(&**journal, &first, LONG).await;
    journal
        .write(&old, end(&first, Phase::NotSent))
        .await
        .unwrap();
    let second = Entry {
        fingerprint: [9; 32],
        begun_at: at(8),
        changed_at: at(8),
        front: sealed("new"),
        ..entry("a")
    };
    let claim = begun(&**journal, &second, LONG).await;
    assert_same(&find(journal, &second).await, &second);
    assert!(matches!(
        journal.write(&old, end(&first, Phase::Revoked)).await,
        Err(JournalError::Fenced)
    ));
    journal
        .write(&claim, end(&second, Phase::Revoked))
        .await
        .unwrap();
    assert_eq!(find(journal, &second).await.phase, Phase::Revoked);
}

pub(crate) async fn an_ended_entry_gives_way_after_its_replay_span_and_not_before(journal: &Any) {
    let first = Entry {
        replay_for: Some(SignedDuration::from_secs(60)),
        ..entry("a")
    };
    let claim = begun(&**journal, &first, LONG).await;
    let begin_at = async |second| {
        begin(
            &**journal,
            &Entry {
                begun_at: at(second),
                ..first.clone()
            },
            LONG,
        )
        .await
    };
    assert!(
        matches!(begin_at(1_000).await, Begun::Seen(_)),
        "it has not ended"
    );
    journal
        .write(&claim, end(&first, Phase::Revoked))
        .await
        .unwrap();
    assert!(matches!(begin_at(65).await, Begun::Seen(_)));
    assert!(matches!(begin_at(66).await, Begun::New(_)));
}

pub(crate) async fn of_many_that_replace_a_stale_entry_exactly_one_is_new(journal: &Any) {
    let first = entry("a");
    let claim = begun(&**journal, &first, LONG).await;
    journal
        .write(&claim, end(&first, Phase::NotSent))
        .await
        .unwrap();
    let all = join_all((0..10).map(|_| begin(&**journal, &first, LONG))).await;
    assert_eq!(
        all.iter()
            .filter(|begun| matches!(begun, Begun::New(_)))
            .count(),
        1
    );
}

pub(crate) async fn what_replaces_a_stale_entry_is_carried_on_when_it_is_due(journal: &Any) {
    let first = entry("a");
    let claim = begun(&**journal, &first, LONG).await;
    journal
        .write(&claim, end(&first, Phase::NotSent))
        .await
        .unwrap();
    begun(&**journal, &first, NONE).await;
    let claimed = journal.claim_due(10, at(99), LONG).await.unwrap();
    assert_eq!(claimed.len(), 1);
}

pub(crate) async fn an_issued_certificate_is_known_with_owner_and_entry(journal: &Any) {
    let (entry, leaf) = (entry("a"), certificate("a"));
    let claim = begun(&**journal, &entry, LONG).await;
    let issued = issuance(&entry, leaf.clone());
    let phase = Phase::Confirming(answer(leaf.clone()), Verdict::Accept { original: None });
    let change = Change {
        issuance: Some(issued.clone()),
        lease: Lease::Keep,
        ..change(&entry, phase.clone())
    };
    journal.write(&claim, change).await.unwrap();
    assert_eq!(
        journal.issuance(&leaf.id()).await.unwrap(),
        Some(issued.clone())
    );
    assert_eq!(find(journal, &entry).await.phase, phase);

    // The next change has the certificate in its phase and not beside it.
    let phase = Phase::Confirmed(answer(leaf.clone()));
    journal
        .write(&claim, end(&entry, phase.clone()))
        .await
        .unwrap();
    assert_eq!(find(journal, &entry).await.phase, phase);
    assert_eq!(journal.issuance(&leaf.id()).await.unwrap(), Some(issued));
    assert!(
        journal
            .issuance(&certificate("other").id())
            .await
            .unwrap()
            .is_none()
    );
}

pub(crate) async fn an_issued_certificate_is_found_by_serial_number_and_issuer_however_that_is_encoded(
    journal: &Any,
) {
    let (entry, leaf) = (entry("a"), certificate("a"));
    let claim = begun(&**journal, &entry, LONG).await;
    let change = Change {
        issuance: Some(issuance(&entry, leaf.clone())),
        ..end(&entry, Phase::Confirmed(answer(leaf.clone())))
    };
    journal.write(&claim, change).await.unwrap();
    let serial = leaf.id().serial;
    for name in ["CN=Test Root", "CN=test  ROOT"] {
        let name = pki::Name::from_str(name).unwrap();
        let found = journal.issuance_by(&name, &serial);
        assert_eq!(
            found.await.unwrap().map(|found| found.certificate),
            Some(leaf.clone())
        );
    }
    for (name, serial) in [
        ("CN=Other Root", serial.clone()),
        ("CN=Test Root", bytes::Bytes::from_static(&[1])),
    ] {
        let name = pki::Name::from_str(name).unwrap();
        let found = journal.issuance_by(&name, &serial);
        assert!(found.await.unwrap().is_none());
    }
}

pub(crate) async fn an_issued_certificate_outlives_its_entry(journal: &Any) {
    let first = Entry {
        replay_for: Some(SignedDuration::from_secs(60)),
        ..entry("a")
    };
    let (old, new) = (certificate("a"), certificate("a"));
    for (leaf, second) in [(&old, 0), (&new, 1_000)] {
        let entry = Entry {
            begun_at: at(second),
            ..first.clone()
        };
        let claim = begun(&**journal, &entry, LONG).await;
        let phase = Phase::Confirmed(answer(leaf.clone()));
        let change = Change {
            issuance: Some(issuance(&entry, leaf.clone())),
            ..end(&entry, phase)
        };
        journal.write(&claim, change).await.unwrap();
    }
    for leaf in [old, new] {
        assert_eq!(
            journal.issuance(&leaf.id()).await.unwrap(),
            Some(issuance(&first, leaf))
        );
    }
}

pub(crate) async fn a_revocation_marks_the_issuance_and_is_listed_by_its_ca(journal: &Any) {
    let (enroll, leaf) = (entry("enroll"), certificate("a"));
    let claim = begun(&**journal, &enroll, LONG).await;
    let phase = Phase::Confirmed(answer(leaf.clone()));
    let issued = Change {
        issuance: Some(issuance(&enroll, leaf.clone())),
        ..end(&enroll, phase)
    };
    journal.write(&claim, issued).await.unwrap();
    assert!(
        journal
            .revoked(&AuthorityName::new("ca-1"))
            .await
            .unwrap()
            .is_empty()
    );

    let revoke = entry("revoke");
    let claim = begun(&**journal, &revoke, LONG).await;
    let done = Change {
        revocation: Some(revocation(&leaf, 7)),
        ..end(&revoke, Phase::Revoked)
    };
    journal.write(&claim, done).await.unwrap();
    assert_eq!(
        journal.issuance(&leaf.id()).await.unwrap().unwrap().revoked,
        Some((at(7), 4))
    );
    let listed = journal.revoked(&AuthorityName::new("ca-1")).await.unwrap();
    assert_eq!(
        listed,
        [ra::CrlEntry {
            of: leaf.id(),
            at: at(7),
            reason: 4
        }]
    );
    assert!(
        journal
            .revoked(&AuthorityName::new("ca-2"))
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn revocations_are_listed_oldest_first_also_of_certificates_we_do_not_know(
    journal: &Any,
) {
    let leaves = [certificate("a"), certificate("b"), certificate("c")];
    for (second, leaf) in (1..).zip(&leaves) {
        let entry = entry(&format!("revoke {second}"));
        let claim = begun(&**journal, &entry, LONG).await;
        let done = Change {
            revocation: Some(revocation(leaf, second)),
            ..end(&entry, Phase::Revoked)
        };
        journal.write(&claim, done).await.unwrap();
    }
    let listed = journal.revoked(&AuthorityName::new("ca-1")).await.unwrap();
    let listed: Vec<_> = listed.into_iter().map(|entry| entry.of).collect();
    assert_eq!(listed, leaves.map(|leaf| leaf.id()));
}

pub(crate) async fn what_is_under_way_is_counted_by_its_phase(journal: &Any) {
    begun(&**journal, &entry("begun"), LONG).await;
    let accepted = Verdict::Accept { original: None };
    let moved = [
        ("waiting", Phase::Waiting),
        ("issued", Phase::Issued(answer(certificate("a")))),
        (
            "confirming",
            Phase::Confirming(answer(certificate("b")), accepted),
        ),
    ];
    for (name, phase) in moved {
        let entry = entry(name);
        let claim = begun(&**journal, &entry, LONG).await;
        let change = Change {
            due: Some(at(9)),
            ..change(&entry, phase)
        };
        journal.write(&claim, change).await.unwrap();
    }
    let over = entry("over");
    let claim = begun(&**journal, &over, LONG).await;
    journal
        .write(&claim, end(&over, Phase::NotSent))
        .await
        .unwrap();
    let one_each = UnderWay {
        begun: 1,
        waiting: 1,
        issued: 1,
        confirming: 1,
    };
    assert_eq!(journal.under_way().await.unwrap(), one_each);
}
