//! CMP over TLS.

use proto_tests::native::SECRET;
use proto_tests::openssl::Cmp;
use proto_tests::{Keys, Native, NativeSetup, peer};

fn over_tls(ra: &Native) -> Cmp {
    let cmp = Cmp::new(ra.setup.folder(), &ra.cmps_url(), "ir");
    let cmp = cmp.mac("device-1", SECRET).new_key(&Keys::ec());
    cmp.subject("/CN=tls").args(&["-tls_used"])
}

#[test]
fn cmp_over_tls_works_without_a_client_certificate_where_none_is_required() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = over_tls(&ra);
    let ran = cmp
        .certificates("-tls_trusted", &[&ra.setup.pki.root.certificate])
        .run();
    ran.verified(&ra.setup.root.certificate);
}

fn required() -> Native {
    let mut setup = NativeSetup::new();
    setup.listen = "client_auth = \"required\"".to_owned();
    let config = setup.local_authority() + &setup.label("", "");
    setup.start(&config)
}

#[test]
fn cmp_over_mutual_tls_works_with_the_clients_certificate_and_not_without() {
    if peer::missing("openssl") {
        return;
    }
    let ra = required();
    let client = &ra.setup.pki.client;
    let root = &ra.setup.pki.root.certificate;
    let cmp = over_tls(&ra).certificates("-tls_trusted", &[root]);
    let cmp = cmp.file("-tls_key", "tls.key", client.key_pem());
    let ran = cmp.certificates("-tls_cert", &[client.certificate()]).run();
    ran.verified(&ra.setup.root.certificate);

    let ran = over_tls(&ra).certificates("-tls_trusted", &[root]).run();
    ran.refused(&["transfer error"]);
    let stranger = &ra.setup.pki.foreign_client;
    let cmp = over_tls(&ra).certificates("-tls_trusted", &[root]);
    let cmp = cmp.file("-tls_key", "tls.key", stranger.key_pem());
    let ran = cmp
        .certificates("-tls_cert", &[stranger.certificate()])
        .run();
    ran.refused(&["transfer error"]);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_client_with_another_tls_anchor_sends_nothing() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = over_tls(&ra);
    let ran = cmp
        .certificates("-tls_trusted", &[&ra.setup.devices.certificate])
        .run();
    ran.refused(&["certificate verify failed"]);
    assert_eq!(ra.issued(), 0);
}

/// The certificate of the connection says nothing about who signed the message.
#[test]
fn a_client_certificate_does_not_replace_the_protection_of_the_message() {
    if peer::missing("openssl") {
        return;
    }
    let ra = required();
    let client = &ra.setup.pki.client;
    let cmp = over_tls(&ra).certificates("-tls_trusted", &[&ra.setup.pki.root.certificate]);
    let cmp = cmp.file("-tls_key", "tls.key", client.key_pem());
    let cmp = cmp.certificates("-tls_cert", &[client.certificate()]);
    let ran = cmp
        .args(&["-unprotected_requests", "-unprotected_errors"])
        .run();
    ran.refused(&["badMessageCheck", "not protected"]);
    assert_eq!(ra.issued(), 0);
}
