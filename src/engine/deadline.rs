//! What the clock will do next to a resource, and when. Looks ahead; changes nothing.

use alloc::vec::Vec;
use core::cmp::Reverse;

use chrono::{DateTime, NaiveDate, Utc};

use super::calendar;
use super::decision::Proofs;
use super::effect::Promise;
use super::gate::{Proven, Wanted};
use super::id::PhaseName;
use super::policy::{Anchor, Cause, PhaseClass, Policy, Step};
use super::proof;
use super::resource::Resource;

/// Where a resource is, or will be.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub(super) phase: &'p PhaseName,
    pub(super) entered_at: DateTime<Utc>,
    pub(super) entered_by: Cause,
}

impl<'p> Place<'p> {
    /// Where it is now.
    pub(super) fn of(resource: &'p Resource) -> Self {
        Self {
            phase: &resource.phase,
            entered_at: resource.entered_at,
            entered_by: resource.entered_by,
        }
    }
}

/// The instant of an anchor, if it exists.
pub(super) fn anchor(
    resource: &Resource,
    place: Place<'_>,
    anchor: Anchor,
) -> Option<DateTime<Utc>> {
    match anchor {
        Anchor::Expiry => resource.expiry(),
        Anchor::Arrears => resource.arrears_since,
        Anchor::Entry => Some(place.entered_at),
    }
}

/// A step that the clock will take.
#[derive(Clone, Copy)]
pub(super) struct Due<'p> {
    pub(super) step: &'p Step,
    /// When the policy wants it: then it is said if something holds it.
    pub(super) wanted_at: DateTime<Utc>,
    /// When it comes by what is known: proof that came late moves it (SAFE-4).
    pub(super) at: DateTime<Utc>,
    /// What is proven of what it asks for.
    pub(super) proven: Proven,
    /// Since when that can be known: what lies before is not made up.
    pub(super) known_at: DateTime<Utc>,
}

/// The step that the clock takes next from a place, and its deadline: the earliest of those that apply.
///
/// A step that takes something away is never due before the latest date that a notice named for it, nor before the newest
/// version of the policy wants it (SAFE-9), and one for working days only never on another day.
pub(super) fn next<'p>(
    policy: &'p Policy,
    resource: &Resource,
    place: Place<'_>,
    proofs: Proofs,
) -> Option<Due<'p>> {
    policy
        .steps
        .iter()
        .filter(|step| step.from == *place.phase && applies(step, resource, place))
        .filter_map(|step| due((policy, step), resource, place, proofs))
        .map(|due| or_later(due, policy, resource, place, proofs))
        .min_by_key(|due| due.at)
}

/// A step of a case in flight, by its own version or by the newest: whichever wants it later.
fn or_later<'p>(
    due: Due<'p>,
    policy: &Policy,
    resource: &Resource,
    place: Place<'_>,
    proofs: Proofs,
) -> Due<'p> {
    let Some(newest) = policy.newest.as_deref() else { return due };
    if policy.class(&due.step.to) <= PhaseClass::Unpaid {
        return due;
    }
    let same = newest.steps.iter().filter(|step| {
        step.from == due.step.from && step.to == due.step.to && applies(step, resource, place)
    });
    let wanted = same.filter_map(|step| self::due((newest, step), resource, place, proofs));
    match wanted.min_by_key(|due| due.at) {
        Some(new) => {
            Due { wanted_at: due.wanted_at.max(new.wanted_at), at: due.at.max(new.at), ..due }
        }
        None => due,
    }
}

fn applies(step: &Step, resource: &Resource, place: Place<'_>) -> bool {
    step.when.auto_renew.is_none_or(|on| on == resource.renews_itself())
        && step.when.entered_by.is_none_or(|cause| cause == place.entered_by)
}

fn due<'p>(
    (policy, step): (&'p Policy, &'p Step),
    resource: &Resource,
    place: Place<'_>,
    proofs: Proofs,
) -> Option<Due<'p>> {
    let anchors: Option<Vec<_>> = step
        .at
        .from
        .iter()
        .map(|one| Some((anchor(resource, place, *one)?, known_at(resource, place, *one))))
        .collect();
    // Of two anchors at one instant the one that was known first.
    let (from, known_at) = anchors?.into_iter().max_by_key(|(at, known)| (*at, Reverse(*known)))?;
    let mut at = step.at.offset.from(from, policy.zone)?;
    if let Some(stay) = step.at.at_least {
        at = at.max(place.entered_at.checked_add_signed(stay)?);
    }
    // By the policy alone; what a notice named makes it later, never earlier.
    at = on_day_of(policy, step, at)?;
    if policy.class(&step.to) > PhaseClass::Unpaid
        && let Some(promised) = resource.promised.get(&step.to)
    {
        at = at.max(*promised);
    }
    let wanted_at = on_day_of(policy, step, at)?;
    let proven = proof::of((step, wanted_at), resource, place, proofs);
    let at = match proofs {
        Proofs::Assumed => wanted_at,
        Proofs::Recorded => {
            let moved = resource.named.get(&step.to).copied().max(proven.from);
            match moved.filter(|moved| *moved > wanted_at) {
                Some(moved) => on_day_of(policy, step, moved)?,
                None => wanted_at,
            }
        }
    };
    let known_at = known_at.map_or(place.entered_at, |known_at| known_at.max(place.entered_at));
    Some(Due { step, wanted_at, at, proven, known_at })
}

