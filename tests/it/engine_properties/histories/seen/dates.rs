//! When the clock may do what: the dates of a policy, once more (spec §1, SAFE-9, SAFE-10).
//!
//! Counts with the engine's calendar, and knows none of its decisions.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::calendar;
use dunlin::engine::policy::{Anchor, Cause, Policy, Step};
use dunlin::engine::resource::Resource;

use super::policy_of;

/// What a date counts from, for a resource at a place.
#[derive(Clone, Copy)]
pub(super) struct Since {
    pub(super) arrears: Option<DateTime<Utc>>,
    pub(super) entered_at: DateTime<Utc>,
}

impl Since {
    pub(super) fn of(resource: &Resource) -> Self {
        Self { arrears: resource.arrears_since, entered_at: resource.entered_at }
    }
}

/// When a step is due, whatever is held: by the policy, not before what was promised, and on a day for it.
pub(super) fn due(
    step: &Step,
    resource: &Resource,
    since: Since,
    promised: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let policy = policy_of(resource);
    let anchors = step.at.from.iter().map(|anchor| match anchor {
        Anchor::Expiry => resource.expiry(),
        Anchor::Arrears => since.arrears,
        Anchor::Entry => Some(since.entered_at),
    });
    let latest = anchors.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    let at = step.at.offset.from(latest, policy.zone)?;
    let stayed = step.at.at_least.map(|stay| since.entered_at + stay);
    let at = on_a_day_for(policy, step, stayed.map_or(at, |stayed| stayed.max(at)));
    Some(promised.map_or(at, |promised| on_a_day_for(policy, step, promised.max(at))))
}

/// Whether a step may come on the day of `at`.
pub(super) fn is_day_for(policy: &Policy, step: &Step, at: DateTime<Utc>) -> bool {
    !step.at.working_days_only || policy.working_days.include(calendar::local_date(policy.zone, at))
}

/// The same time of the first day from `at` on that is one for the step. Days have 24 hours where the shipped policies are.
fn on_a_day_for(policy: &Policy, step: &Step, at: DateTime<Utc>) -> DateTime<Utc> {
    let mut days = (0..30).map(|day| at + TimeDelta::days(day));
    days.find(|at| is_day_for(policy, step, *at)).expect("a day with work within a month")
}

/// When a step that was due `at` and could not come on the day of `now` comes then: at its time on the next day for it.
pub(super) fn ahead(
    policy: &Policy,
    step: &Step,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    if at >= now || !step.at.working_days_only {
        return at.max(now);
    }
    let day = |instant| calendar::local_date(policy.zone, instant);
    let today = at + TimeDelta::days((day(now) - day(at)).num_days());
    on_a_day_for(policy, step, today).max(now)
}

/// The step that comes next by the policy, when, and since when that can be known.
pub(super) fn next<'p>(
    policy: &'p Policy,
    resource: &Resource,
) -> Option<(&'p Step, DateTime<Utc>, DateTime<Utc>)> {
    let steps = policy.steps.iter().filter(|step| applies(step, resource, resource.entered_by));
    let dated = steps.filter_map(|step| {
        let promised = resource.promised.get(&step.to).copied();
        let at = due(step, resource, Since::of(resource), promised)?;
        Some((step, at, known_at(step, resource)))
    });
    dated.min_by_key(|(_, at, _)| *at)
}

pub(super) fn applies(step: &Step, resource: &Resource, entered_by: Cause) -> bool {
    step.from == resource.phase
        && step.when.auto_renew.is_none_or(|on| on == resource.renews_itself())
        && step.when.entered_by.is_none_or(|cause| cause == entered_by)
}

/// When what a step counts from became known: nothing that lies before is made up for (PRE-8).
fn known_at(step: &Step, resource: &Resource) -> DateTime<Utc> {
    let entered = (Some(resource.entered_at), Some(resource.entered_at));
    let anchors = step.at.from.iter().map(|anchor| match anchor {
        Anchor::Expiry => (resource.expiry(), resource.term.as_ref().map(|term| term.known_at)),
        Anchor::Arrears => (resource.arrears_since, resource.arrears_known_at),
        Anchor::Entry => entered,
    });
    let (_, known) = anchors.max_by_key(|(at, known)| (*at, Reverse(*known))).unwrap_or(entered);
    known.map_or(resource.entered_at, |known| known.max(resource.entered_at))
}
