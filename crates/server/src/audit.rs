//! Decisions as log lines: one each, under a target of their own (docs/LOGGING.md).

use ra::AuditEvent;

/// The target of the lines.
pub(crate) const TARGET: &str = "certway::audit";

/// Writes one decision. What there is nothing to say about is left out.
pub(crate) fn log(event: &AuditEvent) {
    tracing::info!(
        target: TARGET,
        event = event.kind.as_str(),
        correlation_id = event.correlation.as_ref().map(ra::Correlation::as_str),
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

#[cfg(test)]
mod tests {
    use ra::AuditKind;

    const DOCUMENT: &str = include_str!("../../../docs/LOGGING.md");

    #[test]
    fn the_document_has_every_event_with_its_sentence_and_no_other() {
        let table = DOCUMENT.split("| Event | Sentence |").nth(1).unwrap();
        let rows: Vec<&str> = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with("| `"))
            .collect();
        assert_eq!(rows.len(), AuditKind::ALL.len());
        for (row, kind) in rows.iter().zip(AuditKind::ALL) {
            let expected = format!("| `{}` | {} |", kind.as_str(), kind.sentence());
            assert!(row.starts_with(&expected), "{row} should begin {expected}");
        }
    }
}
