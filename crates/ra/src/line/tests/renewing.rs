//! Revocation and renewal: who may, and of what.

use super::*;

#[test]
fn whoever_enrolled_a_certificate_may_revoke_it_once() {
    let house = House::new();
    let leaf = issued(house.enroll(request("k")).unwrap()).chain[0].id();
    assert_eq!(
        refused(house.revoke(requester("mallory"), "r0", leaf.clone())),
        RefusalKind::NotAuthorized
    );
    assert!(matches!(
        house.revoke(alice(), "r1", leaf.clone()),
        Outcome::Revoked(_)
    ));
    assert_eq!(house.ca.revoked(), std::slice::from_ref(&leaf));
    assert!(
        matches!(
            house.revoke(alice(), "r1", leaf.clone()),
            Outcome::Revoked(_)
        ),
        "a retry hears the same"
    );
    assert_eq!(
        refused(house.revoke(alice(), "r2", leaf)),
        RefusalKind::AlreadyRevoked
    );
}

#[test]
fn whoever_holds_the_key_of_a_certificate_may_revoke_it() {
    let house = House::new();
    let leaf = issued(house.enroll(request("k")).unwrap()).chain[0].clone();
    let holder = Requester {
        certificate: Some(leaf.clone()),
        ..requester("bob")
    };
    assert!(matches!(
        house.revoke(holder, "r", leaf.id()),
        Outcome::Revoked(_)
    ));
}

#[test]
fn a_revoked_certificate_cannot_be_renewed() {
    let house = House::new();
    let private = Arc::new(PrivateKey::generate(KeyKind::P256).unwrap());
    let leaf = issued(house.enroll(lending("k", &private)).unwrap()).chain[0].clone();
    house.revoke(alice(), "r", leaf.id());
    let replaces = Some(Replaces {
        certificate: leaf,
        proof: Proof::Lent(private),
    });
    let renewal = EnrollRequest {
        replaces,
        ..request("k2")
    };
    assert_eq!(
        refused(house.enroll(renewal).unwrap()),
        RefusalKind::AlreadyRevoked
    );
}

/// Renews `old` by the connection it was presented on.
fn renewal_by_channel(house: &House, shown: &Certificate, named: Certificate) -> Outcome {
    let who = Requester {
        certificate: Some(shown.clone()),
        ..alice()
    };
    renewal_by(house, who, named)
}

fn renewal_by(house: &House, who: Requester, named: Certificate) -> Outcome {
    let renewal = EnrollRequest {
        replaces: Some(Replaces {
            certificate: named,
            proof: Proof::Channel,
        }),
        ..request("renewal")
    };
    block_on(Arc::clone(&house.ra).enroll(who, renewal)).unwrap()
}

#[test]
fn a_certificate_is_renewed_by_an_ra_that_answers_for_its_holder() {
    let house = House::new();
    let old = issued(house.enroll(request("k")).unwrap()).chain[0].clone();
    let ra = Requester {
        acts_as_ra: true,
        ..alice()
    };
    issued(renewal_by(&house, ra, old));
}

#[test]
fn a_certificate_is_renewed_by_whoever_authenticated_with_it() {
    let house = House::new();
    let old = issued(house.enroll(request("k")).unwrap()).chain[0].clone();
    issued(renewal_by_channel(&house, &old, old.clone()));
}

#[test]
fn a_certificate_is_not_renewed_by_a_connection_with_another() {
    let house = House::new();
    let old = issued(house.enroll(request("k")).unwrap()).chain[0].clone();
    let other = issued(house.enroll(request("k2")).unwrap()).chain[0].clone();
    assert_eq!(
        refused(renewal_by_channel(&house, &other, old)),
        RefusalKind::NotAuthorized
    );
}

#[test]
fn a_made_up_certificate_with_the_number_of_a_real_one_is_not_renewed() {
    use pki::issue::{Serial, TbsParameters, issue};
    let house = House::new();
    let real = issued(house.enroll(request("k")).unwrap()).chain[0].clone();
    let private = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut wanted = template(&private);
    wanted
        .sans
        .push(GeneralName::Dns("more.example.com".into()));
    let mut number = [0; 16];
    let digits = &real.serial()[real.serial().len().saturating_sub(16)..];
    number[16 - digits.len()..].copy_from_slice(digits);
    let serial = Serial::from_random(number);
    let (from, until) = (real.not_before(), real.not_after());
    let tbs = TbsParameters::under(house.ca.root(), wanted, serial, from, until);
    let made_up = block_on(issue(&tbs, &private)).unwrap();
    assert_eq!(made_up.id(), real.id());
    let over = Bytes::from_static(b"new request");
    let proof = Proof::Signature {
        signature: private.sign_now(&over).unwrap(),
        algorithm: pki::Signer::algorithm(&private).clone(),
        over,
    };
    let replaces = Some(Replaces {
        certificate: made_up,
        proof,
    });
    let renewal = EnrollRequest {
        replaces,
        ..request("renewal")
    };
    assert_eq!(
        refused(house.enroll(renewal).unwrap()),
        RefusalKind::BadRequest
    );
}

/// A renewal under the same names of a certificate that nobody here knows, its key proven by a signature.
fn renewal_of_unknown(house: &House, issuer: &MemoryCa, days_ago: i64) -> Outcome {
    let private = PrivateKey::generate(KeyKind::P256).unwrap();
    let wanted = template(&private);
    let now = (house.ra.clock)() - SignedDuration::from_hours(24 * days_ago);
    let old = block_on(issuer.sign(wanted.clone(), now)).unwrap();
    let over = Bytes::from_static(b"new request");
    let proof = Proof::Signature {
        signature: private.sign_now(&over).unwrap(),
        algorithm: pki::Signer::algorithm(&private).clone(),
        over,
    };
    let replaces = Some(Replaces {
        certificate: old,
        proof,
    });
    let renewal = request("renewal");
    let wanted = Template {
        public_key: renewal.wanted.public_key.clone(),
        ..wanted
    };
    house
        .enroll(EnrollRequest {
            wanted,
            replaces,
            ..renewal
        })
        .unwrap()
}

#[test]
fn a_certificate_of_the_profiles_ca_that_the_journal_does_not_know_is_renewed() {
    let house = House::new();
    issued(renewal_of_unknown(&house, &house.ca, 0));
}

#[test]
fn a_made_up_certificate_that_the_journal_does_not_know_is_not_renewed() {
    let house = House::new();
    let stranger = block_on(MemoryCa::new((house.ra.clock)())).unwrap();
    let outcome = renewal_of_unknown(&house, &stranger, 0);
    assert_eq!(refused(outcome), RefusalKind::BadRequest);
}

#[test]
fn an_expired_certificate_that_the_journal_does_not_know_is_not_renewed() {
    let house = House::new();
    let outcome = renewal_of_unknown(&house, &house.ca, 2);
    assert_eq!(refused(outcome), RefusalKind::BadRequest);
}
