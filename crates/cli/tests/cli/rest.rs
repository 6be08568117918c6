//! revoke, trust, show.

use api::{
    ProblemSlug,
    v2::{RevocationReason, RevokeRequest, RevokeTarget},
};
use pki::keystore;

use crate::{
    bench::{Bench, text},
    fake_ra::{FakeRa, Next},
};

fn enrolled(ra: &FakeRa) -> Bench {
    let bench = Bench::new();
    bench
        .at(
            ra,
            &[
                "enroll",
                "--subject=O=Example,CN=web",
                "--san=dns:web.example.com",
            ],
        )
        .with(0);
    bench
}

#[test]
fn a_certificate_is_revoked_with_its_reason() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    bench
        .at(&ra, &["revoke", "--cert=tls.crt", "--reason=keyCompromise"])
        .with(0);
    let request: RevokeRequest = serde_json::from_str(&ra.asked()[1].body).unwrap();
    assert_eq!(
        request,
        RevokeRequest {
            target: RevokeTarget::Certificate(bench.certificates("tls.crt")[0].to_pem()),
            reason: RevocationReason::KeyCompromise
        }
    );
}

#[test]
fn a_certificate_that_is_gone_is_revoked_by_issuer_and_serial() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    bench
        .at(
            &ra,
            &["revoke", "--issuer=O=Example,CN=Issuing", "--serial=0A:FF"],
        )
        .with(0);
    let request: RevokeRequest = serde_json::from_str(&ra.asked()[0].body).unwrap();
    assert_eq!(
        request.target,
        RevokeTarget::Id {
            issuer: "O=Example,CN=Issuing".into(),
            serial: "0aff".into()
        }
    );
}

#[test]
fn revoked_already_is_what_was_wanted() {
    let (bench, ra) = (
        Bench::new(),
        FakeRa::doing([Next::Refuse(ProblemSlug::AlreadyRevoked)]),
    );
    let ran = bench
        .at(
            &ra,
            &["revoke", "--issuer=CN=a", "--serial=1", "--output=json"],
        )
        .with(0);
    assert_eq!(ran.json()["status"], "already-revoked");
}

#[test]
fn roots_come_in_every_form() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    let ran = bench.at(&ra, &["trust"]).with(0);
    assert_eq!(ran.out, ra.root().to_pem());
    let list = bench.at(&ra, &["trust", "--format=json"]).with(0).json();
    assert_eq!(list["roots"][0]["subject"], "O=Example,CN=Root");
    bench.write("password", "s3cret!");
    for (format, more, password) in [
        ("pkcs12", &[][..], "changeit"),
        ("jks", &["--password-file=password"], "s3cret!"),
    ] {
        bench
            .at(
                &ra,
                &[&["trust", "--format", format, "--out", format], more].concat(),
            )
            .with(0);
        let store = keystore::read(&bench.read(format), Some(&password.to_owned().into())).unwrap();
        assert_eq!(store.trusted[0].certificate, ra.root());
    }
    bench.at(&ra, &["trust", "--format=jks"]).with(2);
}

#[test]
fn a_root_with_a_false_fingerprint_is_not_written() {
    let body = r#"{"roots":[{"subject":"CN=x","fingerprint":"00","notBefore":"2026-01-01T00:00:00Z","notAfter":"2027-01-01T00:00:00Z","certificate":"PEM"}]}"#;
    let body = body.replace("PEM", &FakeRa::new().root().to_pem().replace('\n', "\\n"));
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (bench, ra) = (Bench::new(), FakeRa::doing([Next::Raw(answer.leak())]));
    let ran = bench.at(&ra, &["trust", "--out=roots.pem"]).with(8);
    assert!(ran.err.contains("fingerprint"), "{}", ran.err);
    assert!(bench.names().is_empty());
}

#[test]
fn show_knows_every_form() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let leaf = bench.certificates("tls.crt")[0].clone();
    bench.write("leaf.der", leaf.der());
    bench.write("password", "changeit");
    bench
        .at(&ra, &["trust", "--format=jks", "--out=roots.jks"])
        .with(0);

    let shown = bench.certway(&["show", "tls.crt"]).with(0).out;
    for part in [
        "O=Example,CN=web",
        "dns:web.example.com",
        "ec:P-256",
        "CA certificate\n",
        "O=Example,CN=Issuing",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(
        bench
            .certway(&["show", "leaf.der"])
            .with(0)
            .out
            .contains("O=Example,CN=web")
    );
    assert!(
        bench
            .certway(&["show", "ca.crt"])
            .with(0)
            .out
            .starts_with("root certificate\n")
    );
    let items = bench
        .certway(&[
            "show",
            "roots.jks",
            "--password-file=password",
            "--output=json",
        ])
        .with(0)
        .json();
    assert_eq!(items[0]["subject"], "O=Example,CN=Root");
}

#[test]
fn show_says_of_a_private_key_only_what_is_public() {
    let ra = FakeRa::new();
    let bench = enrolled(&ra);
    let pem = String::from_utf8(bench.read("tls.key")).unwrap();
    let shown = bench
        .certway(&["show", text(&bench.path("tls.key"))])
        .with(0)
        .out;
    assert!(
        shown.starts_with("private key\n") && shown.contains("ec:P-256"),
        "{shown}"
    );
    for line in pem.lines().filter(|l| !l.starts_with('-')) {
        assert!(!shown.contains(line));
    }
}

#[test]
fn show_of_junk_is_a_local_fault() {
    let bench = Bench::new();
    for junk in ["", "junk", "-----BEGIN X-----\n", "\x30\x03"] {
        bench.write("junk", junk);
        bench.certway(&["show", "junk"]).with(7);
    }
    bench.certway(&["show", "missing"]).with(7);
}

#[test]
fn show_of_a_pem_block_that_is_something_else_names_it() {
    let bench = Bench::new();
    bench.write(
        "other",
        "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
    );
    assert!(
        bench
            .certway(&["show", "other"])
            .with(0)
            .out
            .contains("X509 CRL")
    );
}
