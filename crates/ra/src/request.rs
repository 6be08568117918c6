use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::SignedDuration;
use pki::{AlgorithmId, Certificate, CertificateId, Signer, Template};
use serde::{Deserialize, Serialize};

use crate::{Correlation, CredentialId, EntryId, ProfileName};

/// The name in a URL: what CertService calls `caName`. Credentials and front behaviour hang on it, limits on the
/// profile behind it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label(String);

impl Label {
    /// A label as it stands in a URL, already decoded.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What makes two requests the same request: an `Idempotency-Key`, a transactionID, or a digest of the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose key it is; the same value of another credential is another key.
    pub scope: CredentialId,
    /// The value as received or computed.
    pub value: Bytes,
    /// For how long after its end the request is still answered with the same certificate; `None`: as long as the
    /// journal keeps it. A front whose clients send no key (REST v1) uses a short span: byte-identical months later is
    /// a renewal.
    pub replay_for: Option<SignedDuration>,
}

impl Key {
    /// The journal's name for this key.
    pub fn id(&self) -> EntryId {
        EntryId::of(&self.scope, &self.value)
    }
}

/// State that one crate writes and only the same crate reads; it begins with that crate's version byte. The journal
/// keeps it without looking.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed(pub Bytes);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// How the requester shows that it holds the private key (RFC 9810 5.2.8).
#[derive(Clone)]
pub enum Proof {
    /// A signature by that key over known bytes: of a PKCS#10 or of a CRMF certRequest.
    Signature {
        /// The bytes signed.
        over: Bytes,
        /// The signature's algorithm.
        algorithm: AlgorithmId,
        /// The signature as it stands in the BIT STRING.
        signature: Bytes,
    },
    /// The key itself, lent for this call (REST v1). It is never stored.
    Lent(Arc<dyn Signer>),
    /// The requester authenticated with the certificate itself (mTLS), which needed its key. Shows possession of a
    /// certificate that is to be replaced, never of a new key.
    Channel,
    /// A requester that acts as RA says it checked (raVerified).
    RaVerified,
    /// Shown later, when the certificate is confirmed (encrypted certificate).
    AtConfirmation,
}

/// The request in the form it came in, for CAs to which it can be passed on as it is.
#[derive(Clone, Debug)]
pub enum Original {
    /// A PKCS#10 CertificationRequest, DER.
    CertificationRequest(Bytes),
    /// A CRMF CertReqMsg, DER.
    CertReqMsg(Bytes),
    /// A whole protected PKIMessage, DER.
    PkiMessage(Bytes),
}

/// The certificate that the new one takes the place of.
#[derive(Clone)]
pub struct Replaces {
    /// The old certificate.
    pub certificate: Certificate,
    /// How the requester shows that it holds its key.
    pub proof: Proof,
}

/// Who speaks the last word on an issued certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfirmedBy {
    /// We do, once it has passed our checks and is in the journal.
    Ra,
    /// The requester does, by certConf; until then the CA hears nothing.
    Requester,
}

/// One certificate asked for, whatever front it came through.
///
/// Neither `Debug` nor serialisable: it may hold a lent key.
pub struct EnrollRequest {
    /// What makes it this request.
    pub key: Key,
    /// SHA-256 of the bytes that make it this request: other bytes under the same key are refused.
    pub fingerprint: [u8; 32],
    /// The label it was sent to.
    pub label: Label,
    /// The profile asked for, if any.
    pub profile: Option<ProfileName>,
    /// What is wanted.
    pub wanted: Template,
    /// For how long, where a span is wanted and not an end: from the certificate's notBefore, wherever the CA sets it.
    /// It takes the place of `wanted.validity`.
    pub lifetime: Option<SignedDuration>,
    /// Proof-of-possession of `wanted.public_key`.
    pub proof: Proof,
    /// The request as it came.
    pub original: Option<Original>,
    /// The certificate it renews, if it does.
    pub replaces: Option<Replaces>,
    /// Who confirms.
    pub confirmed_by: ConfirmedBy,
    /// What the front needs to answer again.
    pub front: Sealed,
    /// The request's name in logs and audit.
    pub correlation: Option<Correlation>,
}

/// One certificate to be revoked.
pub struct RevokeRequest {
    /// What makes it this request.
    pub key: Key,
    /// SHA-256 of the bytes that make it this request.
    pub fingerprint: [u8; 32],
    /// The label it was sent to.
    pub label: Label,
    /// Which certificate.
    pub of: CertificateId,
    /// CRLReason (RFC 5280 5.3.1).
    pub reason: u8,
    /// The request's own bytes where they must reach the CA unchanged.
    pub original: Option<Bytes>,
    /// What the front needs to answer again.
    pub front: Sealed,
    /// The request's name in logs and audit.
    pub correlation: Option<Correlation>,
}
