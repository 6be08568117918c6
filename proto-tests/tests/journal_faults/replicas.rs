//! Several processes on one database: the same request to all of them at once is one enrollment.

use std::collections::HashSet;
use std::thread;

use bytes::Bytes;
use pkixcmp::{PkiBody, PkiMessage};
use proto_tests::postgres::{self, Database};
use proto_tests::{EmbeddedCa, cmp};

use crate::site::{First, Node, Order, Site, post};

const REQUESTS: usize = 12;
/// How often each is sent to each process at the same time.
const COPIES: usize = 4;

fn each_is_enrolled_once(url: &str) {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    // Each makes the schema if it is first.
    let nodes = [site.launch_on(url), site.launch_on(url)].map(Node::spawn);
    for node in &nodes {
        node.program.listening(0, 2);
    }
    let orders: Vec<Order> = (0..REQUESTS)
        .map(|n| Order::new(&format!("twice-{n}")))
        .collect();
    let firsts: Vec<First> = (0..REQUESTS)
        .map(|n| First::new(&format!("cmp-twice-{n}")))
        .collect();
    thread::scope(|scope| {
        let mut over_rest = Vec::new();
        let mut over_cmp = Vec::new();
        for copy in 0..COPIES {
            for node in &nodes {
                let (site, orders, firsts) = (&site, &orders, &firsts);
                over_rest.push(scope.spawn(move || {
                    let client = site.rest(node);
                    // Not all in the same order.
                    let turned = orders.iter().cycle().skip(copy).take(REQUESTS);
                    let serials = turned.map(|order| {
                        let certificate = order.finish(&client);
                        assert_eq!(*certificate.subject(), order.subject);
                        certificate.serial().to_vec()
                    });
                    serials.collect::<HashSet<_>>()
                }));
                over_cmp.push(scope.spawn(move || {
                    let client = node.cmp();
                    let serials = firsts.iter().map(|first| {
                        let certificate = cmp::issued(first.send(&client).unwrap());
                        assert_eq!(*certificate.subject(), first.subject);
                        certificate.serial().to_vec()
                    });
                    serials.collect::<HashSet<_>>()
                }));
            }
        }
        for threads in [over_rest, over_cmp] {
            let serials: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
            assert_eq!(serials[0].len(), REQUESTS);
            assert!(serials.iter().all(|other| *other == serials[0]));
        }
    });
    assert_eq!(usize::try_from(ca.issued()).unwrap(), 2 * REQUESTS);
}

#[test]
fn a_request_sent_to_two_processes_on_one_postgresql_many_times_at_once_enrolls_once() {
    if postgres::missing() {
        return;
    }
    let database = Database::new();
    each_is_enrolled_once(&database.url());
}

#[test]
fn a_request_sent_to_two_processes_on_one_sqlite_file_many_times_at_once_enrolls_once() {
    let folder = tempfile::tempdir().unwrap();
    each_is_enrolled_once(&format!("sqlite://{}/shared.db", folder.path().display()));
}

#[test]
fn the_word_of_a_client_is_taken_by_any_process_and_known_again_by_the_one_that_issued() {
    let ca = EmbeddedCa::start();
    let site = Site::before(&ca);
    let url = format!("sqlite://{}/shared.db", site.setup.folder().display());
    let nodes = [site.launch_on(&url), site.launch_on(&url)].map(Node::start);
    let [one, other] = &nodes;
    let first = First::to_be_confirmed("confirmed");
    let mut talk = first.talk;
    let answer = post(&one.cmp(), &first.message).unwrap();
    cmp::issued(talk.hear(&answer.body));
    let word = talk.accept();
    for node in [other, one, other] {
        let answer = post(&node.cmp(), &word).unwrap();
        assert!(talk.believes(&answer.body));
        let message = PkiMessage::decode(Bytes::from(answer.body)).unwrap();
        assert!(matches!(message.body(), PkiBody::Pkiconf), "{message:?}");
    }
    assert_eq!(ca.issued(), 1);
}
