//! Spans of time as configuration writes them.

use std::time::Duration;

/// What [`parse`] takes, for messages.
pub(crate) const VALID: &str = "a whole number and a unit: `500ms`, `30s`, `5m`, `12h`, `90d`";

/// A span like `500ms`, `30s`, `5m`, `12h` or `90d`; a day is 24 hours.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    // A thousand years and more is a typing error, and would overflow sums with timestamps.
    number
        .checked_mul(millis)
        .filter(|total| *total < 1_000 * 366 * 86_400_000)
        .map(Duration::from_millis)
}

/// The span as [`parse`] takes it, in the largest unit that is exact.
pub(crate) fn show(span: Duration) -> String {
    let millis = span.as_millis();
    for (unit, length) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ] {
        if millis > 0 && millis.is_multiple_of(length) {
            return format!("{}{unit}", millis / length);
        }
    }
    format!("{millis}ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read_and_shown_again() {
        for text in ["500ms", "30s", "5m", "12h", "90d"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn a_number_without_unit_or_with_another_one_is_refused() {
        for text in [
            "",
            "30",
            "s",
            "1.5h",
            "-1s",
            "1w",
            "9999999999999999999s",
            "400000d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
