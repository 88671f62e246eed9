//! What deals with money and wishes: the look at the balance, charges, renewal, termination.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::{Bearing, Changes, done, returns};
use crate::engine::policy::{
    BalanceCheck, ChargeWindow, Charges, DayTime, Renewal, TermEnd, Termination,
};
use crate::policy::words::{self, cause, length, time_of_day};

/// A thing that may be missing on either side.
pub(super) fn both<'a, T>(
    (old, new): (Option<&'a T>, Option<&'a T>),
    what: &str,
    changes: &mut Changes,
) -> Option<(&'a T, &'a T)> {
    match (old, new) {
        (Some(old), Some(new)) => return Some((old, new)),
        (Some(_), None) => changes.lost(format!("there is no {what} any more")),
        (None, Some(_)) => changes.gained(format!("there is a {what} now")),
        (None, None) => {}
    }
    None
}

/// A length that is better for the customer the longer it is.
fn longer(what: &str, old: TimeDelta, new: TimeDelta, changes: &mut Changes) {
    if old != new {
        let bearing = if new > old { Bearing::Generous } else { Bearing::Harsh };
        changes.add(bearing, format!("{what}: {} -> {}", length(old), length(new)));
    }
}

pub(super) fn balance_check(
    old: Option<&BalanceCheck>,
    new: Option<&BalanceCheck>,
    changes: &mut Changes,
) {
    let Some((old, new)) = both((old, new), "daily look at the balance", changes) else { return };
    let BalanceCheck { at, under, over, at_least, notice } = old;
    longer("a balance is warned of when it lasts less than", *under, new.under, changes);
    changes.differs("the daily look at the balance is at", (at, &new.at), |at| time_of_day(*at));
    let say = |over: &TimeDelta| length(*over);
    changes.differs("consumption is taken over", (over, &new.over), say);
    let least = "with a shorter history consumption is taken over at least";
    changes.differs(least, (at_least, &new.at_least), say);
    changes.differs("a low balance is told by the notice", (notice, &new.notice), |kind| {
        kind.to_string()
    });
}

pub(super) fn charges(old: Option<&Charges>, new: Option<&Charges>, changes: &mut Changes) {
    let Some((old, new)) = both((old, new), "series of charge attempts", changes) else { return };
    // Within which hours of an attempt it is asked for is nothing that a customer notices.
    let Charges {
        attempts,
        before_expiry,
        window,
        spread: _,
        covered_only,
        phases,
        tenders,
        rules: _,
    } = old;
    let said = |one: &DayTime| words::day_time(one.day, one.time, "expiry");
    for lost in attempts.iter().filter(|one| !new.attempts.contains(one)) {
        changes.lost(format!("there is no charge attempt {} any more", said(lost)));
    }
    for gained in new.attempts.iter().filter(|one| !attempts.contains(one)) {
        changes.gained(format!("there is a charge attempt {}", said(gained)));
    }
    let window_of = |window: &ChargeWindow| match window {
        ChargeWindow::SameDay(until) => format!("{} on its day", time_of_day(*until)),
        ChargeWindow::Expiry => "expiry".to_owned(),
    };
    if *window != new.window {
        let bearing = match (window, &new.window) {
            (ChargeWindow::SameDay(old), ChargeWindow::SameDay(new)) if new > old => {
                Bearing::Generous
            }
            (ChargeWindow::SameDay(_), ChargeWindow::SameDay(_)) => Bearing::Harsh,
            (ChargeWindow::SameDay(_), ChargeWindow::Expiry)
            | (ChargeWindow::Expiry, ChargeWindow::SameDay(_) | ChargeWindow::Expiry) => {
                Bearing::Other
            }
        };
        let (then, now) = (window_of(window), window_of(&new.window));
        changes.add(bearing, format!("a charge may be answered until: {then} -> {now}"));
    }
    changes.differs(
        "no attempt is later before expiry than",
        (before_expiry, &new.before_expiry),
        |before| before.map_or("not limited".to_owned(), length),
    );
    changes.differs("charges are asked for", (covered_only, &new.covered_only), |only| {
        let words = if *only { "only where the balance covers them" } else { "in any case" };
        words.to_owned()
    });
    changes.differs("charges are asked for in", (phases, &new.phases), |phases| {
        words::list(phases.iter().map(|name| name.as_str()))
    });
    changes.differs("charges are collected from", (tenders, &new.tenders), |tenders| {
        if tenders.is_empty() { "anything".to_owned() } else { tenders.join(", then ") }
    });
}

