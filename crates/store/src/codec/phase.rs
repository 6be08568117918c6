use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;
use pki::Certificate;
use ra::{Answer, Phase, UnderWay, Verdict};
use serde::{Deserialize, Serialize};

use super::refusal::{StoredRefusal, sent_as, sent_as_number};
use super::{CodecError, opened, sealed, time_of};
use crate::known::Digest;

/// A phase for the row, and the certificates it refers to instead of holding them.
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf: Option<Certificate>,
    pub(crate) others: Vec<(Digest, Certificate)>,
}

/// A phase as read back, before its certificates are at hand.
pub(crate) struct StoredPhase {
    pub(crate) changed_at: Timestamp,
    stored: Stored<'static>,
}

/// `phase`, entered at `changed_at`, as bytes.
pub(crate) fn phase_bytes(phase: &Phase, changed_at: Timestamp) -> Result<Kept, CodecError> {
    let mut others = Vec::new();
    let answer = match phase {
        Phase::Issued(answer) | Phase::Confirming(answer, _) | Phase::Confirmed(answer) => {
            Some(answer)
        }
        _ => None,
    };
    let stored = match phase {
        Phase::Begun => Stored::Begun,
        Phase::Waiting => Stored::Waiting,
        Phase::Issued(answer) => Stored::Issued(refer(answer, &mut others)),
        Phase::Confirming(answer, verdict) => {
            Stored::Confirming(refer(answer, &mut others), verdict.into())
        }
        Phase::Confirmed(answer) => Stored::Confirmed(refer(answer, &mut others)),
        Phase::Withdrawn(why) => Stored::Withdrawn(why.into()),
        Phase::Revoked => Stored::Revoked,
        Phase::Refused(why) => Stored::Refused(why.into()),
        Phase::NotSent => Stored::NotSent,
        Phase::Lost(why) => Stored::Lost(why.into()),
        Phase::Abandoned(why) => Stored::Abandoned(why.into()),
    };
    let bytes = sealed(&(changed_at.as_nanosecond(), stored), "phase")?;
    Ok(Kept {
        bytes,
        leaf: answer.map(|answer| answer.leaf.clone()),
        others,
    })
}

