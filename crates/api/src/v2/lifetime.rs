use std::{borrow::Cow, fmt, str::FromStr};

use jiff::{Span, Timestamp, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// How long a certificate should live: ISO 8601 (`P90D`, `PT2160H`, `P1Y`) or Go's form, as cert-manager writes it (`2160h`, `1h30m`).
///
/// Longer than nothing, and calendar units stay what they are until a start is known: a year from 29 February is a calendar's matter.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime(Span);

impl Lifetime {
    /// This many hours.
    ///
    /// # Errors
    /// [`LifetimeError::NotPositive`] for none, [`LifetimeError::TooLong`] for more than 100 years.
    pub fn hours(hours: u32) -> Result<Self, LifetimeError> {
        Span::new()
            .try_hours(i64::from(hours))
            .map_err(|_| LifetimeError::TooLong)
            .and_then(Self::try_from)
    }

    /// When a certificate that starts then ends, counted on the calendar of UTC.
    ///
    /// # Errors
    /// [`LifetimeError::TooLong`] when that is past the year 9999, beyond which X.509 has no dates (RFC 5280 section 4.1.2.5).
    pub fn after(self, start: Timestamp) -> Result<Timestamp, LifetimeError> {
        let end = start
            .to_zoned(TimeZone::UTC)
            .checked_add(self.0)
            .map_err(|_| LifetimeError::TooLong)?;
        Ok(end.timestamp())
    }
}

impl TryFrom<Span> for Lifetime {
    type Error = LifetimeError;

    fn try_from(span: Span) -> Result<Self, LifetimeError> {
        if span.is_negative() || span.is_zero() {
            return Err(LifetimeError::NotPositive);
        }
        // Judged from a fixed day, so that the same text is never good today and bad tomorrow.
        let years = |n: i16| (jiff::civil::date(2000, 1, 1), Span::new().years(n));
        let (start, longest) = years(LONGEST_YEARS);
        match (start.checked_add(span), start.checked_add(longest)) {
            (Ok(end), Ok(limit)) if end <= limit => Ok(Self(span)),
            _ => Err(LifetimeError::TooLong),
        }
    }
}

/// Far beyond any certificate, and well inside what dates can express from any start.
const LONGEST_YEARS: i16 = 100;

/// The longest text worth reading; `P99Y11M30DT23H59M59S` has 20 characters.
const LONGEST_TEXT: usize = 64;

impl FromStr for Lifetime {
    type Err = LifetimeError;

    fn from_str(text: &str) -> Result<Self, LifetimeError> {
        if text.len() > LONGEST_TEXT {
            return Err(LifetimeError::Unreadable);
        }
        text.parse::<Span>()
            .map_err(|_| LifetimeError::Unreadable)?
            .try_into()
    }
}

/// ISO 8601.
impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As written: 24 hours and a day are two things here.
impl PartialEq for Lifetime {
    fn eq(&self, other: &Self) -> bool {
        self.0.fieldwise() == other.0.fieldwise()
    }
}

impl Eq for Lifetime {}

impl Serialize for Lifetime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|e| D::Error::custom(format!("duration: {e}")))
    }
}

impl PartialSchema for Lifetime {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Duration)))
            .description(Some("ISO 8601 (`P90D`, `PT2160H`) or Go's form (`2160h`, `1h30m`); longer than nothing, at most 100 years."))
            .examples(["P90D", "2160h"])
            .into()
    }
}

impl ToSchema for Lifetime {
    fn name() -> Cow<'static, str> {
        "Lifetime".into()
    }
}

/// Why a text is not a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifetimeError {
    /// Neither of the two forms.
    #[error("not a length of time; write it as `P90D` (ISO 8601) or `2160h`")]
    Unreadable,
    /// Nothing, or backwards.
    #[error("a certificate has to live for longer than nothing")]
    NotPositive,
    /// More than 100 years, or past the year 9999.
    #[error("longer than 100 years or past the year 9999")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> String {
        let start: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        text.parse::<Lifetime>()
            .unwrap()
            .after(start)
            .unwrap()
            .to_string()
    }

    #[test]
    fn iso_8601_and_gos_form_say_the_same() {
        assert_eq!(end("PT2160H"), "2026-05-01T00:00:00Z");
        assert_eq!(end("2160h"), end("P90D"));
        assert_eq!(end("2160h0m0s"), end("P90D"));
        assert_eq!(end("1h30m"), "2026-01-31T01:30:00Z");
        assert_eq!(end("1.5h"), end("1h30m"));
        assert_eq!(end("90m"), end("PT1H30M"));
    }

    #[test]
    fn calendar_units_are_counted_from_the_start() {
        assert_eq!(end("P1M"), "2026-02-28T00:00:00Z");
        assert_eq!(end("P1Y"), "2027-01-31T00:00:00Z");
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in [
            "",
            "90",
            "soon",
            "P",
            "-",
            "2160h and more",
            &"1".repeat(100),
        ] {
            assert_eq!(
                text.parse::<Lifetime>(),
                Err(LifetimeError::Unreadable),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_and_backwards_are_refused() {
        for text in ["0h", "PT0S", "-P1D", "-5h", "1h ago"] {
            assert_eq!(
                text.parse::<Lifetime>(),
                Err(LifetimeError::NotPositive),
                "{text}"
            );
        }
    }

    #[test]
    fn more_than_a_hundred_years_are_refused() {
        assert!("P100Y".parse::<Lifetime>().is_ok());
        for text in ["P101Y", "900000h", "P5000Y"] {
            assert_eq!(
                text.parse::<Lifetime>(),
                Err(LifetimeError::TooLong),
                "{text}"
            );
        }
    }

    #[test]
    fn an_end_past_the_year_9999_is_an_error_and_no_panic() {
        let start: Timestamp = "9990-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(
            "P50Y".parse::<Lifetime>().unwrap().after(start),
            Err(LifetimeError::TooLong)
        );
    }

    #[test]
    fn it_is_written_as_iso_8601() {
        assert_eq!(
            serde_json::to_string(&"1h30m".parse::<Lifetime>().unwrap()).unwrap(),
            r#""PT1H30M""#
        );
    }
}
