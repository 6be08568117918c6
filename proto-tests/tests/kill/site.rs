//! certway-ra before a CMP CA, stopped at a step and started again.

use pki::{Certificate, Name};
use proto_tests::cmp::Shared;
use proto_tests::record::{self, Record};
use proto_tests::scripted::ScriptedCa;
use proto_tests::service::Setup;
use proto_tests::{EmbeddedCa, HttpsClient, Identity, Port, Program, ca};

/// What `device` shares with the label `RA`.
const SECRET: &str = "secret-of-the-device-77ab";

/// The service, its files and its clients.
pub(crate) struct Site {
    pub(crate) program: Program,
    pub(crate) setup: Setup,
    cmp: Port,
}

/// The CA behind.
pub(crate) struct Upstream {
    url: String,
    root: String,
    /// More lines in `[authorities.ca.cmp]`.
    settings: String,
}

impl Upstream {
    pub(crate) fn embedded(ca: &EmbeddedCa) -> Self {
        Self {
            url: ca.url(),
            root: ca.root.to_pem(),
            settings: String::new(),
        }
    }

    pub(crate) fn scripted(ca: &ScriptedCa) -> Self {
        Self {
            url: ca.url(),
            root: ca.root.to_pem(),
            settings: String::new(),
        }
    }

    pub(crate) fn with(mut self, settings: &str) -> Self {
        self.settings = settings.to_owned();
        self
    }
}

impl Site {
    /// One that ends itself at that step: `9`, or `9:2` for the second time it gets there.
    pub(crate) fn stopping_at(step: &str, upstream: &Upstream) -> Self {
        Self::start(step, upstream, "20s")
    }

    /// The same; its CMP clients poll instead of being held.
    pub(crate) fn polled(step: &str, upstream: &Upstream) -> Self {
        Self::start(step, upstream, "0s")
    }

    fn start(step: &str, upstream: &Upstream, hold: &str) -> Self {
        let setup = Setup::new();
        let cmp = Port::free();
        setup.write("upstream.secret", ca::SECRET);
        setup.write("upstream.pem", &upstream.root);
        setup.write("device.secret", SECRET);
        setup.write("signer.pem", setup.pki.server.pem());
        let config = format!(
            r#"
[listen.cmp]
address = "127.0.0.1"
port = {port}

[authorities.ca.cmp]
url = "{url}"
mac = {{ reference = "{reference}", secret = {{ file = "upstream.secret" }} }}
trust = {{ anchors = ["upstream.pem"] }}
{settings}
[authorities.ca.cmp.transport]
total_timeout = "5s"

[profiles.any]
authority = "ca"
anchors = ["upstream.pem"]

[labels.RA]
profile = "any"
[labels.RA.cmp]
hold = "{hold}"
signer = {{ keystore = "signer.pem" }}
[labels.RA.cmp.clients.device]
secret = {{ file = "device.secret" }}
"#,
            port = cmp.number(),
            url = upstream.url,
            reference = ca::REFERENCE,
            settings = upstream.settings,
        );
        let launch = setup
            .launch_from_file(&config)
            .env("CERTWAY_RA_JOURNAL__SWEEP_EVERY", "50ms")
            .env("CERTWAY_STOP_AT", step);
        Self {
            program: launch.start(2),
            setup,
            cmp,
        }
    }

    /// Waits until it has ended itself, and starts it again on the same journal, with its leases over.
    pub(crate) fn resurrect(&mut self) {
        let status = self.program.wait();
        assert!(status.code().is_none(), "it has not been killed: {status}");
        self.restart();
    }

    /// Kills it from outside, and starts it again.
    pub(crate) fn kill_and_restart(&mut self) {
        self.program.kill();
        self.restart();
    }

    fn restart(&mut self) {
        record::let_leases_end(&self.setup.path("journal.db"));
        self.program
            .restart_with(2, |launch| launch.without_env("CERTWAY_STOP_AT"));
    }

    /// Starts it again so that it ends itself at that step.
    pub(crate) fn resurrect_until(&mut self, step: &str) {
        self.program.wait();
        record::let_leases_end(&self.setup.path("journal.db"));
        self.program
            .restart_with(2, |launch| launch.env("CERTWAY_STOP_AT", step));
    }

    pub(crate) fn rest(&self) -> HttpsClient {
        self.rest_as(&self.setup.pki.client)
    }

    pub(crate) fn rest_as(&self, identity: &Identity) -> HttpsClient {
        self.setup.client(Some(identity))
    }

    pub(crate) fn cmp(&self) -> HttpsClient {
        HttpsClient::plain(self.cmp.address())
    }

    pub(crate) fn device(&self) -> Shared {
        Shared::new("device", SECRET)
    }

    /// Everything in its journal.
    pub(crate) fn records(&self) -> Vec<Record> {
        record::all(&self.setup.path("journal.db"))
    }

    /// Every certificate in its journal for that subject.
    pub(crate) fn certificates(&self, subject: &Name) -> Vec<Certificate> {
        let records = record::of(&self.setup.path("journal.db"), subject).into_iter();
        records.filter_map(|record| record.certificate).collect()
    }
}
