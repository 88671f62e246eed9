//! What contacts are told, when and how.

use std::collections::BTreeMap;

use super::Changes;
use crate::engine::id::PhaseName;
use crate::engine::policy::{Channel, NoticeRule, NoticeTrigger, Phase, PhaseClass, Policy};
use crate::policy::words::{self, occasions};

/// What makes a notice the same one: kind, occasion, auto-renewal.
type Name<'p> = (&'p str, String, Option<bool>);

/// Where and how it is sent.
#[derive(Default)]
struct Sent<'p> {
    channels: Vec<Channel>,
    phases: Vec<&'p PhaseName>,
}

pub(super) fn compare(old: &Policy, new: &Policy, changes: &mut Changes) {
    let (before, after) = (sent(old), sent(new));
    for (name, was) in &before {
        match after.get(name) {
            None => changes.lost(format!("{} is not sent any more", said(name))),
            Some(is) => {
                compare_channels(name, &was.channels, &is.channels, changes);
                compare_phases(name, (&was.phases, &is.phases), (old, new), changes);
            }
        }
    }
    for (name, is) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        changes.gained(format!("{} is new, by {}", said(name), words::channels(&is.channels)));
    }
}

fn sent(policy: &Policy) -> BTreeMap<Name<'_>, Sent<'_>> {
    let mut all: BTreeMap<Name<'_>, Sent<'_>> = BTreeMap::new();
    for rule in &policy.notices {
        // Which policy sends it is no matter, and neither are the rules that ask for it.
        let NoticeRule { kind, on, phases: _, auto_renew, channels, rules: _ } = rule;
        for occasion in occasions(rule, on, &policy.steps) {
            let sent = all.entry((kind.as_str(), occasion, *auto_renew)).or_default();
            sent.channels.extend(channels);
            sent.phases.extend(phases(policy, rule));
            sent.channels.sort_unstable();
            sent.channels.dedup();
            sent.phases.sort_unstable();
            sent.phases.dedup();
        }
    }
    all
}

/// The phases in which a rule applies; those that a step names follow from the step.
fn phases<'p>(policy: &'p Policy, rule: &'p NoticeRule) -> Vec<&'p PhaseName> {
    let leads = |from: &PhaseName, to: &PhaseName| {
        policy.steps.iter().any(|step| step.from == *from && step.to == *to)
    };
    let can_be = |phase: &&Phase| match &rule.on {
        NoticeTrigger::Step => false,
        NoticeTrigger::Ahead { to, offsets: _ } => leads(&phase.name, to),
        NoticeTrigger::Slots { .. }
        | NoticeTrigger::ArrearsStarted
        | NoticeTrigger::ChargeFailed
        | NoticeTrigger::BalanceCheck
        | NoticeTrigger::Renewed => phase.class != PhaseClass::Gone,
        NoticeTrigger::Restored => phase.class == PhaseClass::Working,
        NoticeTrigger::TerminationScheduled => phase.class < PhaseClass::Retained,
        NoticeTrigger::Terminated | NoticeTrigger::Returned => phase.class >= PhaseClass::Retained,
    };
    let named = |name: &PhaseName| rule.phases.is_empty() || rule.phases.contains(name);
    let possible = policy.phases.iter().filter(can_be).map(|phase| &phase.name);
    possible.filter(|name| named(name)).collect()
}

fn said((kind, occasion, auto_renew): &Name<'_>) -> String {
    let when = auto_renew.map(|on| format!(" {}", words::auto_renewal(on))).unwrap_or_default();
    format!("the notice `{kind}` {occasion}{when}")
}

fn compare_channels(name: &Name<'_>, old: &[Channel], new: &[Channel], changes: &mut Changes) {
    let only = |these: &[Channel], others: &[Channel]| -> Vec<Channel> {
        these.iter().filter(|one| !others.contains(one)).copied().collect()
    };
    let (added, dropped) = (only(new, old), only(old, new));
    if !added.is_empty() {
        changes.gained(format!("{} goes out by {} too", said(name), words::channels(&added)));
    }
    if !dropped.is_empty() {
        let by = words::channels(&dropped);
        changes.lost(format!("{} does not go out by {by} any more", said(name)));
    }
}

/// Only phases that both have: a phase that is new or gone is said elsewhere.
fn compare_phases(
    name: &Name<'_>,
    (was, is): (&[&PhaseName], &[&PhaseName]),
    (old, new): (&Policy, &Policy),
    changes: &mut Changes,
) {
    let only = |these: &[&PhaseName], others: &[&PhaseName], policy: &Policy| -> Vec<String> {
        let missing = these.iter().filter(|one| !others.contains(one) && policy.has(one));
        missing.map(ToString::to_string).collect()
    };
    let (added, dropped) = (only(is, was, old), only(was, is, new));
    if !added.is_empty() {
        changes.gained(format!("{} comes in {} too", said(name), words::list(added)));
    }
    if !dropped.is_empty() {
        let phases = words::list(dropped);
        changes.lost(format!("{} does not come in {phases} any more", said(name)));
    }
}
