use std::fmt;

use pki::{Certificate, CertificateId};
use serde::{Deserialize, Serialize};

/// The one credential a request was authenticated with: `mtls:<SHA-256 of the SPKI>`, `token:<name>`,
/// `cmp:<label>/<reference>`, `cert:<SHA-256 of the SPKI>`.
///
/// It is the scope of idempotency keys and transactionIDs, so that one client can neither guess nor block another's,
/// and the owner of what it enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CredentialId(String);

impl CredentialId {
    /// Names a credential; the front that authenticated it chooses the text, and the same credential must always get
    /// the same one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One name a requester is known by, as configuration refers to it: `mtls:<hex>`, `subject:CN=a,O=b`, `dns:a.example`,
/// `uri:spiffe://…`, `cmp:<reference>`, `token:<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Principal(String);

impl Principal {
    /// A principal from its text form.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who asks: authenticated by a front, before anything of the request is acted on.
#[derive(Clone, Debug)]
pub struct Requester {
    /// What it was authenticated with.
    pub credential: CredentialId,
    /// Every name it is known by.
    pub principals: Vec<Principal>,
    /// Whether it may speak for others: use raVerified, revoke what it does not own.
    pub acts_as_ra: bool,
    /// The certificate it proved to hold, if that is how it authenticated (mTLS or signature protection).
    pub certificate: Option<Certificate>,
    /// Who signed an outer nested message around this request, if anyone did.
    pub via: Option<Box<Requester>>,
}

impl Requester {
    /// Whether this requester proved possession of the key of the certificate `id`.
    pub fn holds(&self, id: &CertificateId) -> bool {
        self.certificate.as_ref().is_some_and(|own| own.id() == *id)
    }
}
