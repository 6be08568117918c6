//! What becomes of a journal over years: upgraded, compacted, looked through.

use jiff::SignedDuration;
use ra::{Begun, Change, Entry, Journal as _, Lease, Phase, Verdict};
use sqlx::{AnyConnection, Executor as _, Row as _};
use store::{Compacted, History, Options, Retention, Span, SqlJournal};

use crate::requests::{
    LONG, NONE, answer, at, begin, begun, certificate, change, end, entry, issuance, refusal,
    revocation,
};
use crate::world::Place;

/// Everything that ended before the minute 1 is over, counted from `at(0)`.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

fn all(kept: SignedDuration) -> Retention {
    Retention {
        entries: Some(kept),
        audit: Some(kept),
        issuances: Some(kept),
    }
}

async fn count(look: &mut AnyConnection, sql: &'static str) -> i64 {
    let row = sqlx::query(sql).fetch_one(look).await.unwrap();
    row.try_get(0).unwrap()
}

/// An entry that ended with a certificate at `at(5)`.
async fn enrolled(journal: &SqlJournal, name: &str) -> (Entry, pki::Certificate) {
    let (entry, leaf) = (entry(name), certificate(name));
    let claim = begun(journal, &entry, LONG).await;
    let confirming = Phase::Confirming(answer(leaf.clone()), Verdict::Accept { original: None });
    let first = Change {
        issuance: Some(issuance(&entry, leaf.clone())),
        lease: Lease::Keep,
        ..change(&entry, confirming)
    };
    journal.write(&claim, first).await.unwrap();
    let last = end(&entry, Phase::Confirmed(answer(leaf.clone())));
    journal.write(&claim, last).await.unwrap();
    (entry, leaf)
}

async fn history(place: &Place) -> History {
    History::open(&place.target(), &Options::default())
        .await
        .unwrap()
}

pub(crate) async fn a_database_of_the_first_schema_is_upgraded_with_its_rows(place: &Place) {
    let journal = place.open_sql().await;
    let (finished, leaf) = enrolled(&journal, "finished").await;
    let open = entry("open");
    let claim = begun(&journal, &open, LONG).await;
    journal.close().await;
    // What was added since goes, and so does what it would have been told of.
    let mut look = place.look().await;
    for undo in [
        "DROP INDEX audit_journal_id",
        "ALTER TABLE audit DROP COLUMN journal_id",
        "DROP TABLE issuer",
        "ALTER TABLE audit DROP COLUMN correlation",
        "ALTER TABLE journal DROP COLUMN correlation",
        "DELETE FROM _sqlx_migrations WHERE version > 1",
    ] {
        look.execute(undo).await.unwrap();
    }
    let refused = History::open(&place.target(), &Options::default()).await;
    let why = refused.err().unwrap().to_string();
    assert!(why.contains("earlier program"), "{why}");

    let journal = place.open_sql().await;
    let found = journal.find(&finished.id).await.unwrap().unwrap();
    assert_eq!(found.phase, Phase::Confirmed(answer(leaf.clone())));
    let serial = leaf.id().serial;
    let by_name = journal.issuance_by(leaf.issuer(), &serial);
    assert!(by_name.await.unwrap().is_some());
    journal
        .write(&claim, end(&open, Phase::Revoked))
        .await
        .unwrap();
    let history = history(place).await;
    let kinds = async |entry: &Entry| {
        let (row, _) = history.entry(&entry.id).await.unwrap().unwrap();
        let events = history.events_of(row, &entry.id).await.unwrap();
        events
            .into_iter()
            .map(|event| event.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&finished).await, ["begun", "confirmed", "confirmed"]);
    assert_eq!(kinds(&open).await, ["confirmed"], "of the new schema alone");
}

