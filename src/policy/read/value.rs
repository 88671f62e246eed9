//! Single values: words, numbers, durations, times of day, zones. Knows no table.

use chrono::{NaiveTime, TimeDelta};
use chrono_tz::Tz;
use toml::de::DeValue;

use super::table::{Table, Value, list, wrong_type};
use crate::engine::policy::{DayTime, Offset};
use crate::policy::error::Mistakes;

/// The longest distance that a policy may name, in days: a hundred years.
const MAX_DAYS: i64 = 36_525;
const SECONDS_A_DAY: i64 = 86_400;

/// Text that is not empty.
pub(super) fn text<'t>(value: Value<'t, '_>, mistakes: &mut Mistakes) -> Option<&'t str> {
    match value.get_ref() {
        DeValue::String(text) if !text.trim().is_empty() => Some(text),
        DeValue::String(_) => {
            mistakes.add(value.span(), "the text is empty");
            None
        }
        _ => wrong_type(value, "text in quotes", mistakes),
    }
}

/// A yes or no.
pub(super) fn flag(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<bool> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(*flag),
        _ => wrong_type(value, "true or false", mistakes),
    }
}

/// A whole number within bounds.
pub(super) fn number(
    value: Value<'_, '_>,
    low: i64,
    high: i64,
    mistakes: &mut Mistakes,
) -> Option<i64> {
    let expected = format!("a whole number from {low} to {high}");
    let DeValue::Integer(digits) = value.get_ref() else {
        return wrong_type(value, expected, mistakes);
    };
    match i64::from_str_radix(digits.as_str(), digits.radix()) {
        Ok(number) if (low..=high).contains(&number) => Some(number),
        _ => {
            mistakes.add(value.span(), format!("`{digits}` is out of range")).expected(expected);
            None
        }
    }
}

/// A whole number that fits where months and versions go.
pub(super) fn count(value: Value<'_, '_>, high: u32, mistakes: &mut Mistakes) -> Option<u32> {
    number(value, 1, i64::from(high), mistakes).and_then(|number| u32::try_from(number).ok())
}

/// One of a few words.
pub(super) fn choice<T: Copy>(
    value: Value<'_, '_>,
    what: &str,
    choices: &[(&str, T)],
    mistakes: &mut Mistakes,
) -> Option<T> {
    let words = || choices.iter().map(|(word, _)| *word);
    let expected = || words().collect::<Vec<_>>().join(", ");
    if !value.get_ref().is_str() {
        return wrong_type(value, format!("one of {}", expected()), mistakes);
    }
    let word = text(value, mistakes)?;
    let found = choices.iter().find(|(known, _)| *known == word).map(|(_, choice)| *choice);
    if found.is_none() {
        mistakes
            .add(value.span(), format!("`{word}` is no {what}"))
            .expected(format!("one of {}", expected()))
            .did_you_mean(word, words());
    }
    found
}

/// How names are spelled.
#[derive(Clone, Copy)]
pub(super) enum Spelling {
    /// `stop_billing`
    Underscores,
    /// `balance-warning`
    Dashes,
    /// `PRE-3`
    Rule,
}

/// A name.
pub(super) fn name<'t>(
    value: Value<'t, '_>,
    what: &str,
    spelling: Spelling,
    mistakes: &mut Mistakes,
) -> Option<&'t str> {
    let word = text(value, mistakes)?;
    let (fits, expected): (fn(char) -> bool, _) = match spelling {
        Spelling::Underscores => {
            (|c| c.is_ascii_lowercase() || c == '_', "lower-case letters and `_`")
        }
        Spelling::Dashes => (
            |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            "lower-case letters, digits and `-`",
        ),
        Spelling::Rule => {
            (|c| c.is_ascii_alphanumeric() || c == '-' || c == '.', "a rule id such as `PRE-3`")
        }
    };
    if word.chars().all(fits) {
        return Some(word);
    }
    mistakes.add(value.span(), format!("`{word}` is no {what}")).expected(expected);
    None
}

/// A list of names; empty if there is none.
pub(super) fn names(
    value: Option<Value<'_, '_>>,
    what: &str,
    spelling: Spelling,
    mistakes: &mut Mistakes,
) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    list(value, "a list of names", mistakes, |item, mistakes| {
        name(item, what, spelling, mistakes).map(str::to_owned)
    })
}

