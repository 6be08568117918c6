use std::sync::Arc;

use crate::{
    Asked, AuthorityName, By, ConfirmedBy, Entry, Error, Order, Outcome, Phase, Profile, Ra,
    Refusal, RefusalKind, Requester, RevokeRequest, Stage, line::MOST_WAYS, outcome::is_elsewhere,
    unbegun::Unbegun, witness::Laps,
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
        laps.lap(Stage::Decide, &authority_name);
        let mut ways = 1..MOST_WAYS;
        loop {
            let put = self.put_revocation(&who, &request, &authority_name, profile);
            match put.await {
                Err(error) if is_elsewhere(&error) && ways.next().is_some() => {
                    tracing::warn!(authority = %authority_name, %error, "the revocation is put to the CA by another way");
                }
                put => return put,
            }
        }
    }

    /// Steps 7 to 12.
    async fn put_revocation(
        &self,
        who: &Requester,
        request: &RevokeRequest,
        authority_name: &AuthorityName,
        profile: &Profile,
    ) -> Result<Outcome, Error> {
        let now = (self.clock)();
        let mut laps = Laps::start(self.witness.as_ref());
        let authority = self.authority(authority_name)?;
        let order = Order::Revoke {
            of: &request.of,
            reason: request.reason,
            original: request.original.as_ref(),
        };
        let upstream = match authority.prepare(order, now).await {
            Ok(upstream) => upstream,
            Err(e) => {
                return self
                    .not_prepared(Unbegun::revoke(who, request), profile, e)
                    .await;
            }
        };
        laps.lap(Stage::Prepare, authority_name);
        let entry = Entry {
            id: request.key.id(),
            owner: who.credential.clone(),
            fingerprint: request.fingerprint,
            replay_for: request.key.replay_for,
            label: request.label.clone(),
            correlation: request.correlation.clone(),
            authority: authority_name.clone(),
            profile: profile.name.clone(),
            asked: Asked::Revoke {
                of: request.of.clone(),
                reason: request.reason,
            },
            confirmed_by: ConfirmedBy::Ra,
            front: request.front.clone(),
            upstream,
            phase: Phase::Begun,
            due: self.due(By::Ra, now, self.lease),
            begun_at: now,
            changed_at: now,
        };
        self.begin(entry, By::Ra).await
    }
}