/// The reverse of [`phase_bytes`], first half.
pub(crate) fn phase_of(bytes: &[u8]) -> Result<StoredPhase, CodecError> {
    let (changed_at, stored): (i128, Stored<'static>) = opened(bytes, "phase")?;
    Ok(StoredPhase {
        changed_at: time_of(changed_at)?,
        stored,
    })
}

/// Counts a row with this phase, of which no certificate is looked at.
pub(crate) fn count(phase: Option<&[u8]>, count: &mut UnderWay) -> Result<(), CodecError> {
    match phase.map(phase_of).transpose()?.map(|phase| phase.stored) {
        None | Some(Stored::Begun) => count.begun += 1,
        Some(Stored::Waiting | Stored::Abandoned(_)) => count.waiting += 1,
        Some(Stored::Issued(_)) => count.issued += 1,
        Some(Stored::Confirming(..)) => count.confirming += 1,
        Some(_) => {}
    }
    Ok(())
}

/// Whether a row with this phase waits for its requester's confirmation.
pub(crate) fn is_for_its_requester(phase: Option<&[u8]>) -> Result<bool, CodecError> {
    let stored = phase.map(phase_of).transpose()?.map(|phase| phase.stored);
    Ok(matches!(stored, Some(Stored::Issued(_))))
}

impl StoredPhase {
    /// As [`Phase::is_final`].
    pub(crate) fn is_final(&self) -> bool {
        match self.stored {
            Stored::Begun
            | Stored::Waiting
            | Stored::Abandoned(_)
            | Stored::Issued(_)
            | Stored::Confirming(..) => false,
            Stored::Confirmed(_)
            | Stored::Withdrawn(_)
            | Stored::Revoked
            | Stored::Refused(_)
            | Stored::NotSent
            | Stored::Lost(_) => true,
        }
    }

    /// The certificates that [`Self::with`] will ask for.
    pub(crate) fn others(&self) -> impl Iterator<Item = Digest> {
        let answer = match &self.stored {
            Stored::Issued(answer) | Stored::Confirming(answer, _) | Stored::Confirmed(answer) => {
                Some(answer)
            }
            _ => None,
        };
        let lists = answer
            .into_iter()
            .flat_map(|answer| answer.pool.iter().chain(&answer.ca_pubs));
        lists.filter_map(|place| match place {
            Place::Leaf => None,
            Place::Other(digest) => Some(*digest),
        })
    }

    /// The phase, `leaf` being the row's own certificate and `find` giving the others.
    pub(crate) fn with(
        self,
        leaf: Option<&Certificate>,
        find: impl Fn(&Digest) -> Option<Certificate>,
    ) -> Result<Phase, CodecError> {
        let answer = |stored: StoredAnswer| -> Result<Answer, CodecError> {
            let leaf = leaf.cloned().ok_or(CodecError::Damaged("certificate"))?;
            let list = |places: Vec<Place>| -> Result<Vec<Certificate>, CodecError> {
                let one = |place| match place {
                    Place::Leaf => Ok(leaf.clone()),
                    Place::Other(digest) => {
                        find(&digest).ok_or(CodecError::Damaged("list of CA certificates"))
                    }
                };
                places.into_iter().map(one).collect()
            };
            let (pool, ca_pubs) = (list(stored.pool)?, list(stored.ca_pubs)?);
            let sent_as = sent_as(stored.sent_as)?;
            Ok(Answer {
                pool,
                ca_pubs,
                must_confirm: stored.must_confirm,
                sent_as,
                leaf,
            })
        };
        Ok(match self.stored {
            Stored::Begun => Phase::Begun,
            Stored::Waiting => Phase::Waiting,
            Stored::Issued(stored) => Phase::Issued(answer(stored)?),
            Stored::Confirming(stored, verdict) => {
                Phase::Confirming(answer(stored)?, verdict.try_into()?)
            }
            Stored::Confirmed(stored) => Phase::Confirmed(answer(stored)?),
            Stored::Withdrawn(why) => Phase::Withdrawn(why.try_into()?),
            Stored::Revoked => Phase::Revoked,
            Stored::Refused(why) => Phase::Refused(why.try_into()?),
            Stored::NotSent => Phase::NotSent,
            Stored::Lost(why) => Phase::Lost(why.try_into()?),
            Stored::Abandoned(why) => Phase::Abandoned(why.try_into()?),
        })
    }
}

fn refer(answer: &Answer, others: &mut Vec<(Digest, Certificate)>) -> StoredAnswer {
    let mut list = |certificates: &[Certificate]| {
        let place = |certificate: &Certificate| {
            if *certificate == answer.leaf {
                return Place::Leaf;
            }
            let digest = certificate.fingerprint();
            others.push((digest, certificate.clone()));
            Place::Other(digest)
        };
        certificates.iter().map(place).collect()
    };
    let (pool, ca_pubs) = (list(&answer.pool), list(&answer.ca_pubs));
    StoredAnswer {
        pool,
        ca_pubs,
        must_confirm: answer.must_confirm,
        sent_as: sent_as_number(answer.sent_as),
    }
}

/// Variants are numbered in order, here and below: add at the end only.
#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    Begun,
    Waiting,
    Issued(StoredAnswer),
    Confirming(StoredAnswer, StoredVerdict<'a>),
    Confirmed(StoredAnswer),
    Withdrawn(StoredRefusal<'a>),
    Revoked,
    Refused(StoredRefusal<'a>),
    NotSent,
    Lost(StoredRefusal<'a>),
    Abandoned(StoredRefusal<'a>),
}

#[derive(Serialize, Deserialize)]
struct StoredAnswer {
    pool: Vec<Place>,
    ca_pubs: Vec<Place>,
    must_confirm: bool,
    sent_as: u16,
}

/// Where a certificate of an answer is.
#[derive(Serialize, Deserialize)]
enum Place {
    /// It is the one issued.
    Leaf,
    /// In the table of certificates.
    Other(Digest),
}

#[derive(Serialize, Deserialize)]
enum StoredVerdict<'a> {
    Accept(Option<Cow<'a, Bytes>>),
    Reject(StoredRefusal<'a>, Option<Cow<'a, Bytes>>),
}

impl<'a> From<&'a Verdict> for StoredVerdict<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        match verdict {
            Verdict::Accept { original } => Self::Accept(original.as_ref().map(Cow::Borrowed)),
            Verdict::Reject { why, original } => {
                Self::Reject(why.into(), original.as_ref().map(Cow::Borrowed))
            }
        }
    }
}

impl TryFrom<StoredVerdict<'_>> for Verdict {
    type Error = CodecError;

    fn try_from(stored: StoredVerdict<'_>) -> Result<Self, CodecError> {
        Ok(match stored {
            StoredVerdict::Accept(original) => Self::Accept {
                original: original.map(Cow::into_owned),
            },
            StoredVerdict::Reject(why, original) => Self::Reject {
                why: why.try_into()?,
                original: original.map(Cow::into_owned),
            },
        })
    }
}
