//! More than a CA is allowed to be asked: turned away before anything is written or sent.

use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::v1::Request;
use proto_tests::{Act, CmpCa, Keys, Native, NativeSetup, peer};

use crate::world::{Wish, before, before_both_as, metric, turned_away};

/// A CA that is silent, and as many calls to it under way as there may be: one.
fn full() -> (Native, CmpCa) {
    let ca = CmpCa::start();
    ca.always(Act::Say(Reply::Silence));
    let lines = format!(
        "url = \"{}\"\nlimits = {{ in_flight = 1, queue = 0 }}",
        ca.url()
    );
    let ra = before(&[&ca], &lines);
    assert_eq!(Wish::new("RA", 1).post(&ra, 0).status, 202);
    eventually("it is asked", || ca.kinds().len() == 1);
    (ra, ca)
}

/// Nothing of it was written: the journal's open transactions are the one that fills the CA.
#[track_caller]
fn nothing_is_kept(ra: &Native, ca: &CmpCa) {
    assert_eq!(ca.kinds().len(), 1);
    let metrics = ra.program.admin().get("/metrics", &[]).text();
    let open: f64 = metrics
        .lines()
        .filter(|line| line.starts_with("certway_open_transactions{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert!((open - 1.0).abs() < f64::EPSILON, "{metrics}");
}

#[test]
fn rest_v2_says_503_and_when_to_come_back() {
    let (ra, ca) = full();
    let answer = Wish::new("RA", 2).post(&ra, 0);
    turned_away(&answer);
    let kind = answer.json()["type"].as_str().unwrap().to_owned();
    assert_eq!(kind, "https://certway.dev/problems/unavailable");
    nothing_is_kept(&ra, &ca);
}

#[test]
fn rest_v1_says_503_and_when_to_come_back() {
    let (ra, ca) = full();
    let request = Request::for_names("CN=second", &["dns:a.example"], &Keys::ec());
    let client = ra.rest(Some(&ra.setup.pki.client));
    let answer = request.get(&client, "/v1/certificate/RA");
    turned_away(&answer);
    assert!(
        answer.text().contains("nothing was begun"),
        "{}",
        answer.text()
    );
    nothing_is_kept(&ra, &ca);
}

#[test]
fn cmp_says_system_unavail_under_the_protection_of_the_request() {
    if peer::missing("openssl") {
        return;
    }
    let (ra, ca) = full();
    // openssl takes no refusal here that is not protected.
    ra.enrolling("ir", "/CN=second")
        .run()
        .refused(&["systemUnavail", "try again later"]);
    nothing_is_kept(&ra, &ca);
}

#[test]
fn what_an_endpoint_is_asked_and_what_is_turned_away_is_in_the_metrics() {
    let (ra, ca) = full();
    turned_away(&Wish::new("RA", 2).post(&ra, 0));
    assert_eq!(metric(&ra, "in_flight", &ca.url()), 1);
    assert_eq!(metric(&ra, "shed_total", &ca.url()), 1);
    assert_eq!(metric(&ra, "queued", &ca.url()), 0);
    assert_eq!(metric(&ra, "breaker", &ca.url()), 0);
    assert_eq!(metric(&ra, "answered_total", &ca.url()), 0);
}

#[test]
fn the_clients_of_one_ca_leave_seats_to_those_of_another() {
    let (silent, well) = (CmpCa::start(), CmpCa::start());
    silent.always(Act::Say(Reply::Silence));
    let setup = NativeSetup::with_listen("client_auth = \"optional\"\nmax_requests = 4");
    let ra = before_both_as(setup, &[&silent], &at(&silent), Some(&well));
    let held: Vec<_> = (0..2).map(|number| Wish::new("RA", number)).collect();
    std::thread::scope(|scope| {
        for wish in &held {
            scope.spawn(|| wish.post(&ra, 20));
        }
        eventually("both are asked", || silent.kinds().len() == 2);
        // Half of the seats are taken, which is the share of one CA of two.
        turned_away(&Wish::new("RA", 3).post(&ra, 0));
        let other = Wish::new("OTHER", 4);
        other.is_granted(&other.post(&ra, 10));
        silent.recovers();
    });
    assert_eq!(silent.kinds()[..2], ["p10cr"; 2]);
}

fn at(ca: &CmpCa) -> String {
    format!(
        "url = \"{}\"\ntransport = {{ total_timeout = \"5s\" }}",
        ca.url()
    )
}
