//! Refusals and failures as problems of REST v2 (docs/ERRORS.md has the table).

use api::{Problem, ProblemSlug};
use jiff::SignedDuration;
use ra::{Error, Refusal, RefusalKind};

use crate::cmp::fail_info;

/// Said to whoever asks while the CA or the journal does not answer, when neither says more.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// The problem type of a kind of refusal: one each.
#[must_use]
pub fn slug(kind: RefusalKind) -> ProblemSlug {
    match kind {
        RefusalKind::BadRequest => ProblemSlug::BadRequest,
        RefusalKind::BadCsr => ProblemSlug::BadCsr,
        RefusalKind::BadPop => ProblemSlug::BadPop,
        RefusalKind::KeyNotAllowed => ProblemSlug::KeyNotAllowed,
        RefusalKind::NameNotAllowed => ProblemSlug::NameNotAllowed,
        RefusalKind::ValidityNotAllowed => ProblemSlug::ValidityNotAllowed,
        RefusalKind::UsageNotAllowed => ProblemSlug::UsageNotAllowed,
        RefusalKind::CaNotAllowed => ProblemSlug::CaNotAllowed,
        RefusalKind::UnknownLabel => ProblemSlug::UnknownCa,
        RefusalKind::UnknownProfile => ProblemSlug::UnknownProfile,
        RefusalKind::NotAuthorized => ProblemSlug::NotAuthorized,
        RefusalKind::OtherRequestUnderKey => ProblemSlug::OtherRequestUnderKey,
        RefusalKind::CannotChange => ProblemSlug::CannotChange,
        RefusalKind::Unsupported => ProblemSlug::Unsupported,
        RefusalKind::NotFound => ProblemSlug::NotFound,
        RefusalKind::AlreadyRevoked => ProblemSlug::AlreadyRevoked,
        RefusalKind::AlreadyConfirmed => ProblemSlug::AlreadyConfirmed,
        RefusalKind::NotConfirmed => ProblemSlug::NotConfirmed,
        RefusalKind::RejectedByCa => ProblemSlug::RejectedByCa,
        RefusalKind::BadAnswer => ProblemSlug::BadAnswer,
        RefusalKind::Lost => ProblemSlug::Lost,
    }
}

/// A refusal as its maker is shown it.
#[must_use]
pub fn of_refusal(refusal: &Refusal) -> Problem {
    let mut problem = Problem::new(slug(refusal.kind)).with_detail(refusal.detail.clone());
    problem.fail_info = match &refusal.ca {
        Some(status) => status.fail_info.clone(),
        None => names(refusal.kind),
    };
    problem
}

/// The names of the bits that stand for a kind in CMP.
fn names(kind: RefusalKind) -> Vec<String> {
    fail_info(kind).names().map(str::to_owned).collect()
}

/// A failure of ours or the CA's: logged here, where it ends, and shown without its reason.
#[must_use]
pub fn of_error(error: &Error) -> Problem {
    match error {
        Error::Unavailable {
            authority,
            retry_after,
            why,
        } => {
            tracing::warn!(%authority, %why, "the CA cannot be asked");
            later(
                "the CA cannot be asked now, and nothing was begun: send the same request again",
                *retry_after,
            )
        }
        Error::Journal(error) => {
            tracing::error!(%error, "the journal failed");
            later(
                "the service cannot write down what it does now: send the same request again",
                None,
            )
        }
        Error::NoAuthority(_) | Error::NoProfile(_) => {
            tracing::error!(%error, "the configuration lacks what a request needs");
            internal()
        }
        Error::NoChain { .. } => {
            tracing::error!(%error, "a certificate cannot be answered");
            internal()
        }
    }
}

/// A failure whose reason is in the log alone.
#[must_use]
pub fn internal() -> Problem {
    Problem::new(ProblemSlug::Internal).with_detail(
        "the reason is in the service's log under the correlation id; the same request may be sent again",
    )
}

/// The same request may work after `span`, in whole seconds and at least one.
fn later(detail: &str, span: Option<SignedDuration>) -> Problem {
    let mut problem = Problem::new(ProblemSlug::Unavailable).with_detail(detail);
    problem.retry_after = Some(seconds(span.unwrap_or(TRY_AGAIN)));
    problem
}

