//! Keystores and truststores: what others write we start from, what we write others read.

use proto_tests::certs::{PASSWORD, truststore_jks, truststore_pkcs12};
use proto_tests::peer;
use proto_tests::service::Setup;
use proto_tests::{HttpsClient, Identity, Issuer, Launch, Service};

/// A setup without stores: the server's key and chain and the trusted root lie in its folder as PEM.
fn bare() -> Setup {
    let setup = Setup::new();
    let pki = &setup.pki;
    setup.write("server.key", pki.server.key_pem());
    setup.write("server.crt", pki.server.chain_pem());
    setup.write("root.crt", pki.root.certificate.to_pem());
    std::fs::remove_file(setup.path("certs/keystore.jks")).unwrap();
    std::fs::remove_file(setup.path("certs/truststore.jks")).unwrap();
    setup.servers(&[]);
    setup
}

fn openssl(setup: &Setup, arguments: &[&str]) {
    peer::run("openssl", setup.folder(), arguments);
}

fn keytool(setup: &Setup, arguments: &[&str]) {
    peer::keytool(setup.folder(), arguments);
}

/// PKCS#12 of the server's key by openssl, with further arguments.
fn openssl_keystore(setup: &Setup, file: &str, more: &[&str]) {
    let mut arguments = vec![
        "pkcs12",
        "-export",
        "-inkey",
        "server.key",
        "-in",
        "server.crt",
        "-name",
        "server",
        "-passout",
        "pass:secret",
        "-out",
        file,
    ];
    arguments.extend_from_slice(more);
    openssl(setup, &arguments);
}

/// A keystore of that type by keytool, of a PKCS#12 file of openssl's.
fn keytool_keystore(setup: &Setup, file: &str, kind: &str) {
    openssl_keystore(setup, "from.p12", &[]);
    keytool(
        setup,
        &[
            "-importkeystore",
            "-noprompt",
            "-srckeystore",
            "from.p12",
            "-srcstoretype",
            "PKCS12",
            "-srcstorepass",
            PASSWORD,
            "-destkeystore",
            file,
            "-deststoretype",
            kind,
            "-deststorepass",
            PASSWORD,
        ],
    );
}

/// A truststore of that type by keytool, with the root in it.
fn keytool_truststore(setup: &Setup, file: &str, kind: &str) {
    keytool(
        setup,
        &[
            "-importcert",
            "-noprompt",
            "-alias",
            "root",
            "-file",
            "root.crt",
            "-storetype",
            kind,
            "-keystore",
            file,
            "-storepass",
            PASSWORD,
        ],
    );
}

/// Starts from those two files: the server proves itself, takes its clients and nobody else's.
fn serves(setup: Setup, keystore: &str, truststore: &str) {
    let launch = setup
        .launch()
        .env("KEYSTORE_PATH", setup.path(keystore))
        .env("TRUSTSTORE_PATH", setup.path(truststore));
    let service = setup.start_as(launch);
    assert_eq!(
        service.client.get("/ready", &[]).status,
        200,
        "{keystore} {truststore}"
    );
    let stranger = service
        .setup
        .client(Some(&service.setup.pki.foreign_client));
    assert!(
        stranger.try_request("GET", "/ready", &[], b"").is_err(),
        "{truststore}"
    );
}

#[test]
fn it_starts_from_jks_that_keytool_wrote() {
    if peer::missing("keytool") || peer::missing("openssl") {
        return;
    }
    let setup = bare();
    keytool_keystore(&setup, "keystore.jks", "JKS");
    keytool_truststore(&setup, "truststore.jks", "JKS");
    serves(setup, "keystore.jks", "truststore.jks");
}

#[test]
fn it_starts_from_pkcs12_that_keytool_wrote_though_the_files_are_called_jks() {
    if peer::missing("keytool") || peer::missing("openssl") {
        return;
    }
    let setup = bare();
    keytool_keystore(&setup, "keystore.jks", "PKCS12");
    keytool_truststore(&setup, "truststore.jks", "PKCS12");
    serves(setup, "keystore.jks", "truststore.jks");
}

#[test]
fn it_starts_from_pkcs12_that_openssl_wrote_without_javas_mark() {
    if peer::missing("openssl") {
        return;
    }
    let setup = bare();
    openssl_keystore(&setup, "keystore.p12", &[]);
    openssl(
        &setup,
        &[
            "pkcs12",
            "-export",
            "-nokeys",
            "-in",
            "root.crt",
            "-passout",
            "pass:secret",
            "-out",
            "truststore.p12",
        ],
    );
    serves(setup, "keystore.p12", "truststore.p12");
}

