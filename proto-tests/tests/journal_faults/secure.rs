//! TLS to PostgreSQL, and its password.

use std::sync::atomic::{AtomicU32, Ordering};

use proto_tests::postgres::{self, Server};
use proto_tests::{EmbeddedCa, Issuer, Launch};

use crate::site::{Node, Order, Site};

const PASSWORD: &str = "p@ss: w%20rd/of+the-database";

struct Secured {
    server: Server,
    site: Site,
    _ca: EmbeddedCa,
}

/// A server that asks for TLS and password, as `name`; `clients`: and for certificates.
fn secured(name: &str, clients: Option<&Issuer>) -> Option<Secured> {
    if postgres::missing() {
        return None;
    }
    let root = Issuer::root("CN=database root");
    let server = Server::start().unwrap();
    let identity = root.identity("CN=database", &[name]);
    let clients = clients.map(|issuer| &issuer.certificate);
    server.secure(&identity, clients, PASSWORD).unwrap();
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    site.setup.write("db-root.pem", root.certificate.to_pem());
    site.setup.write("db.pass", format!("{PASSWORD}\n"));
    Some(Secured {
        server,
        site,
        _ca: ca,
    })
}

impl Secured {
    fn launch(&self) -> Launch {
        self.site
            .launch_on(&self.server.secured_url())
            .env("CERTWAY_RA_JOURNAL__START_WITHIN", "100ms")
            .env("CERTWAY_RA_JOURNAL__PASSWORD__FILE", "db.pass")
    }

    fn verified(&self) -> Launch {
        self.launch()
            .env("CERTWAY_RA_JOURNAL__TLS__ROOTS", "db-root.pem")
    }

    fn serves(&self, launch: Launch) -> Node {
        let node = Node::start(launch);
        // The journal is the same for every start: each asks for something new.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Order::new(&format!("secured-{number}")).finish(&self.site.rest(&node));
        let said = node.program.output().text();
        assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
        node
    }
}

fn refused(launch: &Launch, words: &str) {
    let ended = launch.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let said = ended.stdout + &ended.stderr;
    assert!(!said.contains("p@ss") && !said.contains("p%40ss"), "{said}");
}

#[test]
fn a_server_that_proves_its_name_is_used_and_any_other_is_not() {
    let Some(secured) = secured("dns:localhost", None) else {
        return;
    };
    secured.serves(secured.verified());
    let tls = "TLS to the database failed";
    // The public CAs alone do not vouch for it.
    let full = ("CERTWAY_RA_JOURNAL__TLS__MODE", "verify-full");
    refused(&secured.launch().env(full.0, full.1), tls);
    let stranger = Issuer::root("CN=another root");
    secured
        .site
        .setup
        .write("db-root.pem", stranger.certificate.to_pem());
    refused(&secured.verified(), tls);
    secured.serves(
        secured
            .launch()
            .env("CERTWAY_RA_JOURNAL__TLS__MODE", "require"),
    );
    // Without TLS, which is the default on this machine, this server takes nobody.
    refused(&secured.launch(), "no encryption");
}

#[test]
fn a_server_of_another_name_is_refused() {
    let Some(secured) = secured("dns:elsewhere.example", None) else {
        return;
    };
    refused(&secured.verified(), "TLS to the database failed");
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_ours() {
    let clients = Issuer::root("CN=client root");
    let Some(secured) = secured("dns:localhost", Some(&clients)) else {
        return;
    };
    let identity = clients.identity("CN=certway", &[]);
    let setup = &secured.site.setup;
    setup.write("db-client.pem", identity.chain_pem());
    setup.write("db-client.key", identity.key_pem());
    let mut ended = secured.verified().run();
    assert_eq!(ended.code.take(), Some(1), "{}", ended.stdout);
    secured.serves(
        secured
            .verified()
            .env("CERTWAY_RA_JOURNAL__TLS__CERTIFICATE", "db-client.pem")
            .env("CERTWAY_RA_JOURNAL__TLS__KEY", "db-client.key"),
    );
}

#[test]
fn a_new_password_in_the_file_counts_without_a_restart() {
    let Some(secured) = secured("dns:localhost", None) else {
        return;
    };
    let node = secured.serves(secured.verified());
    let mark = node.program.output().mark();
    secured
        .server
        .ask("ALTER ROLE certway PASSWORD 'another p@ssword'")
        .unwrap();
    // Whoever is connected stays so until the server cuts it off.
    secured.server.crash_and_restart().unwrap();
    node.program
        .log_has_since(mark, "the journal's database went away");
    secured.site.setup.write("db.pass", "another p@ssword");
    node.program
        .log_has_since(mark, "the journal's database is back");
    let order = Order::new("after");
    order.finish(&secured.site.rest(&node));
    // The look-up of a repeated request is by a connection of its own.
    order.finish(&secured.site.rest(&node));
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    let Some(secured) = secured("dns:localhost", None) else {
        return;
    };
    secured.site.setup.write("db.pass", "not the p@ssword");
    refused(&secured.verified(), "check user and password");
    secured.site.setup.write("db.pass", PASSWORD);
    let variable = secured
        .verified()
        .without_env("CERTWAY_RA_JOURNAL__PASSWORD__FILE")
        .env("CERTWAY_RA_JOURNAL__PASSWORD__ENV", "DATABASE_PASSWORD")
        .env("DATABASE_PASSWORD", PASSWORD);
    secured.serves(variable);
}
