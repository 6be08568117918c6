//! docs/OPERATIONS.md, done as it says: backed up and restored, upgraded, and keys rotated with both at work in between.

use std::path::Path;

use proto_tests::postgres::{self, Database};
use proto_tests::{Answer, HttpsClient, Launch, Native, NativeSetup, peer};

use crate::enrollment::{CERTIFICATES, Enrollment, client, issued};

fn started(change: impl FnOnce(Launch) -> Launch) -> Native {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    let launch = change(setup.launch(&config));
    setup.start_as(launch)
}

/// What was answered before is answered the same, and what nobody knows is begun.
#[track_caller]
fn knows(native: &Native, before: &Enrollment, answered: &Answer) {
    let again = before.send(&client(native)).unwrap();
    assert_eq!(again.json()["certificate"], answered.json()["certificate"]);
    issued(&Enrollment::of("afterwards").send(&client(native)).unwrap());
}

#[test]
fn sqlite_is_backed_up_while_it_runs_and_what_is_restored_answers_as_before() {
    if peer::missing("sqlite3") {
        return;
    }
    let mut native = started(|launch| launch);
    let (before, since) = (Enrollment::of("before"), Enrollment::of("since"));
    let answered = before.send(&client(&native)).unwrap();
    issued(&answered);
    let folder = native.setup.folder().to_owned();
    sqlite(&folder, ".backup 'backup.db'");
    let lost = since.send(&client(&native)).unwrap();
    issued(&lost);

    native.program.terminate();
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let _not_there = std::fs::remove_file(folder.join(name));
    }
    std::fs::rename(folder.join("backup.db"), folder.join("journal.db")).unwrap();
    native.program.restart(2);
    knows(&native, &before, &answered);
    // What the page warns of.
    let second = since.send(&client(&native)).unwrap();
    issued(&second);
    assert_ne!(second.json()["certificate"], lost.json()["certificate"]);
}

#[test]
fn postgresql_is_dumped_while_it_runs_and_what_is_restored_answers_as_before() {
    if postgres::missing() || peer::missing("pg_dump") || peer::missing("psql") {
        return;
    }
    let (database, restored) = (Database::new(), Database::new());
    let mut native = started(|launch| launch.env("CERTWAY_RA_JOURNAL__URL", database.url()));
    let before = Enrollment::of("before");
    let answered = before.send(&client(&native)).unwrap();
    issued(&answered);
    let folder = native.setup.folder().to_owned();
    let from = format!("--dbname={}", database.url());
    peer::run("pg_dump", &folder, &[&from, "--file=journal.sql"]);
    native.program.terminate();
    let into = format!("--dbname={}", restored.url());
    let arguments = ["-q", "-v", "ON_ERROR_STOP=1", &into, "-f", "journal.sql"];
    peer::run("psql", &folder, &arguments);
    let url = restored.url();
    native
        .program
        .restart_with(2, |launch| launch.env("CERTWAY_RA_JOURNAL__URL", url));
    knows(&native, &before, &answered);
}

#[test]
fn a_journal_of_any_earlier_schema_is_upgraded_by_starting_and_answers_as_before() {
    if peer::missing("sqlite3") {
        return;
    }
    let second = "DROP INDEX audit_journal_id; ALTER TABLE audit DROP COLUMN journal_id; DROP TABLE issuer; \
         DELETE FROM _sqlx_migrations WHERE version > 2;";
    let first = "ALTER TABLE audit DROP COLUMN correlation; ALTER TABLE journal DROP COLUMN correlation; \
         DELETE FROM _sqlx_migrations WHERE version > 1;";
    for undo in [second.to_owned(), format!("{second} {first}")] {
        let mut native = started(|launch| launch);
        let before = Enrollment::of("before");
        let answered = before.send(&client(&native)).unwrap();
        issued(&answered);
        native.program.terminate();
        sqlite(native.setup.folder(), &undo);
        native.program.restart(2);
        knows(&native, &before, &answered);
    }
}

