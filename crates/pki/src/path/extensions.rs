//! What extensions say about a certificate's place in a path and its use.

use const_oid::ObjectIdentifier;
use x509_cert::ext::pkix::PolicyConstraints;

use super::PathError;
use crate::certificate::Certificate;
use crate::usage::KeyUsages;

/// What the certificate at the end of a path is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Anything: usages are not looked at.
    Any,
    /// Signing CMP messages (RFC 9810 section 8.9): keyUsage digitalSignature, if there is a keyUsage. A CA's own certificate is
    /// judged likewise.
    CmpSigner,
    /// [`Purpose::CmpSigner`] with the extended usage id-kp-cmcCA, which a CA gives to what signs on its behalf (RFC 9810
    /// section 4.5). anyExtendedKeyUsage does not count: it delegates nothing.
    CmpCa,
    /// [`Purpose::CmpSigner`] with the extended usage id-kp-cmcRA, which a CA gives to its registration authorities.
    CmpRa,
    /// A TLS client: keyUsage digitalSignature and extended usage clientAuth, each if there is such an extension (RFC 5280
    /// section 4.2.1.12).
    TlsClient,
}

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const CMC_CA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.27");
const CMC_RA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.28");
const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");

/// Critical extensions that are processed, or that change nothing in what is decided here: policies restrict only where an
/// explicit policy is required, and that is refused.
const KNOWN: [ObjectIdentifier; 16] = [
    ObjectIdentifier::new_unwrap("2.5.29.14"), // subjectKeyIdentifier
    ObjectIdentifier::new_unwrap("2.5.29.15"), // keyUsage
    ObjectIdentifier::new_unwrap("2.5.29.16"), // privateKeyUsagePeriod
    ObjectIdentifier::new_unwrap("2.5.29.17"), // subjectAltName
    ObjectIdentifier::new_unwrap("2.5.29.18"), // issuerAltName
    ObjectIdentifier::new_unwrap("2.5.29.19"), // basicConstraints
    ObjectIdentifier::new_unwrap("2.5.29.30"), // nameConstraints
    ObjectIdentifier::new_unwrap("2.5.29.31"), // cRLDistributionPoints
    ObjectIdentifier::new_unwrap("2.5.29.32"), // certificatePolicies
    ObjectIdentifier::new_unwrap("2.5.29.33"), // policyMappings
    ObjectIdentifier::new_unwrap("2.5.29.35"), // authorityKeyIdentifier
    POLICY_CONSTRAINTS,
    ObjectIdentifier::new_unwrap("2.5.29.37"), // extKeyUsage
    ObjectIdentifier::new_unwrap("2.5.29.54"), // inhibitAnyPolicy
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1"), // authorityInfoAccess
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.11"), // subjectInfoAccess
];

impl Purpose {
    pub(super) fn check(self, certificate: &Certificate) -> Result<(), PathError> {
        let usage = certificate.key_usage();
        let extended = certificate.ext_key_usage();
        let has = |wanted| extended.is_some_and(|usages| usages.contains(&wanted));
        let lacks = |missing| {
            Err(PathError::Purpose {
                subject: certificate.subject().to_string(),
                missing,
            })
        };
        match self {
            Self::Any => Ok(()),
            _ if !usage.is_none_or(|usage| usage.contains(KeyUsages::DIGITAL_SIGNATURE)) => {
                lacks("keyUsage digitalSignature")
            }
            Self::CmpCa if !has(CMC_CA) => lacks("extKeyUsage id-kp-cmcCA"),
            Self::CmpRa if !has(CMC_RA) => lacks("extKeyUsage id-kp-cmcRA"),
            Self::TlsClient if extended.is_some() && !has(CLIENT_AUTH) && !has(ANY_USAGE) => {
                lacks("extKeyUsage clientAuth")
            }
            Self::CmpSigner | Self::CmpCa | Self::CmpRa | Self::TlsClient => Ok(()),
        }
    }
}

pub(super) fn allows_certificates(usage: KeyUsages) -> bool {
    usage.contains(KeyUsages::KEY_CERT_SIGN)
}

/// RFC 5280 section 6.1.5 (f): every critical extension must be understood.
pub(super) fn check_critical(certificate: &Certificate) -> Result<(), PathError> {
    let tbs = certificate.x509().tbs_certificate();
    let extensions = tbs.extensions().into_iter().flatten();
    for extension in extensions.filter(|extension| extension.critical) {
        if !KNOWN.contains(&extension.extn_id) {
            return Err(refused(certificate, extension.extn_id));
        }
    }
    match tbs.get_extension::<PolicyConstraints>() {
        Ok(Some((_, policy))) if policy.require_explicit_policy.is_some() => {
            Err(refused(certificate, POLICY_CONSTRAINTS))
        }
        Err(_) => Err(refused(certificate, POLICY_CONSTRAINTS)),
        Ok(_) => Ok(()),
    }
}

pub(super) fn refused(certificate: &Certificate, oid: ObjectIdentifier) -> PathError {
    PathError::CriticalExtension {
        subject: certificate.subject().to_string(),
        oid,
    }
}
