//! Why there is no certificate yet, or ever: what the RA said, told apart by what is to be done about it.

use std::time::Duration;

use api::ProblemSlug;
use api::client::{ClientError, with_causes};

/// Why a call of the RA brought no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may pass by itself: the same request is sent again, under the same idempotency key.
    Passing {
        /// For people.
        message: String,
        /// How long the RA asks us to stay away.
        retry_after: Option<Duration>,
    },
    /// This request can never have a certificate.
    Final(String),
    /// The request itself is bad: another one like it would fail too.
    Invalid(String),
    /// The RA does not know us, or does not know the CA: no request of this issuer can succeed until somebody mends it. The requests wait.
    Issuer(String),
    /// The certificate that was to be replaced is not taken as one: it is expired, revoked, or another's. Without it the request may succeed.
    Replaced(String),
}

impl Trouble {
    /// What an error of the client means. `renewing` says whether a certificate to be replaced was named.
    #[must_use]
    pub fn of(error: &ClientError, renewing: bool) -> Self {
        let message = with_causes(error);
        if error.is_transient() {
            return Self::Passing {
                message,
                retry_after: error.retry_after(),
            };
        }
        match error {
            ClientError::Problem(problem) => match problem.slug() {
                Some(slug) => Self::of_slug(slug, message, renewing),
                None => Self::of_status(problem.status, message),
            },
            ClientError::Unexpected { status, .. } => Self::of_status(*status, message),
            ClientError::NotReached(_) => Self::Passing {
                message,
                retry_after: None,
            },
            _ => Self::Issuer(message),
        }
    }

    fn of_slug(slug: ProblemSlug, message: String, renewing: bool) -> Self {
        use ProblemSlug as S;
        match slug {
            S::BadCsr
            | S::BadPop
            | S::KeyNotAllowed
            | S::NameNotAllowed
            | S::CaNotAllowed
            | S::ValidityNotAllowed
            | S::UsageNotAllowed
            | S::CannotChange => Self::Invalid(message),
            // Both are said of the old certificate as well as of the request as a whole.
            S::NotAuthorized | S::AlreadyRevoked | S::RejectedByCa | S::BadRequest if renewing => {
                Self::Replaced(message)
            }
            S::RejectedByCa
            | S::BadAnswer
            | S::Lost
            | S::WaitingTimeout
            | S::TooLarge
            | S::AlreadyRevoked
            | S::AlreadyConfirmed
            | S::NotConfirmed
            | S::OtherRequestUnderKey => Self::Final(message),
            S::Unauthenticated
            | S::NotAuthorized
            | S::UnknownCa
            | S::UnknownProfile
            | S::NotFound
            | S::MethodNotAllowed
            | S::NotAcceptable
            | S::UnsupportedMediaType
            | S::BadRequest
            | S::Unsupported => Self::Issuer(message),
            // The service failed at this one: that may pass, and the key keeps it from being done twice.
            S::Internal | S::Overloaded | S::Unavailable => Self::Passing {
                message,
                retry_after: None,
            },
        }
    }

    /// An answer that is not the contract's: a gateway's, or another service's.
    fn of_status(status: u16, message: String) -> Self {
        match status {
            408 | 409 | 425 | 429 | 500..=599 => Self::Passing {
                message,
                retry_after: None,
            },
            _ => Self::Issuer(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use api::Problem;

    use super::*;

    fn of(slug: ProblemSlug) -> Trouble {
        Trouble::of(&ClientError::Problem(Box::new(Problem::new(slug))), false)
    }

    #[test]
    fn every_kind_of_problem_is_told_apart_by_what_is_to_be_done() {
        let table: Vec<String> = ProblemSlug::ALL
            .iter()
            .map(|slug| {
                let what = match of(*slug) {
                    Trouble::Passing { .. } => "passing",
                    Trouble::Final(_) => "final",
                    Trouble::Invalid(_) => "invalid",
                    Trouble::Issuer(_) => "issuer",
                    Trouble::Replaced(_) => "replaced",
                };
                format!("{slug}: {what}")
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn retry_after_is_kept() {
        let mut problem = Problem::new(ProblemSlug::Unavailable);
        problem.retry_after = Some(7);
        let found = Trouble::of(&ClientError::Problem(Box::new(problem)), false);
        let Trouble::Passing { retry_after, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_gateways_page_is_judged_by_its_status() {
        for (status, passes) in [
            (502, true),
            (500, true),
            (404, false),
            (401, false),
            (302, false),
        ] {
            let error = ClientError::Unexpected {
                status,
                why: "html".to_owned(),
                retry_after: None,
                correlation_id: None,
            };
            let passing = matches!(Trouble::of(&error, false), Trouble::Passing { .. });
            assert_eq!(passing, passes, "{status}");
        }
    }

    #[test]
    fn what_is_refused_of_a_renewal_may_succeed_without_the_old_certificate() {
        let refused = ClientError::Problem(Box::new(Problem::new(ProblemSlug::NotAuthorized)));
        assert!(matches!(Trouble::of(&refused, true), Trouble::Replaced(_)));
        assert!(matches!(Trouble::of(&refused, false), Trouble::Issuer(_)));
    }
}