#[test]
fn it_starts_from_openssls_legacy_pkcs12_and_a_truststore_of_pem() {
    if peer::missing("openssl") {
        return;
    }
    let setup = bare();
    openssl_keystore(&setup, "keystore.p12", &["-legacy"]);
    serves(setup, "keystore.p12", "root.crt");
}

#[test]
fn it_starts_from_pem_with_the_bag_attributes_of_openssl_around_it() {
    if peer::missing("openssl") {
        return;
    }
    let setup = bare();
    openssl_keystore(&setup, "from.p12", &[]);
    openssl(
        &setup,
        &[
            "pkcs12",
            "-in",
            "from.p12",
            "-passin",
            "pass:secret",
            "-nodes",
            "-out",
            "keystore.jks",
        ],
    );
    let text = std::fs::read_to_string(setup.path("keystore.jks")).unwrap();
    assert!(text.contains("Bag Attributes"));
    serves(setup, "keystore.jks", "root.crt");
}

#[test]
fn it_starts_from_pem_with_an_encrypted_key() {
    if peer::missing("openssl") {
        return;
    }
    let setup = bare();
    openssl(
        &setup,
        &[
            "pkcs8",
            "-topk8",
            "-in",
            "server.key",
            "-passout",
            "pass:secret",
            "-out",
            "encrypted.key",
        ],
    );
    let both = std::fs::read_to_string(setup.path("encrypted.key")).unwrap()
        + &setup.pki.server.chain_pem();
    setup.write("keystore.pem", both);
    serves(setup, "keystore.pem", "root.crt");
}

#[test]
fn key_and_certificate_may_be_two_files_as_kubernetes_mounts_them() {
    let setup = bare();
    let launch = setup
        .launch()
        .env("KEYSTORE_PATH", setup.path("server.crt"))
        .env("KEYSTORE_KEY_PATH", setup.path("server.key"))
        .env("TRUSTSTORE_PATH", setup.path("root.crt"))
        .without_env("KEYSTORE_PASSWORD")
        .without_env("TRUSTSTORE_PASSWORD");
    let service = setup.start_as(launch);
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}

#[test]
fn it_starts_from_what_we_write_under_any_extension() {
    type Stores = (Vec<u8>, Vec<u8>);
    let files: [fn(&Setup) -> Stores; 3] = [
        |setup| {
            (
                setup.pki.server.jks(),
                truststore_pkcs12(&[&setup.pki.root.certificate]),
            )
        },
        |setup| {
            (
                setup.pki.server.pkcs12(),
                truststore_jks(&[&setup.pki.root.certificate]),
            )
        },
        |setup| {
            let root = &setup.pki.root.certificate;
            (
                setup.pki.server.pem().into_bytes(),
                root.to_pem().into_bytes(),
            )
        },
    ];
    for (files, extension) in files.iter().zip(["p12", "jks", "jks"]) {
        let setup = bare();
        let (keystore, truststore) = files(&setup);
        let (key_file, trust_file) = (format!("k.{extension}"), format!("t.{extension}"));
        setup.write(&key_file, keystore);
        setup.write(&trust_file, truststore);
        serves(setup, &key_file, &trust_file);
    }
}

#[test]
fn the_password_is_secret_when_none_is_given() {
    let setup = Setup::new();
    setup.servers(&[]);
    let launch = setup
        .launch()
        .without_env("KEYSTORE_PASSWORD")
        .without_env("TRUSTSTORE_PASSWORD");
    let service = setup.start_as(launch);
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}

#[test]
fn clients_of_every_trusted_root_are_taken() {
    let setup = bare();
    let (second, third) = (
        Issuer::root("CN=second root"),
        Issuer::root("CN=third root"),
    );
    let roots = [&setup.pki.root, &second, &third].map(|issuer| &issuer.certificate);
    setup.write("t.jks", truststore_jks(&roots));
    setup.write("k.jks", setup.pki.server.jks());
    let launch = setup
        .launch()
        .env("KEYSTORE_PATH", setup.path("k.jks"))
        .env("TRUSTSTORE_PATH", setup.path("t.jks"));
    let service = setup.start_as(launch);
    for issuer in [&second, &third, &third.issuing("CN=below the third")] {
        let client = service
            .setup
            .client(Some(&issuer.identity("CN=client", &[])));
        assert_eq!(client.get("/ready", &[]).status, 200);
    }
}

#[test]
fn the_server_shows_its_whole_chain() {
    let setup = bare();
    let server = setup
        .pki
        .root
        .issuing("CN=issuing")
        .identity("CN=server", &["dns:localhost"]);
    setup.write("k.p12", server.pkcs12());
    // The client knows the root alone: without the certificate in between it could not get there.
    serves_with_chain(setup, &server);
}

fn serves_with_chain(setup: Setup, server: &Identity) {
    assert_eq!(server.chain.len(), 2);
    serves(setup, "k.p12", "root.crt");
}

