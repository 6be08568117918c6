//! Path validation.

use pki::Certificate;
use pki::path::{PathError, Purpose, validate};
use rcgen::{
    BasicConstraints, CidrSubnet, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, KeyUsagePurpose, NameConstraints, SanType,
};

use crate::authority::{Authority, expired, not_yet_valid, now};

fn check(
    end: &Certificate,
    intermediates: &[&Authority],
    anchor: &Authority,
    purpose: Purpose,
) -> Result<(), PathError> {
    let intermediates: Vec<_> = intermediates
        .iter()
        .map(|ca| ca.certificate.clone())
        .collect();
    validate(
        end,
        &intermediates,
        std::slice::from_ref(&anchor.certificate),
        now(),
        purpose,
    )
}

fn any(
    end: &Certificate,
    intermediates: &[&Authority],
    anchor: &Authority,
) -> Result<(), PathError> {
    check(end, intermediates, anchor, Purpose::Any)
}

fn pem(text: &str) -> Certificate {
    Certificate::all_from_pem(text.as_bytes())
        .unwrap()
        .remove(0)
}

#[test]
fn a_path_through_an_intermediate_is_good() {
    let root = Authority::root("Root");
    let sub = root.sub("Sub");
    assert_eq!(any(&sub.leaf("leaf"), &[&sub], &root), Ok(()));
}

#[test]
fn what_a_peer_sent_never_becomes_an_anchor() {
    let (root, own) = (Authority::root("Root"), Authority::root("Attacker"));
    let found = any(&own.leaf("leaf"), &[&own], &root);
    assert!(
        matches!(found, Err(PathError::NoIssuer { .. })),
        "{found:?}"
    );
}

#[test]
fn without_anchors_nothing_is_good() {
    let root = Authority::root("Root");
    let found = validate(
        &root.certificate,
        std::slice::from_ref(&root.certificate),
        &[],
        now(),
        Purpose::Any,
    );
    assert!(found.is_err());
}

