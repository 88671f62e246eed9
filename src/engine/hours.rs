//! When people work and when they sleep, by the clocks and calendars of a policy's zone.
//!
//! Says when something may come; decides nothing.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

use super::calendar;
use super::policy::Channel;

/// Which days people work, by the policy's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkingDays {
    /// Days of the week without work.
    pub weekend: Vec<Weekday>,
    /// Dates without work.
    pub holidays: BTreeSet<NaiveDate>,
}

/// A stretch of the day in which nobody is told by some channels; may go across midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietHours {
    /// Local time of their first instant.
    pub from: NaiveTime,
    /// Local time of the first instant after them.
    pub until: NaiveTime,
    /// What waits for their end.
    pub channels: Vec<Channel>,
}

impl WorkingDays {
    /// Whether people work on this date.
    pub fn include(&self, date: NaiveDate) -> bool {
        !self.weekend.contains(&date.weekday()) && !self.holidays.contains(&date)
    }

    /// The first working day from `date` on.
    ///
    /// `None` if there is none: every day of the week is a weekend, or chrono's range ends.
    pub fn first_from(&self, date: NaiveDate) -> Option<NaiveDate> {
        // In the longest run without one, each week but the last has a holiday of its own.
        let days_max = (self.holidays.len() + 1) * 7;
        date.iter_days().take(days_max).find(|day| self.include(*day))
    }
}

impl QuietHours {
    /// When they end, if `now` lies in them by the clocks of `zone`.
    pub fn end_of(&self, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let time = now.with_timezone(&zone).time();
        let (evening, morning) = (self.from <= time, time < self.until);
        let days = if self.from <= self.until {
            (evening && morning).then_some(0)
        } else {
            // Across midnight: in the evening they end tomorrow.
            (evening || morning).then(|| i32::from(evening))
        };
        calendar::day_time(zone, now, days?, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn weekends(holidays: &[&str]) -> WorkingDays {
        let holidays = holidays.iter().map(|text| date(text)).collect();
        WorkingDays { weekend: alloc::vec![Weekday::Sat, Weekday::Sun], holidays }
    }

    #[test]
    fn a_weekend_and_the_holidays_around_it_are_one_break() {
        // 2 October 2026 is a Friday.
        let days = weekends(&["2026-10-02", "2026-10-05", "2026-10-07"]);
        assert_eq!(days.first_from(date("2026-10-01")), Some(date("2026-10-01")));
        assert_eq!(days.first_from(date("2026-10-02")), Some(date("2026-10-06")));
        assert_eq!(days.first_from(date("2026-10-05")), Some(date("2026-10-06")));
        assert_eq!(days.first_from(date("2026-10-07")), Some(date("2026-10-08")));
        assert_eq!(WorkingDays::default().first_from(date("2026-10-03")), Some(date("2026-10-03")));
    }

    #[test]
    fn the_longest_break_is_found_to_its_end_and_a_week_of_weekends_has_none() {
        // Work is on Mondays only, and four of them in a row are holidays.
        let mondays = ["2026-10-05", "2026-10-12", "2026-10-19", "2026-10-26"];
        let mut days = weekends(&mondays);
        days.weekend.extend([Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]);
        assert_eq!(days.first_from(date("2026-09-29")), Some(date("2026-11-02")));
        days.weekend.push(Weekday::Mon);
        assert_eq!(days.first_from(date("2026-09-29")), None);
    }

    fn quiet(from: u32, until: u32) -> QuietHours {
        let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("a time");
        QuietHours { from: time(from), until: time(until), channels: alloc::vec![Channel::Sms] }
    }

    fn end(hours: &QuietHours, zone: Tz, now: &str) -> Option<DateTime<Utc>> {
        hours.end_of(zone, now.parse().expect("an instant"))
    }

    #[test]
    fn quiet_hours_across_midnight_end_in_the_morning_that_follows() {
        let hours = quiet(21, 8);
        let morning: DateTime<Utc> = "2026-03-02T00:00:00Z".parse().expect("an instant");
        for (now, expected) in [
            ("2026-03-01T12:59:59Z", None), // 20:59:59 in Shanghai
            ("2026-03-01T13:00:00Z", Some(morning)),
            ("2026-03-01T15:59:59Z", Some(morning)),
            ("2026-03-01T16:00:00Z", Some(morning)), // 00:00
            ("2026-03-01T23:59:59Z", Some(morning)),
            ("2026-03-02T00:00:00Z", None), // 08:00
        ] {
            assert_eq!(end(&hours, Tz::Asia__Shanghai, now), expected, "{now}");
        }
    }

    #[test]
    fn quiet_hours_within_a_day_end_on_it() {
        let hours = quiet(12, 14);
        let noon: DateTime<Utc> = "2026-03-01T06:00:00Z".parse().expect("an instant");
        assert_eq!(end(&hours, Tz::Asia__Shanghai, "2026-03-01T03:59:59Z"), None);
        assert_eq!(end(&hours, Tz::Asia__Shanghai, "2026-03-01T04:00:00Z"), Some(noon));
        assert_eq!(end(&hours, Tz::Asia__Shanghai, "2026-03-01T06:00:00Z"), None);
    }

    #[test]
    fn quiet_hours_follow_a_change_of_clocks() {
        // In Berlin clocks go from 02:00 to 03:00 on 29 March, and from 03:00 to 02:00 on 25 October.
        let spring: DateTime<Utc> = "2026-03-29T06:00:00Z".parse().expect("an instant");
        assert_eq!(end(&quiet(21, 8), Tz::Europe__Berlin, "2026-03-28T20:00:00Z"), Some(spring));
        let gap: DateTime<Utc> = "2026-03-29T01:00:00Z".parse().expect("an instant");
        assert_eq!(end(&quiet(21, 2), Tz::Europe__Berlin, "2026-03-29T00:59:59Z"), Some(gap));
        // 02:00 comes twice: the later one ends them.
        let autumn: DateTime<Utc> = "2026-10-25T01:00:00Z".parse().expect("an instant");
        assert_eq!(end(&quiet(21, 2), Tz::Europe__Berlin, "2026-10-24T23:30:00Z"), Some(autumn));
    }
}
