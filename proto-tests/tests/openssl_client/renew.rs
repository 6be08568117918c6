//! Renewal and revocation, by the certificate itself.

use pki::{Certificate, PrivateKey};
use proto_tests::certs::{Identity, Issuer};
use proto_tests::native::{RA_SECRET, SECRET};
use proto_tests::openssl::{Cmp, Ran};
use proto_tests::{EmbeddedCa, Keys, Native, peer};

/// A certificate the service issued, with its key.
fn enrolled(ra: &Native, root: &Certificate, name: &str) -> Identity {
    let key = Keys::ec();
    let cmp = ra.openssl("ir").mac("device-1", SECRET).new_key(&key);
    let cmp = cmp.subject(&format!("/O=Devices/CN={name}"));
    let ran = cmp.args(&["-sans", "a.example"]).run();
    let chain = vec![ran.verified(root)];
    Identity { key, chain }
}

fn kur(ra: &Native, old: &Identity, key: &PrivateKey) -> Cmp {
    let cmp = ra.openssl("kur").signed(old).new_key(key);
    cmp.trusting(&ra.setup.root.certificate)
}

fn rr(ra: &Native, by: &Identity, of: &Certificate) -> Ran {
    let cmp = ra.openssl("rr").signed(by).certificates("-oldcert", &[of]);
    let cmp = cmp.trusting(&ra.setup.root.certificate);
    cmp.args(&["-revreason", "1", "-unprotected_errors"]).run()
}

#[test]
fn a_kur_signed_with_the_old_key_renews_and_keeps_the_names() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let old = enrolled(&ra, &ra.setup.root.certificate, "renewed");
    let key = Keys::ec();
    let ran = kur(&ra, &old, &key).run();
    let new = ran.verified(&ra.setup.root.certificate);
    assert!(ran.said().contains("received KUP"), "{}", ran.said());
    assert_eq!(new.public_key(), key.public_key());
    assert_eq!(new.subject(), old.certificate().subject());
    assert_eq!(new.sans(), old.certificate().sans());
    assert_ne!(new.serial(), old.certificate().serial());
    assert_eq!(ra.issued(), 2);
}

#[test]
fn what_a_kur_gave_can_be_renewed_in_turn() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let mut old = enrolled(&ra, &ra.setup.root.certificate, "again");
    for _ in 0..2 {
        let key = Keys::ec();
        let ran = kur(&ra, &old, &key).run();
        let chain = vec![ran.verified(&ra.setup.root.certificate)];
        old = Identity { key, chain };
    }
    assert_eq!(ra.issued(), 3);
}

#[test]
fn before_a_cmp_ca_a_kur_becomes_what_the_ca_takes() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let ra = Native::before(&ca);
    let old = enrolled(&ra, &ca.root, "relayed");
    let key = Keys::ec();
    let new = kur(&ra, &old, &key).run().verified(&ca.root);
    assert_eq!(new.public_key(), key.public_key());
    assert_eq!((ra.issued(), ca.issued()), (2, 2));
}

#[test]
fn a_device_certificate_of_another_ca_renews_nothing() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let device = ra.setup.devices.identity("O=Devices,CN=device-7", &[]);
    let ran = kur(&ra, &device, &Keys::ec())
        .args(&["-unprotected_errors"])
        .run();
    ran.refused(&["signerNotTrusted"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_certificate_is_not_renewed_under_the_signature_of_another() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let root = &ra.setup.root.certificate;
    let (mine, other) = (enrolled(&ra, root, "mine"), enrolled(&ra, root, "other"));
    let cmp = kur(&ra, &mine, &Keys::ec());
    let ran = cmp.certificates("-oldcert", &[other.certificate()]).run();
    ran.refused(&["badCertId"]);
    assert_eq!(ra.issued(), 2);
}

#[test]
fn names_that_the_old_certificate_did_not_have_are_not_had_by_a_kur() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let old = enrolled(&ra, &ra.setup.root.certificate, "narrow");
    let cmp = kur(&ra, &old, &Keys::ec()).args(&["-sans", "admin.example"]);
    let ran = cmp.run();
    ran.refused(&["PKIStatus: rejection"]);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_certificate_revokes_itself_once() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let own = enrolled(&ra, &ra.setup.root.certificate, "revoked");
    let ran = rr(&ra, &own, own.certificate());
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert!(ran.said().contains("received RP"), "{}", ran.said());
    assert_eq!(ra.revoked(), 1);
    let again = rr(&ra, &own, own.certificate());
    again.refused(&["certRevoked"]);
    assert_eq!(ra.revoked(), 1);
}

#[test]
fn a_revoked_certificate_renews_nothing() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let own = enrolled(&ra, &ra.setup.root.certificate, "revoked");
    assert_eq!(rr(&ra, &own, own.certificate()).ended.code, Some(0));
    let cmp = kur(&ra, &own, &Keys::ec()).args(&["-unprotected_errors"]);
    cmp.run().refused(&["certRevoked"]);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_revocation_reaches_the_cmp_ca() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let ra = Native::before(&ca);
    let own = enrolled(&ra, &ca.root, "revoked");
    let ran = rr(&ra, &own, own.certificate());
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert_eq!((ra.revoked(), ca.revoked()), (1, 1));
}

#[test]
fn a_foreign_certificate_is_not_revoked() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let root = &ra.setup.root.certificate;
    let (mine, other) = (enrolled(&ra, root, "mine"), enrolled(&ra, root, "other"));
    let elsewhere = Issuer::root("O=Elsewhere,CN=Root").identity("CN=elsewhere", &[]);
    for of in [other.certificate(), elsewhere.certificate()] {
        let ran = rr(&ra, &mine, of);
        ran.refused(&["PKIStatus: rejection"]);
    }
    assert_eq!(ra.revoked(), 0);
}

/// What this client enrolled is its own to revoke by the same secret; a label may demand a signature instead.
#[test]
fn a_shared_secret_revokes_what_it_enrolled_unless_the_label_wants_a_signature() {
    if peer::missing("openssl") {
        return;
    }
    let by_mac = |ra: &Native, of: &Certificate| {
        let cmp = ra.openssl("rr").mac("device-1", SECRET);
        cmp.certificates("-oldcert", &[of]).run()
    };
    let ra = Native::local();
    let own = enrolled(&ra, &ra.setup.root.certificate, "mac");
    let ran = by_mac(&ra, own.certificate());
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert_eq!(ra.revoked(), 1);

    let strict = Native::local_with("", "mac_revocation = false");
    let own = enrolled(&strict, &strict.setup.root.certificate, "mac");
    by_mac(&strict, own.certificate()).refused(&["wrongIntegrity", "has to be signed"]);
    assert_eq!(strict.revoked(), 0);
}

#[test]
fn another_clients_certificate_is_revoked_by_an_ra_and_not_by_another_client() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let own = enrolled(&ra, &ra.setup.root.certificate, "device");
    let by = |reference| {
        let cmp = ra.openssl("rr").mac(reference, RA_SECRET);
        cmp.certificates("-oldcert", &[own.certificate()]).run()
    };
    by("device-2").refused(&["PKIStatus: rejection"]);
    assert_eq!(ra.revoked(), 0);
    let ran = by("ra-1");
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert_eq!(ra.revoked(), 1);
}
