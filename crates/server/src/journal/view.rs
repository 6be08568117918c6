//! What is shown of the journal, as JSON. Sealed states of fronts and CAs have no place in these types.

use jiff::Timestamp;
use pki::{Certificate, CertificateId};
use ra::{Answer, Asked, ConfirmedBy, Entry, Issuance, Phase, Refusal, Verdict};
use serde::Serialize;
use store::{Event, Revoked};

use crate::problem;

#[derive(Serialize)]
pub(super) struct EntryView {
    kind: &'static str,
    id: String,
    row: i64,
    /// Its key was given to a later request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    retired: bool,
    begun_at: Timestamp,
    changed_at: Timestamp,
    phase: &'static str,
    label: String,
    profile: String,
    authority: String,
    owner: String,
    request_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
    asked: AskedView,
    confirmed_by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalView>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum AskedView {
    Enroll {
        subject: String,
        subject_alternative_names: Vec<String>,
        key: String,
    },
    Revoke {
        issuer: String,
        serial: String,
        reason: u8,
    },
}

#[derive(Serialize)]
struct CertificateView {
    issuer: String,
    serial: String,
    not_after: Timestamp,
}

#[derive(Serialize)]
struct RefusalView {
    #[serde(rename = "type")]
    slug: String,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ca_said: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fail_info: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct EventView {
    kind: &'static str,
    number: i64,
    at: Timestamp,
    event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    credential: String,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<String>,
    detail: String,
}

#[derive(Serialize)]
pub(super) struct IssuanceView {
    kind: &'static str,
    entry: String,
    authority: String,
    owner: String,
    subject: String,
    issuer: String,
    serial: String,
    not_after: Timestamp,
    certificate: String,
}

#[derive(Serialize)]
pub(super) struct RevokedView {
    kind: &'static str,
    authority: String,
    issuer: String,
    serial: String,
    at: Timestamp,
    reason: u8,
}

/// One request with what was decided about it.
#[derive(Serialize)]
pub(super) struct Story {
    #[serde(flatten)]
    pub(super) entry: EntryView,
    pub(super) events: Vec<EventView>,
}

impl EntryView {
    pub(super) fn of(row: i64, retired: bool, entry: &Entry) -> Self {
        let (answer, refusal) = parts(&entry.phase);
        Self {
            kind: "entry",
            id: entry.id.to_string(),
            row,
            retired,
            begun_at: entry.begun_at,
            changed_at: entry.changed_at,
            phase: entry.phase.name(),
            label: entry.label.to_string(),
            profile: entry.profile.to_string(),
            authority: entry.authority.to_string(),
            owner: entry.owner.to_string(),
            request_sha256: hex::encode(entry.fingerprint),
            correlation: entry.correlation.clone().map(String::from),
            asked: AskedView::of(&entry.asked),
            confirmed_by: match entry.confirmed_by {
                ConfirmedBy::Ra => "ra",
                ConfirmedBy::Requester => "requester",
            },
            due: entry.due,
            certificate: answer.map(|answer| CertificateView::of(&answer.leaf)),
            refusal: refusal.map(RefusalView::of),
        }
    }
}

fn parts(phase: &Phase) -> (Option<&Answer>, Option<&Refusal>) {
    match phase {
        Phase::Begun | Phase::Waiting | Phase::Revoked | Phase::NotSent => (None, None),
        Phase::Issued(answer) | Phase::Confirmed(answer) => (Some(answer), None),
        // The message of a client that came with its word stays where it is.
        Phase::Confirming(answer, Verdict::Accept { .. }) => (Some(answer), None),
        Phase::Confirming(answer, Verdict::Reject { why, .. }) => (Some(answer), Some(why)),
        Phase::Abandoned(why) | Phase::Withdrawn(why) | Phase::Refused(why) | Phase::Lost(why) => {
            (None, Some(why))
        }
    }
}

impl AskedView {
    fn of(asked: &Asked) -> Self {
        match asked {
            Asked::Enroll(template) => Self::Enroll {
                subject: template.subject.to_string(),
                subject_alternative_names: template.sans.iter().map(ToString::to_string).collect(),
                key: template.public_key.kind().to_string(),
            },
            Asked::Revoke { of, reason } => Self::Revoke {
                issuer: issuer(of),
                serial: of.serial_text(),
                reason: *reason,
            },
        }
    }
}

impl CertificateView {
    fn of(certificate: &Certificate) -> Self {
        Self {
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_text(),
            not_after: certificate.not_after(),
        }
    }
}

impl RefusalView {
    fn of(refusal: &Refusal) -> Self {
        let (ca_said, fail_info) = match &refusal.ca {
            Some(ca) => (ca.strings.clone(), ca.fail_info.clone()),
            None => (Vec::new(), Vec::new()),
        };
        Self {
            slug: problem::slug(refusal.kind).to_string(),
            detail: refusal.detail.clone(),
            ca_said,
            fail_info,
        }
    }
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            kind: "event",
            number: event.number,
            at: event.at,
            event: event.kind,
            entry: event.entry.map(|id| id.to_string()),
            credential: event.credential,
            label: event.label,
            serial: event.serial,
            correlation: event.correlation,
            detail: event.detail,
        }
    }
}

impl From<&Issuance> for IssuanceView {
    fn from(issuance: &Issuance) -> Self {
        let certificate = &issuance.certificate;
        Self {
            kind: "certificate",
            entry: issuance.entry.to_string(),
            authority: issuance.authority.to_string(),
            owner: issuance.owner.to_string(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_text(),
            not_after: certificate.not_after(),
            certificate: certificate.to_pem(),
        }
    }
}

impl From<Revoked> for RevokedView {
    fn from(revoked: Revoked) -> Self {
        Self {
            kind: "revocation",
            authority: revoked.authority,
            issuer: issuer(&revoked.entry.of),
            serial: revoked.entry.of.serial_text(),
            at: revoked.entry.at,
            reason: revoked.entry.reason,
        }
    }
}

fn issuer(of: &CertificateId) -> String {
    pki::name::from_der(&of.issuer)
        .map_or_else(|_| hex::encode(&of.issuer), |name| name.to_string())
}
