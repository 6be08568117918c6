//! What a refusal becomes in CMP (docs/ERRORS.md): [`RefusalKind`] to PKIFailureInfo, and the words that go with it.

use pkixcmp::{PkiFailureInfo, PkiStatusInfo};
use ra::{CaStatus, Error, Refusal, RefusalKind};

/// The bit for a kind of refusal (RFC 9810 section 5.2.3).
#[must_use]
pub fn fail_info(kind: RefusalKind) -> PkiFailureInfo {
    match kind {
        RefusalKind::BadRequest
        | RefusalKind::UnknownLabel
        | RefusalKind::UnknownProfile
        | RefusalKind::Unsupported
        | RefusalKind::RejectedByCa => PkiFailureInfo::BAD_REQUEST,
        RefusalKind::BadCsr => PkiFailureInfo::BAD_DATA_FORMAT,
        RefusalKind::BadPop => PkiFailureInfo::BAD_POP,
        RefusalKind::KeyNotAllowed
        | RefusalKind::NameNotAllowed
        | RefusalKind::ValidityNotAllowed
        | RefusalKind::UsageNotAllowed
        | RefusalKind::CaNotAllowed
        | RefusalKind::CannotChange => PkiFailureInfo::BAD_CERT_TEMPLATE,
        RefusalKind::NotAuthorized => PkiFailureInfo::NOT_AUTHORIZED,
        RefusalKind::OtherRequestUnderKey => PkiFailureInfo::TRANSACTION_ID_IN_USE,
        RefusalKind::NotFound => PkiFailureInfo::BAD_CERT_ID,
        // A certificate that was not confirmed is given back, so it is revoked.
        RefusalKind::AlreadyRevoked | RefusalKind::NotConfirmed => PkiFailureInfo::CERT_REVOKED,
        RefusalKind::AlreadyConfirmed => PkiFailureInfo::CERT_CONFIRMED,
        RefusalKind::BadAnswer | RefusalKind::Lost => PkiFailureInfo::SYSTEM_FAILURE,
    }
}

/// A refusal as the client sees it: our own in words, the CA's as the bits it set if it was surely the CA that set them.
#[must_use]
pub(super) fn status(refusal: &Refusal) -> PkiStatusInfo {
    let Some(ca) = &refusal.ca else {
        return PkiStatusInfo::rejection(fail_info(refusal.kind), refusal.detail.as_str());
    };
    let named = bits(ca);
    let failure = if named.is_empty() {
        fail_info(refusal.kind)
    } else {
        named
    };
    PkiStatusInfo::rejection(failure, "the CA refused the request")
}

/// A failure of ours or the CA's. What happened is for the log.
#[must_use]
pub(super) fn unavailable(error: &Error) -> PkiStatusInfo {
    match error {
        Error::Unavailable { .. } => PkiStatusInfo::rejection(
            PkiFailureInfo::SYSTEM_UNAVAIL,
            "the CA cannot be asked now; try again later",
        ),
        Error::Journal(_) => later(),
        Error::NoAuthority(_) | Error::NoProfile(_) | Error::NoChain { .. } => failure(),
    }
}

/// What was done cannot be looked up or noted now: the same message may be served in a moment.
pub(super) fn later() -> PkiStatusInfo {
    PkiStatusInfo::rejection(
        PkiFailureInfo::SYSTEM_UNAVAIL,
        "the service cannot look up what was done; send the same message again later",
    )
}

/// Something failed that the client can do nothing about.
pub(super) fn failure() -> PkiStatusInfo {
    PkiStatusInfo::rejection(PkiFailureInfo::SYSTEM_FAILURE, "the service failed")
}

fn bits(ca: &CaStatus) -> PkiFailureInfo {
    let named = ca.fail_info.iter().filter(|_| ca.authenticated);
    named
        .filter_map(|name| PkiFailureInfo::from_name(name))
        .fold(PkiFailureInfo::NONE, |all, one| all | one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_ca(authenticated: bool) -> Refusal {
        Refusal::by_ca(
            RefusalKind::NameNotAllowed,
            "the CA at 10.0.0.1 said no",
            CaStatus {
                strings: vec!["host db-7 is down".to_owned()],
                fail_info: vec!["badCertTemplate".to_owned(), "duplicateCertReq".to_owned()],
                authenticated,
            },
        )
    }

    #[test]
    fn our_own_refusal_says_why() {
        let refusal = Refusal::new(RefusalKind::BadPop, "the signature does not verify");
        let status = status(&refusal);
        assert_eq!(status.failure, Some(PkiFailureInfo::BAD_POP));
        assert_eq!(status.texts, ["the signature does not verify"]);
    }

    #[test]
    fn a_cas_refusal_keeps_its_bits_and_loses_its_words() {
        let status = status(&by_ca(true));
        let both = PkiFailureInfo::BAD_CERT_TEMPLATE | PkiFailureInfo::DUPLICATE_CERT_REQ;
        assert_eq!(status.failure, Some(both));
        assert_eq!(status.texts, ["the CA refused the request"]);
    }

    #[test]
    fn bits_that_anyone_may_have_set_are_not_passed_on() {
        assert_eq!(
            status(&by_ca(false)).failure,
            Some(PkiFailureInfo::BAD_CERT_TEMPLATE)
        );
    }
}
