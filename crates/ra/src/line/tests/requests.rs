//! What is asked for: policy, keys, and the same request again.

use super::*;

#[test]
fn a_certificate_comes_with_its_chain_and_its_root_and_is_confirmed() {
    let house = House::new();
    let got = issued(house.enroll(request("k")).unwrap());
    assert_eq!(got.chain.len(), 1);
    assert_eq!(got.anchors, [house.ca.root().clone()]);
    assert!(got.changes.is_empty(), "{}", got.changes);
    assert_eq!(house.ca.confirmed(), [got.chain[0].id()]);
    assert!(matches!(house.phase("k"), Phase::Confirmed(_)));
}

#[test]
fn the_same_request_gets_the_same_certificate_and_the_ca_is_not_asked_again() {
    let house = House::new();
    let first = issued(house.enroll(request("k")).unwrap());
    let calls = house.ca.calls();
    let again = issued(house.enroll(request("k")).unwrap());
    assert_eq!(first.chain, again.chain);
    assert_eq!(house.ca.calls(), calls);
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    let house = House::new();
    issued(house.enroll(request("k")).unwrap());
    let other = EnrollRequest {
        fingerprint: [8; 32],
        ..request("k")
    };
    assert_eq!(
        refused(house.enroll(other).unwrap()),
        RefusalKind::OtherRequestUnderKey
    );
}

#[test]
fn a_request_refused_by_a_new_policy_still_gets_the_answer_it_got() {
    let house = House::new();
    let first = issued(house.enroll(request("k")).unwrap());
    let mut strict = Ra {
        journal: Arc::clone(&house.ra.journal),
        domains: Arc::clone(&house.ra.domains),
        authorities: house.ra.authorities.clone(),
        profiles: house.ra.profiles.clone(),
        labels: house.ra.labels.clone(),
        lease: house.ra.lease,
        clock: Arc::clone(&house.ra.clock),
        witness: Arc::clone(&house.ra.witness),
    };
    strict
        .profiles
        .values_mut()
        .for_each(|profile| profile.keys.kinds.clear());
    let strict = Arc::new(strict);
    let again = issued(block_on(Arc::clone(&strict).enroll(alice(), request("k"))).unwrap());
    assert_eq!(again.chain, first.chain);
    let new = block_on(strict.enroll(alice(), request("other"))).unwrap();
    assert_eq!(refused(new), RefusalKind::KeyNotAllowed);
}

#[test]
fn a_key_that_is_not_the_requests_is_no_proof_of_possession() {
    let house = House::new();
    let proof = Proof::Lent(Arc::new(PrivateKey::generate(KeyKind::P256).unwrap()));
    assert_eq!(
        refused(
            house
                .enroll(EnrollRequest {
                    proof,
                    ..request("k")
                })
                .unwrap()
        ),
        RefusalKind::BadPop
    );
    assert_eq!(house.ca.calls(), 0);
}

#[test]
fn ra_verified_is_refused_from_whoever_is_no_ra() {
    let house = House::new();
    let asked = || EnrollRequest {
        proof: Proof::RaVerified,
        ..request("k")
    };
    assert_eq!(refused(house.enroll(asked()).unwrap()), RefusalKind::BadPop);
    let ra = Requester {
        acts_as_ra: true,
        ..alice()
    };
    issued(block_on(Arc::clone(&house.ra).enroll(ra, asked())).unwrap());
}

#[test]
fn an_unknown_label_and_an_unknown_profile_are_told_apart() {
    let house = House::new();
    let label = EnrollRequest {
        label: Label::new("nope"),
        ..request("k")
    };
    assert_eq!(
        refused(house.enroll(label).unwrap()),
        RefusalKind::UnknownLabel
    );
    let profile = EnrollRequest {
        profile: Some(ProfileName::new("nope")),
        ..request("k")
    };
    assert_eq!(
        refused(house.enroll(profile).unwrap()),
        RefusalKind::UnknownProfile
    );
}

#[test]
fn a_row_under_a_lent_key_is_moved_by_the_clients_next_call_only() {
    let house = House::new();
    let private = Arc::new(PrivateKey::generate(KeyKind::P256).unwrap());
    let leaf = issued(house.enroll(lending("k", &private)).unwrap()).chain[0].clone();
    let renewal = || EnrollRequest {
        replaces: Some(Replaces {
            certificate: leaf.clone(),
            proof: Proof::Lent(Arc::clone(&private) as Arc<dyn pki::Signer>),
        }),
        ..request("renewal")
    };
    house.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    assert!(matches!(
        house.enroll(renewal()).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(3_600);
    assert_eq!(house.sweep(), 0);
    issued(house.enroll(renewal()).unwrap());
}

#[test]
fn a_key_with_a_replay_span_is_free_again_after_it() {
    let house = House::new();
    let asked = || {
        let mut asked = request("k");
        asked.key.replay_for = Some(SignedDuration::from_secs(60));
        asked
    };
    let first = issued(house.enroll(asked()).unwrap()).chain[0].id();
    house.later(60);
    assert_eq!(issued(house.enroll(asked()).unwrap()).chain[0].id(), first);
    house.later(1);
    assert_ne!(issued(house.enroll(asked()).unwrap()).chain[0].id(), first);
}
