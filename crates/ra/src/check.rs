use jiff::Timestamp;
use pki::{Certificate, Name, Template, chain, chain::Chain};

use crate::{Answer, Changes, Refusal, RefusalKind};

/// What an issued certificate has to chain to.
#[derive(Clone, Debug)]
pub enum Anchors {
    /// To one of these.
    Configured(Vec<Certificate>),
    /// To whatever root comes along, as long as the certificate (or one above it) was issued by this name:
    /// `cmpServers.json` names no certificates.
    IssuerDn(Name),
}

impl Anchors {
    /// The certificates trusted beforehand.
    pub fn configured(&self) -> &[Certificate] {
        match self {
            Self::Configured(list) => list,
            Self::IssuerDn(_) => &[],
        }
    }
}

/// What to do with a certificate that is not quite what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// Give it back.
    Reject,
    /// Take it, and say so in log and answer.
    Warn,
    /// Take it, and say so in the answer.
    Accept,
}

/// An answer that passed.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Leaf, intermediates and every trusted root.
    pub chain: Chain,
    /// What the CA changed.
    pub changes: Changes,
}

/// Step 10: whether what the CA issued is what was asked for and comes from whom it should.
///
/// # Errors
/// A [`Refusal`] of kind [`RefusalKind::BadAnswer`]; the certificate exists then and must be given back.
pub fn check(
    asked: &Template,
    answer: &Answer,
    anchors: &Anchors,
    on_change: OnChange,
    now: Timestamp,
) -> Result<Sound, Refusal> {
    let bad = |detail: String| Refusal::new(RefusalKind::BadAnswer, detail);
    if answer.leaf.public_key() != &asked.public_key {
        return Err(bad(
            "the CA issued a certificate for another public key".to_owned()
        ));
    }
    let chain = assemble(answer, anchors, now)
        .map_err(|e| bad(format!("the issued certificate has no chain: {e}")))?;
    if let Anchors::IssuerDn(name) = anchors {
        let named =
            |certificate: &Certificate| pki::name::same_name_unordered(certificate.issuer(), name);
        if !chain.certificates.iter().any(named) {
            let issuer = pki::name::onap::display(answer.leaf.issuer());
            return Err(bad(format!(
                "the certificate was issued by `{issuer}`, not by the CA's configured issuerDN"
            )));
        }
    }
    let changes = Changes::between(asked, &answer.leaf);
    if answer.leaf.is_ca() && asked.ca.is_none() {
        return Err(bad(
            "the CA issued a CA certificate that was not asked for".to_owned()
        ));
    }
    if on_change == OnChange::Reject && !changes.is_empty() {
        return Err(bad(format!(
            "the CA changed what was asked for, and the profile rejects that: {changes}"
        )));
    }
    Ok(Sound { chain, changes })
}

/// The chain of an answer and every trust anchor, also for one taken earlier: `now` is then when it was taken.
pub(crate) fn assemble(
    answer: &Answer,
    anchors: &Anchors,
    now: Timestamp,
) -> Result<Chain, chain::ChainError> {
    let pool: Vec<Certificate> = answer.pool.iter().chain(&answer.ca_pubs).cloned().collect();
    chain::assemble(&answer.leaf, &pool, anchors.configured(), now)
}
