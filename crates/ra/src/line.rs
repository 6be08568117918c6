use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tracing::{Instrument, Span};

use crate::{
    Approved, AskError, Asked, AuditEvent, AuditKind, Authority, AuthorityName, Begun, By,
    Correlation, Domains, EnrollRequest, Entry, EntryId, Error, Journal, Label, Lease, Order,
    Outcome, Phase, Profile, ProfileName, Refusal, RefusalKind, Requester, Requesters, Stage,
    Verdict, Witness,
    approve::lent,
    drive::Attempt,
    outcome::{is_elsewhere, unavailable},
    record, step,
    unbegun::Unbegun,
    witness::Laps,
};

/// Where the line gets the time from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How many endpoints of a CA one request is put to before whoever asks is told to try later.
pub(crate) const MOST_WAYS: usize = 8;

/// What a label allows before any profile is looked at.
#[derive(Clone, Debug)]
pub struct LabelRules {
    /// The profile of a request that names none.
    pub default_profile: ProfileName,
    /// Every profile that may be asked for under this label.
    pub profiles: Vec<ProfileName>,
    /// Who may use the label at all.
    pub requesters: Requesters,
}

/// The line. Immutable: a new configuration is a new `Ra`.
pub struct Ra {
    /// What was done.
    pub journal: Arc<dyn Journal>,
    /// Who owns which names.
    pub domains: Arc<dyn Domains>,
    /// The CAs we can ask.
    pub authorities: HashMap<AuthorityName, Arc<dyn Authority>>,
    /// What is allowed.
    pub profiles: HashMap<ProfileName, Profile>,
    /// What the names in URLs mean.
    pub labels: HashMap<Label, LabelRules>,
    /// How long one call to a CA may take before another process may carry on: longer than any authority's deadline.
    pub lease: SignedDuration,
    /// The time.
    pub clock: Clock,
    /// Who looks on.
    pub witness: Arc<dyn Witness>,
}

impl Ra {
    /// Steps 4 to 12 for one certificate. Run it in a task of its own, so that a client that goes away does not stop
    /// it half-way.
    ///
    /// # Errors
    /// [`Error`]; what the requester can mend is [`Outcome::Refused`].
    pub async fn enroll(
        self: Arc<Self>,
        who: Requester,
        request: EnrollRequest,
    ) -> Result<Outcome, Error> {
        let now = (self.clock)();
        let mut laps = Laps::start(self.witness.as_ref());
        let (profile, approved) = match self.approve(&who, &request, now).await? {
            Ok(approved) => approved,
            Err(refusal) => {
                return self.refuse(Unbegun::enroll(&who, &request), refusal).await;
            }
        };
        laps.lap(Stage::Decide, &profile.authority);
        let mut ways = 1..MOST_WAYS;
        loop {
            match self.put(&who, &request, &approved, profile).await {
                Err(error) if is_elsewhere(&error) && ways.next().is_some() => {
                    tracing::warn!(authority = %profile.authority, %error, "the request is put to the CA by another way");
                }
                put => return put,
            }
        }
    }

    /// Steps 7 to 12.
    async fn put(
        &self,
        who: &Requester,
        request: &EnrollRequest,
        approved: &Approved,
        profile: &Profile,
    ) -> Result<Outcome, Error> {
        let now = (self.clock)();
        let mut laps = Laps::start(self.witness.as_ref());
        let authority = self.authority(&profile.authority)?;
        let order = Order::Enroll { request, approved };
        let upstream = match authority.prepare(order, now).await {
            Ok(upstream) => upstream,
            Err(e) => {
                return self
                    .not_prepared(Unbegun::enroll(who, request), profile, e)
                    .await;
            }
        };
        laps.lap(Stage::Prepare, &profile.authority);
        let by = lent(request);
        let entry = Entry {
            id: request.key.id(),
            owner: who.credential.clone(),
            fingerprint: request.fingerprint,
            replay_for: request.key.replay_for,
            label: request.label.clone(),
            correlation: request.correlation.clone(),
            authority: approved.authority.clone(),
            profile: profile.name.clone(),
            asked: Asked::Enroll(Box::new(approved.template.clone())),
            confirmed_by: request.confirmed_by,
            front: request.front.clone(),
            upstream,
            phase: Phase::Begun,
            due: self.due(by, now, self.lease),
            begun_at: now,
            changed_at: now,
        };
        self.begin(entry, by).await
    }

