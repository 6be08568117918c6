//! ONAP CertService's REST v1: its answers. Requests are header fields and have no types; member names are the published contract.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What both certificate endpoints answer with status 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificationResponseModel {
    /// The certificate and then each issuer up to, but without, the root. Each string is one PEM block with 64-column lines and ends with
    /// a line feed: clients join them without a separator.
    #[schema(example = json!(["-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"]))]
    pub certificate_chain: Vec<String>,
    /// Every root to be trusted, the one that ends `certificateChain` first.
    #[schema(example = json!(["-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"]))]
    pub trusted_certificates: Vec<String>,
}

/// What every failure answers. CertService had two shapes, its own and the framework's; this is their union, so that a client of either
/// finds what it reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResponseModel {
    /// What was wrong, in CertService's words where it had any.
    #[schema(example = "Certification authority not found for given CAName")]
    pub error_message: String,
    /// What was wrong this time, where, and what to do about it. CertService had no such member, and its clients pass over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "the RSA key has 1024 bits; 2048 to 8192 are accepted")]
    pub detail: Option<String>,
    /// When, as `2022-09-21T10:00:00.000+00:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2022-09-21T10:00:00.000+00:00")]
    pub timestamp: Option<String>,
    /// The HTTP status again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 404)]
    pub status: Option<u16>,
    /// The reason phrase of the HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Not Found")]
    pub error: Option<String>,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/certificate/RA")]
    pub path: Option<String>,
}

/// What `/actuator/health` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusResponseModel {
    /// `UP` or `DOWN`.
    #[schema(example = "UP")]
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_exactly_the_two_members_of_the_contract() {
        let answer = CertificationResponseModel {
            certificate_chain: vec!["leaf\n".into()],
            trusted_certificates: vec!["root\n".into()],
        };
        insta::assert_json_snapshot!(answer, @r#"
        {
          "certificateChain": [
            "leaf\n"
          ],
          "trustedCertificates": [
            "root\n"
          ]
        }
        "#);
    }

    #[test]
    fn an_error_is_the_union_of_certservices_and_the_frameworks_members() {
        let error = ErrorResponseModel {
            error_message: "Wrong key (PK) format".into(),
            detail: None,
            timestamp: Some("2022-09-21T10:00:00.000+00:00".into()),
            status: Some(400),
            error: Some("Bad Request".into()),
            path: Some("/v1/certificate/RA".into()),
        };
        insta::assert_json_snapshot!(error, @r#"
        {
          "errorMessage": "Wrong key (PK) format",
          "timestamp": "2022-09-21T10:00:00.000+00:00",
          "status": 400,
          "error": "Bad Request",
          "path": "/v1/certificate/RA"
        }
        "#);
    }

    #[test]
    fn an_error_of_certservice_itself_is_read_too() {
        let error: ErrorResponseModel = serde_json::from_str(r#"{"errorMessage":"x"}"#).unwrap();
        assert_eq!((error.error_message.as_str(), error.status), ("x", None));
    }
}
