//! What the journal remembers beside a change of phase, as pure functions of the entry and its new phase.

use jiff::Timestamp;

use crate::{Answer, Asked, AuditEvent, AuditKind, Entry, Issuance, Phase, Revocation, Verdict};

/// The certificate that this change brings, to be remembered beyond the entry.
pub(crate) fn issuance(entry: &Entry, phase: &Phase) -> Option<Issuance> {
    let newly_issued = matches!(entry.phase, Phase::Begun | Phase::Waiting);
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
    let serial = match (
        answer_of(phase).or_else(|| answer_of(&entry.phase)),
        &entry.asked,
    ) {
        (Some(answer), _) => Some(hex::encode(answer.leaf.serial())),
        (None, Asked::Revoke { of, .. }) => Some(hex::encode(&of.serial)),
        (None, Asked::Enroll(_)) => None,
    };
    AuditEvent {
        at,
        kind,
        entry: Some(entry.id),
        credential: entry.owner.clone(),
        label: entry.label.clone(),
        serial,
        detail,
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
