//! Many clients that come at the same moment.

use std::sync::Barrier;
use std::thread;

use proto_tests::Native;

use crate::world::{client, room_for, serves, service};

/// Runs `work` in so many threads at the same moment.
fn at_once(count: usize, work: impl Fn() + Sync) {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        for _ in 0..count {
            thread::Builder::new()
                .stack_size(256 << 10)
                .spawn_scoped(scope, || {
                    start.wait();
                    work();
                })
                .unwrap();
        }
    });
}

fn stopped(native: &Native) {
    native.program.signal("STOP");
}

#[test]
fn a_thousand_clients_that_connect_at_once_all_get_their_answer() {
    room_for(1_000);
    let native = service("");
    let plain = native.cmp();
    at_once(1_000, || {
        // No message, but an answer of ours.
        assert_eq!(
            plain.post("/pkix/", "application/pkixcmp", b"junk").status,
            400
        );
    });
    serves(&native);
}

#[test]
fn sixty_four_clients_that_connect_over_mtls_at_once_all_get_their_answer() {
    let native = service("");
    let client = client(&native);
    at_once(64, || {
        assert_eq!(client.get("/v2/RA/trust", &[]).status, 200);
    });
}

#[test]
fn a_thousand_clients_are_let_in_by_the_system_while_the_process_does_nothing() {
    room_for(1_000);
    let native = service("");
    stopped(&native);
    let at = native.setup.cmp_address();
    // The handshake of TCP is the system's: with a short backlog the most of them would wait for ever.
    let connect = || {
        std::net::TcpStream::connect_timeout(&at, std::time::Duration::from_millis(900)).unwrap()
    };
    let waiting: Vec<_> = (0..1_000).map(|_| connect()).collect();
    native.program.signal("CONT");
    serves(&native);
    drop(waiting);
    serves(&native);
}
