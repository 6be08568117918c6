//! Message protection (RFC 9810 section 5.1.3), in two steps: the algorithm for the header first, then the bit string over the finished
//! header and body.
//!
//! A MAC: [`MacKey::derive`] gives the key and its [`MacKey::algorithm`] for the header; [`MacKey::mac`] gives the protection.
//! A signature: a `pki::Signer` does the same, awaited by the caller. What comes in is checked with [`verify_mac`] or
//! [`verify_signature`], always over the octets received.

mod algorithm;
mod cache;
mod pbm;
mod pbmac1;
mod policy;
mod secret;
mod verify;

use aws_lc_rs::hmac;
use bytes::Bytes;
use const_oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};
use spki::AlgorithmIdentifierOwned;

use crate::failure_info::PkiFailureInfo;
use crate::message::Unprotected;

pub use algorithm::{Hmac, Owf};
pub use cache::KeyCache;
pub use pbm::{ID_PASSWORD_BASED_MAC, PbmParameters};
pub use pbmac1::{ID_PBKDF2, ID_PBMAC1, Pbmac1Parameters};
pub use policy::{MacPolicy, Sha1Use};
pub use secret::MacSecret;
pub use verify::{verify_mac, verify_signature};

const ID_DH_BASED_MAC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113533.7.66.30");
const ID_KEM_BASED_MAC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113533.7.66.16");

/// The kind of protection a message bears. It stays the same through a transaction (RFC 9483 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProtectionKind {
    /// None at all.
    None,
    /// A MAC over a shared secret.
    Mac,
    /// A signature.
    Signature,
}

impl ProtectionKind {
    /// What the `protectionAlg` of a header announces. An identifier that is no MAC of CMP is taken for a signature; whether it is one shows
    /// when it is verified.
    #[must_use]
    pub fn announced(algorithm: Option<&AlgorithmIdentifierOwned>) -> Self {
        match algorithm.map(|algorithm| algorithm.oid) {
            None => Self::None,
            Some(ID_PASSWORD_BASED_MAC | ID_PBMAC1 | ID_DH_BASED_MAC | ID_KEM_BASED_MAC) => {
                Self::Mac
            }
            Some(_) => Self::Signature,
        }
    }
}

impl std::fmt::Display for ProtectionKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "nothing",
            Self::Mac => "a MAC",
            Self::Signature => "a signature",
        })
    }
}

/// A way to make a MAC key out of a shared secret, with all its parameters.
///
/// Answers best mirror the scheme of the request unchanged: RFC 9810 recommends constant parameters through a transaction, the peer is known to
/// cope with them, and the key is in the cache already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MacScheme {
    /// id-PasswordBasedMac.
    Pbm(PbmParameters),
    /// PBMAC1.
    Pbmac1(Pbmac1Parameters),
}

impl MacScheme {
    /// Reads the scheme out of a `protectionAlg`; no policy is applied yet.
    ///
    /// # Errors
    /// [`ProtectionError::Unsupported`] when it, or an algorithm inside, is not one of ours; [`ProtectionError::Malformed`] when the parameters
    /// do not decode; [`ProtectionError::OutOfBounds`] when a number is negative or beyond 32 bits.
    pub fn from_algorithm(algorithm: &AlgorithmIdentifierOwned) -> Result<Self, ProtectionError> {
        let parameters = algorithm.parameters.as_ref();
        match algorithm.oid {
            ID_PASSWORD_BASED_MAC => PbmParameters::decode(parameters).map(Self::Pbm),
            ID_PBMAC1 => Pbmac1Parameters::decode(parameters).map(Self::Pbmac1),
            oid => Err(ProtectionError::Unsupported {
                role: "MAC protection",
                oid,
            }),
        }
    }

