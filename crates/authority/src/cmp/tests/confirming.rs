use super::ca::{Act, kinds};
use super::*;
use pkixcmp::{PkiBody, PkiFailureInfo};

#[tokio::test]
async fn a_lost_pkiconf_makes_us_say_the_same_octets_again() {
    let ca = Ca::start().await;
    ca.repeats();
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::WorkAndLose]);
    unknown(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let received = ca.received();
    assert_eq!(received[1], received[2]);
    assert_eq!(ca.log(), ["accepted"]);
}

#[tokio::test]
async fn a_confirmation_that_the_ca_finds_too_old_is_made_anew() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::Reject(PkiFailureInfo::BAD_TIME)]);
    let later = now() + jiff::SignedDuration::from_hours(1);
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, later)
            .await,
    );
    let times: Vec<_> = ca.messages()[1..]
        .iter()
        .map(|m| m.header().message_time.as_ref().unwrap().timestamp())
        .collect();
    assert_eq!(times, [now(), later]);
}

#[tokio::test]
async fn cert_confirmed_means_that_our_word_arrived_before() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::Reject(PkiFailureInfo::CERT_CONFIRMED)]);
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
}

#[tokio::test]
async fn an_error_nobody_vouches_for_does_not_end_a_confirmation_unless_that_is_configured() {
    let ca = Ca::start().await;
    let strict = authority(config(&ca));
    let (state, answer) = enrolled(&strict, &lent(&key())).await;
    ca.will([Act::BareError(PkiFailureInfo::BAD_REQUEST)]);
    unknown(
        strict
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let quirks = Quirks {
        unprotected_errors: UnprotectedErrors::EndConfirmations,
        ..Quirks::default()
    };
    let lenient = authority(CmpConfig {
        quirks,
        ..config(&ca)
    });
    let (state, answer) = enrolled(&lenient, &lent(&key())).await;
    ca.will([Act::BareError(PkiFailureInfo::BAD_REQUEST)]);
    let refusal = rejected(
        lenient
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert!(!refusal.ca.unwrap().authenticated);
}

#[tokio::test]
async fn an_authentic_error_ends_a_confirmation() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::Reject(PkiFailureInfo::BAD_CERT_ID)]);
    assert!(
        rejected(
            authority
                .confirm(&state, &answer, &accept(), By::Ra, now())
                .await
        )
        .ca
        .unwrap()
        .authenticated
    );
}

#[tokio::test]
async fn a_ca_that_thinks_about_our_confirmation_is_polled() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::Wait]);
    let (state, _) = super::waiting(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(kinds(&ca.messages()), ["ir", "certConf", "pollReq"]);
}

#[tokio::test]
async fn a_certificate_given_back_is_refused_by_certconf() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    done(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["refused"]);
    match ca.messages()[1].body() {
        PkiBody::CertConf(content) => {
            let status = content[0].status_info.as_ref().unwrap();
            assert_eq!(status.failure, Some(PkiFailureInfo::INCORRECT_DATA));
        }
        other => panic!("{other:?}"),
    }
}

fn implicit(ca: &Ca) -> CmpConfig {
    let quirks = Quirks {
        repeats: true,
        ..Quirks::default()
    };
    CmpConfig {
        confirmation: Confirmation::Implicit,
        quirks,
        ..config(ca)
    }
}

#[tokio::test]
async fn nothing_is_said_where_the_ca_granted_implicit_confirmation() {
    let ca = Ca::start().await;
    ca.grants_implicit();
    let authority = authority(implicit(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    assert!(!answer.must_confirm);
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(kinds(&ca.messages()), ["ir"]);
}

#[tokio::test]
async fn implicit_confirmation_that_was_not_granted_is_made_up_for() {
    let ca = Ca::start().await;
    let authority = authority(implicit(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    assert!(answer.must_confirm);
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["accepted"]);
}

#[tokio::test]
async fn implicit_confirmation_nobody_asked_for_is_not_taken_as_granted() {
    let ca = Ca::start().await;
    ca.grants_implicit();
    let (_, answer) = enrolled(&authority(config(&ca)), &lent(&key())).await;
    assert!(answer.must_confirm);
}

#[tokio::test]
async fn a_certificate_that_was_confirmed_implicitly_is_given_back_by_rr() {
    let ca = Ca::start().await;
    ca.grants_implicit();
    let authority = authority(implicit(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::WorkAndLose]);
    unknown(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    done(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["revoked"], "once, though asked twice");
    assert_eq!(kinds(&ca.messages()), ["ir", "rr", "rr"]);
}

#[tokio::test]
async fn a_revocation_that_gives_back_is_polled_where_the_ca_wants_it() {
    let ca = Ca::start().await;
    ca.grants_implicit();
    let authority = authority(implicit(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([Act::Wait]);
    let (state, _) = super::waiting(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    done(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    assert_eq!(kinds(&ca.messages()), ["ir", "rr", "pollReq"]);
}

/// As after a crash between the CA's pkiConf and our next write: the CA has heard us and forgotten that.
#[tokio::test]
async fn a_certificate_is_taken_back_from_a_ca_that_refuses_the_confirmation_it_has_taken_before() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    let later = now() + jiff::SignedDuration::from_mins(2);
    ca.will([Act::Reject(PkiFailureInfo::TRANSACTION_ID_IN_USE)]);
    rejected(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, later)
            .await,
    );
    assert_eq!(ca.log(), ["revoked"]);
    assert_eq!(kinds(&ca.messages()), ["ir", "certConf", "rr"]);
}

#[tokio::test]
async fn a_confirmation_that_got_no_answer_and_is_then_refused_has_its_certificate_taken_back() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([
        Act::WorkAndLose,
        Act::Reject(PkiFailureInfo::BAD_REQUEST),
        Act::Wait,
    ]);
    unknown(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let (state, _) = super::waiting(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    rejected(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["accepted", "revoked"]);
    let kinds = kinds(&ca.messages());
    assert_eq!(kinds, ["ir", "certConf", "certConf", "rr", "pollReq"]);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_lost_and_named() {
    let ca = Ca::start().await;
    let authority = authority(CmpConfig {
        takes: Takes {
            rr: false,
            ..Takes::default()
        },
        ..config(&ca)
    });
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    ca.will([
        Act::WorkAndLose,
        Act::Reject(PkiFailureInfo::TRANSACTION_ID_IN_USE),
    ]);
    let verdict = accept();
    let confirm = || authority.confirm(&state, &answer, &verdict, By::Ra, now());
    unknown(confirm().await);
    match confirm().await {
        Err(ra::AskError::Lost { why }) => {
            let serial = hex::encode(answer.leaf.serial());
            assert!(why.contains(&serial), "{why}");
        }
        other => panic!("{other:?}"),
    }
}
