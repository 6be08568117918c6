//! How a run can fail, and the exit code for it.

use std::{error::Error, fmt, io, path::Path, process::ExitCode};

use api::{
    Problem, ProblemSlug,
    client::{ClientError, with_causes},
};

/// What the exit code says. Stable: scripts and init containers branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command line makes no sense (clap's own code).
    Usage = 2,
    /// The service or the CA refused; the same request will be refused again.
    Rejected = 3,
    /// The service was not reached, or it or its CA is not able to answer now; try again later.
    Unreachable = 4,
    /// The service does not know us, or does not let us.
    Unauthorised = 5,
    /// The CA did not decide in the time we were to wait; running the same command again goes on waiting.
    TimedOut = 6,
    /// A file could not be read or written, or holds something else.
    Local = 7,
    /// The service answered something that is not REST v2, or a certificate that is not ours.
    BadAnswer = 8,
}

/// The table for `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done (also: not due for renewal yet; revoked already)
  2  the command line makes no sense
  3  refused by the service's policy or by the CA; the same request will be refused again
  4  the service or its CA cannot be reached or is unable to answer now; try again later
  5  the service does not know this client, or does not let it do this
  6  the CA did not decide in time; the same command goes on waiting
  7  a local file cannot be read or written, or does not hold what it should
  8  the answer is not what was asked for";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a run failed: the code for scripts, a sentence for people, and the service's own words if it had any.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What was wrong and what to do.
    pub(crate) message: String,
    /// The problem document, if the service sent one.
    pub(crate) problem: Option<Box<Problem>>,
}

impl Failure {
    /// A failure without a problem document.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            problem: None,
        }
    }

    /// A command line that clap finds in order and we do not.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Trouble with this file.
    pub(crate) fn file(path: &Path, error: &dyn Error) -> Self {
        Self::new(
            Exit::Local,
            format!("{}: {}", path.display(), with_causes(error)),
        )
    }

    /// An answer that is not what was asked for.
    pub(crate) fn answer(message: impl Into<String>) -> Self {
        Self::new(Exit::BadAnswer, message)
    }

    /// Which kind of refusal, if the service named one.
    pub(crate) fn slug(&self) -> Option<ProblemSlug> {
        self.problem.as_ref()?.slug()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = with_causes(&error);
        let exit = match &error {
            ClientError::Problem(problem) => match problem.slug() {
                Some(slug) => of_slug(slug),
                None => of_status(problem.status),
            },
            ClientError::NotReached(_) if client_refused(&error) => Exit::Unauthorised,
            ClientError::NotReached(_) => Exit::Unreachable,
            ClientError::Unexpected { status, .. } => of_status(*status),
            ClientError::Unusable(_) => Exit::Usage,
            _ => Exit::BadAnswer,
        };
        let problem = if let ClientError::Problem(problem) = error {
            Some(problem)
        } else {
            None
        };
        Self {
            exit,
            message,
            problem,
        }
    }
}

/// Exhaustive, so that a new kind of refusal is given a code on purpose.
fn of_slug(slug: ProblemSlug) -> Exit {
    use ProblemSlug as P;
    match slug {
        P::Unauthenticated | P::NotAuthorized => Exit::Unauthorised,
        P::Unavailable | P::Overloaded | P::Internal | P::Lost => Exit::Unreachable,
        P::WaitingTimeout => Exit::TimedOut,
        P::MethodNotAllowed | P::NotAcceptable | P::UnsupportedMediaType | P::BadAnswer => {
            Exit::BadAnswer
        }
        P::BadRequest
        | P::BadCsr
        | P::BadPop
        | P::UnknownCa
        | P::UnknownProfile
        | P::NotFound
        | P::AlreadyRevoked
        | P::AlreadyConfirmed
        | P::NotConfirmed
        | P::Unsupported
        | P::TooLarge
        | P::KeyNotAllowed
        | P::NameNotAllowed
        | P::ValidityNotAllowed
        | P::UsageNotAllowed
        | P::CaNotAllowed
        | P::OtherRequestUnderKey
        | P::CannotChange
        | P::RejectedByCa => Exit::Rejected,
    }
}

/// For answers that are not ours: a gateway's, or those of a newer service.
fn of_status(status: u16) -> Exit {
    match status {
        401 | 403 | 407 => Exit::Unauthorised,
        408 | 429 | 500..=599 => Exit::Unreachable,
        _ => Exit::BadAnswer,
    }
}

/// Whether TLS failed because the other side did not like our certificate, or wants one. In TLS 1.3 this shows only when the first answer
/// is read, so it looks like any other cut.
fn client_refused(error: &ClientError) -> bool {
    use rustls::AlertDescription as A;
    matches!(
        tls_error(error),
        Some(rustls::Error::AlertReceived(
            A::CertificateRequired
                | A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied
                | A::DecryptError
        ))
    )
}

/// Whether TLS failed because of who is at either end: asking again does not change that.
pub(crate) fn is_tls_refusal(error: &ClientError) -> bool {
    matches!(
        tls_error(error),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
    )
}

fn tls_error(error: &ClientError) -> Option<&rustls::Error> {
    causes(error).find_map(inside)
}

/// The TLS error that an error is or carries. I/O errors, which may be packed several times, do not name what they carry as their source.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let carried = |io: &'a io::Error| io.get_ref().and_then(|e| inside(e));
    error
        .downcast_ref()
        .or_else(|| error.downcast_ref::<io::Error>().and_then(carried))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_refusal_has_an_exit_code_that_help_explains() {
        for slug in ProblemSlug::ALL {
            let failure = Failure::from(ClientError::Problem(Box::new(
                Problem::new(*slug).with_detail("why"),
            )));
            assert!(
                TABLE.contains(&format!("\n  {}  ", failure.exit as u8)),
                "{slug}"
            );
            assert_eq!(failure.slug(), Some(*slug));
            assert!(failure.message.ends_with("why"), "{failure}");
        }
    }

    #[test]
    fn policy_authorisation_time_and_outage_are_told_apart() {
        assert_eq!(of_slug(ProblemSlug::NameNotAllowed), Exit::Rejected);
        assert_eq!(of_slug(ProblemSlug::RejectedByCa), Exit::Rejected);
        assert_eq!(of_slug(ProblemSlug::NotAuthorized), Exit::Unauthorised);
        assert_eq!(of_slug(ProblemSlug::WaitingTimeout), Exit::TimedOut);
        assert_eq!(of_slug(ProblemSlug::Unavailable), Exit::Unreachable);
    }

    #[test]
    fn a_gateways_answer_is_judged_by_its_status() {
        let unexpected = |status| {
            Failure::from(ClientError::Unexpected {
                status,
                why: "<html>".into(),
                retry_after: None,
                correlation_id: None,
            })
            .exit
        };
        assert_eq!(
            [
                unexpected(200),
                unexpected(302),
                unexpected(403),
                unexpected(502)
            ],
            [
                Exit::BadAnswer,
                Exit::BadAnswer,
                Exit::Unauthorised,
                Exit::Unreachable
            ]
        );
    }
}
