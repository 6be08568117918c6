//! rr and rp: revocation (RFC 9810 sections 5.3.9 and 5.3.10).

use der::Sequence;

use crate::cert_id::CertId;
use crate::crmf::template::{CertTemplate, Extensions};
use crate::limits;
use crate::list::List;
use crate::raw::CertificateList;
use crate::status::PkiStatusInfo;

/// RevReqContent.
pub type RevReqContent = List<RevDetails, { limits::REQUESTS }>;

/// RevDetails: which certificate to revoke, and why.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct RevDetails {
    /// Issuer and serial number of the certificate, and whatever else names it.
    pub cert_details: CertTemplate,
    /// Extensions for the CRL entry: reasonCode above all.
    #[asn1(optional = "true")]
    pub crl_entry_details: Option<Extensions>,
}

/// RevRepContent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Sequence)]
pub struct RevRepContent {
    /// One status per request, in the same order.
    pub status: List<PkiStatusInfo, { limits::REQUESTS }>,
    /// The certificates asked about, in the same order.
    #[asn1(context_specific = "0", optional = "true")]
    pub rev_certs: Option<List<CertId, { limits::REQUESTS }>>,
    /// The CRLs that have them.
    #[asn1(context_specific = "1", optional = "true")]
    pub crls: Option<List<CertificateList, { limits::CRLS }>>,
}
