//! The embedded CA: issues with any [`pki::Signer`], revokes, and signs its CRL out of the journal.
//!
//! It is what the demo and the tests stand on, and a real choice for a small site.

mod crl;
mod hierarchy;
mod settings;
mod validity;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use der::Encode;
use jiff::Timestamp;
use pki::issue::{self, IssueError, Serial, TbsParameters};
use pki::{Certificate, CertificateId, Signer, Template};
use ra::{
    Answer, AskError, Authority, AuthorityName, By, Journal, Order, Progress, Refusal, RefusalKind,
    Sealed, SentAs, Step, Support, SupportAnswer, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::sealed;
use crl::CrlCache;

pub use hierarchy::{CaKey, HierarchyError, HierarchySettings};
pub use settings::{Confirmation, LocalSettings};

/// The form of our sealed state.
const VERSION: u8 = 1;

/// A CA whose key is ours.
///
/// `prepare` fixes the whole TBSCertificate, serial number and validity included; `advance` only signs it. Asked twice from
/// one state it gives the same TBSCertificate, so at most one certificate in the sense of RFC 5280.
pub struct LocalAuthority {
    name: AuthorityName,
    parts: CaParts,
    settings: LocalSettings,
    journal: Arc<dyn Journal>,
    crl: CrlCache,
    /// The issuing CA's name as DER.
    subject: Bytes,
}

/// What a CA is made of.
pub struct CaParts {
    /// The issuing CA's key.
    pub signer: Arc<dyn Signer>,
    /// Its certificate first, then those above it, without roots. For a CA that is its own root: only that certificate.
    pub chain: Vec<Certificate>,
    /// The roots that users of its certificates trust, the one the chain ends at first.
    pub roots: Vec<Certificate>,
}

/// Why parts do not make a CA.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There is no issuing certificate.
    #[error("an embedded CA needs its own certificate")]
    NoCertificate,
    /// It is not a CA's.
    #[error("`{0}` is not a CA certificate")]
    NotACa(String),
    /// The key belongs to another certificate.
    #[error("the key does not belong to the certificate of `{0}`")]
    OtherKey(String),
    /// The chain does not hold together.
    #[error("`{subject}` was not issued by `{issuer}`, which stands next in the chain")]
    Chain {
        /// The one below.
        subject: String,
        /// The one that should be above.
        issuer: String,
    },
}

#[derive(Serialize, Deserialize)]
enum State {
    /// To be signed with the key that has this identifier.
    Sign {
        to_be_signed: Bytes,
        key_id: [u8; 20],
    },
    /// Signed; what is left is the verdict.
    Signed,
    /// To be revoked.
    Revoke,
}

impl LocalAuthority {
    /// A CA of these parts. `journal` knows what it revoked.
    ///
    /// # Errors
    /// [`LocalError`] when the parts do not fit together.
    pub fn new(
        name: AuthorityName,
        parts: CaParts,
        settings: LocalSettings,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, LocalError> {
        let subject = parts.check()?;
        Ok(Self {
            name,
            parts,
            settings,
            journal,
            crl: CrlCache::default(),
            subject,
        })
    }

    /// The issuing CA's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.parts.chain[0]
    }

    /// The roots that users of its certificates trust.
    pub fn roots(&self) -> &[Certificate] {
        &self.parts.roots
    }

    /// Issues without a row in any journal: for the certificates a site is set up with (servers, the RA itself). They are
    /// revoked like all others, by issuer and serial number.
    ///
    /// # Errors
    /// [`AskError::Refused`] when the template cannot be served, [`AskError::Ours`] when the CA cannot sign.
    pub async fn issue(
        &self,
        template: &Template,
        now: Timestamp,
    ) -> Result<Certificate, AskError> {
        let to_be_signed = self.to_be_signed(template, now)?;
        self.sign(&to_be_signed).await
    }

    fn to_be_signed(&self, template: &Template, now: Timestamp) -> Result<Bytes, AskError> {
        let (not_before, not_after) =
            validity::decide(template.validity, &self.settings, self.certificate(), now)?;
        let serial = Serial::random().map_err(cannot)?;
        let template = self.settings.filled_in(template, self.certificate())?;
        let mut parameters =
            TbsParameters::under(self.certificate(), template, serial, not_before, not_after);
        parameters.crl_urls.clone_from(&self.settings.crl_urls);
        parameters
            .to_be_signed(self.parts.signer.algorithm())
            .map_err(bad_template)
    }

    async fn sign(&self, to_be_signed: &[u8]) -> Result<Certificate, AskError> {
        let signer = &self.parts.signer;
        let signature = signer.sign(to_be_signed).await.map_err(cannot)?;
        issue::assemble(to_be_signed, signer.algorithm(), &signature).map_err(bad_template)
    }

    fn answer(&self, leaf: Certificate) -> Answer {
        Answer {
            leaf,
            pool: self.parts.chain.clone(),
            ca_pubs: self.parts.roots.clone(),
            must_confirm: self.settings.confirmation == Confirmation::Explicit,
            sent_as: SentAs::Local,
        }
    }

