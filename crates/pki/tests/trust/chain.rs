//! Chain assembly. The first part holds the scenarios that ONAP CertService pins, in its words: extraCerts come first in the pool,
//! then caPubs.

use pki::Certificate;
use pki::chain::{Chain, ChainError, MAX_POOL, assemble};
use pki::path::{MAX_PATH, PathError};

use crate::authority::{Authority, expired, not_yet_valid, now};

fn answer(
    leaf: &Certificate,
    extra_certs: &[&Certificate],
    ca_pubs: &[&Certificate],
) -> Result<Chain, ChainError> {
    let pool: Vec<_> = extra_certs
        .iter()
        .chain(ca_pubs)
        .copied()
        .cloned()
        .collect();
    assemble(leaf, &pool, &[], now())
}

#[track_caller]
fn expect(
    found: Result<Chain, ChainError>,
    certificates: &[&Certificate],
    anchors: &[&Certificate],
) {
    let found = found.unwrap();
    let names = |list: &[Certificate]| {
        list.iter()
            .map(|c| c.subject().to_string())
            .collect::<Vec<_>>()
    };
    let owned = |list: &[&Certificate]| list.iter().copied().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&found.certificates),
        names(&owned(certificates)),
        "chain"
    );
    assert_eq!(names(&found.anchors), names(&owned(anchors)), "anchors");
    assert_eq!(
        found,
        Chain {
            certificates: owned(certificates),
            anchors: owned(anchors)
        }
    );
}

#[track_caller]
fn expect_no_issuer(found: Result<Chain, ChainError>) {
    assert!(
        matches!(found, Err(ChainError::Path(PathError::NoIssuer { .. }))),
        "{found:?}"
    );
}

/// root, its leaf
fn one_layer() -> (Certificate, Certificate) {
    let root = Authority::root("Root");
    let leaf = root.leaf("leaf");
    (root.certificate, leaf)
}

/// root, intermediate, its leaf
fn two_layers() -> (Certificate, Certificate, Certificate) {
    let root = Authority::root("Root");
    let sub = root.sub("Intermediate");
    let leaf = sub.leaf("leaf");
    (root.certificate, sub.certificate, leaf)
}

#[test]
fn the_ca_in_ca_pubs_is_the_anchor() {
    let (root, leaf) = one_layer();
    expect(answer(&leaf, &[], &[&root]), &[&leaf], &[&root]);
}

#[test]
fn the_ca_in_extra_certs_is_the_anchor() {
    let (root, leaf) = one_layer();
    expect(answer(&leaf, &[&root], &[]), &[&leaf], &[&root]);
}

#[test]
fn the_ca_in_both_is_one_anchor() {
    let (root, leaf) = one_layer();
    expect(answer(&leaf, &[&root], &[&root]), &[&leaf], &[&root]);
}

#[test]
fn an_extra_anchor_in_ca_pubs_follows_the_terminating_root() {
    let (root, leaf) = one_layer();
    let extra = Authority::root("Extra").certificate;
    expect(
        answer(&leaf, &[], &[&extra, &root]),
        &[&leaf],
        &[&root, &extra],
    );
}

#[test]
fn an_extra_anchor_in_extra_certs_follows_the_terminating_root() {
    let (root, leaf) = one_layer();
    let extra = Authority::root("Extra").certificate;
    expect(
        answer(&leaf, &[&extra], &[&root]),
        &[&leaf],
        &[&root, &extra],
    );
}

#[test]
fn intermediate_and_root_in_extra_certs_make_the_chain() {
    let (root, sub, leaf) = two_layers();
    expect(answer(&leaf, &[&sub, &root], &[]), &[&leaf, &sub], &[&root]);
}

#[test]
fn intermediate_and_root_in_ca_pubs_make_the_chain() {
    let (root, sub, leaf) = two_layers();
    expect(answer(&leaf, &[], &[&sub, &root]), &[&leaf, &sub], &[&root]);
}

#[test]
fn intermediate_in_extra_certs_and_root_in_ca_pubs_make_the_chain() {
    let (root, sub, leaf) = two_layers();
    expect(answer(&leaf, &[&sub], &[&root]), &[&leaf, &sub], &[&root]);
}

#[test]
fn root_in_extra_certs_and_intermediate_in_ca_pubs_make_the_chain() {
    let (root, sub, leaf) = two_layers();
    expect(answer(&leaf, &[&root], &[&sub]), &[&leaf, &sub], &[&root]);
}

#[test]
fn an_intermediate_in_both_is_in_the_chain_once() {
    let (root, sub, leaf) = two_layers();
    expect(
        answer(&leaf, &[&sub, &root], &[&sub]),
        &[&leaf, &sub],
        &[&root],
    );
}