/// `at`, or the first time after it at which the step may come by the calendar.
fn on_day_of(policy: &Policy, step: &Step, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !step.at.working_days_only {
        return Some(at);
    }
    on_working_day(policy, at, calendar::local_date(policy.zone, at))
}

/// When dunlin learned of an anchor.
pub(super) fn known_at(
    resource: &Resource,
    place: Place<'_>,
    anchor: Anchor,
) -> Option<DateTime<Utc>> {
    match anchor {
        Anchor::Expiry => resource.term.as_ref().map(|term| term.known_at),
        Anchor::Arrears => resource.arrears_known_at,
        Anchor::Entry => Some(place.entered_at),
    }
}

/// The local time of `at` on the first working day from `date` on.
fn on_working_day(policy: &Policy, at: DateTime<Utc>, date: NaiveDate) -> Option<DateTime<Utc>> {
    let day = policy.working_days.first_from(date)?;
    if day == calendar::local_date(policy.zone, at) {
        return Some(at);
    }
    let time = at.with_timezone(&policy.zone).time();
    calendar::at_local(policy.zone, day.and_time(time))
}

impl<'p> Due<'p> {
    /// The step as the gate is asked for it. Nobody wished for what the clock takes.
    pub(super) fn wanted(
        &self,
        policy: &Policy,
        resource: &Resource,
        now: DateTime<Utc>,
    ) -> Wanted<'p> {
        let step = self.step;
        // What was put off to a day, and perhaps named for it, asks then for the facts up to that.
        let put_off = resource.put_off.filter(|_| self.not_today(policy, resource, now).is_none());
        Wanted {
            to: &step.to,
            into: policy.class(&step.to),
            irreversible: step.irreversible,
            proven: self.proven,
            wanted_at: self.wanted_at,
            due_at: self.wanted_at.max(self.at).max(put_off.unwrap_or(self.at)),
            wished: false,
        }
    }

    /// The first instant from `now` on at which the step may be taken. One that was late or held does not come on a day without
    /// work either; what was put off to a day comes at its time on that day, whoever looks at it before.
    pub(super) fn ahead(
        &self,
        policy: &Policy,
        resource: &Resource,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        if self.at >= now {
            return self.at;
        }
        self.not_today(policy, resource, now).unwrap_or(now)
    }

    /// Of a step that is late: when it is looked at again, if that is not now. On a day without work nothing comes and nothing
    /// is said to be held, and what was put off to a day has its time on that day.
    pub(super) fn not_today(
        &self,
        policy: &Policy,
        resource: &Resource,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !self.step.at.working_days_only {
            return None;
        }
        let today = calendar::local_date(policy.zone, now);
        if policy.working_days.include(today) {
            return resource.put_off.filter(|until| *until > now);
        }
        let next = on_working_day(policy, self.wanted_at, today);
        let next = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let next = if self.at > now { next.min(self.at) } else { next };
        Some(resource.put_off.map_or(next, |until| until.max(next)))
    }
}

/// What the clock will do to a resource, step after step, if nobody pays: the promises of a notice sent at `now`.
///
/// Of a step for which proof is missing none names a date that it could not keep if everything were accepted at once.
pub(super) fn outlook(
    policy: &Policy,
    resource: &Resource,
    proofs: Proofs,
    now: DateTime<Utc>,
) -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut place = Place::of(resource);
    for _ in 0..policy.phases.len() {
        let Some(due) = next(policy, resource, place, proofs) else { break };
        let (step, at) = (due.step, due.ahead(policy, resource, now));
        let proven = due.proven.missing.map(|missing| proof::at_best(missing, now));
        let at = match proven.filter(|proven| *proven > at) {
            Some(proven) => on_day_of(policy, step, proven).unwrap_or(DateTime::<Utc>::MAX_UTC),
            None => at,
        };
        let class = policy.class(&step.to);
        promises.push(Promise { to: step.to.clone(), class, at, irreversible: step.irreversible });
        place = Place { phase: &step.to, entered_at: at, entered_by: Cause::Clock };
    }
    promises
}
