//! Notice slots: instants at which a policy wants a notice. Each fires once, never "whenever the date is past" (PRE-1, PRE-2, PRE-8).

use alloc::format;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::deadline::{self, Place};
use super::decision::Proofs;
use super::id::ResourceId;
use super::notice;
use super::policy::{NoticeRule, NoticeTrigger, Offset, PhaseClass, Policy};
use super::resource::Resource;
use super::work::Work;

/// Sends what is due; of several that are overdue the latest, the others are skipped (PRE-8).
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((_, policy)) = work.known(id) else { return };
    let mut dealt_with = None;
    for (index, rule) in policy.notices.iter().enumerate() {
        let Some(resource) = work.resources.get(id) else { return };
        let mut due = open_slots(policy, rule, resource, work.proofs);
        due.retain(|slot| *slot <= now);
        due.sort_unstable();
        let Some(latest) = due.pop() else { continue };
        dealt_with = dealt_with.max(Some(latest));
        let fits = fits(policy, rule, resource);
        if fits {
            notice::add_slot(work, id, index);
        } else {
            due.push(latest);
        }
        for slot in due {
            let why =
                if fits { "a later one is sent" } else { "the resource is not in a phase for it" };
            work.because("PRE-8", Some(id), format!("{} of {slot} skipped: {why}", rule.kind));
        }
    }
    if let (Some(until), Some(resource)) = (dealt_with, work.resources.get_mut(id)) {
        resource.slots_until = resource.slots_until.max(until);
    }
}

/// The slots of a rule that are neither dealt with nor void.
pub(super) fn open_slots(
    policy: &Policy,
    rule: &NoticeRule,
    resource: &Resource,
    proofs: Proofs,
) -> Vec<DateTime<Utc>> {
    if policy.class(&resource.phase) == PhaseClass::Gone {
        return Vec::new();
    }
    let Some((from, known_at, offsets)) = counted_from(policy, rule, resource, proofs) else {
        return Vec::new();
    };
    // A slot not later than the moment when what it counts from became known was never due (PRE-8).
    let after = known_at.max(resource.slots_until);
    offsets
        .iter()
        .filter_map(|offset| offset.from(from, policy.zone))
        .filter(|slot| *slot > after && !resource.was_told(&rule.kind, *slot))
        .collect()
}

/// What the slots of a rule count from, since when that is known, and the distances.
fn counted_from<'p>(
    policy: &Policy,
    rule: &'p NoticeRule,
    resource: &Resource,
    proofs: Proofs,
) -> Option<(DateTime<Utc>, DateTime<Utc>, &'p [Offset])> {
    let place = Place::of(resource);
    match &rule.on {
        NoticeTrigger::Slots { anchor, offsets } => {
            let from = deadline::anchor(resource, place, *anchor)?;
            let known_at = deadline::known_at(resource, place, *anchor);
            Some((from, known_at.unwrap_or(resource.slots_until), offsets))
        }
        NoticeTrigger::Ahead { to, offsets } => {
            let due =
                deadline::next(policy, resource, place, proofs).filter(|due| due.step.to == *to)?;
            // Only with auto-renewal on, or off: before it was switched nobody could know.
            let switched = resource.auto_renew.as_ref().map(|setting| setting.time);
            let switched = switched.filter(|_| due.step.when.auto_renew.is_some());
            // A date that nothing but missing proof put off is no reason to warn again before the proof is there.
            let from = if due.proven.missing.is_some() { due.wanted_at } else { due.at };
            Some((from, switched.map_or(due.known_at, |at| due.known_at.max(at)), offsets))
        }
        NoticeTrigger::ArrearsStarted
        | NoticeTrigger::Step
        | NoticeTrigger::ChargeFailed
        | NoticeTrigger::BalanceCheck
        | NoticeTrigger::Renewed
        | NoticeTrigger::Restored
        | NoticeTrigger::Terminated
        | NoticeTrigger::TerminationScheduled
        | NoticeTrigger::Returned => None,
    }
}

/// Whether a resource is one that the rule is about.
pub(super) fn fits(policy: &Policy, rule: &NoticeRule, resource: &Resource) -> bool {
    let in_phase = rule.phases.contains(&resource.phase)
        || (rule.phases.is_empty() && policy.class(&resource.phase) != PhaseClass::Gone);
    in_phase && is_meant(rule, resource)
}

/// Whether the rule is for resources that renew themselves, or that do not, as this one.
pub(super) fn is_meant(rule: &NoticeRule, resource: &Resource) -> bool {
    rule.auto_renew.is_none_or(|on| on == resource.renews_itself())
}
