//! SIGTERM: what was begun is finished, new work is refused, the rest is left to the next start.

use std::net::TcpStream;
use std::thread;

use bytes::Bytes;
use pkixcmp::client::Confirmation;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiMessage};
use proto_tests::cmp::{Shared, ir};
use proto_tests::native::{NativeSetup, SECRET};
use proto_tests::program::eventually;
use proto_tests::scripted::{Fate, Habits, ScriptedCa};
use proto_tests::v1::{Certificates, ENROLL, Request};
use proto_tests::{Answer, Keys, Native, Service};

use crate::enrollment::{Enrollment, client, issued};

const CMP: &str = "/.well-known/cmp/p/RA";
const MEDIA_TYPE: [(&str, &str); 1] = [("Content-Type", "application/pkixcmp")];

fn ca() -> ScriptedCa {
    ScriptedCa::start(Habits {
        repeats: true,
        ..Habits::default()
    })
}

/// Before that CA, with so much time to stop.
fn before(ca: &ScriptedCa, within: &str) -> Native {
    let mut setup = NativeSetup::new();
    setup.listen += &format!("\nshutdown_within = \"{within}\"");
    let config = setup.cmp_authority(&ca.url(), &ca.root, "") + &setup.label("", "");
    setup.start(&config)
}

fn device() -> Shared {
    Shared::new("device-1", SECRET)
}

fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn what_was_begun_is_finished_and_new_work_is_refused_with_a_time_to_come_back() {
    let ca = ca();
    let mut native = before(&ca, "20s");
    let client = client(&native);
    let begun = Enrollment::of("begun");
    ca.pauses();
    thread::scope(|scope| {
        let asking = scope.spawn(|| begun.send(&client).unwrap());
        eventually("the CA is asked", || ca.asked() == 1);
        let mut kept = [(); 2].map(|()| client.connect().unwrap());
        for connection in &mut kept {
            let ready = connection.request("GET", "/ready", &[], b"").unwrap();
            assert_eq!(ready.status, 200);
        }
        let mut kept_cmp = native.cmp().connect().unwrap();
        assert_eq!(kept_cmp.request("GET", "/", &[], b"").unwrap().status, 404);

        native.program.signal("TERM");
        native.program.log_has("stopping: ");
        let [first, second] = &mut kept;
        let problem = Enrollment::of("late").send_on(first);
        is_refused(&problem);
        assert_eq!(
            problem.json()["type"],
            "https://certway.dev/problems/unavailable"
        );
        is_refused(&second.request("GET", ENROLL, &[], b"").unwrap());
        let (_, message) = device().begin(&ir("CN=late", &[], &Keys::ec()), Confirmation::Explicit);
        let said = kept_cmp
            .request("POST", CMP, &MEDIA_TYPE, &message)
            .unwrap();
        is_refused(&said);
        assert_eq!(said.media_type(), "application/pkixcmp");
        let PkiBody::Error(error) = PkiMessage::decode(Bytes::from(said.body))
            .unwrap()
            .body()
            .clone()
        else {
            panic!("no error message");
        };
        assert_eq!(
            error.pki_status_info.failure,
            Some(PkiFailureInfo::SYSTEM_UNAVAIL)
        );
        eventually("nobody new is let in", || {
            TcpStream::connect(client.address()).is_err()
        });

        ca.goes_on();
        let certificate = issued(&asking.join().unwrap());
        assert_eq!(ca.record(&begun.subject), [(certificate, Fate::Confirmed)]);
    });
    assert_eq!(native.program.wait().code(), Some(0));
    assert!(native.log().contains("stopped"));
}

#[test]
fn a_transaction_that_was_begun_can_be_confirmed_while_it_stops() {
    let ca = ca();
    let mut native = before(&ca, "20s");
    let (mut talk, message) = device().begin(
        &ir("O=Example,CN=confirming", &[], &Keys::ec()),
        Confirmation::Explicit,
    );
    let mut kept = native.cmp().connect().unwrap();
    let granted = kept.request("POST", CMP, &MEDIA_TYPE, &message).unwrap();
    talk.hear(&granted.body);
    ca.pauses();
    let asked = ca.asked();
    let client = client(&native);
    thread::scope(|scope| {
        let other = Enrollment::of("other");
        let asking = scope.spawn(move || other.send(&client).unwrap());
        eventually("the CA is asked", || ca.asked() > asked);
        native.program.signal("TERM");
        native.program.log_has("stopping: ");
        let certconf = talk.accept();
        kept.send(
            format!(
                "POST {CMP} HTTP/1.1\r\nHost: a\r\nContent-Type: application/pkixcmp\r\nContent-Length: {}\r\n\r\n",
                certconf.len()
            )
            .as_bytes(),
        )
        .unwrap();
        kept.send(&certconf).unwrap();
        // The CA is told before the client is answered.
        eventually("the CA is told", || ca.asked() > asked + 1);
        ca.goes_on();
        let answer = kept.answer(false).unwrap();
        assert_eq!(answer.status, 200);
        talk.hear(&answer.body);
        issued(&asking.join().unwrap());
    });
    assert_eq!(native.program.wait().code(), Some(0));
}

