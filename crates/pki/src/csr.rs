//! [`Csr`]: a PKCS#10 certification request (RFC 2986).

use std::fmt;

use bytes::Bytes;
use const_oid::db::rfc5912::ID_EXTENSION_REQ;
use der::asn1::{Any, AnyRef, BitStringRef, SetOfVec};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag};
use thiserror::Error;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;

use crate::certificate::first_element;
use crate::extension::ExtensionError;
use crate::key::{KeyError, PublicKey, VerifyError};
use crate::pem::PemError;
use crate::private_key::PrivateKey;
use crate::signer::{SignError, Signer};
use crate::template::Template;
use crate::{AlgorithmId, Name, ObjectIdentifier, pem};

/// Microsoft's own extension request, with the same content.
const MICROSOFT_EXTENSION_REQ: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");
const MOST_ATTRIBUTES: usize = 100;

/// A PKCS#10 request with its bytes as received. Being read does not mean that its signature is good: see [`Csr::verify`].
#[derive(Clone)]
pub struct Csr {
    der: Bytes,
    signed: Bytes,
    subject: Name,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    algorithm: AlgorithmId,
    signature: Bytes,
}

/// Why something is no request, or none can be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CsrError {
    /// It is not the DER of a PKCS#10 request.
    #[error("this is not a PKCS#10 certification request: {0}")]
    Malformed(#[from] der::Error),
    /// An extension asked for is malformed, occurs twice, or there are too many.
    #[error("the extensions asked for in the certification request cannot be read: {0}")]
    Extensions(#[source] ExtensionError),
    /// A name in the template cannot be encoded.
    #[error("the certification request cannot be encoded: {0}")]
    Encode(#[source] der::Error),
    /// The public key in it is malformed.
    #[error("the public key of the certification request cannot be read: {0}")]
    Key(#[source] KeyError),
    /// The text is not PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The new request could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl Csr {
    /// Read one DER request; nothing may follow it. Absent attributes, which RFC 2986 does not allow but some tools
    /// make, are accepted.
    ///
    /// # Errors
    /// [`CsrError::Malformed`], [`CsrError::Key`].
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, CsrError> {
        let der = der.into();
        let mut outer = SliceReader::new(&der)?;
        let (info, algorithm, signature) = outer.sequence(|fields| {
            let info = fields.tlv_bytes()?;
            let algorithm: AlgorithmId = fields.decode()?;
            let signature: BitStringRef<'_> = fields.decode()?;
            Ok::<_, der::Error>((info, algorithm, signature))
        })?;
        outer.finish()?;
        let signature = signature
            .as_bytes()
            .ok_or_else(|| der::Error::from(Tag::BitString.value_error()))?;
        let signature = der.slice_ref(signature);
        let mut reader = SliceReader::new(info)?;
        let (subject, spki, extensions) = reader.sequence(|fields| {
            let version: u8 = fields.decode()?;
            // v1 is the only version (RFC 2986 section 4.1); some tools write 1 or 2, and nothing hangs on it.
            if version > 2 {
                return Err(Tag::Integer.value_error().into());
            }
            let subject = fields.decode()?;
            let spki = fields.tlv_bytes()?;
            let extensions = match fields.is_finished() {
                true => Vec::new(),
                false => requested_extensions(fields.decode()?)?,
            };
            Ok::<_, der::Error>((subject, spki, extensions))
        })?;
        let public_key = PublicKey::from_spki_der(der.slice_ref(spki)).map_err(CsrError::Key)?;
        Ok(Self {
            signed: first_element(&der)?,
            subject,
            public_key,
            extensions,
            algorithm,
            signature,
            der,
        })
    }

    /// Read the first block of a PEM text, whatever its label.
    ///
    /// # Errors
    /// [`CsrError::Pem`], and as [`Csr::from_der`].
    pub fn from_pem(text: &[u8]) -> Result<Self, CsrError> {
        let first = pem::blocks(text).next();
        let block = first.unwrap_or(Err(PemError::Empty("CERTIFICATE REQUEST")))?;
        Self::from_der(block.der.to_vec())
    }

    /// The bytes, as received.
    pub fn der(&self) -> &Bytes {
        &self.der
    }

    /// PEM with label `CERTIFICATE REQUEST`.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The subject asked for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The key to be certified.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// What is asked for: subject, key and every extension of the extensionRequest attribute, wherever it stands among
    /// the attributes. Other attributes, such as a challenge password, are not part of it.
    ///
    /// # Errors
    /// [`CsrError::Extensions`].
    pub fn template(&self) -> Result<Template, CsrError> {
        let mut template = Template::new(self.subject.clone(), self.public_key.clone());
        template
            .take_extensions(&self.extensions)
            .map_err(CsrError::Extensions)?;
        Ok(template)
    }

    /// The CertificationRequestInfo: what the signature is over.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.signed
    }

    /// The signature: content of the BIT STRING.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The algorithm of the signature.
    pub fn signature_algorithm(&self) -> &AlgorithmId {
        &self.algorithm
    }

    /// Verify the signature under the key in the request: the proof that its maker has the private key.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub fn verify(&self) -> Result<(), VerifyError> {
        self.public_key
            .verify(&self.algorithm, &self.signed, &self.signature)
    }

    /// Make a request for `template`, signed with `key`, whose public half replaces that of the template. The validity
    /// of the template is dropped: PKCS#10 cannot express it.
    ///
    /// # Errors
    /// [`CsrError::Encode`] when a name cannot be encoded, [`CsrError::Sign`].
    pub fn build(template: &Template, key: &PrivateKey) -> Result<Self, CsrError> {
        let info = request_info(template, key)?;
        let signature = key.sign_now(&info)?;
        Self::assemble(&info, key.algorithm(), &signature)
    }

    /// The same with any [`Signer`].
    ///
    /// # Errors
    /// As [`Csr::build`].
    pub async fn build_with(template: &Template, signer: &dyn Signer) -> Result<Self, CsrError> {
        let info = request_info(template, signer)?;
        let signature = signer.sign(&info).await?;
        Self::assemble(&info, signer.algorithm(), &signature)
    }

    fn assemble(info: &[u8], algorithm: &AlgorithmId, signature: &[u8]) -> Result<Self, CsrError> {
        Self::from_der(signed(info, algorithm, signature)?)
    }
}

impl fmt::Debug for Csr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Csr({}, {})", self.subject, self.public_key.kind())
    }
}

