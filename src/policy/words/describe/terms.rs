//! What deals with money and wishes, in words: the look at the balance, charges, renewal, termination, returns.

use std::collections::BTreeMap;

use super::{Line, source, told_provisioning};
use crate::engine::policy::{
    AllowedChange, BalanceCheck, ChargeWindow, Charges, DowngradeRule, Exclusion, ExpirySync,
    Renewal, Returns, TermEnd, Termination,
};
use crate::policy::words::{
    cause, choice, counted, day_time, exclusions, length, list, time_of_day,
};

pub(super) fn checked(check: &BalanceCheck) -> Vec<Line> {
    let BalanceCheck { at, under, over, at_least, notice } = check;
    let mut line = Line::new("daily", format!("at {}", time_of_day(*at)));
    line.notes.push(format!("sends `{notice}` if the balance lasts less than {}", length(*under)));
    line.notes.push(format!(
        "at the rate of the last {}, with a shorter history over at least {}",
        length(*over),
        length(*at_least)
    ));
    vec![line]
}

pub(super) fn charged(charges: &Charges) -> Vec<Line> {
    let Charges { attempts, before_expiry, window, spread, covered_only, phases, tenders, rules } =
        charges;
    let of = attempts.len();
    let mut lines: Vec<Line> = attempts
        .iter()
        .enumerate()
        .map(|(index, one)| {
            Line::new(format!("{} of {of}", index + 1), day_time(one.day, one.time, "expiry"))
        })
        .collect();
    let mut all = Line::new("all", "with auto-renewal on");
    all.notes.push(match window {
        ChargeWindow::SameDay(until) => {
            format!("may be answered until {} on that day", time_of_day(*until))
        }
        ChargeWindow::Expiry => "may be answered until expiry".to_owned(),
    });
    all.notes.extend(
        before_expiry.map(|before| format!("never later than {} before expiry", length(before))),
    );
    all.notes.extend(
        spread.map(|spread| format!("requests of one attempt are spread over {}", length(spread))),
    );
    if *covered_only {
        all.notes.push("only where the balance covers the price".to_owned());
    }
    let phases = choice(phases.iter().map(|name| name.as_str()));
    all.notes.push(format!("only in {phases}"));
    if !tenders.is_empty() {
        all.notes.push(format!("collected from, in this order: {}", tenders.join(", ")));
    }
    all.notes.extend(source(rules));
    lines.push(all);
    lines
}

pub(super) fn renewed(renewal: &Renewal) -> Vec<Line> {
    let Renewal {
        months,
        auto_months,
        auto_months_by_term,
        from_request_in,
        from_request_after,
        first_term_end,
        downgrade,
    } = renewal;
    let mut lines = vec![Line::new("by the customer", format!("for {} months", ranges(months)))];
    let auto = match (auto_months.as_slice(), auto_months_by_term) {
        ([], None) => "for the same lengths; without a choice for the length bought".to_owned(),
        (lengths, by_term) => auto_lengths(lengths, by_term.as_ref()),
    };
    lines.push(Line::new("by itself", auto));
    let mut start = Line::new("the new term", "starts at the end of the old one");
    if !from_request_in.is_empty() {
        let phases = choice(from_request_in.iter().map(|name| name.as_str()));
        start.notes.push(format!("in {phases} it starts at the renewal"));
    }
    if !from_request_after.is_empty() {
        let causes = choice(from_request_after.iter().map(|one| cause(*one)));
        start.notes.push(format!("where {causes} it starts at the renewal"));
    }
    start.notes.push(match first_term_end {
        TermEnd::SameTime => {
            "a term that starts at another instant ends at the same local time of day".to_owned()
        }
        TermEnd::MidnightAfter => {
            "a term that starts at another instant ends at the 00:00 after its last day".to_owned()
        }
    });
    lines.push(start);
    lines.extend(downgrade.as_ref().map(smaller));
    lines
}