fn sqlite(folder: &Path, command: &str) {
    peer::run("sqlite3", folder, &["journal.db", command]);
}

#[test]
fn the_secret_of_a_cmp_client_is_rotated_with_both_at_work_until_the_old_one_is_taken_out() {
    if peer::missing("openssl") {
        return;
    }
    let native = started(|launch| launch);
    let both = std::fs::read_to_string(native.setup.path("certway.toml")).unwrap();
    let new = "new-secret-of-device-1-81d2";
    native.setup.write("new-secret", new);
    let old_client = "clients.device-1 = { secret = { file = \"secret\" } }";
    let new_client = "clients.device-1b = { secret = { file = \"new-secret\" } }";
    let both = both.replace(old_client, &format!("{old_client}\n{new_client}"));
    assert!(both.contains(new_client));
    native.setup.write("certway.toml", &both);
    reload(&native);
    let asks = |reference: &str, secret: &str| {
        let cmp = native.openssl("ir").mac(reference, secret);
        cmp.new_key(&proto_tests::Keys::ec()).subject("/CN=a").run()
    };
    asks("device-1", proto_tests::native::SECRET).certificate();
    asks("device-1b", new).certificate();
    native
        .setup
        .write("certway.toml", both.replace(old_client, ""));
    reload(&native);
    assert_ne!(
        asks("device-1", proto_tests::native::SECRET).ended.code,
        Some(0)
    );
    asks("device-1b", new).certificate();
}

#[test]
fn a_bearer_token_is_rotated_with_both_at_work_until_the_old_one_is_taken_out() {
    let digest = |token: &str| hex::encode(pki::digest::sha256(token.as_bytes()));
    let (old, new) = (digest("old-token-of-a-test"), digest("new-token-of-a-test"));
    let callers = |tokens: &[&String]| format!("[callers.portal]\ntoken_sha256 = {tokens:?}\n");
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "") + &callers(&[&old]);
    let native = setup.start(&config);
    let file = std::fs::read_to_string(native.setup.path("certway.toml")).unwrap();
    let write = |tokens: &[&String]| {
        let changed = file.replace(&callers(&[&old]), &callers(tokens));
        native.setup.write("certway.toml", changed);
        reload(&native);
    };
    let anonymous = native.rest(None);
    // Its owner stays the same, whichever token it is asked with.
    let answered = with_token(&anonymous, "old-token-of-a-test");
    assert_eq!(answered.status, 201, "{}", answered.text());
    assert_eq!(with_token(&anonymous, "new-token-of-a-test").status, 401);
    write(&[&old, &new]);
    for token in ["old-token-of-a-test", "new-token-of-a-test"] {
        let again = with_token(&anonymous, token);
        assert_eq!(again.json()["certificate"], answered.json()["certificate"]);
    }
    write(&[&new]);
    assert_eq!(with_token(&anonymous, "old-token-of-a-test").status, 401);
    let again = with_token(&anonymous, "new-token-of-a-test");
    assert_eq!(again.json()["certificate"], answered.json()["certificate"]);
}

fn with_token(client: &HttpsClient, token: &str) -> Answer {
    static CSR: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        proto_tests::v1::csr(
            "CN=portal",
            &["dns:portal.example"],
            &proto_tests::Keys::ec(),
        )
    });
    let bearer = format!("Bearer {token}");
    let fields = [
        ("Content-Type", "application/x-pem-file"),
        ("Idempotency-Key", "portal"),
        ("Authorization", &bearer),
    ];
    client.request("POST", CERTIFICATES, &fields, CSR.as_bytes())
}

/// What is wrong would be said here.
fn reload(native: &Native) {
    let answer = client(native).get("/reload", &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let metrics = native.program.admin().get("/metrics", &[]).text();
    assert!(metrics.contains("certway_config_last_reload_successful 1"));
}
