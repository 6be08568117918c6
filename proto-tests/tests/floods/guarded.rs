//! More than a CA that is silent or gone can be asked, by many clients at once, with rubbish in between: what the guard before it turns away
//! leaves nothing behind.

use std::thread;

use proto_tests::https::Connection;
use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, CmpCa, HttpsClient, Keys, Native, Port, v1};

use crate::junk::{rubbish, throw};
use crate::world::{client, resident, serves, size};

const CLIENTS: usize = 64;
const LINES: &str = r#"
transport = { total_timeout = "1s" }
limits = { in_flight = 8, queue = 8, queue_wait = "250ms" }
breaker = { rest = "1s" }
"#;

/// Asks for a certificate that nobody asked for before, and does not wait for it.
fn ask(connection: &mut Connection, flood: &str, number: usize, csr: &str) -> Option<u16> {
    let key = format!("{flood}-{number}");
    let headers = [
        ("Content-Type", "application/x-pem-file"),
        ("Idempotency-Key", key.as_str()),
        ("Prefer", "wait=0"),
    ];
    let path = "/v2/RA/certificates";
    let answer = connection.request("POST", path, &headers, csr.as_bytes());
    Some(answer.ok()?.status)
}

/// How many requests were let in and turned away.
fn flood(client: &HttpsClient, flood: &str, count: usize, csr: &str) -> [usize; 2] {
    let hand = |hand: usize| {
        let (mut kept, mut seen) = (None, [0, 0]);
        for number in (hand..count).step_by(CLIENTS) {
            let mut connection = kept.take().unwrap_or_else(|| client.connect().unwrap());
            // Each client in another rhythm, or some would send nothing but rubbish.
            if (number / CLIENTS + number).is_multiple_of(4) {
                kept = throw(connection, &rubbish(number), number);
                continue;
            }
            match ask(&mut connection, flood, number, csr) {
                Some(202) => seen[0] += 1,
                Some(503) => seen[1] += 1,
                other => panic!("{other:?}"),
            }
            kept = Some(connection);
        }
        seen
    };
    let hand = &hand;
    thread::scope(|scope| {
        let hands: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || hand(number)))
            .collect();
        let seen = hands.into_iter().map(|hand| hand.join().unwrap());
        seen.fold([0, 0], |all, one| [all[0] + one[0], all[1] + one[1]])
    })
}

fn bounded(what: &str, native: &Native) {
    let count = size(2_000, 20_000);
    let client = client(native);
    let csr = v1::csr("CN=wanted", &["dns:a.example"], &Keys::ec());
    // Caches and pools fill once.
    flood(&client, "first", count / 4, &csr);
    let before = resident(native);
    let [let_in, turned_away] = flood(&client, "second", count, &csr);
    let after = resident(native);
    println!(
        "{count} requests of {CLIENTS} clients, {let_in} let in and {turned_away} turned away by a CA that is {what}: RSS {before} KiB to {after} KiB"
    );
    assert!(turned_away > let_in, "{let_in} were let in");
    assert!(
        after < before + (16 << 10),
        "from {before} KiB to {after} KiB"
    );
    serves(native);
}

#[test]
fn a_flood_at_a_ca_that_is_silent_is_turned_away_and_when_it_is_back_it_issues() {
    let ca = CmpCa::start();
    ca.always(Act::Say(Reply::Silence));
    let native = Native::before_with(&ca.url(), &ca.root.certificate, LINES, "", "");
    bounded("silent", &native);
    ca.recovers();
    let csr = v1::csr("CN=last", &["dns:a.example"], &Keys::ec());
    let client = client(&native);
    eventually("it issues again", || {
        let mut connection = client.connect().unwrap();
        matches!(ask(&mut connection, "last", 1, &csr), Some(200 | 201))
    });
}

#[test]
fn a_flood_at_a_ca_that_is_gone_is_turned_away() {
    let (ca, port) = (CmpCa::start(), Port::free());
    let url = format!("http://{}/pkix/", port.address());
    let native = Native::before_with(&url, &ca.root.certificate, LINES, "", "");
    bounded("gone", &native);
    assert_eq!(native.issued(), 0);
}