#[test]
fn two_extra_anchors_split_across_both_follow_in_order_of_arrival() {
    let (root, sub, leaf) = two_layers();
    let (first, second) = (
        Authority::root("First").certificate,
        Authority::root("Second").certificate,
    );
    expect(
        answer(&leaf, &[&sub, &first], &[&second, &root]),
        &[&leaf, &sub],
        &[&root, &first, &second],
    );
}

#[test]
fn only_an_unrelated_anchor_is_no_chain() {
    let (_, leaf) = one_layer();
    expect_no_issuer(answer(
        &leaf,
        &[],
        &[&Authority::root("Unrelated").certificate],
    ));
}

#[test]
fn nothing_sent_is_no_chain() {
    let (_, leaf) = one_layer();
    expect_no_issuer(answer(&leaf, &[], &[]));
}

#[test]
fn a_missing_intermediate_is_no_chain() {
    let (root, _, leaf) = two_layers();
    expect_no_issuer(answer(&leaf, &[], &[&root]));
}

// What goes beyond CertService.

#[test]
fn the_leaf_among_the_extra_certs_is_in_the_chain_once() {
    let (root, sub, leaf) = two_layers();
    expect(
        answer(&leaf, &[&leaf, &sub], &[&root]),
        &[&leaf, &sub],
        &[&root],
    );
}

#[test]
fn signers_unused_intermediates_and_strays_are_neither_chain_nor_anchors() {
    let root = Authority::root("Root");
    let (sub, unused) = (root.sub("Intermediate"), root.sub("Unused"));
    let (leaf, signer) = (sub.leaf("leaf"), root.leaf("CMP signer"));
    let stray = Authority::root_with("Self-signed, no CA", |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
    })
    .certificate;
    let found = answer(
        &leaf,
        &[&signer, &sub.certificate, &unused.certificate, &stray],
        &[&root.certificate],
    );
    expect(found, &[&leaf, &sub.certificate], &[&root.certificate]);
}

#[test]
fn roots_with_the_same_subject_are_told_apart_by_their_keys() {
    let (old, new) = (Authority::root("Root"), Authority::root("Root"));
    let leaf = new.leaf("leaf");
    expect(
        answer(&leaf, &[], &[&old.certificate, &new.certificate]),
        &[&leaf],
        &[&new.certificate, &old.certificate],
    );
    expect(
        answer(&leaf, &[], &[&new.certificate, &old.certificate]),
        &[&leaf],
        &[&new.certificate, &old.certificate],
    );
}

#[test]
fn a_wrong_key_identifier_is_only_a_hint() {
    let root = Authority::root("Root");
    let same_key_other_id = root.again(|params| {
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1; 20]);
    });
    let leaf = root.leaf("leaf");
    expect(
        answer(&leaf, &[], &[&same_key_other_id]),
        &[&leaf],
        &[&same_key_other_id],
    );
    let found = answer(&leaf, &[], &[&same_key_other_id, &root.certificate]);
    expect(found, &[&leaf], &[&root.certificate, &same_key_other_id]);
}

#[test]
fn rollover_cross_certificates_stay_out_when_the_new_root_came_along() {
    let (old, new) = (Authority::root("CA G1"), Authority::root("CA G2"));
    let (new_with_old, old_with_new) = (old.cross(&new), new.cross(&old));
    let leaf = new.leaf("leaf");
    let found = answer(
        &leaf,
        &[&new_with_old, &old_with_new],
        &[&old.certificate, &new.certificate],
    );
    expect(found, &[&leaf], &[&new.certificate, &old.certificate]);
}

#[test]
fn the_cross_certificate_leads_to_the_old_root_when_the_new_one_did_not_come_along() {
    let (old, new) = (Authority::root("CA G1"), Authority::root("CA G2"));
    let new_with_old = old.cross(&new);
    let leaf = new.leaf("leaf");
    let found = answer(&leaf, &[&new_with_old], &[&old.certificate]);
    expect(found, &[&leaf, &new_with_old], &[&old.certificate]);
}

#[test]
fn a_rollover_under_one_name_is_bridged_by_its_cross_certificate() {
    let (old, new) = (Authority::root("CA"), Authority::root("CA"));
    let new_with_old = old.cross(&new);
    let leaf = new.leaf("leaf");
    let found = answer(&leaf, &[&new_with_old], &[&old.certificate]);
    expect(found, &[&leaf, &new_with_old], &[&old.certificate]);
}

#[test]
fn a_configured_anchor_makes_the_chain_take_the_cross_certificate() {
    let (old, new) = (Authority::root("CA G1"), Authority::root("CA G2"));
    let new_with_old = old.cross(&new);
    let leaf = new.leaf("leaf");
    let pool = [
        new.certificate.clone(),
        new_with_old.clone(),
        old.certificate.clone(),
    ];
    let found = assemble(&leaf, &pool, std::slice::from_ref(&old.certificate), now());
    expect(found, &[&leaf, &new_with_old], &[&old.certificate]);
}

