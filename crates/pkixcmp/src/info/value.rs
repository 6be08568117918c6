//! [`InfoValue`]: the value of an [`InfoTypeAndValue`], by its type.

use der::asn1::{Any, ObjectIdentifier};
use spki::AlgorithmIdentifierOwned;

use crate::body::announce::{CaKeyUpdContent, RootCaKeyUpdateContent};
use crate::body::enroll::CmpCertificates;
use crate::crmf::encrypted::EncryptedKey;
use crate::error::DecodeError;
use crate::info::support::{CertReqTemplateContent, CrlStatus, KemCiphertextInfo};
use crate::info::{InfoTypeAndValue, id};
use crate::limits;
use crate::list::{FreeText, List};
use crate::raw::{CertificateList, CmpCertificate, RawMessage};
use crate::time::GeneralizedTime;

/// What an entry of generalInfo, genm or genp says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "read one at a time, kept nowhere"
)]
pub enum InfoValue {
    /// A type of [`id`] without a value: a question, or the answer that there is nothing.
    Absent,
    /// A type that is not known here.
    Unknown,
    /// The CA's certificate to encrypt for.
    CaProtEncCert(CmpCertificate),
    /// Algorithms of keys to sign with.
    SignKeyPairTypes(List<AlgorithmIdentifierOwned, { limits::INFOS }>),
    /// Algorithms of keys to encrypt with.
    EncKeyPairTypes(List<AlgorithmIdentifierOwned, { limits::INFOS }>),
    /// The symmetric algorithm the CA prefers.
    PreferredSymmAlg(AlgorithmIdentifierOwned),
    /// News of the CA's key.
    CaKeyUpdateInfo(CaKeyUpdContent),
    /// The CRL.
    CurrentCrl(CertificateList),
    /// The types in a question that the CA does not know.
    UnsupportedOids(List<ObjectIdentifier, { limits::INFOS }>),
    /// The algorithm whose parameters are asked for.
    KeyPairParamReq(ObjectIdentifier),
    /// The algorithm with its parameters.
    KeyPairParamRep(AlgorithmIdentifierOwned),
    /// A passphrase to authenticate a later revocation, encrypted.
    RevPassphrase(EncryptedKey),
    /// No certConf will be, or need be, sent.
    ImplicitConfirm,
    /// Until when the server waits for the certConf.
    ConfirmWaitTime(GeneralizedTime),
    /// The messages as they were before an RA changed them.
    OrigPkiMessage(List<RawMessage, { limits::NESTED }>),
    /// Languages the sender reads (RFC 3066 tags).
    SuppLangTags(FreeText),
    /// The CA's certificates.
    CaCerts(CmpCertificates),
    /// The new root with its links.
    RootCaKeyUpdate(RootCaKeyUpdateContent),
    /// What the CA wants to find in a request.
    CertReqTemplate(CertReqTemplateContent),
    /// The root whose update is asked for.
    RootCaCert(CmpCertificate),
    /// The profiles asked for.
    CertProfile(FreeText),
    /// The CRLs asked for.
    CrlStatusList(List<CrlStatus, { limits::CRLS }>),
    /// The CRLs.
    Crls(List<CertificateList, { limits::CRLS }>),
    /// The ciphertext of a KEM that protects the transaction.
    KemCiphertextInfo(KemCiphertextInfo),
}

impl InfoValue {
    pub(super) fn read(entry: &InfoTypeAndValue) -> Result<Self, DecodeError> {
        let Some(name) = id::name(&entry.info_type) else {
            return Ok(Self::Unknown);
        };
        let Some(value) = &entry.info_value else {
            return Ok(if entry.is_implicit_confirm() {
                Self::ImplicitConfirm
            } else {
                Self::Absent
            });
        };
        Self::of(&entry.info_type, value).map_err(|error| DecodeError::malformed(name, 0, error))
    }

    fn of(info_type: &ObjectIdentifier, value: &Any) -> der::Result<Self> {
        Ok(match *info_type {
            id::CA_PROT_ENC_CERT => Self::CaProtEncCert(value.decode_as()?),
            id::SIGN_KEY_PAIR_TYPES => Self::SignKeyPairTypes(value.decode_as()?),
            id::ENC_KEY_PAIR_TYPES => Self::EncKeyPairTypes(value.decode_as()?),
            id::PREFERRED_SYMM_ALG => Self::PreferredSymmAlg(value.decode_as()?),
            id::CA_KEY_UPDATE_INFO => Self::CaKeyUpdateInfo(value.decode_as()?),
            id::CURRENT_CRL => Self::CurrentCrl(value.decode_as()?),
            id::UNSUPPORTED_OIDS => Self::UnsupportedOids(value.decode_as()?),
            id::KEY_PAIR_PARAM_REQ => Self::KeyPairParamReq(value.decode_as()?),
            id::KEY_PAIR_PARAM_REP => Self::KeyPairParamRep(value.decode_as()?),
            id::REV_PASSPHRASE => Self::RevPassphrase(value.decode_as()?),
            id::IMPLICIT_CONFIRM => value
                .decode_as()
                .map(|der::asn1::Null| Self::ImplicitConfirm)?,
            id::CONFIRM_WAIT_TIME => Self::ConfirmWaitTime(value.decode_as()?),
            id::ORIG_PKI_MESSAGE => Self::OrigPkiMessage(value.decode_as()?),
            id::SUPP_LANG_TAGS => Self::SuppLangTags(value.decode_as()?),
            id::CA_CERTS => Self::CaCerts(value.decode_as()?),
            id::ROOT_CA_KEY_UPDATE => Self::RootCaKeyUpdate(value.decode_as()?),
            id::CERT_REQ_TEMPLATE => Self::CertReqTemplate(value.decode_as()?),
            id::ROOT_CA_CERT => Self::RootCaCert(value.decode_as()?),
            id::CERT_PROFILE => Self::CertProfile(value.decode_as()?),
            id::CRL_STATUS_LIST => Self::CrlStatusList(value.decode_as()?),
            id::CRLS => Self::Crls(value.decode_as()?),
            id::KEM_CIPHERTEXT_INFO => Self::KemCiphertextInfo(value.decode_as()?),
            _ => Self::Unknown,
        })
    }
}
