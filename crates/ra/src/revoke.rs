use std::sync::Arc;

use crate::{
    Asked, By, ConfirmedBy, Entry, Error, Order, Outcome, Phase, Ra, Refusal, RefusalKind,
    Requester, RevokeRequest, Stage, unbegun::Unbegun, witness::Laps,
};

impl Ra {
    /// The same line for a revocation: without proof-of-possession and without a certificate to check.
    ///
    /// # Errors
    /// [`Error`]; what the requester can mend is [`Outcome::Refused`].
    pub async fn revoke(
        self: Arc<Self>,
        who: Requester,
        request: RevokeRequest,
    ) -> Result<Outcome, Error> {
        let now = (self.clock)();
        let mut laps = Laps::start(self.witness.as_ref());
        let profile = match self.profile(&who, &request.label, None) {
            Ok(profile) => profile?,
            Err(refusal) => {
                return self.refuse(Unbegun::revoke(&who, &request), refusal).await;
            }
        };
        let known = self.journal.issuance(&request.of).await?;
        let authority_name = known
            .as_ref()
            .map_or(&profile.authority, |issuance| &issuance.authority)
            .clone();
        let refusal = match &known {
            _ if who.acts_as_ra || who.holds(&request.of) => None,
            Some(issuance) if issuance.owner == who.credential => None,
            // One answer for both, or the serial numbers of others could be asked after.
            Some(_) | None => Some(Refusal::new(
                RefusalKind::NotAuthorized,
                "a certificate is revoked by whoever enrolled it, or with its own key",
            )),
        };
        let refusal = refusal.or_else(|| {
            let revoked = known.as_ref().and_then(|issuance| issuance.revoked);
            revoked.map(|(at, _)| {
                Refusal::new(
                    RefusalKind::AlreadyRevoked,
                    format!("it was revoked at {at}"),
                )
            })
        });
        if let Some(refusal) = refusal {
            return self.refuse(Unbegun::revoke(&who, &request), refusal).await;
        }
        let authority = self.authority(&authority_name)?;
        laps.lap(Stage::Decide, &authority_name);
        let order = Order::Revoke {
            of: &request.of,
            reason: request.reason,
            original: request.original.as_ref(),
        };
        let upstream = match authority.prepare(order, now).await {
            Ok(upstream) => upstream,
            Err(e) => {
                return self
                    .not_prepared(Unbegun::revoke(&who, &request), profile, e)
                    .await;
            }
        };
        laps.lap(Stage::Prepare, &authority_name);
        let entry = Entry {
            id: request.key.id(),
            owner: who.credential.clone(),
            fingerprint: request.fingerprint,
            replay_for: request.key.replay_for,
            label: request.label,
            authority: authority_name,
            profile: profile.name.clone(),
            asked: Asked::Revoke {
                of: request.of,
                reason: request.reason,
            },
            confirmed_by: ConfirmedBy::Ra,
            front: request.front,
            upstream,
            phase: Phase::Begun,
            due: self.due(By::Ra, now, self.lease),
            begun_at: now,
            changed_at: now,
        };
        self.begin(entry, By::Ra).await
    }
}