#[test]
fn a_configured_root_that_was_not_sent_ends_the_chain() {
    let (root, sub, leaf) = two_layers();
    let found = assemble(
        &leaf,
        std::slice::from_ref(&sub),
        std::slice::from_ref(&root),
        now(),
    );
    expect(found, &[&leaf, &sub], &[&root]);
}

#[test]
fn a_configured_intermediate_ends_the_chain_when_no_root_is_known() {
    let (_, sub, leaf) = two_layers();
    let found = assemble(&leaf, &[], std::slice::from_ref(&sub), now());
    expect(found, &[&leaf], &[&sub]);
}

#[test]
fn of_a_configured_root_and_intermediate_the_root_ends_the_chain() {
    let (root, sub, leaf) = two_layers();
    let found = assemble(&leaf, &[], &[sub.clone(), root.clone()], now());
    expect(found, &[&leaf, &sub], &[&root]);
}

#[test]
fn configured_anchors_leave_out_other_roots_that_were_sent() {
    let (root, leaf) = one_layer();
    let (known, unknown) = (
        Authority::root("Known").certificate,
        Authority::root("Unknown").certificate,
    );
    let pool = [unknown, known.clone(), root.clone()];
    let found = assemble(&leaf, &pool, &[root.clone(), known.clone()], now());
    expect(found, &[&leaf], &[&root, &known]);
}

#[test]
fn configured_roots_that_were_not_sent_come_last() {
    let (root, leaf) = one_layer();
    let (sent, next) = (
        Authority::root("Sent").certificate,
        Authority::root("Next").certificate,
    );
    let configured = [next.clone(), sent.clone(), root.clone()];
    let found = assemble(&leaf, &[sent.clone(), root.clone()], &configured, now());
    expect(found, &[&leaf], &[&root, &sent, &next]);
}

#[test]
fn a_chain_to_a_root_that_is_not_configured_is_refused_and_the_root_named() {
    let (root, sub, leaf) = two_layers();
    let configured = Authority::root("Configured").certificate;
    let found = assemble(&leaf, &[sub, root], &[configured], now());
    assert_eq!(
        found,
        Err(ChainError::Untrusted {
            root: "CN=Root".into()
        })
    );
}

#[test]
fn a_root_of_the_configured_name_with_another_key_is_not_the_configured_one() {
    let (root, leaf) = one_layer();
    let impostor = Authority::root("Root").certificate;
    let found = assemble(&leaf, &[root], &[impostor], now());
    assert_eq!(
        found,
        Err(ChainError::Untrusted {
            root: "CN=Root".into()
        })
    );
}

#[test]
fn the_order_does_not_depend_on_anything_but_arrival() {
    let (root, sub, leaf) = two_layers();
    let others: Vec<_> = (0..9)
        .map(|n| Authority::root(&format!("Other {n}")).certificate)
        .collect();
    let pool: Vec<_> = others.iter().cloned().chain([sub, root.clone()]).collect();
    let found = assemble(&leaf, &pool, &[], now()).unwrap();
    assert_eq!(found.anchors[0], root);
    assert_eq!(found.anchors[1..], others);
}

#[test]
fn the_chain_and_its_root_are_the_same_in_whatever_order_they_arrive() {
    let (old, new) = (Authority::root("CA G1"), Authority::root("CA G2"));
    let sub = new.sub("Sub");
    let leaf = sub.leaf("leaf");
    let pool = [
        sub.certificate.clone(),
        old.cross(&new),
        new.certificate.clone(),
        old.certificate.clone(),
        new.leaf("CMP signer"),
    ];
    for order in permutations(pool.len()) {
        let pool: Vec<_> = order.iter().map(|&at| pool[at].clone()).collect();
        let found = assemble(&leaf, &pool, &[], now());
        expect(
            found,
            &[&leaf, &sub.certificate],
            &[&new.certificate, &old.certificate],
        );
    }
}

fn permutations(length: usize) -> Vec<Vec<usize>> {
    let Some(last) = length.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let longer = |shorter: Vec<usize>| {
        (0..length).map(move |place| {
            let mut order = shorter.clone();
            order.insert(place, last);
            order
        })
    };
    permutations(last).into_iter().flat_map(longer).collect()
}

#[test]
fn an_expired_leaf_is_refused() {
    let root = Authority::root("Root");
    let found = answer(&root.leaf_with("leaf", expired), &[], &[&root.certificate]);
    assert!(
        matches!(found, Err(ChainError::Path(PathError::Expired { .. }))),
        "{found:?}"
    );
}

