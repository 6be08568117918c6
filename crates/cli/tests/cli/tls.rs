use pki::name::onap;

use crate::{bench::Bench, fake_ra::FakeRa};

/// A folder with the service's root, and a certificate with its key in PEM.
fn known(ra: &FakeRa) -> Bench {
    let bench = Bench::new();
    bench.write("root.pem", ra.root().to_pem());
    let (certificate, key) = ra.certificate("O=Example,CN=holder");
    bench.write("tls.crt", certificate.to_pem() + &ra.chain());
    bench.write("tls.key", key.to_pkcs8_pem().unwrap());
    bench
}

#[test]
fn a_renewal_comes_as_the_holder_of_the_old_certificate() {
    let ra = FakeRa::with_tls();
    let bench = known(&ra);
    bench.at(&ra, &["renew", "--cacert=root.pem"]).with(0);
    let new = bench.certificates("tls.crt")[0].clone();
    assert_eq!(onap::display(new.subject()), "O=Example,CN=holder");
    assert_eq!(new.public_key(), bench.key("tls.key").public_key());
}

#[test]
fn an_enrollment_comes_with_the_tls_certificate_it_was_given() {
    let ra = FakeRa::with_tls();
    let bench = known(&ra);
    let given = [
        "enroll",
        "--subject=CN=a",
        "--out=new",
        "--cacert=root.pem",
        "--tls-cert=tls.crt",
        "--tls-key=tls.key",
    ];
    bench.at(&ra, &given).with(0);
    assert!(bench.path("new/tls.key").exists());
}

#[test]
fn coming_without_a_certificate_is_exit_code_5() {
    let ra = FakeRa::with_tls();
    let bench = known(&ra);
    let ran = bench
        .at(
            &ra,
            &["enroll", "--subject=CN=a", "--cacert=root.pem", "--out=new"],
        )
        .with(5);
    assert!(ra.asked().is_empty(), "{}", ran.err);
}

#[test]
fn coming_with_a_certificate_of_someone_else_is_exit_code_5() {
    let (ra, other) = (FakeRa::with_tls(), FakeRa::new());
    let bench = known(&other);
    bench.write("root.pem", ra.root().to_pem());
    bench.at(&ra, &["renew", "--cacert=root.pem"]).with(5);
}

#[test]
fn a_service_that_is_not_trusted_is_not_asked_twice() {
    let (ra, other) = (FakeRa::with_tls(), FakeRa::new());
    let bench = known(&ra);
    bench.write("root.pem", other.root().to_pem());
    let url = ra.url();
    let ran = bench
        .certway(&[
            "renew",
            "--url",
            &url,
            "--ca=web",
            "--cacert=root.pem",
            "--retry-for=20s",
        ])
        .with(4);
    assert!(ran.err.contains("certificate"), "{}", ran.err);
}

#[test]
fn a_file_without_roots_is_a_local_fault() {
    let (bench, ra) = (Bench::new(), FakeRa::new());
    bench.write("root.pem", "no root");
    bench.at(&ra, &["trust", "--cacert=root.pem"]).with(7);
}
