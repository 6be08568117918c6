use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use pki::{Certificate, Signer};
use pkixcmp::protection::{Hmac, MacSecret, Owf};

/// What our messages are protected with (RFC 9810 section 5.1.3).
#[derive(Clone)]
pub enum Protection {
    /// A MAC over a secret we share with the CA.
    Mac(MacIdentity),
    /// A signature with our own certificate's key.
    Signature(RaIdentity),
}

/// A shared secret and how a MAC key is made of it.
#[derive(Clone)]
pub struct MacIdentity {
    /// What the CA knows the secret by: `senderKID` of our messages.
    pub reference: Bytes,
    /// The secret.
    pub secret: MacSecret,
    /// Which MAC.
    pub form: MacForm,
    /// How long a salt is used.
    pub salt: SaltLife,
}

/// How long a salt of ours is used; never for less than a transaction, through which RFC 9810 section 5.1.3.1 wants the
/// parameters of a MAC to stay the same. It is not secret, and using it longer only saves derivations here and at the CA:
/// docs/SECURITY.md says why nothing is lost by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SaltLife {
    /// One for all messages of a transaction.
    PerTransaction,
    /// One for an hour of this process.
    #[default]
    PerHour,
}

/// How a MAC is made of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacForm {
    /// id-PasswordBasedMac (RFC 9481 section 6.1.1).
    Pbm {
        /// The function applied over and over.
        owf: Owf,
        /// The MAC.
        mac: Hmac,
        /// How often; 100 to 100,000.
        iterations: u32,
    },
    /// PBMAC1 (RFC 9481 section 6.1.2).
    Pbmac1 {
        /// The pseudo-random function of PBKDF2.
        prf: Hmac,
        /// The MAC.
        mac: Hmac,
        /// How often; 100 to 100,000.
        iterations: u32,
    },
}

impl MacForm {
    /// SHA-256 and HMAC-SHA256, 1,000 iterations: the default.
    pub const PBM_SHA256: Self = Self::Pbm {
        owf: Owf::Sha256,
        mac: Hmac::Sha256,
        iterations: 1000,
    };
    /// SHA-1 and HMAC-SHA1, 1,000 iterations: what CAs of the RFC 4210 age take (Insta's allows no more than 2,047).
    pub const PBM_SHA1: Self = Self::Pbm {
        owf: Owf::Sha1,
        mac: Hmac::Sha1,
        iterations: 1000,
    };
    /// PBMAC1 with HMAC-SHA256, 10,000 iterations.
    pub const PBMAC1_SHA256: Self = Self::Pbmac1 {
        prf: Hmac::Sha256,
        mac: Hmac::Sha256,
        iterations: 10_000,
    };

    /// Whether SHA-1 has any part in it.
    pub fn uses_sha1(self) -> bool {
        let weak = |mac| matches!(mac, Hmac::Sha1 | Hmac::Sha1Pkcs5);
        match self {
            Self::Pbm { owf, mac, .. } => owf == Owf::Sha1 || weak(mac),
            Self::Pbmac1 { prf, mac, .. } => weak(prf) || weak(mac),
        }
    }
}

/// Our certificate as an RA (RFC 9810 section 5.1.3.3).
#[derive(Clone)]
pub struct RaIdentity {
    /// The key.
    pub signer: Arc<dyn Signer>,
    /// Its certificate first, then the ones above it without the root: `extraCerts` of our messages.
    pub chain: Vec<Certificate>,
}

impl RaIdentity {
    /// The certificate that our signatures are verified with.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.chain.first()
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "Mac({:?})", mac.form),
            Self::Signature(identity) => write!(f, "Signature({:?})", identity.certificate()),
        }
    }
}