pub(crate) async fn what_ended_long_ago_goes_and_what_is_open_stays(place: &Place) {
    let journal = place.open_sql().await;
    for name in ["a", "b", "c"] {
        enrolled(&journal, name).await;
    }
    let refused = entry("refused");
    let claim = begun(&journal, &refused, LONG).await;
    journal
        .write(&claim, end(&refused, Phase::Refused(refusal())))
        .await
        .unwrap();
    let open = [entry("begun"), entry("waiting"), entry("issued")];
    begun(&journal, &open[0], LONG).await;
    let claim = begun(&journal, &open[1], LONG).await;
    let waiting = Change {
        due: Some(at(99)),
        ..change(&open[1], Phase::Waiting)
    };
    journal.write(&claim, waiting).await.unwrap();
    let claim = begun(&journal, &open[2], LONG).await;
    let leaf = certificate("issued");
    let issued = Change {
        issuance: Some(issuance(&open[2], leaf.clone())),
        ..change(&open[2], Phase::Issued(answer(leaf)))
    };
    journal.write(&claim, issued).await.unwrap();

    let early = journal.compact(&all(MINUTE), at(60)).await.unwrap();
    assert_eq!(early, Compacted::default(), "nothing is old enough yet");
    // Rows are numbered by the clock: all of them were begun by now.
    let later = at(5) + SignedDuration::from_hours(24 * 366 * 60);
    let gone = journal.compact(&all(MINUTE), later).await.unwrap();
    assert_eq!((gone.entries, gone.issuances), (4, 3));
    let again = journal.compact(&all(MINUTE), later).await.unwrap();
    assert_eq!(again, Compacted::default());
    for entry in open {
        let found = journal.find(&entry.id).await.unwrap();
        assert!(found.is_some_and(|found| !found.phase.is_final()));
    }
    let mut look = place.look().await;
    assert_eq!(count(&mut look, "SELECT COUNT(*) FROM journal").await, 3);
    assert_eq!(count(&mut look, "SELECT COUNT(*) FROM outcome").await, 2);
    assert_eq!(count(&mut look, "SELECT COUNT(*) FROM issuance").await, 1);
    assert_eq!(count(&mut look, "SELECT COUNT(*) FROM audit").await, 0);
}

pub(crate) async fn a_certificate_stays_as_long_as_its_entry_reads_it(place: &Place) {
    let journal = place.open_sql().await;
    let (entry, leaf) = enrolled(&journal, "a").await;
    let revoke = crate::requests::entry("revoke");
    let claim = begun(&journal, &revoke, LONG).await;
    let done = Change {
        revocation: Some(revocation(&leaf, 7)),
        ..end(&revoke, Phase::Revoked)
    };
    journal.write(&claim, done).await.unwrap();
    let later = at(5) + SignedDuration::from_hours(24 * 366 * 60);
    let certificates = Retention {
        issuances: Some(MINUTE),
        ..Retention::default()
    };
    let gone = journal.compact(&certificates, later).await.unwrap();
    assert_eq!(gone, Compacted::default());
    let found = journal.find(&entry.id).await.unwrap().unwrap();
    assert_eq!(found.phase, Phase::Confirmed(answer(leaf.clone())));

    let gone = journal.compact(&all(MINUTE), later).await.unwrap();
    assert_eq!((gone.entries, gone.issuances), (2, 1));
    assert!(journal.issuance(&leaf.id()).await.unwrap().is_none());
    let revoked = journal.revoked(&entry.authority).await.unwrap();
    assert!(revoked.is_empty(), "its revocation goes with it");
}

pub(crate) async fn without_a_retention_nothing_goes(place: &Place) {
    let journal = place.open_sql().await;
    let (entry, _) = enrolled(&journal, "a").await;
    let later = at(5) + SignedDuration::from_hours(24 * 366 * 60);
    let gone = journal.compact(&Retention::default(), later).await.unwrap();
    assert_eq!(gone, Compacted::default());
    assert!(journal.find(&entry.id).await.unwrap().is_some());
}

