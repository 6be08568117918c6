//! Requests that something is wrong with: the right error, nothing issued, nothing leaked, connection and service alive.

use pki::{Certificate, Csr};
use proto_tests::certs::{pkcs8_pem, traditional_pem};
use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE, assert_error, base64, csr};
use proto_tests::{Connection, Keys, Service};

use crate::{
    BAD_CERTIFICATE, BAD_CSR, BAD_KEY, NAMES, NO_CA, SUBJECT, assert_log_keeps_secrets, request,
};

macro_rules! key_fixture {
    ($name:literal) => {
        include_str!(concat!(
            "../../../crates/pki/tests/fixtures/keys/",
            $name,
            ".pem"
        ))
    };
}

/// A service, and one connection to it that has to live through everything.
struct Bench {
    service: Service,
    connection: Connection,
}

impl Bench {
    fn new() -> Self {
        let service = Service::over_its_own_ca();
        let connection = service.client.connect().unwrap();
        Self {
            service,
            connection,
        }
    }

    #[track_caller]
    fn refuses(&mut self, path: &str, request: &Request, status: u16, message: &str) {
        let answer = self
            .connection
            .request("GET", path, &request.fields(), b"")
            .unwrap();
        assert_error(&answer, status, message);
    }

    /// Nothing was issued, the same connection still gets a certificate, and no key stands in the log.
    #[track_caller]
    fn stands(mut self) {
        assert_eq!(self.service.issued(), 0, "something was issued");
        let good = request();
        let answer = self
            .connection
            .request("GET", ENROLL, &good.fields(), b"")
            .unwrap();
        Certificates::of(&answer);
        assert_log_keeps_secrets(
            &self.service,
            &secrets(&Keys::rsa()).each_ref().map(String::as_str),
        );
    }
}

/// A key as it may show up in a log: as its header field, as a line of its PEM, as hex.
fn secrets(key: &pki::PrivateKey) -> [String; 4] {
    let (pkcs8, traditional) = (pkcs8_pem(key), traditional_pem(key));
    let line = |pem: &str| pem.lines().nth(2).unwrap().to_owned();
    [
        base64(&traditional)[100..200].to_owned(),
        base64(&pkcs8)[100..200].to_owned(),
        line(&traditional),
        line(&pkcs8),
    ]
}

/// What no header field can be: each breaks base64 or PEM.
fn no_pem() -> Vec<(&'static str, String)> {
    let good = base64(csr(SUBJECT, &NAMES, &Keys::rsa()));
    vec![
        ("not base64", "!!!".to_owned()),
        ("empty", String::new()),
        (
            "the URL alphabet",
            base64([0xfb, 0xff, 0xfe])
                .replace('+', "-")
                .replace('/', "_"),
        ),
        ("a blank inside", format!("{} {}", &good[..40], &good[40..])),
        ("a tab inside", format!("{}\t{}", &good[..40], &good[40..])),
        (
            "PEM without base64 around it",
            "-----BEGIN CERTIFICATE REQUEST-----".to_owned(),
        ),
        ("no PEM inside", base64("no PEM at all")),
        ("nothing inside", base64("\n")),
        (
            "a block without an end",
            base64("-----BEGIN X-----\nAAAA\n"),
        ),
        (
            "a block with nothing in it",
            base64("-----BEGIN X-----\n-----END X-----\n"),
        ),
        (
            "a block that is no base64",
            base64("-----BEGIN X-----\n????\n-----END X-----\n"),
        ),
        (
            "junk in a block",
            base64(pki::pem::encode(
                "CERTIFICATE REQUEST",
                &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            )),
        ),
        ("octets that are no text", base64([0xff, 0xfe, 0x00, 0x2d])),
        (
            "nested without end",
            base64(pki::pem::encode(
                "PRIVATE KEY",
                &[0x30, 0x80].repeat(10_000),
            )),
        ),
    ]
}

#[test]
fn a_csr_that_cannot_be_read_is_said_to_be_one() {
    let mut bench = Bench::new();
    for (what, value) in no_pem() {
        eprintln!("{what}");
        bench.refuses(ENROLL, &request().with("CSR", value), 400, BAD_CSR);
    }
    let key_there = request().value("PK").to_owned();
    bench.refuses(ENROLL, &request().with("CSR", key_there), 400, BAD_CSR);
    bench.stands();
}