fn smaller(rule: &DowngradeRule) -> Line {
    let DowngradeRule { days_before, until_expiry, after_expiry, changes } = rule;
    let days = counted(i64::from(*days_before), "day");
    let mut line =
        Line::new("with a downgrade", format!("from {days} before expiry until the release"));
    let fields = |fields: &[String]| match fields {
        [] => "nothing".to_owned(),
        fields => fields.join(", "),
    };
    line.notes.push(format!("up to expiry may change: {}", fields(until_expiry)));
    line.notes.push(format!(
        "after expiry may change, and the new term starts at the renewal: {}",
        fields(after_expiry)
    ));
    line.notes.extend(
        changes.iter().map(|(field, change)| format!("{field} only {}", allowed_change(change))),
    );
    line
}

/// `from bandwidth to traffic`.
pub(in crate::policy) fn allowed_change(change: &AllowedChange) -> String {
    let AllowedChange { from, to } = change;
    let any = |values: &[String]| match values {
        [] => "anything".to_owned(),
        values => choice(values),
    };
    format!("from {} to {}", any(from), any(to))
}

pub(super) fn synchronised(sync: &ExpirySync) -> Vec<Line> {
    let days = sync_days(sync);
    let what = format!("several resources at once, to one day of the month: {days}");
    let mut line = Line::new("by the customer", what);
    line.notes.push(
        "each expiry goes to the first such day, 00:00, at least one calendar month after it"
            .to_owned(),
    );
    line.notes.push("one resource that cannot stops them all".to_owned());
    vec![line]
}

/// `1 to 28`.
pub(in crate::policy) fn sync_days(sync: &ExpirySync) -> String {
    let ExpirySync { first_day, last_day } = sync;
    ranges(&[(*first_day, *last_day)])
}

pub(super) fn returned(returns: &Returns) -> Vec<Line> {
    let Returns {
        bin,
        within_days,
        unconditional,
        ordinary,
        voucher_years,
        never,
        never_ordinary,
        to_bin,
    } = returns;
    let mut when =
        Line::new("when", format!("until the end of day {within_days} after the purchase"));
    when.notes.extend(excluded("never", never));
    when.notes.extend(excluded("unconditionally only", never_ordinary));
    let unconditionally = Line::new(
        "unconditional",
        format!("{unconditional} an account, ever: what was paid goes back to where it came from"),
    );
    let years = counted(i64::from(*voucher_years), "year");
    let ordinarily = Line::new(
        "ordinary",
        format!(
            "{ordinary} more an account, ever: what is left after use, as a voucher for {years}"
        ),
    );
    let mut to_the_bin = Line::new("to the bin", bin.as_str());
    to_the_bin.notes.extend(told_provisioning(to_bin));
    vec![when, unconditionally, ordinarily, to_the_bin]
}

fn excluded(how: &str, exclusion: &Exclusion) -> Option<String> {
    let things = exclusions(exclusion);
    if things.is_empty() { None } else { Some(format!("{how}: {}", things.join(", "))) }
}

fn auto_lengths(lengths: &[u32], by_term: Option<&BTreeMap<u32, u32>>) -> String {
    let months = |number: &u32| counted(i64::from(*number), "month");
    let mut parts = Vec::new();
    if !lengths.is_empty() {
        let numbers: Vec<String> = lengths.iter().map(ToString::to_string).collect();
        parts.push(format!("for {} months", choice(numbers)));
    }
    if let Some(by_term) = by_term {
        let pairs: Vec<String> = by_term
            .iter()
            .map(|(bought, renewed)| format!("{} if {} were bought", months(renewed), bought))
            .collect();
        parts.push(format!("without a choice for {}, else for 1 month", list(pairs)));
    }
    parts.join("; ")
}

/// `1 to 9 or 12`.
pub(in crate::policy) fn ranges(months: &[(u32, u32)]) -> String {
    choice(
        months.iter().map(
            |(low, high)| {
                if low == high { low.to_string() } else { format!("{low} to {high}") }
            },
        ),
    )
}

pub(super) fn terminated(termination: &Termination) -> Vec<Line> {
    let Termination { bin, bin_for, to_bin, to_gone, restore_to } = termination;
    let mut to_the_bin =
        Line::new("to the bin", format!("{bin} for {}, then released", length(*bin_for)));
    to_the_bin.notes.push(format!("until then it can be restored to {restore_to}"));
    to_the_bin.notes.extend(told_provisioning(to_bin));
    let mut at_once = Line::new("at once", "released, also at an instant that was set before");
    at_once.notes.extend(told_provisioning(to_gone));
    vec![to_the_bin, at_once]
}
