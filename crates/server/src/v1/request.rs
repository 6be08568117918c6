//! Header fields to a request, in CertService's order of evaluation: it decides which error wins.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use jiff::SignedDuration;
use pki::{Certificate, Csr, KeyKind, PrivateKey, Signer, Template};
use ra::{
    ConfirmedBy, Correlation, EnrollRequest, Key, Label, Original, Proof, Replaces, Requester,
    Sealed,
};
use zeroize::Zeroizing;

use super::Failure;
use super::headers::{NotDecoded, decoded};

/// Which of the two endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initialize,
    Update,
}

/// A request that was read. Not Debug: it holds the client's keys.
pub(super) struct Parsed {
    pub(super) csr: Csr,
    pub(super) wanted: Template,
    key: Arc<PrivateKey>,
    pub(super) old: Option<Old>,
}

/// What is to be replaced.
pub(super) struct Old {
    pub(super) certificate: Certificate,
    key: Arc<PrivateKey>,
    /// Same subject and names: a key update, else one more certificate (certservice-compat 2.6).
    pub(super) same_names: bool,
}

/// The values as they came, before any is looked at.
type Value = Result<Zeroizing<Vec<u8>>, NotDecoded>;

pub(super) fn parse(kind: Kind, headers: &HeaderMap) -> Result<Parsed, Failure> {
    let value = |names: &[&str]| -> Result<Value, Failure> {
        decoded(headers, names).ok_or_else(|| Failure::missing_header(names[0]))
    };
    let csr = value(&["CSR"])?;
    let key = value(&["PK"])?;
    let old = match kind {
        Kind::Initialize => None,
        Kind::Update => Some((
            value(&["OLD_CERT", "OLDCERT"])?,
            value(&["OLD_PK", "OLDPK"])?,
        )),
    };
    let csr = self::csr(csr)?;
    let key = private_key(key, Failure::key)?;
    if csr.public_key().kind() == KeyKind::Other {
        return Err(Failure::key(
            "the public key in the CSR is of a kind that is not supported",
        ));
    }
    if key.public_key() != csr.public_key() {
        return Err(Failure::key(
            "the private key does not belong to the public key in the CSR",
        ));
    }
    let wanted = wanted(&csr)?;
    let old = old
        .map(|(certificate, key)| self::old(certificate, key, &wanted))
        .transpose()?;
    Ok(Parsed {
        csr,
        wanted,
        key: Arc::new(key),
        old,
    })
}

fn csr(value: Value) -> Result<Csr, Failure> {
    let text = value.map_err(Failure::csr)?;
    let csr = Csr::from_pem(&text).map_err(Failure::csr)?;
    csr.verify()
        .map_err(|e| Failure::csr(format!("its signature does not verify: {e}")))?;
    Ok(csr)
}

fn private_key(value: Value, failure: impl Fn(String) -> Failure) -> Result<PrivateKey, Failure> {
    let text = value.map_err(|e| failure(e.to_string()))?;
    PrivateKey::from_pem(&text, None).map_err(|e| failure(e.to_string()))
}

/// Subject, key and names. CertService drops every other extension and attribute of the CSR, and so does v1.
fn wanted(csr: &Csr) -> Result<Template, Failure> {
    let asked = csr.template().map_err(Failure::csr)?;
    Ok(Template {
        sans: asked.sans,
        ..Template::new(asked.subject, asked.public_key)
    })
}

/// CertService reports a bad old key as a bad certificate; clients know no other text for it.
fn old(certificate: Value, key: Value, wanted: &Template) -> Result<Old, Failure> {
    let text = certificate.map_err(|e| Failure::certificate(format!("OLD_CERT: {e}")))?;
    // A chain may follow; the leaf comes first, and what is behind it is nobody's business.
    let certificate =
        Certificate::from_pem(&text).map_err(|e| Failure::certificate(format!("OLD_CERT: {e}")))?;
    let key = private_key(key, |e| Failure::certificate(format!("OLD_PK: {e}")))?;
    let same_names = wanted.has_names_of(&certificate);
    Ok(Old {
        certificate,
        key: Arc::new(key),
        same_names,
    })
}

impl Old {
    /// Whether the key lent is the old certificate's.
    pub(super) fn key_fits(&self) -> bool {
        self.key.public_key() == self.certificate.public_key()
    }

    /// A key update bears the old key's own protection, so the key is lent. One more certificate is asked for under our protection: there
    /// a signature shows that the old key is held, and the row can be carried on without it.
    fn replaces(&self, csr: &Csr) -> Option<Replaces> {
        if !self.key_fits() {
            return None;
        }
        let proof = if self.same_names {
            Proof::Lent(Arc::clone(&self.key) as Arc<dyn Signer>)
        } else {
            Proof::Signature {
                over: csr.der().clone(),
                algorithm: self.key.algorithm().clone(),
                signature: self.key.sign_now(csr.der()).ok()?,
            }
        };
        Some(Replaces {
            certificate: self.certificate.clone(),
            proof,
        })
    }
}

impl Parsed {
    /// What makes it this request.
    pub(super) fn key(&self, who: &Requester, ca: &Label, replay: SignedDuration) -> Key {
        Key {
            scope: who.credential.clone(),
            value: Bytes::copy_from_slice(&self.fingerprint(ca)),
            replay_for: Some(replay),
        }
    }

    /// The line's request. It takes its argument for good, and a key update that waits is put again: hence made anew each time.
    pub(super) fn request(
        &self,
        key: &Key,
        ca: &Label,
        correlation: Option<Correlation>,
    ) -> EnrollRequest {
        EnrollRequest {
            key: key.clone(),
            fingerprint: self.fingerprint(ca),
            label: ca.clone(),
            profile: None,
            wanted: self.wanted.clone(),
            lifetime: None,
            proof: Proof::Lent(Arc::clone(&self.key) as Arc<dyn Signer>),
            original: Some(Original::CertificationRequest(self.csr.der().clone())),
            replaces: self.old.as_ref().and_then(|old| old.replaces(&self.csr)),
            confirmed_by: ConfirmedBy::Ra,
            front: Sealed::default(),
            correlation,
        }
    }

    /// v1 has no idempotency key: what makes two requests one is all of their content that the CA would see.
    fn fingerprint(&self, ca: &Label) -> [u8; 32] {
        let mut text = b"certservice-v1".to_vec();
        let old = self
            .old
            .as_ref()
            .map(|old| old.certificate.der().as_ref())
            .unwrap_or_default();
        for part in [ca.as_str().as_bytes(), self.csr.der(), old] {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        }
        pki::digest::sha256(&text)
    }
}