#[test]
fn a_ca_signs_messages_with_its_own_certificate_where_that_is_the_anchor() {
    let root = Authority::root_with("CA", |params| {
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    assert_eq!(
        check(&root.certificate, &[], &root, Purpose::CmpSigner),
        Ok(())
    );
}

#[test]
fn an_intermediate_ca_signs_messages_under_a_configured_root() {
    let root = Authority::root("Root");
    let sub = root.sub_with("CA", |params| {
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    assert_eq!(
        check(&sub.certificate, &[&sub], &root, Purpose::CmpSigner),
        Ok(())
    );
}

#[test]
fn a_pinned_end_entity_is_good_without_its_issuer() {
    let leaf = Authority::root("Root").leaf("signer");
    let found = validate(
        &leaf,
        &[],
        std::slice::from_ref(&leaf),
        now(),
        Purpose::CmpSigner,
    );
    assert_eq!(found, Ok(()));
}

#[test]
fn a_pinned_end_entity_is_nobodys_issuer() {
    let root = Authority::root("Root");
    let pinned = root.sub_with("Pinned", |params| params.is_ca = IsCa::ExplicitNoCa);
    let found = any(&pinned.leaf("leaf"), &[], &pinned);
    assert!(matches!(found, Err(PathError::NotCa { .. })), "{found:?}");
}

#[test]
fn a_pinned_certificate_expires_like_any_other() {
    let leaf = Authority::root("Root").leaf_with("signer", expired);
    let found = validate(
        &leaf,
        &[],
        std::slice::from_ref(&leaf),
        now(),
        Purpose::CmpSigner,
    );
    assert!(matches!(found, Err(PathError::Expired { .. })), "{found:?}");
}

#[test]
fn a_version_1_root_is_an_anchor_and_no_intermediate() {
    let root = pem(include_str!("../fixtures/version-1/root.pem"));
    let leaf = pem(include_str!("../fixtures/version-1/leaf.pem"));
    let other = Authority::root("Other").certificate;
    assert_eq!(
        validate(
            &leaf,
            &[],
            std::slice::from_ref(&root),
            now(),
            Purpose::CmpSigner
        ),
        Ok(())
    );
    assert!(validate(&leaf, &[root], &[other], now(), Purpose::Any).is_err());
    let found = validate(
        &other_leaf_of(&leaf),
        &[],
        std::slice::from_ref(&leaf),
        now(),
        Purpose::Any,
    );
    assert!(matches!(found, Err(PathError::NotCa { .. })), "{found:?}");
}

/// A certificate that names the version 1 leaf as its issuer.
fn other_leaf_of(leaf: &Certificate) -> Certificate {
    let impostor = Authority::root_with("leaf", |params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        params.distinguished_name.push(DnType::CommonName, "leaf");
    });
    assert!(pki::name::same_name(
        impostor.certificate.subject(),
        leaf.subject()
    ));
    impostor.leaf("below")
}

#[test]
fn names_are_compared_without_regard_to_string_type_and_case() {
    let root = Authority::root("Some CA");
    let shouting = Authority::root("SOME CA").certificate;
    let printable = root.again(|params| {
        let name = rcgen::DnValue::PrintableString("Some CA".try_into().unwrap());
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
    });
    let leaf = root.leaf("leaf");
    assert_ne!(printable.subject(), root.certificate.subject());
    assert_eq!(
        validate(&leaf, &[], &[shouting, printable], now(), Purpose::Any),
        Ok(())
    );
}

#[test]
fn expired_and_future_certificates_are_refused_wherever_they_stand() {
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", expired);
    assert!(matches!(
        any(&root.leaf_with("a", expired), &[], &root),
        Err(PathError::Expired { .. })
    ));
    assert!(matches!(
        any(&root.leaf_with("b", not_yet_valid), &[], &root),
        Err(PathError::NotYetValid { .. })
    ));
    assert!(matches!(
        any(&sub.leaf("c"), &[&sub], &root),
        Err(PathError::Expired { .. })
    ));
}

#[test]
fn a_certificate_of_this_minute_is_good_though_the_ca_s_clock_runs_ahead() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with("leaf", |params| {
        params.not_before += std::time::Duration::from_secs(4 * 60);
    });
    let then = "2020-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        validate(&leaf, &[], &[root.certificate], then, Purpose::Any),
        Ok(())
    );
}

#[test]
fn a_ca_without_key_cert_sign_issues_nothing() {
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let found = any(&sub.leaf("leaf"), &[&sub], &root);
    assert!(matches!(found, Err(PathError::NotCa { .. })), "{found:?}");
}

#[test]
fn path_length_counts_the_cas_below() {
    let limit = |length| {
        move |params: &mut rcgen::CertificateParams| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
        }
    };
    let root = Authority::root_with("Root", limit(1));
    let sub = root.sub_with("Sub", limit(0));
    let below = sub.sub("Below");
    assert_eq!(any(&sub.leaf("leaf"), &[&sub], &root), Ok(()));
    let found = any(&below.leaf("leaf"), &[&below, &sub], &root);
    assert!(
        matches!(found, Err(PathError::PathLength { .. })),
        "{found:?}"
    );
}

