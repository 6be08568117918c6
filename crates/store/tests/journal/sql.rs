//! What a journal with a database promises beyond `ra::Journal`: to outlive its process, to be shared, to be small.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use ra::{
    AuditKind, AuthorityName, Begun, Change, ConfirmedBy, Entry, Journal, JournalError, Lease,
    Phase, Verdict,
};
use sqlx::{AnyConnection, Row as _};
use store::{Options, SqlJournal};

use crate::requests::{
    LONG, NONE, answer, assert_same, at, audit, begin, begun, certificate, change, end, entry,
    issuance, refusal, revocation, sealed,
};
use crate::world::Place;

async fn number(connection: &mut AnyConnection, sql: &'static str) -> i64 {
    sqlx::query(sql)
        .fetch_one(connection)
        .await
        .unwrap()
        .try_get(0)
        .unwrap()
}

pub(crate) async fn a_journal_opened_again_has_everything(place: &Place) {
    let (enroll, revoke, waiting) = (entry("enroll"), entry("revoke"), entry("waiting"));
    let leaf = certificate("leaf");
    let confirmed = Phase::Confirmed(answer(leaf.clone()));
    let journal = place.open_sql().await;
    let claim = begun(&journal, &enroll, LONG).await;
    let issued = Change {
        issuance: Some(issuance(&enroll, leaf.clone())),
        ..end(&enroll, confirmed.clone())
    };
    journal.write(&claim, issued).await.unwrap();
    let claim = begun(&journal, &revoke, LONG).await;
    let revoked = Change {
        revocation: Some(revocation(&leaf, 7)),
        ..end(&revoke, Phase::Revoked)
    };
    journal.write(&claim, revoked).await.unwrap();
    let held = begun(&journal, &waiting, LONG).await;
    // As good as killed: nothing of it runs on.
    drop(journal);

    let journal = place.open_sql().await;
    assert_eq!(
        journal.find(&enroll.id).await.unwrap().unwrap().phase,
        confirmed
    );
    assert_eq!(
        journal.issuance(&leaf.id()).await.unwrap().unwrap().revoked,
        Some((at(7), 4))
    );
    assert_eq!(
        journal
            .revoked(&AuthorityName::new("ca-1"))
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(matches!(
        begin(&journal, &enroll, LONG).await,
        Begun::Seen(_)
    ));
    assert_same(&journal.find(&waiting.id).await.unwrap().unwrap(), &waiting);
    assert!(
        journal.claim(&waiting.id, LONG).await.unwrap().is_none(),
        "the lease lives in the database"
    );
    journal
        .write(&held, end(&waiting, Phase::Revoked))
        .await
        .unwrap();
}

pub(crate) async fn the_newest_entry_says_when_it_was_begun(place: &Place) {
    let journal = place.open_sql().await;
    assert_eq!(journal.newest().await.unwrap(), None);
    let millisecond = SignedDuration::from_millis(1);
    let before = Timestamp::now() - millisecond;
    begun(&journal, &entry("a"), LONG).await;
    let newest = journal.newest().await.unwrap().unwrap();
    assert!(before <= newest && newest <= Timestamp::now() + millisecond);
}

pub(crate) async fn what_is_queued_when_it_closes_is_written(place: &Place) {
    let journal = place.open_sql().await;
    let entries: Vec<Entry> = (0..200).map(|n| entry(&n.to_string())).collect();
    let begins = join_all(
        entries
            .iter()
            .map(|entry| journal.begin(entry, LONG, audit(AuditKind::Begun, entry))),
    );
    // Begins are polled first and queue; closing comes behind them.
    let (begun, ()) = futures::future::join(begins, journal.close()).await;
    assert!(
        begun.iter().all(|begun| matches!(begun, Ok(Begun::New(_)))),
        "{begun:?}"
    );
    let mut look = place.look().await;
    assert_eq!(number(&mut look, "SELECT COUNT(*) FROM journal").await, 200);
}

pub(crate) async fn a_closed_journal_says_so(place: &Place) {
    let journal = place.open_sql().await;
    journal.close().await;
    let refused = journal
        .begin(&entry("a"), LONG, audit(AuditKind::Begun, &entry("a")))
        .await;
    assert!(refused.unwrap_err().to_string().contains("being closed"));
    journal.close().await;
}

pub(crate) async fn what_is_still_claimed_when_it_closes_can_be_claimed_at_once(place: &Place) {
    let journal = place.open_sql().await;
    let (left, done) = (entry("left"), entry("done"));
    let _held = begun(&journal, &left, LONG).await;
    let ended = begun(&journal, &done, LONG).await;
    journal
        .write(&ended, end(&done, Phase::Revoked))
        .await
        .unwrap();
    journal.close().await;
    let next = place.open_sql().await;
    // Whatever its time would have been.
    let due = next
        .claim_due(10, Timestamp::UNIX_EPOCH, LONG)
        .await
        .unwrap();
    let [(claim, found)] = due.as_slice() else {
        panic!("{due:?}");
    };
    assert_eq!(found.id, left.id);
    // And the claim is one like any other.
    assert!(next.claim(&left.id, LONG).await.unwrap().is_none());
    next.write(claim, end(&left, Phase::Revoked)).await.unwrap();
}

pub(crate) async fn a_row_claimed_for_a_clients_word_keeps_its_time_when_it_closes(place: &Place) {
    let journal = place.open_sql().await;
    let issued = entry("issued");
    let until = Timestamp::now() + LONG;
    let claim = begun(&journal, &issued, LONG).await;
    let change = Change {
        due: Some(until),
        lease: Lease::End,
        ..change(&issued, Phase::Waiting)
    };
    journal.write(&claim, change).await.unwrap();
    journal.claim(&issued.id, LONG).await.unwrap().unwrap();
    journal.close().await;
    let next = place.open_sql().await;
    let due = next.claim_due(10, Timestamp::now(), LONG).await.unwrap();
    assert!(due.is_empty(), "{due:?}");
    assert!(next.claim(&issued.id, LONG).await.unwrap().is_some());
}

pub(crate) async fn every_decision_is_in_the_audit_trail_in_order(place: &Place) {
    let journal = place.open_sql().await;
    let entry = entry("a");
    let claim = begun(&journal, &entry, LONG).await;
    let change = Change {
        audit: Some(audit(AuditKind::Waiting, &entry)),
        lease: Lease::Keep,
        ..change(&entry, Phase::Waiting)
    };
    journal.write(&claim, change).await.unwrap();
    journal
        .record(ra::AuditEvent {
            entry: None,
            ..audit(AuditKind::Refused, &entry)
        })
        .await;
    journal
        .write(&claim, end(&entry, Phase::Revoked))
        .await
        .unwrap();
    journal.close().await;
    let mut look = place.look().await;
    let rows =
        sqlx::query("SELECT kind, entry, credential, label, detail, at FROM audit ORDER BY id");
    let rows = rows.fetch_all(&mut look).await.unwrap();
    let kinds: Vec<String> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
    assert_eq!(kinds[..2], ["begun", "waiting"]);
    assert!(
        kinds[2..].iter().any(|kind| kind == "refused") && kinds.len() == 4,
        "{kinds:?}"
    );
    assert_eq!(rows[0].try_get::<Vec<u8>, _>(1).unwrap(), entry.id.0);
    let words: Vec<String> = (2..5)
        .map(|column| rows[0].try_get(column).unwrap())
        .collect();
    assert_eq!(words, ["token:test", "site", "why"]);
    assert_eq!(
        rows[0].try_get::<i64, _>(5).unwrap(),
        at(0).as_microsecond()
    );
}

pub(crate) async fn a_fenced_write_leaves_no_trace(place: &Place) {
    let journal = place.open_sql().await;
    let (entry, leaf) = (entry("a"), certificate("a"));
    let late = begun(&journal, &entry, NONE).await;
    journal.claim(&entry.id, LONG).await.unwrap().unwrap();
    let phase = Phase::Confirmed(answer(leaf.clone()));
    let all = Change {
        issuance: Some(issuance(&entry, leaf.clone())),
        revocation: Some(revocation(&leaf, 1)),
        ..end(&entry, phase)
    };
    assert!(matches!(
        journal.write(&late, all).await,
        Err(JournalError::Fenced)
    ));
    let mut look = place.look().await;
    let left = "SELECT (SELECT COUNT(*) FROM outcome) + (SELECT COUNT(*) FROM issuance) + (SELECT COUNT(*) FROM revocation) \
                + (SELECT COUNT(*) FROM certificate) + (SELECT COUNT(*) FROM audit)";
    assert_eq!(
        number(&mut look, left).await,
        1,
        "the audit event of its beginning, and nothing else"
    );
}

pub(crate) async fn refusals_beyond_the_queue_are_dropped_and_counted(place: &Place) {
    let options = Options {
        records: 4,
        ..Options::default()
    };
    let journal = SqlJournal::open(&place.target(), options).await.unwrap();
    // Nothing here yields, so on this one thread the writer cannot take any.
    for _ in 0..10 {
        journal.record(audit(AuditKind::Refused, &entry("a"))).await;
    }
    assert_eq!(journal.dropped_records(), 6);
    journal.close().await;
    assert_eq!(
        number(&mut place.look().await, "SELECT COUNT(*) FROM audit").await,
        4
    );
}

pub(crate) async fn a_row_of_one_enrollment_is_small_and_shared_certificates_are_stored_once(
    place: &Place,
) {
    let journal = place.open_sql().await;
    for n in 0..10 {
        let (entry, leaf) = (
            entry(&format!("server-{n}")),
            certificate(&format!("server-{n}")),
        );
        let claim = begun(&journal, &entry, LONG).await;
        let confirming =
            Phase::Confirming(answer(leaf.clone()), Verdict::Accept { original: None });
        let first = Change {
            issuance: Some(issuance(&entry, leaf.clone())),
            lease: Lease::Keep,
            ..change(&entry, confirming)
        };
        journal.write(&claim, first).await.unwrap();
        journal
            .write(&claim, end(&entry, Phase::Confirmed(answer(leaf))))
            .await
            .unwrap();
    }
    let mut look = place.look().await;
    assert_eq!(
        number(&mut look, "SELECT COUNT(*) FROM certificate").await,
        1
    );
    assert_eq!(number(&mut look, "SELECT COUNT(*) FROM running").await, 0);
    assert_eq!(
        number(
            &mut look,
            "SELECT COUNT(*) FROM outcome WHERE leaf IS NOT NULL"
        )
        .await,
        0
    );
    let size = "SELECT MAX(16 + LENGTH(j.ikey) + LENGTH(j.fingerprint) + LENGTH(j.head) + LENGTH(j.front) + LENGTH(o.phase)) \
                FROM journal j JOIN outcome o ON o.id = j.id";
    let size = number(&mut look, size).await;
    assert!(
        size < 450,
        "{size} bytes beside the certificate and what front and authority seal"
    );
}

pub(crate) async fn two_processes_begin_one_key_once(place: &Place) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    for round in 0..10 {
        let entries: Vec<Entry> = (0..20).map(|n| entry(&format!("{round}-{n}"))).collect();
        let forth = join_all(entries.iter().map(|entry| begin(&one, entry, LONG)));
        let back = join_all(entries.iter().rev().map(|entry| begin(&other, entry, LONG)));
        let (forth, back) = futures::future::join(forth, back).await;
        for (a, b) in forth.iter().zip(back.iter().rev()) {
            let one_is_new = matches!(
                (a, b),
                (Begun::New(_), Begun::Seen(_)) | (Begun::Seen(_), Begun::New(_))
            );
            assert!(one_is_new, "{a:?} and {b:?}");
        }
    }
}

