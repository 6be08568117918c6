use jiff::Timestamp;
use pki::{Certificate, RequestedValidity};
use ra::{AskError, Refusal, RefusalKind};

use super::settings::LocalSettings;

/// From when until when a certificate is valid: as asked for where that is possible, never before or beyond its issuer,
/// never longer than the settings allow, never in the past; in whole seconds.
pub(super) fn decide(
    asked: RequestedValidity,
    settings: &LocalSettings,
    issuer: &Certificate,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), AskError> {
    if !issuer.is_valid_at(now) {
        let why = format!(
            "the issuing CA's certificate is valid from {} to {} only",
            issuer.not_before(),
            issuer.not_after()
        );
        return Err(AskError::NotSent {
            retry_after: None,
            why,
        });
    }
    let earliest = earliest(settings, issuer, now);
    let not_before = whole_seconds(
        asked
            .not_before
            .map_or(earliest, |asked| asked.max(earliest)),
    );
    let after = |span| not_before.saturating_add(span).unwrap_or(Timestamp::MAX);
    let wanted = asked
        .not_after
        .unwrap_or_else(|| after(settings.default_validity));
    let not_after = whole_seconds(
        wanted
            .min(after(settings.max_validity))
            .min(issuer.not_after()),
    );
    if not_after <= not_before.max(now) {
        let why = format!("a certificate from {not_before} to {not_after} would never be valid");
        return Err(AskError::Refused(Refusal::new(
            RefusalKind::ValidityNotAllowed,
            why,
        )));
    }
    Ok((not_before, not_after))
}

/// When a certificate begins that nobody wants to begin later: dated back, but not to before its issuer.
pub(super) fn earliest(
    settings: &LocalSettings,
    issuer: &Certificate,
    now: Timestamp,
) -> Timestamp {
    now.saturating_sub(settings.backdate)
        .unwrap_or(now)
        .max(issuer.not_before())
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
