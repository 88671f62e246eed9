//! Instants on the wire: RFC 3339, in years that make sense, kept to the microsecond in UTC as the store keeps them.

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};

use super::Scalar;
use crate::event::refusal::RefusalCode;

/// Longest text that is looked at.
const BYTES_MAX: usize = 64;
/// Billing does not reach further: 9999 and the like stand for "never", which nothing here may be.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// An instant (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::event) struct Instant(pub(in crate::event) DateTime<Utc>);

/// Reads an RFC 3339 instant.
pub(in crate::event) fn parse_instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    if text.len() > BYTES_MAX {
        return Err("it is too long");
    }
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| "it is not RFC 3339")?;
    to_micros(instant.timestamp_micros())
}

/// The instant this many microseconds after 1970, if it lies in years that make sense.
pub(in crate::event) fn to_micros(micros: i64) -> Result<DateTime<Utc>, &'static str> {
    DateTime::from_timestamp_micros(micros)
        .filter(|instant| YEARS.contains(&instant.year()))
        .ok_or("it does not lie in the years 2000 to 2199")
}

impl Scalar for Instant {
    const CODE: RefusalCode = RefusalCode::Instant;
    const EXPECTED: &'static str = "an RFC 3339 instant of the years 2000 to 2199";

    fn parse(text: &str) -> Result<Self, &'static str> {
        parse_instant(text).map(Self)
    }

    fn schema() -> Value {
        json!({
            "type": "string",
            "format": "date-time",
            "pattern": concat!(
                "^2[01][0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9]",
                r"(\.[0-9]+)?([Zz]|[+-][0-2][0-9]:[0-5][0-9])$"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_becomes_utc_to_the_microsecond() {
        for (text, utc) in [
            ("2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z"),
            ("2026-03-01T02:00:00+08:00", "2026-02-28T18:00:00Z"),
            ("2026-03-01T02:00:00.123456789Z", "2026-03-01T02:00:00.123456Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ] {
            let expected: DateTime<Utc> = utc.parse().expect("instant");
            assert_eq!(parse_instant(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_instant_of_our_time_is_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T02:00:00",
            "9999-12-31T23:59:59Z",
            "1999-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "1767225600",
            "+12026-03-01T02:00:00Z",
        ] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
        assert!(parse_instant(&format!("2026-03-01T02:00:00.{}Z", "1".repeat(99))).is_err());
    }
}