pub(crate) async fn two_processes_share_the_due_entries(place: &Place) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    for n in 0..40 {
        begun(&one, &entry(&n.to_string()), NONE).await;
    }
    let sweep = |journal| {
        let sweeps = (0..4).map(move |_| SqlJournal::claim_due(journal, 10, at(99), LONG));
        async {
            join_all(sweeps)
                .await
                .into_iter()
                .flat_map(Result::unwrap)
                .map(|(claim, _)| claim.id)
                .collect::<Vec<_>>()
        }
    };
    let (mut claimed, theirs) = futures::future::join(sweep(&one), sweep(&other)).await;
    claimed.extend(theirs);
    let count = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), count, "one entry claimed by both");
    claimed.extend(
        one.claim_due(40, at(99), LONG)
            .await
            .unwrap()
            .into_iter()
            .map(|(claim, _)| claim.id),
    );
    assert_eq!(claimed.len(), 40);
}

pub(crate) async fn a_process_that_wakes_late_is_fenced_by_the_other(place: &Place) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let entry = entry("a");
    let late = begun(&one, &entry, SignedDuration::from_secs(-1)).await;
    let (claim, _) = other
        .claim_due(1, at(99), LONG)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(matches!(
        one.write(&late, end(&entry, Phase::NotSent)).await,
        Err(JournalError::Fenced)
    ));
    other
        .write(&claim, end(&entry, Phase::Revoked))
        .await
        .unwrap();
    assert_eq!(
        one.find(&entry.id).await.unwrap().unwrap().phase,
        Phase::Revoked
    );
}

