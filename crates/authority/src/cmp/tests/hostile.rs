//! Peers that are broken, or not the CA. Whatever they say, nothing is believed, nothing hangs, and the next exchange works.

use std::time::Instant;

use super::ca::{Act, Shield, carried, kinds, root, under};
use super::*;
use der::asn1::OctetString;
use pkixcmp::PkiFailureInfo;
use ra::RefusalKind;

/// What comes of one enrollment when the CA first does `act`; the one after it has to work.
async fn first_then_good(ca: &Arc<Ca>, config: CmpConfig, act: Act) -> Result<Step, AskError> {
    let authority = authority(config);
    ca.will([act]);
    let outcome = asked(&authority, &lent(&key())).await;
    issued(asked(&authority, &lent(&key())).await);
    outcome
}

async fn why(act: Act) -> String {
    let ca = Ca::start().await;
    let config = config(&ca);
    unknown(first_then_good(&ca, config, act).await)
}

#[tokio::test]
async fn an_answer_with_another_nonce_is_not_believed() {
    let why = why(Act::Tamper(|header| {
        header.recip_nonce = Some(OctetString::new([7; 16]).unwrap());
    }))
    .await;
    assert!(why.contains("recipNonce"), "{why}");
}

#[tokio::test]
async fn a_ca_whose_last_answer_was_not_believed_is_down_until_one_is() {
    let ca = Ca::start().await;
    let authority = guarded(config(&ca));
    ca.will([Act::NoProtection]);
    let why = unknown(asked(&authority, &lent(&key())).await);
    // The log says where the CA is, the health only what is wrong with it.
    let ra::Health::Down(text) = authority.health().await else {
        panic!("the CA counts as up")
    };
    assert!(
        why.ends_with(&text) && !text.contains("127.0.0.1"),
        "{text}"
    );
    issued(asked(&authority, &lent(&key())).await);
    assert_eq!(authority.health().await, ra::Health::Up);
}

#[tokio::test]
async fn an_answer_of_another_transaction_is_not_believed() {
    let why = why(Act::Tamper(|header| {
        header.transaction_id = Some(OctetString::new([7; 16]).unwrap());
    }))
    .await;
    assert!(why.contains("transactionID"), "{why}");
}

#[tokio::test]
async fn an_answer_of_an_unknown_version_is_not_believed() {
    let why = why(Act::Tamper(|header| header.pvno = pkixcmp::Pvno(9))).await;
    assert!(why.contains("pvno 9"), "{why}");
}

#[tokio::test]
async fn an_answer_under_another_secret_is_not_believed() {
    let why = why(Act::OtherSecret).await;
    assert!(why.contains("another secret"), "{why}");
}

#[tokio::test]
async fn an_answer_without_protection_is_not_believed() {
    let why = why(Act::NoProtection).await;
    assert!(why.contains("not protected"), "{why}");
}

#[tokio::test]
async fn a_billion_iterations_are_refused_without_doing_them() {
    let begun = Instant::now();
    let why = why(Act::ManyIterations).await;
    assert!(why.contains("iterationCount 1000000000"), "{why}");
    assert!(begun.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn a_signed_answer_to_a_mac_is_not_believed_by_default() {
    let ca = Ca::start().await;
    let signed = Act::SignAs(Arc::clone(&ca.key), vec![ca.certificate.clone()]);
    let config = config(&ca);
    let why = unknown(first_then_good(&ca, config, signed).await);
    assert!(why.contains("signature"), "{why}");
}

fn trusting(ca: &Ca, trust: AnswerTrust) -> CmpConfig {
    let quirks = Quirks {
        signed_answers_to_mac: true,
        ..Quirks::default()
    };
    CmpConfig {
        trust,
        quirks,
        ..config(ca)
    }
}

fn anchored(ca: &Ca) -> AnswerTrust {
    AnswerTrust::Anchors {
        anchors: vec![ca.certificate.clone()],
        signer: SignerRule::CaOrCmcCa,
    }
}

#[tokio::test]
async fn a_signer_of_the_same_name_below_no_anchor_is_not_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let impostor = key();
    let certificate = root("O=Test,CN=CA", &impostor).await;
    let act = Act::SignAs(impostor, vec![certificate]);
    let config = trusting(&ca, anchored(&ca));
    let why = unknown(first_then_good(&ca, config, act).await);
    assert!(why.contains("not trusted"), "{why}");
}

#[tokio::test]
async fn a_workload_below_the_anchor_cannot_answer_in_the_cas_place() {
    let ca = Ca::start_with(Shield::Signed).await;
    let workload = key();
    let mut template = template_of(&workload);
    template.subject = named("O=Test,CN=CA");
    let certificate = under(&ca.certificate, &ca.key, template).await;
    let act = Act::SignAs(workload, vec![certificate]);
    let config = trusting(&ca, anchored(&ca));
    let why = unknown(first_then_good(&ca, config, act).await);
    assert!(why.contains("cmcCA"), "{why}");
}

#[tokio::test]
async fn a_signer_with_the_purpose_cmcca_below_the_anchor_is_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let signer = key();
    let mut template = template_of(&signer);
    template.subject = named("O=Test,CN=CA");
    template.ext_key_usage = vec![pki::usage::CMC_CA];
    let certificate = under(&ca.certificate, &ca.key, template).await;
    ca.will([Act::SignAs(signer, vec![certificate])]);
    issued(asked(&authority(trusting(&ca, anchored(&ca))), &lent(&key())).await);
}

