//! Password-based MAC, `id-PasswordBasedMac` (RFC 9810 section 5.1.3.1, RFC 4211 section 4.4, RFC 9481 section 6.1).

use aws_lc_rs::digest;
use const_oid::ObjectIdentifier;
use der::asn1::{Any, OctetString};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::policy::bounded_integer;
use super::{Hmac, MacSecret, Owf, ProtectionError};

/// id-PasswordBasedMac.
pub const ID_PASSWORD_BASED_MAC: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113533.7.66.13");

/// PBMParameter: how a MAC key comes out of a shared secret.
///
/// Nothing here has been judged yet: [`super::MacPolicy::admit`] does that, before any work is done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PbmParameters {
    /// Appended to the secret before the first round.
    pub salt: Vec<u8>,
    /// The function applied over and over.
    pub owf: Owf,
    /// How often it is applied.
    pub iterations: u32,
    /// The MAC that is keyed with the result.
    pub mac: Hmac,
}

#[derive(Sequence)]
struct PbmParameter {
    salt: OctetString,
    owf: AlgorithmIdentifierOwned,
    iteration_count: der::asn1::Int,
    mac: AlgorithmIdentifierOwned,
}

impl PbmParameters {
    /// SHA-256, HMAC-SHA256 and 1,000 iterations over this salt (16 random octets are right). An own salt that stays the same for an hour or
    /// for the life of the process costs nothing in security and lets a [`super::KeyCache`] work.
    #[must_use]
    pub fn sha256(salt: impl Into<Vec<u8>>) -> Self {
        Self {
            salt: salt.into(),
            owf: Owf::Sha256,
            iterations: 1000,
            mac: Hmac::Sha256,
        }
    }

    /// SHA-1 and HMAC-SHA1, 1,000 iterations: what CAs of the RFC 4210 age take.
    #[must_use]
    pub fn sha1(salt: impl Into<Vec<u8>>) -> Self {
        Self {
            salt: salt.into(),
            owf: Owf::Sha1,
            iterations: 1000,
            mac: Hmac::Sha1,
        }
    }

    pub(super) fn decode(parameters: Option<&Any>) -> Result<Self, ProtectionError> {
        let parameters = parameters.ok_or(ProtectionError::Malformed("PBMParameter is absent"))?;
        let decoded: PbmParameter = parameters
            .decode_as()
            .map_err(|_| ProtectionError::Malformed("PBMParameter does not decode"))?;
        Ok(Self {
            salt: decoded.salt.into_bytes().into_vec(),
            owf: Owf::from_algorithm(&decoded.owf)?,
            iterations: bounded_integer("iterationCount", &decoded.iteration_count)?,
            mac: Hmac::from_algorithm(&decoded.mac)?,
        })
    }

    pub(super) fn to_algorithm(&self) -> Result<AlgorithmIdentifierOwned, der::Error> {
        let parameters = PbmParameter {
            salt: OctetString::new(self.salt.clone())?,
            owf: self.owf.to_algorithm(),
            iteration_count: der::asn1::Int::from_der(&self.iterations.to_der()?)?,
            mac: self.mac.to_algorithm(),
        };
        Ok(AlgorithmIdentifierOwned {
            oid: ID_PASSWORD_BASED_MAC,
            parameters: Some(Any::encode_from(&parameters)?),
        })
    }

    /// BASEKEY. An HMAC takes a key of any length, so all of it is the key and RFC 4211's expansion to a length that a MAC demands never applies
    /// to the MACs supported here; OpenSSL, Bouncy Castle and CAs built on them hold it the same.
    pub(super) fn derive(&self, secret: &MacSecret) -> Zeroizing<Vec<u8>> {
        let mut first = digest::Context::new(self.owf.algorithm());
        first.update(secret.octets());
        first.update(&self.salt);
        let mut base = Zeroizing::new(first.finish().as_ref().to_vec());
        for _ in 1..self.iterations {
            let next = digest::digest(self.owf.algorithm(), &base);
            base.copy_from_slice(next.as_ref());
        }
        base
    }
}