/// SEQUENCE { already encoded content, algorithm, BIT STRING }: the outside of requests, certificates and CRLs.
pub(crate) fn signed(
    content: &[u8],
    algorithm: &AlgorithmId,
    signature: &[u8],
) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct Signed<'a> {
        content: AnyRef<'a>,
        algorithm: AlgorithmId,
        signature: BitStringRef<'a>,
    }
    Signed {
        content: AnyRef::from_der(content)?,
        algorithm: algorithm.clone(),
        signature: BitStringRef::from_bytes(signature)?,
    }
    .to_der()
}

fn request_info(template: &Template, signer: &dyn Signer) -> Result<Vec<u8>, CsrError> {
    #[derive(Sequence)]
    struct Info<'a> {
        version: u8,
        subject: Name,
        public_key: AnyRef<'a>,
        #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
        attributes: SetOfVec<Attribute>,
    }
    let extensions = template.extensions().map_err(CsrError::Encode)?;
    let mut attributes = SetOfVec::new();
    if !extensions.is_empty() {
        let mut values = SetOfVec::new();
        values.insert(Any::encode_from(&extensions)?)?;
        attributes.insert(Attribute {
            oid: ID_EXTENSION_REQ,
            values,
        })?;
    }
    let info = Info {
        version: 0,
        subject: template.subject.clone(),
        public_key: AnyRef::from_der(signer.public_key().spki_der())?,
        attributes,
    };
    Ok(info.to_der()?)
}

/// The extensions of every extensionRequest attribute. The set is read in the order it came in: some tools do not sort it.
fn requested_extensions(attributes: AnyRef<'_>) -> der::Result<Vec<Extension>> {
    let expected = Tag::ContextSpecific {
        constructed: true,
        number: der::TagNumber(0),
    };
    attributes.header().tag().assert_eq(expected)?;
    let mut reader = SliceReader::new(attributes.value())?;
    let mut extensions = Vec::new();
    let mut count = 0;
    while !reader.is_finished() {
        count += 1;
        if count > MOST_ATTRIBUTES {
            return Err(reader.error(der::ErrorKind::Overlength));
        }
        let (oid, values) = reader.sequence(|fields| {
            let oid: ObjectIdentifier = fields.decode()?;
            let values: AnyRef<'_> = fields.decode()?;
            values.header().tag().assert_eq(Tag::Set)?;
            Ok::<_, der::Error>((oid, values.value()))
        })?;
        if oid == ID_EXTENSION_REQ || oid == MICROSOFT_EXTENSION_REQ {
            let mut values = SliceReader::new(values)?;
            while !values.is_finished() {
                extensions.extend(values.decode::<Vec<Extension>>()?);
            }
        }
    }
    Ok(extensions)
}

#[cfg(test)]
mod tests;
