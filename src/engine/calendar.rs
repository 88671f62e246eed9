//! Calendar arithmetic in a policy's zone: days that keep their local time, wall-clock deadlines, clamped months.
//!
//! Knows no policy and reads no clock. A local time that does not exist or exists twice is the later instant, so that
//! nothing that takes something away comes early (spec §1).

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    TimeZone, Utc,
};
use chrono_tz::Tz;

/// The instant at which clocks in `zone` show `local`; the later one where there are two; the end of the gap where there is none.
///
/// `None` outside of chrono's range.
pub fn at_local(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(_, instant) => Some(instant.to_utc()),
        LocalResult::None => end_of_gap(zone, local),
    }
}

/// The first instant after a gap: the clocks before it say how long it is.
fn end_of_gap(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let before = local.checked_sub_signed(TimeDelta::try_days(1)?)?;
    let offset_before = match zone.from_local_datetime(&before) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => {
            instant.to_utc().naive_utc() - before
        }
        LocalResult::None => return None,
    };
    let mut low = before.checked_add_signed(offset_before)?;
    let mut high = local.checked_add_signed(offset_before)?;
    // Both are UTC: at `low` clocks show less than `local`, at `high` more. Zones change at whole seconds.
    while high - low > TimeDelta::try_seconds(1)? {
        let middle = low + (high - low) / 2;
        let middle =
            middle - TimeDelta::nanoseconds(i64::from(middle.and_utc().timestamp_subsec_nanos()));
        if middle <= low {
            break;
        }
        if zone.from_utc_datetime(&middle).naive_local() < local {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high.and_utc())
}