#[test]
fn a_csr_cut_short_or_with_octets_behind_it_is_refused() {
    let mut bench = Bench::new();
    let der = Csr::from_pem(csr(SUBJECT, &NAMES, &Keys::rsa()).as_bytes())
        .unwrap()
        .der()
        .to_vec();
    let pem = |der: &[u8]| base64(pki::pem::encode("CERTIFICATE REQUEST", der));
    for length in [1, 2, 10, 100, der.len() / 2, der.len() - 1] {
        bench.refuses(
            ENROLL,
            &request().with("CSR", pem(&der[..length])),
            400,
            BAD_CSR,
        );
    }
    let longer = [der.as_slice(), b"\0"].concat();
    bench.refuses(ENROLL, &request().with("CSR", pem(&longer)), 400, BAD_CSR);
    bench.stands();
}

#[test]
fn a_csr_that_does_not_verify_is_refused() {
    let mut bench = Bench::new();
    let mut der = Csr::from_pem(csr(SUBJECT, &NAMES, &Keys::rsa()).as_bytes())
        .unwrap()
        .der()
        .to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let pem = base64(pki::pem::encode("CERTIFICATE REQUEST", &der));
    bench.refuses(ENROLL, &request().with("CSR", pem), 400, BAD_CSR);
    bench.stands();
}

#[test]
fn a_key_that_cannot_be_read_is_said_to_be_one() {
    let mut bench = Bench::new();
    for (what, value) in no_pem() {
        eprintln!("{what}");
        bench.refuses(ENROLL, &request().with("PK", value), 400, BAD_KEY);
    }
    let csr_there = request().value("CSR").to_owned();
    bench.refuses(ENROLL, &request().with("PK", csr_there), 400, BAD_KEY);
    bench.stands();
}

#[test]
fn an_encrypted_weak_or_unheard_of_key_is_refused() {
    let mut bench = Bench::new();
    let keys = [
        key_fixture!("p256-pbes2"),
        key_fixture!("p256-pbes2-20m"),
        key_fixture!("p256-scrypt"),
        key_fixture!("rsa-proc-type"),
        key_fixture!("rsa1024-pkcs8"),
        key_fixture!("dsa-pkcs8"),
        key_fixture!("secp256k1-sec1"),
    ];
    for pem in keys {
        bench.refuses(ENROLL, &request().with("PK", base64(pem)), 400, BAD_KEY);
    }
    bench.stands();
}

#[test]
fn a_key_that_is_not_the_csrs_is_refused_before_the_ca_is_asked() {
    let mut bench = Bench::new();
    for other in [Keys::rsa3072(), Keys::ec()] {
        let request = request().with("PK", base64(pkcs8_pem(&other)));
        bench.refuses(ENROLL, &request, 400, BAD_KEY);
    }
    bench.stands();
}

#[test]
fn each_missing_header_gets_400_and_is_named() {
    let mut bench = Bench::new();
    let old = request().replacing("anything", &Keys::rsa());
    for (path, names) in [
        (ENROLL, vec!["CSR", "PK"]),
        (UPDATE, vec!["CSR", "PK", "OLD_CERT", "OLD_PK"]),
    ] {
        for name in names {
            let message = format!(
                "Required request header '{name}' for method parameter type String is not present"
            );
            bench.refuses(path, &old.clone().without(name), 400, &message);
        }
    }
    bench.stands();
}

#[test]
fn a_header_given_twice_is_refused_rather_than_one_of_them_chosen() {
    let mut bench = Bench::new();
    let request = request();
    let mut fields = request.fields();
    fields.push(("csr", fields[0].1));
    let answer = bench
        .connection
        .request("GET", ENROLL, &fields, b"")
        .unwrap();
    assert_error(&answer, 400, BAD_CSR);
    bench.stands();
}