    /// The `protectionAlg` for a header.
    ///
    /// # Errors
    /// Only when the salt is too long for DER, which no policy allows.
    pub fn to_algorithm(&self) -> Result<AlgorithmIdentifierOwned, ProtectionError> {
        let encoded = match self {
            Self::Pbm(pbm) => pbm.to_algorithm(),
            Self::Pbmac1(pbmac1) => pbmac1.to_algorithm(),
        };
        encoded.map_err(|_| ProtectionError::Malformed("the MAC parameters do not encode"))
    }

    fn derive(&self, secret: &MacSecret) -> hmac::Key {
        match self {
            Self::Pbm(pbm) => pbm.mac.key(&pbm.derive(secret)),
            Self::Pbmac1(pbmac1) => pbmac1.mac.key(&pbmac1.derive(secret)),
        }
    }
}

/// A derived key, ready for any number of messages. Not `Debug`; wiped on drop.
#[derive(Clone)]
pub struct MacKey {
    algorithm: AlgorithmIdentifierOwned,
    scheme: MacScheme,
    key: hmac::Key,
}

impl MacKey {
    /// The key for our own messages, from the cache or derived and kept there.
    ///
    /// # Errors
    /// As [`MacPolicy::admit`]: a policy binds us as it binds a peer.
    pub fn derive(
        secret: &MacSecret,
        scheme: &MacScheme,
        policy: &MacPolicy,
        cache: &KeyCache,
    ) -> Result<Self, ProtectionError> {
        policy.admit(scheme)?;
        let algorithm = scheme.to_algorithm()?;
        let key = cache.find(secret, scheme).unwrap_or_else(|| {
            let key = scheme.derive(secret);
            cache.keep(secret, scheme, &key);
            key
        });
        Ok(Self {
            algorithm,
            scheme: scheme.clone(),
            key,
        })
    }

    /// What stands in the header as `protectionAlg`.
    #[must_use]
    pub fn algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.algorithm
    }

    /// The finished message. Its header has to name [`Self::algorithm`].
    #[must_use]
    pub fn protect(&self, message: Unprotected) -> Bytes {
        let mac = self.mac(&message.to_be_protected());
        message.protected(&mac)
    }

    /// The scheme the key was derived by.
    #[must_use]
    pub fn scheme(&self) -> &MacScheme {
        &self.scheme
    }

    /// The protection over the DER of header and body.
    #[must_use]
    pub fn mac(&self, to_be_protected: &[u8]) -> Bytes {
        Bytes::copy_from_slice(hmac::sign(&self.key, to_be_protected).as_ref())
    }
}

/// Why a protection was not believed, or could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectionError {
    /// The message has no protection, or only half of it (an algorithm without bits or bits without an algorithm).
    #[error("the message is not protected")]
    Unprotected,
    /// The protection is of the other kind.
    #[error("the message is not protected by {wanted}, which is what belongs here")]
    OtherKind {
        /// The kind that would be right.
        wanted: ProtectionKind,
    },
    /// An algorithm that is not implemented, or comes with parameters it does not have.
    #[error("{role} {oid} is not supported")]
    Unsupported {
        /// What the algorithm would have been used for.
        role: &'static str,
        /// Its identifier.
        oid: ObjectIdentifier,
    },
    /// An algorithm that is implemented but not allowed here.
    #[error("{0} is not allowed here")]
    Refused(&'static str),
    /// A number outside of what policy allows; nothing was computed.
    #[error("{what} {found} is outside of {least} to {most}")]
    OutOfBounds {
        /// Which number.
        what: &'static str,
        /// Its value; `u64::MAX` stands for anything larger, 0 for anything negative.
        found: u64,
        /// The least value allowed.
        least: u64,
        /// The greatest value allowed.
        most: u64,
    },
    /// Parameters that do not decode.
    #[error("the protection is malformed: {0}")]
    Malformed(&'static str),
    /// The bits are not the right ones for these octets and this secret or key.
    #[error(
        "the protection does not fit the message: it was changed on the way, or another secret or key was used"
    )]
    Mismatch,
    /// The signature cannot be verified with this key, whatever its bits.
    #[error("the signature cannot be verified: {0}")]
    Signature(#[source] pki::VerifyError),
}

