//! Decisions as log lines: one each, under a target of their own (docs/LOGGING.md).

use ra::AuditEvent;

/// The target of the lines.
pub(crate) const TARGET: &str = "certway::audit";

/// Writes one decision. What there is nothing to say about is left out.
pub(crate) fn log(event: &AuditEvent) {
    tracing::info!(
        target: TARGET,
        event = event.kind.as_str(),
        credential = event.credential.as_str(),
        label = event.label.as_str(),
        profile = event.profile.as_ref().map(ra::ProfileName::as_str),
        authority = event.authority.as_ref().map(ra::AuthorityName::as_str),
        entry = event.entry.map(tracing::field::display),
        serial = event.serial.as_deref(),
        subject = event.subject.as_deref(),
        refusal = event.refusal.map(|kind| crate::problem::slug(kind).as_str()),
        why = Some(event.detail.as_str()).filter(|why| !why.is_empty()),
        "{}",
        event.kind.sentence()
    );
}
