use jiff::SignedDuration;
use pki::{CaConstraint, KeyKind, PrivateKey, usage};

use super::*;
use crate::{Anchors, CredentialId, OnChange, Principal, ProfileName, Requesters, TextPattern};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn who() -> Requester {
    Requester {
        credential: CredentialId::new("mtls:01"),
        principals: vec![Principal::new("dns:client.example")],
        acts_as_ra: false,
        certificate: None,
        via: None,
    }
}

fn profile() -> Profile {
    Profile {
        name: ProfileName::new("web"),
        authority: AuthorityName::new("corp"),
        anchors: Anchors::Configured(Vec::new()),
        requesters: Requesters::Any,
        keys: crate::KeyRules::default(),
        names: NameRules::default(),
        validity: crate::ValidityRules::default(),
        usages: crate::UsageRules::default(),
        ca_certificates: false,
        on_change: OnChange::Accept,
        confirm_within: SignedDuration::from_secs(300),
    }
}

fn wanted() -> Template {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(
        pki::name::onap::parse("CN=a,O=b").unwrap(),
        key.public_key().clone(),
    );
    template.sans = vec![GeneralName::Dns("a.example.com".into())];
    template
}

fn answer(profile: &Profile, who: &Requester, wanted: &Template) -> Result<Approved, RefusalKind> {
    let facts = Facts::default();
    decide(&Question {
        profile,
        who,
        wanted,
        replaces: None,
        facts: &facts,
        lifetime: None,
        begins: NOW,
        now: NOW,
    })
    .map_err(|refusal| refusal.kind)
}

#[test]
fn what_breaks_no_rule_is_approved_unchanged() {
    let wanted = wanted();
    let approved = answer(&profile(), &who(), &wanted).unwrap();
    assert_eq!(approved.template, wanted);
    assert!(!approved.changed);
    assert_eq!(approved.authority, AuthorityName::new("corp"));
}

#[test]
fn a_profile_can_be_kept_to_some_requesters() {
    let mut profile = profile();
    profile.requesters = Requesters::Only(vec![TextPattern::new("dns:*.example")]);
    assert!(answer(&profile, &who(), &wanted()).is_ok());
    profile.requesters = Requesters::Only(vec![TextPattern::new("dns:*.other")]);
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::NotAuthorized)
    );
}

#[test]
fn a_kind_of_key_that_is_not_listed_is_refused() {
    let mut profile = profile();
    profile.keys.kinds = vec![KeyKind::P384];
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::KeyNotAllowed)
    );
}

#[test]
fn rsa_is_allowed_by_size() {
    let rules = crate::KeyRules {
        rsa: Some(3072..=4096),
        kinds: Vec::new(),
    };
    assert!(!rules.allow(KeyKind::Rsa { bits: 2048 }));
    assert!(rules.allow(KeyKind::Rsa { bits: 3072 }));
    assert!(rules.allow(KeyKind::Rsa { bits: 4096 }));
    assert!(!rules.allow(KeyKind::Rsa { bits: 8192 }));
    assert!(
        !crate::KeyRules {
            rsa: None,
            kinds: Vec::new()
        }
        .allow(KeyKind::Rsa { bits: 2048 })
    );
}

#[test]
fn neither_subject_nor_alternative_name_is_refused() {
    let mut wanted = wanted();
    wanted.subject = pki::Name::default();
    assert!(
        answer(&profile(), &who(), &wanted).is_ok(),
        "an alternative name alone suffices"
    );
    wanted.sans.clear();
    assert_eq!(
        answer(&profile(), &who(), &wanted),
        Err(RefusalKind::NameNotAllowed)
    );
}

#[test]
fn names_outside_the_patterns_of_their_kind_are_refused() {
    let mut profile = profile();
    profile.names.dns = Some(vec!["*.example.com".parse().unwrap()]);
    assert!(answer(&profile, &who(), &wanted()).is_ok());
    profile.names.dns = Some(vec!["*.example.org".parse().unwrap()]);
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::NameNotAllowed)
    );
}

#[test]
fn a_kind_of_name_that_is_not_listed_is_refused_whatever_its_value() {
    let mut profile = profile();
    profile.names.kinds = vec![NameKind::Ip];
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::NameNotAllowed)
    );
}

#[test]
fn the_subject_is_matched_as_text_from_left_to_right() {
    let mut profile = profile();
    profile.names.subject = Some(vec![TextPattern::new("CN=*,O=b")]);
    assert!(answer(&profile, &who(), &wanted()).is_ok());
    profile.names.subject = Some(vec![TextPattern::new("O=b,CN=*")]);
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::NameNotAllowed)
    );
}

#[test]
fn more_names_than_the_profile_allows_are_refused() {
    let mut profile = profile();
    profile.names.most = 0;
    assert_eq!(
        answer(&profile, &who(), &wanted()),
        Err(RefusalKind::NameNotAllowed)
    );
}

#[test]
fn a_name_that_someone_else_owns_is_refused() {
    let (profile, who, wanted) = (profile(), who(), wanted());
    let ask = |owner: &str| {
        let facts = Facts {
            owned: vec![(wanted.sans[0].clone(), vec![Principal::new(owner)])],
        };
        decide(&Question {
            profile: &profile,
            who: &who,
            wanted: &wanted,
            replaces: None,
            facts: &facts,
            lifetime: None,
            begins: NOW,
            now: NOW,
        })
    };
    assert_eq!(
        ask("dns:other.example").unwrap_err().kind,
        RefusalKind::NameNotAllowed
    );
    assert!(ask("dns:client.example").is_ok());
}

