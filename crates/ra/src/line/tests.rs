mod asking;
mod confirming;
mod renewing;
mod requests;
mod telling;

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

/// The same for this key, which is lent to us as the proof.
fn lending(key: &str, private: &Arc<PrivateKey>) -> EnrollRequest {
    EnrollRequest {
        wanted: template(private),
        proof: Proof::Lent(Arc::clone(private) as Arc<dyn pki::Signer>),
        ..request(key)
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
