//! Between [`jiff::Timestamp`] and the times of X.509 (RFC 5280 section 4.1.2.5).

use core::time::Duration;

use der::DateTime;
use jiff::Timestamp;
use x509_cert::time::Time;

/// The end of X.509 time, 99991231235959Z: "no well-defined expiration" (RFC 5280 section 4.1.2.5), in Unix seconds.
const END_OF_TIME: u64 = 253_402_300_799;

/// An X.509 time as a timestamp. `99991231235959Z`, which [`Timestamp`] cannot hold, becomes [`Timestamp::MAX`].
pub fn to_timestamp(time: Time) -> Timestamp {
    timestamp_of(time.to_unix_duration())
}

/// A point of time, given as the distance from the Unix epoch, as a timestamp; what is too late for [`Timestamp`] becomes its maximum.
pub fn timestamp_of(since_epoch: Duration) -> Timestamp {
    i64::try_from(since_epoch.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// A timestamp as an X.509 time: UTCTime until 2049, GeneralizedTime from 2050, whole seconds (fractions are cut).
/// [`Timestamp::MAX`] becomes `99991231235959Z`.
///
/// # Errors
/// Times before 1970 cannot be encoded.
pub fn from_timestamp(timestamp: Timestamp) -> der::Result<Time> {
    date_time(timestamp).map(Time::from)
}

/// A timestamp as a date and time of DER, for GeneralizedTime fields; same rules as [`from_timestamp`].
///
/// # Errors
/// Times before 1970 cannot be encoded.
pub fn date_time(timestamp: Timestamp) -> der::Result<DateTime> {
    let seconds = if timestamp.as_second() >= Timestamp::MAX.as_second() {
        END_OF_TIME
    } else {
        u64::try_from(timestamp.as_second()).map_err(|_| der::ErrorKind::DateTime)?
    };
    DateTime::from_unix_duration(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn utc_time_until_2049_and_generalized_time_from_2050() {
        let last = from_timestamp(at("2049-12-31T23:59:59Z")).unwrap();
        let first = from_timestamp(at("2050-01-01T00:00:00Z")).unwrap();
        assert!(matches!(last, Time::UtcTime(_)));
        assert!(matches!(first, Time::GeneralTime(_)));
    }

    #[test]
    fn the_end_of_time_survives_the_round_trip() {
        let end = Time::INFINITY;
        assert_eq!(to_timestamp(end), Timestamp::MAX);
        assert_eq!(from_timestamp(Timestamp::MAX).unwrap(), end);
    }

    #[test]
    fn a_time_before_1970_is_refused() {
        assert!(from_timestamp(at("1969-12-31T23:59:59Z")).is_err());
    }

    #[test]
    fn fractions_of_a_second_are_cut() {
        let time = from_timestamp(at("2026-11-22T16:00:00.999Z")).unwrap();
        assert_eq!(to_timestamp(time), at("2026-11-22T16:00:00Z"));
    }
}
