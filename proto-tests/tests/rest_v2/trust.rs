//! Every root, in every form, as others read it.

use proto_tests::{EmbeddedCa, Issuer, peer};

use super::*;

const STORE_PASSWORD: &str = "a-better-one";

/// Before a CA in a rollover: two roots of one name, with keys of their own.
fn rollover(ca: &EmbeddedCa) -> (Native, Certificate) {
    let setup = NativeSetup::new();
    let config = setup.cmp_authority(&ca.url(), &ca.root, "") + &setup.label("", "");
    let next = Issuer::root("C=US,O=Certway Tests,CN=Root CA").certificate;
    assert_eq!(next.subject(), ca.root.subject());
    setup.write("upstream.pem", ca.root.to_pem() + &next.to_pem());
    (setup.start(&config), next)
}

#[test]
fn pem_and_json_have_every_root_each_once() {
    let ca = EmbeddedCa::start();
    let (native, next) = rollover(&ca);
    let pem = client(&native).get(TRUST, &[]);
    assert_eq!(pem.status, 200, "{}", pem.text());
    let found = pki::Certificate::all_from_pem(&pem.body).unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.contains(&ca.root) && found.contains(&next));
    let json = client(&native).get(TRUST, &[("Accept", JSON)]).json();
    let prints: Vec<&str> = json["roots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|root| root["fingerprint"].as_str().unwrap())
        .collect();
    for root in [&ca.root, &next] {
        assert!(prints.contains(&hex::encode(root.fingerprint()).as_str()));
    }
    let answer = post(&client(&native), CERTIFICATES, &asked(&json!({})));
    let roots = issued(&answer).roots;
    assert_eq!(
        roots,
        [ca.root.clone(), next],
        "the one that ends the chain is first"
    );
}

#[test]
fn keytool_reads_both_stores_and_finds_each_root_as_its_own_entry() {
    if peer::missing("keytool") {
        return;
    }
    let ca = EmbeddedCa::start();
    let (native, next) = rollover(&ca);
    for (format, store_type) in [("jks", "JKS"), ("pkcs12", "PKCS12")] {
        let fields = [("X-Certway-Store-Password", STORE_PASSWORD)];
        let answer = client(&native).get(&format!("{TRUST}?format={format}"), &fields);
        assert_eq!(answer.status, 200, "{}", answer.text());
        native.setup.write(format, &answer.body);
        let listed = peer::keytool(
            native.setup.folder(),
            &[
                "-list",
                "-v",
                "-keystore",
                format,
                "-storetype",
                store_type,
                "-storepass",
                STORE_PASSWORD,
            ],
        );
        assert!(listed.contains("contains 2 entries"), "{listed}");
        assert_eq!(listed.matches("trustedCertEntry").count(), 2, "{listed}");
        for root in [&ca.root, &next] {
            let print: Vec<String> = root
                .fingerprint()
                .iter()
                .map(|b| format!("{b:02X}"))
                .collect();
            assert!(listed.contains(&print.join(":")), "{listed}");
        }
    }
}

#[test]
fn openssl_reads_the_pkcs12_store() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let (native, _) = rollover(&ca);
    let answer = client(&native).get(TRUST, &[("Accept", "application/x-pkcs12")]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    native.setup.write("trust.p12", &answer.body);
    let listed = peer::run(
        "openssl",
        native.setup.folder(),
        &[
            "pkcs12",
            "-in",
            "trust.p12",
            "-nokeys",
            "-passin",
            "pass:changeit",
        ],
    );
    assert_eq!(listed.matches("BEGIN CERTIFICATE").count(), 2, "{listed}");
}

#[test]
fn a_password_that_keytool_would_not_take_is_refused() {
    let native = local();
    let fields = [("X-Certway-Store-Password", "short")];
    let answer = client(&native).get(&format!("{TRUST}?format=jks"), &fields);
    problem(&answer, 400, "bad-request");
    assert!(!answer.text().contains("short\""));
}
