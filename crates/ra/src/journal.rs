use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::{Certificate, CertificateId, Name};

use crate::{AuditEvent, AuthorityName, CredentialId, Entry, EntryId, Phase, Sealed};

/// The right to move one entry, until its lease ends. Every write names the fence: a claimant that slept through its
/// lease cannot write.
#[derive(Debug)]
pub struct Claim {
    /// Which entry.
    pub id: EntryId,
    /// The journal's own number of the row.
    pub row: i64,
    /// Grows with every claim of the entry.
    pub fence: i64,
}

/// How far in the future a lease may end to be believed by a claimant that takes leases of `lease` itself. One that ends later was
/// written by a clock that was ahead and has been set back since: nobody holds it for that long.
///
/// Twice a claimant's own, and ten minutes at least, so that processes whose configuration is just being changed believe each other.
#[must_use]
pub fn longest_believed(lease: SignedDuration) -> SignedDuration {
    const LEAST: SignedDuration = SignedDuration::from_mins(10);
    lease.saturating_mul(2).max(LEAST)
}

/// What [`Journal::begin`] found.
#[derive(Debug)]
pub enum Begun {
    /// The row is new and ours.
    New(Claim),
    /// The same request was begun before.
    Seen(Box<Entry>),
    /// Another request was begun under this key.
    OtherRequest,
}

/// Why the journal could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The claim ran out and someone else has the entry.
    #[error("the claim on this entry has been taken over")]
    Fenced,
    /// The store cannot be reached, written or read.
    #[error("the journal is not available: {0}")]
    Unavailable(String),
    /// The store was written by a later version of this program.
    #[error(
        "the journal has schema version {found}, this program knows up to {known}: run the newer program"
    )]
    SchemaTooNew {
        /// What the store says.
        found: i64,
        /// What we know.
        known: i64,
    },
}

/// What becomes of the claim after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The claimant goes on.
    Keep,
    /// The entry is free for the next claimant.
    End,
    /// The claim was given back, nobody has had the entry since ([`Journal::left`]), and the claimant goes on for so long.
    Again(SignedDuration),
}

/// An issued certificate as revocation, CRL and expiry need it; it outlives its entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Issuance {
    /// The certificate.
    pub certificate: Certificate,
    /// Which CA issued it.
    pub authority: AuthorityName,
    /// Who asked for it.
    pub owner: CredentialId,
    /// Which request.
    pub entry: EntryId,
    /// When it was revoked and why (CRLReason), if it was.
    pub revoked: Option<(Timestamp, u8)>,
}

/// One line of a CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlEntry {
    /// Which certificate.
    pub of: CertificateId,
    /// Since when.
    pub at: Timestamp,
    /// CRLReason (RFC 5280 5.3.1).
    pub reason: u8,
}

/// A revocation that took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// By which CA.
    pub authority: AuthorityName,
    /// Which certificate.
    pub of: CertificateId,
    /// Since when.
    pub at: Timestamp,
    /// CRLReason (RFC 5280 5.3.1).
    pub reason: u8,
}

/// How many requests stand where, of those that still move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// Written, and the CA may or may not have been asked.
    pub begun: u64,
    /// The CA has not decided, whether or not the requester has given up.
    pub waiting: u64,
    /// The requester has yet to confirm.
    pub issued: u64,
    /// The CA may not have heard the verdict yet.
    pub confirming: u64,
}

/// One atomic change of an entry. A single value, so that batching stays inside the store and audit cannot be forgotten.
#[derive(Debug)]
pub struct Change {
    /// The new phase.
    pub phase: Phase,
    /// The authority's new state; `None` leaves it.
    pub upstream: Option<Sealed>,
    /// The front's new state; `None` leaves it.
    pub front: Option<Sealed>,
    /// When to look again.
    pub due: Option<Timestamp>,
    /// When the phase changed.
    pub at: Timestamp,
    /// A certificate to be remembered beyond the entry.
    pub issuance: Option<Issuance>,
    /// A revocation to be remembered; of a certificate that the journal need not know.
    pub revocation: Option<Revocation>,
    /// What becomes of the claim.
    pub lease: Lease,
    /// What was decided; `None` where nothing was, and the row was only looked at again.
    pub audit: Option<AuditEvent>,
}

