//! What is told of each decision, and which anchors come with a certificate.

use super::*;

#[test]
fn every_decision_is_in_the_audit_with_who_and_which_certificate() {
    let house = House::new();
    let serial = issued(house.enroll(request("k")).unwrap()).chain[0].serial_text();
    house
        .enroll(EnrollRequest {
            label: Label::new("nope"),
            ..request("k2")
        })
        .unwrap();
    let audit = house.journal.audit();
    let kinds: Vec<&str> = audit.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["begun", "confirming", "confirmed", "refused"]);
    assert!(
        audit
            .iter()
            .all(|event| event.credential == alice().credential)
    );
    assert_eq!(audit[2].serial.as_ref(), Some(&serial));
}

#[test]
fn a_configured_root_that_the_ca_does_not_send_reaches_the_requester_after_the_chains_own() {
    let next = block_on(MemoryCa::new(Timestamp::from_second(START).unwrap())).unwrap();
    let next = next.root().clone();
    let house = House::with(
        |ca| ca,
        |profile| {
            if let Anchors::Configured(roots) = &mut profile.anchors {
                roots.insert(0, next.clone());
            }
        },
    );
    let got = issued(house.enroll(request("k")).unwrap());
    assert_eq!(got.anchors, [house.ca.root().clone(), next]);
}

#[test]
fn trust_is_what_is_configured_and_what_the_ca_names() {
    let house = House::with(
        |ca| ca,
        |profile| profile.anchors = Anchors::Configured(Vec::new()),
    );
    let anchors = block_on(house.ra.trust(&alice(), &Label::new("RA")))
        .unwrap()
        .unwrap();
    assert_eq!(anchors, [house.ca.root().clone()]);
}

#[test]
fn the_anchor_that_todays_chains_end_at_is_the_first_wherever_it_is_configured() {
    let next = block_on(MemoryCa::new(Timestamp::from_second(START).unwrap())).unwrap();
    let next = next.root().clone();
    let house = House::with(
        |ca| ca,
        |profile| {
            let Anchors::Configured(anchors) = &mut profile.anchors else {
                return;
            };
            anchors.insert(0, next.clone());
        },
    );
    let anchors = block_on(house.ra.trust(&alice(), &Label::new("RA")));
    let expected = [house.ca.root().clone(), next];
    assert_eq!(anchors.unwrap().unwrap(), expected);
}

/// What was decided, as words.
fn decided(house: &House) -> Vec<&'static str> {
    let events = house.witness.events();
    events.iter().map(|event| event.kind.as_str()).collect()
}

#[test]
fn every_decision_is_told_once_and_is_the_one_in_the_journal() {
    let house = House::new();
    issued(house.enroll(request("a")).unwrap());
    issued(house.enroll(request("a")).unwrap());
    refused(
        house
            .enroll(EnrollRequest {
                label: Label::new("none"),
                ..request("b")
            })
            .unwrap(),
    );
    assert_eq!(
        decided(&house),
        ["begun", "confirming", "confirmed", "refused"]
    );
    assert_eq!(house.witness.events(), house.journal.audit());
}

#[test]
fn an_event_says_who_what_where_and_which_certificate() {
    let house = House::new();
    let issued = issued(house.enroll(request("a")).unwrap());
    let event = house.witness.events().pop().unwrap();
    assert_eq!(event.credential, alice().credential);
    assert_eq!(event.profile.unwrap().as_str(), "web");
    assert_eq!(event.authority.unwrap().as_str(), "corp");
    let serial = issued.chain[0].serial_text();
    assert_eq!(event.serial.as_deref(), Some(serial.as_str()));
    let subject = pki::name::onap::display(issued.chain[0].subject());
    assert_eq!(event.subject.unwrap_or_default(), subject);
}

#[test]
fn the_stages_of_an_enrollment_are_told_in_the_order_of_the_line() {
    let house = House::new();
    issued(house.enroll(request("a")).unwrap());
    assert_eq!(house.witness.stages(), Stage::ALL);
    assert_eq!(house.witness.calls(), [Called::Answered, Called::Answered]);
}
