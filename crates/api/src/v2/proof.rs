use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One row per algorithm: its name here and its AlgorithmIdentifier (DER), which is what both ends of the wire work with.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $der:expr;)*) => {
        /// How a proof signature was made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[non_exhaustive]
        pub enum ProofAlgorithm {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ProofAlgorithm {
            /// Every algorithm there is a name for.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The AlgorithmIdentifier of X.509 in DER, parameters as its RFC wants them.
            #[must_use]
            pub const fn algorithm_identifier(self) -> &'static [u8] {
                match self { $(Self::$variant => const { $der },)* }
            }
        }
    };
}

algorithms! {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).
    RsaSha256 = "rsa-sha256", &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0];
    /// RSASSA-PKCS1-v1_5 with SHA-384 (RFC 8017).
    RsaSha384 = "rsa-sha384", &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5, 0];
    /// RSASSA-PKCS1-v1_5 with SHA-512 (RFC 8017).
    RsaSha512 = "rsa-sha512", &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0];
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, 32 bytes of salt (RFC 4055).
    RsaPssSha256 = "rsa-pss-sha256", &pss(1, 32);
    /// RSASSA-PSS with SHA-384, MGF1 with SHA-384, 48 bytes of salt (RFC 4055).
    RsaPssSha384 = "rsa-pss-sha384", &pss(2, 48);
    /// RSASSA-PSS with SHA-512, MGF1 with SHA-512, 64 bytes of salt (RFC 4055).
    RsaPssSha512 = "rsa-pss-sha512", &pss(3, 64);
    /// ECDSA with SHA-256 on any curve (RFC 5758).
    EcdsaSha256 = "ecdsa-sha256", &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    /// ECDSA with SHA-384 on any curve (RFC 5758).
    EcdsaSha384 = "ecdsa-sha384", &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    /// ECDSA with SHA-512 on any curve (RFC 5758).
    EcdsaSha512 = "ecdsa-sha512", &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    /// Ed25519 (RFC 8410).
    Ed25519 = "ed25519", &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    /// ML-DSA-44 (RFC 9881).
    MlDsa44 = "ml-dsa-44", &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 17];
    /// ML-DSA-65 (RFC 9881).
    MlDsa65 = "ml-dsa-65", &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18];
    /// ML-DSA-87 (RFC 9881).
    MlDsa87 = "ml-dsa-87", &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 19];
}

impl ProofAlgorithm {
    /// The name for an AlgorithmIdentifier in DER, if there is one.
    #[must_use]
    pub fn of(algorithm_identifier: &[u8]) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|a| a.algorithm_identifier() == algorithm_identifier)
    }
}

/// RSASSA-PSS-params of RFC 4055 section 3.1 for the SHA-2 of this arc, hash parameters NULL as RFC 4055 section 6 recommends.
const fn pss(hash: u8, salt: u8) -> [u8; 67] {
    [
        0x30, 65, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10, 0x30,
        52, // id-RSASSA-PSS
        0xa0, 15, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash, 5, 0, // hash
        0xa1, 28, 0x30, 26, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8, // MGF1
        0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, hash, 5, 0, // its hash
        0xa2, 3, 2, 1, salt, // salt length
    ]
}

impl fmt::Display for ProofAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProofAlgorithm {
    type Err = UnknownProofAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownProofAlgorithm> {
        Self::ALL
            .iter()
            .copied()
            .find(|a| a.as_str() == text)
            .ok_or(UnknownProofAlgorithm)
    }
}

/// Not the name of a signature algorithm known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a signature algorithm known here; there are rsa-sha256, rsa-pss-sha256, ecdsa-sha256, each also with 384 and 512, ed25519 and ml-dsa-44, -65, -87"
)]
pub struct UnknownProofAlgorithm;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name_and_by_its_identifier() {
        for algorithm in ProofAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(*algorithm));
            assert_eq!(
                ProofAlgorithm::of(algorithm.algorithm_identifier()),
                Some(*algorithm)
            );
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
        }
    }

    #[test]
    fn identifiers_are_whole_der_sequences() {
        for algorithm in ProofAlgorithm::ALL {
            let der = algorithm.algorithm_identifier();
            assert_eq!(
                (der[0], usize::from(der[1]) + 2),
                (0x30, der.len()),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn an_identifier_without_a_name_is_not_found() {
        assert_eq!(ProofAlgorithm::of(&[0x30, 0]), None);
        assert_eq!("sha1".parse::<ProofAlgorithm>(), Err(UnknownProofAlgorithm));
    }
}
