//! Connections that do nothing.

use std::thread;

use proto_tests::HttpsClient;
use proto_tests::https::Connection;
use proto_tests::program::eventually;

use crate::world::{client, resident, room_for, serves, service, size};

const HANDS: usize = 8;

fn open(client: &HttpsClient, count: usize) -> Vec<Connection> {
    let one = || {
        let mut connection = client.connect().unwrap();
        // Whoever has been answered once has everything a connection can have.
        let answer = connection.request("GET", "/ready", &[], b"").unwrap();
        assert_eq!(answer.status, 200);
        connection
    };
    thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS)
            .map(|_| scope.spawn(|| (0..count / HANDS).map(|_| one()).collect::<Vec<_>>()))
            .collect();
        let opened = hands.into_iter().flat_map(|hand| hand.join().unwrap());
        opened.collect()
    })
}

#[test]
fn idle_connections_over_mtls_cost_little_each_and_keep_nobody_out() {
    let count = size(1_000, 10_000);
    room_for(count);
    let native = service(&format!(
        "max_connections = {}\nheader_timeout = \"30m\"",
        count + 100
    ));
    let client = client(&native);
    // What the first ones cost is not theirs alone.
    let first = open(&client, 200);
    let before = resident(&native);
    let idle = open(&client, count - 200);
    let after = resident(&native);
    let each = (after - before) * 1024 / idle.len();
    println!("{count} idle connections: RSS {before} KiB to {after} KiB, {each} bytes for each");
    // A third above what the benchmark holds a release to: this is a debug build, and pages are counted, not octets.
    assert!(each <= 40 << 10, "{each} bytes for each connection");
    serves(&native);
    drop((first, idle));
    serves(&native);
}

/// The connection again, if it is served.
fn answered(mut connection: Connection) -> Option<Connection> {
    connection
        .request("GET", "/ready", &[], b"")
        .ok()
        .map(|_| connection)
}

#[test]
fn more_connections_than_allowed_are_closed_at_once_and_seats_that_get_free_are_taken() {
    let native = service("max_connections = 50");
    let client = client(&native);
    let mut taken = open(&client, 48);
    let mut refused = 0;
    for _ in 0..20 {
        match client.connect().map(answered) {
            Ok(Some(connection)) => taken.push(connection),
            Ok(None) | Err(_) => refused += 1,
        }
    }
    assert_eq!((taken.len(), refused), (50, 18));
    // Those who are in are served.
    let answer = taken[0].request("GET", "/v2/RA/trust", &[], b"").unwrap();
    assert_eq!(answer.status, 200);
    drop(taken);
    eventually("the seats are free", || {
        client.connect().ok().and_then(answered).is_some()
    });
}

#[test]
fn a_connection_that_stays_idle_is_closed_in_the_end() {
    let native = service("header_timeout = \"300ms\"");
    let mut idle = open(&client(&native), HANDS);
    for connection in &mut idle {
        assert!(connection.answer(false).is_err(), "it is closed");
    }
    serves(&native);
}
