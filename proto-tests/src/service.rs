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

/// Everything of ours; what libraries have to say at this level drowns it.
const LOG_FILTER: &str = "debug,hyper=info,hyper_util=info,sqlx=info,reqwest=info,rustls=info,rustls_platform_verifier=info";

/// Takes every request that CertService would.
const OWN_CA: &str = r#"
[authorities.RA.local]
folder = "ca"
root_subject = "C=US,O=Certway Tests,CN=Root CA"
issuing_subject = "C=US,O=Certway Tests,CN=Issuing CA"
[profiles.RA]
authority = "RA"
on_change = "accept"
sans = ["dns", "ip", "email", "uri", "directory", "registered-id", "other"]
[labels.RA]
profile = "RA"
"#;

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
        Self::within(&std::env::temp_dir())
    }

    /// The same in a folder whose end is somebody else's.
    pub fn within(folder: &Path) -> Self {
        let setup = Self {
            pki: Pki::new(),
            port: Port::free(),
            folder: tempfile::tempdir_in(folder).unwrap(),
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
            .env("CERTWAY_RA_LOG__FILTER", LOG_FILTER)
    }

    /// How it is started from a configuration file: the listener's part is written here, the rest is `toml`.
    pub fn launch_from_file(&self, toml: &str) -> Launch {
        let (port, folder) = (self.port.number(), self.folder().display());
        let listen = format!(
            r#"
[listen]
address = "127.0.0.1"
port = {port}
tls = {{ keystore = "certs/keystore.jks", password = {{ file = "password" }} }}
client_ca = {{ truststore = "certs/truststore.jks", password = {{ file = "password" }} }}

[journal]
url = "sqlite://{folder}/journal.db"

[log]
filter = "{LOG_FILTER}"
"#
        );
        self.write("password", PASSWORD);
        let config = self.write("certway-ra.toml", listen + toml);
        Launch::certway_ra(self.folder()).args(["serve", "--config", &config])
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
    /// Configured by a file, over an embedded CA of its own named `RA`: REST v1 without CMP behind it.
    pub fn over_its_own_ca() -> Self {
        let setup = Setup::new();
        let launch = setup.launch_from_file(OWN_CA);
        setup.start_as(launch)
    }

    /// Before that CA, under the names `RA` and `Client`; its root is configured.
    pub fn before(ca: &EmbeddedCa) -> Self {
        Self::with(&[ca.trusted_entry("RA"), ca.trusted_entry("Client")])
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

    /// How many certificates it has issued or passed on.
    pub fn issued(&self) -> i64 {
        crate::ca::issued(&self.journal())
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        self.setup.path("journal.db")
    }
}
