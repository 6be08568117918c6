//! Our protection and our two state machines against what `openssl cmp` and its mock server said to each other.

use std::collections::HashMap;

use pki::{Certificate, PublicKey};
use pkixcmp::body::confirm::CertStatus;
use pkixcmp::body::enroll::CertOrEncCert;
use pkixcmp::client::{
    Authenticity, ClientTransaction, Confirmation, Opening, Step, Tolerance, Verdict,
};
use pkixcmp::protection::{
    KeyCache, MacPolicy, MacSecret, ProtectionError, ProtectionKind, Sha1Use, verify_mac,
    verify_signature,
};
use pkixcmp::server::{
    Answer, Conformance, Follow, Granted, HeaderRules, Release, ServerTransaction, check_first,
};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId, has_implicit_confirm};
use pkixcmp::{
    CmpCertificate, PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, PkiStatusInfo, Pvno,
};

use crate::{captured, restarted};

/// Exchanges with the number of rounds that belong to the protocol as it should be.
const EXCHANGES: [(&str, usize); 34] = [
    ("certconf-rejects", 2),
    ("cr-null-subject", 1),
    ("cr-sig", 2),
    ("error-protected", 1),
    ("error-unprotected", 1),
    ("genm-info", 1),
    ("genm-pbm", 1),
    ("granted-with-mods", 2),
    ("ir-ed25519", 2),
    ("ir-names", 2),
    ("ir-pbm", 2),
    ("ir-pbm-implicit", 1),
    ("ir-pbm-sha512", 1),
    ("ir-polling", 4),
    ("ir-rsa", 2),
    ("ir-sig", 2),
    ("kur-sig", 2),
    ("kur-wrong-certid", 1),
    ("p10cr-pbm", 2),
    ("p10cr-polling", 4),
    ("p10cr-sig", 2),
    ("popo-keyenc", 1),
    ("popo-none", 1),
    ("popo-raverified", 2),
    ("popo-raverified-refused", 1),
    ("rejected-all-bits", 1),
    ("rejected-badpop", 1),
    ("rejected-bit-0", 1),
    ("rejected-bit-16", 1),
    ("rejected-bit-26", 1),
    ("rr-sig", 1),
    ("rr-unknown", 1),
    ("unprotected", 1),
    ("wrong-secret", 1),
];

fn secret() -> MacSecret {
    MacSecret::new(*b"corpus-secret")
}

/// `openssl cmp` derives with SHA-256 and MACs with HMAC-SHA1 unless told otherwise.
fn policy() -> MacPolicy {
    MacPolicy::default().with_sha1(Sha1Use::MacOnly)
}

fn rounds(name: &str) -> impl Iterator<Item = (PkiMessage, PkiMessage)> {
    let count = EXCHANGES
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap()
        .1;
    (1..=count).map(move |round| {
        (
            captured(&format!("{name}-{round}-request")),
            captured(&format!("{name}-{round}-response")),
        )
    })
}

