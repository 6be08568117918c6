//! Confirmation, revocation, and the list of what was revoked.

use super::*;

#[tokio::test]
async fn confirmation_is_asked_for_by_setting_and_both_verdicts_are_heard() {
    let ca = ca_with(LocalSettings {
        confirmation: Confirmation::Explicit,
        ..LocalSettings::default()
    })
    .await;
    let (state, answer) = advanced(&ca, &prepared(&ca, &template()).await.unwrap()).await;
    assert!(answer.must_confirm);
    let why = Refusal::new(RefusalKind::NotConfirmed, "not taken");
    for verdict in [
        Verdict::Accept { original: None },
        Verdict::Reject {
            why,
            original: None,
        },
    ] {
        let step = ca
            .confirm(&state, &answer, &verdict, By::Ra, now())
            .await
            .unwrap();
        assert!(matches!(step.progress, Progress::Done));
    }
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_not_revoked() {
    let (ca, other) = (
        ca_with(LocalSettings::default()).await,
        ca_with(LocalSettings::default()).await,
    );
    let mut of = issued(&ca, &template()).await.id();
    let state = ca
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
    assert!(matches!(
        ca.advance(&state, By::Ra, now()).await.unwrap().progress,
        Progress::Done
    ));
    of.issuer = other.roots()[0].id().issuer;
    match ca
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
        Err(AskError::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::NotFound),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_crl_is_signed_by_the_issuing_ca_and_kept_until_it_is_half_over() {
    let ca = ca_with(LocalSettings {
        crl_life: hours(48),
        ..LocalSettings::default()
    })
    .await;
    let first = crl(&ca, now()).await;
    first
        .verify_signed_by(ca.certificate().public_key())
        .unwrap();
    assert_eq!(first.issuer(), ca.certificate().subject());
    assert_eq!(
        (first.this_update(), first.next_update()),
        (now(), Some(now() + hours(48)))
    );
    assert_eq!(crl(&ca, now() + hours(23)).await.der(), first.der());
    let second = crl(&ca, now() + hours(25)).await;
    assert!(second.number() > first.number());
    assert_eq!(second.this_update(), now() + hours(25));
}

#[tokio::test]
async fn a_changed_journal_makes_a_new_crl_with_a_greater_number_even_within_a_millisecond() {
    let folder = tempfile::tempdir().unwrap();
    let ca = open(folder.path(), LocalSettings::default()).await.unwrap();
    let of = issued(&ca, &template()).await.id();
    let entry = |reason| ra::CrlEntry {
        of: of.clone(),
        at: now(),
        reason,
    };
    let cache = CrlCache::default();
    let read = async |revoked| {
        Crl::from_der(
            cache
                .current(&ca.parts, revoked, hours(48), now())
                .await
                .unwrap(),
        )
        .unwrap()
    };
    let empty = read(vec![]).await;
    let one = read(vec![entry(1)]).await;
    assert_eq!(empty.revoked().count(), 0);
    let listed: Vec<_> = one.revoked().collect();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].serial, listed[0].reason.code(), listed[0].at),
        (&of.serial, 1, now())
    );
    assert!(one.number() > empty.number());
    let twice = read(vec![entry(1), entry(4)]).await;
    assert_eq!(twice.revoked().count(), 1, "one entry for each certificate");
}
