//! REST v1 as CertService's clients meet it: the transport.

use proto_tests::Service;

#[test]
fn a_client_of_the_truststores_ca_is_answered() {
    let service = Service::with(&[]);
    let answer = service.client.get("/ready", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn without_a_certificate_there_is_no_answer_but_a_tls_alert_on_every_path() {
    let service = Service::with(&[]);
    let anonymous = service.setup.client(None);
    for path in [
        "/v1/certificate/RA",
        "/ready",
        "/actuator/health",
        "/docs",
        "/nothing",
    ] {
        let error = anonymous.try_request("GET", path, &[], b"").unwrap_err();
        assert!(
            error.to_string().contains("CertificateRequired"),
            "{path}: {error}"
        );
    }
}