impl ProtectionError {
    /// The reason for a PKI message (RFC 9483 section 3.5).
    #[must_use]
    pub fn failure(&self) -> PkiFailureInfo {
        match self {
            Self::Unprotected | Self::Mismatch => PkiFailureInfo::BAD_MESSAGE_CHECK,
            Self::OtherKind { .. } => PkiFailureInfo::WRONG_INTEGRITY,
            Self::Unsupported { .. }
            | Self::Refused(_)
            | Self::OutOfBounds { .. }
            | Self::Signature(_) => PkiFailureInfo::BAD_ALG,
            Self::Malformed(_) => PkiFailureInfo::BAD_DATA_FORMAT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::asn1::Any;

    use super::verify::verify_mac_over;

    const MESSAGE: &[u8] = b"header and body";

    fn secret() -> MacSecret {
        MacSecret::new(*b"pass:word")
    }

    fn salt() -> Vec<u8> {
        (0..16).collect()
    }

    fn pbm(owf: Owf, iterations: u32, mac: Hmac) -> MacScheme {
        MacScheme::Pbm(PbmParameters {
            salt: salt(),
            owf,
            iterations,
            mac,
        })
    }

    fn pbmac1(prf: Hmac, iterations: u32, key_length: Option<u32>, mac: Hmac) -> MacScheme {
        MacScheme::Pbmac1(Pbmac1Parameters {
            salt: salt(),
            iterations,
            key_length,
            prf,
            mac,
        })
    }

    fn lenient() -> MacPolicy {
        MacPolicy::default().with_sha1(Sha1Use::Everywhere)
    }

    fn key(scheme: &MacScheme) -> MacKey {
        MacKey::derive(&secret(), scheme, &lenient(), &KeyCache::new(0)).unwrap()
    }

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    fn verify(
        algorithm: &AlgorithmIdentifierOwned,
        mac: &[u8],
        policy: &MacPolicy,
    ) -> Result<MacKey, ProtectionError> {
        verify_mac_over(
            algorithm,
            MESSAGE,
            mac,
            &secret(),
            policy,
            &KeyCache::new(0),
        )
    }

    /// Values computed with Python's hashlib and hmac.
    #[test]
    fn password_based_macs_have_the_value_another_implementation_gives_them() {
        for (scheme, expected) in [
            (
                pbm(Owf::Sha1, 1000, Hmac::Sha1),
                "6f093f661b6e5a0a527e5c95ea556a23466a8df2",
            ),
            (
                pbm(Owf::Sha256, 500, Hmac::Sha1),
                "f33cad282a737ceee9f3cfc2b74cb3d82b810d1a",
            ),
            (
                pbm(Owf::Sha256, 500, Hmac::Sha1Pkcs5),
                "f33cad282a737ceee9f3cfc2b74cb3d82b810d1a",
            ),
            (
                pbm(Owf::Sha256, 1000, Hmac::Sha256),
                "6bfb468cdf715230309dcde1004898018c6ea77eb2c700bb6481ab8ffeb7b4c6",
            ),
            (
                pbm(Owf::Sha512, 123, Hmac::Sha384),
                "65134713254ee93c6f66002486fa4c19dc3516c0f5edb4776dfbb7224f7d2188bd0f1a71b3043b7da08ad45bd170dcd8",
            ),
            (
                pbm(Owf::Sha256, 100, Hmac::Sha512),
                "7d74176d10e0c5545b2dece5d0ef4448737988a99ffdeee7c59fb58ba4758254160b026c7ab0b5c1cf9bb1b5c8d1b900392898edd38fcabf62a360abdeac150d",
            ),
        ] {
            assert_eq!(hex(&key(&scheme).mac(MESSAGE)), expected, "{scheme:?}");
        }
    }

    /// Values computed with Python's hashlib.pbkdf2_hmac and hmac.
    #[test]
    fn pbmac1_has_the_value_another_implementation_gives_it() {
        for (scheme, expected) in [
            (
                pbmac1(Hmac::Sha256, 1000, Some(32), Hmac::Sha256),
                "7b508ad10b6792676dba1c4d2d50d7e211738f510ce58184fd8ed50f466fb694",
            ),
            (
                pbmac1(Hmac::Sha256, 1000, None, Hmac::Sha256),
                "7b508ad10b6792676dba1c4d2d50d7e211738f510ce58184fd8ed50f466fb694",
            ),
            (
                pbmac1(Hmac::Sha1Pkcs5, 200, Some(20), Hmac::Sha1Pkcs5),
                "4a571c3734142965930e201c99688b44293b07a1",
            ),
            (
                pbmac1(Hmac::Sha384, 200, Some(48), Hmac::Sha384),
                "a6a2d6d78663f32bb5f34205c47cefefc2b30adfd17506415c480359591665171625e0b30de16abdd58cd0db67b4d975",
            ),
        ] {
            assert_eq!(hex(&key(&scheme).mac(MESSAGE)), expected, "{scheme:?}");
        }
    }

    #[test]
    fn every_scheme_survives_the_way_through_an_algorithm_identifier() {
        let hmacs = [
            Hmac::Sha1,
            Hmac::Sha1Pkcs5,
            Hmac::Sha256,
            Hmac::Sha384,
            Hmac::Sha512,
        ];
        for mac in hmacs {
            for owf in [Owf::Sha1, Owf::Sha256, Owf::Sha384, Owf::Sha512] {
                let scheme = pbm(owf, 100_000, mac);
                assert_eq!(
                    MacScheme::from_algorithm(&scheme.to_algorithm().unwrap()),
                    Ok(scheme)
                );
            }
            for (prf, key_length) in [(Hmac::Sha1Pkcs5, None), (Hmac::Sha512, Some(64))] {
                let scheme = pbmac1(prf, 128, key_length, mac);
                assert_eq!(
                    MacScheme::from_algorithm(&scheme.to_algorithm().unwrap()),
                    Ok(scheme)
                );
            }
        }
    }

    #[test]
    fn a_right_mac_gives_the_key_for_the_answer() {
        let scheme = pbm(Owf::Sha256, 500, Hmac::Sha256);
        let ours = key(&scheme);
        let theirs = verify(ours.algorithm(), &ours.mac(MESSAGE), &MacPolicy::default()).unwrap();
        assert_eq!(theirs.mac(b"answer"), ours.mac(b"answer"));
        assert_eq!(theirs.scheme(), &scheme);
    }

    #[test]
    fn a_changed_message_a_cut_mac_and_another_secret_are_all_the_same_mismatch() {
        let ours = key(&pbm(Owf::Sha256, 500, Hmac::Sha256));
        let mac = ours.mac(MESSAGE);
        let policy = MacPolicy::default();
        let cache = KeyCache::default();
        let other = MacSecret::new(*b"another");
        for outcome in [
            verify_mac_over(
                ours.algorithm(),
                b"header and bodY",
                &mac,
                &secret(),
                &policy,
                &cache,
            ),
            verify_mac_over(
                ours.algorithm(),
                MESSAGE,
                &mac[..31],
                &secret(),
                &policy,
                &cache,
            ),
            verify_mac_over(ours.algorithm(), MESSAGE, &[], &secret(), &policy, &cache),
            verify_mac_over(ours.algorithm(), MESSAGE, &mac, &other, &policy, &cache),
        ] {
            assert_eq!(outcome.err(), Some(ProtectionError::Mismatch));
        }
        assert!(
            cache.is_empty(),
            "keys of messages that did not verify are not kept"
        );
    }

    #[test]
    fn ten_to_the_ninth_iterations_are_refused_without_doing_them() {
        for scheme in [
            pbm(Owf::Sha256, 1_000_000_000, Hmac::Sha256),
            pbmac1(Hmac::Sha256, 1_000_000_000, None, Hmac::Sha256),
        ] {
            let outcome = verify(
                &scheme.to_algorithm().unwrap(),
                &[0; 32],
                &MacPolicy::default(),
            );
            let expected = ProtectionError::OutOfBounds {
                what: "iterationCount",
                found: 1_000_000_000,
                least: 100,
                most: 100_000,
            };
            assert_eq!(outcome.err(), Some(expected.clone()));
            assert_eq!(expected.failure(), PkiFailureInfo::BAD_ALG);
        }
    }

    #[test]
    fn an_iteration_count_that_is_negative_or_longer_than_any_number_is_refused() {
        // iterationCount in both is the INTEGER behind the OWF; 1.3.14.3.2.26 is SHA-1.
        for (integer, found) in [
            (vec![2, 1, 0xff], 0),
            ([vec![2, 20, 1], vec![0; 19]].concat(), u64::MAX),
            (vec![2, 1, 0], 0),
        ] {
            let inside = [
                &[
                    4, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 7, 6, 5, 0x2b, 14, 3, 2, 26,
                ][..],
                &integer,
                &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 8, 1, 2],
            ]
            .concat();
            let parameters = Any::new(der::Tag::Sequence, inside).unwrap();
            let algorithm = AlgorithmIdentifierOwned {
                oid: ID_PASSWORD_BASED_MAC,
                parameters: Some(parameters),
            };
            let outcome = verify(&algorithm, &[0; 20], &lenient()).err().unwrap();
            assert!(
                matches!(outcome, ProtectionError::OutOfBounds { found: number, .. } if number == found),
                "{outcome:?}"
            );
        }
    }

    #[test]
    fn salts_and_derived_keys_have_bounds_too() {
        let short = MacScheme::Pbm(PbmParameters::sha256([0; 7]));
        let long = MacScheme::Pbm(PbmParameters::sha256([0; 65]));
        for scheme in [
            short,
            long,
            pbmac1(Hmac::Sha256, 1000, Some(15), Hmac::Sha256),
            pbmac1(Hmac::Sha256, 1000, Some(1 << 31), Hmac::Sha256),
        ] {
            assert!(
                matches!(
                    MacPolicy::default().admit(&scheme),
                    Err(ProtectionError::OutOfBounds { .. })
                ),
                "{scheme:?}"
            );
        }
        assert_eq!(
            MacPolicy::default().admit(&MacScheme::Pbm(PbmParameters::sha256([0; 64]))),
            Ok(())
        );
    }

    #[test]
    fn sha1_is_taken_only_where_it_is_named() {
        let for_mac = pbm(Owf::Sha256, 500, Hmac::Sha1);
        let for_both = pbm(Owf::Sha1, 500, Hmac::Sha1);
        let as_prf = pbmac1(Hmac::Sha1Pkcs5, 500, None, Hmac::Sha256);
        let admits = |sha1, scheme| MacPolicy::default().with_sha1(sha1).admit(scheme).is_ok();
        for scheme in [&for_mac, &for_both, &as_prf] {
            assert!(!admits(Sha1Use::Refused, scheme));
            assert!(admits(Sha1Use::Everywhere, scheme));
        }
        assert!(admits(Sha1Use::MacOnly, &for_mac));
        assert!(!admits(Sha1Use::MacOnly, &for_both));
        assert!(!admits(Sha1Use::MacOnly, &as_prf));
    }

    #[test]
    fn a_scheme_that_policy_leaves_out_is_refused() {
        let no_pbm = MacPolicy {
            pbm: false,
            ..MacPolicy::default()
        };
        let no_pbmac1 = MacPolicy {
            pbmac1: false,
            ..MacPolicy::default()
        };
        let (old, new) = (
            pbm(Owf::Sha256, 500, Hmac::Sha256),
            pbmac1(Hmac::Sha256, 500, None, Hmac::Sha256),
        );
        assert!(no_pbm.admit(&old).is_err() && no_pbm.admit(&new).is_ok());
        assert!(no_pbmac1.admit(&new).is_err() && no_pbmac1.admit(&old).is_ok());
    }

    #[test]
    fn null_parameters_mean_the_same_as_absent_ones_and_others_are_refused() {
        let scheme = pbm(Owf::Sha256, 500, Hmac::Sha256);
        let plain = scheme.to_algorithm().unwrap();
        let rewrite = |addition: &[u8]| {
            let value = plain.parameters.as_ref().unwrap().value();
            let at = value
                .windows(4)
                .position(|window| window == [0x03, 0x04, 0x02, 0x01])
                .unwrap()
                + 4;
            let mut changed = value.to_vec();
            changed.splice(at..at, addition.iter().copied());
            changed[at - 12] += u8::try_from(addition.len()).unwrap();
            AlgorithmIdentifierOwned {
                oid: plain.oid,
                parameters: Some(Any::new(der::Tag::Sequence, changed).unwrap()),
            }
        };
        assert_eq!(MacScheme::from_algorithm(&rewrite(&[5, 0])), Ok(scheme));
        assert!(matches!(
            MacScheme::from_algorithm(&rewrite(&[0x30, 0])),
            Err(ProtectionError::Unsupported {
                role: "one-way function",
                ..
            })
        ));
    }

    #[test]
    fn a_kept_key_is_used_again_and_the_stalest_makes_room() {
        let cache = KeyCache::new(2);
        let schemes: Vec<_> = (100..103)
            .map(|iterations| pbm(Owf::Sha256, iterations, Hmac::Sha256))
            .collect();
        let derive = |at: usize| {
            MacKey::derive(&secret(), &schemes[at], &MacPolicy::default(), &cache)
                .unwrap()
                .mac(MESSAGE)
        };
        let first = derive(0);
        derive(1);
        assert_eq!(derive(0), first, "from the cache");
        derive(2);
        assert_eq!(cache.len(), 2);
        assert!(cache.find(&secret(), &schemes[0]).is_some());
        assert!(
            cache.find(&secret(), &schemes[1]).is_none(),
            "used least recently"
        );
        assert!(
            cache
                .find(&MacSecret::new(*b"other"), &schemes[0])
                .is_none(),
            "never with another secret"
        );
        cache.clear();
        assert!(cache.is_empty());
    }

    #[test]
    fn a_cached_key_does_not_slip_past_a_stricter_policy() {
        let cache = KeyCache::default();
        let scheme = pbm(Owf::Sha1, 500, Hmac::Sha1);
        let ours = MacKey::derive(&secret(), &scheme, &lenient(), &cache).unwrap();
        let outcome = verify_mac_over(
            ours.algorithm(),
            MESSAGE,
            &ours.mac(MESSAGE),
            &secret(),
            &MacPolicy::default(),
            &cache,
        );
        assert_eq!(
            outcome.err(),
            Some(ProtectionError::Refused("SHA-1 for key derivation"))
        );
    }

    #[test]
    fn the_kind_of_protection_shows_in_the_algorithm() {
        let algorithm = |oid| AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap(oid),
            parameters: None,
        };
        assert_eq!(ProtectionKind::announced(None), ProtectionKind::None);
        assert_eq!(
            ProtectionKind::announced(Some(&algorithm("1.2.840.113533.7.66.13"))),
            ProtectionKind::Mac
        );
        assert_eq!(
            ProtectionKind::announced(Some(&algorithm("1.2.840.113549.1.5.14"))),
            ProtectionKind::Mac
        );
        assert_eq!(
            ProtectionKind::announced(Some(&algorithm("1.2.840.113549.1.1.11"))),
            ProtectionKind::Signature
        );
    }
}
