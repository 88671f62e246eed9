//! When phases come. What is done on the way is said in `done`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Bearing, Changes};
use crate::engine::hours::WorkingDays;
use crate::engine::id::PhaseName;
use crate::engine::policy::{Cause, Deadline, Offset, PhaseClass, Policy, Step};
use crate::policy::check::window::{NEVER_BEFORE, NO_END, Window, Windows, bounds};
use crate::policy::words;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    // What waits for a working day is said in `done`, which days those are in `hours`.
    let (old, new) = (on_any_day(old), on_any_day(new));
    by_the_clock(&old, &new, changes);
    asked_for(&old, &new, changes);
}

/// The same policy, as if people worked every day.
fn on_any_day(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.working_days = WorkingDays::default();
    policy
}

/// How a customer who never pays comes through, with auto-renewal on and off: when each phase comes, and by which step.
fn by_the_clock(old: &Policy, new: &Policy, changes: &mut Changes) {
    let ways = [false, true].map(|auto_renew| {
        let (before, after) = (Way::of(old, auto_renew), Way::of(new, auto_renew));
        let mut found = Changes::default();
        compare_ways(old, new, (&before, &after), &mut found);
        found.0
    });
    let [off, on] = ways;
    for change in &off {
        let text = if on.contains(change) {
            change.text.clone()
        } else {
            format!("{}, {}", words::auto_renewal(false), change.text)
        };
        changes.add(change.bearing, text);
    }
    for change in on.iter().filter(|change| !off.contains(change)) {
        changes.add(change.bearing, format!("{}, {}", words::auto_renewal(true), change.text));
    }
}

/// Where the clock leads, step by step.
struct Way<'p> {
    windows: Windows<'p>,
}

impl<'p> Way<'p> {
    fn of(policy: &'p Policy, auto_renew: bool) -> Self {
        Self { windows: Windows::of(policy, auto_renew) }
    }

    /// The step into a phase that is due first, and when that is.
    fn into(&self, phase: &PhaseName) -> Option<(&'p Step, Window)> {
        let steps = self.windows.steps().filter(|step| step.to == *phase);
        let due = steps.filter_map(|step| Some((step, self.windows.due(step)?)));
        due.filter(|(_, due)| due.latest > NEVER_BEFORE && due.earliest < NO_END)
            .min_by_key(|(_, due)| due.latest)
    }
}

fn compare_ways(
    old: &Policy,
    new: &Policy,
    (before, after): (&Way<'_>, &Way<'_>),
    changes: &mut Changes,
) {
    let mut names: Vec<&PhaseName> = old.phases.iter().map(|phase| &phase.name).collect();
    names.extend(new.phases.iter().map(|phase| &phase.name).filter(|name| !old.has(name)));
    for name in names {
        match (before.into(name), after.into(name)) {
            (Some(was), Some(is)) => compare_due(name, was, is, changes),
            (Some((step, _)), None) => {
                let text =
                    format!("the clock does not lead to `{name}` any more: it did {}", due(step));
                changes.add(other_way(takes_away(old.class(name))), text);
            }
            (None, Some((step, _))) => {
                let text = format!("the clock now leads to `{name}`: {}", due(step));
                changes.add(takes_away(new.class(name)), text);
            }
            (None, None) => {}
        }
    }
}

/// Grace is more than a customer had; a stop or a release is less.
fn takes_away(class: PhaseClass) -> Bearing {
    match class {
        PhaseClass::Working | PhaseClass::Unpaid => Bearing::Generous,
        PhaseClass::Suspended | PhaseClass::Retained | PhaseClass::Gone => Bearing::Harsh,
    }
}

pub(super) fn other_way(bearing: Bearing) -> Bearing {
    match bearing {
        Bearing::Generous => Bearing::Harsh,
        Bearing::Harsh => Bearing::Generous,
        Bearing::Other => Bearing::Other,
    }
}

fn due(step: &Step) -> String {
    words::deadline(&step.at)
}

fn compare_due(
    name: &PhaseName,
    (was, before): (&Step, Window),
    (is, after): (&Step, Window),
    changes: &mut Changes,
) {
    let same_words = was.at == is.at;
    if same_words && before == after {
        return;
    }
    let moved = after.latest - before.latest;
    let alike =
        comparable(was.at.offset, is.at.offset) && after.earliest - before.earliest == moved;
    let how = match (moved, alike) {
        (0, true) => None,
        (_, true) => {
            let by = words::length(TimeDelta::seconds(moved));
            Some(if moved > 0 {
                (Bearing::Generous, format!("{by} later"))
            } else {
                (Bearing::Harsh, format!("{by} earlier"))
            })
        }
        _ if after.earliest >= before.latest => Some((Bearing::Generous, "later".to_owned())),
        _ if after.latest <= before.earliest => Some((Bearing::Harsh, "earlier".to_owned())),
        _ => Some((Bearing::Other, "at another time".to_owned())),
    };
    let Some((bearing, how)) = how else {
        if was.at.from != is.at.from {
            changes.other(format!(
                "`{name}` counts from something else: {} -> {}",
                due(was),
                due(is)
            ));
        } else if let Some((bearing, how)) = judged(floor(&is.at).cmp(&floor(&was.at))) {
            let late = format!("where `{}` was entered late", is.from);
            let text = format!("`{name}` comes {how} {late}: {} -> {}", due(was), due(is));
            changes.add(bearing, text);
        }
        return;
    };
    let why = if same_words {
        format!("still {}, and what comes before it moved", due(is))
    } else {
        format!("{} -> {}", due(was), due(is))
    };
    changes.add(bearing, format!("`{name}` comes {how}: {why}"));
}

