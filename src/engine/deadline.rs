//! What the clock will do next to a resource, and when. Looks ahead; changes nothing.

use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::effect::Promise;
use super::id::PhaseName;
use super::policy::{Anchor, Cause, PhaseClass, Policy, Step};
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

/// The step that the clock takes next from a place, and its deadline: the earliest of those that apply.
///
/// A step that takes something away is never due before the latest date that a notice named for it (SAFE-9).
pub(super) fn next<'p>(
    policy: &'p Policy,
    resource: &Resource,
    place: Place<'_>,
) -> Option<(&'p Step, DateTime<Utc>)> {
    policy
        .steps
        .iter()
        .filter(|step| step.from == *place.phase && applies(step, resource, place))
        .filter_map(|step| Some((step, deadline(policy, step, resource, place)?)))
        .min_by_key(|(_, at)| *at)
}

fn applies(step: &Step, resource: &Resource, place: Place<'_>) -> bool {
    step.when.auto_renew.is_none_or(|on| on == resource.renews_itself())
        && step.when.entered_by.is_none_or(|cause| cause == place.entered_by)
}

fn deadline(
    policy: &Policy,
    step: &Step,
    resource: &Resource,
    place: Place<'_>,
) -> Option<DateTime<Utc>> {
    let anchors: Option<Vec<_>> =
        step.at.from.iter().map(|one| anchor(resource, place, *one)).collect();
    let from = anchors?.into_iter().max()?;
    let at = step.at.offset.from(from, policy.zone)?;
    let takes_away = policy.class(&step.to) > PhaseClass::Unpaid;
    let promised = resource.promised.get(&step.to).copied().filter(|_| takes_away);
    Some(promised.map_or(at, |promised| promised.max(at)))
}

/// What the clock will do to a resource, step after step, if nobody pays: the promises of a notice sent at `now`.
pub(super) fn outlook(policy: &Policy, resource: &Resource, now: DateTime<Utc>) -> Vec<Promise> {
    let mut promises = Vec::new();
    let mut place = Place::of(resource);
    for _ in 0..policy.phases.len() {
        let Some((step, at)) = next(policy, resource, place) else { break };
        let at = at.max(now);
        let class = policy.class(&step.to);
        promises.push(Promise { to: step.to.clone(), class, at, irreversible: step.irreversible });
        place = Place { phase: &step.to, entered_at: at, entered_by: Cause::Clock };
    }
    promises
}