/// How a start from a spoilt environment ends: with 1, and the reasons.
fn fails(setup: &Setup, change: impl FnOnce(Launch) -> Launch) -> String {
    let ended = change(setup.launch()).run();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    ended.stderr
}

#[test]
fn a_wrong_password_is_said_to_be_one_with_its_variable_and_is_not_shown() {
    let setup = Setup::new();
    setup.servers(&[]);
    for kind in ["jks", "p12"] {
        let (keys, trust) = match kind {
            "jks" => (
                setup.pki.server.jks(),
                truststore_jks(&[&setup.pki.root.certificate]),
            ),
            _ => (
                setup.pki.server.pkcs12(),
                truststore_pkcs12(&[&setup.pki.root.certificate]),
            ),
        };
        setup.write("certs/keystore.jks", keys);
        setup.write("certs/truststore.jks", trust);
        for variable in ["KEYSTORE", "TRUSTSTORE"] {
            let said = fails(&setup, |launch| {
                launch.env(&format!("{variable}_PASSWORD"), "not-the-password")
            });
            assert!(said.contains(&format!("{variable}_P")), "{kind}: {said}");
            assert!(said.to_lowercase().contains("password"), "{kind}: {said}");
            assert!(!said.contains("not-the-password"), "{kind}: {said}");
        }
    }
}

#[test]
fn everything_wrong_with_the_environment_is_said_at_once() {
    let setup = Setup::new();
    let said = fails(&setup, |launch| {
        launch
            .env("HTTPS_PORT", "https")
            .env("KEYSTORE_PATH", "/nothing/keystore.jks")
            .env("TRUSTSTORE_PATH", setup.path("nothing.jks"))
    });
    for variable in ["HTTPS_PORT: ", "KEYSTORE_PATH: ", "TRUSTSTORE_PATH: "] {
        assert!(said.contains(variable), "{variable}: {said}");
    }
}

#[test]
fn files_that_are_no_stores_are_named_with_what_would_do() {
    let setup = Setup::new();
    let contents: [(&str, Vec<u8>); 5] = [
        ("nothing", Vec::new()),
        ("text", b"this is no keystore".to_vec()),
        ("cut short", setup.pki.server.jks()[..100].to_vec()),
        (
            "a truststore",
            truststore_jks(&[&setup.pki.root.certificate]),
        ),
        (
            "a key without its certificate",
            setup.pki.server.key_pem().into_bytes(),
        ),
    ];
    for (what, content) in contents {
        setup.write("certs/keystore.jks", content);
        let said = fails(&setup, |launch| launch);
        assert!(said.contains("KEYSTORE_PATH: "), "{what}: {said}");
    }
}

#[test]
fn a_truststore_with_nothing_in_it_is_refused_rather_than_everyone_trusted() {
    let setup = Setup::new();
    setup.write("certs/truststore.jks", truststore_jks(&[]));
    let said = fails(&setup, |launch| launch);
    assert!(said.contains("TRUSTSTORE_PATH: "), "{said}");
}

/// A service whose files are looked at ten times a second.
fn watching() -> Service {
    let setup = Setup::new();
    setup.servers(&[]);
    let launch = setup.launch().env("CERTWAY_RA_RELOAD__EVERY", "100ms");
    setup.start_as(launch)
}

#[test]
fn a_renewed_server_certificate_is_shown_without_a_restart() {
    let mut service = watching();
    // Clients that trust this root alone can get through to the renewed certificate, and to no other.
    let next = Issuer::root("CN=the next root of servers");
    let patient = HttpsClient::tls(
        service.setup.port.address(),
        &[&next.certificate],
        Some(&service.setup.pki.client),
    );
    assert!(patient.connect().is_err());
    let mut open = service.client.connect().unwrap();
    let mark = service.program.output().mark();
    let renewed = next.identity("CN=server", &["dns:localhost"]);
    service.setup.write("certs/keystore.jks", renewed.jks());
    service.program.log_has_since(mark, "successfully loaded");
    proto_tests::program::eventually("the new certificate", || patient.connect().is_ok());
    assert_eq!(patient.get("/ready", &[]).status, 200);
    assert_eq!(
        open.request("GET", "/ready", &[], b"").unwrap().status,
        200,
        "old connections live"
    );
    assert!(service.program.runs());
}

#[test]
fn a_keystore_spoilt_while_serving_leaves_the_old_one_in_service() {
    let service = watching();
    let mark = service.program.output().mark();
    service.setup.write("certs/keystore.jks", "half a file");
    service.program.log_has_since(mark, "KEYSTORE_PATH: ");
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}

