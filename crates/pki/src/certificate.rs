//! [`Certificate`]: an X.509 certificate with its bytes as received.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use der::{Decode, Encode, Reader, SliceReader};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::extension::CaConstraint;
use crate::extension::{ExtensionError, Extensions};
use crate::general_name::GeneralName;
use crate::key::{KeyError, PublicKey, VerifyError};
use crate::pem::PemError;
use crate::{AlgorithmId, KeyUsages, Name, ObjectIdentifier, digest, name, pem, time};

/// An X.509 certificate (RFC 5280 section 4.1): the bytes as received, and what is in them. Cheap to clone. Two are
/// equal when their bytes are. Being read says nothing about being trusted.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Bytes,
    /// The TBSCertificate within `der`.
    signed: Bytes,
    x509: x509_cert::Certificate,
    issuer_der: Bytes,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
    extensions: Extensions,
    /// The key its signature was found to verify under. Nothing here ever changes, so that holds for good, and one line of an
    /// enrollment looks at the same certificate several times.
    signed_by: OnceLock<PublicKey>,
}

/// Which certificate is meant: issuer and serial number (RFC 5280 section 4.1.2.2).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CertificateId {
    /// The issuer's Name as DER.
    pub issuer: Bytes,
    /// The serial number: content of the INTEGER, minimal, so with a leading zero byte where the first bit would be set.
    pub serial: Bytes,
}

impl CertificateId {
    /// The serial number in lower-case hexadecimal as `openssl` and browsers show it: without the zero byte that DER puts before a set bit.
    pub fn serial_text(&self) -> String {
        serial_text(&self.serial)
    }
}

fn serial_text(content: &[u8]) -> String {
    let rest = content.strip_prefix(&[0]).filter(|rest| !rest.is_empty());
    hex::encode(rest.unwrap_or(content))
}

