//! Sockets that somebody else has opened: systemd, which keeps them while we are started again.

use std::net::TcpListener;

use proto_tests::native::NativeSetup;
use proto_tests::{HttpsClient, peer};

fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn passed_sockets_are_served_in_place_of_the_configured_addresses() {
    let (rest, cmp) = (socket(), socket());
    let (rest_at, cmp_at) = (rest.local_addr().unwrap(), cmp.local_addr().unwrap());
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    // Not in the order in which they are served.
    let launch = setup
        .launch(&config)
        .passing("cmp", cmp)
        .passing("rest", rest);
    let native = setup.start_as(launch);
    assert_eq!(native.program.listening(0, 2), [rest_at, cmp_at]);
    let pki = &native.setup.pki;
    let over_tls = HttpsClient::tls(rest_at, &[&pki.root.certificate], Some(&pki.client));
    assert_eq!(over_tls.get("/ready", &[]).status, 200);
    assert_eq!(HttpsClient::plain(cmp_at).get("/", &[]).status, 404);
    for configured in [native.setup.rest_address(), native.setup.cmp_address()] {
        assert!(std::net::TcpStream::connect(configured).is_err());
    }
}

#[test]
fn who_connects_while_it_is_started_again_waits_and_is_served() {
    let rest = socket();
    let at = rest.local_addr().unwrap();
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    let launch = setup.launch(&config).passing("rest", rest);
    let mut native = setup.start_as(launch);
    native.program.terminate();
    // The handshake of TCP is the system's; ours of TLS waits for the process.
    let pki = &native.setup.pki;
    let client = HttpsClient::tls(at, &[&pki.root.certificate], Some(&pki.client));
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| client.get("/ready", &[]));
        native.program.restart(2);
        assert_eq!(asking.join().unwrap().status, 200);
    });
}

#[test]
fn a_socket_whose_purpose_cannot_be_told_or_is_not_configured_is_an_error() {
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    let mut program = setup
        .launch(&config)
        .passing("rest", socket())
        .passing("http", socket())
        .spawn();
    assert_eq!(program.wait().code(), Some(1));
    program.log_has(
        "a socket named `http` was passed; `FileDescriptorName=` is `rest`, `cmp` or `admin`",
    );

    let service = proto_tests::service::Setup::new();
    let launch = service.launch_from_file("");
    let mut program = launch
        .passing("rest", socket())
        .passing("cmp", socket())
        .spawn();
    assert_eq!(program.wait().code(), Some(1));
    program
        .log_has("a socket named `cmp` was passed, and the configuration has no listener for it");
}

#[test]
fn systemd_can_start_it_at_the_first_connection() {
    if peer::missing("systemd-socket-activate") {
        return;
    }
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    let file = setup.path("certway.toml");
    setup.launch(&config);
    let port = proto_tests::Port::free();
    let program = proto_tests::Launch::of("systemd-socket-activate", setup.folder())
        .arg(format!("--listen={}", port.address()))
        .arg("--fdname=rest")
        .arg(proto_tests::program::binary("certway-ra"))
        .args(["serve", "--config"])
        .arg(file)
        .spawn();
    program.log_has("Listening on");
    let pki = &setup.pki;
    let client = HttpsClient::tls(port.address(), &[&pki.root.certificate], Some(&pki.client));
    assert_eq!(client.get("/ready", &[]).status, 200);
    program.log_has(&format!("listening on {}", port.address()));
}
