use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::executor::block_on;
use pki::{Certificate, GeneralName, KeyKind, PrivateKey, Template};

use super::*;
use crate::memory::{MemoryCa, MemoryDomains, MemoryJournal, MemoryWitness, Script};
use crate::{
    Anchors, Called, ConfirmedBy, CredentialId, Key, KeyRules, NameRules, OnChange, Principal,
    Proof, Replaces, RevokeRequest, Sealed, UsageRules, ValidityRules, Word,
};

const START: i64 = 1_800_000_000;

/// A whole RA in memory, with a clock that only tests move.
struct House {
    ra: Arc<Ra>,
    ca: Arc<MemoryCa>,
    journal: Arc<MemoryJournal>,
    witness: Arc<MemoryWitness>,
    seconds: Arc<AtomicI64>,
}

impl House {
    fn new() -> Self {
        Self::with(|ca| ca, |_| {})
    }

    fn with(ca: impl FnOnce(MemoryCa) -> MemoryCa, profile: impl FnOnce(&mut Profile)) -> Self {
        let seconds = Arc::new(AtomicI64::new(START));
        let clock: Clock = {
            let seconds = Arc::clone(&seconds);
            Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
        };
        let ca = Arc::new(ca(block_on(MemoryCa::new(clock())).unwrap()));
        let journal = Arc::new(MemoryJournal::new(Arc::clone(&clock)));
        let (name, authority) = (ProfileName::new("web"), AuthorityName::new("corp"));
        let mut rules = Profile {
            name: name.clone(),
            authority: authority.clone(),
            anchors: Anchors::Configured(vec![ca.root().clone()]),
            requesters: Requesters::Any,
            keys: KeyRules::default(),
            names: NameRules::default(),
            validity: ValidityRules::default(),
            usages: UsageRules::default(),
            ca_certificates: false,
            on_change: OnChange::Accept,
            confirm_within: SignedDuration::from_secs(60),
        };
        profile(&mut rules);
        let label = LabelRules {
            default_profile: name.clone(),
            profiles: vec![name.clone()],
            requesters: Requesters::Any,
        };
        let witness = Arc::new(MemoryWitness::default());
        let ra = Ra {
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            domains: Arc::new(MemoryDomains::default()),
            authorities: HashMap::from([(authority, Arc::clone(&ca) as Arc<dyn Authority>)]),
            profiles: HashMap::from([(name, rules)]),
            labels: HashMap::from([(Label::new("RA"), label)]),
            lease: SignedDuration::from_secs(30),
            clock,
            witness: Arc::clone(&witness) as Arc<dyn Witness>,
        };
        Self {
            ra: Arc::new(ra),
            ca,
            journal,
            witness,
            seconds,
        }
    }

