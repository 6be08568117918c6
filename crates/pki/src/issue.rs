//! Making certificates: from a [`Template`] and what the CA decides to a signed certificate.

use bytes::Bytes;
use der::asn1::{AnyRef, UintRef};
use der::{Decode, Encode, Sequence};
use jiff::Timestamp;
use thiserror::Error;
use x509_cert::ext::Extension;
use x509_cert::time::Validity;

use crate::certificate::{Certificate, CertificateError};
use crate::random::{self, NoRandomness};
use crate::signer::{SignError, Signer};
use crate::template::Template;
use crate::{AlgorithmId, Name, csr, extension, time};

/// A serial number: 128 random bits, so that it is unique without a counter and cannot be guessed (RFC 5280 section
/// 4.1.2.2 allows 160).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Serial([u8; 16]);

impl Serial {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn random() -> Result<Self, NoRandomness> {
        random::bytes().map(Self::from_random)
    }

    /// From bytes drawn elsewhere. All zero would be no valid serial number; it becomes 1.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        if bytes == [0; 16] {
            return Self(1u128.to_be_bytes());
        }
        Self(bytes)
    }

    /// Content of the INTEGER, minimal: what [`Certificate::serial`] returns.
    pub fn integer(&self) -> Bytes {
        let start = self.0.iter().take_while(|byte| **byte == 0).count().min(15);
        let mut integer = Vec::with_capacity(17);
        if self.0[start] & 0x80 != 0 {
            integer.push(0);
        }
        integer.extend_from_slice(&self.0[start..]);
        integer.into()
    }
}

/// Everything a certificate will say. The subject, key, names, usages and constraints are those of `template`; its
/// requested validity is not looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct TbsParameters {
    /// The serial number.
    pub serial: Serial,
    /// The CA's name.
    pub issuer: Name,
    /// The CA's subject key identifier.
    pub authority_key_id: Bytes,
    /// Valid from; whole seconds.
    pub not_before: Timestamp,
    /// Valid until, inclusive; [`Timestamp::MAX`] for no end.
    pub not_after: Timestamp,
    /// Subject, key, names, usages, constraints, other extensions. Subject and authority key identifiers and CRL
    /// distribution points among the other extensions are dropped: those are the CA's to say.
    pub template: Template,
    /// Where the CA's revocation list is; http URLs.
    pub crl_urls: Vec<String>,
}

/// Why no certificate was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IssueError {
    /// A value cannot be encoded, for instance a time before 1970 or a name that is not ASCII.
    #[error("the certificate cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// What was made cannot be read back, for instance because two extensions are the same.
    #[error("the certificate made would not be valid: {0}")]
    Invalid(#[from] CertificateError),
    /// The CA's key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl TbsParameters {
    /// A certificate under `issuer`.
    pub fn under(
        issuer: &Certificate,
        template: Template,
        serial: Serial,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Self {
        let key_id = issuer
            .subject_key_id()
            .map_or_else(|| issuer.public_key().key_id().to_vec(), <[u8]>::to_vec);
        Self {
            serial,
            issuer: issuer.subject().clone(),
            authority_key_id: key_id.into(),
            not_before,
            not_after,
            template,
            crl_urls: Vec::new(),
        }
    }

    /// A self-signed certificate: the issuer is the subject.
    pub fn self_signed(
        template: Template,
        serial: Serial,
        not_before: Timestamp,
        not_after: Timestamp,
    ) -> Self {
        Self {
            serial,
            issuer: template.subject.clone(),
            authority_key_id: Bytes::copy_from_slice(&template.public_key.key_id()),
            not_before,
            not_after,
            template,
            crl_urls: Vec::new(),
        }
    }

    /// The TBSCertificate as DER, to be signed with `algorithm`.
    ///
    /// # Errors
    /// [`IssueError::Encode`].
    pub fn to_be_signed(&self, algorithm: &AlgorithmId) -> Result<Bytes, IssueError> {
        #[derive(Sequence)]
        struct Tbs<'a> {
            #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
            version: u8,
            serial: UintRef<'a>,
            algorithm: AlgorithmId,
            issuer: Name,
            validity: Validity,
            subject: Name,
            public_key: AnyRef<'a>,
            #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
            extensions: Vec<Extension>,
        }
        let tbs = Tbs {
            version: 2,
            serial: UintRef::new(&self.serial.0)?,
            algorithm: algorithm.clone(),
            issuer: self.issuer.clone(),
            validity: Validity::new(
                time::from_timestamp(self.not_before)?,
                time::from_timestamp(self.not_after)?,
            ),
            subject: self.template.subject.clone(),
            public_key: AnyRef::from_der(self.template.public_key.spki_der())?,
            extensions: self.extensions()?,
        };
        Ok(tbs.to_der()?.into())
    }

    fn extensions(&self) -> der::Result<Vec<Extension>> {
        let template = &self.template;
        let mut list = vec![extension::write_basic_constraints(template.ca)?];
        if let Some(usages) = template.key_usage.filter(|usages| !usages.is_empty()) {
            list.push(extension::write_key_usage(usages)?);
        }
        if !template.ext_key_usage.is_empty() {
            list.push(extension::write_ext_key_usage(&template.ext_key_usage)?);
        }
        list.push(extension::write_subject_key_id(
            &template.public_key.key_id(),
        )?);
        list.push(extension::write_authority_key_id(&self.authority_key_id)?);
        if !template.sans.is_empty() {
            list.push(extension::write_sans(
                &template.sans,
                template.subject.is_empty(),
            )?);
        }
        if !self.crl_urls.is_empty() {
            list.push(extension::write_crl_urls(&self.crl_urls)?);
        }
        let others = template.other_extensions.iter();
        list.extend(
            others
                .filter(|other| !extension::is_for_the_ca(other))
                .cloned(),
        );
        Ok(list)
    }
}

/// Make the certificate: encode, sign, put together.
///
/// # Errors
/// See [`IssueError`].
pub async fn issue(
    parameters: &TbsParameters,
    signer: &dyn Signer,
) -> Result<Certificate, IssueError> {
    let tbs = parameters.to_be_signed(signer.algorithm())?;
    let signature = signer.sign(&tbs).await?;
    assemble(&tbs, signer.algorithm(), &signature)
}

/// Put a certificate together from its TBSCertificate and the signature over it.
///
/// # Errors
/// [`IssueError::Invalid`] when the parts make no certificate.
pub fn assemble(
    tbs: &[u8],
    algorithm: &AlgorithmId,
    signature: &[u8],
) -> Result<Certificate, IssueError> {
    Ok(Certificate::from_der(csr::signed(
        tbs, algorithm, signature,
    )?)?)
}

#[cfg(test)]
mod tests;
