use jiff::{SignedDuration, Timestamp};

use crate::{
    Answer, AskError, Asked, By, Change, Claim, ConfirmedBy, Entry, Error, JournalError, Lease,
    OnChange, Outcome, Phase, Progress, Ra, Refusal, RefusalKind, Sealed, Stage, Verdict,
    check::{self, Sound},
    outcome::{LONGEST_WAIT, SOONEST, unavailable},
    record, step,
    witness::Laps,
};

/// Whether anyone may have asked the CA before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// We wrote the row in this call: nobody has.
    First,
    /// The row was found: somebody may have, and died.
    Again,
}

/// What others sealed into a row and now replace; what is `None` stays.
pub(crate) struct States {
    pub(crate) front: Option<Sealed>,
    pub(crate) upstream: Option<Sealed>,
}

impl From<Option<Sealed>> for States {
    fn from(upstream: Option<Sealed>) -> Self {
        Self {
            front: None,
            upstream,
        }
    }
}

/// Whether a row can go on in the same call.
enum Moved {
    On,
    /// With a certificate that passed, and how it was found to chain.
    Taken(Box<Sound>),
    Rests,
}

const LATEST: SignedDuration = SignedDuration::from_secs(300);
/// A CA that gave no answer to be believed for so long will not give one: whoever asked is told, and may ask anew.
const PATIENCE: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Ra {
    /// Steps 9 to 12 from wherever the row stands: the one way forward for enroll, revoke, confirm and sweep.
    pub(crate) async fn drive(
        &self,
        claim: Claim,
        mut entry: Entry,
        by: By<'_>,
        attempt: Attempt,
    ) -> Result<Outcome, Error> {
        let mut sound = None;
        loop {
            let moved = match entry.phase {
                Phase::Begun | Phase::Waiting | Phase::Abandoned(_) => {
                    self.ask(&claim, &mut entry, by, attempt).await
                }
                Phase::Confirming(..) => self.tell(&claim, &mut entry, by).await,
                _ => Ok(Moved::Rests),
            };
            match moved {
                Ok(Moved::On) => {}
                Ok(Moved::Taken(taken)) => sound = Some(*taken),
                Ok(Moved::Rests) => return self.outcome_of(entry, sound),
                // Whoever took the row over tells how it stands.
                Err(Error::Journal(JournalError::Fenced)) => {
                    return match self.journal.find(&entry.id).await? {
                        Some(current) => self.outcome(current),
                        None => Err(JournalError::Fenced.into()),
                    };
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Steps 9 to 11.
    async fn ask(
        &self,
        claim: &Claim,
        entry: &mut Entry,
        by: By<'_>,
        attempt: Attempt,
    ) -> Result<Moved, Error> {
        let authority = self.authority(&entry.authority)?;
        let mut laps = Laps::start(self.witness.as_ref());
        let asked = authority.advance(&entry.upstream, by, (self.clock)()).await;
        step::reached(step::ASKED, &entry.id);
        laps.lap(Stage::Ask, &entry.authority);
        self.witness.called(&entry.authority, (&asked).into());
        let now = (self.clock)();
        match asked {
            Ok(crate::Step { state, progress }) => match progress {
                Progress::Waiting { check_after } => {
                    let due = self.due(by, now, check_after.clamp(SOONEST, LONGEST_WAIT));
                    let phase = undecided(&entry.phase);
                    self.write(claim, entry, phase, Some(state), due, Lease::End)
                        .await?;
                    Ok(Moved::Rests)
                }
                Progress::Issued(answer) => self.take(claim, entry, *answer, state, by).await,
                Progress::Done => self.end(claim, entry, Phase::Revoked).await,
                Progress::Rejected(refusal) => {
                    self.end(claim, entry, Phase::Refused(refusal)).await
                }
            },
            Err(AskError::Refused(refusal)) => {
                self.end(claim, entry, Phase::Refused(refusal)).await
            }
            Err(e @ (AskError::NotSent { .. } | AskError::Ours { .. }))
                if attempt == Attempt::First =>
            {
                self.end(claim, entry, Phase::NotSent).await?;
                Err(unavailable(&entry.authority, &e))
            }
            Err(
                AskError::NotSent { why, .. } | AskError::Unknown { why } | AskError::Ours { why },
            ) if now.duration_since(entry.begun_at) > PATIENCE => {
                self.end(claim, entry, Phase::Lost(lost(&why))).await
            }
            Err(
                AskError::NotSent { why, .. } | AskError::Unknown { why } | AskError::Ours { why },
            ) => {
                tracing::warn!(entry = %entry.id, authority = %entry.authority, %why, "no answer of the CA; the same message will be sent again");
                let due = self.due(by, now, backoff(entry, now));
                let phase = undecided(&entry.phase);
                self.write(claim, entry, phase, None, due, Lease::End)
                    .await?;
                Ok(Moved::Rests)
            }
            Err(AskError::Lost { why }) => self.end(claim, entry, Phase::Lost(lost(&why))).await,
        }
    }

    /// Steps 10 and 11: what the CA issued is checked, and durable before the CA hears anything.
    async fn take(
        &self,
        claim: &Claim,
        entry: &mut Entry,
        answer: Answer,
        state: Sealed,
        by: By<'_>,
    ) -> Result<Moved, Error> {
        let now = (self.clock)();
        let profile = self
            .profiles
            .get(&entry.profile)
            .ok_or_else(|| Error::NoProfile(entry.profile.clone()))?;
        let Asked::Enroll(asked) = &entry.asked else {
            let refusal = Refusal::new(
                RefusalKind::BadAnswer,
                "the CA answered a revocation with a certificate",
            );
            return self.end(claim, entry, Phase::Refused(refusal)).await;
        };
        let mut laps = Laps::start(self.witness.as_ref());
        let checked = check::check(asked, &answer, &profile.anchors, profile.on_change, now);
        step::reached(step::CHECKED, &entry.id);
        laps.lap(Stage::Check, &entry.authority);
        let wanted = match &entry.phase {
            Phase::Abandoned(why) => Err(why.clone()),
            _ => checked,
        };
        let (phase, due, lease, moved) = match wanted {
            Ok(sound) => {
                if profile.on_change == OnChange::Warn && !sound.changes.is_empty() {
                    tracing::warn!(entry = %entry.id, changes = %sound.changes, "the CA changed what was asked for");
                }
                let (phase, due, lease) = match (entry.confirmed_by, answer.must_confirm) {
                    (ConfirmedBy::Requester, _) => {
                        let until = now
                            .saturating_add(profile.confirm_within)
                            .unwrap_or(Timestamp::MAX);
                        (Phase::Issued(answer), Some(until), Lease::End)
                    }
                    (ConfirmedBy::Ra, true) => {
                        let verdict = Verdict::Accept { original: None };
                        (
                            Phase::Confirming(answer, verdict),
                            self.due(by, now, self.lease),
                            Lease::Keep,
                        )
                    }
                    (ConfirmedBy::Ra, false) => (Phase::Confirmed(answer), None, Lease::End),
                };
                (phase, due, lease, Moved::Taken(Box::new(sound)))
            }
            Err(why) => {
                tracing::warn!(entry = %entry.id, authority = %entry.authority, %why, "the CA's certificate is given back");
                let verdict = Verdict::Reject {
                    why,
                    original: None,
                };
                (
                    Phase::Confirming(answer, verdict),
                    self.due(by, now, self.lease),
                    Lease::Keep,
                    Moved::On,
                )
            }
        };
        self.write(claim, entry, phase, Some(state), due, lease)
            .await?;
        step::reached(step::FINISHED, &entry.id);
        laps.lap(Stage::Finish, &entry.authority);
        Ok(moved)
    }

    /// Step 12.
    async fn tell(&self, claim: &Claim, entry: &mut Entry, by: By<'_>) -> Result<Moved, Error> {
        let Phase::Confirming(answer, verdict) = entry.phase.clone() else {
            return Ok(Moved::Rests);
        };
        let authority = self.authority(&entry.authority)?;
        let mut laps = Laps::start(self.witness.as_ref());
        let told = authority
            .confirm(&entry.upstream, &answer, &verdict, by, (self.clock)())
            .await;
        step::reached(step::CONFIRMED_UPSTREAM, &entry.id);
        laps.lap(Stage::Confirm, &entry.authority);
        self.witness.called(&entry.authority, (&told).into());
        let now = (self.clock)();
        let again = self.due(by, now, backoff(entry, now));
        match told {
            Ok(crate::Step { state, progress }) => match progress {
                Progress::Done => {
                    let phase = match verdict {
                        Verdict::Accept { .. } => Phase::Confirmed(answer),
                        Verdict::Reject { why, .. } => Phase::Withdrawn(why),
                    };
                    self.end(claim, entry, phase).await?;
                    step::reached(step::CONFIRMED, &entry.id);
                    laps.lap(Stage::Confirmed, &entry.authority);
                    Ok(Moved::Rests)
                }
                Progress::Rejected(refusal) => {
                    self.end(claim, entry, Phase::Withdrawn(refusal)).await
                }
                Progress::Waiting { check_after } => {
                    let due = self.due(by, now, check_after.clamp(SOONEST, LONGEST_WAIT));
                    self.write(
                        claim,
                        entry,
                        entry.phase.clone(),
                        Some(state),
                        due,
                        Lease::End,
                    )
                    .await?;
                    Ok(Moved::Rests)
                }
                Progress::Issued(_) => {
                    tracing::warn!(entry = %entry.id, "the CA answered a confirmation with a certificate");
                    self.write(claim, entry, entry.phase.clone(), None, again, Lease::End)
                        .await?;
                    Ok(Moved::Rests)
                }
            },
            Err(AskError::Refused(refusal)) => {
                self.end(claim, entry, Phase::Withdrawn(refusal)).await
            }
            Err(AskError::Lost { why }) => self.end(claim, entry, Phase::Lost(lost(&why))).await,
            Err(
                AskError::NotSent { why, .. } | AskError::Unknown { why } | AskError::Ours { why },
            ) if now.duration_since(entry.changed_at) > PATIENCE => {
                self.end(claim, entry, Phase::Lost(lost(&why))).await
            }
            Err(
                AskError::NotSent { why, .. } | AskError::Unknown { why } | AskError::Ours { why },
            ) => {
                tracing::warn!(entry = %entry.id, authority = %entry.authority, %why, "the CA has not heard the confirmation; it will be sent again");
                self.write(claim, entry, entry.phase.clone(), None, again, Lease::End)
                    .await?;
                Ok(Moved::Rests)
            }
        }
    }

    async fn end(&self, claim: &Claim, entry: &mut Entry, phase: Phase) -> Result<Moved, Error> {
        self.write(
            claim,
            entry,
            phase,
            Some(Sealed::default()),
            None,
            Lease::End,
        )
        .await?;
        Ok(Moved::Rests)
    }

    /// Makes the change durable and `entry` what the journal now says.
    pub(crate) async fn write(
        &self,
        claim: &Claim,
        entry: &mut Entry,
        phase: Phase,
        states: impl Into<States>,
        due: Option<Timestamp>,
        lease: Lease,
    ) -> Result<(), Error> {
        let now = (self.clock)();
        let same = std::mem::discriminant(&phase) == std::mem::discriminant(&entry.phase);
        let at = if same { entry.changed_at } else { now };
        let States { front, upstream } = states.into();
        // A message in the state may let a reader guess at a shared secret: it goes as soon as nobody needs it.
        let upstream = if phase.is_final() {
            Some(Sealed::default())
        } else {
            upstream
        };
        // A row that was only looked at again has nothing to tell.
        let audit = (!same).then(|| record::audit(entry, &phase, now));
        let change = Change {
            audit: audit.clone(),
            issuance: record::issuance(entry, &phase),
            revocation: record::revocation(entry, &phase, at),
            phase: phase.clone(),
            upstream: upstream.clone(),
            front: front.clone(),
            due,
            at,
            lease,
        };
        self.journal.write(claim, change).await?;
        if let Some(audit) = audit {
            self.witness.decided(&audit);
        }
        entry.phase = phase;
        entry.due = due;
        entry.changed_at = at;
        if let Some(upstream) = upstream {
            entry.upstream = upstream;
        }
        if let Some(front) = front {
            entry.front = front;
        }
        Ok(())
    }
}

/// The phase of a row whose CA has not decided.
fn undecided(before: &Phase) -> Phase {
    match before {
        Phase::Abandoned(why) => Phase::Abandoned(why.clone()),
        _ => Phase::Waiting,
    }
}

/// Each try waits as long as the request has lasted so far, within bounds: quick at first, patient later, and nothing
/// to be stored.
fn backoff(entry: &Entry, now: Timestamp) -> SignedDuration {
    now.duration_since(entry.begun_at).clamp(SOONEST, LATEST)
}

fn lost(why: &str) -> Refusal {
    Refusal::new(
        RefusalKind::Lost,
        format!(
            "the CA may have issued a certificate and will not repeat its answer ({why}); ask again under a new key"
        ),
    )
}
