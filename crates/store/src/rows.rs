use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pki::Certificate;
use ra::{AuditEvent, Change, Claim, Entry, Issuance, JournalError, Lease, Revocation};

use crate::codec::{CodecError, Kept, head_bytes, phase_bytes};
use crate::known::{Digest, Known};
use crate::name::{folded, name_of};

/// A row and the fence under which it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) row: i64,
    pub(crate) fence: i64,
}

/// What the writer is asked to do, already in the database's terms: encoding is done by whoever asks, side by side.
pub(crate) enum Work {
    Begin(Box<BeginRow>),
    /// Shared with whoever asks, who asks again when the database comes back.
    Write(Arc<WriteRow>),
    Claim {
        key: Vec<u8>,
        lease: i64,
        /// A lease that ends later than so long from now is not believed.
        believed: i64,
        fence: i64,
    },
    ClaimDue {
        most: i64,
        now: i64,
        lease: i64,
        believed: i64,
    },
    /// Entries that are put off, each to be due at another time.
    Hasten(Vec<PutOff>),
    Release(Held),
    /// A release by who ends: the row is due for whoever looks next, if it is anyone's but a client's.
    HandOver(Held),
    Record(AuditRow),
    Prune(Prune),
}

/// A row that is due at one time, and is to be at another.
#[derive(Clone, Copy)]
pub(crate) struct PutOff {
    pub(crate) row: i64,
    pub(crate) due: i64,
    pub(crate) to: i64,
}

/// What is old enough to go.
pub(crate) enum Prune {
    /// Finished entries, by row.
    Entries(Vec<i64>),
    /// Issuances whose entries are gone, by row.
    Issuances(Vec<i64>),
    /// Events with numbers after `after` up to `to`, as far as they are from before `before`.
    Audit { after: i64, to: i64, before: i64 },
}

pub(crate) struct BeginRow {
    pub(crate) row: i64,
    /// A stale row that has to give the key away first.
    pub(crate) retire: Option<i64>,
    pub(crate) key: Vec<u8>,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) front: Vec<u8>,
    pub(crate) correlation: Option<String>,
    pub(crate) upstream: Vec<u8>,
    pub(crate) due: Option<i64>,
    pub(crate) lease: i64,
    pub(crate) audit: AuditRow,
}

pub(crate) struct WriteRow {
    pub(crate) held: Held,
    pub(crate) phase: Vec<u8>,
    pub(crate) front: Option<Vec<u8>>,
    pub(crate) leaf: Option<Vec<u8>>,
    pub(crate) due: Option<i64>,
    pub(crate) upstream: Option<Vec<u8>>,
    pub(crate) lease: Lease,
    pub(crate) certificates: Vec<(Digest, Certificate)>,
    pub(crate) issuance: Option<IssuanceRow>,
    pub(crate) revocation: Option<RevocationRow>,
    pub(crate) audit: Option<AuditRow>,
}

pub(crate) struct IssuanceRow {
    pub(crate) name: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) authority: String,
    pub(crate) owner: String,
    pub(crate) entry: Vec<u8>,
    pub(crate) not_after: i64,
    /// The issuer's name as encoded, by SHA-256, and folded.
    pub(crate) issuer: (Digest, IssuerName),
}

#[derive(Clone)]
pub(crate) struct IssuerName {
    pub(crate) der: Vec<u8>,
    pub(crate) folded: Vec<u8>,
}

pub(crate) struct RevocationRow {
    pub(crate) authority: String,
    pub(crate) name: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) at: i64,
    pub(crate) reason: i64,
}

pub(crate) struct AuditRow {
    /// The row of the journal that it is about.
    pub(crate) journal: Option<i64>,
    pub(crate) at: i64,
    pub(crate) kind: &'static str,
    pub(crate) entry: Option<Vec<u8>>,
    pub(crate) credential: String,
    pub(crate) label: String,
    pub(crate) serial: Option<String>,
    pub(crate) detail: String,
    pub(crate) correlation: Option<String>,
}

impl BeginRow {
    pub(crate) fn new(
        row: i64,
        new: &Entry,
        lease: i64,
        audit: &AuditEvent,
    ) -> Result<Self, JournalError> {
        // A name that one of the databases cannot hold must fail here, not when its certificate is there.
        if [new.owner.as_str(), new.authority.as_str()]
            .iter()
            .any(|name| name.contains('\0'))
        {
            return Err(JournalError::Unavailable(
                "a credential or CA name with a NUL character cannot be stored: configure another name".to_owned(),
            ));
        }
        Ok(Self {
            row,
            retire: None,
            key: new.id.0.to_vec(),
            fingerprint: new.fingerprint.to_vec(),
            head: head_bytes(new).map_err(unwritable)?,
            front: new.front.0.to_vec(),
            correlation: new.correlation.clone().map(String::from),
            upstream: new.upstream.0.to_vec(),
            due: new.due.map(micros),
            lease,
            audit: AuditRow::about(row, audit),
        })
    }
}