#[test]
fn keytool_lists_every_root_of_a_truststore_we_write() {
    if peer::missing("keytool") {
        return;
    }
    let setup = Setup::new();
    let roots = ["CN=one", "CN=two", "CN=three"].map(Issuer::root);
    let roots = roots.each_ref().map(|issuer| &issuer.certificate);
    setup.write("t.jks", truststore_jks(&roots));
    setup.write("t.p12", truststore_pkcs12(&roots));
    for (file, kind) in [("t.jks", "JKS"), ("t.p12", "PKCS12")] {
        let listed = peer::keytool(
            setup.folder(),
            &[
                "-list",
                "-v",
                "-keystore",
                file,
                "-storetype",
                kind,
                "-storepass",
                PASSWORD,
            ],
        );
        assert!(
            listed.contains("Your keystore contains 3 entries"),
            "{listed}"
        );
        assert_eq!(
            listed.matches("Entry type: trustedCertEntry").count(),
            3,
            "{kind}"
        );
        for subject in ["CN=one", "CN=two", "CN=three"] {
            assert!(
                listed.contains(&format!("Owner: {subject}")),
                "{kind} {subject}"
            );
        }
        for root in roots {
            let digest = hex::encode_upper(root.fingerprint());
            let digest: Vec<&str> = (0..32).map(|at| &digest[at * 2..at * 2 + 2]).collect();
            assert!(listed.contains(&digest.join(":")), "{kind}");
        }
    }
}

#[test]
fn keytool_reads_the_key_and_chain_of_a_keystore_we_write() {
    if peer::missing("keytool") {
        return;
    }
    let setup = Setup::new();
    let identity = Issuer::root("CN=root")
        .issuing("CN=issuing")
        .identity("CN=leaf", &[]);
    setup.write("k.jks", identity.jks());
    setup.write("k.p12", identity.pkcs12());
    for (file, kind) in [("k.jks", "JKS"), ("k.p12", "PKCS12")] {
        let listed = peer::keytool(
            setup.folder(),
            &[
                "-list",
                "-v",
                "-keystore",
                file,
                "-storetype",
                kind,
                "-storepass",
                PASSWORD,
            ],
        );
        assert!(listed.contains("Entry type: PrivateKeyEntry"), "{listed}");
        assert!(listed.contains("Certificate chain length: 2"), "{listed}");
        // To sign with it shows that the key itself was understood.
        let csr = peer::keytool(
            setup.folder(),
            &[
                "-certreq",
                "-alias",
                "server",
                "-keystore",
                file,
                "-storetype",
                kind,
                "-storepass",
                PASSWORD,
                "-keypass",
                PASSWORD,
            ],
        );
        let csr = pki::Csr::from_pem(csr.as_bytes()).unwrap();
        csr.verify().unwrap();
        assert_eq!(csr.public_key(), identity.key.public_key(), "{kind}");
    }
}

#[test]
fn openssl_reads_the_pkcs12_we_write() {
    if peer::missing("openssl") {
        return;
    }
    let setup = Setup::new();
    setup.write("k.p12", setup.pki.server.pkcs12());
    setup.write("t.p12", truststore_pkcs12(&[&setup.pki.root.certificate]));
    let read = |file: &str| {
        let arguments = ["pkcs12", "-in", file, "-passin", "pass:secret", "-nodes"];
        peer::run("openssl", setup.folder(), &arguments)
    };
    let key = pki::PrivateKey::from_pem(read("k.p12").as_bytes(), None).unwrap();
    assert_eq!(key.public_key(), setup.pki.server.key.public_key());
    let trusted = pki::Certificate::all_from_pem(read("t.p12").as_bytes()).unwrap();
    assert_eq!(trusted, *std::slice::from_ref(&setup.pki.root.certificate));
    let wrong = ["pkcs12", "-in", "k.p12", "-passin", "pass:wrong", "-nodes"];
    assert!(peer::try_run("openssl", setup.folder(), &wrong).is_err());
}

#[test]
fn curl_with_a_pkcs12_identity_gets_through_as_the_charts_probes_do() {
    if peer::missing("curl") {
        return;
    }
    let service = watching();
    service
        .setup
        .write("client.p12", service.setup.pki.client.pkcs12());
    service
        .setup
        .write("root.crt", service.setup.pki.root.certificate.to_pem());
    let url = format!(
        "https://localhost:{}/actuator/health",
        service.setup.port.number()
    );
    let body = peer::run(
        "curl",
        service.setup.folder(),
        &[
            "--silent",
            "--show-error",
            &url,
            "--cacert",
            "root.crt",
            "--cert-type",
            "p12",
            "--cert",
            "client.p12",
            "--pass",
            PASSWORD,
            "--noproxy",
            "*",
        ],
    );
    assert!(body.contains(r#""status":"UP""#), "{body}");
}