#[test]
fn a_leaf_that_is_not_yet_valid_is_refused() {
    let root = Authority::root("Root");
    let found = answer(
        &root.leaf_with("leaf", not_yet_valid),
        &[],
        &[&root.certificate],
    );
    assert!(
        matches!(found, Err(ChainError::Path(PathError::NotYetValid { .. }))),
        "{found:?}"
    );
}

#[test]
fn an_expired_intermediate_gives_way_to_its_renewal() {
    let root = Authority::root("Root");
    let sub = root.sub("Intermediate");
    let old = root.cross_with(&sub, expired);
    let leaf = sub.leaf("leaf");
    let found = answer(&leaf, &[&old, &sub.certificate], &[&root.certificate]);
    expect(found, &[&leaf, &sub.certificate], &[&root.certificate]);

    let found = answer(&leaf, &[&old], &[&root.certificate]);
    assert!(
        matches!(found, Err(ChainError::Path(PathError::Expired { .. }))),
        "{found:?}"
    );
}

#[test]
fn of_a_roots_certificates_the_valid_one_goes_first() {
    let root = Authority::root("Root");
    let old = root.again(expired);
    let leaf = root.leaf("leaf");
    let found = answer(&leaf, &[], &[&old, &root.certificate]);
    expect(found, &[&leaf], &[&root.certificate, &old]);
}

#[test]
fn an_expired_root_is_still_the_anchor_where_there_is_no_other() {
    let root = Authority::root_with("Root", expired);
    let leaf = root.leaf("leaf");
    expect(
        answer(&leaf, &[], &[&root.certificate]),
        &[&leaf],
        &[&root.certificate],
    );
}

#[test]
fn an_issuer_with_the_right_name_and_the_wrong_key_is_told() {
    let (_, leaf) = one_layer();
    let found = answer(&leaf, &[], &[&Authority::root("Root").certificate]);
    assert!(
        matches!(found, Err(ChainError::Path(PathError::Signature { .. }))),
        "{found:?}"
    );
}

#[test]
fn an_end_entity_is_nobodys_issuer() {
    let root = Authority::root("Root");
    let false_ca = root.sub_with("Not a CA", |params| {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
    });
    let found = answer(
        &false_ca.leaf("leaf"),
        &[&false_ca.certificate],
        &[&root.certificate],
    );
    assert!(
        matches!(found, Err(ChainError::Path(PathError::NotCa { .. }))),
        "{found:?}"
    );
}

#[test]
fn cas_that_certify_each_other_in_a_circle_are_no_chain() {
    let (one, two, three) = (
        Authority::root("One"),
        Authority::root("Two"),
        Authority::root("Three"),
    );
    let leaf = one.leaf("leaf");
    let circle = [two.cross(&one), three.cross(&two), one.cross(&three)];
    expect_no_issuer(answer(&leaf, &circle.each_ref(), &[]));
    let found = answer(&leaf, &circle.each_ref(), &[&three.certificate]);
    expect(
        found,
        &[&leaf, &circle[0], &circle[1]],
        &[&three.certificate],
    );
}

#[test]
fn a_chain_of_the_greatest_length_is_found_and_a_longer_one_refused() {
    let mut line = vec![Authority::root("CA 0")];
    for n in 1..=MAX_PATH {
        let next = line[n - 1].sub(&format!("CA {n}"));
        line.push(next);
    }
    let pool: Vec<_> = line.iter().map(|ca| ca.certificate.clone()).collect();
    let found = assemble(&line[MAX_PATH - 1].leaf("leaf"), &pool, &[], now()).unwrap();
    assert_eq!(found.certificates.len(), MAX_PATH);
    let found = assemble(&line[MAX_PATH].leaf("leaf"), &pool, &[], now());
    assert_eq!(found, Err(ChainError::Path(PathError::TooLong)));
}

#[test]
fn a_pool_made_to_cost_work_is_given_up() {
    // Every certificate here could be the issuer of every other one by name; the leaf's own issuer is missing.
    let tops: Vec<_> = (0..12).map(|_| Authority::root("CA")).collect();
    let crossed = tops.iter().flat_map(|one| {
        tops.iter()
            .filter(move |other| !std::ptr::eq(one, *other))
            .map(|other| one.cross(other))
    });
    let pool: Vec<_> = crossed.take(MAX_POOL).collect();
    let found = assemble(&tops[0].leaf("leaf"), &pool, &[], now());
    assert_eq!(found, Err(ChainError::Path(PathError::TooMuchWork)));
}

#[test]
fn a_pool_larger_than_the_bound_is_refused() {
    let (root, leaf) = one_layer();
    let pool = vec![root; MAX_POOL + 1];
    assert_eq!(
        assemble(&leaf, &pool, &[], now()),
        Err(ChainError::TooMany(MAX_POOL + 1))
    );
}
