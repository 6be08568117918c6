use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a usage becomes in the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageTarget {
    /// A bit of keyUsage, counted as RFC 5280 section 4.2.1.3 does: digitalSignature is 0.
    KeyUsage(u8),
    /// An OID of extKeyUsage in dotted form (section 4.2.1.12).
    ExtKeyUsage(&'static str),
}

macro_rules! usages {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $target:expr;)*) => {
        /// A key usage or extended key usage by the name cert-manager has for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum Usage {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Usage {
            /// Every usage there is a name for.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it becomes in the certificate.
            #[must_use]
            pub const fn target(self) -> UsageTarget {
                use UsageTarget::{ExtKeyUsage, KeyUsage};
                match self { $(Self::$variant => $target,)* }
            }
        }
    };
}

usages! {
    /// Another name for `digital signature`.
    Signing = "signing", KeyUsage(0);
    /// digitalSignature.
    DigitalSignature = "digital signature", KeyUsage(0);
    /// nonRepudiation, today's contentCommitment.
    ContentCommitment = "content commitment", KeyUsage(1);
    /// keyEncipherment.
    KeyEncipherment = "key encipherment", KeyUsage(2);
    /// dataEncipherment.
    DataEncipherment = "data encipherment", KeyUsage(3);
    /// keyAgreement.
    KeyAgreement = "key agreement", KeyUsage(4);
    /// keyCertSign.
    CertSign = "cert sign", KeyUsage(5);
    /// cRLSign.
    CrlSign = "crl sign", KeyUsage(6);
    /// encipherOnly.
    EncipherOnly = "encipher only", KeyUsage(7);
    /// decipherOnly.
    DecipherOnly = "decipher only", KeyUsage(8);
    /// anyExtendedKeyUsage.
    Any = "any", ExtKeyUsage("2.5.29.37.0");
    /// id-kp-serverAuth.
    ServerAuth = "server auth", ExtKeyUsage("1.3.6.1.5.5.7.3.1");
    /// id-kp-clientAuth.
    ClientAuth = "client auth", ExtKeyUsage("1.3.6.1.5.5.7.3.2");
    /// id-kp-codeSigning.
    CodeSigning = "code signing", ExtKeyUsage("1.3.6.1.5.5.7.3.3");
    /// id-kp-emailProtection.
    EmailProtection = "email protection", ExtKeyUsage("1.3.6.1.5.5.7.3.4");
    /// Another name for `email protection`.
    SMime = "s/mime", ExtKeyUsage("1.3.6.1.5.5.7.3.4");
    /// id-kp-ipsecEndSystem.
    IpsecEndSystem = "ipsec end system", ExtKeyUsage("1.3.6.1.5.5.7.3.5");
    /// id-kp-ipsecTunnel.
    IpsecTunnel = "ipsec tunnel", ExtKeyUsage("1.3.6.1.5.5.7.3.6");
    /// id-kp-ipsecUser.
    IpsecUser = "ipsec user", ExtKeyUsage("1.3.6.1.5.5.7.3.7");
    /// id-kp-timeStamping.
    Timestamping = "timestamping", ExtKeyUsage("1.3.6.1.5.5.7.3.8");
    /// id-kp-OCSPSigning.
    OcspSigning = "ocsp signing", ExtKeyUsage("1.3.6.1.5.5.7.3.9");
    /// Microsoft's server gated crypto.
    MicrosoftSgc = "microsoft sgc", ExtKeyUsage("1.3.6.1.4.1.311.10.3.3");
    /// Netscape's server gated crypto.
    NetscapeSgc = "netscape sgc", ExtKeyUsage("2.16.840.1.113730.4.1");
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// By name; `server-auth` and `serverAuth` are understood too, since blanks are a nuisance on a command line.
impl FromStr for Usage {
    type Err = UnknownUsage;

    fn from_str(text: &str) -> Result<Self, UnknownUsage> {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(|c| !matches!(c, ' ' | '-' | '_'))
                .map(|c| c.to_ascii_lowercase())
                .collect()
        };
        let wanted = plain(text);
        Self::ALL
            .iter()
            .copied()
            .find(|usage| plain(usage.as_str()) == wanted)
            .ok_or_else(|| UnknownUsage(text.chars().take(40).collect()))
    }
}

/// Not the name of a usage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a usage; cert-manager's names are known, such as `digital signature`, `server auth`, `client auth`"
)]
pub struct UnknownUsage(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usage_is_read_back_as_itself() {
        for usage in Usage::ALL {
            assert_eq!(usage.as_str().parse(), Ok(*usage));
            assert_eq!(serde_json::to_value(usage).unwrap(), usage.as_str());
            assert_eq!(
                serde_json::from_value::<Usage>(usage.as_str().into()).unwrap(),
                *usage
            );
        }
    }

    #[test]
    fn a_command_line_may_leave_the_blanks_out() {
        assert_eq!("server-auth".parse(), Ok(Usage::ServerAuth));
        assert_eq!("clientAuth".parse(), Ok(Usage::ClientAuth));
        assert!("server authority".parse::<Usage>().is_err());
    }

    #[test]
    fn key_usage_bits_are_those_of_rfc_5280() {
        let bits: Vec<_> = Usage::ALL
            .iter()
            .filter_map(|u| match u.target() {
                UsageTarget::KeyUsage(bit) => Some(bit),
                UsageTarget::ExtKeyUsage(_) => None,
            })
            .collect();
        assert_eq!(bits, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
