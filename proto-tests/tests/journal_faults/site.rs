//! certway-ra before a CMP CA, with a journal that things happen to.

use std::io;

use bytes::Bytes;
use pki::{Certificate, Name};
use pkixcmp::client::{Confirmation, Step};
use proto_tests::certs::dn;
use proto_tests::cmp::{self, Shared, Talk};
use proto_tests::service::Setup;
use proto_tests::v1::csr;
use proto_tests::{Answer, EmbeddedCa, HttpsClient, Keys, Launch, Port, Program, ca};
use serde_json::json;

/// What `device` shares with the label `RA`.
pub(crate) const SECRET: &str = "secret-of-the-device-19c4";

/// One process.
pub(crate) struct Node {
    pub(crate) program: Program,
    rest: Port,
    cmp: Port,
}

/// Files and clients of a service whose processes are started apart.
pub(crate) struct Site {
    pub(crate) setup: Setup,
    upstream: String,
}

impl Site {
    pub(crate) fn before(ca: &EmbeddedCa) -> Self {
        Self::before_any(ca.url(), &ca.root)
    }

    /// Before whatever speaks CMP at that URL.
    pub(crate) fn before_any(upstream: String, root: &Certificate) -> Self {
        let setup = Setup::new();
        setup.write("upstream.secret", ca::SECRET);
        setup.write("upstream.pem", root.to_pem());
        setup.write("device.secret", SECRET);
        setup.write("signer.pem", setup.pki.server.pem());
        Self { setup, upstream }
    }

    /// How a process on its SQLite file is started, with more lines in `[journal]` after its URL.
    pub(crate) fn launch(&self) -> Launch {
        let config = format!(
            r#"
[authorities.ca.cmp]
url = "{url}"
mac = {{ reference = "{reference}", secret = {{ file = "upstream.secret" }} }}
trust = {{ anchors = ["upstream.pem"] }}
[authorities.ca.cmp.transport]
total_timeout = "2s"

[profiles.any]
authority = "ca"
anchors = ["upstream.pem"]

[labels.RA]
profile = "any"
[labels.RA.cmp]
hold = "20s"
signer = {{ keystore = "signer.pem" }}
[labels.RA.cmp.clients.device]
secret = {{ file = "device.secret" }}
"#,
            url = self.upstream,
            reference = ca::REFERENCE,
        );
        self.setup
            .launch_from_file(&config)
            .env("CERTWAY_RA_JOURNAL__SWEEP_EVERY", "100ms")
            .env("CERTWAY_RA_JOURNAL__LEASE", "10s")
    }

    /// The same on another database.
    pub(crate) fn launch_on(&self, url: &str) -> Launch {
        self.launch().env("CERTWAY_RA_JOURNAL__URL", url)
    }

    /// `certway-ra journal` beside it.
    pub(crate) fn journal(&self, arguments: &[&str]) -> proto_tests::Ended {
        self.journal_as(|launch| launch, arguments)
    }

    /// The same with something changed, as its database.
    pub(crate) fn journal_as(
        &self,
        change: impl FnOnce(Launch) -> Launch,
        arguments: &[&str],
    ) -> proto_tests::Ended {
        let launch = Launch::certway_ra(self.setup.folder()).arg("journal");
        let launch = launch.args(arguments.iter().copied());
        change(launch.args(["--config", "certway-ra.toml"])).run()
    }

    pub(crate) fn rest(&self, node: &Node) -> HttpsClient {
        let roots = [&self.setup.pki.root.certificate];
        HttpsClient::tls(node.rest.address(), &roots, Some(&self.setup.pki.client))
    }
}

impl Node {
    pub(crate) fn start(launch: Launch) -> Self {
        let node = Self::spawn(launch);
        node.program.listening(0, 2);
        node
    }

    /// Does not wait until it listens.
    pub(crate) fn spawn(launch: Launch) -> Self {
        let (rest, cmp) = (Port::free(), Port::free());
        let program = launch
            .env("CERTWAY_RA_LISTEN__PORT", rest.number().to_string())
            .env("CERTWAY_RA_LISTEN__CMP__ADDRESS", "127.0.0.1")
            .env("CERTWAY_RA_LISTEN__CMP__PORT", cmp.number().to_string())
            .spawn();
        Self { program, rest, cmp }
    }

    pub(crate) fn cmp(&self) -> HttpsClient {
        HttpsClient::plain(self.cmp.address())
    }
}

/// A request over REST v2, the same however often it is sent.
#[derive(Clone)]
pub(crate) struct Order {
    key: String,
    body: String,
    pub(crate) subject: Name,
}

impl Order {
    pub(crate) fn new(common_name: &str) -> Self {
        let subject = format!("O=Faults,CN={common_name}");
        let csr = csr(&subject, &["dns:faults.example"], &Keys::ec());
        Self {
            key: format!("key-of-{common_name}"),
            body: json!({ "csr": csr }).to_string(),
            subject: dn(&subject),
        }
    }

    pub(crate) fn send(&self, client: &HttpsClient) -> io::Result<Answer> {
        self.send_and_wait(client, 20)
    }

    /// The same, which waits so many seconds for the certificate.
    pub(crate) fn send_and_wait(&self, client: &HttpsClient, seconds: u8) -> io::Result<Answer> {
        let fields = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", self.key.as_str()),
            ("Prefer", &format!("wait={seconds}")),
        ];
        client.try_request("POST", "/v2/RA/certificates", &fields, self.body.as_bytes())
    }

    /// Sends it until there is a certificate.
    pub(crate) fn finish(&self, client: &HttpsClient) -> Certificate {
        let mut last = None;
        proto_tests::program::eventually("the request has its certificate", || {
            let Ok(answer) = self.send(client) else {
                return false;
            };
            let done = matches!(answer.status, 200 | 201);
            assert!(
                done || matches!(answer.status, 202 | 503),
                "{} {}",
                answer.status,
                answer.text()
            );
            last = Some(answer);
            done
        });
        certificate(&last.unwrap())
    }
}

pub(crate) fn certificate(answer: &Answer) -> Certificate {
    let json = answer.json();
    let pem = json["certificate"].as_str();
    Certificate::from_pem(pem.unwrap_or_else(|| panic!("{json}")).as_bytes()).unwrap()
}

/// A first message over CMP.
pub(crate) struct First {
    pub(crate) talk: Talk,
    pub(crate) message: Bytes,
    pub(crate) subject: Name,
}

impl First {
    pub(crate) fn new(common_name: &str) -> Self {
        Self::to_be(common_name, Confirmation::Implicit)
    }

    /// Of a client that confirms by itself.
    pub(crate) fn to_be_confirmed(common_name: &str) -> Self {
        Self::to_be(common_name, Confirmation::Explicit)
    }

    fn to_be(common_name: &str, confirmation: Confirmation) -> Self {
        let subject = format!("O=Faults,CN={common_name}");
        let body = cmp::ir(&subject, &["dns:faults.example"], &Keys::ec());
        let (talk, message) = Shared::new("device", SECRET).begin(&body, confirmation);
        Self {
            talk,
            message,
            subject: dn(&subject),
        }
    }

    pub(crate) fn send(&self, client: &HttpsClient) -> io::Result<Step> {
        Ok(self.talk.clone().hear(&post(client, &self.message)?.body))
    }
}

/// Sends a message over CMP.
pub(crate) fn post(client: &HttpsClient, message: &[u8]) -> io::Result<Answer> {
    let headers = [("Content-Type", "application/pkixcmp")];
    client.try_request("POST", "/.well-known/cmp/p/RA", &headers, message)
}
