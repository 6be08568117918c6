//! Requests that make no sense.

use std::thread;

use proto_tests::https::Connection;
use proto_tests::{HttpsClient, Native};

use crate::world::{client, resident, serves, service, size};

const HANDS: usize = 8;

/// What cannot be understood, each time in another way.
pub(crate) fn rubbish(number: usize) -> Vec<u8> {
    let body: Vec<u8> = (0..number % 700)
        .map(|i| (i * 31 + number * 17) as u8)
        .collect();
    let post = |path: &str, kind: &str, length: usize, body: &[u8]| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    match number % 10 {
        0 => post("/pkix/", "application/pkixcmp", body.len(), &body),
        1 => post(
            "/.well-known/cmp/p/RA",
            "application/pkixcmp",
            4,
            &[0x30, 0x82, 0xff, 0xff],
        ),
        2 => post("/v2/RA/certificates", "application/json", body.len(), &body),
        3 => post(
            "/v2/RA/certificates",
            "application/pkcs10",
            body.len(),
            &body,
        ),
        4 => format!(
            "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
            "x/".repeat(number % 300)
        )
        .into_bytes(),
        5 => b"GET /v1/certificate/RA HTTP/1.1\r\nHost: a\r\nCSR: AAAA\r\nPK: %%%\r\n\r\n".to_vec(),
        6 => b"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        7 => post("/pkix/", "text/plain", 3, b"abc"),
        8 => [b"GET / HTTP/1.1\r\n".as_slice(), &body, b"\r\n\r\n"].concat(),
        _ => body,
    }
}

/// Sends it, and reads the answer where there is one; gives the connection back if it can be used again.
pub(crate) fn throw(
    mut connection: Connection,
    octets: &[u8],
    number: usize,
) -> Option<Connection> {
    connection.send(octets).ok()?;
    if number % 10 >= 8 {
        // No request, perhaps no end: nothing to wait for.
        return None;
    }
    let answer = connection.answer(false).ok()?;
    assert!(
        (400..500).contains(&answer.status),
        "{} to {}",
        answer.status,
        String::from_utf8_lossy(octets)
    );
    (answer.header("connection") != Some("close")).then_some(connection)
}

fn flood(client: &HttpsClient, count: usize) {
    thread::scope(|scope| {
        for hand in 0..HANDS {
            scope.spawn(move || {
                let mut kept = None;
                for number in (hand..count).step_by(HANDS) {
                    let connection = kept.take().unwrap_or_else(|| client.connect().unwrap());
                    kept = throw(connection, &rubbish(number), number);
                }
            });
        }
    });
}

fn bounded(native: &Native, client: &HttpsClient, count: usize) {
    // Caches and pools fill once.
    flood(client, count / 10);
    let before = resident(native);
    flood(client, count);
    let after = resident(native);
    println!("{count} requests of rubbish: RSS {before} KiB to {after} KiB");
    assert!(
        after < before + (16 << 10),
        "from {before} KiB to {after} KiB"
    );
    serves(native);
    assert_eq!(native.issued(), 0);
}

#[test]
fn rubbish_without_tls_leaves_no_trace_in_memory() {
    let native = service("");
    bounded(&native, &native.cmp(), size(10_000, 100_000));
}

#[test]
fn rubbish_over_mtls_leaves_no_trace_in_memory() {
    let native = service("");
    bounded(&native, &client(&native), size(2_000, 20_000));
}

#[test]
fn rubbish_where_tls_is_expected_leaves_no_trace_in_memory() {
    let native = service("");
    let plain = HttpsClient::plain(native.setup.rest_address());
    let throw = |count: usize| {
        for number in 0..count {
            let mut connection = plain.connect().unwrap();
            let _refused = connection.send(&rubbish(number));
        }
    };
    throw(500);
    let before = resident(&native);
    throw(size(3_000, 30_000));
    serves(&native);
    let after = resident(&native);
    assert!(
        after < before + (16 << 10),
        "from {before} KiB to {after} KiB"
    );
}
