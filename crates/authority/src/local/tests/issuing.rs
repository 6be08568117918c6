//! What is in a certificate that is issued.

use super::*;

#[tokio::test]
async fn an_issued_certificate_has_what_was_asked_for_and_a_chain_to_the_root() {
    let ca = ca_with(LocalSettings::default()).await;
    let template = template();
    let (_, answer) = advanced(&ca, &prepared(&ca, &template).await.unwrap()).await;
    let leaf = &answer.leaf;
    assert_eq!(leaf.public_key(), &template.public_key);
    assert_eq!(leaf.subject(), &template.subject);
    assert_eq!(leaf.sans(), template.sans);
    assert_eq!(leaf.key_usage(), Some(KeyUsages::DIGITAL_SIGNATURE));
    assert_eq!(
        leaf.ext_key_usage(),
        Some([usage::SERVER_AUTH, usage::CLIENT_AUTH].as_slice())
    );
    assert!(!leaf.is_ca() && !answer.must_confirm && answer.sent_as == SentAs::Local);
    let chain = chain::assemble(leaf, &answer.pool, &answer.ca_pubs, now()).unwrap();
    assert_eq!(chain.certificates, [leaf.clone(), ca.certificate().clone()]);
    assert_eq!(chain.anchors, ca.roots());
}

#[tokio::test]
async fn two_calls_from_one_state_sign_the_same_content() {
    let ca = ca_with(LocalSettings::default()).await;
    let state = prepared(&ca, &template()).await.unwrap();
    let (first, second) = (
        advanced(&ca, &state).await.1.leaf,
        advanced(&ca, &state).await.1.leaf,
    );
    assert_eq!(
        first.x509().tbs_certificate(),
        second.x509().tbs_certificate()
    );
}

#[tokio::test]
async fn serial_numbers_are_positive_differ_and_have_more_than_64_bits() {
    let ca = ca_with(LocalSettings::default()).await;
    let template = template();
    let (first, second) = (issued(&ca, &template).await, issued(&ca, &template).await);
    assert_ne!(first.serial(), second.serial());
    for certificate in [&first, &second] {
        assert!(certificate.serial()[0] < 0x80 && certificate.serial().len() > 8);
    }
}

#[tokio::test]
async fn validity_is_the_default_unless_asked_for_and_never_longer_than_the_maximum() {
    let settings = LocalSettings {
        default_validity: hours(10),
        max_validity: hours(20),
        ..LocalSettings::default()
    };
    let ca = ca_with(settings).await;
    let mut template = template();
    let plain = issued(&ca, &template).await;
    assert_eq!(plain.not_before(), now() - SignedDuration::from_mins(1));
    assert_eq!(plain.not_after(), plain.not_before() + hours(10));
    template.validity.not_after = Some(now() + hours(5));
    assert_eq!(issued(&ca, &template).await.not_after(), now() + hours(5));
    template.validity.not_after = Some(now() + hours(500));
    assert_eq!(
        issued(&ca, &template).await.not_after(),
        plain.not_before() + hours(20)
    );
}

#[tokio::test]
async fn a_leaf_never_outlives_the_issuing_ca() {
    let years = hours(24 * 365 * 100);
    let ca = ca_with(LocalSettings {
        default_validity: years,
        max_validity: years,
        ..LocalSettings::default()
    })
    .await;
    assert_eq!(
        issued(&ca, &template()).await.not_after(),
        ca.certificate().not_after()
    );
}

#[tokio::test]
async fn validity_in_the_past_is_refused_and_a_start_in_the_past_is_moved_to_now() {
    let ca = ca_with(LocalSettings::default()).await;
    let mut template = template();
    template.validity.not_before = Some(now() - hours(100));
    assert_eq!(
        issued(&ca, &template).await.not_before(),
        now() - SignedDuration::from_mins(1)
    );
    template.validity.not_after = Some(now() - hours(1));
    match prepared(&ca, &template).await {
        Err(AskError::Refused(refusal)) => {
            assert_eq!(refusal.kind, RefusalKind::ValidityNotAllowed);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_expired_issuing_ca_signs_nothing() {
    let ca = ca_with(LocalSettings::default()).await;
    let later = ca.certificate().not_after() + hours(1);
    assert!(matches!(
        ca.issue(&template(), later).await,
        Err(AskError::NotSent { .. })
    ));
}

#[tokio::test]
async fn usages_asked_for_are_kept_and_stray_extensions_are_left_out() {
    let ca = ca_with(LocalSettings {
        crl_urls: vec!["http://ca.example/crl".to_owned()],
        ..LocalSettings::default()
    })
    .await;
    let mut template = template();
    template.key_usage = Some(KeyUsages::KEY_AGREEMENT);
    template.ext_key_usage = vec![usage::CODE_SIGNING];
    let stray = pki::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
    let extn_value = der::asn1::OctetString::new([5, 0]).unwrap();
    template.other_extensions = vec![pki::Extension {
        extn_id: stray,
        critical: false,
        extn_value,
    }];
    let certificate = issued(&ca, &template).await;
    assert_eq!(certificate.key_usage(), Some(KeyUsages::KEY_AGREEMENT));
    assert_eq!(
        certificate.ext_key_usage(),
        Some([usage::CODE_SIGNING].as_slice())
    );
    let extensions = certificate.x509().tbs_certificate().extensions().unwrap();
    assert!(
        extensions
            .iter()
            .all(|extension| extension.extn_id != stray)
    );
    let points = der::asn1::ObjectIdentifier::new_unwrap("2.5.29.31");
    assert!(
        extensions
            .iter()
            .any(|extension| extension.extn_id == points),
        "the CRL's place is in it"
    );
}

#[tokio::test]
async fn what_is_wanted_for_a_span_lasts_for_that_span_though_it_is_dated_back() {
    let ca = ca_with(LocalSettings::default()).await;
    let mut template = template();
    template.validity.not_after = Some(ca.begins(now()) + hours(5));
    let leaf = issued(&ca, &template).await;
    assert!(leaf.not_before() < now());
    assert_eq!(leaf.not_after(), leaf.not_before() + hours(5));
}

#[tokio::test]
async fn a_ca_is_issued_below_an_issuing_ca_with_room_and_has_one_level_less() {
    let folder = tempfile::tempdir().unwrap();
    let hierarchy = HierarchySettings {
        issuing_path_len: 1,
        ..hierarchy()
    };
    let name = AuthorityName::new("local");
    let settings = LocalSettings::default();
    let ca =
        LocalAuthority::open_or_create(name, folder.path(), &hierarchy, settings, journal(), now());
    let ca = ca.await.unwrap();
    let mut template = template();
    template.ca = Some(CaConstraint { path_len: None });
    let below = issued(&ca, &template).await;
    let constraint = CaConstraint { path_len: Some(0) };
    assert_eq!(below.ca_constraint(), Some(constraint));
}

#[tokio::test]
async fn a_ca_below_an_issuing_ca_without_room_is_refused() {
    let ca = ca_with(LocalSettings::default()).await;
    let mut template = template();
    template.ca = Some(CaConstraint { path_len: None });
    match prepared(&ca, &template).await {
        Err(AskError::Refused(refusal)) => assert_eq!(refusal.kind, RefusalKind::CaNotAllowed),
        other => panic!("{other:?}"),
    }
}