/// An entry that `journal` has brought as far as a certificate, and whose requester has yet to confirm.
async fn waiting_for_its_requester(journal: &SqlJournal) -> Entry {
    let mut entry = entry("a");
    entry.confirmed_by = ConfirmedBy::Requester;
    let claim = begun(journal, &entry, LONG).await;
    let issued = Change {
        due: Some(at(60)),
        front: Some(sealed("front of the answer")),
        ..change(&entry, Phase::Issued(answer(certificate("a"))))
    };
    journal.write(&claim, issued).await.unwrap();
    entry
}

pub(crate) async fn an_entry_that_waits_for_its_requester_is_claimed_as_it_was_left(place: &Place) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let id = waiting_for_its_requester(&one).await.id;
    let stored = other.find(&id).await.unwrap().unwrap();
    assert_same(&one.expected(&id).await.unwrap().unwrap(), &stored);
    let (claim, claimed) = one.claim(&id, LONG).await.unwrap().unwrap();
    assert_same(&claimed, &stored);
    let confirmed = Phase::Confirmed(answer(certificate("a")));
    one.write(&claim, end(&claimed, confirmed.clone()))
        .await
        .unwrap();
    assert_eq!(other.find(&id).await.unwrap().unwrap().phase, confirmed);
}

pub(crate) async fn an_entry_that_another_process_moved_is_claimed_as_that_one_left_it(
    place: &Place,
) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let id = waiting_for_its_requester(&one).await.id;
    let (claim, entry) = other.claim(&id, LONG).await.unwrap().unwrap();
    let withdrawn = Phase::Withdrawn(refusal());
    other
        .write(&claim, end(&entry, withdrawn.clone()))
        .await
        .unwrap();
    let (_, claimed) = one.claim(&id, LONG).await.unwrap().unwrap();
    assert_eq!(claimed.phase, withdrawn);
    let expected = one.expected(&id).await.unwrap().unwrap();
    assert_eq!(expected.phase, withdrawn);
}

