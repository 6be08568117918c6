//! certConf: what the requester says about the certificate it got (RFC 9810 section 5.3.18).

use der::Sequence;
use der::asn1::OctetString;
use spki::AlgorithmIdentifierOwned;

use crate::cert_id::CertReqId;
use crate::limits;
use crate::list::List;
use crate::status::PkiStatusInfo;

/// CertConfirmContent: one entry per certificate; an empty list rejects them all.
pub type CertConfirmContent = List<CertStatus, { limits::REQUESTS }>;

/// CertStatus: acceptance or rejection of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertStatus {
    /// The digest of the certificate; empty when there is none to name.
    pub cert_hash: OctetString,
    /// The request that led to it.
    pub cert_req_id: CertReqId,
    /// Absent means accepted.
    #[asn1(optional = "true")]
    pub status_info: Option<PkiStatusInfo>,
    /// The digest used when the certificate's signature algorithm does not name one; needs pvno 3.
    #[asn1(context_specific = "0", optional = "true")]
    pub hash_alg: Option<AlgorithmIdentifierOwned>,
}
