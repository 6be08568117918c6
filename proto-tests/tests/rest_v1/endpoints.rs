//! Every path there is, and how a CA's name stands in one.

use proto_tests::Service;
use proto_tests::v1::{Certificates, ENROLL, UPDATE, assert_error};
use serde_json::Value;

use crate::{NO_CA, request};

#[test]
fn health_says_up_in_the_actuators_media_type() {
    let service = Service::with(&[]);
    for path in [
        "/actuator/health",
        "/actuator/health/liveness",
        "/actuator/health/readiness",
    ] {
        let answer = service.client.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.media_type(),
            "application/vnd.spring-boot.actuator.v3+json"
        );
        assert_eq!(answer.json()["status"], "UP");
    }
}

#[test]
fn the_actuator_links_to_itself_and_to_health() {
    let service = Service::with(&[]);
    let answer = service
        .client
        .get("/actuator", &[("Host", "cert.example:8443")]);
    let links = &answer.json()["_links"];
    assert_eq!(links["self"]["href"], "https://cert.example:8443/actuator");
    assert_eq!(
        links["health"]["href"],
        "https://cert.example:8443/actuator/health"
    );
    assert_eq!(links["health-path"]["templated"], true);
}

#[test]
fn no_other_actuator_endpoint_is_exposed() {
    let service = Service::with(&[]);
    for name in [
        "env",
        "beans",
        "configprops",
        "heapdump",
        "shutdown",
        "metrics",
        "loggers",
    ] {
        assert_eq!(
            service.client.get(&format!("/actuator/{name}"), &[]).status,
            404,
            "{name}"
        );
    }
}

#[test]
fn docs_lead_to_a_page_and_the_document_names_the_published_contract() {
    let service = Service::with(&[]);
    let docs = service.client.get("/docs", &[]);
    assert!((300..400).contains(&docs.status));
    let page = service.client.get(docs.header("location").unwrap(), &[]);
    assert_eq!((page.status, page.media_type()), (200, "text/html"));

    let document = service.client.get("/v3/api-docs", &[]).json();
    assert_eq!(document["info"]["title"], "CertService Documentation");
    let operations = [
        (
            "/v1/certificate/{caName}",
            "signCertificate",
            "CertificationService",
        ),
        (
            "/v1/certificate-update/{caName}",
            "updateCertificate",
            "CertificationService",
        ),
        ("/ready", "checkReady", "Actuator"),
        ("/reload", "reloadConfiguration", "Actuator"),
        ("/actuator/health", "healthCheck", "Actuator"),
    ];
    for (path, id, tag) in operations {
        let operation = &document["paths"][path]["get"];
        assert_eq!(operation["operationId"], id);
        assert_eq!(operation["tags"][0], tag);
    }
    let members = |schema: &str| -> Vec<String> {
        let properties = document["components"]["schemas"][schema]["properties"].as_object();
        properties
            .unwrap_or_else(|| panic!("{schema}"))
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        members("CertificationResponseModel"),
        ["certificateChain", "trustedCertificates"]
    );
    assert!(members("ErrorResponseModel").contains(&"errorMessage".to_owned()));
    assert_eq!(members("StatusResponseModel"), ["status"]);
    let required: Vec<&Value> =
        document["paths"]["/v1/certificate-update/{caName}"]["get"]["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| &parameter["name"])
            .collect();
    assert_eq!(required, ["caName", "CSR", "PK", "OLD_CERT", "OLD_PK"]);
}

#[test]
fn an_unknown_path_gets_404_with_the_frameworks_body() {
    let service = Service::with(&[]);
    for path in [
        "/",
        "/v1",
        "/v1/certificate",
        "/v1/certificate/",
        "/v1/certificate-update/",
        "/v1/certificate/RA/more",
        "/READY",
    ] {
        let answer = service.client.get(path, &request().fields());
        assert_error(&answer, 404, "No message available");
        assert_eq!(answer.json()["path"], path);
    }
}

#[test]
fn an_unknown_ca_gets_404_and_case_counts() {
    let service = Service::over_its_own_ca();
    for name in ["Nobody", "ra", "Ra", "RA%20", "%20RA", "RAA", "R"] {
        let answer = request().get(&service.client, &format!("/v1/certificate/{name}"));
        assert_error(&answer, 404, NO_CA);
    }
    assert_eq!(service.issued(), 0);
}

#[test]
fn a_ca_name_is_percent_decoded() {
    let service = Service::over_its_own_ca();
    Certificates::of(&request().get(&service.client, "/v1/certificate/%52A"));
}

#[test]
fn matrix_parameters_are_taken_out_of_a_path() {
    let service = Service::over_its_own_ca();
    Certificates::of(&request().get(&service.client, "/v1;x=y/certificate/RA;jsessionid=1"));
}

#[test]
fn an_encoded_slash_or_octets_that_are_no_text_get_400() {
    let service = Service::over_its_own_ca();
    for name in ["R%2FA", "R%2fA", "%FF", "RA%C3"] {
        let answer = request().get(&service.client, &format!("/v1/certificate/{name}"));
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
    }
    assert_eq!(service.issued(), 0);
}

#[test]
fn line_breaks_and_tabs_in_a_name_cannot_forge_a_line_of_the_log() {
    let service = Service::over_its_own_ca();
    let name = "RA%0A2026-01-01T00:00:00Z%20ERROR%20forged%0D%09end";
    let answer = request().get(&service.client, &format!("/v1/certificate/{name}"));
    assert_error(&answer, 404, NO_CA);
    service
        .program
        .log_has("CA named: RA_2026-01-01T00:00:00Z ERROR forged__end");
    assert!(
        !service
            .log()
            .lines()
            .any(|line| line.starts_with("2026-01-01T00:00:00Z"))
    );
}

#[test]
fn a_query_is_ignored() {
    let service = Service::over_its_own_ca();
    Certificates::of(&request().get(&service.client, &format!("{ENROLL}?a=b;c")));
    assert_eq!(
        request()
            .get(&service.client, &format!("{UPDATE}?a=b"))
            .status,
        400
    );
}
