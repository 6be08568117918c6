//! The transport: mTLS on every path, methods, header fields in any case and of any size, framing.

use jiff::{SignedDuration, Timestamp};
use pki::Template;
use proto_tests::certs::dn;
use proto_tests::v1::{Certificates, ENROLL, UPDATE, assert_error};
use proto_tests::{Identity, Keys, Service};

use crate::request;

const PATHS: [&str; 10] = [
    "/v1/certificate/RA",
    "/v1/certificate-update/RA",
    "/ready",
    "/reload",
    "/actuator",
    "/actuator/health",
    "/docs",
    "/v3/api-docs",
    "/swagger-ui/index.html",
    "/nothing/here",
];

#[test]
fn without_a_certificate_there_is_a_tls_alert_on_every_path_and_never_an_http_answer() {
    let service = Service::with(&[]);
    let anonymous = service.setup.client(None);
    for path in PATHS {
        let error = anonymous.try_request("GET", path, &[], b"").unwrap_err();
        assert!(
            error.to_string().contains("CertificateRequired"),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_certificate_of_an_unknown_ca_is_refused_in_the_handshake() {
    let service = Service::with(&[]);
    let stranger = service
        .setup
        .client(Some(&service.setup.pki.foreign_client));
    let error = stranger.try_request("GET", "/ready", &[], b"").unwrap_err();
    assert!(error.to_string().contains("UnknownCA"), "{error}");
    assert_eq!(
        service.client.get("/ready", &[]).status,
        200,
        "others are served on"
    );
}

#[test]
fn an_expired_certificate_is_refused_in_the_handshake() {
    let service = Service::with(&[]);
    let key = Keys::ec();
    let template = Template::new(dn("CN=too late"), key.public_key().clone());
    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let root = &service.setup.pki.root;
    let chain = vec![root.sign_for(template, now - hour * 2, now - hour)];
    let late = service.setup.client(Some(&Identity { key, chain }));
    let error = late.try_request("GET", "/ready", &[], b"").unwrap_err();
    assert!(error.to_string().contains("CertificateExpired"), "{error}");
}

#[test]
fn tls_1_2_and_1_3_are_spoken() {
    let service = Service::with(&[]);
    let pki = &service.setup.pki;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = proto_tests::HttpsClient::tls_versions(
            service.client.address(),
            &[&pki.root.certificate],
            Some(&pki.client),
            &[version],
        );
        assert_eq!(client.get("/ready", &[]).status, 200, "{version:?}");
    }
}

#[test]
fn plain_http_gets_no_http_answer() {
    let service = Service::with(&[]);
    let plain = proto_tests::HttpsClient::plain(service.client.address());
    assert!(plain.try_request("GET", "/ready", &[], b"").is_err());
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}

#[test]
fn head_is_answered_wherever_get_is_with_the_same_status_and_no_body() {
    let service = Service::with(&[]);
    let mut connection = service.client.connect().unwrap();
    for path in PATHS {
        let get = connection.request("GET", path, &[], b"").unwrap();
        let head = connection.request("HEAD", path, &[], b"").unwrap();
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.media_type(), get.media_type(), "{path}");
    }
}

#[test]
fn head_does_what_get_does_so_that_curl_dash_i_reloads() {
    let service = Service::with(&[]);
    let mark = service.program.output().mark();
    assert_eq!(
        service.client.request("HEAD", "/reload", &[], b"").status,
        200
    );
    service
        .program
        .log_has_since(mark, "Reloading configuration");
}

#[test]
fn head_on_a_certificate_issues_it() {
    let service = Service::over_its_own_ca();
    let answer = service
        .client
        .request("HEAD", ENROLL, &request().fields(), b"");
    assert_eq!((answer.status, service.issued()), (200, 1));
}

#[test]
fn other_methods_get_405_with_the_frameworks_body() {
    let service = Service::over_its_own_ca();
    let mut connection = service.client.connect().unwrap();
    for path in [ENROLL, UPDATE, "/ready", "/reload", "/actuator/health"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = connection
                .request(method, path, &request().fields(), b"")
                .unwrap();
            assert_error(
                &answer,
                405,
                &format!("Request method '{method}' not supported"),
            );
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    assert_eq!(service.issued(), 0);
}

#[test]
fn header_names_count_in_any_case_and_with_or_without_underscore() {
    let service = Service::over_its_own_ca();
    let key = Keys::rsa();
    let first = Certificates::of(&request().get(&service.client, ENROLL));
    let names = [
        ("CSR", "PK", "OLD_CERT", "OLD_PK"),
        ("Csr", "Pk", "Old_cert", "Old_pk"),
        ("csr", "pk", "old_cert", "old_pk"),
        ("cSr", "pK", "OLDCERT", "OLDPK"),
        ("CSR", "PK", "Oldcert", "oldpk"),
    ];
    for (csr, pk, old_cert, old_pk) in names {
        let update = request()
            .replacing(&first.concatenated(), &key)
            .spelling("CSR", csr)
            .spelling("PK", pk)
            .spelling("OLD_CERT", old_cert)
            .spelling("OLD_PK", old_pk);
        Certificates::of(&update.get(&service.client, UPDATE));
    }
}

#[test]
fn a_trailing_slash_changes_nothing() {
    let service = Service::over_its_own_ca();
    let first = Certificates::of(&request().get(&service.client, "/v1/certificate/RA/"));
    let update = request().replacing(&first.concatenated(), &Keys::rsa());
    Certificates::of(&update.get(&service.client, "/v1/certificate-update/RA/"));
    for path in ["/ready/", "/reload/", "/actuator/", "/actuator/health/"] {
        assert_eq!(service.client.get(path, &[]).status, 200, "{path}");
    }
}

#[test]
fn a_header_block_far_beyond_certservices_16_kib_is_taken() {
    let service = Service::over_its_own_ca();
    let first = Certificates::of(&request().get(&service.client, ENROLL));
    // Nobody's chain is that long; the certificates behind the leaf are not looked at.
    let chain = first.concatenated().repeat(100);
    let update = request().replacing(&chain, &Keys::rsa());
    assert!(update.value("OLD_CERT").len() > 64 << 10);
    Certificates::of(&update.get(&service.client, UPDATE));
}

#[test]
fn a_header_block_of_one_mebibyte_gets_431_and_the_connection_lives() {
    let service = Service::over_its_own_ca();
    let mut connection = service.client.connect().unwrap();
    for name in ["CSR", "PK", "X-Anything"] {
        let request = request().with(name, "A".repeat(1 << 20));
        let answer = connection
            .request("GET", ENROLL, &request.fields(), b"")
            .unwrap();
        assert_eq!(answer.status, 431, "{name}: {}", answer.text());
        assert!(
            answer.json()["errorMessage"]
                .as_str()
                .unwrap()
                .contains("header fields"),
            "{name}"
        );
    }
    assert_eq!(service.issued(), 0);
    let answer = connection
        .request("GET", ENROLL, &request().fields(), b"")
        .unwrap();
    Certificates::of(&answer);
}

#[test]
fn a_mebibyte_of_many_small_header_fields_is_refused_and_the_service_lives() {
    let service = Service::over_its_own_ca();
    let fields = vec![("X-Small", "A"); 1 << 16];
    // Whether an answer still comes through is the transport's matter; that nothing is done is ours.
    if let Ok(answer) = service.client.try_request("GET", ENROLL, &fields, b"") {
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(service.issued(), 0);
    Certificates::of(&request().get(&service.client, ENROLL));
}

#[test]
fn a_request_body_is_ignored() {
    let service = Service::over_its_own_ca();
    let mut connection = service.client.connect().unwrap();
    let answer = connection
        .request("GET", ENROLL, &request().fields(), b"of no use")
        .unwrap();
    Certificates::of(&answer);
    assert_eq!(
        connection
            .request("GET", "/ready", &[], b"")
            .unwrap()
            .status,
        200
    );
}

#[test]
fn broken_framing_ends_one_connection_and_nothing_else() {
    let service = Service::over_its_own_ca();
    let broken: [&[u8]; 6] = [
        b"\x16\x03\x01 this is no request\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /ready HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nHost: a\r\nNo colon here\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
    ];
    for octets in broken {
        let mut connection = service.client.connect().unwrap();
        connection.send(octets).unwrap();
        if let Ok(answer) = connection.answer(false) {
            assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(octets));
        }
    }
    assert_eq!(service.client.get("/ready", &[]).status, 200);
}