#[test]
fn a_ca_s_certificate_for_itself_does_not_count_into_the_path_length() {
    let root = Authority::root_with("Root", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let new_key = Authority::root("Root");
    let new_with_old = root.cross(&new_key);
    let leaf = new_key.leaf("leaf");
    let found = validate(
        &leaf,
        &[new_with_old],
        std::slice::from_ref(&root.certificate),
        now(),
        Purpose::Any,
    );
    assert_eq!(found, Ok(()));
}

#[test]
fn an_unknown_critical_extension_is_refused_in_end_and_intermediate() {
    let critical = |params: &mut rcgen::CertificateParams| {
        let mut extension =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", critical);
    assert!(matches!(
        any(&root.leaf_with("leaf", critical), &[], &root),
        Err(PathError::CriticalExtension { .. })
    ));
    assert!(matches!(
        any(&sub.leaf("leaf"), &[&sub], &root),
        Err(PathError::CriticalExtension { .. })
    ));
}

#[test]
fn an_explicit_policy_that_a_ca_requires_is_refused_and_not_ignored() {
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", |params| {
        // SEQUENCE { requireExplicitPolicy [0] 0 }
        let mut extension =
            CustomExtension::from_oid_content(&[2, 5, 29, 36], vec![0x30, 3, 0x80, 1, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let found = any(&sub.leaf("leaf"), &[&sub], &root);
    assert!(
        matches!(found, Err(PathError::CriticalExtension { .. })),
        "{found:?}"
    );
}

#[test]
fn a_cmp_signer_needs_digital_signature_only_where_usages_are_given() {
    let root = Authority::root("Root");
    let with = |usages: Vec<KeyUsagePurpose>| {
        root.leaf_with("signer", |params| params.key_usages = usages)
    };
    assert_eq!(check(&with(vec![]), &[], &root, Purpose::CmpSigner), Ok(()));
    assert_eq!(
        check(
            &with(vec![KeyUsagePurpose::DigitalSignature]),
            &[],
            &root,
            Purpose::CmpSigner
        ),
        Ok(())
    );
    let found = check(
        &with(vec![KeyUsagePurpose::KeyEncipherment]),
        &[],
        &root,
        Purpose::CmpSigner,
    );
    assert!(matches!(found, Err(PathError::Purpose { .. })), "{found:?}");
}

#[test]
fn cmc_ca_and_cmc_ra_must_be_said_each_by_itself() {
    let root = Authority::root("Root");
    let with = |usages: Vec<ExtendedKeyUsagePurpose>| {
        root.leaf_with("signer", |params| params.extended_key_usages = usages)
    };
    let cmc = |last| ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, last]);
    assert_eq!(
        check(&with(vec![cmc(27)]), &[], &root, Purpose::CmpCa),
        Ok(())
    );
    assert_eq!(
        check(&with(vec![cmc(28)]), &[], &root, Purpose::CmpRa),
        Ok(())
    );
    for (usages, purpose) in [
        (vec![cmc(28)], Purpose::CmpCa),
        (vec![cmc(27)], Purpose::CmpRa),
        (vec![], Purpose::CmpRa),
        (vec![ExtendedKeyUsagePurpose::Any], Purpose::CmpRa),
    ] {
        let found = check(&with(usages.clone()), &[], &root, purpose);
        assert!(
            matches!(found, Err(PathError::Purpose { .. })),
            "{usages:?} {purpose:?} {found:?}"
        );
    }
}

#[test]
fn a_tls_client_is_refused_only_by_usages_that_leave_it_out() {
    let root = Authority::root("Root");
    let with = |usages: Vec<ExtendedKeyUsagePurpose>| {
        root.leaf_with("client", |params| params.extended_key_usages = usages)
    };
    for usages in [
        vec![],
        vec![ExtendedKeyUsagePurpose::ClientAuth],
        vec![ExtendedKeyUsagePurpose::Any],
    ] {
        assert_eq!(check(&with(usages), &[], &root, Purpose::TlsClient), Ok(()));
    }
    let found = check(
        &with(vec![ExtendedKeyUsagePurpose::ServerAuth]),
        &[],
        &root,
        Purpose::TlsClient,
    );
    assert!(matches!(found, Err(PathError::Purpose { .. })), "{found:?}");
}

fn constrained(
    permitted: Vec<GeneralSubtree>,
    excluded: Vec<GeneralSubtree>,
) -> (Authority, Authority) {
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: excluded,
        });
    });
    (root, sub)
}

fn named(sub: &Authority, names: Vec<SanType>) -> Certificate {
    sub.leaf_with("leaf", |params| params.subject_alt_names = names)
}