impl WriteRow {
    pub(crate) fn new(claim: &Claim, change: Change) -> Result<Self, JournalError> {
        let Kept {
            bytes,
            leaf,
            others,
        } = phase_bytes(&change.phase, change.at).map_err(unwritable)?;
        Ok(Self {
            held: Held {
                row: claim.row,
                fence: claim.fence,
            },
            phase: bytes,
            front: change.front.map(|front| front.0.to_vec()),
            leaf: leaf.map(|leaf| leaf.der().to_vec()),
            due: change.due.map(micros),
            upstream: change.upstream.map(|upstream| upstream.0.to_vec()),
            lease: change.lease,
            certificates: others,
            issuance: change.issuance.as_ref().map(IssuanceRow::from),
            revocation: change.revocation.map(RevocationRow::from),
            audit: change
                .audit
                .as_ref()
                .map(|event| AuditRow::about(claim.row, event)),
        })
    }

    /// Whether there is nothing beside it that is written once in a while: a revocation, a CA's certificate, an issuer's name.
    pub(crate) fn is_usual(&self, known: &Known) -> bool {
        let issuer = self.issuance.as_ref().map(|issuance| &issuance.issuer.0);
        self.revocation.is_none()
            && self
                .certificates
                .iter()
                .all(|(digest, _)| known.has(digest))
            && issuer.is_none_or(|digest| known.has_issuer(digest))
    }

    /// Whether nothing is left in the row of what still moves: it goes then, and the CA's message with it.
    pub(crate) fn ends(&self) -> bool {
        self.lease == Lease::End
            && self.due.is_none()
            && self.upstream.as_ref().is_some_and(Vec::is_empty)
    }
}

impl From<&Issuance> for IssuanceRow {
    fn from(issuance: &Issuance) -> Self {
        let id = issuance.certificate.id();
        let issuer = IssuerName {
            der: id.issuer.to_vec(),
            folded: folded(issuance.certificate.issuer()),
        };
        Self {
            issuer: (pki::digest::sha256(&id.issuer), issuer),
            name: name_of(&id),
            certificate: issuance.certificate.der().to_vec(),
            authority: issuance.authority.as_str().to_owned(),
            owner: issuance.owner.as_str().to_owned(),
            entry: issuance.entry.0.to_vec(),
            not_after: micros(issuance.certificate.not_after()),
        }
    }
}

impl From<Revocation> for RevocationRow {
    fn from(revocation: Revocation) -> Self {
        Self {
            authority: revocation.authority.as_str().to_owned(),
            name: name_of(&revocation.of),
            issuer: revocation.of.issuer.to_vec(),
            serial: revocation.of.serial.to_vec(),
            at: micros(revocation.at),
            reason: revocation.reason.into(),
        }
    }
}

impl AuditRow {
    fn about(row: i64, event: &AuditEvent) -> Self {
        Self {
            journal: Some(row),
            ..event.into()
        }
    }
}

impl From<&AuditEvent> for AuditRow {
    fn from(event: &AuditEvent) -> Self {
        Self {
            journal: None,
            at: micros(event.at),
            kind: event.kind.as_str(),
            entry: event.entry.map(|id| id.0.to_vec()),
            credential: text(event.credential.as_str()),
            label: text(event.label.as_str()),
            serial: event.serial.as_deref().map(text),
            detail: text(&event.detail),
            correlation: event.correlation.clone().map(String::from),
        }
    }
}

/// A time as the database has it. Nothing here needs more than microseconds, and they reach past any certificate.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A lease as the database adds it to its clock, in microseconds. Ten years either way are as good as for ever.
pub(crate) fn span(lease: SignedDuration) -> i64 {
    const MOST: i128 = 10 * 366 * 86_400 * 1_000_000;
    i64::try_from(lease.as_micros().clamp(-MOST, MOST)).unwrap_or_default()
}

/// PostgreSQL takes no NUL in a TEXT, and a word of a CA must not keep its certificate from being written.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn unwritable(error: CodecError) -> JournalError {
    JournalError::Unavailable(format!("an entry cannot be written: {error}"))
}
