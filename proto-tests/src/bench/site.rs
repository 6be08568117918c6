//! The programs that are measured, and their configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::cells::{DEFAULT, LEAN, LEAN_UPSTREAM, SALTED, STUBBORN};
use super::daemon::Daemon;
use super::postgres;
use crate::certs::{Issuer, Pki, pkcs8_pem, write};
use crate::https::HttpsClient;
use crate::port::Port;

/// What both sides of every MAC share.
pub(crate) const SECRET: &str = "secret-of-the-benchmark-51c0";
/// What it is known by.
pub(crate) const REFERENCE: &str = "bench";

/// Keys, certificates and the folder they are in.
pub(crate) struct Site {
    folder: PathBuf,
    certway_ra: PathBuf,
    pki: Pki,
    /// Where a CA would be that takes its time: see [`super::stubborn`].
    pub(crate) stubborn: Port,
}

/// The CA: certway-ra over its embedded CA, journal in memory.
pub(crate) struct Ca {
    pub(crate) program: Daemon,
    pub(crate) cmp: Port,
    _rest: Port,
}

/// certway-ra before it.
pub(crate) struct Ra {
    pub(crate) program: Daemon,
    pub(crate) rest: Port,
    pub(crate) cmp: Port,
    /// From its start until the first client had its TLS connection.
    pub(crate) ready: Duration,
}

/// Where the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Journal {
    Memory,
    Sqlite,
    Postgres,
}

impl Journal {
    /// Those that can be measured here: PostgreSQL only where [`postgres::URL`] names one.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Memory, Self::Sqlite];
        all.extend(postgres::url().map(|_| Self::Postgres));
        all
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "in memory",
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Site {
    /// Makes a PKI in `folder`.
    pub(crate) fn new(folder: &Path, certway_ra: PathBuf) -> Result<Self> {
        ensure!(
            certway_ra.is_file(),
            "{} is missing; ./proto-tests/bench builds it",
            certway_ra.display()
        );
        let root = Issuer::root("C=US,O=Certway Bench,CN=Root CA");
        let issuing = root.issuing("C=US,O=Certway Bench,CN=Issuing CA");
        let pki = Pki::new();
        let file = |name: &str, content: &str| write(folder, name, content);
        file("ca/root.key", &pkcs8_pem(&root.key));
        file("ca/root.crt", &root.certificate.to_pem());
        file("ca/issuing.key", &pkcs8_pem(&issuing.key));
        file("ca/issuing.crt", &issuing.certificate.to_pem());
        file("secret", SECRET);
        file("server.pem", &pki.server.pem());
        file("clients.pem", &pki.root.certificate.to_pem());
        Ok(Self {
            folder: folder.to_owned(),
            certway_ra,
            pki,
            stubborn: Port::free(),
        })
    }

    /// Starts the CA.
    pub(crate) fn ca(&self) -> Result<Ca> {
        let (cmp, rest) = (Port::free(), Port::free());
        let mut program = self.serve("ca.toml", &ca_config(&cmp, &rest))?;
        program.listens_at(cmp.address())?;
        Ok(Ca {
            program,
            cmp,
            _rest: rest,
        })
    }

    /// Starts certway-ra before that CA.
    pub(crate) fn ra(&self, ca: &Ca, journal: Journal) -> Result<Ra> {
        let (rest, cmp) = (Port::free(), Port::free());
        let config = ra_config(ca, self, &rest, &cmp, journal)?;
        let (roots, client) = ([&self.pki.root.certificate], &self.pki.client);
        let client = HttpsClient::tls(rest.address(), &roots, Some(client));
        let start = Instant::now();
        let mut program = self.serve("ra.toml", &config)?;
        program.listens_at(rest.address())?;
        client.connect().context("the first connection")?;
        let ready = start.elapsed();
        program.listens_at(cmp.address())?;
        Ok(Ra {
            program,
            rest,
            cmp,
            ready,
        })
    }

    /// The file of the journal on SQLite.
    pub(crate) fn sqlite(&self) -> PathBuf {
        self.folder.join("journal.db")
    }

    /// Forgets what was enrolled.
    pub(crate) fn forget(&self) -> Result<()> {
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            let path = self.folder.join(name);
            if path.exists() {
                std::fs::remove_file(path)?;
            }
        }
        postgres::forget()
    }

    /// Who the load clients are to REST.
    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>> {
        let der = |certificate: &pki::Certificate| CertificateDer::from(certificate.der().to_vec());
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.pki.root.certificate))?;
        let client = &self.pki.client;
        let key = PrivateKeyDer::Pkcs8(client.key.to_pkcs8_der()?.to_vec().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(client.chain.iter().map(der).collect(), key)?;
        Ok(Arc::new(config))
    }

    fn serve(&self, name: &str, config: &str) -> Result<Daemon> {
        let path = write(&self.folder, name, config);
        Daemon::serve(&self.certway_ra, Path::new(&path))
    }
}

fn ca_config(cmp: &Port, rest: &Port) -> String {
    let (cmp, rest) = (cmp.number(), rest.number());
    format!(
        r#"
[listen]
address = "127.0.0.1"
port = {rest}
[listen.cmp]
address = "127.0.0.1"
port = {cmp}
[log]
filter = "warn,server::serve=info"

[authorities.ca.local]
folder = "ca"

[profiles.any]
authority = "ca"
on_change = "accept"
sans = ["dns"]

[labels.CA]
profile = "any"
[labels.CA.cmp.clients.{REFERENCE}]
secret = {{ file = "secret" }}
acts_as_ra = true
"#
    )
}

fn ra_config(ca: &Ca, site: &Site, rest: &Port, cmp: &Port, journal: Journal) -> Result<String> {
    let (rest, cmp, upstream) = (rest.number(), cmp.number(), ca.cmp.number());
    let journal = match journal {
        Journal::Memory => String::new(),
        Journal::Sqlite => "[journal]\nurl = \"sqlite://journal.db?mode=rwc\"\n".to_owned(),
        Journal::Postgres => {
            let url = postgres::url().context("no PostgreSQL is named")?;
            format!("[journal]\nurl = \"{url}\"\n")
        }
    };
    let labels: String = [
        (LEAN, upstream, LEAN_UPSTREAM, ""),
        (
            SALTED,
            upstream,
            LEAN_UPSTREAM,
            ", salt = \"per-transaction\"",
        ),
        (DEFAULT, upstream, "", ""),
        (STUBBORN, site.stubborn.number(), LEAN_UPSTREAM, ""),
    ]
    .map(|(name, port, more, salt)| {
        format!(
            r#"
[authorities.{name}.cmp]
url = "http://127.0.0.1:{port}/.well-known/cmp/p/CA"
mac = {{ reference = "{REFERENCE}", secret = {{ file = "secret" }}{salt} }}
{more}
[profiles.{name}]
authority = "{name}"
anchors = ["ca/root.crt"]
sans = ["dns"]
[labels.{name}]
profile = "{name}"
[labels.{name}.cmp.clients.{REFERENCE}]
secret = {{ file = "secret" }}
"#
        )
    })
    .concat();
    Ok(format!(
        r#"
[listen]
address = "127.0.0.1"
port = {rest}
tls = {{ keystore = "server.pem" }}
client_ca = {{ truststore = "clients.pem" }}
[listen.cmp]
address = "127.0.0.1"
port = {cmp}
{journal}{labels}"#
    ))
}