    fn later(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    fn enroll(&self, request: EnrollRequest) -> Result<Outcome, Error> {
        block_on(Arc::clone(&self.ra).enroll(alice(), request))
    }

    fn confirm(&self, id: EntryId, verdict: Verdict) -> Outcome {
        block_on(Arc::clone(&self.ra).confirm(alice(), self.word(id, verdict))).unwrap()
    }

    /// A word on the request that has the key now.
    fn word(&self, id: EntryId, verdict: Verdict) -> Word {
        Word {
            id,
            begun_at: block_on(self.journal.find(&id)).unwrap().unwrap().begun_at,
            verdict,
            front: None,
        }
    }

    fn sweep(&self) -> usize {
        block_on(Arc::clone(&self.ra).sweep(10)).unwrap()
    }

    fn recall(&self, who: &Requester, key: &str) -> Option<Outcome> {
        block_on(self.ra.recall(who, &id_of(key))).unwrap()
    }

    fn revoke(&self, who: Requester, key: &str, of: pki::CertificateId) -> Outcome {
        let request = RevokeRequest {
            key: key_of(key),
            fingerprint: [1; 32],
            label: Label::new("RA"),
            of,
            reason: 1,
            original: None,
            front: Sealed::default(),
            correlation: None,
        };
        block_on(Arc::clone(&self.ra).revoke(who, request)).unwrap()
    }

    fn phase(&self, key: &str) -> Phase {
        block_on(self.journal.find(&id_of(key)))
            .unwrap()
            .unwrap()
            .phase
    }
}

fn requester(name: &str) -> Requester {
    Requester {
        credential: CredentialId::new(format!("mtls:{name}")),
        principals: vec![Principal::new(format!("dns:{name}"))],
        acts_as_ra: false,
        certificate: None,
        via: None,
    }
}

fn alice() -> Requester {
    requester("alice")
}

fn key_of(value: &str) -> Key {
    Key {
        scope: alice().credential,
        value: Bytes::copy_from_slice(value.as_bytes()),
        replay_for: None,
    }
}

fn id_of(value: &str) -> EntryId {
    key_of(value).id()
}

fn template(key: &PrivateKey) -> Template {
    let mut template = Template::new(
        pki::name::onap::parse("CN=a").unwrap(),
        key.public_key().clone(),
    );
    template.sans = vec![GeneralName::Dns("a.example.com".into())];
    template
}

fn request(key: &str) -> EnrollRequest {
    let private = PrivateKey::generate(KeyKind::P256).unwrap();
    EnrollRequest {
        key: key_of(key),
        fingerprint: [7; 32],
        label: Label::new("RA"),
        profile: None,
        wanted: template(&private),
        lifetime: None,
        proof: Proof::Lent(Arc::new(private)),
        original: None,
        replaces: None,
        confirmed_by: ConfirmedBy::Ra,
        front: Sealed::default(),
        correlation: None,
    }
}

fn issued(outcome: Outcome) -> Box<crate::Issued> {
    match outcome {
        Outcome::Issued(issued) => issued,
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: Outcome) -> RefusalKind {
    match outcome {
        Outcome::Refused { refusal, .. } => refusal.kind,
        other => panic!("{other:?}"),
    }
}

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
fn a_ca_that_makes_us_wait_is_polled_when_it_said_so_by_whoever_sweeps() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(90)));
    let Outcome::Waiting { check_after, .. } = house.enroll(request("k")).unwrap() else {
        panic!()
    };
    assert_eq!(check_after, SignedDuration::from_secs(90));
    house.later(89);
    assert_eq!(house.sweep(), 0);
    house.later(1);
    assert_eq!(house.sweep(), 1);
    issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_by_an_hour_puts_off_nothing_by_an_hour() {
    let house = House::new();
    house.later(3600);
    house.ca.will(Script::Wait(SignedDuration::from_secs(90)));
    house.enroll(request("k")).unwrap();
    let confirmed_by = ConfirmedBy::Requester;
    let held = EnrollRequest {
        confirmed_by,
        ..request("held")
    };
    issued(house.enroll(held).unwrap());
    house.later(-3600);
    assert_eq!(block_on(house.ra.clock_was_set_back()).unwrap(), 1);
    house.later(29);
    assert_eq!(
        house.sweep(),
        0,
        "a call may be under way for as long as its lease"
    );
    house.later(1);
    assert_eq!(house.sweep(), 1);
    issued(house.recall(&alice(), "k").unwrap());
    issued(house.recall(&alice(), "held").unwrap());
    assert_eq!(house.ca.issued().len(), 2);
    assert!(house.ca.withdrawn().is_empty());
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_message_and_one_certificate_comes_of_it() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(5);
    assert_eq!(house.sweep(), 1);
    let got = issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued(), [got.chain[0].clone()]);
}

#[test]
fn what_was_never_sent_is_an_error_and_the_same_key_may_begin_anew() {
    let house = House::new();
    house.ca.will(Script::NotSent);
    assert!(matches!(
        house.enroll(request("k")),
        Err(Error::Unavailable { .. })
    ));
    issued(house.enroll(request("k")).unwrap());
}

#[test]
fn where_there_is_another_way_the_request_is_begun_anew_at_once_and_so_is_a_revocation() {
    let house = House::new();
    house.ca.will(Script::NotSentThisWay);
    house.ca.will(Script::NotSentThisWay);
    let issued = issued(house.enroll(request("k")).unwrap());
    assert_eq!(house.ca.calls(), 4, "three ways and the confirmation");
    assert_eq!(house.ca.issued().len(), 1);
    house.ca.will(Script::NotSentThisWay);
    let revoked = house.revoke(alice(), "r", issued.chain[0].id());
    assert!(matches!(revoked, Outcome::Revoked(_)), "{revoked:?}");
}