pub(super) fn renewal(old: Option<&Renewal>, new: Option<&Renewal>, changes: &mut Changes) {
    let Some((old, new)) = both((old, new), "renewal", changes) else { return };
    let Renewal {
        months,
        auto_months,
        auto_months_by_term,
        from_request_in,
        from_request_after,
        first_term_end,
        downgrade,
    } = old;
    lengths("a renewal", &every(months), &every(&new.months), changes);
    let chosen = |renewal: &Renewal| {
        if renewal.auto_months.is_empty() {
            every(&renewal.months)
        } else {
            renewal.auto_months.iter().copied().collect()
        }
    };
    if *auto_months != new.auto_months {
        lengths("auto-renewal", &chosen(old), &chosen(new), changes);
    }
    changes.differs(
        "auto-renewal without a choice renews for",
        (auto_months_by_term, &new.auto_months_by_term),
        by_term,
    );
    let nothing = || "nowhere".to_owned();
    changes.differs(
        "a new term starts at the renewal, not at expiry, in",
        (from_request_in, &new.from_request_in),
        |phases| match phases.as_slice() {
            [] => nothing(),
            phases => words::choice(phases.iter().map(|name| name.as_str())),
        },
    );
    changes.differs(
        "a new term starts at the renewal, not at expiry, where",
        (from_request_after, &new.from_request_after),
        |causes| match causes.as_slice() {
            [] => nothing(),
            causes => words::choice(causes.iter().map(|one| cause(*one))),
        },
    );
    changes.differs(
        "a term that does not start at an expiry ends",
        (first_term_end, &new.first_term_end),
        |end| match end {
            TermEnd::SameTime => "at the same time of day".to_owned(),
            TermEnd::MidnightAfter => "at the 00:00 after its last day".to_owned(),
        },
    );
    returns::downgrade(downgrade.as_ref(), new.downgrade.as_ref(), changes);
}

fn by_term(by_term: &Option<BTreeMap<u32, u32>>) -> String {
    let Some(by_term) = by_term else { return "the length bought".to_owned() };
    let pairs = by_term.iter().map(|(bought, months)| format!("{months} after {bought}"));
    words::list(pairs.chain(["1 month else".to_owned()]))
}

fn every(months: &[(u32, u32)]) -> BTreeSet<u32> {
    months.iter().flat_map(|(low, high)| *low..=*high).collect()
}

fn lengths(what: &str, old: &BTreeSet<u32>, new: &BTreeSet<u32>, changes: &mut Changes) {
    let said = |months: Vec<u32>| {
        let runs = months.chunk_by(|one, next| one + 1 == *next);
        let ends = runs.filter_map(|run| Some((*run.first()?, *run.last()?)));
        words::ranges(&ends.collect::<Vec<_>>())
    };
    let gained: Vec<u32> = new.difference(old).copied().collect();
    let lost: Vec<u32> = old.difference(new).copied().collect();
    if !gained.is_empty() {
        changes.gained(format!("{what} may now be for {} months", said(gained)));
    }
    if !lost.is_empty() {
        changes.lost(format!("{what} may not be for {} months any more", said(lost)));
    }
}

pub(super) fn termination(
    old: Option<&Termination>,
    new: Option<&Termination>,
    changes: &mut Changes,
) {
    let Some((old, new)) = both((old, new), "termination by the customer", changes) else { return };
    let Termination { bin, bin_for, to_bin, to_gone, restore_to } = old;
    longer("what is terminated can be restored for", *bin_for, new.bin_for, changes);
    let say = |phase: &crate::engine::id::PhaseName| format!("`{phase}`");
    changes.differs("what is terminated goes to", (bin, &new.bin), say);
    changes.differs("it is restored to", (restore_to, &new.restore_to), say);
    done::outcome("a termination to the bin", to_bin, &new.to_bin, changes);
    done::outcome("a termination at once", to_gone, &new.to_gone, changes);
}