#[test]
fn name_constraints_of_an_intermediate_hold_for_names_of_their_kind() {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let net = CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8);
    let (root, sub) = constrained(
        vec![
            GeneralSubtree::DnsName("example.com".into()),
            GeneralSubtree::IpAddress(net),
        ],
        vec![GeneralSubtree::DnsName("secret.example.com".into())],
    );
    let judge = |names| any(&named(&sub, names), &[&sub], &root);
    assert_eq!(
        judge(vec![
            dns("a.example.com"),
            SanType::IpAddress("10.0.0.1".parse().unwrap())
        ]),
        Ok(())
    );
    assert_eq!(
        judge(vec![SanType::Rfc822Name(
            "me@elsewhere.org".try_into().unwrap()
        )]),
        Ok(())
    );
    for name in [
        dns("a.example.org"),
        dns("a.secret.example.com"),
        SanType::IpAddress("11.0.0.1".parse().unwrap()),
        SanType::IpAddress("::1".parse().unwrap()),
    ] {
        let found = judge(vec![dns("a.example.com"), name.clone()]);
        assert!(
            matches!(found, Err(PathError::NameConstraints { .. })),
            "{name:?} {found:?}"
        );
    }
}

#[test]
fn name_constraints_on_directory_names_hold_for_the_subject() {
    let mut base = rcgen::DistinguishedName::new();
    base.push(DnType::OrganizationName, "Example");
    let (root, sub) = constrained(vec![GeneralSubtree::DirectoryName(base)], vec![]);
    let of = |organization: &str| {
        sub.leaf_with("", |params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params
                .distinguished_name
                .push(DnType::OrganizationName, organization);
            params.distinguished_name.push(DnType::CommonName, "leaf");
        })
    };
    assert_eq!(any(&of("Example"), &[&sub], &root), Ok(()));
    let found = any(&of("Other"), &[&sub], &root);
    assert!(
        matches!(found, Err(PathError::NameConstraints { .. })),
        "{found:?}"
    );
}

#[test]
fn name_constraints_of_an_anchor_hold_too() {
    let root = Authority::root_with("Root", |params| {
        let permitted = vec![GeneralSubtree::DnsName("example.com".into())];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: permitted,
            excluded_subtrees: vec![],
        });
    });
    let found = any(
        &named(&root, vec![SanType::DnsName("a.org".try_into().unwrap())]),
        &[],
        &root,
    );
    assert!(
        matches!(found, Err(PathError::NameConstraints { .. })),
        "{found:?}"
    );
}

#[test]
fn a_constraint_of_a_kind_that_is_not_processed_refuses_names_of_that_kind_only() {
    // SEQUENCE { permittedSubtrees [0] { SEQUENCE { otherName [0] { 1.3.6.1.4.1.311.20.2.3, [0] UTF8String "x" } } } }
    let upn = [0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3];
    let other = [&[0x06, 10][..], &upn, &[0xa0, 3, 0x0c, 1, b'x']].concat();
    let constraint = wrapped(&[0xa0, 0x30, 0xa0, 0x30], &other);
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", |params| {
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 30], constraint);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let name = SanType::OtherName((
        vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3],
        rcgen::OtherNameValue::Utf8String("me".into()),
    ));
    assert_eq!(any(&sub.leaf("leaf"), &[&sub], &root), Ok(()));
    let found = any(&named(&sub, vec![name]), &[&sub], &root);
    assert!(
        matches!(found, Err(PathError::NameConstraints { .. })),
        "{found:?}"
    );
}

/// `inner` in one element after another, innermost tag first.
fn wrapped(tags: &[u8], inner: &[u8]) -> Vec<u8> {
    tags.iter().fold(inner.to_vec(), |inner, &tag| {
        let length = u8::try_from(inner.len()).unwrap();
        [&[tag, length][..], &inner].concat()
    })
}
