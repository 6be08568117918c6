//! Places where no journal can be: the error says what is wrong and what to do.

use std::time::Duration;

use ra::{Journal as _, JournalError, Phase};
use store::{Options, SqlJournal, Target};

use crate::requests::{LONG, begun, end, entry, refusal, sealed};
use crate::world::Place;

async fn refused(url: &str) -> String {
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(why) => return why.to_string(),
    };
    let options = Options {
        start_within: Duration::ZERO,
        ..Options::default()
    };
    match SqlJournal::open(&target, options).await {
        Err(JournalError::Unavailable(why)) => why,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("opened"),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let place = Place::sqlite().await.unwrap();
    let file = place.dir().join("journal.db");
    let junk = vec![0x5a; 8192];
    std::fs::write(&file, &junk).unwrap();
    let why = refused(place.url()).await;
    assert!(
        why.contains("not a database") && why.contains("restore it from a backup"),
        "{why}"
    );
    assert_eq!(std::fs::read(&file).unwrap(), junk);
}

#[tokio::test]
async fn a_file_with_damaged_pages_gives_an_error_and_no_entry() {
    let place = Place::sqlite().await.unwrap();
    let journal = place.open_sql().await;
    for n in 0..50 {
        begun(&journal, &entry(&n.to_string()), LONG).await;
    }
    journal.close().await;
    let file = place.dir().join("journal.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // The schema stays, everything behind it goes.
    let rest = bytes.len() / 4;
    bytes[rest..].fill(0x5a);
    std::fs::write(&file, &bytes).unwrap();
    // Opening looks at some pages and finding at others.
    let why = match SqlJournal::open(&place.target(), Options::default()).await {
        Ok(journal) => journal.find(&entry("7").id).await.unwrap_err(),
        Err(error) => error,
    };
    let why = why.to_string();
    assert!(why.contains("restore it from a backup"), "{why}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let place = Place::sqlite().await.unwrap();
    let file = place.dir().join("no/such/journal.db");
    let why = refused(&format!("sqlite://{}", file.display())).await;
    assert!(
        why.contains("no/such/journal.db") && why.contains("check that the directory exists"),
        "{why}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_refused_at_once() {
    let place = Place::sqlite().await.unwrap();
    place.open_sql().await.close().await;
    let why = refused(&format!("{}?mode=ro", place.url())).await;
    assert!(
        why.contains("write access") || why.contains("may write to"),
        "{why}"
    );
}

#[tokio::test]
async fn a_journal_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://x?mode=memory"] {
        assert!(refused(url).await.contains("would forget"));
    }
}

#[tokio::test]
async fn another_kind_of_url_is_refused_and_not_repeated() {
    for url in [
        "mysql://user:secret@host/db",
        "journal.db",
        "",
        "postgres://user:secret@[host/db",
    ] {
        let why = refused(url).await;
        assert!(
            why.contains("sqlite://") && !why.contains("secret"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_the_password() {
    let why = refused("postgres://user:secret@127.0.0.1:1/db").await;
    assert!(
        why.contains("is it running?") && !why.contains("secret"),
        "{why}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite().await.unwrap();
    let journal = place.open_sql().await;
    begun(&journal, &entry("a"), LONG).await;
    for name in ["journal.db", "journal.db-wal"] {
        let mode = std::fs::metadata(place.dir().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn what_was_sealed_for_the_ca_is_gone_from_the_file_once_the_entry_has_ended() {
    let place = Place::sqlite().await.unwrap();
    let journal = place.open_sql().await;
    let holds = || {
        let files = ["journal.db", "journal.db-wal"]
            .map(|name| std::fs::read(place.dir().join(name)).unwrap_or_default());
        files
            .concat()
            .windows(15)
            .any(|window| window == b"pbm-under-guard")
    };
    let entry = ra::Entry {
        upstream: sealed("pbm-under-guard"),
        ..entry("a")
    };
    let claim = begun(&journal, &entry, LONG).await;
    assert!(holds());
    journal
        .write(&claim, end(&entry, Phase::Refused(refusal())))
        .await
        .unwrap();
    journal.close().await;
    assert!(!holds());
}
