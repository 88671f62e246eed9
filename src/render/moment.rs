//! Instants and amounts as templates see them: formatted exactly, in the notice's zone, without a symbol.
//!
//! Knows no notice and no template.

use chrono::{DateTime, Offset, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::engine::money::Money;
use crate::render::shape::variables;

variables! {
    /// An instant on the clocks of the notice's zone. Printed by `date`, `time` and `datetime`.
    pub struct Moment: Moment {
        /// Local date and time, `2026-03-10 15:30`.
        local: String,
        /// What local is, `UTC+8`.
        offset: String,
        /// Calendar days from the decision to it; negative if it lies in the past.
        days: i64,
        /// Hours from the decision to it, rounded; negative if it lies in the past.
        hours: i64,
    }

    /// An amount of money. Printed by `money`.
    pub struct Amount: Amount {
        /// The number, with all decimal places of its currency, `-12.50`.
        number: String,
        /// ISO 4217 code.
        currency: String,
    }

    /// How long the balance lasts at the present rate.
    pub struct Runway: Plain {
        /// In whole days.
        days: i64,
        /// In whole hours.
        hours: i64,
        /// When it is used up, by estimate.
        ends_at: Moment,
    }
}

impl Moment {
    /// `instant` on the clocks of `zone`, as seen from `at`.
    pub fn new(instant: DateTime<Utc>, zone: Tz, at: DateTime<Utc>) -> Self {
        let local = instant.with_timezone(&zone);
        let half_an_hour = TimeDelta::minutes(30);
        Self {
            local: local.format("%Y-%m-%d %H:%M").to_string(),
            offset: offset_name(local.offset().fix().local_minus_utc()),
            days: (local.date_naive() - at.with_timezone(&zone).date_naive()).num_days(),
            hours: (instant - at + half_an_hour).num_hours(),
        }
    }
}

/// `UTC`, `UTC+8`, `UTC-3:30`.
fn offset_name(seconds_east: i32) -> String {
    let sign = if seconds_east < 0 { '-' } else { '+' };
    let minutes = seconds_east.abs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        let rounded = money.rounded();
        Self { number: rounded.amount.to_string(), currency: rounded.currency.as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("instant")
    }

    #[test]
    fn an_instant_shows_local_time_and_the_offset_that_holds_then() {
        let at = instant("2026-03-01T00:00:00Z");
        for (zone, text, local, offset) in [
            (Tz::Asia__Shanghai, "2026-03-10T07:30:59Z", "2026-03-10 15:30", "UTC+8"),
            (Tz::Asia__Kathmandu, "2026-03-10T00:00:00Z", "2026-03-10 05:45", "UTC+5:45"),
            (Tz::America__St_Johns, "2026-01-10T00:00:00Z", "2026-01-09 20:30", "UTC-3:30"),
            (Tz::Europe__Berlin, "2026-03-28T12:00:00Z", "2026-03-28 13:00", "UTC+1"),
            (Tz::Europe__Berlin, "2026-03-29T12:00:00Z", "2026-03-29 14:00", "UTC+2"),
            (Tz::UTC, "2026-03-10T00:00:00Z", "2026-03-10 00:00", "UTC"),
        ] {
            let moment = Moment::new(instant(text), zone, at);
            assert_eq!((moment.local.as_str(), moment.offset.as_str()), (local, offset));
        }
    }

    #[test]
    fn days_are_calendar_days_of_the_zone() {
        let moment = Moment::new(
            instant("2026-03-09T16:30:00Z"),
            Tz::Asia__Shanghai,
            instant("2026-03-09T15:30:00Z"),
        );
        assert_eq!((moment.days, moment.hours), (1, 1));
    }

    #[test]
    fn an_amount_has_the_places_of_its_currency_and_no_symbol() {
        for (amount, currency, number) in
            [("12", "CNY", "12.00"), ("-0.005", "CNY", "-0.01"), ("1500.4", "JPY", "1500")]
        {
            let money = Money {
                amount: amount.parse().expect("decimal"),
                currency: currency.parse().expect("code"),
            };
            assert_eq!(Amount::from(money).number, number);
        }
    }
}