/// Why bytes are no certificate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is not the DER of an X.509 certificate.
    #[error("this is not an X.509 certificate: {0}")]
    Malformed(#[from] der::Error),
    /// An extension in it is malformed or occurs twice, or there are too many.
    #[error("the extensions of the certificate cannot be read: {0}")]
    Extensions(#[from] ExtensionError),
    /// The public key in it is malformed.
    #[error("the public key of the certificate cannot be read: {0}")]
    Key(#[source] KeyError),
    /// The text is not PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
}

impl Certificate {
    /// Read one DER certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`], [`CertificateError::Extensions`] or [`CertificateError::Key`].
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, CertificateError> {
        let der = der.into();
        let x509 = x509_cert::Certificate::from_der(&der)?;
        let signed = first_element(&der)?;
        let tbs = x509.tbs_certificate();
        let spki = tbs.subject_public_key_info().to_der()?;
        let public_key = PublicKey::from_spki_der(spki).map_err(CertificateError::Key)?;
        let list = tbs.extensions().map_or(&[][..], Vec::as_slice);
        let extensions = Extensions::read(list, &mut Vec::new())?;
        Ok(Self(Arc::new(Inner {
            signed,
            issuer_der: issuer_der(&der)?,
            public_key,
            not_before: time::to_timestamp(tbs.validity().not_before),
            not_after: time::to_timestamp(tbs.validity().not_after),
            extensions,
            signed_by: OnceLock::new(),
            x509,
            der,
        })))
    }

    /// Read the first certificate of a PEM text.
    ///
    /// # Errors
    /// [`CertificateError::Pem`] also when there is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let first = Self::all_from_pem(text)?.into_iter().next();
        first.ok_or(CertificateError::Pem(PemError::Empty("CERTIFICATE")))
    }

    /// Read every certificate of a PEM text; blocks with other labels are passed over. A text without certificates is an empty list.
    ///
    /// # Errors
    /// [`CertificateError::Pem`] when the text is broken PEM, and the error of the first certificate that cannot be read.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        Self::each_of_pem(text, |der| Self::from_der(der.to_vec()))
    }

    /// The same, each read that way.
    pub(crate) fn each_of_pem(
        text: &[u8],
        read: impl Fn(&[u8]) -> Result<Self, CertificateError>,
    ) -> Result<Vec<Self>, CertificateError> {
        let mut found = Vec::new();
        for block in pem::blocks(text) {
            let block = block?;
            if matches!(block.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE") {
                found.push(read(&block.der)?);
            }
        }
        Ok(found)
    }

    /// The bytes, as received.
    pub fn der(&self) -> &Bytes {
        &self.0.der
    }

    /// PEM with label `CERTIFICATE`: 64 columns, LF, LF at the end.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.0.der)
    }

    /// The subject; empty when only the alternative names count.
    pub fn subject(&self) -> &Name {
        self.0.x509.tbs_certificate().subject()
    }

    /// The issuer.
    pub fn issuer(&self) -> &Name {
        self.0.x509.tbs_certificate().issuer()
    }

    /// The serial number: content of the INTEGER.
    pub fn serial(&self) -> &[u8] {
        self.0.x509.tbs_certificate().serial_number().as_bytes()
    }

    /// The serial number for people and logs: [`CertificateId::serial_text`].
    pub fn serial_text(&self) -> String {
        serial_text(self.serial())
    }

    /// Issuer and serial number.
    pub fn id(&self) -> CertificateId {
        CertificateId {
            issuer: self.0.issuer_der.clone(),
            serial: Bytes::copy_from_slice(self.serial()),
        }
    }

    /// The certified key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// The algorithm of the issuer's signature, as named outside the signed part.
    pub fn signature_algorithm(&self) -> &AlgorithmId {
        self.0.x509.signature_algorithm()
    }

    /// Valid from this second on.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// Valid up to and including this second; [`Timestamp::MAX`] for `99991231235959Z`.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Whether `now` is within the validity.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.0.not_before <= now && now.as_second() <= self.0.not_after.as_second()
    }

    /// Subject alternative names in their order, empty when there are none.
    pub fn sans(&self) -> &[GeneralName] {
        &self.0.extensions.sans
    }

    /// Key usages; none when the extension is absent, which allows all.
    pub fn key_usage(&self) -> Option<KeyUsages> {
        self.0.extensions.key_usage
    }

    /// Extended key usages; none when the extension is absent, which allows all.
    pub fn ext_key_usage(&self) -> Option<&[ObjectIdentifier]> {
        self.0.extensions.ext_key_usage.as_deref()
    }

    /// Whether basicConstraints say that this is a CA certificate.
    pub fn is_ca(&self) -> bool {
        self.0.extensions.ca.is_some()
    }

    /// The constraints of a CA certificate; none for all others.
    pub fn ca_constraint(&self) -> Option<CaConstraint> {
        self.0.extensions.ca
    }

    /// subjectKeyIdentifier, if present.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.subject_key_id.as_deref()
    }

    /// keyIdentifier of authorityKeyIdentifier, if present.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.0.extensions.authority_key_id.as_deref()
    }

    /// Whether issuer and subject are the same name (RFC 5280 section 6.1).
    pub fn is_self_issued(&self) -> bool {
        name::same_name(self.subject(), self.issuer())
    }

    /// Whether it is self-issued and its signature verifies under its own key.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signed_by(self.public_key()).is_ok()
    }

    /// Verify the signature under the key of a supposed issuer. Names, validity and purpose are not looked at. A key that was found
    /// right is remembered with the certificate and all its clones.
    ///
    /// # Errors
    /// See [`VerifyError`]; [`VerifyError::Disagree`] when the algorithm inside and outside differ.
    pub fn verify_signed_by(&self, issuer: &PublicKey) -> Result<(), VerifyError> {
        if self.0.signed_by.get() == Some(issuer) {
            return Ok(());
        }
        let inner = self.0.x509.tbs_certificate().signature();
        if inner != self.signature_algorithm() {
            return Err(VerifyError::Disagree);
        }
        let signature = self.0.x509.signature().as_bytes();
        issuer.verify(
            self.signature_algorithm(),
            &self.0.signed,
            signature.ok_or(VerifyError::Wrong)?,
        )?;
        self.0.signed_by.get_or_init(|| issuer.clone());
        Ok(())
    }

    /// SHA-256 of the bytes.
    pub fn fingerprint(&self) -> [u8; 32] {
        digest::sha256(&self.0.der)
    }

    /// Everything else. Do not encode it anew: the result may differ from [`Certificate::der`].
    pub fn x509(&self) -> &x509_cert::Certificate {
        &self.0.x509
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = hex::encode(self.serial());
        write!(f, "Certificate({}, serial {serial})", self.subject())
    }
}

impl Serialize for Certificate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.der.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_der(Bytes::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Debug for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateId({self})")
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = hex::encode(&self.serial);
        match Name::from_der(&self.issuer) {
            Ok(issuer) => write!(f, "serial {serial} of {issuer}"),
            Err(_) => write!(f, "serial {serial} of an unreadable issuer"),
        }
    }
}

/// The first element inside the outer SEQUENCE: what the signature is over.
pub(crate) fn first_element(der: &Bytes) -> der::Result<Bytes> {
    let mut reader = SliceReader::new(der)?;
    let header = der::Header::decode(&mut reader)?;
    let inside = reader.read_slice(header.length())?;
    let element = SliceReader::new(inside)?.tlv_bytes()?;
    Ok(der.slice_ref(element))
}

/// The issuer as it stands in the certificate: `Name` sorts the sets in it, so encoding it anew may give other bytes.
fn issuer_der(certificate: &Bytes) -> der::Result<Bytes> {
    let signed = first_element(certificate)?;
    let mut reader = SliceReader::new(&signed)?;
    let issuer = reader.sequence(|fields| {
        // version is optional and explicitly tagged; then serialNumber and signature stand before the issuer.
        if der::Tag::peek(fields)?.is_context_specific() {
            fields.tlv_bytes()?;
        }
        fields.tlv_bytes()?;
        fields.tlv_bytes()?;
        let issuer = fields.tlv_bytes()?;
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok::<_, der::Error>(issuer)
    })?;
    Ok(signed.slice_ref(issuer))
}

#[cfg(test)]
mod tests;
