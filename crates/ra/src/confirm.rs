//! The requester's word on its certificate, and how it is made durable before the CA hears it.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::Instrument as _;

use crate::{
    By, Claim, Entry, EntryId, Error, JournalError, Lease, Outcome, Phase, Ra, Refusal,
    RefusalKind, Requester, Sealed, Verdict,
    drive::{Attempt, States},
    line::entry_span,
    outcome::unknown,
    step,
};

/// A requester's word on its request: certConf, or its error message.
#[derive(Clone, Debug)]
pub struct Word {
    /// The key of the request.
    pub id: EntryId,
    /// When the request began that the word was found to be on. An ended request may have given its key to another since, on whose
    /// certificate this says nothing.
    pub begun_at: Timestamp,
    /// What it says.
    pub verdict: Verdict,
    /// Takes the place of the row's front state, in the same write, so that the word is known again when it is repeated.
    pub front: Option<Sealed>,
}

impl Word {
    fn is_on(&self, entry: &Entry, who: &Requester) -> bool {
        entry.owner == who.credential && entry.begun_at == self.begun_at
    }
}

impl Ra {
    /// Step 12 for a requester that confirms. A word that rejects counts also before there is a certificate: what the CA issues yet is
    /// given back.
    ///
    /// # Errors
    /// [`Error`]; what the requester can mend is [`Outcome::Refused`].
    pub async fn confirm(self: Arc<Self>, who: Requester, word: Word) -> Result<Outcome, Error> {
        if let Some((claim, entry)) = self.journal.left(&word.id)
            && word.is_on(&entry, &who)
        {
            // One write claims the entry again and has the word; fenced if anyone else has touched the entry.
            let lease = Lease::Again(self.lease);
            match self.conclude(claim, lease, entry, word.clone()).await {
                Err(Error::Journal(JournalError::Fenced)) => {}
                done => return done,
            }
        }
        let Some((claim, mut entry)) = self.journal.claim(&word.id, self.lease).await? else {
            let found = self.journal.find(&word.id).await?;
            return match found.filter(|entry| word.is_on(entry, &who)) {
                Some(entry) => self.outcome(entry),
                None => Ok(unknown()),
            };
        };
        if !word.is_on(&entry, &who) {
            self.journal.release(claim).await?;
            return Ok(unknown());
        }
        match (entry.phase.clone(), &word.verdict) {
            (Phase::Issued(_) | Phase::Confirming(..), _) => {
                self.conclude(claim, Lease::Keep, entry, word).await
            }
            (Phase::Begun | Phase::Waiting, Verdict::Reject { why, .. }) => {
                self.give_up(&claim, &mut entry, why.clone(), word.front)
                    .await?;
                self.outcome(entry)
            }
            (phase, _) => {
                self.journal.release(claim).await?;
                let refusal = match phase {
                    Phase::Confirmed(_) => Refusal::new(
                        RefusalKind::AlreadyConfirmed,
                        "the certificate was confirmed before",
                    ),
                    Phase::Abandoned(why)
                    | Phase::Withdrawn(why)
                    | Phase::Refused(why)
                    | Phase::Lost(why) => why,
                    _ => Refusal::new(
                        RefusalKind::BadRequest,
                        "there is no certificate to confirm",
                    ),
                };
                Ok(Outcome::Refused {
                    refusal,
                    entry: Some(Box::new(entry)),
                })
            }
        }
    }

    /// The word on an entry that waits for it, or has it already and is to tell the CA. `lease` as [`Self::hear`] has it.
    async fn conclude(
        &self,
        claim: Claim,
        lease: Lease,
        mut entry: Entry,
        word: Word,
    ) -> Result<Outcome, Error> {
        self.hear(&claim, lease, &mut entry, word.verdict, word.front)
            .await?;
        let span = entry_span(&entry);
        let driven = self.drive(claim, entry, By::Ra, Attempt::Again);
        driven.instrument(span).await
    }

    /// The requester's (or the deadline's) verdict on an issued certificate, made durable before the CA hears it. `lease`: how the claim goes
    /// on where the CA has to be told. An entry that waits for no word stays as it is.
    pub(crate) async fn hear(
        &self,
        claim: &Claim,
        lease: Lease,
        entry: &mut Entry,
        verdict: Verdict,
        front: Option<Sealed>,
    ) -> Result<(), Error> {
        let Phase::Issued(answer) = entry.phase.clone() else {
            return Ok(());
        };
        let settled = !answer.must_confirm && matches!(verdict, Verdict::Accept { .. });
        let states = States {
            front,
            upstream: None,
        };
        if settled {
            self.write(
                claim,
                entry,
                Phase::Confirmed(answer),
                states,
                None,
                Lease::End,
            )
            .await?;
        } else {
            let due = self.due(By::Ra, (self.clock)(), self.lease);
            self.write(
                claim,
                entry,
                Phase::Confirming(answer, verdict),
                states,
                due,
                lease,
            )
            .await?;
        }
        step::reached(step::HEARD, &entry.id);
        Ok(())
    }

    /// The requester gives up before there is a certificate: that is durable, and the CA goes on being asked, since it may issue one.
    async fn give_up(
        &self,
        claim: &Claim,
        entry: &mut Entry,
        why: Refusal,
        front: Option<Sealed>,
    ) -> Result<(), Error> {
        let states = States {
            front,
            upstream: None,
        };
        let due = entry.due;
        self.write(claim, entry, Phase::Abandoned(why), states, due, Lease::End)
            .await
    }
}