/// What was done, durably. Times of leases are the store's own clock.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes `new` under its id unless there is an entry already; a stale one ([`Entry::is_stale`] at
    /// `new.begun_at`) gives way. On return the row is durable and claimed for `lease`.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn begin(
        &self,
        new: &Entry,
        lease: SignedDuration,
        audit: AuditEvent,
    ) -> Result<Begun, JournalError>;

    /// The entry as it stands.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn find(&self, id: &EntryId) -> Result<Option<Entry>, JournalError>;

    /// The entry as this process last left it where it remembers that, as it stands otherwise. Others may have moved it since: for who
    /// claims it next, and is told then how it stands, or asks for what no change touches.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn expected(&self, id: &EntryId) -> Result<Option<Entry>, JournalError> {
        self.find(id).await
    }

    /// An entry that waits for its requester as this process left it, with the claim it gave back then, where it remembers that: for one
    /// caller, who goes on with [`Lease::Again`]. If anyone has claimed the entry since, that write is fenced and writes nothing.
    fn left(&self, _id: &EntryId) -> Option<(Claim, Entry)> {
        None
    }

    /// Makes `change` durable.
    ///
    /// # Errors
    /// [`JournalError::Fenced`] when the claim ran out and someone else took the entry; nothing was written then.
    async fn write(&self, claim: &Claim, change: Change) -> Result<(), JournalError>;

    /// Claims one entry; `None` when there is none or someone holds it with a lease that can be believed ([`longest_believed`]).
    ///
    /// # Errors
    /// [`JournalError`]
    async fn claim(
        &self,
        id: &EntryId,
        lease: SignedDuration,
    ) -> Result<Option<(Claim, Entry)>, JournalError>;

    /// Claims at most `most` entries that are due at `now` and that nobody holds, as for [`Journal::claim`], the longest due first.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn claim_due(
        &self,
        most: usize,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Vec<(Claim, Entry)>, JournalError>;

    /// Makes due at `at` what is due later, but for what waits for its requester's confirmation: of use when the clock by which it
    /// was put off has been set back. Returns how many entries that were.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn hasten(&self, at: Timestamp) -> Result<usize, JournalError>;

    /// When the newest entry was begun, by the clock of whoever began it; `None` when there is none.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn newest(&self) -> Result<Option<Timestamp>, JournalError>;

    /// Gives a claim back without a change.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn release(&self, claim: Claim) -> Result<(), JournalError>;

    /// What is known of a certificate; kept until it expires.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn issuance(&self, of: &CertificateId) -> Result<Option<Issuance>, JournalError>;

    /// The same, for who knows the issuer's name and not how it is encoded: as RFC 5280 section 7.1 compares names.
    /// `serial`: the contents of the INTEGER.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn issuance_by(
        &self,
        issuer: &Name,
        serial: &Bytes,
    ) -> Result<Option<Issuance>, JournalError>;

    /// Every revocation by `authority`, oldest first.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn revoked(&self, by: &AuthorityName) -> Result<Vec<CrlEntry>, JournalError>;

    /// Whether what is done can be written down, as far as anyone has tried lately: a store may answer and take nothing.
    ///
    /// # Errors
    /// [`JournalError::Unavailable`] with the reason.
    fn is_writable(&self) -> Result<(), JournalError>;

    /// How many requests are under way: for metrics, which can wait and can do without.
    ///
    /// # Errors
    /// [`JournalError`]
    async fn under_way(&self) -> Result<UnderWay, JournalError>;

    /// Takes note of a refusal that has no entry. Bounded, best effort, never waited for.
    async fn record(&self, refused: AuditEvent);
}