pub(crate) async fn two_processes_compact_at_once(place: &Place) {
    let (one, other) = futures::future::join(place.open_sql(), place.open_sql()).await;
    let names: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    futures::future::join_all(names.iter().map(|name| enrolled(&one, name))).await;
    let later = at(5) + SignedDuration::from_hours(24 * 366 * 60);
    let retention = all(MINUTE);
    let (mine, theirs) = futures::future::join(
        one.compact(&retention, later),
        other.compact(&retention, later),
    )
    .await;
    let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
    // Each passes over what the other is just deleting: what is left goes with the next pass.
    let rest = one.compact(&retention, later).await.unwrap();
    let sum = |of: fn(&Compacted) -> u64| of(&mine) + of(&theirs) + of(&rest);
    assert_eq!(sum(|c| c.entries), 150);
    assert_eq!(sum(|c| c.issuances), 150);
    assert_eq!(sum(|c| c.audit), 450);
}

pub(crate) async fn a_key_whose_entry_went_begins_anew(place: &Place) {
    let journal = place.open_sql().await;
    let (entry, _) = enrolled(&journal, "a").await;
    assert!(matches!(
        begin(&journal, &entry, LONG).await,
        Begun::Seen(_)
    ));
    let later = at(5) + SignedDuration::from_hours(24 * 366 * 60);
    journal.compact(&all(MINUTE), later).await.unwrap();
    assert!(matches!(begin(&journal, &entry, LONG).await, Begun::New(_)));
}

pub(crate) async fn history_is_read_page_by_page_in_both_directions(place: &Place) {
    let journal = place.open_sql().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(enrolled(&journal, name).await.0.id);
    }
    let history = history(place).await;
    let everything = Span::of(None, None);
    let ids = |page: &[store::Recorded]| -> Vec<ra::EntryId> {
        let ids = page.iter().map(|found| found.entry.as_ref().unwrap().id);
        ids.collect()
    };
    let up = history.oldest(everything, 2).await.unwrap();
    assert_eq!(ids(&up), made[..2]);
    let up = history
        .oldest(Span(up[1].row + 1, i64::MAX), 2)
        .await
        .unwrap();
    assert_eq!(ids(&up), made[2..]);
    let down = history.latest(everything, 2).await.unwrap();
    assert_eq!(ids(&down), [made[2], made[1]]);
    assert!(down.iter().all(|found| !found.retired));
    let down = history.latest(Span(0, down[1].row), 2).await.unwrap();
    assert_eq!(ids(&down), made[..1]);
    let issued = history.issuances(-1, 2).await.unwrap();
    assert_eq!((issued.len(), issued[0].1.entry), (2, made[0]));
    let rest = history.issuances(issued[1].0, 2).await.unwrap();
    assert_eq!(rest[0].1.entry, made[2]);
    assert!(history.revocations(-1, 9).await.unwrap().is_empty());
    let events = history.events(-1, 4).await.unwrap();
    let events = history.events(events[3].number, 99).await.unwrap();
    assert_eq!(events.len(), 9 - 4);
    let now = jiff::Timestamp::now();
    let long_ago = Span::of(None, now.checked_sub(LONG).ok());
    assert!(history.oldest(long_ago, 9).await.unwrap().is_empty());
    let of_late = Span::of(now.checked_sub(LONG).ok(), None);
    assert_eq!(history.oldest(of_late, 9).await.unwrap().len(), 3);
}

pub(crate) async fn events_are_found_by_their_entry(place: &Place) {
    let journal = place.open_sql().await;
    let (wanted, _) = enrolled(&journal, "a").await;
    enrolled(&journal, "b").await;
    begun(&journal, &entry("c"), NONE).await;
    let history = history(place).await;
    let (row, _) = history.entry(&wanted.id).await.unwrap().unwrap();
    let events = history.events_of(row, &wanted.id).await.unwrap();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.entry == Some(wanted.id)));
}