#[test]
fn an_old_certificate_that_cannot_be_read_is_said_to_be_one() {
    let mut bench = Bench::new();
    let old_pk = base64(traditional_pem(&Keys::rsa()));
    for (what, value) in no_pem() {
        eprintln!("{what}");
        let update = request().with("OLD_CERT", value).with("OLD_PK", &old_pk);
        bench.refuses(UPDATE, &update, 400, BAD_CERTIFICATE);
    }
    let csr_there = request()
        .with("OLD_CERT", request().value("CSR"))
        .with("OLD_PK", &old_pk);
    bench.refuses(UPDATE, &csr_there, 400, BAD_CERTIFICATE);
    bench.stands();
}

#[test]
fn an_old_key_that_cannot_be_read_is_called_a_wrong_certificate() {
    let mut bench = Bench::new();
    // Looked at even when other names make it a certification request, which has no use for it.
    let old = bench.service.setup.pki.client.chain_pem();
    for (what, value) in no_pem() {
        eprintln!("{what}");
        let update = request()
            .with("OLD_CERT", base64(&old))
            .with("OLD_PK", value);
        bench.refuses(UPDATE, &update, 400, BAD_CERTIFICATE);
    }
    for pem in [key_fixture!("p256-pbes2"), key_fixture!("rsa1024-pkcs8")] {
        let update = request()
            .with("OLD_CERT", base64(&old))
            .with("OLD_PK", base64(pem));
        bench.refuses(UPDATE, &update, 400, BAD_CERTIFICATE);
    }
    bench.stands();
}

#[test]
fn of_several_errors_the_first_in_certservices_order_wins() {
    let mut bench = Bench::new();
    let unknown = "/v1/certificate-update/Nobody";
    // Everything is wrong, and one thing after the other is put right.
    let all = Request::default()
        .with("CSR", "!")
        .with("PK", "!")
        .with("OLD_CERT", "!");
    let missing =
        "Required request header 'OLD_PK' for method parameter type String is not present";
    bench.refuses(unknown, &all, 400, missing);
    let all = all.with("OLD_PK", "!");
    bench.refuses(unknown, &all, 400, BAD_CSR);
    let all = all.with("CSR", request().value("CSR"));
    bench.refuses(unknown, &all, 400, BAD_KEY);
    let all = all.with("PK", request().value("PK"));
    bench.refuses(unknown, &all, 400, BAD_CERTIFICATE);
    let all = all.with(
        "OLD_CERT",
        base64(bench.service.setup.pki.client.chain_pem()),
    );
    bench.refuses(unknown, &all, 400, BAD_CERTIFICATE);
    let all = all.with("OLD_PK", base64(bench.service.setup.pki.client.key_pem()));
    bench.refuses(unknown, &all, 404, NO_CA);
    bench.stands();
}

#[test]
fn errors_say_in_detail_what_was_wrong_and_never_with_what() {
    let mut bench = Bench::new();
    let other = Keys::rsa3072();
    let request = request().with("PK", base64(pkcs8_pem(&other)));
    let answer = bench
        .connection
        .request("GET", ENROLL, &request.fields(), b"")
        .unwrap();
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        "the private key does not belong to the public key in the CSR"
    );
    let secrets = secrets(&other);
    assert!(secrets.iter().all(|secret| !answer.text().contains(secret)));
    assert_log_keeps_secrets(&bench.service, &secrets.each_ref().map(String::as_str));
    bench.stands();
}

#[test]
fn a_thousand_and_one_names_are_refused() {
    let mut bench = Bench::new();
    let names: Vec<String> = (0..1001).map(|n| format!("dns:n{n}.onap.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = Request::for_names(SUBJECT, &names, &Keys::rsa());
    let answer = bench
        .connection
        .request("GET", ENROLL, &request.fields(), b"")
        .unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
    bench.stands();
}

#[test]
fn a_certificate_is_no_csr_though_its_label_may_be() {
    let mut bench = Bench::new();
    let certificate: &Certificate = bench.service.setup.pki.client.certificate();
    let pem = pki::pem::encode("CERTIFICATE REQUEST", certificate.der());
    bench.refuses(ENROLL, &request().with("CSR", base64(pem)), 400, BAD_CSR);
    bench.stands();
}
