//! What a journal on SQLite says, read beside the program that writes it.

use std::path::Path;

use pki::{Certificate, Name};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

/// One request and what became of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its certificate, if there is one.
    pub certificate: Option<Certificate>,
    /// What was decided about it, oldest first: `begun`, `issued`, `confirming`, `confirmed`, `withdrawn`, `lost`, …
    pub history: Vec<String>,
    /// Whether it is still carried on.
    pub runs: bool,
}

impl Record {
    /// What was decided last.
    pub fn end(&self) -> &str {
        self.history.last().map_or("", String::as_str)
    }
}

/// Every request of a journal, oldest first.
pub fn all(journal: &Path) -> Vec<Record> {
    run(journal, true, async |connection| {
        let rows = sqlx::query(
            "SELECT j.id, i.certificate, r.id IS NOT NULL AS runs, \
             (SELECT group_concat(kind, ' ') FROM \
              (SELECT kind FROM audit WHERE audit.entry = j.ikey ORDER BY audit.id)) AS history \
             FROM journal j LEFT JOIN issuance i ON i.id = j.id LEFT JOIN running r ON r.id = j.id ORDER BY j.id",
        );
        let rows = rows.fetch_all(connection).await.unwrap();
        let record = |row: &sqlx::sqlite::SqliteRow| Record {
            certificate: row
                .get::<Option<Vec<u8>>, _>("certificate")
                .map(|der| Certificate::from_der(der).unwrap()),
            history: row
                .get::<Option<String>, _>("history")
                .unwrap_or_default()
                .split(' ')
                .map(ToOwned::to_owned)
                .collect(),
            runs: row.get("runs"),
        };
        rows.iter().map(record).collect()
    })
}

/// Those with a certificate for that subject.
pub fn of(journal: &Path, subject: &Name) -> Vec<Record> {
    let mut records = all(journal);
    records.retain(|record| {
        let certificate = record.certificate.as_ref();
        certificate.is_some_and(|certificate| certificate.subject() == subject)
    });
    records
}

/// Whether a revocation of that certificate is in a journal.
pub fn is_revoked(journal: &Path, certificate: &Certificate) -> bool {
    let serial = certificate.serial().to_vec();
    run(journal, true, async |connection| {
        let count = sqlx::query_scalar("SELECT count(*) FROM revocation WHERE serial = $1");
        let count: i64 = count.bind(serial).fetch_one(connection).await.unwrap();
        count > 0
    })
}

/// As if the leases that a killed program held had run out, which takes ten seconds at least. For a journal that no program has open.
pub fn let_leases_end(journal: &Path) {
    run(journal, false, async |connection| {
        let update = "UPDATE running SET lease_until = 0, due = CASE WHEN due IS NULL THEN NULL ELSE 1 END \
             WHERE lease_until > 0";
        sqlx::query(update).execute(connection).await.unwrap();
    });
}

fn run<T>(
    journal: &Path,
    read_only: bool,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(journal)
            .read_only(read_only);
        let mut connection = options.connect().await.unwrap();
        work(&mut connection).await
    })
}
