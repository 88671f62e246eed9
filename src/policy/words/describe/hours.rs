//! When nothing is taken away and when nobody is woken, in words.

use chrono::{Datelike, NaiveDate};

use super::Line;
use crate::engine::hours::{QuietHours, WorkingDays};
use crate::policy::words::{channels, list, stretch, weekday};

/// How many dates stand on one line.
const DATES_A_LINE: usize = 10;

pub(super) fn working_days(days: &WorkingDays) -> Vec<Line> {
    let WorkingDays { weekend, holidays } = days;
    let mut lines = Vec::new();
    if !weekend.is_empty() {
        lines.push(Line::new("every week", list(weekend.iter().map(|day| weekday(*day)))));
    }
    let all: Vec<NaiveDate> = holidays.iter().copied().collect();
    for of_year in all.chunk_by(|one, next| one.year() == next.year()) {
        let mut dates = of_year.chunks(DATES_A_LINE).map(|dates| {
            let dates: Vec<String> = dates.iter().map(ToString::to_string).collect();
            dates.join(", ")
        });
        let mut line = Line::new("holidays", dates.next().unwrap_or_default());
        line.notes = dates.collect();
        lines.push(line);
    }
    lines
}

pub(super) fn quiet(hours: &QuietHours) -> Line {
    let mut line = Line::new("every day", stretch(hours));
    line.notes.push(format!(
        "what goes out by {} waits for their end, as it was decided",
        channels(&hours.channels)
    ));
    line
}
