//! Keys and certificates of the CA itself: made once, and what becomes of them.

use super::*;

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
