//! What answers a request for a certificate or a key: ip, cp, kup, ccp, and krp (RFC 9810 sections 5.3.2 to 5.3.8).

use der::asn1::OctetString;
use der::{Choice, Sequence};

use crate::cert_id::CertReqId;
use crate::crmf::control::publication::PkiPublicationInfo;
use crate::crmf::encrypted::EncryptedKey;
use crate::limits;
use crate::list::List;
use crate::raw::CmpCertificate;
use crate::status::PkiStatusInfo;

/// A bounded list of certificates.
pub type CmpCertificates = List<CmpCertificate, { limits::CERTIFICATES }>;

/// CertRepMessage: the content of ip, cp, kup and ccp (RFC 9810 section 5.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Sequence)]
pub struct CertRepMessage {
    /// Certificates the CA offers as trust anchors; to be believed only under a MAC or an authorised signature.
    #[asn1(context_specific = "1", optional = "true")]
    pub ca_pubs: Option<CmpCertificates>,
    /// One answer per request.
    pub response: List<CertResponse, { limits::REQUESTS }>,
}

/// CertResponse: the answer to one request.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertResponse {
    /// The request this answers.
    pub cert_req_id: CertReqId,
    /// How it went.
    pub status: PkiStatusInfo,
    /// The certificate, when it was granted.
    #[asn1(optional = "true")]
    pub certified_key_pair: Option<CertifiedKeyPair>,
    /// Analogous to regInfo: what the CA has to say beyond the protocol.
    #[asn1(optional = "true")]
    pub rsp_info: Option<OctetString>,
}

/// CertifiedKeyPair: a certificate, and the private key when the CA made it or had it archived.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertifiedKeyPair {
    /// The certificate, in clear or encrypted for the key in it.
    pub cert_or_enc_cert: CertOrEncCert,
    /// The private key, encrypted for the requester.
    #[asn1(context_specific = "0", optional = "true")]
    pub private_key: Option<EncryptedKey>,
    /// Where the CA published the certificate.
    #[asn1(context_specific = "1", optional = "true")]
    pub publication_info: Option<PkiPublicationInfo>,
}

/// CertOrEncCert.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
#[allow(
    clippy::large_enum_variant,
    reason = "one per response; a box would be in the way of every reader"
)]
pub enum CertOrEncCert {
    /// The certificate.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Certificate(CmpCertificate),
    /// The certificate encrypted, so that reading it proves possession of the key (RFC 9810 section 5.2.8.3.2).
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    EncryptedCert(EncryptedKey),
}

/// KeyRecRepContent: the content of krp (RFC 9810 section 5.3.8).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct KeyRecRepContent {
    /// How it went.
    pub status: PkiStatusInfo,
    /// The new signing certificate.
    #[asn1(context_specific = "0", optional = "true")]
    pub new_sig_cert: Option<CmpCertificate>,
    /// The CA's certificates.
    #[asn1(context_specific = "1", optional = "true")]
    pub ca_certs: Option<CmpCertificates>,
    /// The recovered keys with their certificates.
    #[asn1(context_specific = "2", optional = "true")]
    pub key_pair_hist: Option<List<CertifiedKeyPair, { limits::REQUESTS }>>,
}
