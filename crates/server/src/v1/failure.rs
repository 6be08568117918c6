//! Errors as CertService words them, in a body that is the union of its two shapes.

use api::v1::ErrorResponseModel;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use ra::{Refusal, RefusalKind};

/// What a call failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    /// CertService's own words: clients and their users know them.
    message: String,
    /// What was wrong this time, in ours.
    detail: Option<String>,
    retry_after: Option<SignedDuration>,
    /// Why, for the log alone: addresses and the like are not the client's business.
    cause: Option<String>,
}

const CSR: &str = "Wrong certificate signing request (CSR) format";
const KEY: &str = "Wrong key (PK) format";
const CERTIFICATE: &str = "Wrong certificate format";
const NO_CA: &str = "Certification authority not found for given CAName";

impl Failure {
    /// With CertService's words.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            detail: None,
            retry_after: None,
            cause: None,
        }
    }

    /// One of those CertService left to its framework.
    pub fn framework(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, message)
    }

    /// With what was wrong this time.
    #[must_use]
    pub fn because(mut self, detail: impl std::fmt::Display) -> Self {
        self.detail = Some(format!("{detail}"));
        self
    }

    /// With why, for the log alone.
    #[must_use]
    pub(super) fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(format!("{cause}"));
        self
    }

    /// With when it may work.
    #[must_use]
    pub fn retry_after(mut self, span: SignedDuration) -> Self {
        self.retry_after = Some(span);
        self
    }

    fn by_ca(refusal: &Refusal) -> Self {
        let strings = refusal.ca.as_ref().map(|status| &status.strings);
        let first = strings
            .and_then(|strings| strings.first())
            .map_or("N/A", String::as_str);
        let message = format!("CMPv2 server returned following error: {first}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).because(said(refusal))
    }

    pub(super) fn set_status(&mut self, status: StatusCode) {
        self.status = status;
    }

    pub(super) fn missing_header(name: &str) -> Self {
        let message = format!(
            "Required request header '{name}' for method parameter type String is not present"
        );
        Self::framework(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn csr(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, CSR).because(why)
    }

    pub(super) fn key(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, KEY).because(why)
    }

    pub(super) fn certificate(why: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, CERTIFICATE).because(why)
    }

    pub(super) fn no_ca() -> Self {
        Self::new(StatusCode::NOT_FOUND, NO_CA)
    }

    /// A failure of ours or of the way to the CA.
    pub(super) fn client(why: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("Exception occurred during call to cmp client: {why}"),
        )
    }

    /// What the line refused.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        // Whatever its reason means to us: it was the CA that said so, and CertService passes on what a CA says.
        if refusal.ca.is_some() {
            return Self::by_ca(refusal);
        }
        let detail = &refusal.detail;
        match refusal.kind {
            RefusalKind::BadCsr => Self::csr(detail),
            RefusalKind::BadPop | RefusalKind::KeyNotAllowed => Self::key(detail),
            RefusalKind::UnknownLabel => Self::no_ca(),
            RefusalKind::BadRequest
            | RefusalKind::NameNotAllowed
            | RefusalKind::ValidityNotAllowed
            | RefusalKind::UsageNotAllowed
            | RefusalKind::CaNotAllowed
            | RefusalKind::UnknownProfile
            | RefusalKind::OtherRequestUnderKey
            | RefusalKind::CannotChange
            | RefusalKind::Unsupported
            | RefusalKind::NotFound => Self::new(StatusCode::BAD_REQUEST, detail),
            RefusalKind::NotAuthorized => Self::new(StatusCode::FORBIDDEN, detail),
            RefusalKind::RejectedByCa => Self::by_ca(refusal),
            RefusalKind::AlreadyRevoked
            | RefusalKind::AlreadyConfirmed
            | RefusalKind::NotConfirmed
            | RefusalKind::BadAnswer
            | RefusalKind::Lost => Self::client(detail),
        }
    }

    /// Logged once, here: the answer is its end.
    pub(super) fn log(&self, path: &str) {
        let (detail, cause) = (self.detail.as_deref(), self.cause.as_deref());
        let status = self.status.as_u16();
        tracing::warn!(
            status,
            path,
            detail,
            cause,
            "request failed: {}",
            self.message
        );
    }

    /// The answer. Every one has the members of CertService's own errors and of its framework's.
    pub fn response(self, path: &str) -> Response {
        let body = ErrorResponseModel {
            error_message: self.message,
            detail: self.detail,
            timestamp: Some(
                Timestamp::now()
                    .strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00")
                    .to_string(),
            ),
            status: Some(self.status.as_u16()),
            error: self.status.canonical_reason().map(str::to_owned),
            path: Some(path.to_owned()),
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(span) = self.retry_after {
            response.headers_mut().insert(
                header::RETRY_AFTER,
                HeaderValue::from(span.as_secs().clamp(1, 3600)),
            );
        }
        response
    }
}

/// Everything the CA said: CertService passed on the first string alone.
fn said(refusal: &Refusal) -> String {
    let Some(status) = &refusal.ca else {
        return refusal.detail.clone();
    };
    let mut text = refusal.detail.clone();
    for string in status
        .strings
        .iter()
        .filter(|string| !refusal.detail.contains(string.as_str()))
    {
        text.push_str("; ");
        text.push_str(string);
    }
    if !status.fail_info.is_empty() {
        text.push_str(&format!("; failInfo: {}", status.fail_info.join(", ")));
    }
    if !status.authenticated {
        text.push_str("; the message was not protected");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ra::CaStatus;

    fn by_ca(strings: &[&str]) -> Failure {
        let status = CaStatus {
            strings: strings.iter().map(ToString::to_string).collect(),
            fail_info: vec!["badCertTemplate".to_owned()],
            authenticated: false,
        };
        Failure::refused(&Refusal::by_ca(
            RefusalKind::RejectedByCa,
            "the CA refused",
            status,
        ))
    }

    #[test]
    fn a_rejection_shows_the_first_string_in_certservices_words_and_everything_in_the_detail() {
        let failure = by_ca(&["no such profile", "ask the operator"]);
        assert_eq!(
            failure.message,
            "CMPv2 server returned following error: no such profile"
        );
        assert_eq!(
            failure.detail.unwrap(),
            "the CA refused; no such profile; ask the operator; failInfo: badCertTemplate; the message was not protected"
        );
    }

    #[test]
    fn a_rejection_by_the_ca_is_one_whatever_its_reason_means_to_us() {
        let refusal = Refusal::by_ca(RefusalKind::BadPop, "the CA refused", CaStatus::default());
        let failure = Failure::refused(&refusal);
        assert_eq!(failure.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            failure
                .message
                .starts_with("CMPv2 server returned following error: ")
        );
    }

    #[test]
    fn a_rejection_without_a_string_says_not_available() {
        assert_eq!(
            by_ca(&[]).message,
            "CMPv2 server returned following error: N/A"
        );
    }
}
