use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use pki::crl::Crl;
use pki::{
    CaConstraint, Certificate, KeyKind, KeyUsages, Name, PrivateKey, Template, chain, name, usage,
};
use ra::memory::MemoryJournal;
use ra::{
    Approved, Authority, AuthorityName, By, ConfirmedBy, CredentialId, EnrollRequest, Key, Label,
    Order, Progress, Proof, Refusal, RefusalKind, Support, SupportAnswer, Verdict,
};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn named(text: &str) -> Name {
    name::onap::parse(text).unwrap()
}

fn hierarchy() -> HierarchySettings {
    HierarchySettings::new(named("O=Test,CN=Root"), named("O=Test,CN=Issuing"))
}

fn journal() -> Arc<MemoryJournal> {
    Arc::new(MemoryJournal::new(Arc::new(now)))
}

async fn open(
    folder: &std::path::Path,
    settings: LocalSettings,
) -> Result<LocalAuthority, HierarchyError> {
    LocalAuthority::open_or_create(
        AuthorityName::new("local"),
        folder,
        &hierarchy(),
        settings,
        journal(),
        now(),
    )
    .await
}

async fn ca_with(settings: LocalSettings) -> LocalAuthority {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), settings).await.unwrap()
}

fn template() -> Template {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(named("CN=workload"), key.public_key().clone());
    template.sans = vec!["dns:workload.example".parse().unwrap()];
    template
}

async fn prepared(ca: &LocalAuthority, template: &Template) -> Result<Sealed, AskError> {
    let request = EnrollRequest {
        key: Key {
            scope: CredentialId::new("test"),
            value: Bytes::from_static(b"1"),
            replay_for: None,
        },
        fingerprint: [0; 32],
        label: Label::new("test"),
        profile: None,
        wanted: template.clone(),
        lifetime: None,
        proof: Proof::RaVerified,
        original: None,
        replaces: None,
        confirmed_by: ConfirmedBy::Ra,
        front: Sealed::default(),
        correlation: None,
    };
    let approved = Approved {
        template: template.clone(),
        changed: false,
        authority: AuthorityName::new("local"),
    };
    ca.prepare(
        Order::Enroll {
            request: &request,
            approved: &approved,
        },
        now(),
    )
    .await
}

async fn advanced(ca: &LocalAuthority, state: &Sealed) -> (Sealed, Answer) {
    let step = ca.advance(state, By::Ra, now()).await.unwrap();
    match step.progress {
        Progress::Issued(answer) => (step.state, *answer),
        other => panic!("{other:?}"),
    }
}

async fn issued(ca: &LocalAuthority, template: &Template) -> Certificate {
    advanced(ca, &prepared(ca, template).await.unwrap())
        .await
        .1
        .leaf
}

async fn crl(ca: &LocalAuthority, at: Timestamp) -> Crl {
    match ca.support(Support::Crl, at).await.unwrap() {
        SupportAnswer::Crl(Some(der)) => Crl::from_der(der).unwrap(),
        other => panic!("{other:?}"),
    }
}

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

#[tokio::test]
async fn the_hierarchy_is_made_once_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), LocalSettings::default()).await.unwrap();
    let second = open(folder.path(), LocalSettings::default()).await.unwrap();
    assert_eq!(first.certificate(), second.certificate());
    assert_eq!(first.roots(), second.roots());
    assert!(first.roots()[0].is_self_signed());
    first
        .certificate()
        .verify_signed_by(first.roots()[0].public_key())
        .unwrap();
    assert_eq!(first.certificate().subject(), &named("O=Test,CN=Issuing"));
}

#[cfg(unix)]
#[tokio::test]
async fn keys_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    open(&folder.path().join("ca"), LocalSettings::default())
        .await
        .unwrap();
    let mode = |file: &str| {
        folder
            .path()
            .join("ca")
            .join(file)
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode("root.key"), mode("issuing.key"), mode("")),
        (0o600, 0o600, 0o700)
    );
    assert_eq!(
        std::fs::read_dir(folder.path().join("ca")).unwrap().count(),
        4,
        "and no draft stays behind"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_starts_at_once_end_up_with_one_ca() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let start = |_| {
        let folder = Arc::clone(&folder);
        tokio::spawn(async move { open(folder.path(), LocalSettings::default()).await })
    };
    let starts = join_all((0..8).map(start)).await;
    let certificates: Vec<_> = starts
        .into_iter()
        .map(|ca| ca.unwrap().unwrap().certificate().clone())
        .collect();
    assert!(
        certificates
            .iter()
            .all(|certificate| *certificate == certificates[0])
    );
}

#[tokio::test]
async fn an_interrupted_first_start_is_carried_on() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), LocalSettings::default()).await.unwrap();
    std::fs::remove_file(folder.path().join("issuing.crt")).unwrap();
    let second = open(folder.path(), LocalSettings::default()).await.unwrap();
    assert_eq!(first.roots(), second.roots());
    assert_eq!(
        first.certificate().public_key(),
        second.certificate().public_key()
    );
}

#[tokio::test]
async fn the_root_key_can_be_taken_away_but_what_needs_it_cannot_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), LocalSettings::default()).await.unwrap();
    std::fs::remove_file(folder.path().join("root.key")).unwrap();
    open(folder.path(), LocalSettings::default()).await.unwrap();
    std::fs::remove_file(folder.path().join("issuing.crt")).unwrap();
    match open(folder.path(), LocalSettings::default()).await {
        Err(HierarchyError::Missing { missing, .. }) => assert!(missing.ends_with("root.key")),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("made without its root"),
    }
}

#[tokio::test]
async fn a_lost_issuing_key_is_named_and_not_replaced_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), LocalSettings::default()).await.unwrap();
    std::fs::remove_file(folder.path().join("issuing.key")).unwrap();
    match open(folder.path(), LocalSettings::default()).await {
        Err(HierarchyError::Missing { missing, .. }) => assert!(missing.ends_with("issuing.key")),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("made a new key under an old certificate"),
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_makes_no_ca() {
    let ca = ca_with(LocalSettings::default()).await;
    let signer = Arc::new(PrivateKey::generate(KeyKind::P256).unwrap());
    let parts = CaParts {
        signer,
        chain: vec![ca.certificate().clone()],
        roots: ca.roots().to_vec(),
    };
    assert!(matches!(
        LocalAuthority::new(
            AuthorityName::new("x"),
            parts,
            LocalSettings::default(),
            journal()
        ),
        Err(LocalError::OtherKey(_))
    ));
}

#[tokio::test]
async fn ca_certificates_are_the_chain_and_then_the_roots() {
    let ca = ca_with(LocalSettings::default()).await;
    match ca.support(Support::CaCerts, now()).await.unwrap() {
        SupportAnswer::CaCerts(all) => {
            assert_eq!(all, [ca.certificate().clone(), ca.roots()[0].clone()]);
        }
        other => panic!("{other:?}"),
    }
}
