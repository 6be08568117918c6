//! Exit codes are what scripts go by.

use proto_tests::Keys;
use proto_tests::scripted::{Habits, ScriptedCa};

use super::*;

const ENROLL: [&str; 2] = ["enroll", "--subject=O=Example,CN=web"];

#[test]
fn a_command_line_that_makes_no_sense_is_2() {
    let desk = Desk::new();
    desk.run(&["enrol"], 2);
    desk.run(&["enroll", "--format=pkcs13"], 2);
    desk.run(&["revoke"], 2);
}

#[test]
fn a_refusal_is_3_and_says_why() {
    let local = |setup: &NativeSetup| setup.local_authority();
    let desk = Desk::with(&local, "dns = [\"**.example\"]");
    let said = desk.run(&["enroll", "--san=dns:web.elsewhere"], 3);
    assert!(said.stderr.contains("web.elsewhere"), "{}", said.stderr);
    let launch = desk.as_client(&ENROLL).env("CERTWAY_CA", "Nope");
    let said = ended(&launch, 3);
    assert!(said.stderr.contains("Nope"), "{}", said.stderr);
    assert_eq!(desk.native.issued(), 0);
}

#[test]
fn a_service_that_is_not_there_is_4() {
    let mut desk = Desk::new();
    desk.native.program.kill();
    desk.run(&ENROLL, 4);
    desk.native.program.restart(2);
    desk.run(&ENROLL, 0);
    assert_eq!(desk.native.issued(), 1);
}

#[test]
fn a_client_that_is_not_known_is_5() {
    let desk = Desk::new();
    ended(&desk.launch(&ENROLL), 5);
    let foreign = desk.native.setup.pki.foreign_client.pem();
    proto_tests::certs::write(desk.folder.path(), "foreign.pem", foreign);
    ended(
        &desk.launch(&ENROLL).env("CERTWAY_TLS_CERT", "foreign.pem"),
        5,
    );
    ended(&desk.launch(&ENROLL).env("CERTWAY_TOKEN", "nobodys"), 5);
}

#[test]
fn a_ca_that_does_not_decide_in_time_is_6_and_the_same_command_goes_on() {
    let ca = ScriptedCa::start(Habits {
        waits: u32::MAX,
        ..Habits::default()
    });
    let desk = Desk::at(Native::before_with(&ca.url(), &ca.root, "", "", ""));
    desk.run(&[&ENROLL[..], &["--wait=0s"]].concat(), 6);
    assert!(!desk.path("tls.crt").exists());
    ca.decides();
    desk.run(&ENROLL, 0);
    let leaf = desk.certificates("tls.crt")[0].clone();
    assert_eq!(leaf.public_key(), desk.key("tls.key").public_key());
    let record = ca.record(leaf.subject());
    assert_eq!(record.len(), 1, "{record:?}");
}

#[test]
fn a_file_that_does_not_hold_what_it_should_is_7() {
    let desk = Desk::new();
    let junk = |name: &str| proto_tests::certs::write(desk.folder.path(), name, "junk");
    junk("key.pem");
    desk.run(&[&ENROLL[..], &["--key=key.pem"]].concat(), 7);
    desk.run(&["revoke", "--cert=key.pem"], 7);
    desk.run(&["show", "nothing.pem"], 7);
    let key = proto_tests::certs::pkcs8_pem(&Keys::ec());
    proto_tests::certs::write(desk.folder.path(), "key.pem", key);
    desk.run(&[&ENROLL[..], &["--key=key.pem"]].concat(), 0);
}

#[test]
fn another_root_of_tls_is_never_spoken_to() {
    let desk = Desk::new();
    let foreign = desk.native.setup.devices.certificate.to_pem();
    proto_tests::certs::write(desk.folder.path(), "service-root.pem", foreign);
    desk.run(&ENROLL, 4);
}
