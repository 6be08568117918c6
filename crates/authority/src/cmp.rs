//! A CA that speaks CMP (RFC 9810), asked over HTTP (RFC 9811).
//!
//! [`CmpAuthority::new`] takes a [`CmpConfig`]; everything else is [`ra::Authority`]. [`GuardedCmp`] puts a guard before it, and more
//! endpoints beside it. What the CA sees is fixed by `prepare`
//! and kept in the sealed state, with which any process can go on.

mod advance;
mod answer;
mod choose;
mod config;
mod confirm;
mod endpoint;
mod failure;
mod guarded;
mod hand;
mod order;
mod repeat;
mod state;
mod support;
mod template;
mod transport;
mod trust;
mod withdraw;

use async_trait::async_trait;
use jiff::Timestamp;
use pki::KnownCas;
use pkixcmp::protection::{KeyCache, ProtectionError};
use ra::{Answer, AskError, Authority, By, Order, Sealed, Step, Support, SupportAnswer, Verdict};

use crate::guard::NoEndpoint;
use hand::Salts;
use repeat::Tried;
use transport::Transport;

pub use config::*;
pub use endpoint::{Endpoint, EndpointError};
pub use guarded::GuardedCmp;
pub use transport::TransportError;

/// A CA behind CMP.
pub struct CmpAuthority {
    config: CmpConfig,
    transport: Transport,
    /// Derived MAC keys, ours and the CA's.
    keys: KeyCache,
    salts: Salts,
    /// First messages.
    tried: Tried,
    /// Confirmations.
    told: Tried,
    known: KnownCas,
}

/// Why a configuration cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CmpConfigError {
    /// There is no HTTP client for it.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The MAC is out of bounds.
    #[error("the MAC cannot be used: {0}")]
    Mac(#[source] ProtectionError),
    /// The RA certificate is missing.
    #[error("signature protection needs the certificate of the key")]
    NoCertificate,
    /// The RA certificate is of another key.
    #[error("the key is not that of the certificate of `{0}`")]
    OtherKey(String),
    /// A trust setting without a certificate.
    #[error("no certificate is given that signed answers could be trusted by")]
    NoAnchor,
    /// Nothing the CA sends could be believed.
    #[error(
        "with signature protection no answer has a MAC: give the certificates that signed answers are trusted by"
    )]
    NothingBelieved,
    /// The CA's name is needed.
    #[error("the CA's name (issuerDN) is needed for {0}")]
    NoRecipient(&'static str),
    /// Implicit confirmation where certificates could be lost.
    #[error(
        "implicit confirmation loses a certificate whenever an answer is lost, unless the CA repeats answers: set `repeats` if it \
         does, or use explicit confirmation"
    )]
    ImplicitWithoutRepeats,
    /// Nobody could be asked.
    #[error(transparent)]
    NoEndpoint(#[from] NoEndpoint),
}

impl CmpAuthority {
    /// A CA by this configuration. No message is sent.
    ///
    /// # Errors
    /// [`CmpConfigError`] for parts that do not go together.
    pub fn new(config: CmpConfig) -> Result<Self, CmpConfigError> {
        check(&config)?;
        let transport = Transport::new(
            config.endpoint.clone(),
            &config.transport,
            config.quirks.any_media_type,
        )?;
        Ok(Self {
            transport,
            keys: KeyCache::default(),
            salts: Salts::default(),
            tried: Tried::default(),
            told: Tried::default(),
            known: KnownCas::default(),
            config,
        })
    }

    /// The configuration.
    pub fn config(&self) -> &CmpConfig {
        &self.config
    }
}

fn check(config: &CmpConfig) -> Result<(), CmpConfigError> {
    match &config.protection {
        Protection::Mac(identity) => hand::admit(identity).map_err(CmpConfigError::Mac)?,
        Protection::Signature(identity) => {
            let certificate = identity
                .certificate()
                .ok_or(CmpConfigError::NoCertificate)?;
            if certificate.public_key() != identity.signer.public_key() {
                return Err(CmpConfigError::OtherKey(pki::name::onap::display(
                    certificate.subject(),
                )));
            }
            if matches!(config.trust, AnswerTrust::MacOnly) {
                return Err(CmpConfigError::NothingBelieved);
            }
        }
    }
    match (&config.trust, &config.recipient) {
        (AnswerTrust::Anchors { anchors: list, .. } | AnswerTrust::Pinned(list), _)
            if list.is_empty() =>
        {
            return Err(CmpConfigError::NoAnchor);
        }
        (AnswerTrust::IssuerDn, None) => return Err(CmpConfigError::NoRecipient("trust by name")),
        (_, None) if config.dialect == Dialect::Onap => {
            return Err(CmpConfigError::NoRecipient("the ONAP dialect"));
        }
        _ => {}
    }
    let may_be_implicit = config.quirks.repeats || config.dialect == Dialect::Onap;
    if config.confirmation == Confirmation::Implicit && !may_be_implicit {
        return Err(CmpConfigError::ImplicitWithoutRepeats);
    }
    Ok(())
}

#[async_trait]
impl Authority for CmpAuthority {
    async fn prepare(&self, order: Order<'_>, now: Timestamp) -> Result<Sealed, AskError> {
        match order {
            Order::Enroll { request, approved } => {
                self.prepare_enrollment(request, approved, now).await
            }
            Order::Revoke { of, reason, .. } => self.prepare_revocation(of, reason, now).await,
        }
    }

    async fn advance(&self, state: &Sealed, by: By<'_>, now: Timestamp) -> Result<Step, AskError> {
        self.advance_from(state, by, now).await
    }

    async fn confirm(
        &self,
        state: &Sealed,
        answer: &Answer,
        verdict: &Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        self.confirm_from(state, answer, verdict, by, now).await
    }

    async fn support(&self, asked: Support, now: Timestamp) -> Result<SupportAnswer, AskError> {
        self.ask_support(asked, now).await
    }
}

#[cfg(test)]
mod tests;
