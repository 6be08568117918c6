use api::{ProblemSlug, v2::Usage};
use pki::{Csr, KeyKind, PrivateKey, Template, keystore, name::onap};

use crate::{
    bench::Bench,
    fake_ra::{FakeRa, Next},
};

const WEB: [&str; 3] = [
    "enroll",
    "--subject=O=Example,CN=web",
    "--san=dns:web.example.com,ip:10.0.0.1",
];

#[test]
fn an_enrollment_leaves_key_certificate_and_roots_that_belong_together() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let ran = bench.at(&ra, &WEB).with(0);
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
    let certificates = bench.certificates("tls.crt");
    assert_eq!(certificates.len(), 2);
    assert_eq!(
        certificates[0].public_key(),
        bench.key("tls.key").public_key()
    );
    assert_eq!(certificates[0].public_key().kind(), KeyKind::P256);
    assert_eq!(onap::display(certificates[0].subject()), "O=Example,CN=web");
    assert_eq!(
        certificates[0]
            .sans()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["dns:web.example.com", "ip:10.0.0.1"]
    );
    assert_eq!(bench.certificates("ca.crt"), [ra.root()]);
    assert!(
        ran.out.contains("O=Example,CN=web") && ran.out.contains("tls.crt"),
        "{}",
        ran.out
    );
    #[cfg(unix)]
    assert_eq!(
        [
            bench.mode("tls.key"),
            bench.mode("tls.crt"),
            bench.mode("ca.crt")
        ],
        [0o600, 0o644, 0o644]
    );
}

#[test]
fn what_is_wanted_is_what_is_sent() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    bench
        .at(
            &ra,
            &[
                &WEB[..],
                &[
                    "--duration=2160h",
                    "--usage=server-auth,client-auth",
                    "--profile=edge",
                    "--idempotency-key=mine",
                ],
            ]
            .concat(),
        )
        .with(0);
    let asked = &ra.asked()[0];
    let request = asked.enrollment();
    assert_eq!(asked.fields["idempotency-key"], "mine");
    assert_eq!(request.duration.unwrap().to_string(), "PT2160H");
    assert_eq!(request.usages, [Usage::ServerAuth, Usage::ClientAuth]);
    assert_eq!(request.profile.as_deref(), Some("edge"));
    assert!(request.replaces.is_none() && request.is_ca.is_none());
    Csr::from_pem(request.csr.as_bytes())
        .unwrap()
        .verify()
        .unwrap();
}

#[test]
fn the_environment_does_for_the_command_line() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let settings = [
        ("CERTWAY_URL", ra.url()),
        ("CERTWAY_CA", "web".to_owned()),
        ("CERTWAY_SAN", "dns:a.example,dns:b.example".to_owned()),
        ("CERTWAY_KEY_TYPE", "ed25519".to_owned()),
        ("CERTWAY_FORMAT", "pkcs12".to_owned()),
        ("CERTWAY_OUT", "store".to_owned()),
        ("CERTWAY_PASSWORD", "s3cret!".to_owned()),
        ("CERTWAY_TOKEN", "t0ken".to_owned()),
    ];
    bench.certway_with(&settings, &["enroll"]).with(0);
    assert_eq!(ra.asked()[0].fields["authorization"], "Bearer t0ken");
    let store = keystore::read(&bench.read("store"), Some(&"s3cret!".to_owned().into())).unwrap();
    let leaf = &store.entries[0].chain[0];
    assert_eq!(leaf.public_key().kind(), KeyKind::Ed25519);
    assert_eq!(leaf.sans().len(), 2);
}

#[test]
fn machines_get_json() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let json = bench
        .at(&ra, &[&WEB[..], &["--output=json", "--quiet"]].concat())
        .with(0)
        .json();
    assert_eq!(json["status"], "issued");
    assert_eq!(json["files"]["certificate"], "./tls.crt");
    assert_eq!(json["correlationId"], "c-1");
}

