//! certway-ra with a configuration file: CMP on one port without TLS, everything over TLS on another.

use std::path::{Path, PathBuf};

use pki::{Certificate, KeyUsages, Template, usage};
use tempfile::TempDir;

use crate::ca::{EmbeddedCa, issued, revoked};
use crate::certs::{Identity, Issuer, Keys, Pki, dn, write};
use crate::https::HttpsClient;
use crate::openssl::Cmp;
use crate::port::Port;
use crate::program::{Launch, Program};

/// What `device-1` shares with the label `RA`.
pub const SECRET: &str = "secret-of-device-1-5fa0";
/// What `ra-1`, which acts as RA, shares with it.
pub const RA_SECRET: &str = "secret-of-ra-1-c7e2";
/// The label every setup has.
pub const LABEL: &str = "RA";

/// The files of a service that was not started yet.
pub struct NativeSetup {
    /// Servers and clients of TLS.
    pub pki: Pki,
    /// The root of the CA whose devices may sign requests.
    pub devices: Issuer,
    /// The root of the local CA; with a CMP CA behind, of the certificate that signs answers.
    pub root: Issuer,
    /// The local CA; with a CMP CA behind, what issued the certificate that signs answers.
    pub issuing: Issuer,
    /// What stands in `[listen]` beside ports and keys.
    pub listen: String,
    /// What stands in `[log]` beside the filter.
    pub log: String,
    folder: TempDir,
    rest: Port,
    cmp: Port,
}

/// A service that runs.
pub struct Native {
    /// Its process.
    pub program: Program,
    /// Its files.
    pub setup: NativeSetup,
}

impl Default for NativeSetup {
    fn default() -> Self {
        Self::new()
    }
}

impl NativeSetup {
    /// Keys and certificates of everyone.
    pub fn new() -> Self {
        let root = Issuer::root("O=Certway Tests,CN=Root CA");
        let issuing = root.issuing("O=Certway Tests,CN=Issuing CA");
        let setup = Self {
            pki: Pki::new(),
            devices: Issuer::root("O=Devices,CN=Device Root"),
            listen: "client_auth = \"optional\"".to_owned(),
            log: String::new(),
            folder: tempfile::tempdir().unwrap(),
            rest: Port::free(),
            cmp: Port::free(),
            root,
            issuing,
        };
        setup.write("server.pem", setup.pki.server.pem());
        setup.write("clients.pem", setup.pki.root.certificate.to_pem());
        setup.write("devices.pem", setup.devices.certificate.to_pem());
        setup.write("root.pem", setup.root.certificate.to_pem());
        setup.write("secret", SECRET);
        setup.write("ra-secret", RA_SECRET);
        setup.write("signer.pem", setup.signer().pem());
        setup
    }

    /// The same with that in `[listen]`.
    pub fn with_listen(listen: &str) -> Self {
        Self {
            listen: listen.to_owned(),
            ..Self::new()
        }
    }

    /// What signs our answers: a certificate for an RA, of the CA.
    fn signer(&self) -> Identity {
        let key = Keys::ec();
        let mut template = Template::new(
            dn("O=Certway Tests,CN=Certway RA"),
            key.public_key().clone(),
        );
        template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
        template.ext_key_usage = vec![usage::CMC_RA];
        let chain = vec![
            self.issuing.sign(template),
            self.issuing.certificate.clone(),
        ];
        Identity { key, chain }
    }

