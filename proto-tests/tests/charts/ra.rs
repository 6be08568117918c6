//! certway-ra with what its chart makes for it: a journal on PostgreSQL, and the place of ONAP's CertService.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proto_tests::certs::Pki;
use proto_tests::https::HttpsClient;
use proto_tests::kube::kubelet::{Running, Workload};
use proto_tests::kube::{Chart, Cluster, Namespace, Release, Resource, Stack};
use proto_tests::postgres::{self, Database};
use proto_tests::record::Ledger;
use proto_tests::v1::{Certificates, Request};
use proto_tests::{EmbeddedCa, Keys, certs};
use serde_json::{Value, json};
use url::Url;

use crate::world::world;

/// A release that runs, and its clients.
struct Site {
    pod: Running,
    pki: Pki,
}

impl Site {
    /// Installs a release of the chart with a server certificate and client CAs that are there, and starts what it has a Deployment of.
    fn start(cluster: &Cluster, namespace: &Namespace<'_>, release: Release) -> Self {
        let pki = Pki::new();
        let root = pki.root.certificate.to_pem();
        let server = [
            ("tls.crt", pki.server.chain_pem()),
            ("tls.key", pki.server.key_pem()),
        ];
        secret(namespace, "server", &server);
        secret(namespace, "client-cas", &[("ca.crt", root)]);
        let release = release
            .set("tls.existingSecret", "server")
            .set("clientCa.secretName", "client-cas");
        cluster.install(&release);
        let rendered = release.objects();
        let deployment = rendered.iter().find(|o| o["kind"] == "Deployment");
        let pod = Workload::of(cluster, deployment.expect("a Deployment"))
            .env("CERTWAY_RA_LISTEN__ADDRESS", "127.0.0.1")
            .spawn();
        pod.ready();
        Self { pod, pki }
    }

    fn client(&self) -> HttpsClient {
        let address = ([127, 0, 0, 1], self.pod.number("https")).into();
        HttpsClient::tls(
            address,
            &[&self.pki.root.certificate],
            Some(&self.pki.client),
        )
    }

    /// Enrolls once, over REST v1 under that label.
    fn enrolls(&self, label: &str, subject: &str) {
        let key = Keys::rsa();
        let request = Request::for_names(subject, &["dns:onap.org"], &key);
        let answer = request.get(&self.client(), &format!("/v1/certificate/{label}"));
        let issued = Certificates::of(&answer);
        assert_eq!(issued.chain[0].public_key(), key.public_key());
        assert!(!issued.trusted.is_empty());
    }
}

fn secret(namespace: &Namespace<'_>, name: &str, data: &[(&str, String)]) {
    let data: serde_json::Map<String, Value> = data
        .iter()
        .map(|(name, text)| ((*name).to_owned(), BASE64_STANDARD.encode(text).into()))
        .collect();
    let secret = namespace.object(&Resource::core("Secret"), name, &json!({ "data": data }));
    namespace.api().create(&secret).unwrap();
}

/// Where a database is, as the chart wants it told.
struct Server {
    user: String,
    password: String,
    host: String,
    port: u16,
    name: String,
}

impl Server {
    /// Of `postgres://USER:PASSWORD@HOST:PORT/NAME?…`.
    fn of(url: &str) -> Self {
        let url = Url::parse(url).unwrap();
        Self {
            user: url.username().to_owned(),
            password: url.password().unwrap_or("not asked for").to_owned(),
            host: url.host_str().unwrap().to_owned(),
            port: url.port().unwrap_or(5432),
            name: url.path().trim_start_matches('/').to_owned(),
        }
    }
}

#[test]
fn with_its_journal_on_postgresql_it_enrolls() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    if postgres::missing() {
        return;
    }
    let database = Database::new();
    let namespace = cluster.namespace("on-postgresql");
    let Server {
        user,
        password,
        host,
        port,
        name,
    } = Server::of(&database.url());
    secret(&namespace, "database", &[("password", password)]);
    let chart = Chart::named(stack, "certway-ra");
    let release = chart
        .release("certway-ra", &namespace.name)
        .values(&chart.minimal())
        .set("persistence.enabled", false)
        .set("journal.kind", "postgresql")
        .set("journal.postgresql.host", host)
        .set("journal.postgresql.port", port)
        .set("journal.postgresql.user", user)
        .set("journal.postgresql.database", name)
        .set("journal.postgresql.tlsMode", "disable")
        .set("journal.postgresql.passwordSecret", "database");
    let site = Site::start(cluster, &namespace, release);
    site.enrolls("web", "CN=on-postgresql");
    let records = Ledger::at(database.url()).of(&certs::dn("CN=on-postgresql"));
    assert_eq!(records.len(), 1);
}

#[test]
fn in_the_place_of_onaps_certservice_it_enrolls_at_the_cmp_ca_of_cmp_servers_json() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    let ca = EmbeddedCa::start();
    let namespace = cluster.namespace("certservice");
    let servers = json!({ "cmpv2Servers": [ca.trusted_entry("RA")] });
    secret(
        &namespace,
        "oom-cert-service-secret",
        &[("cmpServers.json", servers.to_string())],
    );
    let chart = Chart::named(stack, "certway-ra");
    let values = chart.folder.join("ci/onap-values.yaml");
    let release = chart.release("onap", &namespace.name).values(&values);
    let site = Site::start(cluster, &namespace, release);
    site.enrolls("RA", "CN=onap.org");
    assert_eq!(ca.issued(), 1);
}
