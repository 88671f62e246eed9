//! What deals with money and wishes: the balance check, charges, renewal, termination.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::table::{Table, Value, list, wrong_type};
use super::value::{self, Spelling};
use super::{Known, moves, notices, returns};
use crate::engine::policy::{
    BalanceCheck, ChargeWindow, Charges, Clock, DayTime, PhaseClass, Renewal, TermEnd, Termination,
};
use crate::policy::error::{Mistakes, Span};

/// The longest term, in months: a hundred years.
const MAX_MONTHS: u32 = 1200;

/// `[balance_check]`.
pub(super) fn balance_check(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<BalanceCheck> {
    let mut table = Table::open("[balance_check]", file.get("balance_check")?, mistakes)?;
    known.only_under(Clock::Arrears, "[balance_check]", table.span(), mistakes);
    let at = table.need("at", mistakes).and_then(|v| value::time_of_day(v, mistakes));
    let mut length = |key| table.need(key, mistakes).and_then(|v| value::length(v, mistakes));
    let (under, over, at_least) = (length("under"), length("over"), length("at_least"));
    let notice = table
        .need("notice", mistakes)
        .and_then(|v| known.notice(v, notices::Trigger::BalanceCheck, mistakes));
    if let (Some(over), Some(at_least)) = (over, at_least)
        && at_least > over
    {
        mistakes.add(table.span(), "`at_least` is longer than `over`");
    }
    table.close(mistakes);
    let (under, over, at_least) = (under?, over?, at_least?);
    Some(BalanceCheck { at: at?, under, over, at_least, notice: notice? })
}

/// `[charges]`.
pub(super) fn charges(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Charges> {
    let renewed = file.get("renewal").is_some();
    let mut table = Table::open("[charges]", file.get("charges")?, mistakes)?;
    known.only_under(Clock::Expiry, "[charges]", table.span(), mistakes);
    if !renewed {
        mistakes
            .add(table.span(), "[charges] collect renewals, but nothing says how long a term is")
            .expected("a [renewal]");
    }
    let attempts = table.need("attempts", mistakes).and_then(|v| {
        let attempts = value::day_times(v, mistakes)?;
        let increasing = attempts
            .windows(2)
            .all(|pair| (pair[0].day, pair[0].time) < (pair[1].day, pair[1].time));
        if attempts.is_empty() || !increasing {
            mistakes
                .add(v.span(), "attempts out of order")
                .expected("at least one, each later than the one before");
        }
        Some(attempts)
    });
    let before_expiry = table.get("before_expiry").map(|v| value::length(v, mistakes));
    let window = table.need("window", mistakes).and_then(|v| {
        let window = window(v, mistakes)?;
        let outside = |attempt: &&DayTime| match window {
            ChargeWindow::SameDay(until) => until <= attempt.time,
            ChargeWindow::Expiry => attempt.day > 0,
        };
        if let Some(DayTime { day, time }) = attempts.iter().flatten().find(outside) {
            let attempt = format!("day {day} at {}", time.format("%H:%M"));
            mistakes.add(v.span(), format!("the window closes before the attempt of {attempt}"));
        }
        Some(window)
    });
    let spread = table.get("spread").map(|v| {
        let spread = value::length(v, mistakes)?;
        let room = |attempt: &DayTime| match window? {
            ChargeWindow::SameDay(until) => Some(until - attempt.time),
            ChargeWindow::Expiry => None,
        };
        if attempts.iter().flatten().filter_map(room).any(|room| spread > room) {
            mistakes.add(v.span(), "spread over more than the window of an attempt");
        }
        Some(spread)
    });
    let covered_only = table.get("covered_only").map(|v| value::flag(v, mistakes));
    let phases = table.need("phases", mistakes).and_then(|v| {
        list(v, "a list of phases", mistakes, |item, mistakes| known.phase(item, mistakes))
    });
    let tenders = value::names(table.get("tenders"), "tender", Spelling::Underscores, mistakes);
    let rules = value::names(table.get("rules"), "rule id", Spelling::Rule, mistakes);
    table.close(mistakes);
    Some(Charges {
        attempts: attempts?,
        before_expiry: before_expiry.map_or(Some(None), |length| length.map(Some))?,
        window: window?,
        spread: spread.map_or(Some(None), |spread| spread.map(Some))?,
        covered_only: covered_only.unwrap_or(Some(false))?,
        phases: phases?,
        tenders: tenders?,
        rules: rules?,
    })
}

/// `"expiry"` or `{ until = "18:00" }`.
fn window(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<ChargeWindow> {
    match value.get_ref() {
        DeValue::Table(_) => {
            let mut table = Table::open("window", value, mistakes)?;
            let until = table.need("until", mistakes).and_then(|v| value::time_of_day(v, mistakes));
            table.close(mistakes);
            until.map(ChargeWindow::SameDay)
        }
        DeValue::String(word) if word == "expiry" => Some(ChargeWindow::Expiry),
        DeValue::String(word) => {
            mistakes
                .add(value.span(), format!("`{word}` is no window"))
                .expected("\"expiry\" or { until = \"18:00\" }");
            None
        }
        _ => wrong_type(value, "\"expiry\" or { until = \"18:00\" }", mistakes),
    }
}

/// `[renewal]`.
pub(super) fn renewal(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<Renewal> {
    let mut table = Table::open("[renewal]", file.get("renewal")?, mistakes)?;
    known.only_under(Clock::Expiry, "[renewal]", table.span(), mistakes);
    let months = table.need("months", mistakes).and_then(|v| {
        let ranges = list(v, "a list such as [\"1-9\", 12]", mistakes, month_range)?;
        if ranges.is_empty() {
            mistakes.add(v.span(), "no length to choose").expected("at least one");
        }
        Some(ranges)
    });
    let auto_months = table.get("auto_months").map(|v| {
        list(v, "a list of months", mistakes, |v, mistakes| value::count(v, MAX_MONTHS, mistakes))
    });
    let by_term = table.get("auto_months_by_term").map(|v| months_by_term(v, mistakes));
    let in_phases = table.get("from_request_in").map(|v| {
        list(v, "a list of phases", mistakes, |item, mistakes| known.phase(item, mistakes))
    });
    let after_causes = table.get("from_request_after").map(|v| {
        list(v, "a list of causes", mistakes, |item, mistakes| {
            value::choice(item, "cause", &moves::CAUSES, mistakes)
        })
    });
    let first_term_end = table.need("first_term_end", mistakes).and_then(|v| {
        let ends = [("same_time", TermEnd::SameTime), ("midnight_after", TermEnd::MidnightAfter)];
        value::choice(v, "end of a term", &ends, mistakes)
    });
    let downgrade = table.get("downgrade").map(|v| returns::downgrade(v, mistakes));
    table.close(mistakes);
    Some(Renewal {
        months: months?,
        auto_months: auto_months.unwrap_or(Some(Vec::new()))?,
        auto_months_by_term: by_term.map_or(Some(None), |by_term| by_term.map(Some))?,
        from_request_in: in_phases.unwrap_or(Some(Vec::new()))?,
        from_request_after: after_causes.unwrap_or(Some(Vec::new()))?,
        first_term_end: first_term_end?,
        downgrade: downgrade.map_or(Some(None), |downgrade| downgrade.map(Some))?,
    })
}

/// `12` or `"1-9"`.
fn month_range(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<(u32, u32)> {
    let DeValue::String(text) = value.get_ref() else {
        let months = value::count(value, MAX_MONTHS, mistakes)?;
        return Some((months, months));
    };
    let ends = text.split_once('-').and_then(|(low, high)| {
        Some((low.trim().parse::<u32>().ok()?, high.trim().parse::<u32>().ok()?))
    });
    let range = ends.filter(|(low, high)| 1 <= *low && low <= high && *high <= MAX_MONTHS);
    if range.is_none() {
        mistakes
            .add(value.span(), format!("`{text}` is no range of months"))
            .expected("a number of months, or a range such as \"1-9\"");
    }
    range
}

/// `{ 12 = 12 }`: bought for twelve months, renewed by twelve.
fn months_by_term(value: Value<'_, '_>, mistakes: &mut Mistakes) -> Option<BTreeMap<u32, u32>> {
    let DeValue::Table(entries) = value.get_ref() else {
        return wrong_type(value, "a table such as { 12 = 12 }", mistakes);
    };
    let mut by_term = BTreeMap::new();
    let before = mistakes.count();
    for (term, months) in entries {
        let bought = term.get_ref().parse().ok().filter(|n| (1..=MAX_MONTHS).contains(n));
        if bought.is_none() {
            mistakes
                .add(term.span(), format!("`{}` is no number of months", term.get_ref()))
                .expected(format!("a whole number from 1 to {MAX_MONTHS}"));
        }
        let months = value::count(months, MAX_MONTHS, mistakes);
        if let (Some(bought), Some(months)) = (bought, months) {
            by_term.insert(bought, months);
        }
    }
    if mistakes.count() == before { Some(by_term) } else { None }
}

/// `[termination]`, with where `bin` and `bin_for` stand.
pub(super) fn termination(
    file: &mut Table<'_, '_>,
    known: &Known,
    mistakes: &mut Mistakes,
) -> Option<(Termination, (Span, Span))> {
    let mut table = Table::open("[termination]", file.get("termination")?, mistakes)?;
    let mut phase = |key, class, name, mistakes: &mut Mistakes| {
        let value = table.need(key, mistakes)?;
        let phase = known.phase(value, mistakes)?;
        if known.class(&phase).is_some_and(|known| known != class) {
            mistakes
                .add(value.span(), format!("`{phase}` cannot be the {key} of a termination"))
                .expected(format!("a phase of class {name}"));
        }
        Some((phase, value.span()))
    };
    let bin = phase("bin", PhaseClass::Retained, "retained", mistakes);
    let restore_to = phase("restore_to", PhaseClass::Working, "working", mistakes);
    let bin_for =
        table.need("bin_for", mistakes).and_then(|v| Some((value::length(v, mistakes)?, v.span())));
    let mut outcome = |key: &'static str, mistakes: &mut Mistakes| {
        let mut table = Table::open(key, table.need(key, mistakes)?, mistakes)?;
        let outcome = moves::outcome(&mut table, mistakes);
        table.close(mistakes);
        outcome
    };
    let (to_bin, to_gone) = (outcome("to_bin", mistakes), outcome("to_gone", mistakes));
    table.close(mistakes);
    let ((bin, bin_place), (bin_for, for_place)) = (bin?, bin_for?);
    let termination =
        Termination { bin, bin_for, to_bin: to_bin?, to_gone: to_gone?, restore_to: restore_to?.0 };
    Some((termination, (bin_place, for_place)))
}
