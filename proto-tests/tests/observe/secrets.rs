//! The search for secrets in what programs say: that it finds them. That there are none is checked whenever a program of any test ends.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proto_tests::https::HttpsClient;
use proto_tests::native::{Native, SECRET};
use proto_tests::{FakeUpstream, Keys, Launch, upstream::Reply};

/// A program that says what it is given.
fn saying(text: &str) -> Launch {
    let folder = tempfile::tempdir().unwrap().keep();
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    Launch::of("sh", folder)
        .args(["-c", "echo before; echo \"$SAID\" >&2; echo after"])
        .env("SAID", text)
        .watched()
}

/// Runs it to its end as a program that is not waited for at once.
fn ended(launch: Launch) {
    let mut program = launch.spawn();
    program.wait();
}

#[track_caller]
fn is_found(what: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(what)).is_err()
}

#[test]
fn a_program_that_says_a_secret_of_its_folder_fails_its_test() {
    assert!(is_found(|| ended(saying(&format!(
        "the secret is {SECRET}"
    )))));
    assert!(is_found(|| drop(saying(SECRET).run())));
    assert!(!is_found(|| ended(saying("the secret is not told"))));
}

#[test]
fn a_program_that_says_a_private_key_fails_its_test() {
    let key = proto_tests::certs::pkcs8_pem(&Keys::ec());
    assert!(is_found(|| ended(saying(&format!("{key:?}")))));
}

#[test]
fn a_secret_of_the_environment_is_known_too() {
    let launch = saying("it is correct-horse").env("STORE_PASSWORD", "correct-horse");
    assert!(is_found(|| drop(launch.run())));
}

#[test]
fn an_answer_that_has_a_secret_in_it_fails_its_test() {
    let leak = FakeUpstream::answering(Reply::http(200, "text/plain", SECRET));
    drop(saying("so that the secret is known").run());
    let client = HttpsClient::plain(leak.address());
    assert!(is_found(|| drop(client.get("/", &[]))));
}

#[test]
fn the_log_of_a_service_that_did_everything_is_long_and_searched() {
    let native = Native::local();
    assert_eq!(crate::enroll(&native, "CN=a").status, 201);
    assert_eq!(native.enrolling("ir", "/CN=b").run().ended.code, Some(0));
    assert!(native.log().contains("DEBUG"));
    // Known by now, or the end of the program would prove nothing.
    drop(native);
    assert!(proto_tests::secrets::found_in(SECRET.as_bytes()).is_some());
}
