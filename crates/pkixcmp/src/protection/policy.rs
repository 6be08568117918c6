//! Which MACs are taken from a peer, and how much work a peer may cause.

use std::ops::RangeInclusive;

use der::asn1::Int;

use super::{MacScheme, Owf, ProtectionError};

/// Where SHA-1 is still taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sha1Use {
    /// Nowhere.
    #[default]
    Refused,
    /// As HMAC-SHA1 for the MAC itself, which is what `openssl cmp` sends unless told otherwise; not for key derivation.
    MacOnly,
    /// Everywhere: CAs and devices of the RFC 4210 age.
    Everywhere,
}

/// What is allowed of a MAC: an allow-list and bounds that hold before anything is computed.
///
/// [`MacPolicy::default`] takes PBM and PBMAC1 with SHA-2, 100 to 100,000 iterations, salts of 8 to 64 octets and keys of 16 to 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacPolicy {
    /// Whether id-PasswordBasedMac is taken.
    pub pbm: bool,
    /// Whether PBMAC1 is taken.
    pub pbmac1: bool,
    /// Where SHA-1 is taken.
    pub sha1: Sha1Use,
    /// Iterations of the key derivation. At 100,000 one costs about 8 ms (PBM) to 16 ms (PBMAC1) of a core: whoever calls with messages of
    /// strangers limits how many derivations run at once.
    pub iterations: RangeInclusive<u32>,
    /// Octets of salt.
    pub salt: RangeInclusive<usize>,
    /// Octets of the key that PBMAC1 derives.
    pub key_length: RangeInclusive<usize>,
}

impl Default for MacPolicy {
    fn default() -> Self {
        Self {
            pbm: true,
            pbmac1: true,
            sha1: Sha1Use::Refused,
            iterations: 100..=100_000,
            salt: 8..=64,
            key_length: 16..=64,
        }
    }
}

impl MacPolicy {
    /// The default, with SHA-1 where `sha1` says.
    #[must_use]
    pub fn with_sha1(self, sha1: Sha1Use) -> Self {
        Self { sha1, ..self }
    }

    /// Whether a scheme may be used; cheap, and to be asked before a key is derived.
    ///
    /// # Errors
    /// [`ProtectionError::Refused`] for a scheme or digest that is not on the list, [`ProtectionError::OutOfBounds`] for a number.
    pub fn admit(&self, scheme: &MacScheme) -> Result<(), ProtectionError> {
        let (salt, iterations, derives_with_sha1, mac) = match scheme {
            MacScheme::Pbm(_) if !self.pbm => {
                return Err(ProtectionError::Refused("password-based MAC (PBM)"));
            }
            MacScheme::Pbmac1(_) if !self.pbmac1 => return Err(ProtectionError::Refused("PBMAC1")),
            MacScheme::Pbm(pbm) => (&pbm.salt, pbm.iterations, pbm.owf == Owf::Sha1, pbm.mac),
            MacScheme::Pbmac1(pbmac1) => {
                within("keyLength", pbmac1.effective_key_length(), &self.key_length)?;
                (
                    &pbmac1.salt,
                    pbmac1.iterations,
                    pbmac1.prf.is_sha1(),
                    pbmac1.mac,
                )
            }
        };
        within("salt length", salt.len(), &self.salt)?;
        within("iterationCount", iterations, &self.iterations)?;
        match self.sha1 {
            Sha1Use::Refused | Sha1Use::MacOnly if derives_with_sha1 => {
                Err(ProtectionError::Refused("SHA-1 for key derivation"))
            }
            Sha1Use::Refused if mac.is_sha1() => Err(ProtectionError::Refused("HMAC-SHA1")),
            _ => Ok(()),
        }
    }
}

fn within<T: PartialOrd + Copy + TryInto<u64>>(
    what: &'static str,
    found: T,
    allowed: &RangeInclusive<T>,
) -> Result<(), ProtectionError> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let number = |value: T| value.try_into().unwrap_or(u64::MAX);
    Err(ProtectionError::OutOfBounds {
        what,
        found: number(found),
        least: number(*allowed.start()),
        most: number(*allowed.end()),
    })
}

/// An INTEGER of any size as a number; one that no policy could allow is out of bounds at once.
pub(super) fn bounded_integer(what: &'static str, integer: &Int) -> Result<u32, ProtectionError> {
    let octets = integer.as_bytes();
    let negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let magnitude = octets.iter().skip_while(|octet| **octet == 0);
    if negative || magnitude.clone().count() > 4 {
        let found = if negative { 0 } else { u64::MAX };
        return Err(ProtectionError::OutOfBounds {
            what,
            found,
            least: 1,
            most: u32::MAX.into(),
        });
    }
    Ok(magnitude.fold(0, |number, octet| number << 8 | u32::from(*octet)))
}
