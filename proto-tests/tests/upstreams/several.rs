//! Which endpoint hears a request, and which never does.

use std::net::TcpListener;

use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, CmpCa, Port, peer};

use crate::world::{Beside, Wish, before, metric, nowhere};

fn urls(urls: &[&str]) -> String {
    let quoted: Vec<_> = urls.iter().map(|url| format!("\"{url}\"")).collect();
    format!(
        "urls = [{}]\ntransport = {{ total_timeout = \"1s\" }}",
        quoted.join(", ")
    )
}

#[test]
fn where_the_first_endpoint_cannot_be_reached_the_second_is_asked_at_once() {
    let (port, second) = (Port::free(), CmpCa::start());
    let ra = before(&[&second], &urls(&[&nowhere(&port), &second.url()]));
    for number in 0..3 {
        let wish = Wish::new("RA", number);
        let answer = wish.post(&ra, 10);
        assert_eq!(answer.status, 201, "{}", answer.text());
        wish.is_granted(&answer);
    }
    assert_eq!(
        second.log().iter().filter(|one| **one == "issued").count(),
        3
    );
    assert_eq!(ra.issued(), 3);
}

#[test]
fn a_client_of_the_cmp_front_does_not_notice_either() {
    if peer::missing("openssl") {
        return;
    }
    let (port, second) = (Port::free(), CmpCa::start());
    let ra = before(&[&second], &urls(&[&nowhere(&port), &second.url()]));
    ra.enrolling("ir", "/CN=wanted")
        .run()
        .verified(&second.root.certificate);
    assert_eq!(second.log(), ["issued", "accepted"]);
}

#[test]
fn what_an_endpoint_turned_away_is_put_to_the_next() {
    let (first, second) = (CmpCa::start(), CmpCa::start());
    first.always(Act::Say(Reply::http(503, "text/html", "<html>slow down")));
    let ra = before(&[&first, &second], &urls(&[&first.url(), &second.url()]));
    let wish = Wish::new("RA", 1);
    wish.is_granted(&wish.post(&ra, 10));
    assert_eq!(second.log(), ["issued", "accepted"]);
}

#[test]
fn what_the_first_endpoint_may_have_heard_no_other_ever_hears() {
    let (first, second) = (CmpCa::start(), CmpCa::start());
    // It does its work, and nobody learns of it.
    first.always(Act::Lose);
    let ra = before(&[&first, &second], &urls(&[&first.url(), &second.url()]));
    let wish = Wish::new("RA", 1);
    let answer = wish.post(&ra, 0);
    assert_eq!(answer.status, 202, "{}", answer.text());
    eventually("it is asked again", || first.kinds().len() >= 2);
    first.recovers();
    let mut later = wish.post(&ra, 10);
    eventually("the certificate is there", || {
        later = wish.post(&ra, 10);
        later.status == 201
    });
    wish.is_granted(&later);
    assert_eq!(second.kinds(), [""; 0]);
    let issued = first.log().iter().filter(|one| **one == "issued").count();
    assert_eq!((issued, ra.issued()), (1, 1));
    // The next one goes where nothing was wrong a moment ago, or where all is well again: once.
    let next = Wish::new("RA", 2);
    next.is_granted(&next.post(&ra, 10));
    assert_eq!(ra.issued(), 2);
}

#[test]
fn who_accepts_connections_and_nothing_else_counts_as_having_heard() {
    let second = CmpCa::start();
    // The system takes connections for it and the message too.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/pkix/", deaf.local_addr().unwrap());
    let ra = before(&[&second], &urls(&[&url, &second.url()]));
    let wish = Wish::new("RA", 1);
    assert_eq!(wish.post(&ra, 2).status, 202);
    assert_eq!(second.kinds(), [""; 0]);
    // Who comes now is served by the other.
    let next = Wish::new("RA", 2);
    next.is_granted(&next.post(&ra, 10));
    drop(deaf);
    // Now it refuses connections, and that proves nothing for what it may have heard.
    ra.program.log_has("Connection refused");
    assert_eq!(wish.post(&ra, 0).status, 202);
    let heard = second
        .kinds()
        .iter()
        .filter(|kind| **kind == "p10cr")
        .count();
    assert_eq!(heard, 1);
}

#[test]
fn a_process_that_takes_over_goes_on_at_the_endpoint_that_has_begun() {
    let (port, second) = (Port::free(), CmpCa::start());
    second.always(Act::Wait(2));
    let first_url = nowhere(&port);
    let mut ra = before(&[&second], &urls(&[&first_url, &second.url()]));
    let wish = Wish::new("RA", 1);
    // The row waits for its first poll: nobody has a claim on it that would have to run out.
    assert_eq!(wish.post(&ra, 0).status, 202);
    ra.program.kill();
    // The first endpoint is there now; it has never heard of the transaction.
    let deaf = TcpListener::bind(port.address()).unwrap();
    deaf.set_nonblocking(true).unwrap();
    ra.program.restart(2);
    second.recovers();
    let mut later = wish.post(&ra, 5);
    eventually("the certificate is there", || {
        later = wish.post(&ra, 5);
        later.status == 201
    });
    wish.is_granted(&later);
    assert!(deaf.accept().is_err(), "nobody came");
    assert_eq!(second.log(), ["issued", "accepted"]);
}

#[test]
fn endpoints_of_one_cluster_take_over_from_one_that_may_have_heard_and_is_gone() {
    let second = CmpCa::start();
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/pkix/", deaf.local_addr().unwrap());
    let lines = urls(&[&url, &second.url()]) + "\nendpoints = \"cluster\"";
    let ra = before(&[&second], &lines);
    let wish = Wish::new("RA", 1);
    assert_eq!(wish.post(&ra, 2).status, 202);
    assert_eq!(second.kinds(), [""; 0], "the first may have heard it");
    drop(deaf);
    let mut answer = wish.post(&ra, 5);
    eventually("the certificate is there", || {
        answer = wish.post(&ra, 5);
        answer.status == 201
    });
    wish.is_granted(&answer);
    assert_eq!(second.log(), ["issued", "accepted"]);
    assert!(metric(&ra, "failed_total", &url) >= 1);
    assert_eq!(metric(&ra, "answered_total", &second.url()), 2);
}

#[test]
fn two_processes_each_learn_by_themselves_which_endpoint_is_gone_and_issue_once() {
    let (port, second) = (Port::free(), CmpCa::start());
    let gone = nowhere(&port);
    let lines = urls(&[&gone, &second.url()]) + "\nbreaker = { failures = 1, rest = \"60s\" }";
    let ra = before(&[&second], &lines);
    let beside = Beside::start(&ra);
    let wish = Wish::new("RA", 1);
    let one = wish.post(&ra, 10);
    wish.is_granted(&one);
    let again = wish.ask(&beside.rest, 10);
    assert_eq!(again.json()["certificate"], one.json()["certificate"]);
    assert_eq!(metric(&ra, "breaker", &gone), 2);
    let unasked = beside.program.admin().get("/metrics", &[]).text();
    let series = format!("certway_endpoint_breaker{{authority=\"ca\",endpoint=\"{gone}\"}} 0");
    assert!(unasked.contains(&series), "{unasked}");
    let next = Wish::new("RA", 2);
    next.is_granted(&next.ask(&beside.rest, 10));
    assert_eq!(second.log(), ["issued", "accepted", "issued", "accepted"]);
}