    /// What came of an earlier request: GET, pollReq and retransmission alike. `None` when there is no such request
    /// of this requester.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn recall(&self, who: &Requester, id: &EntryId) -> Result<Option<Outcome>, Error> {
        let entry = self.journal.find(id).await?;
        self.of_requester(who, entry)
    }

    /// The same for who goes on to [`Ra::confirm`], which tells if another process has moved the entry meanwhile.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn expect(&self, who: &Requester, id: &EntryId) -> Result<Option<Outcome>, Error> {
        let entry = self.journal.expected(id).await?;
        self.of_requester(who, entry)
    }

    fn of_requester(
        &self,
        who: &Requester,
        entry: Option<Entry>,
    ) -> Result<Option<Outcome>, Error> {
        match entry {
            Some(entry) if entry.owner == who.credential => self.outcome(entry).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// Carries on at most `most` entries that are due: polls, sends again, withdraws what the client did not confirm
    /// in time. Returns how many there were.
    ///
    /// # Errors
    /// [`Error`] of the journal; what happens to a single entry is logged.
    pub async fn sweep(self: Arc<Self>, most: usize) -> Result<usize, Error> {
        let due = self
            .journal
            .claim_due(most, (self.clock)(), self.lease)
            .await?;
        let count = due.len();
        let carried = due.into_iter().map(|(claim, mut entry)| {
            let ra = Arc::clone(&self);
            let span = entry_span(&entry);
            async move {
                let id = entry.id;
                if matches!(entry.phase, Phase::Issued(_)) {
                    let why = Refusal::new(RefusalKind::NotConfirmed, "the certificate was not confirmed in time");
                    ra.hear(&claim, Lease::Keep, &mut entry, Verdict::Reject { why, original: None }, None).await?;
                }
                ra.drive(claim, entry, By::Ra, Attempt::Again).await.map_err(|e| {
                    tracing::warn!(entry = %id, error = %e, "an entry could not be carried on; it will be tried again");
                    e
                })
            }
            .instrument(span)
        });
        for result in futures::future::join_all(carried).await {
            if let Err(Error::Journal(e)) = result {
                tracing::warn!(error = %e, "the journal failed while carrying on an entry");
            }
        }
        Ok(count)
    }

    /// The clock was set back: what was put off by it, when it was ahead, is looked at again as soon as no call that is under way can
    /// still be at it. Returns how many entries that are.
    ///
    /// # Errors
    /// [`Error`] of the journal.
    pub async fn clock_was_set_back(&self) -> Result<usize, Error> {
        let at = (self.clock)().saturating_add(self.lease);
        Ok(self.journal.hasten(at.unwrap_or(Timestamp::MAX)).await?)
    }

    /// The CA of that name.
    pub(crate) fn authority(&self, name: &AuthorityName) -> Result<&Arc<dyn Authority>, Error> {
        self.authorities
            .get(name)
            .ok_or_else(|| Error::NoAuthority(name.clone()))
    }

    /// Step 8 and onwards.
    pub(crate) async fn begin(&self, entry: Entry, by: By<'_>) -> Result<Outcome, Error> {
        step::reached(step::PREPARED, &entry.id);
        let audit = record::begun(&entry);
        let mut laps = Laps::start(self.witness.as_ref());
        let begun = self
            .journal
            .begin(&entry, self.lease, audit.clone())
            .await?;
        match begun {
            Begun::New(claim) => {
                step::reached(step::BEGUN, &entry.id);
                laps.lap(Stage::Begin, &entry.authority);
                self.witness.decided(&audit);
                self.drive(claim, entry, by, Attempt::First).await
            }
            // A row that only the client's own key can move has been waiting for this call.
            Begun::Seen(seen)
                if seen.due.is_none() && !seen.phase.is_final() && matches!(by, By::Lent(_)) =>
            {
                match self.journal.claim(&seen.id, self.lease).await? {
                    Some((claim, entry)) => self.drive(claim, entry, by, Attempt::Again).await,
                    None => self.outcome(*seen),
                }
            }
            Begun::Seen(seen) => self.outcome(*seen),
            Begun::OtherRequest => Ok(Outcome::Refused {
                refusal: Refusal::new(
                    RefusalKind::OtherRequestUnderKey,
                    "another request was made under this idempotency key or transactionID",
                ),
                entry: None,
            }),
        }
    }

    /// A request that policy refuses today may have been allowed, and answered, yesterday.
    pub(crate) async fn refuse(
        &self,
        request: Unbegun<'_>,
        refusal: Refusal,
    ) -> Result<Outcome, Error> {
        let now = (self.clock)();
        if let Some(seen) = self.seen(&request, now).await? {
            return self.outcome(seen);
        }
        let Unbegun { who, label, .. } = request;
        let profile = self.profile(who, label, request.profile).ok();
        let profile = profile.and_then(Result::ok);
        let audit = AuditEvent {
            at: now,
            kind: AuditKind::Refused,
            entry: None,
            correlation: request.correlation.cloned(),
            credential: who.credential.clone(),
            label: label.clone(),
            profile: profile.map(|profile| profile.name.clone()),
            authority: profile.map(|profile| profile.authority.clone()),
            subject: request.wanted.and_then(record::subject),
            serial: request.of.map(pki::CertificateId::serial_text),
            refusal: Some(refusal.kind),
            detail: refusal.detail.clone(),
        };
        self.witness.decided(&audit);
        self.journal.record(audit).await;
        Ok(Outcome::Refused {
            refusal,
            entry: None,
        })
    }

    /// The CA would not be asked: what was asked before still has its answer.
    pub(crate) async fn not_prepared(
        &self,
        request: Unbegun<'_>,
        profile: &Profile,
        error: AskError,
    ) -> Result<Outcome, Error> {
        match error {
            AskError::Refused(refusal) => self.refuse(request, refusal).await,
            e => match self.seen(&request, (self.clock)()).await? {
                Some(seen) => self.outcome(seen),
                None => Err(unavailable(&profile.authority, &e)),
            },
        }
    }

    async fn seen(&self, request: &Unbegun<'_>, now: Timestamp) -> Result<Option<Entry>, Error> {
        let entry = self.journal.find(&request.key.id()).await?;
        Ok(entry.filter(|e| {
            e.owner == request.who.credential
                && e.fingerprint == request.fingerprint
                && !e.is_stale(now)
        }))
    }

    /// When a row is to be looked at again; never, if only the client's key can move it.
    pub(crate) fn due(
        &self,
        by: By<'_>,
        now: Timestamp,
        after: SignedDuration,
    ) -> Option<Timestamp> {
        match by {
            By::Ra => Some(now.saturating_add(after).unwrap_or(Timestamp::MAX)),
            By::Lent(_) | By::Forward(_) => None,
        }
    }
}

/// What is done for an entry outside the call that began it is logged under that call's name all the same.
pub(crate) fn entry_span(entry: &Entry) -> Span {
    let correlation = entry.correlation.as_ref().map(Correlation::as_str);
    tracing::info_span!("entry", id = %entry.id, correlation_id = correlation)
}

#[cfg(test)]
mod tests;
