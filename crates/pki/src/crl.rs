//! Certificate revocation lists, version 2 (RFC 5280 section 5).

use std::fmt;

use bytes::Bytes;
use const_oid::db::rfc5280::{ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS};
use der::asn1::{OctetString, UintRef};
use der::{Decode, Encode, Sequence};
use jiff::Timestamp;
use thiserror::Error;
use x509_cert::crl::CertificateList;
use x509_cert::ext::Extension;
use x509_cert::time::Time;

use crate::certificate::first_element;
use crate::key::{PublicKey, VerifyError};
use crate::signer::{SignError, Signer};
use crate::{AlgorithmId, Name, csr, extension, pem, time};

/// Why a certificate is revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum RevocationReason {
    /// No reason given; not written into the list.
    Unspecified = 0,
    /// The key is, or may be, known to others.
    KeyCompromise = 1,
    /// The CA's key is.
    CaCompromise = 2,
    /// The holder's name or affiliation changed.
    AffiliationChanged = 3,
    /// Replaced by another certificate.
    Superseded = 4,
    /// No longer needed.
    CessationOfOperation = 5,
    /// Suspended; may be lifted.
    CertificateHold = 6,
    /// No longer on hold; in delta lists only.
    RemoveFromCrl = 8,
    /// A privilege in the certificate was withdrawn.
    PrivilegeWithdrawn = 9,
    /// The attribute authority is compromised.
    AaCompromise = 10,
}

impl RevocationReason {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Unspecified, "unspecified"),
        (Self::KeyCompromise, "keyCompromise"),
        (Self::CaCompromise, "cACompromise"),
        (Self::AffiliationChanged, "affiliationChanged"),
        (Self::Superseded, "superseded"),
        (Self::CessationOfOperation, "cessationOfOperation"),
        (Self::CertificateHold, "certificateHold"),
        (Self::RemoveFromCrl, "removeFromCRL"),
        (Self::PrivilegeWithdrawn, "privilegeWithdrawn"),
        (Self::AaCompromise, "aACompromise"),
    ];

    /// The number in CRLReason.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The reason with this number; 7 and numbers above 10 are none.
    pub fn from_code(code: u8) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(reason, _)| reason.code() == code)
            .map(|(reason, _)| reason)
    }

    /// The reason with this name of RFC 5280, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(reason, _)| reason)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(reason, _)| reason == self);
        f.write_str(named.map_or("unspecified", |(_, name)| name))
    }
}

/// One entry of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revoked {
    /// The serial number: content of the INTEGER, as in [`crate::CertificateId`].
    pub serial: Bytes,
    /// Since when.
    pub at: Timestamp,
    /// Why; [`RevocationReason::Unspecified`] when the list does not say.
    pub reason: RevocationReason,
}

/// What a list will say.
#[derive(Clone, PartialEq, Debug)]
pub struct CrlParameters {
    /// The CA's name.
    pub issuer: Name,
    /// The CA's subject key identifier.
    pub authority_key_id: Bytes,
    /// cRLNumber: one more each time.
    pub number: u64,
    /// When the list is made.
    pub this_update: Timestamp,
    /// When the next one will be there at the latest.
    pub next_update: Timestamp,
    /// What is revoked.
    pub revoked: Vec<Revoked>,
}