    fn revocable(&self, of: &CertificateId) -> Result<(), AskError> {
        if of.issuer == self.subject {
            return Ok(());
        }
        Err(AskError::Refused(Refusal::new(
            RefusalKind::NotFound,
            "the certificate was not issued by this CA",
        )))
    }
}

impl CaParts {
    /// That the parts fit together; gives the issuing CA's name as DER.
    fn check(&self) -> Result<Bytes, LocalError> {
        let show = |certificate: &Certificate| pki::name::onap::display(certificate.subject());
        let first = self.chain.first().ok_or(LocalError::NoCertificate)?;
        if let Some(other) = self
            .chain
            .iter()
            .chain(&self.roots)
            .find(|certificate| !certificate.is_ca())
        {
            return Err(LocalError::NotACa(show(other)));
        }
        if first.public_key() != self.signer.public_key() {
            return Err(LocalError::OtherKey(show(first)));
        }
        let top = self.roots.first();
        for (below, above) in self.chain.iter().zip(self.chain.iter().skip(1).chain(top)) {
            let itself = below == above;
            if !itself && below.verify_signed_by(above.public_key()).is_err() {
                return Err(LocalError::Chain {
                    subject: show(below),
                    issuer: show(above),
                });
            }
        }
        first
            .subject()
            .to_der()
            .map(Bytes::from)
            .map_err(|_| LocalError::NotACa(show(first)))
    }
}

#[async_trait]
impl Authority for LocalAuthority {
    async fn prepare(&self, order: Order<'_>, now: Timestamp) -> Result<Sealed, AskError> {
        let state = match order {
            Order::Enroll { approved, .. } => State::Sign {
                to_be_signed: self.to_be_signed(&approved.template, now)?,
                key_id: self.parts.signer.public_key().key_id(),
            },
            Order::Revoke { of, .. } => {
                self.revocable(of)?;
                State::Revoke
            }
        };
        sealed::seal(VERSION, &state)
    }

    async fn advance(&self, state: &Sealed, _: By<'_>, _: Timestamp) -> Result<Step, AskError> {
        let (next, progress) = match sealed::open(VERSION, state)? {
            State::Sign { key_id, .. } if key_id != self.parts.signer.public_key().key_id() => {
                let why = "the CA's key was replaced before the certificate was signed; ask again";
                return Err(AskError::Refused(Refusal::new(
                    RefusalKind::RejectedByCa,
                    why,
                )));
            }
            State::Sign { to_be_signed, .. } => {
                let leaf = self.sign(&to_be_signed).await?;
                tracing::info!(authority = %self.name, serial = %leaf.serial_text(), "Issued a certificate");
                (State::Signed, Progress::Issued(Box::new(self.answer(leaf))))
            }
            // The journal's own record is what makes it so, in the list as in every answer.
            State::Revoke => (State::Revoke, Progress::Done),
            State::Signed => {
                return Err(AskError::Unknown {
                    why: "this certificate was signed and handed over before".to_owned(),
                });
            }
        };
        Ok(Step {
            state: sealed::seal(VERSION, &next)?,
            progress,
        })
    }

    async fn confirm(
        &self,
        state: &Sealed,
        _: &Answer,
        _: &Verdict,
        _: By<'_>,
        _: Timestamp,
    ) -> Result<Step, AskError> {
        // A certificate given back is on the list because the journal then says so.
        Ok(Step {
            state: state.clone(),
            progress: Progress::Done,
        })
    }

    fn begins(&self, now: Timestamp) -> Timestamp {
        validity::earliest(&self.settings, self.certificate(), now)
    }

    async fn support(&self, asked: Support, now: Timestamp) -> Result<SupportAnswer, AskError> {
        match asked {
            Support::CaCerts => {
                let mut all = self.parts.chain.clone();
                all.extend(
                    self.parts
                        .roots
                        .iter()
                        .filter(|root| !self.parts.chain.contains(root))
                        .cloned(),
                );
                Ok(SupportAnswer::CaCerts(all))
            }
            Support::Crl => {
                let revoked = self.journal.revoked(&self.name).await.map_err(cannot)?;
                let crl = self
                    .crl
                    .current(&self.parts, revoked, self.settings.crl_life, now)
                    .await
                    .map_err(cannot)?;
                Ok(SupportAnswer::Crl(Some(crl)))
            }
            _ => Err(AskError::Refused(Refusal::new(
                RefusalKind::Unsupported,
                "the embedded CA has no such information",
            ))),
        }
    }
}

fn cannot(error: impl std::fmt::Display) -> AskError {
    AskError::Ours {
        why: error.to_string(),
    }
}

fn bad_template(error: IssueError) -> AskError {
    match error {
        IssueError::Sign(error) => cannot(error),
        error => AskError::Refused(Refusal::new(RefusalKind::BadRequest, error.to_string())),
    }
}

#[cfg(test)]
mod tests;