#[tokio::test]
async fn a_signer_that_is_not_the_sender_is_not_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let signer = key();
    let other = root("O=Test,CN=Other", &signer).await;
    let anchors = vec![ca.certificate.clone(), other.clone()];
    let config = trusting(
        &ca,
        AnswerTrust::Anchors {
            anchors,
            signer: SignerRule::CaOrCmcCa,
        },
    );
    let act = Act::SignAs(signer, vec![other]);
    unknown(first_then_good(&ca, config, act).await);
}

#[tokio::test]
async fn only_the_pinned_signer_is_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let config = || trusting(&ca, AnswerTrust::Pinned(vec![ca.certificate.clone()]));
    let impostor = key();
    let act = Act::SignAs(
        Arc::clone(&impostor),
        vec![root("O=Test,CN=CA", &impostor).await],
    );
    unknown(first_then_good(&ca, config(), act).await);
}

#[tokio::test]
async fn any_signer_below_the_anchors_is_believed_only_where_that_is_configured_and_may_not_name_roots()
 {
    let ca = Ca::start_with(Shield::Signed).await;
    let signer = key();
    let mut template = template_of(&signer);
    template.subject = named("O=Test,CN=CA");
    let certificate = under(&ca.certificate, &ca.key, template).await;
    let trust = AnswerTrust::Anchors {
        anchors: vec![ca.certificate.clone()],
        signer: SignerRule::AnyBelowAnchors,
    };
    ca.will([Act::SignAs(signer, vec![certificate])]);
    let (_, answer) = enrolled(&authority(trusting(&ca, trust)), &lent(&key())).await;
    assert_eq!(answer.ca_pubs, []);
    assert!(
        answer.pool.contains(&ca.certificate),
        "it may still help to build the chain"
    );
}

#[tokio::test]
async fn by_name_alone_only_the_issuer_of_the_certificate_is_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let impostor = key();
    let act = Act::SignAs(
        Arc::clone(&impostor),
        vec![root("O=Test,CN=CA", &impostor).await],
    );
    let config = CmpConfig {
        confirmation: Confirmation::Explicit,
        ..onap(&ca)
    };
    let why = unknown(first_then_good(&ca, config, act).await);
    assert!(why.contains("did not issue"), "{why}");
}

#[tokio::test]
async fn by_name_alone_another_name_is_not_believed() {
    let ca = Ca::start_with(Shield::Signed).await;
    let config = CmpConfig {
        recipient: Some(named("O=Test,CN=Another")),
        ..onap(&ca)
    };
    let why = unknown(asked(&authority(config), &lent(&key())).await);
    assert!(why.contains("issuerDN"), "{why}");
}

#[tokio::test]
async fn by_name_alone_a_rejection_is_reported_as_nobodys_word() {
    let ca = Ca::start_with(Shield::Signed).await;
    ca.will([Act::Reject(PkiFailureInfo::BAD_POP)]);
    let refusal = rejected(asked(&authority(onap(&ca)), &lent(&key())).await);
    assert!(!refusal.ca.unwrap().authenticated);
}