/// Why a list cannot be made or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CrlError {
    /// It is no DER of a CertificateList, or a value cannot be encoded.
    #[error("this is not a certificate revocation list: {0}")]
    Malformed(#[from] der::Error),
    /// The CA's key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Make and sign a list.
///
/// # Errors
/// See [`CrlError`].
pub async fn build(parameters: &CrlParameters, signer: &dyn Signer) -> Result<Crl, CrlError> {
    let tbs = parameters.to_be_signed(signer.algorithm())?;
    let signature = signer.sign(&tbs).await?;
    Crl::from_der(csr::signed(&tbs, signer.algorithm(), &signature)?)
}

impl CrlParameters {
    /// The TBSCertList as DER, to be signed with `algorithm`.
    ///
    /// # Errors
    /// When a time or serial number cannot be encoded.
    pub fn to_be_signed(&self, algorithm: &AlgorithmId) -> der::Result<Bytes> {
        #[derive(Sequence)]
        struct Tbs {
            version: u8,
            algorithm: AlgorithmId,
            issuer: Name,
            this_update: Time,
            next_update: Time,
            #[asn1(optional = "true")]
            revoked: Option<Vec<EncodedEntry>>,
            #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
            extensions: Vec<Extension>,
        }
        let entries: Vec<_> = self
            .revoked
            .iter()
            .map(EncodedEntry::try_from)
            .collect::<der::Result<_>>()?;
        let number = self.number.to_be_bytes();
        let tbs = Tbs {
            version: 1,
            algorithm: algorithm.clone(),
            issuer: self.issuer.clone(),
            this_update: time::from_timestamp(self.this_update)?,
            next_update: time::from_timestamp(self.next_update)?,
            // An empty list must be absent (RFC 5280 section 5.1.2.6).
            revoked: (!entries.is_empty()).then_some(entries),
            extensions: vec![
                extension::write_authority_key_id(&self.authority_key_id)?,
                Extension {
                    extn_id: ID_CE_CRL_NUMBER,
                    critical: false,
                    extn_value: OctetString::new(UintRef::new(&number)?.to_der()?)?,
                },
            ],
        };
        Ok(tbs.to_der()?.into())
    }
}

#[derive(Sequence)]
struct EncodedEntry {
    serial: der::asn1::Int,
    at: Time,
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}

impl TryFrom<&Revoked> for EncodedEntry {
    type Error = der::Error;

    fn try_from(revoked: &Revoked) -> der::Result<Self> {
        let reason = match revoked.reason {
            RevocationReason::Unspecified => None,
            reason => Some(vec![Extension {
                extn_id: ID_CE_CRL_REASONS,
                critical: false,
                // ENUMERATED, one byte.
                extn_value: OctetString::new([0x0a, 1, reason.code()])?,
            }]),
        };
        Ok(Self {
            serial: der::asn1::Int::new(&revoked.serial)?,
            at: time::from_timestamp(revoked.at)?,
            extensions: reason,
        })
    }
}

/// A revocation list with its bytes as received.
#[derive(Clone)]
pub struct Crl {
    der: Bytes,
    signed: Bytes,
    list: CertificateList,
}

impl Crl {
    /// Read one DER CertificateList; nothing may follow it.
    ///
    /// # Errors
    /// [`CrlError::Malformed`].
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, CrlError> {
        let der = der.into();
        Ok(Self {
            list: CertificateList::from_der(&der)?,
            signed: first_element(&der)?,
            der,
        })
    }

    /// The bytes.
    pub fn der(&self) -> &Bytes {
        &self.der
    }

    /// PEM with label `X509 CRL`.
    pub fn to_pem(&self) -> String {
        pem::encode("X509 CRL", &self.der)
    }

    /// Whose list it is.
    pub fn issuer(&self) -> &Name {
        &self.list.tbs_cert_list.issuer
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        time::to_timestamp(self.list.tbs_cert_list.this_update)
    }

    /// When the next one is due, if it says so.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.list.tbs_cert_list.next_update.map(time::to_timestamp)
    }

    /// cRLNumber, when there is one of at most 64 bits.
    pub fn number(&self) -> Option<u64> {
        let list = self.list.tbs_cert_list.crl_extensions.as_ref()?;
        let number = list
            .iter()
            .find(|found| found.extn_id == ID_CE_CRL_NUMBER)?;
        u64::from_der(number.extn_value.as_bytes()).ok()
    }

    /// The entries.
    pub fn revoked(&self) -> impl Iterator<Item = Revoked> {
        let entries = self
            .list
            .tbs_cert_list
            .revoked_certificates
            .iter()
            .flatten();
        entries.map(|entry| Revoked {
            serial: Bytes::copy_from_slice(entry.serial_number.as_bytes()),
            at: time::to_timestamp(entry.revocation_date),
            reason: reason(entry.crl_entry_extensions.as_deref().unwrap_or_default()),
        })
    }

    /// Verify the signature under the CA's key.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub fn verify_signed_by(&self, issuer: &PublicKey) -> Result<(), VerifyError> {
        if self.list.tbs_cert_list.signature != self.list.signature_algorithm {
            return Err(VerifyError::Disagree);
        }
        let signature = self.list.signature.as_bytes().ok_or(VerifyError::Wrong)?;
        issuer.verify(&self.list.signature_algorithm, &self.signed, signature)
    }
}

fn reason(extensions: &[Extension]) -> RevocationReason {
    extensions
        .iter()
        .find(|extension| extension.extn_id == ID_CE_CRL_REASONS)
        .and_then(|extension| match extension.extn_value.as_bytes() {
            [0x0a, 1, code] => RevocationReason::from_code(*code),
            _ => None,
        })
        .unwrap_or(RevocationReason::Unspecified)
}

#[cfg(test)]
mod tests;