/// The date that calendars in `zone` show at `instant`.
pub fn local_date(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// `instant` moved by whole calendar days, keeping the local time of day.
pub fn add_days(zone: Tz, instant: DateTime<Utc>, days: i32) -> Option<DateTime<Utc>> {
    if days == 0 {
        return Some(instant);
    }
    let local = instant.with_timezone(&zone).naive_local();
    at_local(zone, shift_date(local.date(), days)?.and_time(local.time()))
}

/// `time` on the local date of `instant`, moved by `days`.
pub fn day_time(
    zone: Tz,
    instant: DateTime<Utc>,
    days: i32,
    time: NaiveTime,
) -> Option<DateTime<Utc>> {
    at_local(zone, shift_date(local_date(zone, instant), days)?.and_time(time))
}

/// `instant` moved by calendar months, clamped to the end of a shorter month.
///
/// `day` is the remembered day of the month: 31 Jan, 28 Feb, 31 Mar.
pub fn add_months(
    zone: Tz,
    instant: DateTime<Utc>,
    months: u32,
    day: u32,
) -> Option<DateTime<Utc>> {
    let local = instant.with_timezone(&zone).naive_local();
    at_local(zone, month_day(local.date(), months, day)?.and_time(local.time()))
}

/// 00:00 after the day that lies `months` after the local date of `start` (REN-9).
pub fn midnight_after_months(zone: Tz, start: DateTime<Utc>, months: u32) -> Option<DateTime<Utc>> {
    let date = local_date(zone, start);
    let last = month_day(date, months, date.day())?;
    at_local(zone, last.succ_opt()?.and_time(NaiveTime::MIN))
}

/// The first `day` of a month, at 00:00, that is no earlier than one calendar month after `instant` (SYNC-1).
pub fn first_day_after_a_month(
    zone: Tz,
    instant: DateTime<Utc>,
    day: u32,
) -> Option<DateTime<Utc>> {
    let floor = add_months(zone, instant, 1, local_date(zone, instant).day())?;
    let first = local_date(zone, floor).with_day(1)?;
    for months in 0..=1 {
        let candidate = first.checked_add_months(Months::new(months))?.with_day(day)?;
        let candidate = at_local(zone, candidate.and_time(NaiveTime::MIN))?;
        if candidate >= floor {
            return Some(candidate);
        }
    }
    None
}

/// The first instant at or after `from` at which clocks in `zone` show `time`.
pub fn next_time_of_day(zone: Tz, from: DateTime<Utc>, time: NaiveTime) -> Option<DateTime<Utc>> {
    [0, 1, 2]
        .into_iter()
        .filter_map(|days| day_time(zone, from, days, time))
        .find(|instant| *instant >= from)
}

fn month_day(date: NaiveDate, months: u32, day: u32) -> Option<NaiveDate> {
    let moved = date.with_day(1)?.checked_add_months(Months::new(months))?;
    (1..=day).rev().find_map(|day| moved.with_day(day))
}

fn shift_date(date: NaiveDate, days: i32) -> Option<NaiveDate> {
    let distance = Days::new(u64::from(days.unsigned_abs()));
    if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn days_keep_the_local_time_of_day_across_a_change_of_clocks() {
        let before = utc("2026-03-28T11:00:00Z"); // 12:00 in Berlin, the day before summer time
        assert_eq!(add_days(Tz::Europe__Berlin, before, 1), Some(utc("2026-03-29T10:00:00Z")));
        assert_eq!(add_days(Tz::Asia__Shanghai, before, -7), Some(utc("2026-03-21T11:00:00Z")));
    }

    #[test]
    fn a_local_time_that_does_not_exist_is_the_end_of_the_gap() {
        let gap = utc("2026-03-28T01:30:00Z"); // 02:30 in Berlin; on the 29th clocks go from 02:00 to 03:00
        assert_eq!(add_days(Tz::Europe__Berlin, gap, 1), Some(utc("2026-03-29T01:00:00Z")));
        let skipped_day = NaiveDate::from_ymd_opt(2011, 12, 30)
            .expect("date")
            .and_hms_opt(12, 0, 0)
            .expect("time");
        assert_eq!(at_local(Tz::Pacific__Apia, skipped_day), Some(utc("2011-12-30T10:00:00Z")));
    }

    #[test]
    fn a_local_time_that_exists_twice_is_the_later_one() {
        let day_before = utc("2026-10-24T00:30:00Z"); // 02:30 in Berlin; on the 25th it comes twice
        assert_eq!(add_days(Tz::Europe__Berlin, day_before, 1), Some(utc("2026-10-25T01:30:00Z")));
    }

    #[test]
    fn months_are_clamped_and_remember_their_day() {
        let january = utc("2026-01-30T16:00:00Z"); // 31 January 00:00 in Shanghai
        let february = add_months(Tz::Asia__Shanghai, january, 1, 31).expect("in range");
        assert_eq!(february, utc("2026-02-27T16:00:00Z"));
        assert_eq!(
            add_months(Tz::Asia__Shanghai, february, 1, 31),
            Some(utc("2026-03-30T16:00:00Z"))
        );
    }

    #[test]
    fn a_term_that_starts_during_a_day_ends_at_the_midnight_after() {
        let bought = utc("2017-11-08T02:00:00Z");
        assert_eq!(
            midnight_after_months(Tz::Asia__Shanghai, bought, 1),
            Some(utc("2017-12-08T16:00:00Z"))
        );
    }

    #[test]
    fn synchronised_days_are_at_least_a_month_away() {
        for (expiry, day, expected) in [
            ("2018-09-09T16:00:00Z", 1, "2018-10-31T16:00:00Z"),
            ("2018-05-16T16:00:00Z", 1, "2018-06-30T16:00:00Z"),
            ("2018-10-07T16:00:00Z", 12, "2018-11-11T16:00:00Z"),
            ("2018-10-17T16:00:00Z", 12, "2018-12-11T16:00:00Z"),
            ("2017-01-01T16:00:00Z", 1, "2017-02-28T16:00:00Z"),
            ("2018-11-30T16:00:00Z", 1, "2018-12-31T16:00:00Z"),
        ] {
            let moved = first_day_after_a_month(Tz::Asia__Shanghai, utc(expiry), day);
            assert_eq!(
                moved.expect("in range").to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                expected.to_string()
            );
        }
    }

    #[test]
    fn the_next_time_of_day_may_be_this_very_instant() {
        let ten = NaiveTime::from_hms_opt(10, 0, 0).expect("time");
        assert_eq!(
            next_time_of_day(Tz::Asia__Shanghai, utc("2026-03-02T02:00:00Z"), ten),
            Some(utc("2026-03-02T02:00:00Z"))
        );
        assert_eq!(
            next_time_of_day(Tz::Asia__Shanghai, utc("2026-03-02T02:00:01Z"), ten),
            Some(utc("2026-03-03T02:00:00Z"))
        );
    }
}
