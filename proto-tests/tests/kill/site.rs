//! certway-ra before a CMP CA, stopped at a step and started again.

use pki::{Certificate, Name};
use proto_tests::client::Doors;
use proto_tests::cmp::Shared;
use proto_tests::postgres::Database;
use proto_tests::record::{Ledger, Record};
use proto_tests::scripted::ScriptedCa;
use proto_tests::service::Setup;
use proto_tests::{EmbeddedCa, HttpsClient, Launch, Port, Program, ca};

/// What `device` shares with the label `RA`.
const SECRET: &str = "secret-of-the-device-77ab";

/// The service, its files and its clients.
pub(crate) struct Site {
    setup: Setup,
    ledger: Ledger,
    /// The process that is killed.
    first: Node,
    /// The one beside it, on the same database.
    second: Option<Node>,
    /// Whether clients talk to the second.
    turned: bool,
    /// It goes when nobody uses it any more.
    _database: Option<Database>,
}

/// One process, and where it listens.
struct Node {
    program: Program,
    rest: Port,
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
        Self::start(step, upstream, "20s", None)
    }

    /// The same; its CMP clients poll instead of being held.
    pub(crate) fn polled(step: &str, upstream: &Upstream) -> Self {
        Self::start(step, upstream, "0s", None)
    }

    /// Two processes on one database of PostgreSQL; the first, which clients talk to, ends itself at that step.
    pub(crate) fn with_two(step: &str, upstream: &Upstream) -> Self {
        Self::start(step, upstream, "20s", Some(Database::new()))
    }

    fn start(step: &str, upstream: &Upstream, hold: &str, database: Option<Database>) -> Self {
        let setup = Setup::new();
        setup.write("upstream.secret", ca::SECRET);
        setup.write("upstream.pem", &upstream.root);
        setup.write("device.secret", SECRET);
        setup.write("signer.pem", setup.pki.server.pem());
        let launch = setup
            .launch_from_file(&config(upstream, hold))
            .env("CERTWAY_RA_JOURNAL__SWEEP_EVERY", "50ms");
        let (launch, ledger) = match &database {
            None => (launch, Ledger::file(&setup.path("journal.db"))),
            Some(database) => {
                let url = database.url();
                (launch.env("CERTWAY_RA_JOURNAL__URL", &url), Ledger::at(url))
            }
        };
        let first = Node::start(launch.clone().env("CERTWAY_STOP_AT", step));
        let second = database.is_some().then(|| Node::start(launch));
        Self {
            setup,
            ledger,
            first,
            second,
            turned: false,
            _database: database,
        }
    }

    /// Waits until the first has ended itself, with its leases over: it is started again on the same journal, or clients turn to the
    /// other process.
    pub(crate) fn resurrect(&mut self) {
        let status = self.first.program.wait();
        assert!(status.code().is_none(), "it has not been killed: {status}");
        self.go_on();
    }

    /// Kills it from outside, and goes on as after a death of its own.
    pub(crate) fn kill_and_restart(&mut self) {
        self.first.program.kill();
        self.go_on();
    }

    fn go_on(&mut self) {
        self.ledger.let_leases_end();
        match &self.second {
            None => self.first.restart(),
            Some(second) => {
                second.program.signal("CONT");
                self.turned = true;
            }
        }
    }

    /// Starts it again so that it ends itself at that step.
    pub(crate) fn resurrect_until(&mut self, step: &str) {
        self.first.program.wait();
        self.ledger.let_leases_end();
        self.first
            .program
            .restart_with(2, |launch| launch.env("CERTWAY_STOP_AT", step));
    }

    /// Of two, the one that was killed is back, and clients talk to it again. One alone is back already.
    pub(crate) fn return_of_the_first(&mut self) {
        if self.turned {
            self.first.restart();
            self.turned = false;
        }
    }

    /// The second does nothing until the first is dead: what is due for both is moved by the first.
    pub(crate) fn only_the_first_works(&self) {
        if let Some(second) = &self.second {
            second.program.signal("STOP");
        }
    }

    /// The first stops where it is, its claims are taken for those of a dead process, and clients turn to the second.
    pub(crate) fn first_falls_asleep(&mut self) {
        self.first.program.signal("STOP");
        self.go_on();
    }

    /// The first goes on as if no time had passed.
    pub(crate) fn first_wakes(&self) {
        self.first.program.signal("CONT");
    }

    pub(crate) fn rest(&self) -> HttpsClient {
        let roots = [&self.setup.pki.root.certificate];
        let client = Some(&self.setup.pki.client);
        HttpsClient::tls(self.node().rest.address(), &roots, client)
    }

    /// Of the process that clients talk to now.
    pub(crate) fn doors(&self) -> Doors {
        Doors {
            rest: self.rest(),
            cmp: HttpsClient::plain(self.node().cmp.address()),
            device: Shared::new("device", SECRET),
        }
    }

    fn node(&self) -> &Node {
        match &self.second {
            Some(second) if self.turned => second,
            _ => &self.first,
        }
    }

    /// Everything in its journal.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.ledger.all()
    }

    /// Every certificate in its journal for that subject.
    pub(crate) fn certificates(&self, subject: &Name) -> Vec<Certificate> {
        let records = self.ledger.of(subject).into_iter();
        records.filter_map(|record| record.certificate).collect()
    }
}

impl Node {
    /// On ports of its own, which the environment names.
    fn start(launch: Launch) -> Self {
        let (rest, cmp) = (Port::free(), Port::free());
        let launch = launch
            .env("CERTWAY_RA_LISTEN__PORT", rest.number().to_string())
            .env("CERTWAY_RA_LISTEN__CMP__PORT", cmp.number().to_string());
        Self {
            program: launch.start(2),
            rest,
            cmp,
        }
    }

    fn restart(&mut self) {
        self.program
            .restart_with(2, |launch| launch.without_env("CERTWAY_STOP_AT"));
    }
}

fn config(upstream: &Upstream, hold: &str) -> String {
    format!(
        r#"
[listen.cmp]
address = "127.0.0.1"

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
        url = upstream.url,
        reference = ca::REFERENCE,
        settings = upstream.settings,
    )
}
