//! On another base: one that has what the probes of ONAP's charts call.

use std::fs;
use std::path::Path;

use proto_tests::certs::PASSWORD;
use proto_tests::service::Setup;
use proto_tests::{EmbeddedCa, Service, peer};

use crate::containers::Container;
use crate::store::Store;

const BASE: &str = "localhost/bash-and-curl";
/// Where ONAP's chart mounts `cmpServers.json`, and below it the stores.
const FOLDER: &str = "/etc/onap/oom/certservice";

/// An image of this machine's bash and curl with the libraries that they load.
fn base(store: &Store) {
    let context = tempfile::tempdir().unwrap();
    let programs = ["/bin/bash", "/usr/bin/curl"];
    let said = peer::run("ldd", Path::new("/"), &programs);
    let words = said.split_ascii_whitespace();
    let libraries = words.filter(|word| word.starts_with('/') && !word.ends_with(':'));
    for path in libraries.chain(programs) {
        let copy = context
            .path()
            .join("root")
            .join(path.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
    let file = context.path().join("Containerfile");
    fs::write(&file, "FROM scratch\nCOPY root /\n").unwrap();
    let (file, context) = (file.to_str().unwrap(), context.path().to_str().unwrap());
    store.buildah(&["bud", "--quiet", "--tag", BASE, "--file", file, context]);
}

#[test]
fn on_a_base_with_bash_and_curl_the_probes_of_onaps_chart_pass() {
    let Some(store) = Store::open() else { return };
    if peer::missing("curl") || peer::missing("ldd") {
        return;
    }
    base(store);
    let build = [
        "--without-sbom",
        "--base",
        BASE,
        "--tag",
        "onap",
        "certway-ra",
    ];
    store.build(&build);
    let container = Container::of(store, &Store::name("certway-ra", "-onap"));

    let ca = EmbeddedCa::start();
    let setup = Setup::new();
    setup.servers(&[ca.trusted_entry("RA")]);
    setup.write("certs/keystore.p12", setup.pki.server.pkcs12());
    setup.write("certs/root.crt", setup.pki.root.certificate.to_pem());
    let port = setup.port.number().to_string();
    // As the chart has them, its double slash included.
    let environment = [
        ("HTTPS_PORT", port.as_str()),
        (
            "KEYSTORE_PATH",
            "/etc/onap/oom/certservice/certs//keystore.jks",
        ),
        (
            "KEYSTORE_P12_PATH",
            "/etc/onap/oom/certservice/certs//keystore.p12",
        ),
        (
            "TRUSTSTORE_PATH",
            "/etc/onap/oom/certservice/certs//truststore.jks",
        ),
        ("ROOT_CERT", "/etc/onap/oom/certservice/certs//root.crt"),
        ("KEYSTORE_PASSWORD", PASSWORD),
        ("TRUSTSTORE_PASSWORD", PASSWORD),
        // Of the tests: nothing listens beyond this machine, nor where another process does.
        ("CERTWAY_RA_LISTEN__ADDRESS", "127.0.0.1"),
        ("CERTWAY_RA_ADMIN__PORT", "0"),
    ];
    let folder = setup.folder().to_owned();
    let inside = Path::new(FOLDER);
    let launch = container.launch(&folder, inside, &environment, &[]);
    let service: Service = setup.start_as(launch);
    for (path, answer) in [("actuator/health", r#""status":"UP""#), ("ready", "")] {
        let line = format!(
            "curl https://localhost:$HTTPS_PORT/{path} --cacert $ROOT_CERT --cert-type p12 --cert $KEYSTORE_P12_PATH --pass $KEYSTORE_PASSWORD"
        );
        let probe = ["/bin/bash", "-c", &line];
        let ended = container
            .launch_other(&folder, inside, &environment, &probe)
            .run();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(answer), "{}", ended.stdout);
    }
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}
