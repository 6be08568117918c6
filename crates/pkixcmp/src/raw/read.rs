//! What is carried raw, read as what it is, and back.

use der::Decode;
use pki::certificate::CertificateError;
use pki::crl::{Crl, CrlError};
use pki::{Certificate, Csr, CsrError};

use super::{
    CertificateList, CertificationRequest, CmpCertificate, EnvelopedData, PoposkInput, RawSequence,
};
use crate::crmf::pop::PopoSigningKeyInput;
use crate::error::DecodeError;

impl CmpCertificate {
    /// The certificate.
    ///
    /// # Errors
    /// When it is not an X.509 certificate that can be read. In extraCerts that is no reason to refuse the message.
    pub fn certificate(&self) -> Result<Certificate, CertificateError> {
        Certificate::from_der(self.der().clone())
    }
}

impl From<&Certificate> for CmpCertificate {
    fn from(certificate: &Certificate) -> Self {
        Self(RawSequence(certificate.der().clone()))
    }
}

impl CertificateList {
    /// The CRL.
    ///
    /// # Errors
    /// When it is not an X.509 CRL that can be read.
    pub fn crl(&self) -> Result<Crl, CrlError> {
        Crl::from_der(self.der().clone())
    }
}

impl From<&Crl> for CertificateList {
    fn from(crl: &Crl) -> Self {
        Self(RawSequence(crl.der().clone()))
    }
}

impl CertificationRequest {
    /// The PKCS#10 request, its signature not verified yet.
    ///
    /// # Errors
    /// When it is not a PKCS#10 request that can be read.
    pub fn csr(&self) -> Result<Csr, CsrError> {
        Csr::from_der(self.der().clone())
    }
}

impl From<&Csr> for CertificationRequest {
    fn from(csr: &Csr) -> Self {
        Self(RawSequence(csr.der().clone()))
    }
}

impl EnvelopedData {
    /// The structure inside.
    ///
    /// # Errors
    /// When it is not an EnvelopedData of RFC 5652 as `cms` reads it.
    pub fn parse(&self) -> Result<cms::enveloped_data::EnvelopedData, DecodeError> {
        cms::enveloped_data::EnvelopedData::from_der(self.der())
            .map_err(|error| DecodeError::malformed("EnvelopedData", 0, error))
    }
}

impl PoposkInput {
    /// The structure inside.
    ///
    /// # Errors
    /// When it is not a POPOSigningKeyInput.
    pub fn parse(&self) -> Result<PopoSigningKeyInput, DecodeError> {
        PopoSigningKeyInput::from_der(self.der())
            .map_err(|error| DecodeError::malformed("poposkInput", 0, error))
    }
}
