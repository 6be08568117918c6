//! certway-ra as ONAP's CertService: environment, `cmpServers.json`, stores, and clients that it takes.

use std::path::{Path, PathBuf};

use pki::Certificate;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ca::EmbeddedCa;
use crate::certs::{Identity, PASSWORD, Pki, truststore_jks, write};
use crate::https::HttpsClient;
use crate::port::Port;
use crate::program::{Launch, Program};

/// The files and the environment of a service that was not started yet.
pub struct Setup {
    /// Who trusts whom.
    pub pki: Pki,
    /// Where it will listen.
    pub port: Port,
    folder: TempDir,
}

/// A service that runs.
pub struct Service {
    /// Its process.
    pub program: Program,
    /// A client it takes: [`Pki::client`].
    pub client: HttpsClient,
    /// Its files.
    pub setup: Setup,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// JKS stores, as CertService's chart has them, and no `cmpServers.json` yet.
    pub fn new() -> Self {
        let setup = Self {
            pki: Pki::new(),
            port: Port::free(),
            folder: tempfile::tempdir().unwrap(),
        };
        setup.write("certs/keystore.jks", setup.pki.server.jks());
        setup.write(
            "certs/truststore.jks",
            truststore_jks(&[&setup.pki.root.certificate]),
        );
        setup
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in it, and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        write(self.folder.path(), name, content)
    }

    /// Writes `cmpServers.json`.
    pub fn servers(&self, entries: &[Value]) {
        let content = json!({ "cmpv2Servers": entries });
        self.write("cmpServers.json", content.to_string());
    }

    /// How it is started: no argument, and CertService's environment. Tests change this before they start it.
    pub fn launch(&self) -> Launch {
        let path = |name: &str| self.path(name);
        Launch::certway_ra(self.folder())
            .env("HTTPS_PORT", self.port.number().to_string())
            .env("KEYSTORE_PATH", path("certs//keystore.jks"))
            .env("KEYSTORE_PASSWORD", PASSWORD)
            .env("TRUSTSTORE_PATH", path("certs//truststore.jks"))
            .env("TRUSTSTORE_PASSWORD", PASSWORD)
            .env("APP_CONFIG_PATH", self.folder())
            .env("CERTWAY_JOURNAL", path("journal.db"))
            // Ours, for the tests: nothing listens beyond this machine, and nothing is left out of the log.
            .env("CERTWAY_RA_LISTEN__ADDRESS", "127.0.0.1")
            .env(
                "CERTWAY_RA_LOG__FILTER",
                "debug,hyper=info,sqlx=info,reqwest=info",
            )
    }

    /// Starts it.
    pub fn start(self) -> Service {
        let launch = self.launch();
        self.start_as(launch)
    }

    /// Starts it another way than [`Setup::launch`] says.
    pub fn start_as(self, launch: Launch) -> Service {
        let program = launch.start(1);
        let client = self.client(Some(&self.pki.client));
        Service {
            program,
            client,
            setup: self,
        }
    }

    /// A client of that identity, or of none.
    pub fn client(&self, identity: Option<&Identity>) -> HttpsClient {
        HttpsClient::tls(self.port.address(), &[&self.pki.root.certificate], identity)
    }
}

impl Service {
    /// Before that CA, under the names `RA` and `Client`.
    pub fn before(ca: &EmbeddedCa) -> Self {
        Self::with(&[ca.entry("RA"), ca.entry("Client")])
    }

    /// With those entries of `cmpServers.json`.
    pub fn with(entries: &[Value]) -> Self {
        let setup = Setup::new();
        setup.servers(entries);
        setup.start()
    }

    /// Whoever has one of these certificates' keys can show it to the service.
    pub fn trust(&self) -> &Certificate {
        &self.setup.pki.root.certificate
    }

    /// Its log up to now.
    pub fn log(&self) -> String {
        self.program.output().text()
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        self.setup.path("journal.db")
    }
}
