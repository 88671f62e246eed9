//! The graph of phases: every phase can be reached and left, and it is always clear which step comes next.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::engine::id::PhaseName;
use crate::engine::policy::{
    Cause, Clock, Deadline, Offset, PhaseClass, Policy, RecoverWhen, Step,
};
use crate::policy::error::Mistakes;
use crate::policy::read::Draft;

pub(super) fn check(draft: &Draft, mistakes: &mut Mistakes) {
    first_phase(draft, mistakes);
    reach(draft, mistakes);
    ways_on(draft, mistakes);
    conflicts(draft, mistakes);
    holes(draft, mistakes);
    renewals(draft, mistakes);
    bin(draft, mistakes);
    return_bin(draft, mistakes);
}

/// The clock never makes a resource new again.
fn first_phase(draft: &Draft, mistakes: &mut Mistakes) {
    let first = draft.policy.initial();
    if draft.policy.class(first) != PhaseClass::Working {
        mistakes
            .add(draft.phases[0].clone(), format!("a resource starts in `{first}`"))
            .expected("the first [[phase]] to be of class working");
    }
    for (step, places) in one_each(draft) {
        if step.to == *first {
            mistakes
                .add(places.to.clone(), format!("a step leads to the first phase, `{first}`"))
                .help("what brings a resource back is a [[recovery]]");
        }
    }
}

/// The steps, without the copies that a list of causes makes.
pub(super) fn one_each(
    draft: &Draft,
) -> impl Iterator<Item = (&Step, &crate::policy::read::StepPlaces)> {
    let mut seen = BTreeSet::new();
    draft
        .policy
        .steps
        .iter()
        .zip(&draft.steps)
        .filter(move |(_, places)| seen.insert(places.number))
}

fn reach(draft: &Draft, mistakes: &mut Mistakes) {
    let reached = reachable(&draft.policy);
    // What is removed outside dunlin ends in the first final phase, whether or not a step leads there.
    let gone = draft.policy.gone();
    if gone.is_none() {
        let last = draft.phases.last().cloned().unwrap_or_default();
        mistakes
            .add(last, "there is no final phase for what is removed elsewhere")
            .expected("a [[phase]] of class gone");
    }
    for (phase, place) in draft.policy.phases.iter().zip(&draft.phases) {
        if !reached.contains(&phase.name) && gone != Some(&phase.name) {
            mistakes
                .add(place.clone(), format!("nothing leads to `{}`", phase.name))
                .expected(format!("a [[step]] with to = \"{}\"", phase.name));
        }
    }
}

fn reachable(policy: &Policy) -> BTreeSet<&PhaseName> {
    let returned = policy.returns.iter().map(|returns| &returns.bin);
    let ended = policy.termination.iter().map(|termination| &termination.bin);
    let mut open: Vec<_> = std::iter::once(policy.initial()).chain(returned).chain(ended).collect();
    let mut reached = BTreeSet::new();
    while let Some(phase) = open.pop() {
        if reached.insert(phase) {
            let steps = policy.steps.iter().filter(|step| step.from == *phase).map(|step| &step.to);
            let back = policy.recoveries.iter().filter(|way| way.from == *phase).map(|way| &way.to);
            open.extend(steps.chain(back));
        }
    }
    reached
}

/// Nobody is left without service for ever.
fn ways_on(draft: &Draft, mistakes: &mut Mistakes) {
    let policy = &draft.policy;
    for (phase, place) in policy.phases.iter().zip(&draft.phases) {
        let stuck = !policy.steps.iter().any(|step| step.from == phase.name)
            && !policy.recoveries.iter().any(|way| way.from == phase.name);
        let needs_one = match phase.class {
            PhaseClass::Unpaid | PhaseClass::Suspended | PhaseClass::Retained => true,
            PhaseClass::Working | PhaseClass::Gone => false,
        };
        if stuck && needs_one {
            mistakes
                .add(place.clone(), format!("nothing leads out of `{}`", phase.name))
                .expected("a [[step]] on or a [[recovery]] back");
        }
    }
}

/// At one instant there is one step.
fn conflicts(draft: &Draft, mistakes: &mut Mistakes) {
    let steps: Vec<_> = draft.policy.steps.iter().zip(&draft.steps).collect();
    let mut told = BTreeSet::new();
    for (index, (step, places)) in steps.iter().enumerate() {
        for (other, _) in &steps[..index] {
            let same = step.from == other.from && same_deadline(&step.at, &other.at);
            if same && overlap(step, other) && told.insert(places.number) {
                let message = if step.to == other.to {
                    format!("the same step again: `{}` to `{}`", step.from, step.to)
                } else {
                    format!("`{}` or `{}`? Both steps are due at once", other.to, step.to)
                };
                mistakes.add(places.at.clone(), message).expected("another deadline or a `when`");
            }
        }
    }
    for (index, way) in draft.policy.recoveries.iter().enumerate() {
        let again = draft.policy.recoveries[..index].iter().any(|other| {
            let renewed = |when| when == RecoverWhen::Renewed;
            other.from == way.from && renewed(other.when) == renewed(way.when)
        });
        if again {
            let message = format!("there is already such a [[recovery]] from `{}`", way.from);
            mistakes.add(draft.recoveries[index].clone(), message);
        }
    }
}

