//! enroll, renew, revoke, trust, show.

use proto_tests::record::Ledger;

use super::*;

const ENROLL: [&str; 3] = [
    "enroll",
    "--subject=O=Example,CN=web",
    "--san=dns:web.example",
];

#[test]
fn enroll_leaves_key_chain_and_roots_that_belong_together() {
    let desk = Desk::new();
    desk.run(&ENROLL, 0);
    let chain = desk.certificates("tls.crt");
    assert_eq!(chain.len(), 2);
    assert_eq!(chain[0].subject(), &proto_tests::certs::dn(SUBJECT));
    assert_eq!(chain[0].public_key(), desk.key("tls.key").public_key());
    chain[0].verify_signed_by(chain[1].public_key()).unwrap();
    assert_eq!(
        desk.certificates("ca.crt"),
        std::slice::from_ref(&desk.native.setup.root.certificate)
    );
    assert_eq!(desk.mode("tls.key"), 0o600);
    assert_eq!(desk.native.issued(), 1);
}

#[test]
fn renew_comes_with_the_old_certificate_and_leaves_a_new_key() {
    let desk = Desk::new();
    desk.run(&ENROLL, 0);
    let (old, old_key) = (desk.certificates("tls.crt"), desk.key("tls.key"));
    // Not due: nothing happens, which is no failure.
    ended(&desk.launch(&["renew", "--if-expires-within=1d"]), 0);
    assert_eq!(desk.certificates("tls.crt"), old);
    // No client certificate beside the one that is renewed.
    ended(&desk.launch(&["renew"]), 0);
    let new = desk.certificates("tls.crt");
    assert_ne!(new[0], old[0]);
    assert_eq!(new[0].subject(), old[0].subject());
    assert_eq!(new[0].sans(), old[0].sans());
    assert_eq!(new[0].public_key(), desk.key("tls.key").public_key());
    assert_ne!(new[0].public_key(), old_key.public_key());
    assert_eq!(desk.native.issued(), 2);
}

#[test]
fn revoke_takes_effect_and_may_be_said_twice() {
    let desk = Desk::new();
    desk.run(&ENROLL, 0);
    let revoke = ["revoke", "--cert=tls.crt", "--reason=superseded"];
    desk.run(&revoke, 0);
    let journal = Ledger::file(&desk.native.setup.path("journal.db"));
    let leaf = &desk.certificates("tls.crt")[0];
    assert!(journal.is_revoked(leaf));
    desk.run(&revoke, 0);
}

#[test]
fn a_stranger_may_not_revoke() {
    let desk = Desk::new();
    desk.run(&ENROLL, 0);
    let other = desk.native.setup.pki.other_client.pem();
    proto_tests::certs::write(desk.folder.path(), "other.pem", other);
    let launch = desk
        .launch(&["revoke", "--cert=tls.crt"])
        .env("CERTWAY_TLS_CERT", "other.pem");
    ended(&launch, 5);
    let journal = Ledger::file(&desk.native.setup.path("journal.db"));
    let leaf = &desk.certificates("tls.crt")[0];
    assert!(!journal.is_revoked(leaf));
}

#[test]
fn trust_writes_every_root() {
    let desk = Desk::new();
    let root = desk.native.setup.root.certificate.clone();
    let printed = desk.run(&["trust"], 0);
    assert_eq!(
        pki::Certificate::all_from_pem(printed.stdout.as_bytes()).unwrap(),
        std::slice::from_ref(&root)
    );
    desk.run(&["trust", "--out=roots.pem"], 0);
    assert_eq!(desk.certificates("roots.pem"), [root]);
}

#[test]
fn show_tells_what_is_in_each_file() {
    let desk = Desk::new();
    desk.run(&ENROLL, 0);
    let shown = desk.run(&["show", "tls.crt"], 0).stdout;
    assert!(
        shown.contains(SUBJECT) && shown.contains("web.example"),
        "{shown}"
    );
    let shown = desk.run(&["show", "tls.key"], 0);
    let secret = std::fs::read_to_string(desk.path("tls.key")).unwrap();
    let line = secret.lines().nth(1).unwrap();
    assert!(!shown.stdout.contains(line), "a key is shown");
}