pub(crate) async fn the_word_on_an_entry_takes_up_the_claim_that_was_left_for_one_caller(
    place: &Place,
) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let id = waiting_for_its_requester(&one).await.id;
    let stored = other.find(&id).await.unwrap().unwrap();
    assert!(other.left(&id).is_none());
    let (claim, left) = one.left(&id).unwrap();
    assert!(one.left(&id).is_none());
    assert_same(&left, &stored);
    let verdict = Verdict::Accept { original: None };
    let heard = Phase::Confirming(answer(certificate("a")), verdict);
    let again = Change {
        lease: Lease::Again(LONG),
        ..change(&left, heard.clone())
    };
    one.write(&claim, again).await.unwrap();
    assert_eq!(other.find(&id).await.unwrap().unwrap().phase, heard);
    // Whose word it is then: the claim holds.
    assert!(other.claim(&id, LONG).await.unwrap().is_none());
    assert!(one.claim(&id, LONG).await.unwrap().is_none());
    let confirmed = Phase::Confirmed(answer(certificate("a")));
    one.write(&claim, end(&left, confirmed.clone()))
        .await
        .unwrap();
    assert_eq!(other.find(&id).await.unwrap().unwrap().phase, confirmed);
}

pub(crate) async fn a_claim_that_was_left_is_fenced_once_anyone_has_claimed_the_entry(
    place: &Place,
) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let id = waiting_for_its_requester(&one).await.id;
    let (late, entry) = one.left(&id).unwrap();
    let (claim, before) = other.claim(&id, LONG).await.unwrap().unwrap();
    other.release(claim).await.unwrap();
    let again = || Change {
        lease: Lease::Again(LONG),
        ..change(&entry, Phase::Withdrawn(refusal()))
    };
    let written = one.write(&late, again()).await;
    assert!(matches!(written, Err(JournalError::Fenced)));
    assert_same(&one.find(&id).await.unwrap().unwrap(), &before);
}

