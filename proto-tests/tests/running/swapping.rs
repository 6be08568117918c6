//! TLS material exchanged under load: no handshake fails, and what is new is seen.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pki::Certificate;
use proto_tests::certs::Issuer;
use proto_tests::native::NativeSetup;
use proto_tests::program::eventually;
use proto_tests::{HttpsClient, Identity, Native};

const SWAPS: usize = 20;
const CLIENTS: usize = 4;

fn started() -> Native {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "") + "[reload]\nevery = \"100ms\"\n";
    setup.start(&config)
}

/// The certificate a new connection is shown, once it has been used.
fn shown(client: &HttpsClient) -> Certificate {
    let mut connection = client.connect().expect("a handshake");
    let answer = connection.request("GET", "/v2/RA/trust", &[], b"");
    assert_eq!(answer.expect("an answer").status, 200);
    connection.server_certificate()
}

fn server(native: &Native, number: usize) -> Identity {
    let subject = format!("O=Certway Tests,CN=server {number}");
    native
        .setup
        .pki
        .root
        .identity(&subject, &["dns:localhost", "ip:127.0.0.1"])
}

#[test]
fn no_handshake_fails_while_the_certificate_and_the_client_cas_are_exchanged_many_times() {
    let native = started();
    let root = native.setup.pki.root.certificate.to_pem();
    let (over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    // One configuration of TLS for all connections: sessions are resumed where that is possible.
                    let client = native.rest(Some(&native.setup.pki.client));
                    let mut seen = BTreeSet::new();
                    while !over.load(Ordering::SeqCst) {
                        seen.insert(shown(&client).subject().to_string());
                        made.fetch_add(1, Ordering::SeqCst);
                    }
                    seen
                })
            })
            .collect();
        let mine = native.rest(Some(&native.setup.pki.client));
        eventually("clients connect", || made.load(Ordering::SeqCst) >= CLIENTS);
        for number in 0..SWAPS {
            let server = server(&native, number);
            native.setup.write("server.pem", server.pem());
            let another = Issuer::root(&format!("CN=client CA {number}"));
            native
                .setup
                .write("clients.pem", root.clone() + &another.certificate.to_pem());
            if number % 2 == 0 {
                native.program.signal("HUP");
            }
            eventually("the new certificate is shown", || {
                &shown(&mine) == server.certificate()
            });
            // And others get it while it is there: each has begun one connection by now that may have the old one.
            let before = made.load(Ordering::SeqCst);
            eventually("clients connect", || {
                made.load(Ordering::SeqCst) >= before + 2 * CLIENTS
            });
        }
        over.store(true, Ordering::SeqCst);
        let all = clients.into_iter().map(|client| client.join().unwrap());
        all.fold(BTreeSet::new(), |mut all, seen| {
            all.extend(seen);
            all
        })
    });
    assert_eq!(seen.len(), SWAPS + 1, "{seen:?}");
}

#[test]
fn a_client_ca_that_is_taken_out_lets_nobody_in_any_more_also_not_who_was_in_before() {
    let native = started();
    let old = client_of(&native);
    assert_eq!(old.get("/v2/RA/trust", &[]).status, 200);
    let mut kept = old.connect().unwrap();
    let another = Issuer::root("O=Elsewhere,CN=another client CA");
    let newcomer = another.identity("O=Example,CN=newcomer", &[]);
    native
        .setup
        .write("clients.pem", another.certificate.to_pem());
    let new = native.rest(Some(&newcomer));
    eventually("the new CA's client is let in", || {
        new.try_request("GET", "/v2/RA/trust", &[], b"")
            .is_ok_and(|answer| answer.status == 200)
    });
    // Its session would be resumed, had it been one with the new configuration.
    assert!(old.try_request("GET", "/v2/RA/trust", &[], b"").is_err());
    // A connection that stands is not dropped.
    let answer = kept.request("GET", "/v2/RA/trust", &[], b"").unwrap();
    assert_eq!(answer.status, 200);
}

fn client_of(native: &Native) -> HttpsClient {
    native.rest(Some(&native.setup.pki.client))
}

#[test]
fn a_mounted_secret_is_exchanged_by_its_link_as_kubernetes_does_it() {
    let setup = NativeSetup::new();
    // /certs/server.pem -> ..data/server.pem, ..data -> ..first
    let first = setup.pki.server.pem();
    setup.write("certs/..first/server.pem", first);
    let link = |from: &str, to: &str| std::os::unix::fs::symlink(from, setup.path(to)).unwrap();
    link("..first", "certs/..data");
    link("..data/server.pem", "certs/server.pem");
    let config = setup.local_authority() + &setup.label("", "") + "[reload]\nevery = \"100ms\"\n";
    let launch = setup
        .launch(&config)
        .env("CERTWAY_RA_LISTEN__TLS__KEYSTORE", "certs/server.pem");
    let native = setup.start_as(launch);
    let renewed = server(&native, 2);
    native
        .setup
        .write("certs/..second/server.pem", renewed.pem());
    let at = |name: &str| native.setup.path(name);
    std::os::unix::fs::symlink("..second", at("certs/..data_tmp")).unwrap();
    std::fs::rename(at("certs/..data_tmp"), at("certs/..data")).unwrap();
    std::fs::remove_dir_all(at("certs/..first")).unwrap();
    let client = client_of(&native);
    eventually("the new certificate is shown", || {
        &shown(&client) == renewed.certificate()
    });
}
