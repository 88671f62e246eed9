//! When phases come, what is done on the way, and what brings a resource back.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Bearing, Changes};
use crate::engine::id::PhaseName;
use crate::engine::policy::{
    Cause, Offset, Outcome, PhaseClass, Policy, RecoverWhen, Recovery, Step,
};
use crate::policy::check::window::{NEVER_BEFORE, NO_END, Window, Windows, bounds};
use crate::policy::words;

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    by_the_clock(old, new, changes);
    asked_for(old, new, changes);
    what_is_done(old, new, changes);
    ways_back(&old.recoveries, &new.recoveries, changes);
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

fn other_way(bearing: Bearing) -> Bearing {
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

fn comparable(one: Offset, other: Offset) -> bool {
    match (one, other) {
        (Offset::Span { .. }, Offset::Span { .. })
        | (Offset::DayTime { .. }, Offset::DayTime { .. }) => true,
        (Offset::Span { .. }, Offset::DayTime { .. })
        | (Offset::DayTime { .. }, Offset::Span { .. }) => false,
    }
}

/// A step by who it is for: from, to, cause, auto-renewal.
type Name<'p> = (&'p PhaseName, &'p PhaseName, Option<Cause>, Option<bool>);

fn steps(policy: &Policy) -> BTreeMap<Name<'_>, &Step> {
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
        if was.at == is.at || said {
            continue;
        }
        let (then, now) = (bounds(was.at.offset), bounds(is.at.offset));
        let same_anchor = was.at.from == is.at.from;
        let bearing = if same_anchor && now.earliest >= then.latest {
            Bearing::Generous
        } else if same_anchor && now.latest <= then.earliest {
            Bearing::Harsh
        } else {
            Bearing::Other
        };
        changes.add(bearing, format!("{what} comes at another time: {} -> {}", due(was), due(is)));
    }
    for (name, is) in after.iter().filter(|(name, _)| is_asked(name) && !before.contains_key(*name))
    {
        let bearing = takes_away(new.class(name.1));
        changes.add(bearing, format!("{} is new: {}", called(name, is), due(is)));
    }
}

/// What provisioning does with the steps that are still there.
fn what_is_done(old: &Policy, new: &Policy, changes: &mut Changes) {
    let (before, after) = (steps(old), steps(new));
    let mut said = Vec::new();
    for (name, was) in &before {
        let Some(is) = after.get(name) else { continue };
        let mut found = Changes::default();
        outcome(&format!("`{}` to `{}`", name.0, name.1), &was.outcome, &is.outcome, &mut found);
        if was.irreversible != is.irreversible {
            let (bearing, what) = if is.irreversible {
                (Bearing::Harsh, "cannot be undone any more")
            } else {
                (Bearing::Generous, "can be undone now")
            };
            found.add(bearing, format!("`{}` to `{}` {what}", name.0, name.1));
        }
        // One step for several causes is several steps: what changes with it is said once.
        said.extend(found.0.into_iter().filter(|one| !said.contains(one)).collect::<Vec<_>>());
    }
    changes.0.extend(said);
}

/// What provisioning is told with something.
pub(super) fn outcome(what: &str, old: &Outcome, new: &Outcome, changes: &mut Changes) {
    let Outcome { actions, detach, destroy, retain, retain_billable } = old;
    let mut kinds = |verb: &str, old: &[String], new: &[String], more: Bearing| {
        let missing = |from: &[String], these: &[String]| -> Vec<String> {
            these.iter().filter(|one| !from.contains(one)).cloned().collect()
        };
        let (added, dropped) = (missing(old, new), missing(new, old));
        if !added.is_empty() {
            changes.add(more, format!("{what} now also {verb} {}", words::list(added)));
        }
        if !dropped.is_empty() {
            let text = format!("{what} no longer {verb} {}", words::list(dropped));
            changes.add(other_way(more), text);
        }
    };
    kinds("does", actions, &new.actions, Bearing::Other);
    kinds("detaches", detach, &new.detach, Bearing::Harsh);
    kinds("destroys", destroy, &new.destroy, Bearing::Harsh);
    kinds("keeps", retain, &new.retain, Bearing::Generous);
    kinds("keeps at the customer's cost", retain_billable, &new.retain_billable, Bearing::Other);
}

fn ways_back(old: &[Recovery], new: &[Recovery], changes: &mut Changes) {
    // Two ways out of one phase differ in what it takes: a balance and a renewal.
    let same = |one: &Recovery, other: &Recovery| {
        (&one.from, &one.to) == (&other.from, &other.to)
            && (one.when == RecoverWhen::Renewed) == (other.when == RecoverWhen::Renewed)
    };
    let said = |way: &Recovery| {
        format!("back from `{}` to `{}` {}", way.from, way.to, words::recover_when(way.when))
    };
    for was in old {
        let Some(is) = new.iter().find(|way| same(was, way)) else {
            changes.lost(format!("no way {} any more", said(was)));
            continue;
        };
        let ends = format!("`{}` to `{}`", was.from, was.to);
        if was.when != is.when {
            let bearing = match (was.when, is.when) {
                (RecoverWhen::BalancePositive, RecoverWhen::BalanceNotNegative) => {
                    Bearing::Generous
                }
                (RecoverWhen::BalanceNotNegative, RecoverWhen::BalancePositive) => Bearing::Harsh,
                (
                    RecoverWhen::Renewed
                    | RecoverWhen::BalancePositive
                    | RecoverWhen::BalanceNotNegative,
                    _,
                ) => Bearing::Other,
            };
            let (then, now) = (words::recover_when(was.when), words::recover_when(is.when));
            changes.add(bearing, format!("{ends} takes something else: {then} -> {now}"));
        }
        let names = |names: &Vec<String>| {
            if names.is_empty() { "nothing".to_owned() } else { words::list(names) }
        };
        changes.differs(&format!("{ends} does"), (&was.actions, &is.actions), names);
        let look = format!("what must be looked at after {ends}");
        changes.differs(&look, (&was.hints, &is.hints), names);
    }
    for is in new.iter().filter(|way| !old.iter().any(|was| same(was, way))) {
        changes.gained(format!("a new way {}", said(is)));
    }
}