/// A span as Retry-After has it: whole seconds, rounded up, at least one.
#[must_use]
pub fn seconds(span: SignedDuration) -> u64 {
    let whole = span.as_secs() + i64::from(span.subsec_nanos() > 0);
    u64::try_from(whole).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use pkixcmp::PkiFailureInfo;
    use ra::{AuthorityName, CaStatus, JournalError};

    use super::*;

    #[test]
    fn every_kind_of_refusal_has_a_problem_type_of_its_own() {
        let slugs: HashSet<_> = RefusalKind::ALL.iter().map(|kind| slug(*kind)).collect();
        assert_eq!(slugs.len(), RefusalKind::ALL.len());
    }

    #[test]
    fn a_refusal_keeps_its_words() {
        let refusal = Refusal::new(RefusalKind::KeyNotAllowed, "keys of kind rsa:1024 …");
        let problem = of_refusal(&refusal);
        assert_eq!(problem.slug(), Some(ProblemSlug::KeyNotAllowed));
        assert_eq!(problem.detail.as_deref(), Some("keys of kind rsa:1024 …"));
        assert_eq!(problem.status, 422);
    }

    #[test]
    fn the_cas_own_bits_are_shown_in_place_of_ours_and_none_if_it_set_none() {
        let by_ca = |fail_info: &[&str]| {
            let status = CaStatus {
                fail_info: fail_info.iter().map(|&name| name.to_owned()).collect(),
                ..CaStatus::default()
            };
            let refusal = Refusal::by_ca(RefusalKind::RejectedByCa, "the CA refused", status);
            of_refusal(&refusal).fail_info
        };
        assert_eq!(by_ca(&["badTime", "badAlg"]), ["badTime", "badAlg"]);
        assert!(by_ca(&[]).is_empty());
        let ours = Refusal::new(RefusalKind::NameNotAllowed, "no");
        assert_eq!(of_refusal(&ours).fail_info, ["badCertTemplate"]);
    }

    #[test]
    fn a_failure_tells_nothing_of_its_reason() {
        let errors = [
            Error::Journal(JournalError::Unavailable("10.0.0.7 refused".into())),
            Error::Unavailable {
                authority: AuthorityName::new("corp"),
                retry_after: None,
                why: "10.0.0.7 refused".into(),
            },
            Error::NoAuthority(AuthorityName::new("10.0.0.7")),
        ];
        for error in errors {
            let text = serde_json::to_string(&of_error(&error)).unwrap();
            assert!(!text.contains("10.0.0.7"), "{text}");
        }
    }

    #[test]
    fn an_unavailable_ca_says_when_to_come_back() {
        let after = |retry_after| {
            let authority = AuthorityName::new("corp");
            of_error(&Error::Unavailable {
                authority,
                retry_after,
                why: String::new(),
            })
            .retry_after
        };
        assert_eq!(after(Some(SignedDuration::from_millis(1500))), Some(2));
        assert_eq!(after(Some(SignedDuration::ZERO)), Some(1));
        assert_eq!(after(None), Some(10));
    }

    #[test]
    fn a_wait_is_whole_seconds_and_at_least_one() {
        assert_eq!(seconds(SignedDuration::from_millis(10)), 1);
        assert_eq!(seconds(SignedDuration::from_secs(-3)), 1);
        assert_eq!(seconds(SignedDuration::from_millis(2001)), 3);
    }

    const DOCUMENT: &str = include_str!("../../../docs/ERRORS.md");

    /// The rows of the document's tables that begin with this cell.
    fn rows(first: &str) -> Vec<&'static str> {
        let cell = format!("| `{first}` |");
        DOCUMENT
            .lines()
            .filter(|line| line.starts_with(&cell))
            .collect()
    }

    #[test]
    fn the_document_has_every_problem_type_with_its_status() {
        for slug in ProblemSlug::ALL {
            let expected = format!("| `{slug}` | {} |", slug.status());
            assert!(
                DOCUMENT.lines().any(|line| line.starts_with(&expected)),
                "no row begins with {expected}"
            );
        }
    }

    #[test]
    fn the_document_has_every_kind_with_its_problem_type_and_its_failinfo() {
        for kind in RefusalKind::ALL {
            let bit = fail_info(*kind);
            let expected = format!("| `{kind:?}` | `{}` | `{bit}` |", slug(*kind));
            assert!(
                DOCUMENT.lines().any(|line| line.starts_with(&expected)),
                "no row begins with {expected}"
            );
        }
    }

    #[test]
    fn the_document_has_every_bit_a_ca_can_set() {
        for bit in 0..27 {
            let failure = PkiFailureInfo::from_bit(bit).unwrap();
            for name in failure.names() {
                assert_eq!(rows(name).len(), 1, "{name}");
            }
        }
    }
}
