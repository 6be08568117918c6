//! PBMAC1 (RFC 8018 section 7.1 and appendix A.5; RFC 9481 section 6.1.2), always with PBKDF2.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, Int, OctetString};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::policy::bounded_integer;
use super::{Hmac, MacSecret, ProtectionError};

/// id-PBMAC1.
pub const ID_PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");
/// id-PBKDF2.
pub const ID_PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");

/// PBMAC1-params with PBKDF2-params inside.
///
/// Nothing here has been judged yet: [`super::MacPolicy::admit`] does that, before any work is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pbmac1Parameters {
    /// The salt; always the `specified` choice.
    pub salt: Vec<u8>,
    /// The iteration count of PBKDF2.
    pub iterations: u32,
    /// Octets of the derived key; when absent, as many as the MAC puts out.
    pub key_length: Option<u32>,
    /// The pseudo-random function of PBKDF2.
    pub prf: Hmac,
    /// The MAC that is keyed with the result.
    pub mac: Hmac,
}

#[derive(Sequence)]
struct Pbmac1Params {
    key_derivation_func: AlgorithmIdentifierOwned,
    message_auth_scheme: AlgorithmIdentifierOwned,
}

#[derive(Sequence)]
struct Pbkdf2Params {
    salt: Any,
    iteration_count: Int,
    #[asn1(optional = "true")]
    key_length: Option<Int>,
    #[asn1(optional = "true")]
    prf: Option<AlgorithmIdentifierOwned>,
}

impl Pbmac1Parameters {
    /// PBKDF2 with HMAC-SHA256, 1,000 iterations and a key of 32 octets, then HMAC-SHA256.
    #[must_use]
    pub fn sha256(salt: impl Into<Vec<u8>>) -> Self {
        Self {
            salt: salt.into(),
            iterations: 1000,
            key_length: Some(32),
            prf: Hmac::Sha256,
            mac: Hmac::Sha256,
        }
    }

    pub(super) fn decode(parameters: Option<&Any>) -> Result<Self, ProtectionError> {
        let parameters = parameters.ok_or(ProtectionError::Malformed("PBMAC1-params is absent"))?;
        let outer: Pbmac1Params = parameters
            .decode_as()
            .map_err(|_| ProtectionError::Malformed("PBMAC1-params does not decode"))?;
        if outer.key_derivation_func.oid != ID_PBKDF2 {
            return Err(ProtectionError::Unsupported {
                role: "key derivation",
                oid: outer.key_derivation_func.oid,
            });
        }
        let inner = outer
            .key_derivation_func
            .parameters
            .ok_or(ProtectionError::Malformed("PBKDF2-params is absent"))?;
        let inner: Pbkdf2Params = inner
            .decode_as()
            .map_err(|_| ProtectionError::Malformed("PBKDF2-params does not decode"))?;
        let salt: OctetString = inner.salt.decode_as().map_err(|_| {
            ProtectionError::Malformed("the salt of PBKDF2-params is not an OCTET STRING")
        })?;
        Ok(Self {
            salt: salt.into_bytes().into_vec(),
            iterations: bounded_integer("iterationCount", &inner.iteration_count)?,
            key_length: inner
                .key_length
                .map(|length| bounded_integer("keyLength", &length))
                .transpose()?,
            prf: inner
                .prf
                .as_ref()
                .map_or(Ok(Hmac::Sha1Pkcs5), Hmac::from_algorithm)?,
            mac: Hmac::from_algorithm(&outer.message_auth_scheme)?,
        })
    }

    pub(super) fn to_algorithm(&self) -> Result<AlgorithmIdentifierOwned, der::Error> {
        let inner = Pbkdf2Params {
            salt: Any::encode_from(&OctetString::new(self.salt.clone())?)?,
            iteration_count: Int::from_der(&self.iterations.to_der()?)?,
            key_length: self
                .key_length
                .map(|length| Int::from_der(&length.to_der()?))
                .transpose()?,
            // DER leaves out what equals its DEFAULT.
            prf: (self.prf != Hmac::Sha1Pkcs5).then(|| self.prf.to_pkcs5_algorithm()),
        };
        let outer = Pbmac1Params {
            key_derivation_func: AlgorithmIdentifierOwned {
                oid: ID_PBKDF2,
                parameters: Some(Any::encode_from(&inner)?),
            },
            message_auth_scheme: self.mac.to_pkcs5_algorithm(),
        };
        Ok(AlgorithmIdentifierOwned {
            oid: ID_PBMAC1,
            parameters: Some(Any::encode_from(&outer)?),
        })
    }

    /// The octets of the key that will be derived.
    #[must_use]
    pub fn effective_key_length(&self) -> usize {
        self.key_length
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or_else(|| self.mac.output_len())
    }

    pub(super) fn derive(&self, secret: &MacSecret) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; self.effective_key_length()]);
        let iterations = NonZeroU32::new(self.iterations).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(
            self.prf.pbkdf2(),
            iterations,
            &self.salt,
            secret.octets(),
            &mut key,
        );
        key
    }
}