    /// Writes a file, and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        write(self.folder.path(), name, content)
    }

    /// A file.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The local CA as the authority `ca`.
    pub fn local_authority(&self) -> String {
        let key = |issuer: &Issuer| crate::certs::pkcs8_pem(&issuer.key);
        self.write("ca/root.key", key(&self.root));
        self.write("ca/root.crt", self.root.certificate.to_pem());
        self.write("ca/issuing.key", key(&self.issuing));
        self.write("ca/issuing.crt", self.issuing.certificate.to_pem());
        "[authorities.ca.local]\nfolder = \"ca\"\nconfirmation = \"explicit\"\n".to_owned()
    }

    /// A CMP CA as the authority `ca`, under the shared secret that [`crate::ca`] names; `anchor` is the root it ends in.
    pub fn cmp_authority(&self, url: &str, anchor: &Certificate, more: &str) -> String {
        self.write("ca-secret", crate::ca::SECRET);
        self.write("upstream.pem", anchor.to_pem());
        format!(
            r#"[authorities.ca.cmp]
url = "{url}"
mac = {{ reference = "{}", secret = {{ file = "ca-secret" }} }}
{more}
"#,
            crate::ca::REFERENCE
        )
    }

    /// Profile and label `RA` over the authority `ca`, with more lines for each.
    pub fn label(&self, profile: &str, cmp: &str) -> String {
        let anchors = if self.path("upstream.pem").exists() {
            "anchors = [\"upstream.pem\"]"
        } else {
            ""
        };
        format!(
            r#"
[profiles.any]
authority = "ca"
{anchors}
{profile}

[labels.RA]
profile = "any"
[labels.RA.cmp]
client_ca = ["devices.pem"]
signer = {{ keystore = "signer.pem" }}
{cmp}
clients.device-1 = {{ secret = {{ file = "secret" }} }}
clients.device-2 = {{ secret = {{ file = "ra-secret" }} }}
clients.ra-1 = {{ secret = {{ file = "ra-secret" }}, acts_as_ra = true }}
"#
        )
    }

    /// Starts it with authorities, profiles and labels as given.
    pub fn start(self, rest_of_config: &str) -> Native {
        let launch = self.launch(rest_of_config);
        self.start_as(launch)
    }

    /// Starts it another way than [`NativeSetup::launch`] says.
    pub fn start_as(self, launch: Launch) -> Native {
        Native {
            program: launch.start(2),
            setup: self,
        }
    }

    /// The address of the port with TLS.
    pub fn rest_address(&self) -> std::net::SocketAddr {
        self.rest.address()
    }

    /// The address of the port without TLS.
    pub fn cmp_address(&self) -> std::net::SocketAddr {
        self.cmp.address()
    }

    /// Writes its configuration, and gives how it is started with it.
    pub fn launch(&self, rest_of_config: &str) -> Launch {
        let config = format!(
            r#"
[listen]
address = "127.0.0.1"
port = {}
tls = {{ keystore = "server.pem" }}
client_ca = {{ truststore = "clients.pem" }}
{}
[listen.cmp]
address = "127.0.0.1"
port = {}

[journal]
url = "sqlite://{}"
sweep_every = "100ms"

[log]
filter = "debug,hyper=info,sqlx=info,reqwest=info"
{}

{rest_of_config}
"#,
            self.rest.number(),
            self.listen,
            self.cmp.number(),
            self.path("journal.db").display(),
            self.log,
        );
        let config = self.write("certway.toml", config);
        Launch::certway_ra(self.folder()).args(["serve", "--config", &config])
    }
}

impl Native {
    /// With a CA of its own.
    pub fn local() -> Self {
        Self::local_with("", "")
    }

    /// With a CA of its own, and more lines for profile and label.
    pub fn local_with(profile: &str, cmp: &str) -> Self {
        let setup = NativeSetup::new();
        let config = setup.local_authority() + &setup.label(profile, cmp);
        setup.start(&config)
    }

    /// Before a CMP CA.
    pub fn before(ca: &EmbeddedCa) -> Self {
        Self::before_with(&ca.url(), &ca.root, "", "", "")
    }

    /// Before whatever speaks CMP at that URL, with more lines for authority, profile and label.
    pub fn before_with(
        url: &str,
        anchor: &Certificate,
        authority: &str,
        profile: &str,
        cmp: &str,
    ) -> Self {
        let setup = NativeSetup::new();
        let config = setup.cmp_authority(url, anchor, authority) + &setup.label(profile, cmp);
        setup.start(&config)
    }

    /// Where CMP is taken without TLS, for the label `RA`.
    pub fn cmp_url(&self) -> String {
        format!(
            "http://{}/.well-known/cmp/p/{LABEL}",
            self.setup.cmp.address()
        )
    }

    /// The same over TLS.
    pub fn cmps_url(&self) -> String {
        format!(
            "https://localhost:{}/.well-known/cmp/p/{LABEL}",
            self.setup.rest.number()
        )
    }

    /// A client of the port without TLS.
    pub fn cmp(&self) -> HttpsClient {
        HttpsClient::plain(self.setup.cmp.address())
    }

    /// POSTs octets to the label `RA`, as CMP.
    pub fn post(&self, octets: &[u8]) -> crate::Answer {
        let path = format!("/.well-known/cmp/p/{LABEL}");
        self.cmp().post(&path, "application/pkixcmp", octets)
    }

    /// A client of the port with TLS that shows that certificate, if any.
    pub fn rest(&self, identity: Option<&Identity>) -> HttpsClient {
        let roots = [&self.setup.pki.root.certificate];
        HttpsClient::tls(self.setup.rest.address(), &roots, identity)
    }

    /// An `openssl cmp` with that command, sent to the label `RA` without TLS.
    pub fn openssl(&self, command: &str) -> Cmp {
        Cmp::new(self.setup.folder(), &self.cmp_url(), command)
    }

    /// The same by `device-1` with its secret, for a new key and that subject.
    pub fn enrolling(&self, command: &str, subject: &str) -> Cmp {
        self.openssl(command)
            .mac("device-1", SECRET)
            .new_key(&Keys::ec())
            .subject(subject)
    }

    /// How many certificates were issued.
    pub fn issued(&self) -> i64 {
        issued(&self.setup.path("journal.db"))
    }

    /// How many certificates were revoked.
    pub fn revoked(&self) -> i64 {
        revoked(&self.setup.path("journal.db"))
    }

    /// Its log up to now.
    pub fn log(&self) -> String {
        self.program.output().text()
    }
}
