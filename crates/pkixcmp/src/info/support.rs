//! What support messages carry: templates, CRL status, KEM ciphertexts (RFC 9810 section 5.3.19, RFC 9483 section 4.3).

use der::asn1::{Any, OctetString};
use der::{Choice, Sequence};
use pki::GeneralName;
use spki::AlgorithmIdentifierOwned;

use crate::crmf::Attributes;
use crate::crmf::template::CertTemplate;
use crate::limits;
use crate::list::List;
use crate::time::Time;

/// A bounded list of names.
pub type GeneralNames = List<GeneralName, { limits::INFOS }>;

/// CertReqTemplateContent: what a CA wants to find in requests; the answer to certReqTemplate.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertReqTemplateContent {
    /// The template to be filled; fields that are present and empty are to be filled.
    pub cert_template: CertTemplate,
    /// The kinds of key the CA takes: controls algId and rsaKeyLen.
    #[asn1(optional = "true")]
    pub key_spec: Option<Attributes>,
}

/// CRLStatus: a CRL the requester has, or wants.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CrlStatus {
    /// Which CRL.
    pub source: CrlSource,
    /// The thisUpdate of the one the requester has; absent when it has none.
    #[asn1(optional = "true")]
    pub this_update: Option<Time>,
}

/// CRLSource.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub enum CrlSource {
    /// By the distribution point in certificates.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Dpn(DistributionPointName),
    /// By the issuer of the CRL.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Issuer(GeneralNames),
}

/// DistributionPointName (RFC 5280 section 4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub enum DistributionPointName {
    /// Names of the place.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    FullName(GeneralNames),
    /// One RDN below the CRL issuer: the entries of the SET, carried.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    NameRelativeToCrlIssuer(List<Any, { limits::INFOS }>),
}

/// KemCiphertextInfo: the ciphertext from which both sides derive the key of a MAC (RFC 9810 section 5.1.3.4).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct KemCiphertextInfo {
    /// The KEM.
    pub kem: AlgorithmIdentifierOwned,
    /// The ciphertext.
    pub ct: OctetString,
}
