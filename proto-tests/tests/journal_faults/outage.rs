//! PostgreSQL goes away and comes back: stopped, cut off, silent, not there at start.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pkixcmp::PkiFailureInfo;
use pkixcmp::client::{Rejection, Step};
use proto_tests::EmbeddedCa;
use proto_tests::postgres::{self, Server};
use proto_tests::program::eventually;
use proto_tests::record::Ledger;

use crate::proxy::Proxy;
use crate::site::{First, Node, Order, Site};

/// Long for a refusal, short for whoever waits.
const QUICKLY: Duration = Duration::from_secs(3);

fn agree(ca: &EmbeddedCa, ledger: &Ledger) {
    let finished = || ledger.all().iter().all(|record| !record.runs);
    eventually("nothing is under way any more", finished);
    let records = ledger.all();
    let held = records.iter().filter(|r| r.certificate.is_some()).count();
    assert_eq!(i64::try_from(held).unwrap(), ca.issued());
}

/// A new request is turned away quickly, over REST with Retry-After and over CMP with systemUnavail.
fn is_turned_away(site: &Site, node: &Node) {
    let begun = Instant::now();
    let answer = Order::new("away").send(&site.rest(node)).unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
    match First::new("away-too").send(&node.cmp()).unwrap() {
        Step::Rejected(Rejection { failure, .. }) => {
            assert_eq!(failure, PkiFailureInfo::SYSTEM_UNAVAIL);
        }
        other => panic!("{other:?}"),
    }
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
}

#[test]
fn a_database_that_stops_under_load_and_comes_back_loses_nothing() {
    if postgres::missing() {
        return;
    }
    let server = Server::start().unwrap();
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(site.launch_on(&server.url()));
    Order::new("before").finish(&site.rest(&node));

    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (site, node, stop) = (&site, &node, &stop);
                scope.spawn(move || {
                    let rest = site.rest(node);
                    let mut orders = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let order = Order::new(&format!("load-{client}-{}", orders.len()));
                        let begun = Instant::now();
                        let status = order.send(&rest).unwrap().status;
                        assert!(matches!(status, 200..=202 | 503), "{status}");
                        assert!(begun.elapsed() < Duration::from_secs(25));
                        orders.push(order);
                    }
                    orders
                })
            })
            .collect();
        eventually("the load runs", || ca.issued() > 20);
        server.stop().unwrap();
        node.program.log_has("the journal's database went away");
        is_turned_away(&site, &node);
        server.go().unwrap();
        node.program.log_has("the journal's database is back");
        let issued = ca.issued();
        eventually("the load goes on", || ca.issued() > issued + 20);
        stop.store(true, Ordering::Relaxed);
        let rest = site.rest(&node);
        for client in clients {
            for order in client.join().unwrap() {
                let certificate = order.finish(&rest);
                assert_eq!(*certificate.subject(), order.subject);
                assert_eq!(ca.records(&order.subject).len(), 1);
            }
        }
    });
    agree(&ca, &Ledger::at(server.url()));
}

#[test]
fn connections_cut_in_the_middle_of_transactions_lose_nothing() {
    if postgres::missing() {
        return;
    }
    let server = Server::start().unwrap();
    let proxy = Proxy::to(server.port());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port);
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(site.launch_on(&url));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (site, node) = (&site, &node);
                scope.spawn(move || {
                    let rest = site.rest(node);
                    for n in 0..15 {
                        let order = Order::new(&format!("cut-{client}-{n}"));
                        assert_eq!(*order.finish(&rest).subject(), order.subject);
                    }
                })
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            let issued = ca.issued();
            proxy.cut();
            eventually("some go through", || {
                ca.issued() > issued + 5
                    || clients.iter().all(thread::ScopedJoinHandle::is_finished)
            });
        }
    });
    assert_eq!(ca.issued(), 60);
    agree(&ca, &Ledger::at(server.url()));
}

#[test]
fn a_database_that_falls_silent_hangs_nobody() {
    if postgres::missing() {
        return;
    }
    let server = Server::start().unwrap();
    let proxy = Proxy::to(server.port());
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port);
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::start(
        site.launch_on(&url)
            .env("CERTWAY_RA_JOURNAL__ANSWER_WITHIN", "300ms")
            .env("CERTWAY_RA_JOURNAL__CONNECT_WITHIN", "300ms"),
    );
    let order = Order::new("before");
    let certificate = order.finish(&site.rest(&node));
    proxy.silence(true);
    node.program.log_has("the journal's database went away");
    is_turned_away(&site, &node);
    proxy.silence(false);
    node.program.log_has("the journal's database is back");
    assert_eq!(order.finish(&site.rest(&node)), certificate);
    Order::new("after").finish(&site.rest(&node));
    agree(&ca, &Ledger::at(server.url()));
}

#[test]
fn a_service_started_before_its_database_waits_for_it_and_says_so() {
    if postgres::missing() {
        return;
    }
    let server = Server::start().unwrap();
    server.stop().unwrap();
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let node = Node::spawn(site.launch_on(&server.url()));
    node.program
        .log_has("the journal's database cannot be reached yet");
    server.go().unwrap();
    node.program.listening(0, 2);
    Order::new("a").finish(&site.rest(&node));
}

#[test]
fn a_database_that_does_not_come_is_waited_for_only_so_long() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let nowhere = proto_tests::Port::free();
    let url = format!("postgres://u@127.0.0.1:{}/d", nowhere.number());
    let ended = site
        .launch_on(&url)
        .env("CERTWAY_RA_JOURNAL__START_WITHIN", "300ms")
        .run();
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stderr.contains("is it running?"), "{}", ended.stderr);
}
