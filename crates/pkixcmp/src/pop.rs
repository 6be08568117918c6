//! Proof of possession by signature (RFC 4211 section 4.1): made in two steps, and taken out of a request as data that anyone with the public
//! key can verify.

use bytes::Bytes;
use der::asn1::BitString;
use der::{Decode, Encode};
use pki::GeneralName;
use pki::{AlgorithmId, PublicKey};

use crate::crmf::pop::{AuthInfo, PopoSigningKey, PopoSigningKeyInput, ProofOfPossession};
use crate::crmf::{Attributes, CertReqMsg, CertRequest};
use crate::error::EncodeError;
use crate::limits;
use crate::message::PkiMessage;
use crate::tlv::elements;

/// The DER of every CertReqMsg of an ir, cr, kur, krr or ccr, as received, beside its parsed form; nothing for other bodies.
#[must_use]
pub fn raw_requests(message: &PkiMessage) -> Vec<(Bytes, &CertReqMsg)> {
    let Some(parsed) = message.body().requests() else {
        return Vec::new();
    };
    // The body is one TLV around the SEQUENCE OF; both decoded before, so nothing here fails.
    let list = |body: &Bytes| -> Option<Bytes> {
        let outer = der::asn1::AnyRef::from_der(body).ok()?;
        Some(body.slice_ref(outer.value()))
    };
    let Some(list) = list(message.raw_body()) else {
        return Vec::new();
    };
    let raw = elements(&list, limits::REQUESTS).unwrap_or_default();
    raw.into_iter()
        .map(|der| list.slice_ref(der))
        .zip(parsed.iter())
        .collect()
}

/// What proof a request comes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A signature, not verified yet.
    Signature(Box<SignatureProof>),
    /// The sender says it has seen the proof. Believe that of a configured RA only.
    RaVerified,
    /// The key cannot sign; whoever reads the encrypted certificate proves that it is the owner, at confirmation.
    AtConfirmation,
    /// None: right only when the CA is to make the key.
    Absent,
}

/// A POP signature as data: the key in the request has to verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureProof {
    /// What was signed: the CertRequest as received, or the POPOSigningKeyInput.
    pub over: Bytes,
    /// The signature algorithm.
    pub algorithm: AlgorithmId,
    /// The signature: the content of the BIT STRING.
    pub signature: Bytes,
    /// The name in a POPOSigningKeyInput. It has to be one that was authenticated otherwise: the sender of a protected message.
    pub claimed_sender: Option<GeneralName>,
}

impl SignatureProof {
    /// Verifies the signature with the key the request asks a certificate for.
    ///
    /// # Errors
    /// [`PopError::Signature`] with the finding of the key.
    pub fn verify(&self, key: &PublicKey) -> Result<(), PopError> {
        key.verify(&self.algorithm, &self.over, &self.signature)
            .map_err(PopError::Signature)
    }
}

impl Proof {
    /// The proof of a CertReqMsg given as received, with its parsed form (see [`raw_requests`]).
    ///
    /// # Errors
    /// When the proof breaks a rule of RFC 4211 section 4 by its form alone, or is of a deprecated kind. All are badPOP.
    pub fn of(raw: &Bytes, request: &CertReqMsg) -> Result<Self, PopError> {
        match &request.popo {
            None => Ok(Self::Absent),
            Some(ProofOfPossession::RaVerified(_)) => Ok(Self::RaVerified),
            Some(ProofOfPossession::Signature(popo)) => signature(raw, request, popo)
                .map(Box::new)
                .map(Self::Signature),
            Some(
                ProofOfPossession::KeyEncipherment(how) | ProofOfPossession::KeyAgreement(how),
            ) => match how {
                crate::crmf::pop::PopoPrivKey::SubsequentMessage(ENCR_CERT) => {
                    Ok(Self::AtConfirmation)
                }
                _ => Err(PopError::Kind),
            },
        }
    }
}

/// SubsequentMessage: the certificate will be encrypted for the key.
const ENCR_CERT: u8 = 0;

