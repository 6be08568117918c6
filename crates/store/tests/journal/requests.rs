use std::str::FromStr as _;
use std::sync::OnceLock;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, assemble};
use pki::{CaConstraint, Certificate, GeneralName, KeyKind, Name, PrivateKey, Template};
use ra::{
    Answer, Asked, AuditEvent, AuditKind, AuthorityName, Begun, Change, Claim, ConfirmedBy,
    Correlation, CredentialId, Entry, EntryId, Issuance, Journal, Label, Lease, Phase, ProfileName,
    Refusal, RefusalKind, Revocation, Sealed, SentAs,
};

pub(crate) const LONG: SignedDuration = SignedDuration::from_secs(600);
pub(crate) const NONE: SignedDuration = SignedDuration::ZERO;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// The request `name` makes: same name, same key.
pub(crate) fn entry(name: &str) -> Entry {
    Entry {
        id: EntryId::of(&CredentialId::new("token:test"), name.as_bytes()),
        owner: CredentialId::new("token:test"),
        fingerprint: [7; 32],
        replay_for: None,
        label: Label::new("site"),
        authority: AuthorityName::new("ca-1"),
        profile: ProfileName::new("server"),
        asked: Asked::Enroll(Box::new(template(name))),
        confirmed_by: ConfirmedBy::Ra,
        front: sealed("front"),
        correlation: Correlation::parse("of-a-test"),
        upstream: sealed("upstream"),
        phase: Phase::Begun,
        due: Some(at(30)),
        begun_at: at(0),
        changed_at: at(0),
    }
}

pub(crate) fn sealed(text: &'static str) -> Sealed {
    Sealed(Bytes::from_static(text.as_bytes()))
}

pub(crate) fn template(name: &str) -> Template {
    let subject = Name::from_str(&format!("CN={name},O=Example")).unwrap();
    let mut template = Template::new(subject, site().key.public_key().clone());
    template.sans = vec![GeneralName::Dns(format!("{name}.example"))];
    template
}

/// A certificate for `name` under the test CA.
pub(crate) fn certificate(name: &str) -> Certificate {
    let serial = Serial::random().unwrap();
    let to_sign = TbsParameters::under(&site().root, template(name), serial, at(0), at(86_400));
    sign(&to_sign, &site().key)
}

pub(crate) fn root() -> Certificate {
    site().root.clone()
}

pub(crate) fn answer(leaf: Certificate) -> Answer {
    Answer {
        pool: vec![root(), leaf.clone()],
        ca_pubs: vec![root()],
        must_confirm: true,
        sent_as: SentAs::Certification,
        leaf,
    }
}

pub(crate) fn refusal() -> Refusal {
    Refusal::new(RefusalKind::NameNotAllowed, "that name is another's")
}

pub(crate) fn audit(kind: AuditKind, of: &Entry) -> AuditEvent {
    AuditEvent {
        at: at(0),
        kind,
        entry: Some(of.id),
        correlation: of.correlation.clone(),
        credential: of.owner.clone(),
        label: of.label.clone(),
        profile: None,
        authority: None,
        subject: None,
        serial: None,
        refusal: None,
        detail: "why".to_owned(),
    }
}

/// A change to `phase` that frees the entry and leaves everything else.
pub(crate) fn change(of: &Entry, phase: Phase) -> Change {
    Change {
        phase,
        upstream: None,
        front: None,
        due: None,
        at: at(5),
        issuance: None,
        revocation: None,
        lease: Lease::End,
        audit: Some(audit(AuditKind::Confirmed, of)),
    }
}

/// The change that ends an entry.
pub(crate) fn end(of: &Entry, phase: Phase) -> Change {
    Change {
        upstream: Some(Sealed::default()),
        ..change(of, phase)
    }
}

pub(crate) fn issuance(of: &Entry, certificate: Certificate) -> Issuance {
    Issuance {
        certificate,
        authority: of.authority.clone(),
        owner: of.owner.clone(),
        entry: of.id,
        revoked: None,
    }
}

pub(crate) fn revocation(of: &Certificate, second: i64) -> Revocation {
    Revocation {
        authority: AuthorityName::new("ca-1"),
        of: of.id(),
        at: at(second),
        reason: 4,
    }
}

pub(crate) async fn begin(journal: &dyn Journal, entry: &Entry, lease: SignedDuration) -> Begun {
    journal
        .begin(entry, lease, audit(AuditKind::Begun, entry))
        .await
        .unwrap()
}

pub(crate) async fn begun(journal: &dyn Journal, entry: &Entry, lease: SignedDuration) -> Claim {
    match begin(journal, entry, lease).await {
        Begun::New(claim) => claim,
        other => panic!("not new: {other:?}"),
    }
}

/// Field by field, since an entry has no equality of its own.
pub(crate) fn assert_same(found: &Entry, expected: &Entry) {
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    assert_eq!(found.front, expected.front);
    assert_eq!(found.upstream, expected.upstream);
    assert_eq!(found.asked, expected.asked);
    assert_eq!(found.phase, expected.phase);
}

struct Site {
    key: PrivateKey,
    root: Certificate,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let mut template = Template::new(
            Name::from_str("CN=Test Root").unwrap(),
            key.public_key().clone(),
        );
        template.ca = Some(CaConstraint::default());
        let to_sign =
            TbsParameters::self_signed(template, Serial::random().unwrap(), at(-10), at(864_000));
        Site {
            root: sign(&to_sign, &key),
            key,
        }
    })
}

fn sign(parameters: &TbsParameters, key: &PrivateKey) -> Certificate {
    let tbs = parameters.to_be_signed(key.algorithm()).unwrap();
    assemble(&tbs, key.algorithm(), &key.sign_now(&tbs).unwrap()).unwrap()
}