/// The protection certificate: the first one, or the one this side used before.
#[derive(Default)]
struct Signers(HashMap<&'static str, CmpCertificate>);

impl Signers {
    fn of(&mut self, side: &'static str, message: &PkiMessage) -> CmpCertificate {
        if let Some(first) = message.extra_certs().first() {
            self.0.insert(side, first.clone());
        }
        self.0
            .get(side)
            .expect("a signature without a certificate")
            .clone()
    }
}

fn key(certificate: &CmpCertificate) -> PublicKey {
    Certificate::from_der(certificate.der().clone())
        .unwrap()
        .public_key()
        .clone()
}

/// What the protection of a message proves to someone who knows the secret and trusts every signer.
fn proven(
    message: &PkiMessage,
    side: &'static str,
    signers: &mut Signers,
) -> Result<Authenticity, ProtectionError> {
    match ProtectionKind::announced(message.header().protection_alg.as_ref()) {
        ProtectionKind::None => Ok(Authenticity::Unproven),
        ProtectionKind::Mac => {
            verify_mac(message, &secret(), &policy(), &KeyCache::new(0)).map(|_| Authenticity::Mac)
        }
        ProtectionKind::Signature => {
            let signer = signers.of(side, message);
            verify_signature(message, &key(&signer), Sha1Use::Refused)
                .map(|()| Authenticity::Signature { signer })
        }
    }
}

/// The message with the last octet of its body changed, protection and all else left alone.
fn tampered(message: &PkiMessage) -> PkiMessage {
    let mut header = message.header().clone();
    header.sender_nonce = Some(der::asn1::OctetString::new([0; 16]).unwrap());
    let changed = pkixcmp::Unprotected::with_raw_body(
        &header,
        message.raw_body().clone(),
        message.extra_certs().to_vec(),
    )
    .unwrap();
    PkiMessage::decode(changed.protected(message.protection().unwrap())).unwrap()
}

#[test]
fn the_protection_of_every_captured_message_verifies_and_no_longer_does_after_a_change() {
    let (mut macs, mut signatures) = (0, 0);
    for (name, _) in EXCHANGES {
        let mut signers = Signers::default();
        for (request, response) in rounds(name) {
            for (side, message) in [("client", &request), ("server", &response)] {
                let outcome = proven(message, side, &mut signers);
                if (name, side) == ("wrong-secret", "client") {
                    assert_eq!(outcome, Err(ProtectionError::Mismatch));
                    continue;
                }
                match outcome.unwrap_or_else(|error| panic!("{name} {side}: {error}")) {
                    Authenticity::Unproven => continue,
                    Authenticity::Mac => macs += 1,
                    Authenticity::Signature { .. } => signatures += 1,
                }
                assert_eq!(
                    proven(&tampered(message), side, &mut signers),
                    Err(ProtectionError::Mismatch),
                    "{name} {side}"
                );
            }
        }
    }
    assert!(
        macs >= 50 && signatures >= 24,
        "{macs} MACs and {signatures} signatures"
    );
}

#[test]
fn openssls_default_mac_needs_sha1_to_be_named() {
    let message = captured("ir-pbm-1-request");
    let verify =
        |policy: &MacPolicy| verify_mac(&message, &secret(), policy, &KeyCache::new(0)).map(|_| ());
    assert_eq!(
        verify(&MacPolicy::default()),
        Err(ProtectionError::Refused("HMAC-SHA1"))
    );
    assert_eq!(verify(&policy()), Ok(()));
    let stronger = captured("ir-pbm-sha512-1-request");
    assert!(
        verify_mac(
            &stronger,
            &secret(),
            &MacPolicy::default(),
            &KeyCache::new(0)
        )
        .is_ok()
    );
}

#[test]
fn the_key_that_verified_a_request_protects_the_answer_without_another_derivation() {
    let cache = KeyCache::default();
    let request = captured("ir-pbm-1-request");
    let key = verify_mac(&request, &secret(), &policy(), &cache).unwrap();
    assert_eq!(
        Some(key.algorithm()),
        request.header().protection_alg.as_ref()
    );
    let answer = pkixcmp::Unprotected::with_raw_body(
        request.header(),
        request.raw_body().clone(),
        Vec::new(),
    )
    .unwrap();
    assert_eq!(
        key.protect(answer),
        pkixcmp::Unprotected::with_raw_body(
            request.header(),
            request.raw_body().clone(),
            Vec::new()
        )
        .unwrap()
        .protected(request.protection().unwrap())
    );
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_message_of_the_other_kind_or_of_none_is_told_apart() {
    let kind = |error| matches!(error, Err(ProtectionError::OtherKind { .. }));
    let signed = captured("ir-sig-1-request");
    assert!(kind(
        verify_mac(&signed, &secret(), &policy(), &KeyCache::new(0)).map(|_| ())
    ));
    let signer = key(&signed.extra_certs()[0]);
    assert!(kind(verify_signature(
        &captured("ir-pbm-1-request"),
        &signer,
        Sha1Use::Refused
    )));
    let bare = captured("unprotected-1-request");
    assert_eq!(
        verify_mac(&bare, &secret(), &policy(), &KeyCache::new(0)).map(|_| ()),
        Err(ProtectionError::Unprotected)
    );
    assert_eq!(
        verify_signature(&bare, &signer, Sha1Use::Refused),
        Err(ProtectionError::Unprotected)
    );
}

fn octets16(string: Option<&der::asn1::OctetString>) -> [u8; 16] {
    string.unwrap().as_bytes().try_into().unwrap()
}

/// The rim of a captured message, so that ours gets the same.
fn rim_of(message: &PkiMessage) -> Outgoing {
    let header = message.header();
    Outgoing {
        sender: header.sender.clone(),
        sender_kid: header
            .sender_kid
            .as_ref()
            .map(|kid| kid.as_bytes().to_vec().into()),
        protection_alg: header.protection_alg.clone(),
        sender_nonce: Nonce(octets16(header.sender_nonce.as_ref())),
        message_time: header
            .message_time
            .as_ref()
            .map(pkixcmp::GeneralizedTime::timestamp),
        extra_certs: message.extra_certs().to_vec(),
    }
}

fn opening_of(message: &PkiMessage) -> Opening {
    let header = message.header();
    let others = header
        .general_info
        .iter()
        .flat_map(|infos| infos.iter())
        .filter(|info| !info.is_implicit_confirm());
    Opening {
        transaction_id: TransactionId(octets16(header.transaction_id.as_ref())),
        recipient: header.recipient.clone(),
        pvno: header.pvno,
        confirmation: if has_implicit_confirm(header) {
            Confirmation::Implicit
        } else {
            Confirmation::Explicit
        },
        general_info: others.cloned().collect(),
        tolerance: Tolerance {
            unprotected_errors: true,
            ..Tolerance::default()
        },
    }
}

/// The refusal in a certConf.
fn refusal(content: &[CertStatus]) -> Option<PkiStatusInfo> {
    content[0]
        .status_info
        .clone()
        .filter(|info| info.status == PkiStatus::Rejection)
}

/// Our client says, octet for octet, what openssl's said, and understands what the mock answered.
fn replayed_by_client(name: &str) -> Step {
    let mut signers = Signers::default();
    let mut client: Option<ClientTransaction> = None;
    let mut last = None;
    for (request, response) in rounds(name) {
        let rim = rim_of(&request);
        let ours = match (request.body(), client.as_mut()) {
            (body, None) => {
                let (begun, ours) =
                    ClientTransaction::begin(opening_of(&request), body, rim).unwrap();
                client = Some(begun);
                ours
            }
            (PkiBody::PollReq(_), Some(client)) => client.poll(rim).unwrap(),
            (PkiBody::CertConf(content), Some(client)) => {
                let verdict = refusal(content).map_or(Verdict::Accept, Verdict::Reject);
                client.confirm(&verdict, rim).unwrap()
            }
            (body, Some(_)) => panic!("{name}: {}", body.name()),
        };
        // openssl repeats -geninfo in every message; ours is part of the request.
        let ours = PkiMessage::decode(ours.unprotected()).unwrap();
        let repeats =
            request.header().general_info.is_some() && ours.header().general_info.is_none();
        assert_eq!(ours.raw_body(), request.raw_body(), "{name}");
        assert!(
            repeats || ours.raw_header() == request.raw_header(),
            "{name}: {}",
            request.body().name()
        );
        let state = client.as_mut().unwrap();
        *state = restarted(state);
        let authenticity = proven(&response, "server", &mut signers).unwrap();
        last = Some(
            state
                .receive(&response, authenticity)
                .unwrap_or_else(|mismatch| panic!("{name}: {mismatch}")),
        );
    }
    last.unwrap()
}

#[test]
fn our_client_says_what_openssls_client_said_and_understands_the_answers() {
    for name in [
        "ir-pbm",
        "ir-sig",
        "ir-rsa",
        "ir-ed25519",
        "ir-names",
        "ir-polling",
        "p10cr-polling",
        "cr-sig",
        "kur-sig",
        "p10cr-pbm",
        "p10cr-sig",
        "granted-with-mods",
        "certconf-rejects",
        "popo-raverified",
    ] {
        assert_eq!(replayed_by_client(name), Step::Confirmed, "{name}");
    }
    assert!(
        matches!(replayed_by_client("ir-pbm-implicit"), Step::Issued(issued) if issued.implicitly_confirmed && issued.ca_pubs.len() == 1 && issued.extra_certs.len() == 2)
    );
    assert!(
        matches!(replayed_by_client("ir-pbm-sha512"), Step::Issued(issued) if !issued.implicitly_confirmed)
    );
    assert!(matches!(replayed_by_client("rr-sig"), Step::Revoked { .. }));
    assert!(matches!(replayed_by_client("genm-pbm"), Step::Support(infos) if infos.is_empty()));
    assert!(matches!(replayed_by_client("genm-info"), Step::Support(infos) if infos.len() == 1));
}

#[test]
fn the_mocks_rejections_and_errors_are_understood() {
    let rejection = |name| match replayed_by_client(name) {
        Step::Rejected(rejection) => rejection,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(
        rejection("rejected-badpop").failure,
        PkiFailureInfo::BAD_POP
    );
    assert_eq!(
        rejection("rejected-badpop").texts,
        ["no proof of possession"]
    );
    assert_eq!(
        rejection("rejected-all-bits").failure,
        PkiFailureInfo::from_mask((1 << 27) - 1)
    );
    assert_eq!(rejection("rejected-bit-0").failure, PkiFailureInfo::BAD_ALG);
    assert_eq!(
        rejection("rejected-bit-16").failure,
        PkiFailureInfo::UNACCEPTED_EXTENSION
    );
    assert_eq!(
        rejection("rejected-bit-26").failure,
        PkiFailureInfo::DUPLICATE_CERT_REQ
    );
    assert!(rejection("error-protected").authenticated);
    assert!(!rejection("error-unprotected").authenticated);
}

/// What openssl's client sends passes our server, and our answers, given as the mock gave them, are what it took.
#[test]
fn our_server_takes_what_openssls_client_says_and_answers_as_the_mock_did() {
    for name in [
        "ir-pbm",
        "ir-sig",
        "ir-rsa",
        "ir-ed25519",
        "ir-names",
        "cr-sig",
        "kur-sig",
        "p10cr-pbm",
        "p10cr-sig",
        "granted-with-mods",
        "certconf-rejects",
        "ir-pbm-implicit",
    ] {
        let mut server: Option<ServerTransaction> = None;
        for (request, response) in rounds(name) {
            let answer = match (request.body(), server.as_mut()) {
                (_, None) => {
                    let now = request.header().message_time.as_ref().unwrap().timestamp();
                    let rules = HeaderRules {
                        conformance: Conformance::Strict,
                        time_window: Some(jiff::SignedDuration::from_secs(10)),
                    };
                    assert_eq!(check_first(&request, &rules, now), Ok(()), "{name}");
                    server = Some(ServerTransaction::open(&request).unwrap());
                    granted_as(&response)
                }
                (PkiBody::CertConf(content), Some(server)) => {
                    let follow = server
                        .follow(&request)
                        .unwrap_or_else(|fault| panic!("{name}: {fault}"));
                    let expected = refusal(content).map_or(Follow::Accepted, Follow::Refused);
                    assert_eq!(follow, expected, "{name}");
                    Answer::Confirmed
                }
                (body, Some(_)) => panic!("{name}: {}", body.name()),
            };
            let server = server.as_mut().unwrap();
            let ours = server.answer(&answer, rim_of(&response)).unwrap();
            let ours = PkiMessage::decode(ours.protected(response.protection().unwrap())).unwrap();
            assert_eq!(ours.raw_body(), response.raw_body(), "{name}");
            assert_eq!(
                ours.header().recip_nonce,
                response.header().recip_nonce,
                "{name}"
            );
            assert_eq!(
                ours.header().transaction_id,
                response.header().transaction_id,
                "{name}"
            );
            assert_eq!(
                has_implicit_confirm(ours.header()),
                has_implicit_confirm(response.header()),
                "{name}"
            );
            *server = restarted(server);
        }
    }
}

fn granted_as(response: &PkiMessage) -> Answer {
    let content = response.body().responses().unwrap();
    let CertOrEncCert::Certificate(certificate) = &content.response[0]
        .certified_key_pair
        .as_ref()
        .unwrap()
        .cert_or_enc_cert
    else {
        panic!()
    };
    Answer::Granted(Box::new(Granted {
        certificate: certificate.clone(),
        status: content.response[0].status.clone(),
        ca_pubs: content
            .ca_pubs
            .clone()
            .map(pkixcmp::List::into_vec)
            .unwrap_or_default(),
        release: if has_implicit_confirm(response.header()) {
            Release::Implicit
        } else {
            Release::Confirm
        },
    }))
}

#[test]
fn our_server_plays_the_mocks_polling_with_openssls_client() {
    for name in ["ir-polling", "p10cr-polling"] {
        let all: Vec<_> = rounds(name).collect();
        let mut server = ServerTransaction::open(&all[0].0).unwrap();
        let plain = |server: &mut ServerTransaction, answer: &Answer, like: &PkiMessage| {
            let ours = server.answer(answer, rim_of(like)).unwrap().protected(&[]);
            assert_eq!(
                PkiMessage::decode(ours).unwrap().body().name(),
                like.body().name(),
                "{name}"
            );
        };
        plain(
            &mut server,
            &Answer::Waiting {
                text: String::new(),
            },
            &all[0].1,
        );
        for (request, response) in &all[1..] {
            let follow = server
                .follow(request)
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
            let answer = match (follow, response.body()) {
                (Follow::Poll, PkiBody::PollRep(_)) => Answer::CheckAfter {
                    seconds: 1,
                    reason: None,
                },
                (Follow::Poll, _) => granted_as(response),
                (Follow::Accepted, _) => Answer::Confirmed,
                other => panic!("{name}: {other:?}"),
            };
            plain(&mut server, &answer, response);
        }
    }
}

#[test]
fn revocation_and_general_messages_of_openssl_open_a_transaction() {
    for name in ["rr-sig", "genm-pbm", "genm-info"] {
        let (request, response) = rounds(name).next().unwrap();
        let mut server = ServerTransaction::open(&request).unwrap();
        let answer = match response.body() {
            PkiBody::Rp(content) => Answer::Revoked {
                status: PkiStatusInfo::accepted(),
                certificate: content
                    .rev_certs
                    .as_ref()
                    .map(|ids| Box::new(ids[0].clone())),
            },
            PkiBody::Genp(infos) => Answer::Support(infos.clone()),
            body => panic!("{}", body.name()),
        };
        let ours = server.answer(&answer, rim_of(&response)).unwrap();
        assert_eq!(
            PkiMessage::decode(ours.protected(&[])).unwrap().raw_body(),
            response.raw_body(),
            "{name}"
        );
        assert_eq!(response.header().pvno, Pvno::CMP2000);
    }
}

/// A genm of `openssl cmp -digest sha1 -mac hmacWithSHA512`, secret `s3cret`: the digest has 20 octets, an HMAC-SHA512 key might have 64.
const SHORT_KEY: &str = "\
         3081df308193020102a4023000a40e300c310a300806035504030c0178a011180f32303236313132323136353730305a\
         a13a303806092a864886f67d07420d302b04104a5228038496a2d84a061f8eb9012eee300706052b0e03021a020201f4\
         300a06082a864886f70d020ba203040172a4120410f1fd54a4f0cffeac7f9af48fa6c80d49a5120410000f4f6da93f8e\
         68a226193fb060e9e1b5023000a0430341009676e5f1e8b19b0ef54b341a1e6f835f19e44e8c8ea896ede3d1083a200b\
         1a0a83f0820fa3b22a159990881937cdb83e840516b1f8ff05a748b069e3fec12748";

#[test]
fn a_mac_with_a_longer_digest_than_the_one_way_function_is_keyed_as_openssl_keys_it() {
    let octets: Vec<u8> = SHORT_KEY
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let message = PkiMessage::decode(octets).unwrap();
    let policy = MacPolicy::default().with_sha1(Sha1Use::Everywhere);
    let verify = |secret: &[u8]| {
        verify_mac(
            &message,
            &MacSecret::new(secret),
            &policy,
            &KeyCache::new(0),
        )
        .map(|_| ())
    };
    assert_eq!(verify(b"s3cret"), Ok(()));
    assert_eq!(verify(b"secret"), Err(ProtectionError::Mismatch));
}
