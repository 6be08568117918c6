use std::str::FromStr as _;
use std::sync::OnceLock;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, assemble};
use pki::{
    Certificate, CertificateId, GeneralName, KeyKind, Name, PrivateKey, PublicKey, Template,
};
use proptest::prelude::*;
use ra::{
    Answer, Asked, AuthorityName, CaStatus, ConfirmedBy, CredentialId, Entry, EntryId, Label,
    Phase, ProfileName, Refusal, RefusalKind, Sealed, SentAs, Verdict,
};

use super::{CodecError, head_bytes, head_of, phase_bytes, phase_of};

fn entry() -> impl Strategy<Value = Entry> {
    let words = (".*", "[a-z]{0,12}", ".{0,12}", ".{0,12}");
    (
        words,
        any::<[u8; 32]>(),
        proptest::option::of(span()),
        asked(),
        any::<bool>(),
        time(),
        time(),
    )
        .prop_map(
            |(
                (owner, label, authority, profile),
                fingerprint,
                replay_for,
                asked,
                ra,
                begun_at,
                changed_at,
            )| Entry {
                id: EntryId([1; 16]),
                owner: CredentialId::new(owner),
                fingerprint,
                replay_for,
                label: Label::new(label),
                authority: AuthorityName::new(authority),
                profile: ProfileName::new(profile),
                asked,
                confirmed_by: if ra {
                    ConfirmedBy::Ra
                } else {
                    ConfirmedBy::Requester
                },
                front: Sealed::default(),
                correlation: None,
                upstream: Sealed::default(),
                phase: Phase::Begun,
                due: None,
                begun_at,
                changed_at,
            },
        )
}

fn time() -> impl Strategy<Value = Timestamp> {
    let bounds = Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond();
    bounds.prop_map(|nanosecond| Timestamp::from_nanosecond(nanosecond).unwrap())
}

fn span() -> impl Strategy<Value = SignedDuration> {
    (any::<i64>(), 0..1_000_000_000_i32)
        .prop_map(|(seconds, rest)| SignedDuration::new(seconds / 2, rest))
}

fn asked() -> impl Strategy<Value = Asked> {
    let enroll = (
        proptest::collection::vec("[a-z]{1,9}", 0..4),
        proptest::option::of(time()),
    )
        .prop_map(|(names, not_after)| {
            let mut template = Template::new(Name::from_str("CN=a,O=b").unwrap(), key().clone());
            template.sans = names.into_iter().map(GeneralName::Dns).collect();
            template.validity.not_after = not_after;
            Asked::Enroll(Box::new(template))
        });
    let revoke =
        (any::<Vec<u8>>(), any::<Vec<u8>>(), any::<u8>()).prop_map(|(issuer, serial, reason)| {
            Asked::Revoke {
                of: CertificateId {
                    issuer: issuer.into(),
                    serial: serial.into(),
                },
                reason,
            }
        });
    prop_oneof![enroll, revoke]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Begun),
        Just(Phase::Waiting),
        answer().prop_map(Phase::Issued),
        (answer(), verdict()).prop_map(|(answer, verdict)| Phase::Confirming(answer, verdict)),
        answer().prop_map(Phase::Confirmed),
        refusal().prop_map(Phase::Withdrawn),
        Just(Phase::Revoked),
        refusal().prop_map(Phase::Refused),
        Just(Phase::NotSent),
        refusal().prop_map(Phase::Lost),
        refusal().prop_map(Phase::Abandoned),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let list = || proptest::collection::vec(proptest::sample::select(certificates()), 0..4);
    let leaf = proptest::sample::select(certificates());
    let forms = [
        SentAs::Initialization,
        SentAs::Certification,
        SentAs::KeyUpdate,
        SentAs::Pkcs10,
        SentAs::Local,
    ];
    (
        leaf,
        list(),
        list(),
        any::<bool>(),
        proptest::sample::select(forms.to_vec()),
    )
        .prop_map(|(leaf, pool, ca_pubs, must_confirm, sent_as)| Answer {
            leaf,
            pool,
            ca_pubs,
            must_confirm,
            sent_as,
        })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let original = || proptest::option::of(any::<Vec<u8>>().prop_map(Bytes::from));
    prop_oneof![
        original().prop_map(|original| Verdict::Accept { original }),
        (refusal(), original()).prop_map(|(why, original)| Verdict::Reject { why, original }),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    use RefusalKind::{BadPop, BadRequest, Lost, NotConfirmed, RejectedByCa};
    let kinds = [BadRequest, BadPop, NotConfirmed, RejectedByCa, Lost];
    let words = || proptest::collection::vec(".*", 0..3);
    let ca = (words(), words(), any::<bool>()).prop_map(|(strings, fail_info, authenticated)| {
        CaStatus {
            strings,
            fail_info,
            authenticated,
        }
    });
    (
        proptest::sample::select(kinds.to_vec()),
        ".*",
        proptest::option::of(ca),
    )
        .prop_map(|(kind, detail, ca)| Refusal { kind, detail, ca })
}

fn key() -> &'static PublicKey {
    certificates()[0].public_key()
}

