//! Announcements: what a CA tells without being asked (RFC 9810 sections 5.3.13 to 5.3.16).

use der::{Choice, Sequence};

use crate::cert_id::CertId;
use crate::crmf::template::Extensions;
use crate::raw::CmpCertificate;
use crate::status::PkiStatus;
use crate::time::GeneralizedTime;

/// CAKeyUpdContent: the content of ckuann.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub enum CaKeyUpdContent {
    /// The form of pvno 2.
    V2(CaKeyUpdAnnContent),
    /// The form of pvno 3.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    V3(RootCaKeyUpdateContent),
}

/// CAKeyUpdAnnContent.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CaKeyUpdAnnContent {
    /// The old public key signed with the new private key.
    pub old_with_new: CmpCertificate,
    /// The new public key signed with the old private key.
    pub new_with_old: CmpCertificate,
    /// The new public key signed with the new private key.
    pub new_with_new: CmpCertificate,
}

/// RootCaKeyUpdateContent: also the value of rootCaKeyUpdate in a genp (RFC 9810 section 5.3.19.15).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct RootCaKeyUpdateContent {
    /// The new root certificate.
    pub new_with_new: CmpCertificate,
    /// The new public key signed with the old private key.
    #[asn1(context_specific = "0", optional = "true")]
    pub new_with_old: Option<CmpCertificate>,
    /// The old public key signed with the new private key.
    #[asn1(context_specific = "1", optional = "true")]
    pub old_with_new: Option<CmpCertificate>,
}

/// RevAnnContent: the content of rann.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct RevAnnContent {
    /// revocationWarning or revocationNotification.
    pub status: PkiStatus,
    /// The certificate.
    pub cert_id: CertId,
    /// When it will be revoked.
    pub will_be_revoked_at: GeneralizedTime,
    /// Since when it should not have been trusted.
    pub bad_since_date: GeneralizedTime,
    /// Extensions of the CRL entry.
    #[asn1(optional = "true")]
    pub crl_details: Option<Extensions>,
}