pub(crate) async fn a_schema_newer_than_the_program_is_refused(place: &Place) {
    place.open_sql().await.close().await;
    let mut look = place.look().await;
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 SELECT 99, description, success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(later).execute(&mut look).await.unwrap();
    let refused = SqlJournal::open(&place.target(), Options::default())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            refused,
            JournalError::SchemaTooNew {
                found: 99,
                known: 3
            }
        ),
        "{refused}"
    );
}

async fn damage(place: &Place, entry: &Entry) {
    let mut look = place.look().await;
    let damage = sqlx::query("UPDATE journal SET head = $1 WHERE ikey = $2");
    damage
        .bind(&b"\x01secret"[..])
        .bind(&entry.id.0[..])
        .execute(&mut look)
        .await
        .unwrap();
}

pub(crate) async fn a_damaged_row_is_named_and_not_quoted(place: &Place) {
    let journal = place.open_sql().await;
    let entry = entry("a");
    begun(&journal, &entry, LONG).await;
    damage(place, &entry).await;
    let error = journal.find(&entry.id).await.unwrap_err().to_string();
    assert!(
        error.contains(&entry.id.to_string()) && error.contains("restore"),
        "{error}"
    );
    assert!(
        !error.contains("secret") && !error.contains("736563726574"),
        "{error}"
    );
}

pub(crate) async fn a_damaged_due_entry_does_not_keep_the_others_waiting(place: &Place) {
    let journal = place.open_sql().await;
    for name in ["sound", "damaged", "sound too"] {
        begun(&journal, &entry(name), NONE).await;
    }
    damage(place, &entry("damaged")).await;
    let claimed = journal.claim_due(10, at(99), LONG).await.unwrap();
    assert_eq!(claimed.len(), 2);
}

pub(crate) async fn a_nul_in_what_a_ca_said_does_not_keep_its_certificate_from_being_written(
    place: &Place,
) {
    let journal = place.open_sql().await;
    let entry = entry("a");
    let claim = begun(&journal, &entry, LONG).await;
    let mut change = end(
        &entry,
        Phase::Refused(ra::Refusal::new(ra::RefusalKind::RejectedByCa, "no\0no")),
    );
    change.audit.as_mut().unwrap().detail = "no\0no".to_owned();
    journal.write(&claim, change).await.unwrap();
    match journal.find(&entry.id).await.unwrap().unwrap().phase {
        Phase::Refused(why) => assert_eq!(why.detail, "no\0no"),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_database_that_cannot_hold_every_name_is_refused(place: &Place) {
    let refused = SqlJournal::open(&place.target(), Options::default()).await;
    let why = refused.err().unwrap().to_string();
    assert!(why.contains("encoding UTF8"), "{why}");
}

pub(crate) async fn a_database_that_drops_its_connections_is_connected_to_again(place: &Place) {
    let journal = place.open_sql().await;
    let entry = Entry {
        front: sealed("x"),
        ..entry("a")
    };
    let another = crate::requests::entry("b");
    let claim = begun(&journal, &entry, LONG).await;
    journal.find(&entry.id).await.unwrap();
    let mut look = place.look().await;
    let drop_all = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(number(&mut look, drop_all).await >= 2);
    journal
        .write(&claim, end(&entry, Phase::Revoked))
        .await
        .unwrap();
    assert_eq!(
        journal.find(&entry.id).await.unwrap().unwrap().phase,
        Phase::Revoked
    );
    assert!(number(&mut look, drop_all).await >= 2);
    begun(&journal, &another, LONG).await;
}
