//! When people work and when they sleep: the calendar and the quiet hours.

use std::collections::BTreeSet;

use chrono::{NaiveDate, Weekday};

use super::table::{Table, Value, list, wrong_type};
use super::{notices, value};
use crate::engine::hours::{QuietHours, WorkingDays};
use crate::policy::error::Mistakes;

/// The most holidays that a policy may list: a century of them.
const HOLIDAYS_MAX: usize = 4096;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

/// `[calendar]`.
pub(super) fn calendar(file: &mut Table<'_, '_>, mistakes: &mut Mistakes) -> Option<WorkingDays> {
    let mut table = Table::open("[calendar]", file.get("calendar")?, mistakes)?;
    let weekend = table.get("weekend").map(|v| {
        let days = list(v, "a list of days", mistakes, |item, mistakes| {
            value::choice(item, "day of the week", &WEEKDAYS, mistakes)
        })?;
        if WEEKDAYS.iter().all(|(_, day)| days.contains(day)) {
            mistakes
                .add(v.span(), "no day is a working day: what waits for one never comes")
                .expected("at most six days");
            return None;
        }
        Some(days)
    });
    let holidays = table.get("holidays").map(|v| {
        let dates = list(v, "a list of dates", mistakes, date)?;
        if dates.len() > HOLIDAYS_MAX {
            mistakes
                .add(v.span(), format!("{} holidays", dates.len()))
                .expected(format!("at most {HOLIDAYS_MAX}"));
            return None;
        }
        Some(dates.into_iter().collect())
    });
    if weekend.is_none() && holidays.is_none() {
        mistakes
            .add(table.span(), "a calendar in which every day is a working day")
            .expected("`weekend`, `holidays` or both");
    }
    table.close(mistakes);
    Some(WorkingDays {
        weekend: weekend.unwrap_or(Some(Vec::new()))?,
        holidays: holidays.unwrap_or(Some(BTreeSet::new()))?,
    })
}

fn date(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<NaiveDate> {
    const EXPECTED: &str = "a date in quotes, such as \"2026-10-01\"";
    if !value.get_ref().is_str() {
        return wrong_type(value, EXPECTED, mistakes);
    }
    let word = value::text(value, mistakes)?;
    let date = NaiveDate::parse_from_str(word, "%Y-%m-%d").ok().filter(|_| word.len() == 10);
    if date.is_none() {
        mistakes.add(value.span(), format!("`{word}` is no date")).expected(EXPECTED);
    }
    date
}

/// `[quiet_hours]`.
pub(super) fn quiet_hours(file: &mut Table<'_, '_>, mistakes: &mut Mistakes) -> Option<QuietHours> {
    let mut table = Table::open("[quiet_hours]", file.get("quiet_hours")?, mistakes)?;
    let mut time = |key| table.need(key, mistakes).and_then(|v| value::time_of_day(v, mistakes));
    let (from, until) = (time("from"), time("until"));
    if from.is_some() && from == until {
        mistakes
            .add(table.span(), "quiet hours that begin when they end")
            .expected("two times of day");
    }
    let channels = table.need("channels", mistakes).and_then(|v| notices::channels(v, mistakes));
    table.close(mistakes);
    Some(QuietHours { from: from?, until: until?, channels: channels? })
}