/// A deadline, whether or not it waits for a working day.
fn on_any(at: &Deadline) -> Deadline {
    Deadline { working_days_only: false, ..at.clone() }
}

/// The least time in a phase before a step out of it.
fn floor(at: &Deadline) -> TimeDelta {
    at.at_least.unwrap_or_default()
}

fn judged(order: Ordering) -> Option<(Bearing, &'static str)> {
    match order {
        Ordering::Greater => Some((Bearing::Generous, "later")),
        Ordering::Less => Some((Bearing::Harsh, "earlier")),
        Ordering::Equal => None,
    }
}

/// Which way a deadline moved that counts from what a customer did.
fn moved(was: &Deadline, is: &Deadline) -> Bearing {
    let (then, now) = (bounds(was.offset), bounds(is.offset));
    let offset = if was.offset == is.offset {
        Ordering::Equal
    } else if now.earliest >= then.latest {
        Ordering::Greater
    } else if now.latest <= then.earliest {
        Ordering::Less
    } else {
        return Bearing::Other;
    };
    let stay = floor(is).cmp(&floor(was));
    // The later of two instants: it goes where neither goes the other way.
    let alike = offset == stay || offset == Ordering::Equal || stay == Ordering::Equal;
    match judged(offset.then(stay)) {
        Some((bearing, _)) if alike && was.from == is.from => bearing,
        _ => Bearing::Other,
    }
}

fn comparable(one: Offset, other: Offset) -> bool {
    match (one, other) {
        (Offset::Span { .. }, Offset::Span { .. })
        | (Offset::DayTime { .. }, Offset::DayTime { .. }) => true,
        (Offset::Span { .. }, Offset::DayTime { .. })
        | (Offset::DayTime { .. }, Offset::Span { .. }) => false,
    }
}

/// A step by who it is for: from, to, cause, auto-renewal.
pub(super) type Name<'p> = (&'p PhaseName, &'p PhaseName, Option<Cause>, Option<bool>);

pub(super) fn steps(policy: &Policy) -> BTreeMap<Name<'_>, &Step> {
    let name = |step: &'_ Step| (step.when.entered_by, step.when.auto_renew);
    let named = policy.steps.iter().map(|step| {
        let (cause, auto_renew) = name(step);
        ((&step.from, &step.to, cause, auto_renew), step)
    });
    named.collect()
}

/// Steps that follow what a customer asked for: the clock's own way does not lead there.
fn asked_for(old: &Policy, new: &Policy, changes: &mut Changes) {
    let (before, after) = (steps(old), steps(new));
    let called = |name: &Name<'_>, step: &Step| {
        let when = words::when(step.when).map(|when| format!(" ({when})")).unwrap_or_default();
        format!("`{}` to `{}`{when}", name.0, name.1)
    };
    let is_asked = |name: &Name<'_>| !matches!(name.2, None | Some(Cause::Clock | Cause::Recovery));
    for (name, was) in before.iter().filter(|(name, _)| is_asked(name)) {
        let what = called(name, was);
        let Some(is) = after.get(name) else {
            let bearing = other_way(takes_away(old.class(name.1)));
            changes.add(bearing, format!("{what} does not happen any more: it did {}", due(was)));
            continue;
        };
        // Of one step for several causes the clock's part is said already.
        let clock = |steps: &BTreeMap<Name<'_>, &Step>| {
            let cause = [None, Some(Cause::Clock)].into_iter();
            let by_clock = cause.filter_map(|cause| steps.get(&(name.0, name.1, cause, name.3)));
            by_clock.map(|step| step.at.clone()).next()
        };
        let said =
            clock(&before).as_ref() == Some(&was.at) && clock(&after).as_ref() == Some(&is.at);
        if on_any(&was.at) == on_any(&is.at) || said {
            continue;
        }
        let bearing = moved(&was.at, &is.at);
        changes.add(bearing, format!("{what} comes at another time: {} -> {}", due(was), due(is)));
    }
    for (name, is) in after.iter().filter(|(name, _)| is_asked(name) && !before.contains_key(*name))
    {
        let bearing = takes_away(new.class(name.1));
        changes.add(bearing, format!("{} is new: {}", called(name, is), due(is)));
    }
}
