//! Which label a message is for: the one in its path, the configured one for a path without, and for what goes on with a transaction the one
//! that the transaction began under, whatever the path.

use pkixcmp::protection::ProtectionKind;
use pkixcmp::{PkiBody, PkiMessage};
use ra::{CredentialId, EntryId, JournalError, Label};

use super::exchange::transaction_id;
use super::{mac, signature};
use crate::Site;

/// The label that a message is for as far as its path says.
pub(super) fn likely<'a>(site: &'a Site, named: Option<&'a Label>) -> Option<&'a Label> {
    named.or_else(|| site.default_cmp_label())
}

/// # Errors
/// When the journal cannot be asked.
pub(super) async fn label<'a>(
    site: &'a Site,
    named: Option<&'a Label>,
    message: &PkiMessage,
) -> Result<Option<&'a Label>, JournalError> {
    let default = likely(site, named);
    let goes_on = matches!(
        message.body(),
        PkiBody::CertConf(_) | PkiBody::PollReq(_) | PkiBody::Error(_)
    );
    if !goes_on {
        return Ok(default);
    }
    let algorithm = message.header().protection_alg.as_ref();
    let began = match ProtectionKind::announced(algorithm) {
        ProtectionKind::None => None,
        ProtectionKind::Mac => began_with_mac(site, default, message).await?,
        ProtectionKind::Signature => match signature::protection_certificate(message) {
            Some(signer) => began(site, &signature::credential(&signer), message).await?,
            None => None,
        },
    };
    Ok(began
        .and_then(|label| site.labels.get_key_value(&label))
        .map(|(label, _)| label)
        .or(default))
}

/// References belong to labels, so each label that has this one is asked for the transaction, the likeliest first.
async fn began_with_mac(
    site: &Site,
    likely: Option<&Label>,
    message: &PkiMessage,
) -> Result<Option<Label>, JournalError> {
    let mut others: Vec<&Label> = site.labels.keys().collect();
    others.sort();
    for label in likely.into_iter().chain(others) {
        let Some((who, _)) = mac::secret(site, label, message).await? else {
            continue;
        };
        if let Some(began) = began(site, &who.credential, message).await? {
            return Ok(Some(began));
        }
    }
    Ok(None)
}

async fn began(
    site: &Site,
    credential: &CredentialId,
    message: &PkiMessage,
) -> Result<Option<Label>, JournalError> {
    let id = EntryId::of(credential, &transaction_id(message));
    // The label never changes, and this is asked before the sender is known: it should cost little.
    let entry = site.ra.journal.expected(&id).await?;
    Ok(entry.map(|entry| entry.label))
}