#[test]
fn what_is_not_done_in_time_is_answered_503_and_after_a_restart_a_retry_gets_its_one_certificate() {
    let ca = ca();
    let mut native = before(&ca, "200ms");
    let client = client(&native);
    let (v2, device) = (Enrollment::of("v2"), device());
    let (mut talk, message) = device.begin(
        &ir("O=Example,CN=cmp", &[], &Keys::ec()),
        Confirmation::Explicit,
    );
    ca.pauses();
    thread::scope(|scope| {
        let asking = scope.spawn(|| v2.send(&client).unwrap());
        let enrolling = scope.spawn(|| native.cmp().post(CMP, MEDIA_TYPE[0].1, &message));
        eventually("the CA is asked", || ca.asked() == 2);
        native.program.signal("TERM");
        is_refused(&asking.join().unwrap());
        let error = enrolling.join().unwrap();
        let error = PkiMessage::decode(Bytes::from(error.body)).unwrap();
        assert!(
            matches!(error.body(), PkiBody::Error(_)),
            "{:?}",
            error.body()
        );
    });
    assert_eq!(native.program.wait().code(), Some(0));
    ca.goes_on();

    native.program.restart(2);
    // Its answer is held until the sweeper has got there, which is soon: the row was handed over.
    let certificate = issued(&v2.send(&client).unwrap());
    assert_eq!(ca.record(&v2.subject), [(certificate, Fate::Confirmed)]);
    let granted = native.cmp().post(CMP, MEDIA_TYPE[0].1, &message);
    let certificate = proto_tests::cmp::issued(talk.hear(&granted.body));
    let confirmed = native.cmp().post(CMP, MEDIA_TYPE[0].1, &talk.accept());
    talk.hear(&confirmed.body);
    let subject = proto_tests::certs::dn("O=Example,CN=cmp");
    assert_eq!(ca.record(&subject), [(certificate, Fate::Confirmed)]);
}

#[test]
fn a_call_of_rest_v1_that_is_held_is_given_up_at_the_deadline_and_its_retry_gets_its_one_certificate()
 {
    let ca = ca();
    let setup = proto_tests::service::Setup::new();
    setup.write("ca-secret", proto_tests::ca::SECRET);
    setup.write("upstream.pem", ca.root.to_pem());
    let launch = setup
        .launch_from_file(&format!(
            r#"
[authorities.ca.cmp]
url = "{}"
mac = {{ reference = "{}", secret = {{ file = "ca-secret" }} }}
[profiles.any]
authority = "ca"
anchors = ["upstream.pem"]
[labels.RA]
profile = "any"
"#,
            ca.url(),
            proto_tests::ca::REFERENCE
        ))
        .env("CERTWAY_RA_LISTEN__SHUTDOWN_WITHIN", "200ms");
    let mut service: Service = setup.start_as(launch);
    let request = Request::for_names("O=Example,CN=v1", &["dns:a.example"], &Keys::rsa());
    ca.pauses();
    thread::scope(|scope| {
        let asking = scope.spawn(|| request.get(&service.client, ENROLL));
        eventually("the CA is asked", || ca.asked() == 1);
        service.program.signal("TERM");
        is_refused(&asking.join().unwrap());
    });
    assert_eq!(service.program.wait().code(), Some(0));
    ca.goes_on();
    service.program.restart(1);
    let got = Certificates::of(&request.get(&service.client, ENROLL));
    let subject = proto_tests::certs::dn("O=Example,CN=v1");
    assert_eq!(
        ca.record(&subject),
        [(got.chain[0].clone(), Fate::Confirmed)]
    );
}

#[test]
fn whoever_is_held_while_the_ca_decides_is_told_at_once_where_to_ask() {
    let ca = ScriptedCa::start(Habits {
        repeats: true,
        waits: 1000,
        ..Habits::default()
    });
    let mut native = before(&ca, "20s");
    let client = client(&native);
    let waiting = Enrollment::of("waiting");
    let location = thread::scope(|scope| {
        let asking = scope.spawn(|| waiting.send(&client).unwrap());
        eventually("the CA is asked", || ca.asked() >= 1);
        native.program.signal("TERM");
        let answer = asking.join().unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.header("location").unwrap().to_owned()
    });
    assert_eq!(native.program.wait().code(), Some(0));
    ca.decides();
    native.program.restart(2);
    eventually("the sweeper goes on with it", || {
        client.get(&location, &[]).status == 200
    });
    assert_eq!(ca.record(&waiting.subject).len(), 1);
}

#[test]
fn a_second_signal_ends_it_at_once_and_loses_nothing() {
    let ca = ca();
    let mut native = before(&ca, "1h");
    let client = client(&native);
    let begun = Enrollment::of("hurried");
    ca.pauses();
    thread::scope(|scope| {
        let asking = scope.spawn(|| begun.send(&client));
        eventually("the CA is asked", || ca.asked() == 1);
        native.program.signal("TERM");
        native.program.log_has("stopping: ");
        native.program.signal("TERM");
        assert!(asking.join().unwrap().is_err());
    });
    assert_eq!(native.program.wait().code(), Some(1));
    assert!(native.log().contains("stopped at once by a second signal"));
    ca.goes_on();
    proto_tests::record::Ledger::file(&native.setup.path("journal.db")).let_leases_end();
    native.program.restart(2);
    let certificate = issued(&begun.send(&client).unwrap());
    assert_eq!(ca.record(&begun.subject), [(certificate, Fate::Confirmed)]);
}

#[test]
fn a_configuration_that_cannot_be_used_is_said_before_anything_is_listened_on() {
    let setup = NativeSetup::new();
    // Right as a file; what it refers to shows only when it is put together.
    let config = setup.local_authority() + &setup.label("", "");
    setup.write("ca/issuing.key", "no key");
    let ended = setup.launch(&config).run();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("authorities.ca"), "{}", ended.stderr);
    assert!(!ended.stdout.contains("listening on"), "{}", ended.stdout);
}
