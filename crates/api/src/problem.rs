//! Refusals and failures on the wire (RFC 9457), with one stable slug per kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod slug;

pub use slug::{ProblemSlug, UnknownSlug};

/// Where the problem types are described; a slug is appended.
pub const TYPE_BASE: &str = "https://certway.dev/problems/";

/// Why there is no certificate: a problem document (RFC 9457) with Certway's extension members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable address of this kind of problem: [`TYPE_BASE`] and a [`ProblemSlug`]. Programs decide by it, and by nothing else.
    #[serde(rename = "type", default = "about_blank")]
    #[schema(
        example = "https://certway.dev/problems/name-not-allowed",
        format = "uri"
    )]
    pub type_uri: String,
    /// The kind in a few words, the same for every problem of this type.
    #[serde(default)]
    #[schema(example = "A name in the request is not allowed")]
    pub title: String,
    /// The HTTP status again, for readers who have only the body.
    #[serde(default)]
    #[schema(example = 422, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong this time, where, and what to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "dns:www.example.org is outside *.example.com, which profile `web` allows")]
    pub detail: Option<String>,
    /// The path of the request, or of the enrollment it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v2/web/certificates/0192f0c1", format = "uri-reference")]
    pub instance: Option<String>,
    /// Names of the PKIFailureInfo bits (RFC 9810 section 5.2.3) that the CA set, or that stand for this refusal in CMP.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["badCertTemplate"]))]
    pub fail_info: Vec<String>,
    /// Under which name the service logged this; the same as the header field `x-correlation-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Seconds after which the same request may succeed; the same as the header field `Retry-After`. Absent: repeating it is of no use, or
    /// nobody knows when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this kind with its title and status, and nothing else said yet.
    #[must_use]
    pub fn new(slug: ProblemSlug) -> Self {
        Self {
            type_uri: slug.uri(),
            title: slug.title().to_owned(),
            status: slug.status(),
            detail: None,
            instance: None,
            fail_info: Vec::new(),
            correlation_id: None,
            retry_after: None,
        }
    }

    /// The same, with what was wrong this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Which kind this is; `None` for a type that this version does not know, or that is not Certway's.
    #[must_use]
    pub fn slug(&self) -> Option<ProblemSlug> {
        self.type_uri.strip_prefix(TYPE_BASE)?.parse().ok()
    }
}

/// The title, the detail, the failInfo names and the correlation id in one line: for people.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = if self.title.is_empty() {
            "the service refused without saying why"
        } else {
            &self.title
        };
        f.write_str(title)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if !self.fail_info.is_empty() {
            write!(f, " [{}]", self.fail_info.join(", "))?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

/// RFC 9457 section 4.2.1: a problem without a type is one of this type.
fn about_blank() -> String {
    "about:blank".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_problem_has_this_shape() {
        let problem = Problem {
            instance: Some("/v2/web/certificates/7".into()),
            fail_info: vec!["badCertTemplate".into()],
            correlation_id: Some("c-1".into()),
            retry_after: Some(30),
            ..Problem::new(ProblemSlug::NameNotAllowed).with_detail("dns:a.b is not allowed")
        };
        insta::assert_json_snapshot!(problem, @r#"
        {
          "type": "https://certway.dev/problems/name-not-allowed",
          "title": "A name in the request is not allowed",
          "status": 422,
          "detail": "dns:a.b is not allowed",
          "instance": "/v2/web/certificates/7",
          "failInfo": [
            "badCertTemplate"
          ],
          "correlationId": "c-1",
          "retryAfter": 30
        }
        "#);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        insta::assert_json_snapshot!(Problem::new(ProblemSlug::Internal), @r#"
        {
          "type": "https://certway.dev/problems/internal",
          "title": "The service failed",
          "status": 500
        }
        "#);
    }

    #[test]
    fn a_problem_of_another_service_is_read_and_has_no_slug() {
        let problem: Problem =
            serde_json::from_str(r#"{"title":"Nope","status":418,"other":[1]}"#).unwrap();
        assert_eq!(
            (problem.type_uri.as_str(), problem.slug()),
            ("about:blank", None)
        );
    }

    #[test]
    fn every_kind_survives_the_way_through_json() {
        for slug in ProblemSlug::ALL {
            let text = serde_json::to_string(&Problem::new(*slug)).unwrap();
            assert_eq!(
                serde_json::from_str::<Problem>(&text).unwrap().slug(),
                Some(*slug),
                "{text}"
            );
        }
    }

    #[test]
    fn the_line_for_people_has_the_reason_and_the_correlation_id() {
        let problem = Problem {
            correlation_id: Some("c-1".into()),
            fail_info: vec!["badPOP".into()],
            ..Problem::new(ProblemSlug::BadPop).with_detail("other key")
        };
        assert_eq!(
            problem.to_string(),
            "The proof of possession does not hold: other key [badPOP] (correlation id c-1)"
        );
    }
}
