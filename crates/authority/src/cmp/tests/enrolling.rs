use pki::issue::Serial;
use ra::{RefusalKind, SentAs, Support, SupportAnswer};

use super::ca::{Act, Shield, kinds, root, under};
use super::*;
use pkixcmp::{PkiBody, PkiFailureInfo};

#[tokio::test]
async fn a_lent_key_enrolls_by_ir_and_the_certificate_is_confirmed() {
    let ca = Ca::start().await;
    let (authority, key) = (authority(config(&ca)), key());
    let (state, answer) = enrolled(&authority, &lent(&key)).await;
    assert_eq!(answer.leaf.public_key(), key.public_key());
    assert_eq!(answer.sent_as, SentAs::Initialization);
    assert!(answer.must_confirm);
    assert_eq!(
        answer.ca_pubs,
        std::slice::from_ref(&ca.certificate),
        "believed under a MAC"
    );
    assert_eq!(ca.log(), [""; 0], "nothing is confirmed before the verdict");
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["accepted"]);
    assert_eq!(kinds(&ca.messages()), ["ir", "certConf"]);
}

#[tokio::test]
async fn an_unchanged_pkcs10_goes_as_p10cr_octet_for_octet() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let request = by_csr(&key());
    let (state, answer) = enrolled(&authority, &request).await;
    assert_eq!(answer.sent_as, SentAs::Pkcs10);
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let Some(Original::CertificationRequest(csr)) = &request.original else {
        panic!()
    };
    match ca.messages()[0].body() {
        PkiBody::P10cr(sent) => assert_eq!(sent.der(), csr),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pkcs10_with_a_duration_beside_it_cannot_be_p10cr_and_goes_by_raverified_or_not_at_all() {
    let ca = Ca::start().await;
    let request = by_csr(&key());
    let mut wanted = request.wanted.clone();
    wanted.validity.not_after = Some(now() + jiff::SignedDuration::from_hours(1));
    match prepare_as(&authority(config(&ca)), &request, &wanted, false).await {
        Err(AskError::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::CannotChange),
        other => panic!("{other:?}"),
    }
    let trusted = authority(CmpConfig {
        takes: Takes {
            ra_verified: true,
            ..Takes::default()
        },
        ..config(&ca)
    });
    let state = prepare_as(&trusted, &request, &wanted, false)
        .await
        .unwrap();
    assert_eq!(
        issued(trusted.advance(&state, By::Ra, now()).await)
            .1
            .sent_as,
        SentAs::Initialization
    );
}

#[tokio::test]
async fn a_crmf_request_is_passed_on_octet_for_octet() {
    let ca = Ca::start().await;
    let (authority, other, key) = (authority(config(&ca)), authority(onap(&ca)), key());
    // A CertReqMsg that is not ours: the ONAP form.
    prepare(&other, &lent(&key)).await.unwrap();
    let (_, answer) = enrolled(&other, &lent(&key)).await;
    let raw = pkixcmp::pop::raw_requests(&ca.messages()[0])[0].0.clone();
    let proof = Proof::Signature {
        over: Bytes::new(),
        algorithm: answer.leaf.signature_algorithm().clone(),
        signature: Bytes::new(),
    };
    let request = request(
        &template_of(&key),
        proof,
        Some(Original::CertReqMsg(raw.clone())),
    );
    let (_, answer) = enrolled(&authority, &request).await;
    assert_eq!(answer.sent_as, SentAs::Initialization);
    assert_eq!(pkixcmp::pop::raw_requests(&ca.messages()[1])[0].0, raw);
}

#[tokio::test]
async fn the_same_state_sends_the_same_octets() {
    let ca = Ca::start().await;
    ca.will([Act::WorkAndLose]);
    let (authority, key) = (authority(config(&ca)), key());
    let state = prepare(&authority, &lent(&key)).await.unwrap();
    unknown(authority.advance(&state, By::Ra, now()).await);
    let _ = authority.advance(&state, By::Ra, now()).await;
    assert_eq!(ca.received()[0], ca.received()[1]);
}

#[tokio::test]
async fn waiting_is_polled_with_what_is_kept_also_after_a_restart() {
    let ca = Ca::start().await;
    ca.will([Act::Wait, Act::Wait]);
    let key = key();
    let (state, soon) = waiting(asked(&authority(config(&ca)), &lent(&key)).await);
    assert_eq!(soon, 1, "an answer that names no time is asked after soon");
    let (state, later) = waiting(authority(config(&ca)).advance(&state, By::Ra, now()).await);
    assert_eq!(later, 7);
    let restarted = authority(config(&ca));
    let (state, answer) = issued(restarted.advance(&state, By::Ra, now()).await);
    assert_eq!(answer.leaf.public_key(), key.public_key());
    done(
        restarted
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    assert_eq!(
        kinds(&ca.messages()),
        ["ir", "pollReq", "pollReq", "certConf"]
    );
}

#[tokio::test]
async fn a_lost_pollrep_is_polled_for_again() {
    let ca = Ca::start().await;
    ca.will([Act::Wait, Act::Raw(Vec::new())]);
    let (authority, key) = (authority(config(&ca)), key());
    let (state, _) = waiting(asked(&authority, &lent(&key)).await);
    unknown(authority.advance(&state, By::Ra, now()).await);
    issued(authority.advance(&state, By::Ra, now()).await);
}

#[tokio::test]
async fn a_lost_answer_is_lost_where_the_ca_does_not_repeat_it() {
    let ca = Ca::start().await;
    ca.will([Act::WorkAndLose]);
    let (authority, key) = (authority(config(&ca)), key());
    let state = prepare(&authority, &lent(&key)).await.unwrap();
    unknown(authority.advance(&state, By::Ra, now()).await);
    match authority.advance(&state, By::Ra, now()).await {
        Err(AskError::Lost { why }) => assert!(why.contains("transactionIdInUse"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lost_answer_comes_again_where_the_ca_repeats_it() {
    let ca = Ca::start().await;
    ca.repeats();
    ca.will([Act::WorkAndLose]);
    let quirks = Quirks {
        repeats: true,
        ..Quirks::default()
    };
    let (authority, key) = (
        authority(CmpConfig {
            quirks,
            ..config(&ca)
        }),
        key(),
    );
    let state = prepare(&authority, &lent(&key)).await.unwrap();
    unknown(authority.advance(&state, By::Ra, now()).await);
    let (_, answer) = issued(authority.advance(&state, By::Ra, now()).await);
    assert_eq!(answer.leaf.public_key(), key.public_key());
}

#[tokio::test]
async fn bad_request_to_a_repeat_is_lost_and_to_a_first_message_refused() {
    let ca = Ca::start().await;
    let key = key();
    ca.will([Act::BareError(PkiFailureInfo::BAD_REQUEST)]);
    assert_eq!(
        rejected(asked(&authority(config(&ca)), &lent(&key)).await).kind,
        RefusalKind::RejectedByCa
    );
    ca.will([
        Act::Raw(Vec::new()),
        Act::BareError(PkiFailureInfo::BAD_REQUEST),
    ]);
    let authority = authority(config(&ca));
    let state = prepare(&authority, &lent(&key)).await.unwrap();
    unknown(authority.advance(&state, By::Ra, now()).await);
    assert!(matches!(
        authority.advance(&state, By::Ra, now()).await,
        Err(AskError::Lost { .. })
    ));
}

#[tokio::test]
async fn a_message_found_after_a_crash_counts_as_sent_before() {
    let ca = Ca::start().await;
    ca.will([Act::BareError(PkiFailureInfo::BAD_REQUEST)]);
    let state = prepare(&authority(config(&ca)), &lent(&key()))
        .await
        .unwrap();
    let later = now() + jiff::SignedDuration::from_secs(31);
    assert!(matches!(
        authority(config(&ca)).advance(&state, By::Ra, later).await,
        Err(AskError::Lost { .. })
    ));
}

#[tokio::test]
async fn a_protected_rejection_is_the_cas_own_word() {
    let ca = Ca::start().await;
    ca.will([Act::Reject(
        PkiFailureInfo::BAD_POP | PkiFailureInfo::BAD_REQUEST,
    )]);
    let refusal = rejected(asked(&authority(config(&ca)), &lent(&key())).await);
    assert_eq!(refusal.kind, RefusalKind::BadPop);
    let status = refusal.ca.unwrap();
    assert!(status.authenticated);
    assert_eq!(
        (status.strings, status.fail_info),
        (
            vec!["no".to_owned()],
            vec!["badRequest".to_owned(), "badPOP".to_owned()]
        )
    );
}

#[tokio::test]
async fn a_lent_old_key_signs_a_kur_and_every_message_after_it() {
    let ca = Ca::start().await;
    ca.will([Act::Wait]);
    let (old_key, new_key) = (key(), key());
    let old = under(&ca.certificate, &ca.key, template_of(&old_key)).await;
    let trust = AnswerTrust::Anchors {
        anchors: vec![ca.certificate.clone()],
        signer: SignerRule::CaOrCmcCa,
    };
    let authority = authority(CmpConfig {
        trust,
        ..config(&ca)
    });
    let (state, _) = waiting(asked(&authority, &renewal(&new_key, &old, &old_key)).await);
    for by in [By::Ra, By::Lent(new_key.as_ref())] {
        match authority.advance(&state, by, now()).await {
            Err(AskError::Ours { why }) => assert!(why.contains("lends it"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let (state, answer) = issued(
        authority
            .advance(&state, By::Lent(old_key.as_ref()), now())
            .await,
    );
    assert_eq!(answer.sent_as, SentAs::KeyUpdate);
    // The word is made already, so that even without the key it can be said.
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let messages = ca.messages();
    assert_eq!(kinds(&messages), ["kur", "pollReq", "certConf"]);
    for message in &messages {
        pkixcmp::protection::verify_signature(
            message,
            old.public_key(),
            pkixcmp::protection::Sha1Use::Refused,
        )
        .unwrap();
        assert_eq!(message.extra_certs(), [super::ca::carried(&old)]);
    }
}

#[tokio::test]
async fn a_renewal_with_other_names_is_a_cr_under_our_own_protection() {
    let ca = Ca::start().await;
    let (old_key, new_key) = (key(), key());
    let mut template = template_of(&old_key);
    template.sans = vec!["dns:other.example".parse().unwrap()];
    let old = under(&ca.certificate, &ca.key, template).await;
    let authority = authority(config(&ca));
    let (_, answer) = enrolled(&authority, &renewal(&new_key, &old, &old_key)).await;
    assert_eq!(answer.sent_as, SentAs::Certification);
    assert_eq!(ca.messages()[0].extra_certs(), []);
}

#[tokio::test]
async fn on_behalf_a_renewal_is_a_kur_only_where_the_ca_lets_us() {
    let ca = Ca::start().await;
    let (old_key, new_key) = (key(), key());
    let old = under(&ca.certificate, &ca.key, template_of(&old_key)).await;
    let request = || EnrollRequest {
        replaces: Some(Replaces {
            certificate: old.clone(),
            proof: Proof::RaVerified,
        }),
        ..lent(&new_key)
    };
    assert_eq!(
        enrolled(&authority(config(&ca)), &request())
            .await
            .1
            .sent_as,
        SentAs::Certification
    );
    let takes = Takes {
        kur_on_behalf: true,
        ..Takes::default()
    };
    assert_eq!(
        enrolled(
            &authority(CmpConfig {
                takes,
                ..config(&ca)
            }),
            &request()
        )
        .await
        .1
        .sent_as,
        SentAs::KeyUpdate
    );
}

#[tokio::test]
async fn an_ra_certificate_protects_and_signed_answers_are_believed_by_anchor() {
    let ca = Ca::start().await;
    let (ra_key, key) = (key(), key());
    let ra_certificate = under(&ca.certificate, &ca.key, template_of(&ra_key)).await;
    let identity = RaIdentity {
        signer: ra_key.clone(),
        chain: vec![ra_certificate.clone()],
    };
    let trust = AnswerTrust::Anchors {
        anchors: vec![ca.certificate.clone()],
        signer: SignerRule::CaOrCmcCa,
    };
    let config = CmpConfig {
        protection: Protection::Signature(identity),
        trust,
        ..config(&ca)
    };
    let authority = authority(config);
    let (state, answer) = enrolled(&authority, &lent(&key)).await;
    assert_eq!(
        answer.ca_pubs,
        std::slice::from_ref(&ca.certificate),
        "believed of the CA itself"
    );
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let first = &ca.messages()[0];
    assert_eq!(
        first.header().sender,
        pki::GeneralName::Directory(ra_certificate.subject().clone())
    );
    assert_eq!(
        first.header().sender_kid.as_ref().unwrap().as_bytes(),
        ra_certificate.subject_key_id().unwrap()
    );
    assert_eq!(first.extra_certs(), [super::ca::carried(&ra_certificate)]);
}

#[tokio::test]
async fn a_pkiconf_without_certificates_is_believed_of_the_signer_known_before() {
    let ca = Ca::start_with(Shield::SignedOnce).await;
    let other = root("O=Test,CN=CA", &key()).await;
    let trust = AnswerTrust::Anchors {
        anchors: vec![other, ca.certificate.clone()],
        signer: SignerRule::CaOrCmcCa,
    };
    let quirks = Quirks {
        signed_answers_to_mac: true,
        ..Quirks::default()
    };
    let authority = authority(CmpConfig {
        trust,
        quirks,
        ..config(&ca)
    });
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
}

#[tokio::test]
async fn a_revocation_takes_effect_and_a_second_one_says_so() {
    let ca = Ca::start().await;
    let authority = authority(config(&ca));
    let of = under(&ca.certificate, &ca.key, template_of(&key()))
        .await
        .id();
    let state = authority
        .prepare(
            Order::Revoke {
                of: &of,
                reason: 4,
                original: None,
            },
            now(),
        )
        .await
        .unwrap();
    done(authority.advance(&state, By::Ra, now()).await);
    let again = authority
        .prepare(
            Order::Revoke {
                of: &of,
                reason: 4,
                original: None,
            },
            now(),
        )
        .await
        .unwrap();
    assert_eq!(
        rejected(authority.advance(&again, By::Ra, now()).await).kind,
        RefusalKind::AlreadyRevoked
    );
    match ca.messages()[0].body() {
        PkiBody::Rr(list) => {
            assert_eq!(
                list[0]
                    .cert_details
                    .serial_number
                    .as_ref()
                    .unwrap()
                    .as_bytes(),
                &of.serial[..]
            );
            let reason = &list[0].crl_entry_details.as_ref().unwrap()[0];
            assert_eq!(
                (
                    reason.extn_id.to_string().as_str(),
                    reason.extn_value.as_bytes()
                ),
                ("2.5.29.21", &[0x0a, 1, 4][..])
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_revocation_whose_answer_was_lost_is_asked_again_in_a_new_transaction() {
    let ca = Ca::start().await;
    ca.will([Act::WorkAndLose]);
    let authority = authority(config(&ca));
    let of = under(&ca.certificate, &ca.key, template_of(&key()))
        .await
        .id();
    let state = authority
        .prepare(
            Order::Revoke {
                of: &of,
                reason: 1,
                original: None,
            },
            now(),
        )
        .await
        .unwrap();
    unknown(authority.advance(&state, By::Ra, now()).await);
    done(authority.advance(&state, By::Ra, now()).await);
    assert_eq!(ca.log(), ["revoked"]);
}

#[tokio::test]
async fn a_ca_that_takes_no_revocations_is_not_asked() {
    let ca = Ca::start().await;
    let authority = authority(CmpConfig {
        takes: Takes {
            rr: false,
            ..Takes::default()
        },
        ..config(&ca)
    });
    let of = pki::CertificateId {
        issuer: ca.certificate.id().issuer,
        serial: Serial::random().unwrap().integer(),
    };
    match authority
        .prepare(
            Order::Revoke {
                of: &of,
                reason: 1,
                original: None,
            },
            now(),
        )
        .await
    {
        Err(AskError::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::Unsupported),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ca_certificates_are_asked_for_by_genm() {
    let ca = Ca::start().await;
    match authority(config(&ca))
        .support(Support::CaCerts, now())
        .await
        .unwrap()
    {
        SupportAnswer::CaCerts(list) => assert_eq!(list, std::slice::from_ref(&ca.certificate)),
        other => panic!("{other:?}"),
    }
    assert_eq!(kinds(&ca.messages()), ["genm"]);
}

#[tokio::test]
async fn a_poll_that_the_ca_does_not_know_what_to_do_with_is_a_lost_answer_and_no_refusal() {
    for failure in [
        PkiFailureInfo::BAD_REQUEST,
        PkiFailureInfo::BAD_RECIPIENT_NONCE,
        PkiFailureInfo::TRANSACTION_ID_IN_USE,
    ] {
        let ca = Ca::start().await;
        let authority = authority(config(&ca));
        ca.will([Act::Wait, Act::WorkAndLose, Act::Reject(failure)]);
        let request = lent(&key());
        let state = prepare(&authority, &request).await.unwrap();
        let (state, _) = super::waiting(authority.advance(&state, By::Ra, now()).await);
        unknown(authority.advance(&state, By::Ra, now()).await);
        let again = authority.advance(&state, By::Ra, now()).await;
        assert!(matches!(again, Err(ra::AskError::Lost { .. })), "{again:?}");
    }
}