#[test]
fn ways_that_never_end_are_given_up() {
    let house = House::new();
    for _ in 0..20 {
        house.ca.will(Script::NotSentThisWay);
    }
    assert!(matches!(
        house.enroll(request("k")),
        Err(Error::Unavailable { .. })
    ));
    assert_eq!(house.ca.calls(), 8);
    assert_eq!(house.phase("k"), Phase::NotSent);
}

#[test]
fn another_way_is_not_taken_with_a_row_that_someone_else_began() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::NotSentThisWay);
    house.enroll(request("k")).unwrap();
    house.later(5);
    house.sweep();
    assert_eq!(house.phase("k"), Phase::Waiting);
    assert_eq!(house.ca.calls(), 2);
}

#[test]
fn not_sent_proves_nothing_for_a_row_that_someone_else_began() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::NotSent);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(5);
    house.sweep();
    assert_eq!(house.phase("k"), Phase::Waiting);
    house.later(400);
    house.sweep();
    issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(house.ca.issued().len(), 1);
}

#[test]
fn a_ca_that_will_not_repeat_its_answer_ends_the_request_as_lost() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::Lost);
    house.enroll(request("k")).unwrap();
    house.later(5);
    house.sweep();
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::Lost
    );
}

#[test]
fn a_ca_that_gives_no_answer_for_a_week_is_not_asked_for_ever() {
    let house = House::new();
    house.ca.will(Script::AnswerLost);
    house.ca.will(Script::AnswerLost);
    assert!(matches!(
        house.enroll(request("k")).unwrap(),
        Outcome::Waiting { .. }
    ));
    house.later(7 * 24 * 3_600 + 1);
    house.sweep();
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::Lost
    );
}

#[test]
fn a_ca_that_never_hears_the_confirmation_is_not_told_for_ever() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    house.enroll(request("k")).unwrap();
    house.later(30 * 24 * 3_600);
    house.sweep_with(&[None, Some(Script::AnswerLost)]);
    for _ in 0..3 {
        house.later(2 * 24 * 3_600);
        house.sweep_with(&[Some(Script::AnswerLost)]);
        assert!(matches!(house.phase("k"), Phase::Confirming(..)));
    }
    house.later(2 * 24 * 3_600);
    house.sweep_with(&[Some(Script::AnswerLost)]);
    assert!(matches!(house.phase("k"), Phase::Lost(_)));
}

#[test]
fn a_rejection_by_the_ca_is_the_answer_every_time() {
    let house = House::new();
    house.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "no",
    )));
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::RejectedByCa
    );
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::RejectedByCa
    );
    assert_eq!(house.ca.calls(), 1);
}

#[test]
fn a_certificate_for_another_key_is_given_back() {
    let house = House::new();
    let other = template(&PrivateKey::generate(KeyKind::P256).unwrap());
    house.ca.will(Script::IssueInstead(Box::new(other)));
    assert_eq!(
        refused(house.enroll(request("k")).unwrap()),
        RefusalKind::BadAnswer
    );
    assert_eq!(house.ca.withdrawn().len(), 1);
    assert_eq!(
        block_on(house.journal.revoked(&AuthorityName::new("corp")))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_the_ca_changed_is_told_or_given_back_as_the_profile_says() {
    for (on_change, kept) in [
        (OnChange::Accept, true),
        (OnChange::Warn, true),
        (OnChange::Reject, false),
    ] {
        let house = House::with(|ca| ca, |profile| profile.on_change = on_change);
        let asked = request("k");
        let mut less = asked.wanted.clone();
        less.sans.clear();
        house.ca.will(Script::IssueInstead(Box::new(less)));
        match house.enroll(asked).unwrap() {
            Outcome::Issued(got) => {
                assert!(kept);
                assert_eq!(got.changes.0[0].field, "subjectAltName");
                assert_eq!(got.changes.0[0].requested, "dns:a.example.com");
            }
            other => {
                assert!(!kept);
                assert_eq!(refused(other), RefusalKind::BadAnswer);
            }
        }
    }
}

#[test]
fn a_confirmation_that_got_no_answer_is_sent_again_until_the_ca_has_heard() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(1)));
    house.enroll(request("k")).unwrap();
    house.later(2);
    // The next two calls: the poll is good, the confirmation's answer is lost.
    let ca = Arc::clone(&house.ca);
    let root = ca.root().clone();
    house.sweep_with(&[None, Some(Script::AnswerLost)]);
    assert!(matches!(house.phase("k"), Phase::Confirming(..)));
    house.later(300);
    assert_eq!(house.sweep(), 1);
    let got = issued(house.recall(&alice(), "k").unwrap());
    assert_eq!(got.anchors, [root]);
    assert_eq!(house.ca.confirmed(), [got.chain[0].id()]);
}

