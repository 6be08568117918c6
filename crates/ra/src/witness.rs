use std::time::{Duration, Instant};

use crate::{AskError, AuditEvent, AuthorityName};

/// A stretch of the line whose length is told (docs/ISSUANCE.md has the numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Steps 4 to 6: profile, proof-of-possession, policy.
    Decide,
    /// Step 7: everything the CA will see is made.
    Prepare,
    /// Step 8: the row is written.
    Begin,
    /// Step 9: one exchange with the CA.
    Ask,
    /// Step 10: the CA's certificate is checked.
    Check,
    /// Step 11: certificate and verdict are written.
    Finish,
    /// Step 12, first half: the CA hears the verdict.
    Confirm,
    /// Step 12, second half: that it did is written.
    Confirmed,
}

impl Stage {
    /// Every stage, in the order of the line.
    pub const ALL: &[Self] = &[
        Self::Decide,
        Self::Prepare,
        Self::Begin,
        Self::Ask,
        Self::Check,
        Self::Finish,
        Self::Confirm,
        Self::Confirmed,
    ];

    /// The stage as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Prepare => "prepare",
            Self::Begin => "begin",
            Self::Ask => "ask",
            Self::Check => "check",
            Self::Finish => "finish",
            Self::Confirm => "confirm",
            Self::Confirmed => "confirmed",
        }
    }
}

/// What came of one call to a CA, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Called {
    /// It answered, if only with a rejection.
    Answered,
    /// What was asked cannot be put to it.
    Refused,
    /// Nothing left us.
    NotSent,
    /// Nothing left us, and the CA has no part in it.
    Ours,
    /// No answer, or none that can be believed.
    Unknown,
    /// It will not repeat its answer.
    Lost,
}

impl Called {
    /// Every result.
    pub const ALL: &[Self] = &[
        Self::Answered,
        Self::Refused,
        Self::NotSent,
        Self::Ours,
        Self::Unknown,
        Self::Lost,
    ];

    /// The result as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::NotSent => "not-sent",
            Self::Ours => "ours",
            Self::Unknown => "unknown",
            Self::Lost => "lost",
        }
    }
}

impl<T> From<&Result<T, AskError>> for Called {
    fn from(result: &Result<T, AskError>) -> Self {
        match result {
            Ok(_) => Self::Answered,
            Err(AskError::Refused(_)) => Self::Refused,
            Err(AskError::NotSent { .. }) => Self::NotSent,
            Err(AskError::Ours { .. }) => Self::Ours,
            Err(AskError::Unknown { .. }) => Self::Unknown,
            Err(AskError::Lost { .. }) => Self::Lost,
        }
    }
}

/// Who looks on while the line works: metrics and the audit log. It is told and never asked, and must not block.
pub trait Witness: Send + Sync {
    /// A stage took so long.
    fn took(&self, stage: Stage, authority: &AuthorityName, time: Duration);

    /// A CA was called, for an order or a verdict.
    fn called(&self, authority: &AuthorityName, result: Called);

    /// A decision was made. It is in the journal already, but for refusals without an entry, which the journal takes at its leisure.
    fn decided(&self, event: &AuditEvent);
}

/// Measures one stage after the other.
pub(crate) struct Laps<'a> {
    witness: &'a dyn Witness,
    since: Instant,
}

impl<'a> Laps<'a> {
    pub(crate) fn start(witness: &'a dyn Witness) -> Self {
        Self {
            witness,
            since: Instant::now(),
        }
    }

    /// Ends a stage and begins the next.
    pub(crate) fn lap(&mut self, stage: Stage, authority: &AuthorityName) {
        let now = Instant::now();
        self.witness
            .took(stage, authority, now.duration_since(self.since));
        self.since = now;
    }
}
