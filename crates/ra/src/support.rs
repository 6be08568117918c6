use jiff::Timestamp;
use pki::{Certificate, chain};

use crate::{
    AskError, Error, Health, Label, Ra, Refusal, Requester, Support, SupportAnswer,
    outcome::unavailable,
};

impl Ra {
    /// Asks the CA behind a label something beside certificates.
    ///
    /// # Errors
    /// [`Error`]; an unknown label or a CA that does not answer such questions is the inner [`Refusal`].
    pub async fn support(
        &self,
        who: &Requester,
        label: &Label,
        asked: Support,
    ) -> Result<Result<SupportAnswer, Refusal>, Error> {
        let profile = match self.profile(who, label, None) {
            Ok(profile) => profile?,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match self
            .authority(&profile.authority)?
            .support(asked, (self.clock)())
            .await
        {
            Ok(answer) => Ok(Ok(answer)),
            Err(AskError::Refused(refusal)) => Ok(Err(refusal)),
            Err(e) => Err(unavailable(&profile.authority, &e)),
        }
    }

    /// Whether the CA behind a label can be asked right now. Nothing is enrolled for it.
    ///
    /// # Errors
    /// [`Error`]; an unknown label is the inner [`Refusal`].
    pub async fn health(
        &self,
        who: &Requester,
        label: &Label,
    ) -> Result<Result<Health, Refusal>, Error> {
        match self.profile(who, label, None) {
            Ok(profile) => Ok(Ok(self.authority(&profile?.authority)?.health().await)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Every trust anchor of a label: the one that today's chains end at, the other configured ones, then those that the CA
    /// names itself.
    ///
    /// # Errors
    /// [`Error`]; an unknown label, or no anchor to be had, is the inner [`Refusal`].
    pub async fn trust(
        &self,
        who: &Requester,
        label: &Label,
    ) -> Result<Result<Vec<Certificate>, Refusal>, Error> {
        let profile = match self.profile(who, label, None) {
            Ok(profile) => profile?,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut anchors = profile.anchors.configured().to_vec();
        let named = match self.support(who, label, Support::CaCerts).await {
            Ok(Ok(SupportAnswer::CaCerts(list))) => list,
            Ok(Err(refusal)) if anchors.is_empty() => return Ok(Err(refusal)),
            Err(e) if anchors.is_empty() => return Err(e),
            Ok(_) | Err(_) => Vec::new(),
        };
        let first = leading(&named, &anchors, (self.clock)());
        for certificate in named
            .into_iter()
            .filter(|c| c.is_ca() && c.is_self_signed())
        {
            if !anchors.contains(&certificate) {
                anchors.push(certificate);
            }
        }
        // Stable: the others stay as they are.
        anchors.sort_by_key(|anchor| Some(anchor) != first.as_ref());
        Ok(Ok(anchors))
    }
}

/// The anchor that certificates of a CA lead to, by what it says of itself.
fn leading(named: &[Certificate], anchors: &[Certificate], now: Timestamp) -> Option<Certificate> {
    let issuing = named.iter().find(|ca| ca.is_ca() && !ca.is_self_signed());
    let Some(issuing) = issuing else {
        // It issues with its root.
        return named.iter().find(|root| anchors.contains(root)).cloned();
    };
    let chain = chain::assemble(issuing, named, anchors, now).ok()?;
    chain.anchors.into_iter().next()
}
