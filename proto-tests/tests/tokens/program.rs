//! certway-ra with its keys in a token.

use pki::{Certificate, Csr, KeyUsages, PrivateKey, Template, usage};
use proto_tests::certs::{dn, sans};
use proto_tests::program::eventually;
use proto_tests::{Answer, Keys, Native, NativeSetup};
use serde_json::json;

use crate::hsm::{Hsm, PIN};

const RA_CLIENTS: &str = "ra_clients = [\"subject:O=Devices,CN=RA\"]";

fn csr(name: &str) -> String {
    let key = Keys::ec();
    let mut template = Template::new(dn(&format!("CN={name}")), key.public_key().clone());
    template.sans = sans(&[&format!("dns:{name}")]);
    Csr::build(&template, &key).unwrap().to_pem()
}

fn enroll(native: &Native, idempotency_key: &str, csr: &str) -> Answer {
    let client = native.rest(Some(&native.setup.pki.client));
    let body = json!({ "csr": csr }).to_string();
    let fields = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", idempotency_key),
    ];
    client.request("POST", "/v2/RA/certificates", &fields, body.as_bytes())
}

#[track_caller]
fn leaf(answer: &Answer) -> Certificate {
    assert!(
        matches!(answer.status, 200 | 201),
        "{} {}",
        answer.status,
        answer.text()
    );
    let body = answer.json();
    Certificate::from_pem(body["certificate"].as_str().unwrap().as_bytes()).unwrap()
}

fn start(setup: NativeSetup, hsm: &Hsm, config: &str) -> Native {
    let config = hsm.section() + config;
    let launch = hsm.reachable_by(setup.launch(&config));
    setup.start_as(launch)
}

#[test]
fn the_embedded_ca_makes_its_certificates_with_keys_in_the_token_and_issues_through_an_outage() {
    let Some(hsm) = Hsm::new() else { return };
    let (root, issuing) = (Keys::ec(), Keys::ec());
    let native = with_its_own_ca(&hsm, &root, &issuing);
    leaf(&enroll(&native, "one", &csr("one.example")))
        .verify_signed_by(issuing.public_key())
        .unwrap();
    let folder = native.setup.path("ca");
    let made = Certificate::from_pem(&std::fs::read(folder.join("issuing.crt")).unwrap()).unwrap();
    made.verify_signed_by(root.public_key()).unwrap();
    assert!(!folder.join("root.key").exists() && !folder.join("issuing.key").exists());

    hsm.let_it("removed");
    let two = csr("two.example");
    let refused = enroll(&native, "two", &two);
    assert!(
        refused.status >= 500,
        "{} {}",
        refused.status,
        refused.text()
    );
    hsm.no_longer("removed");
    eventually("the request of the outage is answered", || {
        enroll(&native, "two", &two).status < 300
    });
    assert!(!native.log().contains(PIN), "the PIN is in the log");
}

/// What `/readyz` says of the token.
fn standing(native: &Native) -> (bool, String) {
    let body = native.program.admin().get("/readyz", &[]).json();
    assert_eq!(body["ready"], true, "{body}");
    let checks = body["checks"].as_array().unwrap();
    let check = checks
        .iter()
        .find(|check| check["name"] == "token token=\"certway\"");
    let check = check.unwrap_or_else(|| panic!("no token in {body}"));
    let why = check["why"][0].as_str().unwrap_or_default();
    (check["ok"].as_bool().unwrap(), why.to_owned())
}

/// Over an embedded CA with these keys in the token.
fn with_its_own_ca(hsm: &Hsm, root: &PrivateKey, issuing: &PrivateKey) -> Native {
    hsm.import("root", "01", root);
    hsm.import("issuing", "02", issuing);
    let setup = NativeSetup::new();
    let authority = r#"
[authorities.ca.local]
folder = "ca"
root_key = "pkcs11:token=certway;object=root"
issuing_key = "pkcs11:token=certway;object=issuing"
"#;
    let config = authority.to_owned() + &setup.label("", "");
    start(setup, hsm, &config)
}

#[test]
fn a_pin_that_was_changed_in_the_token_is_asked_for_by_readyz_and_taken_over_by_a_reload() {
    const NEW: &str = "2222-another-pin";
    let Some(hsm) = Hsm::new() else { return };
    let native = with_its_own_ca(&hsm, &Keys::ec(), &Keys::ec());
    leaf(&enroll(&native, "one", &csr("one.example")));
    assert_eq!(standing(&native), (true, String::new()));

    hsm.change_pin(NEW);
    // Sessions that stand go on; it takes an outage until the PIN is wanted again.
    leaf(&enroll(&native, "two", &csr("two.example")));
    hsm.let_it("forget");
    let three = csr("three.example");
    eventually("a signature is refused", || {
        enroll(&native, "three", &three).status >= 500
    });
    let (ok, why) = standing(&native);
    assert!(!ok);
    assert!(
        why.contains("refused the PIN") && why.contains("`pin` in `[pkcs11]`"),
        "{why}"
    );
    let logins = hsm.logins();
    for _ in 0..3 {
        assert!(enroll(&native, "three", &three).status >= 500);
    }
    assert_eq!(hsm.logins(), logins, "a wrong PIN is given again");

    std::fs::write(hsm.path("pin"), NEW).unwrap();
    native.program.signal("HUP");
    eventually("the request of the outage is answered", || {
        enroll(&native, "three", &three).status < 300
    });
    assert_eq!(standing(&native), (true, String::new()));
    let log = native.log();
    assert!(!log.contains(PIN) && !log.contains(NEW), "{log}");
}

