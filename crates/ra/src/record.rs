//! What the journal remembers beside a change of phase, as pure functions of the entry and its new phase.

use jiff::Timestamp;
use pki::Template;

use crate::{
    Answer, Asked, AuditEvent, AuditKind, Entry, Issuance, Phase, RefusalKind, Revocation, Verdict,
};

/// The certificate that this change brings, to be remembered beyond the entry.
pub(crate) fn issuance(entry: &Entry, phase: &Phase) -> Option<Issuance> {
    let newly_issued = matches!(
        entry.phase,
        Phase::Begun | Phase::Waiting | Phase::Abandoned(_)
    );
    answer_of(phase)
        .filter(|_| newly_issued)
        .map(|answer| Issuance {
            certificate: answer.leaf.clone(),
            authority: entry.authority.clone(),
            owner: entry.owner.clone(),
            entry: entry.id,
            revoked: None,
        })
}

/// The revocation that this change means: one that was ordered, or a certificate given back.
pub(crate) fn revocation(entry: &Entry, phase: &Phase, at: Timestamp) -> Option<Revocation> {
    let (of, reason) = match (phase, &entry.asked, answer_of(&entry.phase)) {
        (Phase::Revoked, Asked::Revoke { of, reason }, _) => (of.clone(), *reason),
        // cessationOfOperation: it was never put to use.
        (Phase::Withdrawn(_), _, Some(answer)) => (answer.leaf.id(), 5),
        _ => return None,
    };
    Some(Revocation {
        authority: entry.authority.clone(),
        of,
        at,
        reason,
    })
}

/// What this change was, for whoever reads the journal later.
pub(crate) fn audit(entry: &Entry, phase: &Phase, at: Timestamp) -> AuditEvent {
    let (kind, detail) = match phase {
        Phase::Begun => (AuditKind::Begun, String::new()),
        Phase::Waiting => (AuditKind::Waiting, String::new()),
        Phase::Abandoned(why) => (AuditKind::Abandoned, why.detail.clone()),
        Phase::Issued(_) => (AuditKind::Issued, String::new()),
        Phase::Confirming(_, Verdict::Accept { .. }) => {
            (AuditKind::Confirming, "accepted".to_owned())
        }
        Phase::Confirming(_, Verdict::Reject { why, .. }) => {
            (AuditKind::Confirming, format!("rejected: {why}"))
        }
        Phase::Confirmed(_) => (AuditKind::Confirmed, String::new()),
        Phase::Withdrawn(why) => (AuditKind::Withdrawn, why.detail.clone()),
        Phase::Revoked => (AuditKind::Revoked, String::new()),
        Phase::Refused(why) => (AuditKind::Refused, why.detail.clone()),
        Phase::NotSent => (AuditKind::NotSent, String::new()),
        Phase::Lost(why) => (AuditKind::Lost, why.detail.clone()),
    };
    AuditEvent {
        refusal: refusal_of(phase),
        ..event(entry, phase, kind, at, detail)
    }
}

/// That the row was written.
pub(crate) fn begun(entry: &Entry) -> AuditEvent {
    let detail = format!("profile {}, CA {}", entry.profile, entry.authority);
    event(
        entry,
        &entry.phase,
        AuditKind::Begun,
        entry.begun_at,
        detail,
    )
}

fn event(
    entry: &Entry,
    phase: &Phase,
    kind: AuditKind,
    at: Timestamp,
    detail: String,
) -> AuditEvent {
    let serial = match (
        answer_of(phase).or_else(|| answer_of(&entry.phase)),
        &entry.asked,
    ) {
        (Some(answer), _) => Some(answer.leaf.serial_text()),
        (None, Asked::Revoke { of, .. }) => Some(of.serial_text()),
        (None, Asked::Enroll(_)) => None,
    };
    AuditEvent {
        at,
        kind,
        entry: Some(entry.id),
        correlation: entry.correlation.clone(),
        credential: entry.owner.clone(),
        label: entry.label.clone(),
        profile: Some(entry.profile.clone()),
        authority: Some(entry.authority.clone()),
        subject: match &entry.asked {
            Asked::Enroll(template) => subject(template),
            Asked::Revoke { .. } => None,
        },
        serial,
        refusal: None,
        detail,
    }
}

/// Names are the requester's: long ones are cut.
const LONGEST_SUBJECT: usize = 256;

/// A subject for the audit; none where only the alternative names count.
pub(crate) fn subject(template: &Template) -> Option<String> {
    let text = pki::name::onap::display(&template.subject);
    match text.char_indices().nth(LONGEST_SUBJECT) {
        _ if text.is_empty() => None,
        Some((end, _)) => Some(text[..end].to_owned()),
        None => Some(text),
    }
}

fn refusal_of(phase: &Phase) -> Option<RefusalKind> {
    match phase {
        Phase::Confirming(_, Verdict::Reject { why, .. })
        | Phase::Withdrawn(why)
        | Phase::Refused(why)
        | Phase::Lost(why) => Some(why.kind),
        _ => None,
    }
}

fn answer_of(phase: &Phase) -> Option<&Answer> {
    match phase {
        Phase::Issued(answer) | Phase::Confirming(answer, _) | Phase::Confirmed(answer) => {
            Some(answer)
        }
        _ => None,
    }
}