#[tokio::test]
async fn by_name_alone_a_pkiconf_is_believed_only_of_who_signed_the_certificate() {
    let ca = Ca::start_with(Shield::Signed).await;
    let authority = authority(CmpConfig {
        confirmation: Confirmation::Explicit,
        ..onap(&ca)
    });
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    let impostor = key();
    ca.will([Act::SignAs(
        Arc::clone(&impostor),
        vec![root("O=Test,CN=CA", &impostor).await],
    )]);
    unknown(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    done(
        authority
            .confirm(&state, &answer, &accept(), By::Ra, now())
            .await,
    );
}

#[tokio::test]
async fn an_error_without_protection_ends_a_first_request_and_is_marked() {
    let ca = Ca::start().await;
    let config = config(&ca);
    let refusal = rejected(
        first_then_good(
            &ca,
            config,
            Act::BareError(PkiFailureInfo::BAD_REQUEST | PkiFailureInfo::BAD_POP),
        )
        .await,
    );
    assert_eq!(refusal.kind, RefusalKind::BadPop);
    let status = refusal.ca.unwrap();
    assert!(!status.authenticated);
    assert_eq!(status.strings, ["not protected"]);
}

#[tokio::test]
async fn an_error_without_protection_is_passed_over_where_that_is_configured() {
    let ca = Ca::start().await;
    let quirks = Quirks {
        unprotected_errors: UnprotectedErrors::Ignored,
        ..Quirks::default()
    };
    let config = CmpConfig {
        quirks,
        ..config(&ca)
    };
    unknown(first_then_good(&ca, config, Act::BareError(PkiFailureInfo::BAD_REQUEST)).await);
}

#[tokio::test]
async fn an_error_without_protection_does_not_end_a_wait() {
    let ca = Ca::start().await;
    ca.will([Act::Wait, Act::BareError(PkiFailureInfo::BAD_REQUEST)]);
    let authority = authority(config(&ca));
    let (state, _) = super::waiting(asked(&authority, &lent(&key())).await);
    unknown(authority.advance(&state, By::Ra, now()).await);
    issued(authority.advance(&state, By::Ra, now()).await);
    assert_eq!(kinds(&ca.messages()), ["ir", "pollReq", "pollReq"]);
}

#[tokio::test]
async fn an_error_without_any_identifier_counts_only_by_its_quirk() {
    let ca = Ca::start().await;
    let strict = config(&ca);
    unknown(first_then_good(&ca, strict, Act::NakedError).await);
    let lenient = CmpConfig {
        quirks: Quirks {
            bare_errors: true,
            ..Quirks::default()
        },
        ..config(&ca)
    };
    let refusal = rejected(first_then_good(&ca, lenient, Act::NakedError).await);
    assert!(refusal.ca.unwrap().strings[0].starts_with("Failed to verify message"));
}

#[tokio::test]
async fn a_certificate_for_another_key_is_handed_over_for_the_check_and_given_back() {
    let ca = Ca::start().await;
    let (authority, other) = (authority(config(&ca)), key());
    ca.will([Act::IssueFor(other.public_key().clone())]);
    let (state, answer) = enrolled(&authority, &lent(&key())).await;
    assert_eq!(answer.leaf.public_key(), other.public_key());
    done(
        authority
            .confirm(&state, &answer, &reject(), By::Ra, now())
            .await,
    );
    assert_eq!(ca.log(), ["refused"]);
}

#[tokio::test]
async fn an_answer_that_grants_without_a_certificate_is_not_believed() {
    let why = why(Act::NoCertificate).await;
    assert!(why.contains("without a certificate"), "{why}");
}

#[tokio::test]
async fn junk_is_not_a_message() {
    let junk = super::ca::http("200 OK", "application/pkixcmp", b"\x30\x03junk");
    let why = why(Act::Raw(junk)).await;
    assert!(why.contains("no CMP message"), "{why}");
}

#[tokio::test]
async fn an_empty_answer_is_not_a_message() {
    why(Act::Raw(super::ca::http(
        "200 OK",
        "application/pkixcmp",
        b"",
    )))
    .await;
}

#[tokio::test]
async fn a_truncated_answer_is_not_believed() {
    let why = why(Act::Truncate).await;
    assert!(why.contains("broke off"), "{why}");
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let why = why(Act::Endless).await;
    assert!(why.contains("longer than 1048576 octets"), "{why}");
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/pkixcmp\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    let why = why(Act::Raw([head, vec![0x30; 100]].concat())).await;
    assert!(why.contains("longer than"), "{why}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_open_what_happened() {
    why(Act::Raw(Vec::new())).await;
}

#[tokio::test]
async fn stray_octets_among_the_certificates_spoil_nothing() {
    let ca = Ca::start_with(Shield::Signed).await;
    let stray = pkixcmp::CmpCertificate::from_der(Bytes::from_static(&[0x30, 0])).unwrap();
    assert!(super::super::trust::readable(&stray).is_none());
    assert!(super::super::trust::readable(&carried(&ca.certificate)).is_some());
}