fn signature(
    raw: &Bytes,
    request: &CertReqMsg,
    popo: &PopoSigningKey,
) -> Result<SignatureProof, PopError> {
    let template = &request.cert_req.cert_template;
    let complete = template.subject.is_some() && template.public_key.is_some();
    let (over, claimed_sender) = match &popo.poposk_input {
        None if complete => (cert_request(raw)?, None),
        None => return Err(PopError::InputMissing),
        Some(_) if complete => return Err(PopError::InputUnneeded),
        Some(input) => {
            let parsed =
                PopoSigningKeyInput::from_der(input.der()).map_err(|_| PopError::Malformed)?;
            if template
                .public_key
                .as_ref()
                .is_some_and(|key| *key != parsed.public_key)
            {
                return Err(PopError::OtherKey);
            }
            match parsed.auth_info {
                AuthInfo::Sender(name) => (input.der().clone(), Some(name)),
                AuthInfo::PublicKeyMac(_) => return Err(PopError::Kind),
            }
        }
    };
    let signature = popo.signature.as_bytes().ok_or(PopError::Malformed)?;
    Ok(SignatureProof {
        over,
        algorithm: popo.algorithm_identifier.clone(),
        signature: Bytes::copy_from_slice(signature),
        claimed_sender,
    })
}

/// The first element of a CertReqMsg.
fn cert_request(raw: &Bytes) -> Result<Bytes, PopError> {
    let parts = elements(raw, 3).map_err(|_| PopError::Malformed)?;
    parts
        .first()
        .map(|first| raw.slice_ref(first))
        .ok_or(PopError::Malformed)
}

/// A CertRequest about to get its POP signature.
///
/// Subject and public key have to be in the template; then the signature is over the CertRequest.
#[derive(Clone, Debug)]
pub struct Unproven {
    request: CertRequest,
    der: Bytes,
}

impl Unproven {
    /// Fixes the request.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn new(request: CertRequest) -> Result<Self, EncodeError> {
        let der = request
            .to_der()
            .map_err(|error| EncodeError::new("CertRequest", error))?;
        Ok(Self {
            request,
            der: der.into(),
        })
    }

    /// What the key of the template signs.
    #[must_use]
    pub fn to_be_signed(&self) -> &Bytes {
        &self.der
    }

    /// The request with its proof.
    ///
    /// # Errors
    /// When the signature is longer than DER can say.
    pub fn proven(
        self,
        algorithm: AlgorithmId,
        signature: &[u8],
        reg_info: Option<Attributes>,
    ) -> Result<CertReqMsg, EncodeError> {
        let signature = BitString::from_bytes(signature)
            .map_err(|error| EncodeError::new("POP signature", error))?;
        let popo = PopoSigningKey {
            poposk_input: None,
            algorithm_identifier: algorithm,
            signature,
        };
        Ok(CertReqMsg {
            cert_req: self.request,
            popo: Some(ProofOfPossession::Signature(popo)),
            reg_info,
        })
    }

    /// The request with the word of an RA that it has seen the proof.
    #[must_use]
    pub fn ra_verified(self, reg_info: Option<Attributes>) -> CertReqMsg {
        CertReqMsg {
            cert_req: self.request,
            popo: Some(ProofOfPossession::RaVerified(der::asn1::Null)),
            reg_info,
        }
    }
}

/// Why a proof of possession was not believed; badPOP all of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PopError {
    /// The template lacks subject or public key, so POPOSigningKeyInput has to be there.
    #[error(
        "the proof of possession lacks the poposkInput that a template without subject or public key needs"
    )]
    InputMissing,
    /// The template has both, so POPOSigningKeyInput must not be there.
    #[error(
        "the proof of possession has a poposkInput although the template has subject and public key"
    )]
    InputUnneeded,
    /// POPOSigningKeyInput has another key than the template.
    #[error("the poposkInput of the proof of possession has another public key than the template")]
    OtherKey,
    /// A kind that is not taken: the private key itself, a MAC, a challenge.
    #[error(
        "this kind of proof of possession is not supported; sign with the key, or ask for an encrypted certificate"
    )]
    Kind,
    /// Octets that do not fit together.
    #[error("the proof of possession is malformed")]
    Malformed,
    /// The signature does not verify.
    #[error(
        "the signature of the proof of possession does not verify with the public key of the request: {0}"
    )]
    Signature(#[source] pki::VerifyError),
}