#[test]
fn ca_certificates_need_a_profile_for_them() {
    let (mut profile, mut wanted) = (profile(), wanted());
    wanted.ca = Some(CaConstraint { path_len: None });
    wanted.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN);
    assert_eq!(
        answer(&profile, &who(), &wanted),
        Err(RefusalKind::CaNotAllowed)
    );
    profile.ca_certificates = true;
    assert!(answer(&profile, &who(), &wanted).is_ok());
}

#[test]
fn signing_certificates_is_no_usage_of_an_end_entity() {
    let mut wanted = wanted();
    wanted.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_CERT_SIGN);
    assert_eq!(
        answer(&profile(), &who(), &wanted),
        Err(RefusalKind::UsageNotAllowed)
    );
    wanted.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    assert!(answer(&profile(), &who(), &wanted).is_ok());
}

#[test]
fn the_usages_of_cmp_components_need_an_explicit_permission() {
    let (mut profile, mut wanted) = (profile(), wanted());
    for component in [usage::CMC_CA, usage::CMC_RA, usage::CM_KGA] {
        wanted.ext_key_usage = vec![usage::CLIENT_AUTH, component];
        profile.usages.cmp_components = false;
        assert_eq!(
            answer(&profile, &who(), &wanted),
            Err(RefusalKind::UsageNotAllowed)
        );
        profile.usages.cmp_components = true;
        assert!(answer(&profile, &who(), &wanted).is_ok());
    }
}

#[test]
fn a_list_of_extended_usages_limits_to_itself() {
    let (mut profile, mut wanted) = (profile(), wanted());
    profile.usages.ext_key_usage = Some(vec![usage::SERVER_AUTH]);
    wanted.ext_key_usage = vec![usage::SERVER_AUTH];
    assert!(answer(&profile, &who(), &wanted).is_ok());
    wanted.ext_key_usage = vec![usage::SERVER_AUTH, usage::CODE_SIGNING];
    assert_eq!(
        answer(&profile, &who(), &wanted),
        Err(RefusalKind::UsageNotAllowed)
    );
}

#[test]
fn defaults_fill_in_what_the_request_leaves_open_and_count_as_a_change() {
    let mut profile = profile();
    profile.usages.default_ext_key_usage = vec![usage::SERVER_AUTH];
    profile.usages.default_key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    profile.validity.default = Some(SignedDuration::from_hours(24));
    let approved = answer(&profile, &who(), &wanted()).unwrap();
    assert!(approved.changed);
    assert_eq!(approved.template.ext_key_usage, [usage::SERVER_AUTH]);
    assert_eq!(
        approved.template.key_usage,
        Some(KeyUsages::DIGITAL_SIGNATURE)
    );
    assert_eq!(
        approved.template.validity.not_after,
        Some(NOW + SignedDuration::from_hours(24))
    );
}

#[test]
fn a_validity_longer_than_allowed_is_refused_and_one_within_is_kept() {
    let (mut profile, mut wanted) = (profile(), wanted());
    profile.validity.most = Some(SignedDuration::from_hours(48));
    wanted.validity.not_after = Some(NOW + SignedDuration::from_hours(48));
    assert!(!answer(&profile, &who(), &wanted).unwrap().changed);
    wanted.validity.not_after = Some(NOW + SignedDuration::from_hours(49));
    assert_eq!(
        answer(&profile, &who(), &wanted),
        Err(RefusalKind::ValidityNotAllowed)
    );
}

/// The answer to whoever wants a certificate for that long from a CA that dates its certificates back by a minute.
fn answer_for(lifetime: SignedDuration, profile: &Profile) -> Result<Approved, RefusalKind> {
    let (who, wanted, facts) = (who(), wanted(), Facts::default());
    decide(&Question {
        profile,
        who: &who,
        wanted: &wanted,
        replaces: None,
        facts: &facts,
        lifetime: Some(lifetime),
        begins: NOW - SignedDuration::from_mins(1),
        now: NOW,
    })
    .map_err(|refusal| refusal.kind)
}

#[test]
fn a_lifetime_counts_from_when_the_ca_lets_the_certificate_begin() {
    let approved = answer_for(SignedDuration::from_hours(48), &profile()).unwrap();
    let ends = NOW - SignedDuration::from_mins(1) + SignedDuration::from_hours(48);
    assert_eq!(approved.template.validity.not_after, Some(ends));
    // A signed request cannot say it, so it cannot be passed on as it is.
    assert!(approved.changed);
}

#[test]
fn the_longest_lifetime_allowed_is_allowed_also_by_a_ca_that_dates_back() {
    let mut profile = profile();
    let most = SignedDuration::from_hours(48);
    profile.validity.most = Some(most);
    assert!(answer_for(most, &profile).is_ok());
    let longer = most + SignedDuration::from_secs(1);
    assert_eq!(
        answer_for(longer, &profile),
        Err(RefusalKind::ValidityNotAllowed)
    );
}

#[test]
fn a_lifetime_that_is_over_before_the_request_is_refused() {
    assert_eq!(
        answer_for(SignedDuration::from_secs(59), &profile()),
        Err(RefusalKind::ValidityNotAllowed)
    );
}

#[test]
fn a_validity_that_ends_before_it_begins_or_in_the_past_is_refused() {
    let mut wanted = wanted();
    wanted.validity.not_after = Some(NOW - SignedDuration::from_secs(1));
    assert_eq!(
        answer(&profile(), &who(), &wanted),
        Err(RefusalKind::ValidityNotAllowed)
    );
    wanted.validity.not_before = Some(NOW + SignedDuration::from_hours(2));
    wanted.validity.not_after = Some(NOW + SignedDuration::from_hours(1));
    assert_eq!(
        answer(&profile(), &who(), &wanted),
        Err(RefusalKind::ValidityNotAllowed)
    );
}