/// A time zone by its IANA name.
pub(super) fn zone(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<Tz> {
    let word = text(value, mistakes)?;
    let zone = word.parse::<Tz>().ok();
    if zone.is_none() {
        mistakes
            .add(value.span(), format!("`{word}` is no time zone"))
            .expected("an IANA name such as `Asia/Shanghai`")
            .did_you_mean(word, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    }
    zone
}

/// A local time of day.
pub(super) fn time_of_day(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<NaiveTime> {
    const EXPECTED: &str = "a local time in quotes, such as \"10:00\"";
    if !value.get_ref().is_str() {
        return wrong_type(value, EXPECTED, mistakes);
    }
    let word = text(value, mistakes)?;
    let time = ["%H:%M", "%H:%M:%S"]
        .iter()
        .filter(|_| word.is_ascii() && (word.len() == 5 || word.len() == 8))
        .find_map(|format| NaiveTime::parse_from_str(word, format).ok())
        // chrono reads 23:59:60 as a leap second; no wall clock in a contract shows one.
        .filter(|_| !word.ends_with(":60"));
    if time.is_none() {
        mistakes.add(value.span(), format!("`{word}` is no time of day")).expected(EXPECTED);
    }
    time
}

/// A distance: calendar days that keep the local time of day, then exact time.
pub(super) fn span(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<Offset> {
    const EXPECTED: &str = "days, hours, minutes, seconds, such as \"7d\", \"-1d\", \"1h30m\"";
    if !value.get_ref().is_str() {
        return wrong_type(value, EXPECTED, mistakes);
    }
    let word = text(value, mistakes)?;
    let span = span_of(word);
    if span.is_none() {
        mistakes.add(value.span(), format!("`{word}` is no duration")).expected(EXPECTED);
    }
    span
}

/// A distance as a policy spells it, `-1d` or `1h30m`: calendar days, then exact time.
pub fn span_of(word: &str) -> Option<Offset> {
    let (days, seconds) = days_and_seconds(word)?;
    Some(Offset::Span { days, time: TimeDelta::seconds(seconds) })
}

/// A length of time above zero, in which a day is 24 hours.
pub(super) fn length(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<TimeDelta> {
    let Offset::Span { days, time } = span(value, mistakes)? else { return None };
    let length = TimeDelta::seconds(i64::from(days) * SECONDS_A_DAY) + time;
    if length > TimeDelta::zero() {
        return Some(length);
    }
    mistakes.add(value.span(), "a length of time must be above zero");
    None
}

fn days_and_seconds(word: &str) -> Option<(i32, i64)> {
    let (sign, mut rest) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word),
    };
    if rest.is_empty() {
        return None;
    }
    let (mut days, mut seconds) = (0, 0);
    let mut units = [('d', 0), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let amount: i64 = rest[..end].parse().ok().filter(|n| *n <= MAX_DAYS * SECONDS_A_DAY)?;
        let unit = rest[end..].chars().next()?;
        // Units come largest first, each at most once.
        match units.find(|(known, _)| *known == unit)? {
            ('d', _) => days = amount,
            (_, each) => seconds += amount * each,
        }
        rest = &rest[end + unit.len_utf8()..];
    }
    let within = days <= MAX_DAYS && seconds <= MAX_DAYS * SECONDS_A_DAY;
    if within { Some((i32::try_from(days * sign).ok()?, seconds * sign)) } else { None }
}

/// `[{ day = -3, time = "08:00" }]`: wall-clock times around a date.
pub(super) fn day_times(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<Vec<DayTime>> {
    list(value, "a list such as [{ day = -3, time = \"08:00\" }]", mistakes, |item, mistakes| {
        let mut table = Table::open("a wall-clock time", item, mistakes)?;
        let day = table.need("day", mistakes).and_then(|v| day(v, mistakes));
        let time = table.need("time", mistakes).and_then(|v| time_of_day(v, mistakes));
        table.close(mistakes);
        Some(DayTime { day: day?, time: time? })
    })
}

/// A day counted from a date.
pub(super) fn day(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<i32> {
    number(value, -MAX_DAYS, MAX_DAYS, mistakes).and_then(|day| i32::try_from(day).ok())
}
