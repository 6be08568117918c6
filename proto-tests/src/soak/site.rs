use tempfile::TempDir;

use crate::ca;
use crate::certs::{Pki, write};
use crate::client::Doors;
use crate::cmp::Shared;
use crate::https::HttpsClient;
use crate::port::Port;
use crate::postgres::Server;
use crate::program::{Launch, Program};
use crate::record::Ledger;
use crate::scripted::ScriptedCa;

use super::Kind;

/// What `device` shares with the label `RA`.
const SECRET: &str = "secret-of-the-device-19c4";
/// Listeners of one process.
const SOCKETS: usize = 2;

/// Two processes on one database.
pub(crate) struct Site {
    pub(crate) nodes: [Node; 2],
    pub(crate) doors: [Doors; 2],
    pub(crate) ledger: Ledger,
    pub(crate) server: Server,
    _folder: TempDir,
}

/// One process.
pub(crate) struct Node {
    program: Program,
    _ports: [Port; 2],
}

impl Site {
    pub(crate) fn start(ca: &ScriptedCa, kind: Kind) -> Result<Self, String> {
        let server = Server::start()?;
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let pki = Pki::new();
        let file = |name: &str, content: &str| write(folder.path(), name, content);
        file("server.pem", &pki.server.pem());
        file("clients.pem", &pki.root.certificate.to_pem());
        file("upstream.pem", &ca.root.to_pem());
        file("upstream.secret", ca::SECRET);
        file("device.secret", SECRET);
        let url = server.url();
        let config = file("certway-ra.toml", &config(&ca.url(), &url, kind));
        let start = |name: &str| {
            let ports = [Port::free(), Port::free()];
            let [rest, cmp] = &ports;
            let own = folder.path().join(name);
            std::fs::create_dir(&own).map_err(|e| e.to_string())?;
            let launch = Launch::certway_ra(own)
                .args(["serve", "--config", &config])
                .env("CERTWAY_RA_LISTEN__PORT", rest.number().to_string())
                .env("CERTWAY_RA_LISTEN__CMP__PORT", cmp.number().to_string());
            let roots = [&pki.root.certificate];
            let doors = Doors {
                rest: HttpsClient::tls(rest.address(), &roots, Some(&pki.client)),
                cmp: HttpsClient::plain(cmp.address()),
                device: Shared::new("device", SECRET),
            };
            let program = launch.start(SOCKETS);
            Ok::<_, String>((
                Node {
                    program,
                    _ports: ports,
                },
                doors,
            ))
        };
        let ((one, to_one), (two, to_two)) = (start("one")?, start("two")?);
        Ok(Self {
            nodes: [one, two],
            doors: [to_one, to_two],
            ledger: Ledger::at(url),
            server,
            _folder: folder,
        })
    }
}

impl Node {
    pub(crate) fn kill(&mut self) {
        self.program.kill();
    }

    pub(crate) fn restart(&mut self) {
        self.program.restart(SOCKETS);
    }
}

/// Deadlines are short, so that claims of the dead are soon taken over.
fn config(ca: &str, journal: &str, kind: Kind) -> String {
    let quirks = match kind {
        Kind::Repeats => "quirks = { repeats = true }",
        Kind::Forgets => "",
    };
    format!(
        r#"
[listen]
address = "127.0.0.1"
tls = {{ keystore = "server.pem" }}
client_ca = {{ truststore = "clients.pem" }}
[listen.cmp]
address = "127.0.0.1"

[journal]
url = "{journal}"
lease = "10s"
sweep_every = "200ms"

[v1]
hold = "5s"

[authorities.ca.cmp]
url = "{ca}"
mac = {{ reference = "{reference}", secret = {{ file = "upstream.secret" }} }}
trust = {{ anchors = ["upstream.pem"] }}
{quirks}
[authorities.ca.cmp.transport]
total_timeout = "2s"

[profiles.any]
authority = "ca"
anchors = ["upstream.pem"]

[labels.RA]
profile = "any"
[labels.RA.cmp]
hold = "2s"
[labels.RA.cmp.clients.device]
secret = {{ file = "device.secret" }}
"#,
        reference = ca::REFERENCE,
    )
}
