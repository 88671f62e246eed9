//! When the engine wants to look again by itself: the earliest of everything that may become due.
//!
//! Too early is harmless: a wake that finds nothing due changes nothing. Too late is a defect.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::charge;
use super::deadline::{self, Due, Place};
use super::gate::{self, Because, Proven, Wanted};
use super::id::PhaseName;
use super::policy::{PhaseClass, Policy};
use super::resource::Resource;
use super::slot;
use super::work::Work;

/// Writes the next wake of the account and of every resource in sight.
pub(super) fn settle(work: &mut Work<'_>) {
    let now = work.now;
    work.account.wake_at = work.account.checks.values().filter(|at| **at > now).min().copied();
    let ids: Vec<_> = work.resources.keys().cloned().collect();
    for id in ids {
        let wake_at = work.known(&id).and_then(|(resource, policy)| next(work, policy, resource));
        if let Some(resource) = work.resources.get_mut(&id) {
            resource.wake_at = wake_at;
        }
    }
}

fn next(work: &Work<'_>, policy: &Policy, resource: &Resource) -> Option<DateTime<Utc>> {
    if policy.class(&resource.phase) == PhaseClass::Gone {
        return None;
    }
    let due = deadline::next(policy, resource, Place::of(resource), work.proofs);
    let unproven = due.and_then(|due| due.proven.missing?.until);
    let step = due.filter(|due| !is_held(work, policy, resource, due)).map(|due| {
        let is_to_come = due.wanted_at > work.now;
        if is_to_come { due.wanted_at } else { due.ahead(policy, resource, work.now) }
    });
    let schedule = resource.schedule.as_ref().and_then(|schedule| schedule.value);
    let slots = policy
        .notices
        .iter()
        .flat_map(|rule| slot::open_slots(policy, rule, resource, work.proofs))
        .filter(|at| *at > work.now)
        .min();
    let attempts = policy.charges.as_ref().filter(|_| resource.renews_itself());
    let attempt = attempts.and_then(|charges| {
        charge::open(policy, charges, resource).first().map(|attempt| attempt.at)
    });
    // When it is time to say that a step waits.
    let said = resource.gates().filter_map(|gated| gated.said_at(work.gates.patience));
    let ahead = [step, resource.put_off, unproven, schedule, slots, attempt]
        .into_iter()
        .flatten()
        .chain(said)
        .filter(|at| *at > work.now)
        .min();
    ahead.into_iter().chain(hold_ends(work, policy, resource)).min()
}

/// Whether a step is due and said to be held for what holds it, and no day on which it could come ends that.
fn is_held(work: &Work<'_>, policy: &Policy, resource: &Resource, due: &Due<'_>) -> bool {
    let Some(held) = resource.held.as_ref().filter(|_| due.wanted_at <= work.now) else {
        return false;
    };
    match work.verdict(resource, due.wanted(policy, resource, work.now)) {
        // Whoever learns that it is over looks at it again.
        gate::Verdict::Hold { because, until } => {
            held.is_for(&due.step.to, because) && (because != Because::Proof || until.is_none())
        }
        gate::Verdict::Go => false,
    }
}

/// When a hold ends by itself: on a step that is due, or on what a customer asked for, which may wait in another phase by now.
fn hold_ends(work: &Work<'_>, policy: &Policy, resource: &Resource) -> Option<DateTime<Utc>> {
    let held = resource.held.as_ref().map(|held| (&held.to, held.since, false));
    let asked = resource.asked.as_ref().filter(|asked| asked.waits);
    let asked = asked.map(|asked| (&asked.to, asked.at, true));
    let ends = |(to, due_at, wished): (&PhaseName, DateTime<Utc>, bool)| {
        let into = policy.class(to);
        let irreversible = into == PhaseClass::Gone
            || policy
                .steps
                .iter()
                .any(|step| step.irreversible && step.from == resource.phase && step.to == *to);
        // Proof that comes moves the step itself, and that it comes is an input.
        let proven = Proven::default();
        let step = Wanted { to, into, irreversible, proven, wanted_at: due_at, due_at, wished };
        match work.verdict(resource, step) {
            gate::Verdict::Hold { until, .. } => until,
            gate::Verdict::Go => None,
        }
    };
    held.into_iter().chain(asked).filter_map(ends).min()
}
