//! A CA that does not answer, or too late: nothing is lost, and nobody else waits.

use std::time::{Duration, Instant};

use proto_tests::program::eventually;
use proto_tests::upstream::Reply;
use proto_tests::{Act, CmpCa};

use crate::world::{Wish, before, before_both, metric, turned_away};

#[test]
fn a_ca_that_never_answers_changes_nothing_for_the_clients_of_another() {
    let (silent, well) = (CmpCa::start(), CmpCa::start());
    silent.always(Act::Say(Reply::Silence));
    let lines = format!("url = \"{}\"", silent.url());
    let ra = before_both(&[&silent], &lines, Some(&well));
    let wishes: Vec<_> = (0..40).map(|number| Wish::new("RA", number)).collect();
    std::thread::scope(|scope| {
        for wish in &wishes {
            // Each goes on without its client.
            scope.spawn(|| assert_eq!(wish.post(&ra, 0).status, 202));
        }
    });
    eventually("all are asked", || silent.kinds().len() == wishes.len());
    let begun = Instant::now();
    for number in 0..20 {
        let wish = Wish::new("OTHER", 100 + number);
        wish.is_granted(&wish.post(&ra, 10));
    }
    // The first answer of the silent one would be 30 s away.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    // What waits at the other CA is carried on too.
    well.will([Act::Wait(1)]);
    let patient = Wish::new("OTHER", 200);
    patient.is_granted(&patient.post(&ra, 20));
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn rows_of_a_silent_ca_that_are_asked_again_hold_up_nobody_elses() {
    let (silent, well) = (CmpCa::start(), CmpCa::start());
    silent.always(Act::Wait(1));
    let lines = format!("url = \"{}\"", silent.url());
    let ra = before_both(&[&silent], &lines, Some(&well));
    // More of them than are carried on in one sweep.
    let stuck: Vec<_> = (0..40)
        .map(|number| Wish::new("RA", 100 + number))
        .collect();
    std::thread::scope(|scope| {
        for wish in &stuck {
            scope.spawn(|| assert_eq!(wish.post(&ra, 0).status, 202));
        }
    });
    silent.always(Act::Say(Reply::Silence));
    let before = silent.kinds().len();
    eventually("a sweep is full of them", || {
        silent.kinds().len() >= before + 32
    });
    let begun = Instant::now();
    well.will([Act::Wait(1)]);
    let patient = Wish::new("OTHER", 2);
    patient.is_granted(&patient.post(&ra, 20));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn an_answer_after_the_deadline_is_fetched_by_asking_again() {
    let ca = CmpCa::start();
    let lines = format!(
        "url = \"{}\"\ntransport = {{ total_timeout = \"500ms\" }}",
        ca.url()
    );
    let ra = before(&[&ca], &lines);
    // It issues, and its answer does not come in time.
    ca.will([Act::Replace(|_| Reply::Silence)]);
    let wish = Wish::new("RA", 1);
    let mut answer = wish.post(&ra, 10);
    eventually("the certificate is there", || {
        answer = wish.post(&ra, 10);
        answer.status == 201
    });
    wish.is_granted(&answer);
    assert_eq!(ca.log(), ["issued", "accepted"]);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_ca_that_fails_too_often_is_left_alone_and_tried_again_after_its_rest() {
    let ca = CmpCa::start();
    let lines = format!(
        "url = \"{}\"\nbreaker = {{ failures = 2, rest = \"2s\" }}",
        ca.url()
    );
    let ra = before(&[&ca], &lines);
    ca.always(Act::Say(Reply::http(503, "text/html", "<html>")));
    for number in 0..2 {
        assert_eq!(Wish::new("RA", number).post(&ra, 0).status, 503);
    }
    let asked = ca.kinds().len();
    let wish = Wish::new("RA", 3);
    turned_away(&wish.post(&ra, 0));
    assert_eq!(ca.kinds().len(), asked, "it is left alone");
    let metrics = ra.program.admin().get("/metrics", &[]).text();
    let open = format!(
        "certway_endpoint_breaker{{authority=\"ca\",endpoint=\"{}\"}} 2",
        ca.url()
    );
    assert!(metrics.contains(&open), "{metrics}");
    ca.recovers();
    let mut answer = wish.post(&ra, 0);
    eventually("it is asked again", || {
        answer = wish.post(&ra, 10);
        answer.status == 201
    });
    wish.is_granted(&answer);
}

#[test]
fn a_reload_changes_nothing_about_a_ca_that_is_left_alone() {
    let ca = CmpCa::start();
    let lines = format!(
        "url = \"{}\"\nbreaker = {{ failures = 2, rest = \"60s\" }}",
        ca.url()
    );
    let ra = before(&[&ca], &lines);
    ca.always(Act::Say(Reply::http(503, "text/html", "<html>")));
    for number in 0..2 {
        assert_eq!(Wish::new("RA", number).post(&ra, 0).status, 503);
    }
    ca.recovers();
    let asked = ca.kinds().len();
    let read = |ra: &proto_tests::Native| {
        let text = ra.program.admin().get("/metrics", &[]).text();
        text.contains("certway_config_reloads_total{result=\"success\"} 2")
    };
    ra.program.signal("HUP");
    eventually("the configuration is read again", || read(&ra));
    assert_eq!(metric(&ra, "breaker", &ca.url()), 2);
    assert_eq!(metric(&ra, "failed_total", &ca.url()), 2);
    turned_away(&Wish::new("RA", 3).post(&ra, 0));
    assert_eq!(ca.kinds().len(), asked, "it is left alone");
}
