//! A call that fails: the problem, and the header fields that go with it.

use api::{Problem, ProblemSlug};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ra::Refusal;

use crate::problem;

/// Why a call got no other answer. The problem travels in the response's extensions; `told` writes it, since it knows the
/// correlation id.
#[derive(Debug)]
pub struct Failure {
    problem: Box<Problem>,
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// Of this kind, with what was wrong this time.
    pub(crate) fn new(slug: ProblemSlug, detail: impl Into<String>) -> Self {
        Problem::new(slug).with_detail(detail).into()
    }

    /// A request that cannot be read.
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemSlug::BadRequest, detail)
    }

    /// No such resource, or not the caller's: one answer for both.
    pub(super) fn not_found() -> Self {
        let detail = "there is no such enrollment or revocation of yours";
        Self::new(ProblemSlug::NotFound, detail)
    }

    /// The requester's fault.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        problem::of_refusal(refusal).into()
    }

    /// With the resource it is about, if that is not the one asked for.
    pub(super) fn about(mut self, instance: Option<String>) -> Self {
        self.problem.instance = instance;
        self
    }

    /// With when it may work.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.problem.retry_after = Some(seconds);
        self
    }

    /// With a header field.
    pub(super) fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.fields.push((name, value));
        self
    }
}

/// Ours or the CA's fault: logged here.
impl From<ra::Error> for Failure {
    fn from(error: ra::Error) -> Self {
        problem::of_error(&error).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            fields: Vec::new(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.headers_mut().extend(self.fields);
        if let Some(seconds) = self.problem.retry_after {
            let seconds = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self.problem);
        response
    }
}
