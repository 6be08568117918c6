//! A CMP CA to stand behind: certway-ra over its embedded CA, in a process of its own.

use std::net::SocketAddr;
use std::path::Path;

use pki::Certificate;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::certs::{Issuer, write};
use crate::port::Port;
use crate::program::{Launch, Program};
use crate::record::Ledger;

/// The secret every client of it shares: `authentication.iak` of CertService.
pub const SECRET: &str = "iak-of-the-tests-8d2f";
/// What it is known by: `authentication.rv`.
pub const REFERENCE: &str = "rv-of-the-tests";
/// Its issuing CA's name, in the order of encoding.
pub const ISSUER_DN: &str = "C=US,O=Certway Tests,CN=Issuing CA";

/// Where what it issued is written down.
enum Journal {
    Memory,
    File,
}

/// The CA.
pub struct EmbeddedCa {
    /// Its process.
    pub program: Program,
    /// Its root.
    pub root: Certificate,
    /// Its issuing CA.
    pub issuing: Certificate,
    cmp: Port,
    rest: Port,
    folder: TempDir,
}

impl EmbeddedCa {
    /// Starts one. It takes ir, cr, kur and the rest at [`EmbeddedCa::url`], under [`SECRET`] or signed with a certificate it issued.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same, with more lines in `[authorities.ca.local]`: `validity = "2 days"`.
    pub fn start_with(local: &str) -> Self {
        Self::launch(local, Journal::File, "")
    }

    /// One whose own journal is no part of what is measured: it forgets with the process, and cannot be asked for records.
    pub fn forgetful() -> Self {
        Self::launch("", Journal::Memory, "")
    }

    /// One that ends itself at that step of the line, as if killed: see `CERTWAY_STOP_AT`.
    pub fn stopping_at(step: &str) -> Self {
        Self::launch("", Journal::File, step)
    }

    /// Waits until it has ended itself, and starts it again on the same journal, with its leases over.
    ///
    /// # Panics
    /// When it ended otherwise, or does not.
    pub fn resurrect(&mut self) {
        let status = self.program.wait();
        assert!(status.code().is_none(), "it has not been killed: {status}");
        self.ledger().let_leases_end();
        self.program
            .restart_with(2, |launch| launch.without_env("CERTWAY_STOP_AT"));
    }

    fn launch(local: &str, journal: Journal, stop_at: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Issuer::root("C=US,O=Certway Tests,CN=Root CA");
        let issuing = root.issuing(ISSUER_DN);
        let file = |name: &str, content: &str| write(folder.path(), name, content);
        file("ca/root.key", &crate::certs::pkcs8_pem(&root.key));
        file("ca/root.crt", &root.certificate.to_pem());
        file("ca/issuing.key", &crate::certs::pkcs8_pem(&issuing.key));
        file("ca/issuing.crt", &issuing.certificate.to_pem());
        file("secret", SECRET);
        let (cmp, rest) = (Port::free(), Port::free());
        let journal = match journal {
            Journal::Memory => String::new(),
            Journal::File => format!(
                "[journal]\nurl = \"sqlite://{}/journal.db\"\n",
                folder.path().display()
            ),
        };
        let config = file("ca.toml", &config(&cmp, &rest, &journal, local));
        let launch = Launch::certway_ra(folder.path()).env("CERTWAY_STOP_AT", stop_at);
        let program = launch.args(["serve", "--config", &config]).start(2);
        Self {
            program,
            root: root.certificate,
            issuing: issuing.certificate,
            cmp,
            rest,
            folder,
        }
    }

    /// Where it takes CMP.
    pub fn url(&self) -> String {
        format!("http://{}/.well-known/cmp/p/CA", self.cmp.address())
    }

    /// Where that is.
    pub fn cmp(&self) -> SocketAddr {
        self.cmp.address()
    }

    /// The port of its REST interface; plain HTTP.
    pub fn rest(&self) -> &Port {
        &self.rest
    }

    /// Its entry in a `cmpServers.json`, under that name.
    pub fn entry(&self, name: &str) -> Value {
        json!({
            "caName": name,
            "url": self.url(),
            "issuerDN": ISSUER_DN,
            "authentication": { "iak": SECRET, "rv": REFERENCE },
        })
    }

    /// The same, with its root as the one that answers and certificates have to chain to: ours, CertService knows no such member. A CA
    /// that follows RFC 9483 shows its root in `ip` alone, so updates need it.
    pub fn trusted_entry(&self, name: &str) -> Value {
        let mut entry = self.entry(name);
        entry["trustedCerts"] = self.root.to_pem().into();
        entry
    }

    /// What its journal says about that subject.
    pub fn records(&self, subject: &pki::Name) -> Vec<crate::record::Record> {
        self.ledger().of(subject)
    }

    /// Whether its journal says that the certificate is revoked.
    pub fn is_revoked(&self, certificate: &Certificate) -> bool {
        self.ledger().is_revoked(certificate)
    }

    fn ledger(&self) -> Ledger {
        Ledger::file(&self.folder.path().join("journal.db"))
    }

    /// How many certificates it has issued.
    pub fn issued(&self) -> i64 {
        issued(&self.folder.path().join("journal.db"))
    }

    /// How many certificates it has revoked.
    pub fn revoked(&self) -> i64 {
        revoked(&self.folder.path().join("journal.db"))
    }
}

/// How many certificates a journal on SQLite knows of.
pub fn issued(journal: &Path) -> i64 {
    count(journal, "SELECT count(*) FROM issuance")
}

/// How many of a journal's certificates are revoked.
pub fn revoked(journal: &Path) -> i64 {
    count(journal, "SELECT count(*) FROM revocation")
}

/// How many of a journal's requests stand anywhere but at their beginning.
pub fn moved(journal: &Path) -> i64 {
    count(journal, "SELECT count(*) FROM outcome")
}

fn count(journal: &Path, query: &'static str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let url = format!("sqlite://{}?mode=ro", journal.display());
    runtime.block_on(async {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let counted = sqlx::query_scalar(query);
        counted.fetch_one(&mut connection).await.unwrap()
    })
}

fn config(cmp: &Port, rest: &Port, journal: &str, local: &str) -> String {
    let (cmp, rest) = (cmp.number(), rest.number());
    format!(
        r#"
[listen]
address = "127.0.0.1"
port = {rest}
[listen.cmp]
address = "127.0.0.1"
port = {cmp}

{journal}
[log]
filter = "debug,hyper=info,sqlx=info,reqwest=info"

[authorities.ca.local]
folder = "ca"
{local}

[profiles.any]
authority = "ca"
on_change = "accept"
sans = ["dns", "ip", "email", "uri", "directory", "registered-id", "other"]
keys = ["rsa:2048-8192", "ec:P-256", "ec:P-384", "ec:P-521", "ed25519"]

[labels.CA]
profile = "any"
[labels.CA.cmp]
# CertService's MAC: SHA-1 throughout.
sha1 = "everywhere"
signer = {{ keystore = "ca/issuing.crt", key = "ca/issuing.key" }}
[labels.CA.cmp.clients.{REFERENCE}]
secret = {{ file = "secret" }}
acts_as_ra = true
"#
    )
}
