use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::{Certificate, CertificateId, Signer};
use serde::{Deserialize, Serialize};

use crate::{Approved, EnrollRequest, Refusal, Sealed};

/// The name of a CA we can ask, as configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuthorityName(String);

impl AuthorityName {
    /// A name from configuration.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a CA is asked to do.
pub enum Order<'a> {
    /// Issue a certificate.
    Enroll {
        /// The request as it came.
        request: &'a EnrollRequest,
        /// What policy made of it.
        approved: &'a Approved,
    },
    /// Revoke one.
    Revoke {
        /// Which certificate.
        of: &'a CertificateId,
        /// CRLReason (RFC 5280 5.3.1).
        reason: u8,
        /// The requester's own message where it must reach the CA unchanged.
        original: Option<&'a Bytes>,
    },
}

/// In which form the CA was asked; a renewal's requester wants to know whether it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SentAs {
    /// `ir`, RFC 9810 5.3.1.
    Initialization,
    /// `cr`, RFC 9810 5.3.3.
    Certification,
    /// `kur`, RFC 9810 5.3.5.
    KeyUpdate,
    /// `p10cr`, RFC 9810 5.3.3.
    Pkcs10,
    /// No message: our own signer issued it.
    Local,
}

/// What a CA issued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The certificate.
    pub leaf: Certificate,
    /// Certificates that came along and may help to build the chain (extraCerts), in order of arrival.
    pub pool: Vec<Certificate>,
    /// Certificates the CA says are its own (caPubs), only where the message's protection lets us believe it.
    pub ca_pubs: Vec<Certificate>,
    /// Whether the CA expects a confirmation; false when implicit confirmation was granted.
    pub must_confirm: bool,
    /// The form in which it was asked.
    pub sent_as: SentAs,
}

/// The last word on an issued certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is taken.
    Accept {
        /// The requester's own certConf where it must reach the CA unchanged.
        original: Option<Bytes>,
    },
    /// It is given back: the CA is told so, or asked to revoke where it confirmed implicitly.
    Reject {
        /// Why; becomes the outcome.
        why: Refusal,
        /// The requester's own certConf where it must reach the CA unchanged.
        original: Option<Bytes>,
    },
}

/// Where the exchange with the CA stands after a call.
#[derive(Debug)]
pub struct Step {
    /// The authority's new state.
    pub state: Sealed,
    /// What came of it.
    pub progress: Progress,
}

/// What came of asking.
#[derive(Debug)]
pub enum Progress {
    /// The CA has not decided; ask again after this span.
    Waiting {
        /// The CA's checkAfter, bounded.
        check_after: SignedDuration,
    },
    /// A certificate.
    Issued(Box<Answer>),
    /// A revocation or a confirmation took effect.
    Done,
    /// The CA refused.
    Rejected(Refusal),
}

/// Whose protection the message bears.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// Ours.
    Ra,
    /// That of a key the requester lent for this call.
    Lent(&'a dyn Signer),
    /// The requester's own, on its own bytes.
    Forward(&'a Bytes),
}

/// Why asking did not work, told apart by what may be done next.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The request can never be put to this CA; the requester can do something about it.
    #[error("{0}")]
    Refused(Refusal),
    /// The CA has not acted on this message: it may be asked again later.
    #[error("the CA was not asked: {why}")]
    NotSent {
        /// When it may be worth trying again. Zero: at once, with a message prepared anew, for there is another way to
        /// the CA.
        retry_after: Option<SignedDuration>,
        /// What happened, for the log.
        why: String,
    },
    /// Something of ours is in the way (a key, the kept state): this call has sent nothing, and the CA has no part in it.
    #[error("the CA cannot be asked: {why}")]
    Ours {
        /// What happened, for the log.
        why: String,
    },
    /// The CA may have heard us: only the same bytes may be sent again.
    #[error("no answer of the CA that can be believed: {why}")]
    Unknown {
        /// What happened, for the log.
        why: String,
    },
    /// The CA may have issued and will not repeat its answer.
    #[error("the CA's answer is lost: {why}")]
    Lost {
        /// What happened, for the log and the outcome.
        why: String,
    },
}

/// What can be asked of a CA beside certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Support {
    /// The CA's own certificates (RFC 9810 5.3.19.14), trust anchors among them.
    CaCerts,
    /// Its current CRL.
    Crl,
}

/// The answer to [`Support`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SupportAnswer {
    /// To [`Support::CaCerts`].
    CaCerts(Vec<Certificate>),
    /// To [`Support::Crl`]: DER, when there is one.
    Crl(Option<Bytes>),
}

/// Whether a CA can be asked right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered, or needs no asking.
    Up,
    /// It does not answer, and why.
    Down(String),
}

/// How one endpoint of a CA does: plain numbers, for metrics and whoever asks whether we are ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Where it is, as configured.
    pub endpoint: String,
    /// Whether it is asked at all.
    pub breaker: BreakerState,
    /// Calls it is working on.
    pub in_flight: usize,
    /// Calls that wait for their turn.
    pub queued: usize,
    /// Calls it has answered since the process began.
    pub answered: u64,
    /// Calls that got no answer to be believed, since then.
    pub failed: u64,
    /// Calls turned away here because it was down or too much was asked of it, since then.
    pub shed: u64,
    /// Why its last answer was none, if it was not.
    pub trouble: Option<String>,
}

/// Whether an endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// As ever.
    Closed,
    /// It failed too often; the next call tells whether it is back, the others are turned away until then.
    HalfOpen,
    /// It failed too often; calls are turned away.
    Open,
}

/// A CA we can ask: over CMP, or our own signer.
///
/// `prepare` fixes every byte and number the CA will see, so that after a crash anyone can send the same again.
#[async_trait]
pub trait Authority: Send + Sync {
    /// Makes the message and sends nothing. Load is shed here, before a row is written.
    async fn prepare(&self, order: Order<'_>, now: Timestamp) -> Result<Sealed, AskError>;

    /// First call sends, later calls poll. Called twice with the same state, it gives one certificate.
    async fn advance(&self, state: &Sealed, by: By<'_>, now: Timestamp) -> Result<Step, AskError>;

    /// Tells the CA the verdict on `answer`: [`Progress::Done`] once it has heard, [`Progress::Rejected`] when it
    /// would not have it.
    async fn confirm(
        &self,
        state: &Sealed,
        answer: &Answer,
        verdict: &Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError>;

    /// Answers what is asked beside certificates: one source for genm, `/v2/{ca}/trust` and rollover.
    async fn support(&self, asked: Support, now: Timestamp) -> Result<SupportAnswer, AskError>;

    /// When a certificate begins that is asked for `now`, as far as that is ours to say. Whoever wants one for a span gets
    /// the span from here on.
    fn begins(&self, now: Timestamp) -> Timestamp {
        now
    }

    /// Whether it can be asked right now, as far as is known without asking.
    async fn health(&self) -> Health {
        Health::Up
    }

    /// How its endpoints do; none for a CA that is not reached over a network.
    fn endpoints(&self) -> Vec<EndpointHealth> {
        Vec::new()
    }
}