#[test]
fn a_run_that_gave_up_waiting_is_taken_up_with_the_same_key_and_request() {
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::Wait]));
    let ran = bench.at(&ra, &[&WEB[..], &["--wait=0s"]].concat()).with(6);
    assert!(ran.err.contains("id 7"), "{}", ran.err);
    assert_eq!(
        bench.names(),
        [".tls.crt.certway.json", ".tls.crt.certway.key"]
    );
    bench.at(&ra, &WEB).with(0);
    let asked = ra.asked();
    assert_eq!(asked[0].body, asked[1].body);
    assert_eq!(
        asked[0].fields["idempotency-key"],
        asked[1].fields["idempotency-key"]
    );
    assert_eq!(
        bench.certificates("tls.crt")[0].public_key(),
        bench.key("tls.key").public_key()
    );
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
}

#[test]
fn an_answer_that_was_lost_on_the_way_is_not_a_second_certificate() {
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::IssueAndHangUp]));
    bench.at(&ra, &WEB).with(4);
    bench.at(&ra, &WEB).with(0);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_service_that_is_away_for_a_moment_is_tried_again() {
    let (bench, ra) = (
        Bench::new(),
        FakeRa::doing([Next::Refuse(ProblemSlug::Unavailable)]),
    );
    let ran = bench.at(&ra, &[&WEB[..3], &["--quiet"]].concat()).with(4);
    assert_eq!(ran.err.lines().count(), 1);
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::Raw("")]));
    let url = ra.url();
    bench
        .certway(&[
            "enroll",
            "--url",
            &url,
            "--ca=web",
            "--subject=CN=a",
            "--retry-for=5s",
        ])
        .with(0);
    assert_eq!(ra.asked().len(), 2);
}

#[test]
fn another_request_is_not_confused_with_the_unfinished_one() {
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::Wait]));
    bench.at(&ra, &[&WEB[..], &["--wait=0s"]].concat()).with(6);
    bench.at(&ra, &["enroll", "--subject=CN=other"]).with(0);
    let asked = ra.asked();
    assert_ne!(
        asked[0].fields["idempotency-key"],
        asked[1].fields["idempotency-key"]
    );
    assert_eq!(
        onap::display(bench.certificates("tls.crt")[0].subject()),
        "CN=other"
    );
}

#[test]
fn a_refusal_leaves_what_was_there_and_says_why() {
    let (bench, ra) = (
        Bench::new(),
        FakeRa::doing([Next::Refuse(ProblemSlug::NameNotAllowed)]),
    );
    bench.write("tls.key", "old key");
    let ran = bench
        .at(&ra, &[&WEB[..], &["--output=json"]].concat())
        .with(3);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(
        error["error"]["problem"]["type"],
        "https://certway.dev/problems/name-not-allowed"
    );
    assert_eq!(error["error"]["exitCode"], 3);
    assert_eq!(ran.out, "");
    assert_eq!(bench.names(), ["tls.key"]);
    assert_eq!(bench.read("tls.key"), b"old key");
}

#[test]
fn a_certificate_for_another_key_is_not_written() {
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::OtherKey]));
    bench.write("tls.key", "old key");
    let ran = bench.at(&ra, &WEB).with(8);
    assert!(ran.err.contains("another key"), "{}", ran.err);
    assert_eq!(bench.read("tls.key"), b"old key");
    assert!(!bench.path("tls.crt").exists());
}

#[test]
fn exit_codes_tell_who_is_to_blame() {
    for (next, code) in [
        (Next::Refuse(ProblemSlug::RejectedByCa), 3),
        (Next::Refuse(ProblemSlug::Unavailable), 4),
        (
            Next::Raw("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>"),
            4,
        ),
        (Next::Refuse(ProblemSlug::Unauthenticated), 5),
        (Next::Refuse(ProblemSlug::NotAuthorized), 5),
        (Next::Refuse(ProblemSlug::WaitingTimeout), 6),
        (
            Next::Raw("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"),
            8,
        ),
    ] {
        let (bench, ra) = (Bench::new(), FakeRa::doing([next]));
        bench.at(&ra, &WEB).with(code);
    }
}

#[test]
fn nobody_there_is_exit_code_4() {
    let bench = Bench::new();
    bench
        .certway(&[
            "enroll",
            "--url=http://127.0.0.1:1",
            "--ca=web",
            "--subject=CN=a",
            "--retry-for=0s",
        ])
        .with(4);
}