impl House {
    /// Sweeps while the CA does these things, `None` being its work.
    fn sweep_with(&self, scripts: &[Option<Script>]) {
        for script in scripts {
            self.ca.will(match script {
                None => Script::Good,
                Some(Script::AnswerLost) => Script::AnswerLost,
                Some(other) => panic!("{other:?}"),
            });
        }
        self.sweep();
    }
}

#[test]
fn an_implicitly_confirmed_certificate_needs_no_second_word() {
    let house = House::with(MemoryCa::implicit, |_| {});
    issued(house.enroll(request("k")).unwrap());
    assert_eq!(house.ca.calls(), 1);
    assert!(matches!(house.phase("k"), Phase::Confirmed(_)));
}

#[test]
fn the_ca_hears_nothing_until_the_requester_that_confirms_itself_has() {
    let house = House::new();
    let asked = EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request("k")
    };
    let got = issued(house.enroll(asked).unwrap());
    assert!(matches!(house.phase("k"), Phase::Issued(_)));
    assert!(house.ca.confirmed().is_empty());
    issued(house.confirm(id_of("k"), Verdict::Accept { original: None }));
    assert_eq!(house.ca.confirmed(), [got.chain[0].id()]);
    let again = house.confirm(id_of("k"), Verdict::Accept { original: None });
    assert_eq!(refused(again), RefusalKind::AlreadyConfirmed);
}

#[test]
fn the_state_of_a_front_changes_with_the_requesters_last_word() {
    let house = House::new();
    let asked = EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request("k")
    };
    issued(house.enroll(asked).unwrap());
    let word = Sealed(Bytes::from_static(b"certConf"));
    let verdict = Verdict::Accept { original: None };
    let said = Word {
        front: Some(word.clone()),
        ..house.word(id_of("k"), verdict)
    };
    let told = Arc::clone(&house.ra).confirm(alice(), said);
    issued(block_on(told).unwrap());
    let row = block_on(house.journal.find(&id_of("k"))).unwrap().unwrap();
    assert_eq!(row.front, word);
}

#[test]
fn a_certificate_that_its_requester_rejects_is_given_back() {
    let house = House::new();
    let asked = EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request("k")
    };
    let got = issued(house.enroll(asked).unwrap());
    let why = Refusal::new(RefusalKind::NotConfirmed, "not what I wanted");
    let outcome = house.confirm(
        id_of("k"),
        Verdict::Reject {
            why,
            original: None,
        },
    );
    assert_eq!(refused(outcome), RefusalKind::NotConfirmed);
    assert_eq!(house.ca.withdrawn(), [got.chain[0].id()]);
}

fn rejection() -> Verdict {
    let why = Refusal::new(RefusalKind::NotConfirmed, "the client gave up");
    Verdict::Reject {
        why,
        original: None,
    }
}

#[test]
fn a_certificate_that_comes_after_its_requester_gave_up_is_given_back() {
    for confirmed_by in [ConfirmedBy::Requester, ConfirmedBy::Ra] {
        let house = House::new();
        let wait = || Script::Wait(SignedDuration::from_secs(10));
        house.ca.will(wait());
        house.ca.will(wait());
        let asked = EnrollRequest {
            confirmed_by,
            ..request("a")
        };
        assert!(matches!(
            house.enroll(asked).unwrap(),
            Outcome::Waiting { .. }
        ));
        for _ in 0..2 {
            let given_up = house.confirm(id_of("a"), rejection());
            assert_eq!(refused(given_up), RefusalKind::NotConfirmed);
            assert_eq!(house.phase("a").name(), "abandoned");
        }
        let again = house.recall(&alice(), "a").unwrap();
        assert_eq!(refused(again), RefusalKind::NotConfirmed);
        house.later(11);
        assert_eq!(house.sweep(), 1, "it is polled all the same");
        assert_eq!(house.phase("a").name(), "abandoned");
        house.later(11);
        assert_eq!(house.sweep(), 1);
        assert_eq!(house.phase("a").name(), "withdrawn");
        assert_eq!(house.ca.confirmed(), []);
        assert_eq!(house.ca.withdrawn().len(), 1);
        let kinds: Vec<&str> = house
            .journal
            .audit()
            .iter()
            .map(|event| event.kind.as_str())
            .collect();
        assert_eq!(
            kinds,
            ["begun", "waiting", "abandoned", "confirming", "withdrawn"]
        );
    }
}

