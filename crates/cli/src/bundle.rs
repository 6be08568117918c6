//! What came from the service, believed only after it was checked.

use api::v2::Issued;
use jiff::Timestamp;
use pki::{
    Certificate, PublicKey,
    path::{self, Purpose},
};

use crate::exit::Failure;
use api::client::with_causes;

/// More certificates than any chain or set of roots has.
const MOST_CERTIFICATES: usize = 200;

/// A certificate for our key, with a chain that leads to one of the roots.
pub(crate) struct Bundle {
    /// The certificate.
    pub(crate) leaf: Certificate,
    /// Its issuers without the root.
    pub(crate) chain: Vec<Certificate>,
    /// Every root.
    pub(crate) roots: Vec<Certificate>,
}

impl Bundle {
    /// Reads and checks an answer: the certificate is for this key, not over, and leads to a root.
    pub(crate) fn checked(
        issued: &Issued,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let bundle = Self {
            leaf: certificate(&issued.certificate)?,
            chain: certificates(&issued.chain)?,
            roots: certificates(&issued.roots)?,
        };
        if bundle.leaf.public_key() != key {
            return Err(Failure::answer(
                "the certificate that came is for another key",
            ));
        }
        // A certificate that begins in a moment is good: clocks differ.
        let now = now.max(bundle.leaf.not_before());
        path::validate(
            &bundle.leaf,
            &bundle.chain,
            &bundle.roots,
            now,
            Purpose::Any,
        )
        .map_err(|e| {
            Failure::answer(format!(
                "the certificate that came does not lead to a root that came with it: {}",
                with_causes(&e)
            ))
        })?;
        Ok(bundle)
    }

    /// The certificate and its issuers, as servers send them.
    pub(crate) fn leaf_and_chain(&self) -> Vec<Certificate> {
        std::iter::once(&self.leaf)
            .chain(&self.chain)
            .cloned()
            .collect()
    }
}

/// One certificate out of each text.
pub(crate) fn certificates(texts: &[String]) -> Result<Vec<Certificate>, Failure> {
    if texts.len() > MOST_CERTIFICATES {
        return Err(Failure::answer(format!(
            "{} certificates came, more than {MOST_CERTIFICATES}",
            texts.len()
        )));
    }
    texts.iter().map(|text| certificate(text)).collect()
}

fn certificate(text: &str) -> Result<Certificate, Failure> {
    Certificate::from_pem(text.as_bytes()).map_err(|e| {
        Failure::answer(format!(
            "a certificate that came cannot be read: {}",
            with_causes(&e)
        ))
    })
}

/// PEM blocks one after the other.
pub(crate) fn to_pem<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(Certificate::to_pem).collect()
}