#[test]
fn stores_hold_key_chain_and_roots() {
    for format in ["pkcs12", "jks"] {
        let (bench, ra) = (Bench::new(), FakeRa::new());
        bench.write("password", "changeit\n");
        bench
            .at(
                &ra,
                &[
                    &WEB[..],
                    &[
                        "--format",
                        format,
                        "--out=store",
                        "--password-file=password",
                        "--alias=web",
                    ],
                ]
                .concat(),
            )
            .with(0);
        assert_eq!(bench.names(), ["password", "store"]);
        let store =
            keystore::read(&bench.read("store"), Some(&"changeit".to_owned().into())).unwrap();
        let entry = &store.entries[0];
        assert_eq!(entry.alias, "web");
        assert_eq!(onap::display(entry.chain[0].subject()), "O=Example,CN=web");
        assert_eq!(
            onap::display(entry.chain[1].subject()),
            "O=Example,CN=Issuing"
        );
        assert_eq!(
            store
                .trusted
                .iter()
                .map(|t| t.certificate.clone())
                .collect::<Vec<_>>(),
            [ra.root()]
        );
        #[cfg(unix)]
        assert_eq!(bench.mode("store"), 0o600);
    }
}

#[test]
fn a_store_without_a_password_is_refused_before_anything_is_asked() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    bench
        .at(&ra, &[&WEB[..], &["--format=jks", "--out=store"]].concat())
        .with(2);
    assert!(ra.asked().is_empty() && bench.names().is_empty());
}

#[test]
fn a_csr_is_sent_as_it_is_and_no_key_is_written() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
    let csr = Csr::build(
        &Template::new(onap::parse("CN=own").unwrap(), key.public_key().clone()),
        &key,
    )
    .unwrap();
    bench.write("own.csr", csr.to_pem());
    bench.at(&ra, &["enroll", "--csr=own.csr"]).with(0);
    assert_eq!(ra.asked()[0].enrollment().csr, csr.to_pem());
    assert_eq!(bench.names(), ["ca.crt", "own.csr", "tls.crt"]);
    bench
        .at(&ra, &["enroll", "--csr=own.csr", "--format=jks", "--out=x"])
        .with(2);
}

#[test]
fn a_key_of_ones_own_is_used() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
    bench.write("own.key", key.to_pkcs8_pem().unwrap());
    bench
        .at(
            &ra,
            &[
                "enroll",
                "--subject=CN=a",
                "--key=own.key",
                "--key-out=own.key",
                "--cert-out=own.crt",
            ],
        )
        .with(0);
    assert_eq!(bench.names(), ["ca.crt", "own.crt", "own.key"]);
    assert_eq!(
        bench.certificates("own.crt")[0].public_key(),
        key.public_key()
    );
}

#[test]
fn an_answer_that_could_not_be_written_is_kept_for_the_next_run() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    std::fs::create_dir(bench.path("ca.crt")).unwrap();
    bench.at(&ra, &WEB).with(7);
    assert!(!bench.path("tls.crt").exists() && !bench.path("tls.key").exists());
    std::fs::remove_dir(bench.path("ca.crt")).unwrap();
    bench.at(&ra, &WEB).with(0);
    assert_eq!(ra.asked().len(), 1);
    assert_eq!(bench.names(), ["ca.crt", "tls.crt", "tls.key"]);
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let (bench, ra) = (
        Bench::new(),
        FakeRa::doing([Next::Refuse(ProblemSlug::Unauthenticated)]),
    );
    bench.write("token", "s3cret-t0ken\n");
    let ran = bench
        .at(&ra, &[&WEB[..], &["--token-file=token"]].concat())
        .with(5);
    assert_eq!(ra.asked()[0].fields["authorization"], "Bearer s3cret-t0ken");
    assert!(!ran.err.contains("s3cret") && !ran.out.contains("s3cret"));
}

#[test]
fn a_command_line_without_sense_is_exit_code_2() {
    let bench = Bench::new();
    for args in [
        &["enroll"][..],
        &["enroll", "--url=ftp://x", "--ca=a", "--subject=CN=a"],
        &["enroll", "--url=http://x", "--ca=a"],
        &["enroll", "--url=http://x", "--ca=a", "--subject=nonsense"],
        &[],
    ] {
        bench.certway(args).with(2);
    }
    assert!(bench.names().is_empty());
}
