use jiff::SignedDuration;
use pki::Certificate;

use crate::{
    Answer, AskError, Asked, AuthorityName, Changes, Entry, EntryId, JournalError, Phase,
    ProfileName, Ra, Refusal, RefusalKind, SentAs,
    check::{self, Sound},
};

/// What a client is told to wait at least, and a row between two looks at it: no message is put to a CA a second time sooner.
pub const SOONEST: SignedDuration = SignedDuration::from_secs(1);
/// What a client is told to wait at most before it looks again.
pub(crate) const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What came of a request: the answer is made from this, the first time and every time after.
#[derive(Debug)]
pub enum Outcome {
    /// A certificate.
    Issued(Box<Issued>),
    /// The CA has not decided, or the last word with it is not spoken yet.
    Waiting {
        /// The row.
        entry: Box<Entry>,
        /// When asking again may tell more.
        check_after: SignedDuration,
    },
    /// The revocation took effect.
    Revoked(Box<Entry>),
    /// Nothing came of it.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The row, when it got that far.
        entry: Option<Box<Entry>>,
    },
}

impl Outcome {
    /// The row it was read from. `None` when a request was refused before there was one.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Issued(issued) => Some(&issued.entry),
            Self::Waiting { entry, .. } | Self::Revoked(entry) => Some(entry),
            Self::Refused { entry, .. } => entry.as_deref(),
        }
    }
}

/// An issued certificate with all that belongs to it.
#[derive(Debug)]
pub struct Issued {
    /// The row.
    pub entry: Entry,
    /// Leaf first, root excluded.
    pub chain: Vec<Certificate>,
    /// Every trusted root, the chain's own first.
    pub anchors: Vec<Certificate>,
    /// What the CA changed.
    pub changes: Changes,
    /// In which form the CA was asked.
    pub sent_as: SentAs,
}

/// What went wrong on our side or the CA's: logged where it is handled, never shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The CA cannot be asked now, and nothing was begun.
    #[error("the CA `{authority}` cannot be asked: {why}")]
    Unavailable {
        /// Which.
        authority: AuthorityName,
        /// When it may be worth trying again.
        retry_after: Option<SignedDuration>,
        /// What happened.
        why: String,
    },
    /// An entry names a CA that this configuration does not have.
    #[error("no CA named `{0}` is configured")]
    NoAuthority(AuthorityName),
    /// A profile named by a label does not exist in this configuration.
    #[error("no profile named `{0}` is configured")]
    NoProfile(ProfileName),
    /// A certificate in the journal no longer has a chain under the profile's trust anchors.
    #[error("the certificate of {entry} has no chain any more: {why}")]
    NoChain {
        /// Which request.
        entry: EntryId,
        /// Why.
        why: String,
    },
}

impl Ra {
    /// What a row says to whoever asks.
    pub(crate) fn outcome(&self, entry: Entry) -> Result<Outcome, Error> {
        self.outcome_of(entry, None)
    }

    /// The same, with what is known already of the certificate that was just taken.
    pub(crate) fn outcome_of(&self, entry: Entry, sound: Option<Sound>) -> Result<Outcome, Error> {
        let refused = |refusal: &Refusal| Outcome::Refused {
            refusal: refusal.clone(),
            entry: Some(Box::new(entry.clone())),
        };
        Ok(match &entry.phase {
            Phase::Issued(answer) | Phase::Confirmed(answer) => {
                let answer = answer.clone();
                return self
                    .issued(entry, &answer, sound)
                    .map(|issued| Outcome::Issued(Box::new(issued)));
            }
            Phase::Begun | Phase::Waiting | Phase::Confirming(..) => {
                let left = entry
                    .due
                    .map_or(SOONEST, |due| due.duration_since((self.clock)()));
                // A claimed row is due when its lease ends, yet usually moves at once.
                let longest = if entry.phase == Phase::Waiting {
                    LONGEST_WAIT
                } else {
                    SOONEST
                };
                Outcome::Waiting {
                    check_after: left.clamp(SOONEST, longest),
                    entry: Box::new(entry),
                }
            }
            Phase::Revoked => Outcome::Revoked(Box::new(entry)),
            Phase::Abandoned(why)
            | Phase::Withdrawn(why)
            | Phase::Refused(why)
            | Phase::Lost(why) => refused(why),
            Phase::NotSent => {
                return Err(Error::Unavailable {
                    authority: entry.authority,
                    retry_after: None,
                    why: "it could not be asked when this request came".to_owned(),
                });
            }
        })
    }

    fn issued(&self, entry: Entry, answer: &Answer, sound: Option<Sound>) -> Result<Issued, Error> {
        let Sound { chain, changes } = match sound {
            Some(sound) => sound,
            None => self.taken_before(&entry, answer)?,
        };
        Ok(Issued {
            entry,
            chain: chain.certificates,
            anchors: chain.anchors,
            changes,
            sent_as: answer.sent_as,
        })
    }

    /// As of when it was taken: what was sound then is answered the same way however late the question.
    fn taken_before(&self, entry: &Entry, answer: &Answer) -> Result<Sound, Error> {
        let profile = self
            .profiles
            .get(&entry.profile)
            .ok_or_else(|| Error::NoProfile(entry.profile.clone()))?;
        let chain = check::assemble(answer, &profile.anchors, entry.changed_at).map_err(|e| {
            Error::NoChain {
                entry: entry.id,
                why: e.to_string(),
            }
        })?;
        let changes = match &entry.asked {
            Asked::Enroll(asked) => Changes::between(asked, &answer.leaf),
            Asked::Revoke { .. } => Changes::default(),
        };
        Ok(Sound { chain, changes })
    }
}

pub(crate) fn unknown() -> Outcome {
    let refusal = Refusal::new(RefusalKind::NotFound, "there is no such request of yours");
    Outcome::Refused {
        refusal,
        entry: None,
    }
}

pub(crate) fn unavailable(authority: &AuthorityName, error: &AskError) -> Error {
    let retry_after = match error {
        AskError::NotSent { retry_after, .. } => *retry_after,
        AskError::Refused(_)
        | AskError::Ours { .. }
        | AskError::Unknown { .. }
        | AskError::Lost { .. } => None,
    };
    Error::Unavailable {
        authority: authority.clone(),
        retry_after,
        why: error.to_string(),
    }
}

/// Whether nothing has come of it and there is another way to the CA, to be taken at once ([`AskError::NotSent`]).
pub(crate) fn is_elsewhere(error: &Error) -> bool {
    matches!(error, Error::Unavailable { retry_after: Some(span), .. } if span.is_zero())
}
