//! What a journal says, read beside the programs that write it.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use pki::{Certificate, Name};
use sqlx::{AnyConnection, Row as _};

use crate::postgres::connected;

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

/// One decision as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub kind: String,
    /// About which request, in hexadecimal.
    pub entry: Option<String>,
    /// Who asked.
    pub credential: String,
    /// Which certificate.
    pub serial: Option<String>,
    /// Under which name.
    pub correlation: Option<String>,
}

/// A journal: a file of SQLite or a database of PostgreSQL.
#[derive(Clone, Debug)]
pub struct Ledger {
    url: String,
}

impl Ledger {
    /// That of a file.
    pub fn file(journal: &Path) -> Self {
        Self::at(format!("sqlite://{}", journal.display()))
    }

    /// That of a URL, as `journal.url` has it.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every request, oldest first.
    pub fn all(&self) -> Vec<Record> {
        self.look(async |connection| {
            let audit = sqlx::query("SELECT entry, kind FROM audit WHERE entry IS NOT NULL ORDER BY id");
            // A key may have been begun more than once: what ended without a certificate gives it away.
            let mut decided: HashMap<Vec<u8>, VecDeque<Vec<String>>> = HashMap::new();
            for row in audit.fetch_all(&mut *connection).await.unwrap() {
                let of_key = decided.entry(row.get("entry")).or_default();
                let kind: String = row.get("kind");
                if kind == "begun" || of_key.is_empty() {
                    of_key.push_back(Vec::new());
                }
                of_key.back_mut().unwrap().push(kind);
            }
            let rows = sqlx::query(
                "SELECT j.id, j.ikey, i.certificate, r.id AS running FROM journal j \
                 LEFT JOIN issuance i ON i.id = j.id LEFT JOIN running r ON r.id = j.id ORDER BY j.id",
            );
            let rows = rows.fetch_all(connection).await.unwrap();
            let mut record = |row: &sqlx::any::AnyRow| Record {
                certificate: row
                    .get::<Option<Vec<u8>>, _>("certificate")
                    .map(|der| Certificate::from_der(der).unwrap()),
                history: decided
.get_mut(&row.get::<Vec<u8>, _>("ikey"))
.and_then(VecDeque::pop_front)
.unwrap_or_default(),
                runs: row.get::<Option<i64>, _>("running").is_some(),
            };
            rows.iter().map(&mut record).collect()
        })
    }

    /// Every decision, oldest first.
    pub fn decisions(&self) -> Vec<Decision> {
        self.look(async |connection| {
            let audit = sqlx::query(
                "SELECT kind, entry, credential, serial, correlation FROM audit ORDER BY id",
            );
            let rows = audit.fetch_all(connection).await.unwrap();
            let decision = |row: &sqlx::any::AnyRow| Decision {
                kind: row.get("kind"),
                entry: row.get::<Option<Vec<u8>>, _>("entry").map(hex::encode),
                credential: row.get("credential"),
                serial: row.get("serial"),
                correlation: row.get("correlation"),
            };
            rows.iter().map(decision).collect()
        })
    }

    /// The correlation ids of the requests, oldest first.
    pub fn correlations(&self) -> Vec<Option<String>> {
        self.look(async |connection| {
            let rows = sqlx::query("SELECT correlation FROM journal ORDER BY id");
            let rows = rows.fetch_all(connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    /// Those with a certificate for that subject.
    pub fn of(&self, subject: &Name) -> Vec<Record> {
        let mut records = self.all();
        records.retain(|record| {
            let certificate = record.certificate.as_ref();
            certificate.is_some_and(|certificate| certificate.subject() == subject)
        });
        records
    }

    /// Whether a revocation of that certificate is there.
    pub fn is_revoked(&self, certificate: &Certificate) -> bool {
        let serial = certificate.serial().to_vec();
        self.look(async |connection| {
            let count = sqlx::query_scalar("SELECT count(*) FROM revocation WHERE serial = $1");
            let count: i64 = count.bind(serial).fetch_one(connection).await.unwrap();
            count > 0
        })
    }

    /// As if the leases of all claims had run out, which takes ten seconds at least. For claims of a program that is gone or stopped:
    /// one that is at work would be taken for dead.
    pub fn let_leases_end(&self) {
        self.look(async |connection| {
            let update = "UPDATE running SET lease_until = 0, due = CASE WHEN due IS NULL THEN NULL ELSE 1 END \
                 WHERE lease_until > 0";
            sqlx::query(update).execute(connection).await.unwrap();
        });
    }

    fn look<T>(&self, work: impl AsyncFnOnce(&mut AnyConnection) -> T) -> T {
        connected(&self.url, work).unwrap()
    }
}