fn same_deadline(left: &Deadline, right: &Deadline) -> bool {
    let anchors = |deadline: &Deadline| deadline.from.iter().copied().collect::<BTreeSet<_>>();
    anchors(left) == anchors(right) && left.offset == right.offset
}

fn overlap(left: &Step, right: &Step) -> bool {
    fn meet<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
        left.is_none() || right.is_none() || left == right
    }
    meet(left.when.auto_renew, right.when.auto_renew)
        && meet(left.when.entered_by, right.when.entered_by)
}

/// A step for auto-renewal on and none for it off leaves half of the resources where they are, or the other way round.
fn holes(draft: &Draft, mistakes: &mut Mistakes) {
    let mut told = BTreeSet::new();
    for (step, places) in draft.policy.steps.iter().zip(&draft.steps) {
        let Some(auto_renew) = step.when.auto_renew else { continue };
        let covered = draft.policy.steps.iter().any(|other| {
            other.from == step.from
                && other.when.auto_renew != Some(auto_renew)
                && (other.when.entered_by.is_none()
                    || other.when.entered_by == step.when.entered_by)
        });
        if !covered && told.insert(&step.from) {
            let other = if auto_renew { "off" } else { "on" };
            mistakes
                .add(
                    places.from.clone(),
                    format!("with auto-renewal {other} nothing leads out of `{}`", step.from),
                )
                .expected(format!("a [[step]] with when = {{ auto_renew = {} }}", !auto_renew));
        }
    }
}

/// Whoever is to renew must be able to.
fn renewals(draft: &Draft, mistakes: &mut Mistakes) {
    let policy = &draft.policy;
    if policy.clock != Clock::Expiry || policy.renewal.is_some() {
        return;
    }
    for (way, place) in policy.recoveries.iter().zip(&draft.recoveries) {
        if way.when == RecoverWhen::Renewed {
            mistakes
                .add(place.clone(), "a renewal, but nothing says how long a term is")
                .expected("a [renewal]");
        }
    }
}

/// What is returned does not stay in the bin for ever, and nothing waits for returns that do not happen.
fn return_bin(draft: &Draft, mistakes: &mut Mistakes) {
    let (Some(returns), Some(place)) = (&draft.policy.returns, &draft.returns_bin) else {
        for (step, places) in draft.policy.steps.iter().zip(&draft.steps) {
            if step.when.entered_by == Some(Cause::Return) {
                mistakes
                    .add(places.from.clone(), "nothing is returned under this policy")
                    .expected("a [returns]");
            }
        }
        return;
    };
    let is_emptied = draft.policy.steps.iter().any(|step| {
        step.from == returns.bin && matches!(step.when.entered_by, None | Some(Cause::Return))
    });
    if !is_emptied {
        mistakes
            .add(place.clone(), format!("no step empties the bin of a return, `{}`", returns.bin))
            .expected("a [[step]] with when = { entered_by = \"return\" } to a final phase");
    }
}

/// What a termination promises about the bin is what the steps do.
fn bin(draft: &Draft, mistakes: &mut Mistakes) {
    let (Some(termination), Some((bin, bin_for))) = (&draft.policy.termination, &draft.termination)
    else {
        return;
    };
    let mut emptied = draft.policy.steps.iter().filter(|step| {
        step.from == termination.bin
            && draft.policy.class(&step.to) == PhaseClass::Gone
            && matches!(step.when.entered_by, None | Some(Cause::Termination))
    });
    let Some(step) = emptied.next() else {
        mistakes
            .add(bin.clone(), format!("no step empties the bin, `{}`", termination.bin))
            .expected("a [[step]] with when = { entered_by = \"termination\" } to a final phase");
        return;
    };
    let in_time = matches!(step.at.offset, Offset::Span { days, time }
        if TimeDelta::days(i64::from(days)) + time == termination.bin_for);
    if !in_time {
        mistakes
            .add(bin_for.clone(), "the step that empties the bin has another time")
            .expected(format!("the `after` of the step from `{}` to `{}`", step.from, step.to));
    }
}