#[test]
fn a_request_that_its_requester_gave_up_ends_as_the_ca_decides() {
    let house = House::new();
    house.ca.will(Script::Wait(SignedDuration::from_secs(10)));
    house.ca.will(Script::Reject(Refusal::new(
        RefusalKind::RejectedByCa,
        "no",
    )));
    house.enroll(request("a")).unwrap();
    house.confirm(id_of("a"), rejection());
    house.later(11);
    house.sweep();
    assert_eq!(house.phase("a").name(), "refused");
}

#[test]
fn a_certificate_not_confirmed_in_time_is_given_back() {
    let house = House::new();
    let asked = EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request("k")
    };
    issued(house.enroll(asked).unwrap());
    house.later(59);
    assert_eq!(house.sweep(), 0);
    house.later(1);
    assert_eq!(house.sweep(), 1);
    assert_eq!(
        refused(house.recall(&alice(), "k").unwrap()),
        RefusalKind::NotConfirmed
    );
    assert_eq!(house.ca.withdrawn().len(), 1);
}

#[test]
fn nobody_sees_or_moves_the_request_of_another() {
    let house = House::new();
    let asked = EnrollRequest {
        confirmed_by: ConfirmedBy::Requester,
        ..request("k")
    };
    issued(house.enroll(asked).unwrap());
    let mallory = requester("mallory");
    assert!(house.recall(&mallory, "k").is_none());
    let verdict = Verdict::Accept { original: None };
    let word = house.word(id_of("k"), verdict);
    let outcome = block_on(Arc::clone(&house.ra).confirm(mallory, word)).unwrap();
    assert_eq!(refused(outcome), RefusalKind::NotFound);
    assert!(matches!(house.phase("k"), Phase::Issued(_)));
}

#[test]
fn a_word_on_an_ended_request_is_none_on_the_one_that_has_its_key_since() {
    let asked = || {
        let mut asked = request("k");
        asked.confirmed_by = ConfirmedBy::Requester;
        asked.key.replay_for = Some(SignedDuration::from_secs(60));
        asked
    };
    for swept in [false, true] {
        let house = House::new();
        house.ca.will(Script::Reject(Refusal::new(
            RefusalKind::RejectedByCa,
            "no",
        )));
        refused(house.enroll(asked()).unwrap());
        let word = house.word(id_of("k"), Verdict::Accept { original: None });
        house.later(3_600);
        issued(house.enroll(asked()).unwrap());
        if swept {
            // The journal no longer has it as the call that issued left it.
            let claimed = block_on(house.journal.claim(&id_of("k"), SignedDuration::ZERO));
            let (claim, _) = claimed.unwrap().unwrap();
            block_on(house.journal.release(claim)).unwrap();
        }
        let outcome = block_on(Arc::clone(&house.ra).confirm(alice(), word)).unwrap();
        assert_eq!(refused(outcome), RefusalKind::NotFound);
        assert!(matches!(house.phase("k"), Phase::Issued(_)));
        issued(house.confirm(id_of("k"), Verdict::Accept { original: None }));
    }
}

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
    let first = EnrollRequest {
        wanted: template(&private),
        proof: Proof::Lent(Arc::clone(&private) as Arc<dyn pki::Signer>),
        ..request("k")
    };
    let leaf = issued(house.enroll(first).unwrap()).chain[0].clone();
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

#[test]
fn a_row_under_a_lent_key_is_moved_by_the_clients_next_call_only() {
    let house = House::new();
    let private = Arc::new(PrivateKey::generate(KeyKind::P256).unwrap());
    let first = EnrollRequest {
        wanted: template(&private),
        proof: Proof::Lent(Arc::clone(&private) as Arc<dyn pki::Signer>),
        ..request("k")
    };
    let leaf = issued(house.enroll(first).unwrap()).chain[0].clone();
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
