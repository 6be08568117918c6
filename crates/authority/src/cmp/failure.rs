use pkixcmp::PkiFailureInfo;
use pkixcmp::client::Rejection;
use ra::{CaStatus, Refusal, RefusalKind};

/// What a CA's failInfo means for whoever asked: the first of its bits that this table knows decides
/// (docs/ERRORS.md).
///
/// What only we and the CA can mend (protection, nonces, time, its own failures) is [`RefusalKind::RejectedByCa`]: the
/// requester learns the CA's words and can do nothing about them.
pub(crate) fn kind(failure: PkiFailureInfo) -> RefusalKind {
    failure
        .bits()
        .map(kind_of_bit)
        .find(|kind| *kind != RefusalKind::RejectedByCa)
        .unwrap_or(RefusalKind::RejectedByCa)
}

fn kind_of_bit(bit: u32) -> RefusalKind {
    match bit {
        // badAlg: of the key or the signature asked for.
        0 => RefusalKind::KeyNotAllowed,
        // badPOP
        9 => RefusalKind::BadPop,
        // certRevoked
        10 => RefusalKind::AlreadyRevoked,
        // certConfirmed
        11 => RefusalKind::AlreadyConfirmed,
        // badCertId: of the certificate to be replaced or revoked.
        4 => RefusalKind::NotFound,
        // badMessageCheck, badRequest, badTime, badDataFormat, wrongAuthority, incorrectData, missingTimeStamp:
        // between the CA and us.
        1 | 2 | 3 | 5 | 6 | 7 | 8 => RefusalKind::RejectedByCa,
        // wrongIntegrity, badRecipientNonce, timeNotAvailable: likewise.
        12..=14 => RefusalKind::RejectedByCa,
        // unacceptedPolicy, unacceptedExtension, addInfoNotAvailable, badSenderNonce, badCertTemplate: the CA does not say
        // whether name, validity or usage was wrong, so no narrower kind would be true.
        15..=19 => RefusalKind::RejectedByCa,
        // signerNotTrusted, transactionIdInUse, unsupportedVersion, notAuthorized (us, not the requester), systemUnavail,
        // systemFailure, duplicateCertReq.
        20..=26 => RefusalKind::RejectedByCa,
        // No name in RFC 9810.
        27.. => RefusalKind::RejectedByCa,
    }
}

/// The refusal that a CA's rejection is. `authenticated`: whether anything proves that it is the CA's.
pub(crate) fn refusal(rejection: &Rejection, authenticated: bool) -> Refusal {
    let fail_info: Vec<String> = rejection.failure.names().map(str::to_owned).collect();
    let words = if rejection.texts.is_empty() {
        String::new()
    } else {
        format!(": {}", rejection.texts.join("; "))
    };
    let reasons = if fail_info.is_empty() {
        String::new()
    } else {
        format!(" ({})", fail_info.join(", "))
    };
    let doubt = if authenticated {
        ""
    } else {
        "; nothing proves that these are the CA's words"
    };
    let detail = format!("the CA refused{words}{reasons}{doubt}");
    let status = CaStatus {
        strings: rejection.texts.clone(),
        fail_info,
        authenticated,
    };
    Refusal::by_ca(kind(rejection.failure), detail, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_requester_can_mend_has_a_kind_of_its_own() {
        for (failure, expected) in [
            (PkiFailureInfo::BAD_ALG, RefusalKind::KeyNotAllowed),
            (PkiFailureInfo::BAD_POP, RefusalKind::BadPop),
            (PkiFailureInfo::CERT_REVOKED, RefusalKind::AlreadyRevoked),
            (
                PkiFailureInfo::CERT_CONFIRMED,
                RefusalKind::AlreadyConfirmed,
            ),
            (PkiFailureInfo::BAD_CERT_ID, RefusalKind::NotFound),
        ] {
            assert_eq!(kind(failure), expected, "{failure}");
        }
    }

    #[test]
    fn every_other_bit_and_none_is_the_cas_own_refusal() {
        let known = [0, 4, 9, 10, 11];
        for bit in (0..64).filter(|bit| !known.contains(bit)) {
            let failure = PkiFailureInfo::from_bit(bit).unwrap();
            assert_eq!(kind(failure), RefusalKind::RejectedByCa, "bit {bit}");
        }
        assert_eq!(kind(PkiFailureInfo::NONE), RefusalKind::RejectedByCa);
    }

    #[test]
    fn a_telling_bit_counts_beside_one_that_tells_nothing() {
        assert_eq!(
            kind(PkiFailureInfo::BAD_REQUEST | PkiFailureInfo::BAD_POP),
            RefusalKind::BadPop
        );
    }

    #[test]
    fn all_strings_and_reasons_of_the_ca_are_in_the_refusal_and_so_is_whether_they_are_its_own() {
        let rejection = Rejection {
            texts: vec!["no such user".to_owned(), "ask helpdesk".to_owned()],
            failure: PkiFailureInfo::BAD_REQUEST | PkiFailureInfo::NOT_AUTHORIZED,
            of_message: false,
            authenticated: false,
        };
        let refusal = refusal(&rejection, false);
        let ca = refusal.ca.unwrap();
        assert_eq!(ca.strings, ["no such user", "ask helpdesk"]);
        assert_eq!(ca.fail_info, ["badRequest", "notAuthorized"]);
        assert!(!ca.authenticated);
        assert!(
            refusal.detail.contains("nothing proves")
                && refusal.detail.contains("no such user; ask helpdesk")
        );
    }
}
