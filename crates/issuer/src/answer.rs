//! What the RA answered, checked before anything is written, and as the PEM texts that are.

use api::v2::{Change, Issued, RequestKind};
use jiff::Timestamp;
use pki::chain::{self, ChainError};
use pki::{Certificate, CertificateError, KnownCas, PublicKey};

use crate::kinds::TrustMode;

/// An answer that holds.
#[derive(Clone, Debug)]
pub struct Sound {
    /// The certificate.
    pub leaf: Certificate,
    /// Leaf and intermediates, leaf first, without the root: PEM text for `status.certificate`.
    pub certificate: String,
    /// PEM text for `status.ca`.
    pub ca: String,
    /// How the CA was asked.
    pub kind: RequestKind,
    /// Where the certificate is not what was asked for.
    pub changes: Vec<Change>,
}

/// Why an answer is not taken. It is the RA's or the CA's fault, never the requester's.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// A text that is no certificate, or more than one.
    #[error("{what} is not one certificate: {why}")]
    NotACertificate {
        /// Which member of the answer.
        what: &'static str,
        /// What it is.
        why: String,
    },
    /// Somebody else's.
    #[error("the certificate has another public key than the request")]
    OtherKey,
    /// It leads nowhere.
    #[error("the certificate does not lead to one of the roots that came with it: {0}")]
    Chain(#[from] ChainError),
    /// It cannot be written down.
    #[error("{what} are {size} bytes, and cert-manager takes {most}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Bytes of PEM text.
        size: usize,
        /// How many there may be.
        most: usize,
    },
}

/// cert-manager's limits (`--max-certificate-chain-size`, `--max-certificate-bundle-size`).
const LARGEST_CHAIN: usize = 95_000;
const LARGEST_BUNDLE: usize = 330_000;

/// Checks an answer against the key it was asked for, and writes it down as cert-manager passes it on.
///
/// # Errors
/// [`Unsound`].
pub fn check(
    issued: &Issued,
    key: &PublicKey,
    mode: TrustMode,
    known: &KnownCas,
    now: Timestamp,
) -> Result<Sound, Unsound> {
    let leaf = one("certificate", &issued.certificate, known)?;
    if leaf.public_key() != key {
        return Err(Unsound::OtherKey);
    }
    let chain = all("chain", &issued.chain, known)?;
    let roots = all("roots", &issued.roots, known)?;
    let found = chain::assemble(&leaf, &[chain, roots.clone()].concat(), &roots, now)?;

    let mut certificate = leaf.to_pem();
    for issuer in found
        .certificates
        .iter()
        .skip(1)
        .filter(|c| !c.is_self_signed())
    {
        certificate.push_str(&issuer.to_pem());
    }
    let anchor = found.anchors.first().cloned();
    let ca = match mode {
        TrustMode::None => String::new(),
        TrustMode::ChainRootOnly => pem(anchor.as_slice()),
        TrustMode::All => pem(&in_order(anchor.as_ref(), &roots, now)),
    };
    within("certificate and chain", certificate.len(), LARGEST_CHAIN)?;
    within("the roots", ca.len(), LARGEST_BUNDLE)?;
    Ok(Sound {
        leaf,
        certificate,
        ca,
        kind: issued.kind,
        changes: issued.changes.clone(),
    })
}

/// Roots as they are written down: the one that today's chains end with first, for clients that look at one alone; the others by subject and fingerprint, so that
/// the text stays the same while the roots do. Of the others, expired ones, cross-certificates and repetitions are left out.
#[must_use]
pub fn in_order(
    first: Option<&Certificate>,
    roots: &[Certificate],
    now: Timestamp,
) -> Vec<Certificate> {
    let mut others: Vec<&Certificate> = roots
        .iter()
        .filter(|root| Some(*root) != first && root.not_after() >= now && root.is_self_signed())
        .collect();
    others.sort_by_cached_key(|root| (root.subject().to_string(), root.fingerprint()));
    others.dedup();
    first.into_iter().chain(others).cloned().collect()
}

/// PEM text, one block each.
#[must_use]
pub fn pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

/// A subject that two of these roots have, in whose place a store that names its entries by subject keeps one.
#[must_use]
pub fn twins(roots: &[Certificate]) -> Option<String> {
    let has_twin = |(at, root): &(usize, &Certificate)| {
        let mut before = roots.iter().take(*at);
        before.any(|other| other != *root && other.subject() == root.subject())
    };
    let found = roots.iter().enumerate().find(has_twin);
    found.map(|(_, root)| root.subject().to_string())
}

/// Certificates out of PEM texts of one block each.
///
/// # Errors
/// [`Unsound::NotACertificate`], naming the member.
pub fn all(
    what: &'static str,
    texts: &[String],
    known: &KnownCas,
) -> Result<Vec<Certificate>, Unsound> {
    texts.iter().map(|text| one(what, text, known)).collect()
}

fn one(what: &'static str, text: &str, known: &KnownCas) -> Result<Certificate, Unsound> {
    let bad = |why: String| Unsound::NotACertificate { what, why };
    let mut found = known
        .read_pem(text.as_bytes())
        .map_err(|e: CertificateError| bad(e.to_string()))?;
    match (found.pop(), found.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        (None, _) => Err(bad("there is none in it".to_owned())),
        (Some(_), false) => Err(bad("there are several in it".to_owned())),
    }
}

fn within(what: &'static str, size: usize, most: usize) -> Result<(), Unsound> {
    if size <= most {
        Ok(())
    } else {
        Err(Unsound::TooLarge { what, size, most })
    }
}

#[cfg(test)]
mod tests;
