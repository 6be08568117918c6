//! What a `protectionAlg` may ask for, and what work a stranger can cause with it.

use bytes::Bytes;
use der::{Decode, Encode};
use pkixcmp::body::failure::ErrorMsgContent;
use pkixcmp::message::Unprotected;
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, ProtectionKind, Sha1Use, verify_mac,
};
use pkixcmp::{PkiBody, PkiFailureInfo, PkiHeader, PkiMessage, PkiStatusInfo, Pvno};
use spki::AlgorithmIdentifierOwned;

/// Octets are an AlgorithmIdentifier. What policy admits lies within its bounds, works in both directions and encodes to itself; what it
/// does not admit costs nothing: iterations beyond the bound would show as a time-out.
pub(crate) fn parameters(octets: &[u8]) {
    let Ok(algorithm) = AlgorithmIdentifierOwned::from_der(octets) else {
        return;
    };
    let policy = MacPolicy {
        iterations: 1..=200,
        ..MacPolicy::default().with_sha1(Sha1Use::Everywhere)
    };
    let secret = MacSecret::new(*b"a shared secret");
    let cache = KeyCache::new(0);
    let message = message(&algorithm);
    let refused = verify_mac(&message, &secret, &policy, &cache).err();
    let refused = refused.expect("a MAC nobody made fits no message");
    assert!(!refused.to_string().is_empty() && !refused.failure().is_empty());

    let scheme = match MacScheme::from_algorithm(&algorithm) {
        Ok(scheme) => scheme,
        Err(_) => return,
    };
    assert_eq!(
        ProtectionKind::announced(Some(&algorithm)),
        ProtectionKind::Mac
    );
    let (salt, iterations) = match &scheme {
        MacScheme::Pbm(pbm) => (pbm.salt.len(), pbm.iterations),
        MacScheme::Pbmac1(pbmac1) => (pbmac1.salt.len(), pbmac1.iterations),
    };
    if policy.admit(&scheme).is_err() {
        assert!(MacKey::derive(&secret, &scheme, &policy, &cache).is_err());
        return;
    }
    assert!(policy.salt.contains(&salt) && policy.iterations.contains(&iterations));
    let key = MacKey::derive(&secret, &scheme, &policy, &cache).expect("it is admitted");
    let again = MacScheme::from_algorithm(key.algorithm()).expect("what we encode is read");
    assert_eq!(again, scheme);
    let ours = PkiMessage::decode(key.protect(unprotected(key.algorithm()))).expect("it is ours");
    assert!(verify_mac(&ours, &secret, &policy, &cache).is_ok());
    let other = MacSecret::new(*b"another secret");
    assert!(verify_mac(&ours, &other, &policy, &cache).is_err());
}

/// A message that names this algorithm and bears a MAC that nobody made.
fn message(algorithm: &AlgorithmIdentifierOwned) -> PkiMessage {
    let octets = unprotected(algorithm).protected(&[0x5a; 32]);
    PkiMessage::decode(octets).expect("any algorithm may stand in a header")
}

fn unprotected(algorithm: &AlgorithmIdentifierOwned) -> Unprotected {
    let nobody = || pki::GeneralName::Directory(pki::Name::default());
    let header = PkiHeader {
        pvno: Pvno::CMP2000,
        sender: nobody(),
        recipient: nobody(),
        message_time: None,
        protection_alg: Some(algorithm.clone()),
        sender_kid: None,
        recip_kid: None,
        transaction_id: None,
        sender_nonce: None,
        recip_nonce: None,
        free_text: None,
        general_info: None,
    };
    let why = PkiStatusInfo::rejection(PkiFailureInfo::BAD_REQUEST, "no");
    let body = PkiBody::Error(ErrorMsgContent::from(why));
    let body: Bytes = body.to_der().expect("it is short");
    debug_assert!(algorithm.to_der().is_ok());
    Unprotected::with_raw_body(&header, body, Vec::new()).expect("it is short")
}
