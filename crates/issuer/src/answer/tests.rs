use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};

use super::*;

struct Ca {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    params
}

fn root(name: &str) -> Ca {
    let (params, key) = (params(name, true), KeyPair::generate().unwrap());
    let certificate = params.self_signed(&key).unwrap();
    Ca {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

fn under(name: &str, ca: &Ca) -> Ca {
    let (params, key) = (params(name, true), KeyPair::generate().unwrap());
    let certificate = params.signed_by(&key, &ca.issuer).unwrap();
    Ca {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

fn leaf(ca: &Ca) -> (String, PublicKey) {
    let key = KeyPair::generate().unwrap();
    let certificate = params("web", false)
        .signed_by(&key, &ca.issuer)
        .unwrap()
        .pem();
    let public = Certificate::from_pem(certificate.as_bytes()).unwrap();
    (certificate, public.public_key().clone())
}

fn issued(certificate: String, chain: &[&Ca], roots: &[&Ca]) -> Issued {
    let pem = |list: &[&Ca]| list.iter().map(|ca| ca.certificate.pem()).collect();
    Issued {
        id: "1".to_owned(),
        certificate,
        chain: pem(chain),
        roots: pem(roots),
        not_before: now(),
        not_after: now(),
        serial: "01".to_owned(),
        kind: RequestKind::Ir,
        changes: Vec::new(),
    }
}

/// By somebody who has seen no CA before.
fn check(
    issued: &Issued,
    key: &PublicKey,
    mode: TrustMode,
    now: Timestamp,
) -> Result<Sound, Unsound> {
    super::check(issued, key, mode, &KnownCas::default(), now)
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn names(pem: &str) -> Vec<String> {
    let all = pki::Certificate::all_from_pem(pem.as_bytes()).unwrap();
    all.iter()
        .map(|c| pki::name::common_name(c.subject()).unwrap())
        .collect()
}

#[test]
fn the_certificate_has_its_intermediates_and_no_root_and_the_root_of_its_chain_is_first() {
    let (z, a) = (root("z root"), root("a root"));
    let middle = under("issuing", &z);
    let (text, key) = leaf(&middle);
    // The service said them in another order, and the root among the chain.
    let answer = issued(text, &[&middle, &z], &[&a, &z]);
    let sound = check(&answer, &key, TrustMode::All, now()).unwrap();
    assert_eq!(names(&sound.certificate), ["web", "issuing"]);
    assert_eq!(names(&sound.ca), ["z root", "a root"]);
}

#[test]
fn the_other_roots_come_in_the_same_order_whatever_order_they_came_in() {
    let (a, b, c) = (root("a"), root("b"), root("c"));
    let (text, key) = leaf(&b);
    let ca = |roots: &[&Ca]| {
        let answer = issued(text.clone(), &[], roots);
        check(&answer, &key, TrustMode::All, now()).unwrap().ca
    };
    assert_eq!(ca(&[&a, &b, &c]), ca(&[&c, &a, &b, &a]));
    assert_eq!(names(&ca(&[&a, &b, &c])), ["b", "a", "c"]);
}

#[test]
fn two_roots_of_one_subject_are_both_kept() {
    let (old, new) = (root("Root CA"), root("Root CA"));
    let (text, key) = leaf(&new);
    let sound = check(
        &issued(text, &[], &[&old, &new]),
        &key,
        TrustMode::All,
        now(),
    )
    .unwrap();
    assert_eq!(names(&sound.ca), ["Root CA", "Root CA"]);
    assert!(
        sound.ca.starts_with(
            &Certificate::from_pem(new.certificate.pem().as_bytes())
                .unwrap()
                .to_pem()
        )
    );
}

#[test]
fn the_mode_says_which_roots_are_written() {
    let (a, b) = (root("a"), root("b"));
    let (text, key) = leaf(&b);
    let answer = issued(text, &[], &[&a, &b]);
    let ca = |mode| check(&answer, &key, mode, now()).unwrap().ca;
    assert_eq!(names(&ca(TrustMode::ChainRootOnly)), ["b"]);
    assert_eq!(ca(TrustMode::None), "");
}

#[test]
fn a_certificate_of_another_key_is_not_taken() {
    let ca = root("ca");
    let ((text, _), (_, other)) = (leaf(&ca), leaf(&ca));
    let error = check(&issued(text, &[], &[&ca]), &other, TrustMode::All, now()).unwrap_err();
    assert!(matches!(error, Unsound::OtherKey));
}

#[test]
fn a_chain_that_does_not_end_at_a_root_that_came_along_is_not_taken() {
    let (ca, other) = (root("ca"), root("other"));
    let (text, key) = leaf(&ca);
    for roots in [&[&other][..], &[]] {
        let error = check(
            &issued(text.clone(), &[], roots),
            &key,
            TrustMode::All,
            now(),
        );
        assert!(matches!(error.unwrap_err(), Unsound::Chain(_)));
    }
}

#[test]
fn what_is_no_certificate_is_named_and_never_passed_on() {
    let ca = root("ca");
    let (text, key) = leaf(&ca);
    let public_key = ca.issuer.key().public_key_pem();
    let mut answer = issued(text.clone(), &[], &[&ca]);
    answer.roots.push(public_key);
    let error = check(&answer, &key, TrustMode::All, now()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("roots is not one certificate"),
        "{error}"
    );
    let twice = issued(format!("{text}{text}"), &[], &[&ca]);
    let error = check(&twice, &key, TrustMode::All, now()).unwrap_err();
    assert!(error.to_string().contains("several"), "{error}");
}

#[test]
fn an_expired_root_is_left_out() {
    let (ca, old) = (root("ca"), {
        let (mut params, key) = (params("old", true), KeyPair::generate().unwrap());
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Ca {
            certificate,
            issuer: Issuer::new(params, key),
        }
    });
    let (text, key) = leaf(&ca);
    let sound = check(
        &issued(text, &[], &[&ca, &old]),
        &key,
        TrustMode::All,
        now(),
    )
    .unwrap();
    assert_eq!(names(&sound.ca), ["ca"]);
}

/// A root's key, certified by another root.
fn cross(of: &Ca, by: &Ca) -> Ca {
    let params = params("rolled", true);
    let key = KeyPair::from_pem(&of.issuer.key().serialize_pem()).unwrap();
    let certificate = params.signed_by(&key, &by.issuer).unwrap();
    Ca {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

#[test]
fn roots_of_one_subject_are_both_kept_and_a_cross_certificate_of_that_subject_is_none() {
    let (new, old) = (root("rolled"), root("rolled"));
    let cross = cross(&new, &old);
    let (text, key) = leaf(&new);
    let answer = issued(text, &[], &[&old, &cross, &new]);
    let sound = check(&answer, &key, TrustMode::All, now()).unwrap();
    let expected = [new.certificate.pem(), old.certificate.pem()].concat();
    let both = |text: &str| Certificate::all_from_pem(text.as_bytes()).unwrap();
    assert_eq!(both(&sound.ca), both(&expected));
}

#[test]
fn roots_of_one_subject_are_found_and_one_that_came_twice_is_no_two() {
    let read = |ca: &Ca| Certificate::from_pem(ca.certificate.pem().as_bytes()).unwrap();
    let (one, other, third) = (root("rolled"), root("rolled"), root("third"));
    let alike = [read(&third), read(&one), read(&other)];
    assert_eq!(twins(&alike).as_deref(), Some("CN=rolled"));
    assert_eq!(twins(&[read(&one), read(&one), read(&third)]), None);
    assert_eq!(twins(&[]), None);
}
