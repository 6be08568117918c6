//! [`GeneralizedTime`] as CMP peers write it, and [`Time`], the choice of certificates and templates.

use der::asn1::UtcTime;
use der::{Choice, DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// GeneralizedTime in UTC with seconds, and with a fraction where the peer wrote one.
///
/// CMP sends `YYYYMMDDHHMMSSZ` (RFC 9810 section 5.1.1); some peers add a fraction of a second. The text is kept, so that
/// the value encodes as it came. New values have whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GeneralizedTime {
    text: String,
    at: Timestamp,
}

/// Longest text accepted: nanoseconds are 25 characters, the rest is generosity.
const LONGEST: usize = 32;

impl GeneralizedTime {
    /// The moment meant; what is finer than a nanosecond is cut off.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.strip_suffix('Z')?.split_at_checked(14)?;
        if !whole.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number = |range: std::ops::Range<usize>| whole.get(range)?.parse::<i16>().ok();
        let small = |range| i8::try_from(number(range)?).ok();
        let nanoseconds = match fraction.strip_prefix('.') {
            Some(digits) => nanoseconds(digits)?,
            None if fraction.is_empty() => 0,
            None => return None,
        };
        let at = DateTime::new(
            number(0..4)?,
            small(4..6)?,
            small(6..8)?,
            small(8..10)?,
            small(10..12)?,
            small(12..14)?,
            nanoseconds,
        )
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()?
        .timestamp();
        Some(Self {
            text: text.to_owned(),
            at,
        })
    }
}

/// The first moment that GeneralizedTime can tell.
const YEAR_ZERO: Timestamp = Timestamp::constant(-62_167_219_200, 0);

fn nanoseconds(digits: &str) -> Option<i32> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

/// The second the moment falls into; what was before the year 0 becomes its beginning.
impl From<Timestamp> for GeneralizedTime {
    fn from(at: Timestamp) -> Self {
        let at = at.max(YEAR_ZERO);
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let text = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}Z",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
        );
        let at = Self::parse(&text).map_or(at, |parsed| parsed.at);
        Self { text, at }
    }
}

impl FixedTag for GeneralizedTime {
    const TAG: Tag = Tag::GeneralizedTime;
}

impl<'a> DecodeValue<'a> for GeneralizedTime {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let octets = reader.read_slice(header.length())?;
        (octets.len() <= LONGEST)
            .then_some(octets)
            .and_then(|octets| Self::parse(std::str::from_utf8(octets).ok()?))
            .ok_or_else(|| reader.error(Self::TAG.value_error()))
    }
}

impl EncodeValue for GeneralizedTime {
    fn value_len(&self) -> der::Result<Length> {
        Length::try_from(self.text.len())
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.text.as_bytes())
    }
}

/// Time: UTCTime or GeneralizedTime, as in a certificate's validity (RFC 5280 section 4.1.2.5); kept as whichever it was.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub enum Time {
    /// Two digits of the year: 1950 to 2049.
    Utc(UtcTime),
    /// Four digits of the year.
    Generalized(GeneralizedTime),
}

impl Time {
    /// The moment meant.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        match self {
            Self::Utc(time) => i64::try_from(time.to_unix_duration().as_secs())
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .unwrap_or(Timestamp::MAX),
            Self::Generalized(time) => time.timestamp(),
        }
    }
}

/// UTCTime through 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5) and for what UTCTime cannot say.
impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        u64::try_from(at.as_second())
            .ok()
            .and_then(|seconds| {
                UtcTime::from_unix_duration(std::time::Duration::from_secs(seconds)).ok()
            })
            .map_or_else(|| Self::Generalized(at.into()), Self::Utc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_changes_its_type_with_the_year_2050() {
        let last: Timestamp = "2049-12-31T23:59:59Z".parse().unwrap();
        let first: Timestamp = "2050-01-01T00:00:00Z".parse().unwrap();
        assert!(matches!(Time::from(last), Time::Utc(_)));
        assert!(matches!(Time::from(first), Time::Generalized(_)));
        assert_eq!(Time::from(last).timestamp(), last);
        assert_eq!(Time::from(first).timestamp(), first);
    }

    #[test]
    fn a_new_time_has_whole_seconds() {
        let at: Timestamp = "2026-11-22T16:30:00.75Z".parse().unwrap();
        let time = GeneralizedTime::from(at);
        assert_eq!(time.text, "20261122163000Z");
        assert_eq!(time.timestamp().to_string(), "2026-11-22T16:30:00Z");
    }

    #[test]
    fn the_ends_of_time_can_be_written() {
        assert_eq!(
            GeneralizedTime::from(Timestamp::MIN).text,
            "00000101000000Z"
        );
        assert_eq!(GeneralizedTime::from(Timestamp::MAX).text.len(), 15);
    }
}
