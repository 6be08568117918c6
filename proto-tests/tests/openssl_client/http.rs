//! What is not CMP, or was CMP before it got broken; and messages sent twice.

use pkixcmp::{PkiBody, PkiFailureInfo, PkiMessage};
use proto_tests::native::SECRET;
use proto_tests::openssl::Ran;
use proto_tests::{Answer, Keys, Native, peer};

const PATH: &str = "/.well-known/cmp/p/RA";
const CMP: &str = "application/pkixcmp";

/// A request of openssl's that was answered, with its file.
fn first(ra: &Native) -> Ran {
    let cmp = ra.enrolling("ir", "/CN=first");
    let ran = cmp
        .args(&["-reqout", "request.der", "-rspout", "answer.der"])
        .run();
    ran.verified(&ra.setup.root.certificate);
    ran
}

/// The failInfo of an error message.
#[track_caller]
fn failure(answer: &Answer) -> PkiFailureInfo {
    assert_eq!(answer.media_type(), CMP, "{}", answer.text());
    let message = PkiMessage::decode(answer.body.clone()).unwrap();
    match message.body() {
        PkiBody::Error(content) => content.pki_status_info.failure.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Whatever was sent before, the next one is served.
#[track_caller]
fn alive(ra: &mut Native, issued_before: i64) {
    assert!(ra.program.runs());
    assert_eq!(ra.issued(), issued_before);
    let ran = ra.enrolling("ir", "/CN=alive").run();
    ran.verified(&ra.setup.root.certificate);
}

#[test]
fn a_get_is_405_and_names_post() {
    let mut ra = Native::local();
    let answer = ra.cmp().get(PATH, &[]);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    alive(&mut ra, 0);
}

#[test]
fn junk_and_nothing_get_400_and_an_error_message() {
    let mut ra = Native::local();
    for octets in [
        &b""[..],
        b"junk",
        b"\x30",
        b"\x30\x84\xff\xff\xff\xff",
        &[0xff; 4096],
    ] {
        let answer = ra.post(octets);
        assert_eq!(answer.status, 400);
        assert_eq!(failure(&answer), PkiFailureInfo::BAD_DATA_FORMAT);
    }
    alive(&mut ra, 0);
}

#[test]
fn a_message_cut_anywhere_or_followed_by_anything_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let mut ra = Native::local();
    let request = first(&ra).read("request.der");
    let mut connection = ra.cmp().connect().unwrap();
    for length in (0..request.len()).step_by(7) {
        let headers = [("Content-Type", CMP)];
        let answer = connection.request("POST", PATH, &headers, &request[..length]);
        let answer = answer.unwrap();
        assert_eq!(answer.status, 400, "{length}");
        assert_eq!(failure(&answer), PkiFailureInfo::BAD_DATA_FORMAT);
    }
    let answer = ra.post(&[request.as_slice(), b"\x05\x00"].concat());
    assert_eq!(answer.status, 400);
    assert_eq!(failure(&answer), PkiFailureInfo::BAD_DATA_FORMAT);
    alive(&mut ra, 1);
}

#[test]
fn a_message_with_any_octet_changed_issues_nothing() {
    if peer::missing("openssl") {
        return;
    }
    let mut ra = Native::local();
    let request = first(&ra).read("request.der");
    let mut connection = ra.cmp().connect().unwrap();
    for at in (0..request.len()).step_by(3) {
        let mut changed = request.clone();
        changed[at] ^= 0x55;
        let headers = [("Content-Type", CMP)];
        let answer = connection.request("POST", PATH, &headers, &changed);
        let answer = answer.unwrap();
        assert!(
            [200, 400].contains(&answer.status),
            "{at}: {}",
            answer.status
        );
        failure(&answer);
    }
    alive(&mut ra, 1);
}

#[test]
fn another_media_type_is_415_and_its_parameters_and_case_do_not_matter() {
    if peer::missing("openssl") {
        return;
    }
    let mut ra = Native::local();
    let request = first(&ra).read("request.der");
    for media_type in ["application/json", "text/html", "application/pkixcmpx"] {
        assert_eq!(ra.cmp().post(PATH, media_type, &request).status, 415);
    }
    let none = ra.cmp().request("POST", PATH, &[], &request);
    assert_eq!(none.status, 415);
    for media_type in [
        "Application/PKIXCMP; charset=binary",
        "application/pkixcmp-poll",
    ] {
        let answer = ra.cmp().post(PATH, media_type, &request);
        assert_eq!((answer.status, answer.media_type()), (200, CMP));
    }
    alive(&mut ra, 1);
}

#[test]
fn a_body_of_4_mb_is_413_announced_or_in_chunks() {
    let mut ra = Native::local();
    let body = vec![0x30; 4 * 1024 * 1024];
    assert_eq!(ra.post(&body).status, 413);
    let mut connection = ra.cmp().connect().unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {CMP}\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n"
    );
    connection.send(head.as_bytes()).unwrap();
    // The answer may come, and the connection end, before all of it is out.
    let _cut = connection.send(&body);
    assert_eq!(connection.answer(false).unwrap().status, 413);
    alive(&mut ra, 0);
}

#[test]
fn answers_are_not_to_be_stored() {
    let ra = Native::local();
    let answer = ra.post(b"junk");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn the_same_octets_again_get_the_same_certificate_and_no_second_one() {
    if peer::missing("openssl") {
        return;
    }
    let mut ra = Native::local();
    let ran = first(&ra);
    let request = ran.read("request.der");
    let certificate = ran.certificate();
    let answers: Vec<Answer> = (0..3).map(|_| ra.post(&request)).collect();
    for answer in &answers {
        assert_eq!(answer.status, 200);
        let message = PkiMessage::decode(answer.body.clone()).unwrap();
        assert!(
            matches!(message.body(), PkiBody::Ip(_)),
            "{:?}",
            message.body()
        );
        let der = certificate.der();
        assert!(answer.body.windows(der.len()).any(|part| part == der));
    }
    alive(&mut ra, 1);
}

#[test]
fn openssl_itself_takes_the_answer_to_a_replay() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let key = Keys::ec();
    let cmp = || {
        let cmp = ra.openssl("ir").mac("device-1", SECRET).new_key(&key);
        cmp.subject("/CN=replay").args(&["-implicit_confirm"])
    };
    let ran = cmp().args(&["-reqout", "request.der"]).run();
    let certificate = ran.verified(&ra.setup.root.certificate);
    let replay = cmp()
        .file("-reqin", "request.der", ran.read("request.der"))
        .run();
    assert_eq!(replay.verified(&ra.setup.root.certificate), certificate);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn the_same_octets_after_a_restart_get_the_same_certificate() {
    if peer::missing("openssl") {
        return;
    }
    let mut ra = Native::local();
    let ran = first(&ra);
    ra.program.kill();
    ra.program.restart(2);
    let answer = ra.post(&ran.read("request.der"));
    let certificate = ran.certificate();
    let der = certificate.der();
    assert!(answer.body.windows(der.len()).any(|part| part == der));
    alive(&mut ra, 1);
}
