//! Clients that take their time.

use std::time::{Duration, Instant};

use proto_tests::Native;
use proto_tests::https::Connection;

use crate::world::{client, resident, serves, service};

const MANY: usize = 100;

fn connections(native: &Native) -> Vec<Connection> {
    (0..MANY).map(|_| native.cmp().connect().unwrap()).collect()
}

/// All of them are closed, or answered with an error, by the service.
fn are_cut(connections: Vec<Connection>) {
    for mut connection in connections {
        if let Ok(answer) = connection.answer(false) {
            assert!((400..=503).contains(&answer.status), "{}", answer.status);
        }
    }
}

#[test]
fn headers_that_never_end_are_cut_off_and_hold_nobody_up() {
    let native = service("header_timeout = \"1s\"");
    let mut slow = connections(&native);
    for connection in &mut slow {
        connection
            .send(b"POST /pkix/ HTTP/1.1\r\nX-Slow: ")
            .unwrap();
    }
    serves(&native);
    are_cut(slow);
    serves(&native);
}

#[test]
fn a_header_that_comes_octet_by_octet_is_cut_off_as_well() {
    let native = service("header_timeout = \"500ms\"");
    let mut slow = native.cmp().connect().unwrap();
    let begun = Instant::now();
    // Each octet is progress; only the whole counts.
    while slow.send(b"x").is_ok() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    serves(&native);
}

#[test]
fn bodies_that_never_end_are_given_up_and_hold_nobody_up() {
    let native = service("request_timeout = \"1s\"");
    let mut slow = connections(&native);
    for (number, connection) in slow.iter_mut().enumerate() {
        let (path, kind) = match number % 2 {
            0 => ("/pkix/", "application/pkixcmp"),
            _ => ("/.well-known/cmp/p/RA", "application/pkixcmp"),
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: 500\r\n\r\n0"
        );
        connection.send(head.as_bytes()).unwrap();
    }
    serves(&native);
    are_cut(slow);
    let mut over_tls = client(&native).connect().unwrap();
    over_tls
        .send(b"POST /v2/RA/certificates HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
        .unwrap();
    let answer = over_tls.answer(false).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
    serves(&native);
}

#[test]
fn who_begins_a_handshake_and_stops_is_cut_off() {
    let native = service("handshake_timeout = \"300ms\"");
    let rest = proto_tests::HttpsClient::plain(native.setup.rest_address());
    // The beginning of a ClientHello.
    let mut slow: Vec<_> = (0..MANY).map(|_| rest.connect().unwrap()).collect();
    for connection in &mut slow {
        connection.send(&[0x16, 0x03, 0x01, 0x02, 0x00]).unwrap();
    }
    serves(&native);
    are_cut(slow);
    serves(&native);
}

#[test]
fn who_asks_and_never_reads_is_cut_off() {
    let native = service("write_timeout = \"300ms\"");
    for client in [native.cmp(), client(&native)] {
        let before = resident(&native);
        let mut deaf = client.connect().unwrap();
        // Large answers to small questions, until nothing more goes through; then the service has to end it.
        let questions = "GET /crl/ca HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000);
        let begun = Instant::now();
        while deaf.send(questions.as_bytes()).is_ok() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it is never cut off"
            );
        }
        let after = resident(&native);
        assert!(
            after < before + (16 << 10),
            "from {before} KiB to {after} KiB"
        );
        serves(&native);
    }
}

#[test]
fn a_request_that_is_too_large_gets_its_answer_though_it_is_sent_to_the_end() {
    let native = service("");
    for (client, path, kind) in [
        (native.cmp(), "/pkix/", "application/pkixcmp"),
        (client(&native), "/pkix/", "application/pkixcmp"),
        (client(&native), "/v2/RA/certificates", "application/json"),
    ] {
        let answer = client.post(path, kind, &vec![b' '; 3 << 20]);
        assert_eq!(answer.status, 413, "{path}: {}", answer.text());
        // Without an announced length too.
        let mut chunked = client.connect().unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        chunked.send(head.as_bytes()).unwrap();
        let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
        for _ in 0..32 {
            chunked.send(&chunk).unwrap();
        }
        chunked.send(b"0\r\n\r\n").unwrap();
        assert_eq!(chunked.answer(false).unwrap().status, 413, "{path}");
    }
}
