//! The certificates of a label's own CAs: what a renewal or a revocation may be signed under.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use pki::Certificate;
use ra::{AuthorityName, Profile, Support, SupportAnswer};

use super::call::Call;

/// For how long what a CA says of itself is believed without asking again.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// The same for a CA that did not say anything.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// What CAs said of themselves, so that a stranger's message does not become a question to the CA each time.
#[derive(Default)]
pub(super) struct Said(Mutex<HashMap<AuthorityName, Told>>);

/// Until when it is believed, and what it was.
type Told = (Timestamp, Arc<[Certificate]>);

/// Certificates of a label's CAs.
#[derive(Default)]
pub(super) struct Own {
    /// To be trusted for what the CAs issued.
    pub(super) anchors: Vec<Certificate>,
    /// Between those and what was issued.
    pub(super) intermediates: Vec<Certificate>,
}

impl Call<'_> {
    /// The CAs behind the label.
    pub(super) fn own_authorities(&self) -> Vec<&AuthorityName> {
        self.profiles().map(|profile| &profile.authority).collect()
    }

    /// The certificates of the label's CAs: those configured, and those the CAs name.
    pub(super) async fn own_certificates(&self) -> Own {
        let mut own = Own::default();
        for profile in self.profiles() {
            own.anchors.extend_from_slice(profile.anchors.configured());
            let said = self.said_by(&profile.authority).await;
            let (roots, others): (Vec<_>, Vec<_>) =
                said.iter().cloned().partition(Certificate::is_self_signed);
            own.intermediates.extend(others);
            // A CA that configuration pins anchors for is not asked for more of them.
            if profile.anchors.configured().is_empty() {
                own.anchors.extend(roots);
            }
        }
        own
    }

    fn profiles(&self) -> impl Iterator<Item = &Profile> {
        let ra = &self.site.ra;
        let names = ra.labels.get(self.label).into_iter();
        names
            .flat_map(|rules| &rules.profiles)
            .filter_map(|name| ra.profiles.get(name))
    }

    async fn said_by(&self, name: &AuthorityName) -> Arc<[Certificate]> {
        let said = &self.front.said;
        if let Some(fresh) = said.at(name, self.now) {
            return fresh;
        }
        let Some(authority) = self.site.ra.authorities.get(name) else {
            return Arc::default();
        };
        let (list, until): (Arc<[Certificate]>, _) = match authority
            .support(Support::CaCerts, self.now)
            .await
        {
            Ok(SupportAnswer::CaCerts(list)) => (list.into(), FRESH),
            Ok(_) => (Arc::default(), RETRY),
            Err(error) => {
                tracing::debug!(authority = %name, %error, "the CA does not say what its certificates are");
                (Arc::default(), RETRY)
            }
        };
        said.keep(name, self.now.saturating_add(until), &list);
        list
    }
}

impl Said {
    fn at(&self, name: &AuthorityName, now: Timestamp) -> Option<Arc<[Certificate]>> {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, list) = said.get(name)?;
        (now < *until).then(|| Arc::clone(list))
    }

    fn keep(
        &self,
        name: &AuthorityName,
        until: Result<Timestamp, jiff::Error>,
        list: &Arc<[Certificate]>,
    ) {
        let until = until.unwrap_or(Timestamp::MAX);
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(name.clone(), (until, Arc::clone(list)));
    }
}
