//! [`CertTemplate`]: the certificate as the requester wants it (RFC 4211 section 5).

mod convert;

pub use convert::TemplateError;

use der::Sequence;
use der::asn1::{BitString, Int};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use crate::limits;
use crate::list::List;
use crate::time::Time;

/// A bounded list of X.509 extensions.
pub type Extensions = List<Extension, { limits::EXTENSIONS }>;

/// CertTemplate: every field may be absent, and a field that is present and empty is encoded so.
///
/// A plain struct on purpose: what a certain CA wants to find in it is the business of who fills it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Sequence)]
#[asn1(tag_mode = "IMPLICIT")]
pub struct CertTemplate {
    /// The version as X.509 counts: 2 is v3. RFC 4211 wants 2 or nothing.
    #[asn1(context_specific = "0", optional = "true")]
    pub version: Option<u8>,
    /// The serial number: nothing in a request for a certificate, the certificate's in one for revocation.
    #[asn1(context_specific = "1", optional = "true")]
    pub serial_number: Option<Int>,
    /// The algorithm the CA signs with. RFC 4211 wants nothing.
    #[asn1(context_specific = "2", constructed = "true", optional = "true")]
    pub signing_alg: Option<AlgorithmIdentifierOwned>,
    /// The CA that is to issue.
    #[asn1(
        context_specific = "3",
        tag_mode = "EXPLICIT",
        constructed = "true",
        optional = "true"
    )]
    pub issuer: Option<Name>,
    /// When the certificate is to be valid.
    #[asn1(context_specific = "4", constructed = "true", optional = "true")]
    pub validity: Option<OptionalValidity>,
    /// The subject; the NULL-DN when only the SANs matter.
    #[asn1(
        context_specific = "5",
        tag_mode = "EXPLICIT",
        constructed = "true",
        optional = "true"
    )]
    pub subject: Option<Name>,
    /// The public key; absent, or with an empty BIT STRING, when the CA is to make the key pair (RFC 9483 section 4.1.6).
    #[asn1(context_specific = "6", constructed = "true", optional = "true")]
    pub public_key: Option<SubjectPublicKeyInfoOwned>,
    /// Deprecated since X.509 v2.
    #[asn1(context_specific = "7", optional = "true")]
    pub issuer_uid: Option<BitString>,
    /// Deprecated since X.509 v2.
    #[asn1(context_specific = "8", optional = "true")]
    pub subject_uid: Option<BitString>,
    /// The extensions, in the order the requester wrote them.
    #[asn1(context_specific = "9", constructed = "true", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// OptionalValidity; RFC 4211 wants at least one of the two, ONAP's client sends neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Sequence)]
pub struct OptionalValidity {
    /// Not valid before.
    #[asn1(context_specific = "0", optional = "true")]
    pub not_before: Option<Time>,
    /// Not valid after.
    #[asn1(context_specific = "1", optional = "true")]
    pub not_after: Option<Time>,
}
