//! CRMF: the request for a certificate (RFC 4211).

pub mod control;
pub mod encrypted;
pub mod pop;
pub mod template;

use der::Sequence;

use crate::cert_id::CertReqId;
use crate::crmf::control::AttributeTypeAndValue;
use crate::crmf::pop::ProofOfPossession;
use crate::crmf::template::CertTemplate;
use crate::limits;
use crate::list::List;

/// CertReqMessages: the content of ir, cr, kur, krr and ccr.
pub type CertReqMessages = List<CertReqMsg, { limits::REQUESTS }>;

/// Controls and regInfo: a bounded list of attributes.
pub type Attributes = List<AttributeTypeAndValue, { limits::CONTROLS }>;

/// CertReqMsg: a request and the proof that goes with it (RFC 4211 section 3).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertReqMsg {
    /// What is asked for; the POP signature covers its encoding.
    pub cert_req: CertRequest,
    /// Proof that the requester has the private key; absent when the CA is to make the key.
    #[asn1(optional = "true")]
    pub popo: Option<ProofOfPossession>,
    /// Information for the registration authority.
    #[asn1(optional = "true")]
    pub reg_info: Option<Attributes>,
}

/// CertRequest (RFC 4211 section 5).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertRequest {
    /// The number of this request in the transaction.
    pub cert_req_id: CertReqId,
    /// The certificate as the requester wants it.
    pub cert_template: CertTemplate,
    /// How the request is to be handled.
    #[asn1(optional = "true")]
    pub controls: Option<Attributes>,
}
