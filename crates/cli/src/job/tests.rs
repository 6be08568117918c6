use pki::KeyKind;

use super::*;

fn intent() -> Intent {
    Intent {
        url: "https://ra/".into(),
        ca: "web".into(),
        subject: Some("CN=a".into()),
        sans: vec!["dns:a".into()],
        duration: Some("2160h".parse().unwrap()),
        usages: vec![Usage::ServerAuth],
        profile: None,
        is_ca: false,
        key: "make ec:P-256".into(),
        replaces: Some("aa".into()),
        idempotency_key: None,
    }
}

fn issued() -> Issued {
    serde_json::from_str(
        r#"{"id":"7","certificate":"c","chain":[],"roots":[],"notBefore":"2026-01-01T00:00:00Z","notAfter":"2027-01-01T00:00:00Z","serial":"0a","kind":"ir"}"#,
    )
    .unwrap()
}

#[test]
fn work_that_was_kept_is_taken_up_with_its_key_and_idempotency_key() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("tls.crt");
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let job = Job::new(intent(), EnrollRequest::new("csr")).unwrap();
    Workplace::beside(&target)
        .unwrap()
        .keep(&job, Some(&key))
        .unwrap();

    let later = Workplace::beside(&target).unwrap();
    let found = later.begun(&intent()).unwrap();
    assert_eq!(
        (found.idempotency_key, found.request),
        (job.idempotency_key, job.request)
    );
    assert_eq!(later.key().unwrap().public_key(), key.public_key());
}

#[cfg(unix)]
#[test]
fn both_files_are_the_owners_alone_and_gone_afterwards() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace::beside(&dir.path().join("tls.crt")).unwrap();
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    workplace
        .keep(
            &Job::new(intent(), EnrollRequest::new("csr")).unwrap(),
            Some(&key),
        )
        .unwrap();
    for file in [&workplace.state, &workplace.key] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    workplace.clear().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    workplace.clear().unwrap();
}

#[test]
fn work_for_something_else_is_not_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace::beside(&dir.path().join("tls.crt")).unwrap();
    workplace
        .keep(
            &Job::new(intent(), EnrollRequest::new("csr")).unwrap(),
            None,
        )
        .unwrap();
    for other in [
        Intent {
            subject: Some("CN=b".into()),
            ..intent()
        },
        Intent {
            ca: "x".into(),
            ..intent()
        },
        Intent {
            replaces: None,
            ..intent()
        },
    ] {
        assert!(workplace.begun(&other).is_none(), "{other:?}");
    }
}

#[test]
fn an_answer_that_is_here_is_finished_even_if_the_old_certificate_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace::beside(&dir.path().join("tls.crt")).unwrap();
    let job = Job {
        issued: Some(issued()),
        ..Job::new(intent(), EnrollRequest::new("csr")).unwrap()
    };
    workplace.keep(&job, None).unwrap();
    assert!(
        workplace
            .begun(&Intent {
                replaces: Some("bb".into()),
                ..intent()
            })
            .is_some()
    );
    assert!(
        workplace
            .begun(&Intent {
                ca: "x".into(),
                ..intent()
            })
            .is_none()
    );
}

#[test]
fn a_file_that_is_not_ours_is_no_work() {
    let dir = tempfile::tempdir().unwrap();
    let workplace = Workplace::beside(&dir.path().join("tls.crt")).unwrap();
    assert!(workplace.begun(&intent()).is_none());
    for text in ["", "{}", "junk"] {
        fs::write(&workplace.state, text).unwrap();
        assert!(workplace.begun(&intent()).is_none(), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_second_run_in_the_same_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Workplace::beside(&dir.path().join("tls.crt")).unwrap();
    let failure = Workplace::beside(&dir.path().join("tls.crt"))
        .err()
        .unwrap();
    assert!(failure.message.contains("another certway"), "{failure}");
    drop(first);
    assert!(Workplace::beside(&dir.path().join("tls.crt")).is_ok());
}

#[test]
fn no_two_idempotency_keys_are_the_same() {
    assert_ne!(random_key().unwrap(), random_key().unwrap());
}