fn certificates() -> &'static [Certificate] {
    static MADE: OnceLock<Vec<Certificate>> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let end = Timestamp::from_second(1_900_000_000).unwrap();
        let one = |name: &str| {
            let template = Template::new(
                Name::from_str(name).unwrap(),
                pki::Signer::public_key(&key).clone(),
            );
            let to_sign =
                TbsParameters::self_signed(template, Serial::from_random([9; 16]), start, end);
            let algorithm = pki::Signer::algorithm(&key);
            let tbs = to_sign.to_be_signed(algorithm).unwrap();
            assemble(&tbs, algorithm, &key.sign_now(&tbs).unwrap()).unwrap()
        };
        ["CN=one", "CN=two", "CN=three"].map(one).to_vec()
    })
}

proptest! {
    #[test]
    fn what_never_changes_of_an_entry_survives_the_row(entry in entry()) {
        let head = head_of(&head_bytes(&entry).unwrap()).unwrap();
        prop_assert_eq!(head.owner, entry.owner);
        prop_assert_eq!(head.replay_for, entry.replay_for);
        prop_assert_eq!(head.label, entry.label);
        prop_assert_eq!(head.authority, entry.authority);
        prop_assert_eq!(head.profile, entry.profile);
        prop_assert_eq!(head.asked, entry.asked);
        prop_assert_eq!(head.confirmed_by, entry.confirmed_by);
        prop_assert_eq!(head.begun_at, entry.begun_at);
        prop_assert_eq!(head.changed_at, entry.changed_at);
    }

    #[test]
    fn every_phase_survives_the_row_and_its_certificates_stay_outside(phase in phase(), at in time()) {
        let kept = phase_bytes(&phase, at).unwrap();
        let stored = phase_of(&kept.bytes).unwrap();
        prop_assert_eq!(stored.changed_at, at);
        prop_assert_eq!(stored.is_final(), phase.is_final());
        prop_assert!(stored.others().all(|digest| kept.others.iter().any(|(other, _)| *other == digest)));
        let find = |digest: &[u8; 32]| {
            let found = kept.others.iter().find(|(other, _)| other == digest);
            found.map(|(_, certificate)| certificate.clone())
        };
        prop_assert_eq!(stored.with(kept.leaf.as_ref(), find).unwrap(), phase);
    }

    #[test]
    fn junk_is_refused_without_a_panic(bytes in any::<Vec<u8>>()) {
        let _ = head_of(&bytes);
        let versioned = [&[1], &bytes[..]].concat();
        let _ = head_of(&versioned);
        if let Ok(stored) = phase_of(&versioned) {
            let _ = stored.with(None, |_| None);
        }
    }
}

#[test]
fn a_row_of_a_later_format_says_so() {
    assert_eq!(phase_of(&[2, 0]).err(), Some(CodecError::Version(2)));
    assert_eq!(phase_of(&[]).err(), Some(CodecError::Empty));
}

#[test]
fn a_row_with_something_behind_its_end_is_damaged() {
    let mut bytes = phase_bytes(&Phase::Waiting, Timestamp::UNIX_EPOCH)
        .unwrap()
        .bytes;
    bytes.push(0);
    assert!(matches!(phase_of(&bytes), Err(CodecError::Damaged(_))));
}

/// Written by version 1 of the format; must be read by every later program.
#[test]
fn rows_written_long_ago_are_still_read() {
    let why = Refusal::by_ca(
        RefusalKind::RejectedByCa,
        "no",
        CaStatus {
            strings: vec!["s".to_owned()],
            fail_info: vec!["badAlg".to_owned()],
            authenticated: true,
        },
    );
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let phase = phase_of(&hex::decode(OLD_PHASE).unwrap()).unwrap();
    assert_eq!(phase.changed_at, at);
    assert_eq!(phase.with(None, |_| None).unwrap(), Phase::Refused(why));

    let head = head_of(&hex::decode(OLD_HEAD).unwrap()).unwrap();
    assert_eq!(head.owner.as_str(), "token:a");
    assert_eq!(head.replay_for, Some(SignedDuration::from_secs(60)));
    assert_eq!(
        (
            head.label.as_str(),
            head.authority.as_str(),
            head.profile.as_str()
        ),
        ("l", "ca", "p")
    );
    assert_eq!(head.confirmed_by, ConfirmedBy::Requester);
    assert_eq!((head.begun_at, head.changed_at), (at, at));
    let Asked::Enroll(template) = head.asked else {
        panic!("{:?}", head.asked)
    };
    assert_eq!(template.subject, Name::from_str("CN=a").unwrap());
    assert_eq!(
        template.sans,
        [
            GeneralName::Dns("a.example".to_owned()),
            GeneralName::Ip([10, 0, 0, 1].into())
        ]
    );
    assert_eq!(template.validity.not_after, Some(at));
    assert_eq!(template.public_key.kind(), KeyKind::Ed25519);
    assert_eq!(template.key_usage, Some(pki::KeyUsages::DIGITAL_SIGNATURE));
    assert_eq!(template.ext_key_usage, [const_oid()]);
    assert_eq!(template.ca.and_then(|ca| ca.path_len), Some(1));
}

fn const_oid() -> pki::ObjectIdentifier {
    pki::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1")
}

const OLD_PHASE: &str = "018080a0bbd29df1fa310713026e6f010101730106626164416c6701";
const OLD_HEAD: &str = "0107746f6b656e3a610180e0ba84bf03016c0263610170000e300c310a300806035504030c01612c302a300506032b6570\
032100ac30302ce844ade4970e0758e8bc9e52171aa7b56679760e43eed05afa195cd3020b8209612e6578616d706c650687040a000001000114\
323032372d30312d31355430383a30303a30305a0101010a06082b0601050507030101010100018080a0bbd29df1fa318080a0bbd29df1fa31";