#[test]
fn readyz_names_a_token_that_is_lost_until_it_is_back() {
    let Some(hsm) = Hsm::new() else { return };
    let native = with_its_own_ca(&hsm, &Keys::ec(), &Keys::ec());
    hsm.let_it("removed");
    let one = csr("one.example");
    assert!(enroll(&native, "one", &one).status >= 500);
    let (ok, why) = standing(&native);
    assert!(!ok && !why.is_empty(), "{why}");
    hsm.no_longer("removed");
    eventually("the request of the outage is answered", || {
        enroll(&native, "one", &one).status < 300
    });
    assert_eq!(standing(&native), (true, String::new()));
}

#[test]
fn the_sessions_of_a_token_are_closed_before_the_end() {
    let Some(hsm) = Hsm::new() else { return };
    let mut native = with_its_own_ca(&hsm, &Keys::ec(), &Keys::ec());
    leaf(&enroll(&native, "one", &csr("one.example")));
    assert!(!hsm.path("finalized").exists());
    assert!(native.program.terminate().success());
    assert!(hsm.path("finalized").exists(), "{}", native.log());
}

/// A certificate for an RA that the upstream believes.
fn ra_certificate(upstream: &Native, key: &PrivateKey) -> Certificate {
    let mut template = Template::new(dn("O=Devices,CN=RA"), key.public_key().clone());
    template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    template.ext_key_usage = vec![usage::CMC_RA];
    upstream.setup.devices.sign(template)
}

/// What asks that upstream with a key in the token.
fn asking(upstream: &Native, setup: &NativeSetup, key: &str) -> String {
    let authority = format!(
        r#"
[authorities.ca.cmp]
url = "{}"
signature = {{ keystore = "ra.pem", key = "pkcs11:object={key};token=certway?module-name=hsm" }}
trust = {{ anchors = ["upstream.pem"], signer = "any-below-anchors" }}
"#,
        upstream.cmp_url()
    );
    authority + &setup.label("", "")
}

fn believing(upstream: &Native) -> NativeSetup {
    let setup = NativeSetup::new();
    setup.write("upstream.pem", upstream.setup.root.certificate.to_pem());
    setup
}

#[test]
fn requests_to_a_cmp_ca_are_signed_in_the_token() {
    let Some(hsm) = Hsm::new() else { return };
    let upstream = Native::local_with("", RA_CLIENTS);
    let key = Keys::ec();
    hsm.import("ra", "01", &key);
    let setup = believing(&upstream);
    setup.write("ra.pem", ra_certificate(&upstream, &key).to_pem());
    let config = asking(&upstream, &setup, "ra");
    let native = start(setup, &hsm, &config);
    leaf(&enroll(&native, "one", &csr("one.example")))
        .verify_signed_by(upstream.setup.issuing.certificate.public_key())
        .unwrap();
    assert_eq!(upstream.issued(), 1);
    let shown = native.program.admin().get("/configz", &[]).json();
    let module = &shown["configuration"]["pkcs11"]["hsm"];
    assert_eq!(module["pin"], true, "{shown}");
    assert_eq!(module["sessions"], 2, "{shown}");
}

#[test]
fn a_key_in_the_token_is_rotated_beside_the_old_one_by_a_reload() {
    let Some(hsm) = Hsm::new() else { return };
    let upstream = Native::local_with("", RA_CLIENTS);
    let (old, new) = (Keys::ec(), Keys::ec());
    hsm.import("ra", "01", &old);
    let setup = believing(&upstream);
    setup.write("ra.pem", ra_certificate(&upstream, &old).to_pem());
    let config = asking(&upstream, &setup, "ra");
    let native = start(setup, &hsm, &config);
    leaf(&enroll(&native, "one", &csr("one.example")));

    hsm.import("ra-2", "02", &new);
    let certificate = ra_certificate(&upstream, &new);
    native.setup.write("ra.pem", certificate.to_pem());
    let config = hsm.section() + &asking(&upstream, &native.setup, "ra-2");
    let _written = native.setup.launch(&config);
    let client = native.rest(Some(&native.setup.pki.client));
    assert_eq!(client.get("/reload", &[]).status, 200);
    let used = format!("serial=\"{}\"", certificate.serial_text());
    let metrics = native.program.admin().get("/metrics", &[]).text();
    assert!(metrics.contains(&used), "no {used} in\n{metrics}");
    leaf(&enroll(&native, "two", &csr("two.example")));
    assert_eq!(upstream.issued(), 2);
}

#[test]
fn a_configuration_whose_key_is_not_in_the_token_is_refused_with_its_key_path() {
    let Some(hsm) = Hsm::new() else { return };
    let setup = NativeSetup::new();
    let config = hsm.section()
        + &setup.local_authority()
        + "root_key = \"pkcs11:token=certway;object=none\"\n"
        + "issuing_key = \"pkcs11:token=certway;object=none?pin-value=1\"\n"
        + &setup.label("", "");
    let ended = hsm.reachable_by(setup.launch(&config)).run();
    let said = ended.stdout + &ended.stderr;
    assert_ne!(ended.code, Some(0));
    assert!(said.contains("authorities.ca.local.root_key"), "{said}");
    assert!(
        said.contains("the token has no private key object=\"none\""),
        "{said}"
    );
    assert!(said.contains("`pin-value` does not belong"), "{said}");
}
