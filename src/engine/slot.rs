//! Notice slots: instants at which a policy wants a notice. Each fires once, never "whenever the date is past" (PRE-1, PRE-2, PRE-8).

use alloc::format;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::deadline::{self, Place};
use super::id::ResourceId;
use super::notice;
use super::policy::{Anchor, NoticeRule, NoticeTrigger, PhaseClass, Policy};
use super::resource::Resource;
use super::work::Work;

/// Sends what is due; of several that are overdue the latest, the others are skipped (PRE-8).
pub(super) fn settle(work: &mut Work<'_>, id: &ResourceId) {
    let now = work.now;
    let Some((_, policy)) = work.known(id) else { return };
    let mut dealt_with = None;
    for rule in &policy.notices {
        let Some(resource) = work.resources.get(id) else { return };
        let mut due: Vec<_> =
            open_slots(policy, rule, resource).into_iter().filter(|slot| *slot <= now).collect();
        due.sort_unstable();
        let Some(latest) = due.pop() else { continue };
        dealt_with = dealt_with.max(Some(latest));
        let fits = fits(policy, rule, resource);
        if fits {
            notice::add(work, id, &rule.kind);
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
) -> Vec<DateTime<Utc>> {
    let NoticeTrigger::Slots { anchor, offsets } = &rule.on else { return Vec::new() };
    if policy.class(&resource.phase) == PhaseClass::Gone {
        return Vec::new();
    }
    let Some(from) = deadline::anchor(resource, Place::of(resource), *anchor) else {
        return Vec::new();
    };
    // A slot not later than the moment when the anchor became known was never due (PRE-8).
    let known_at = match anchor {
        Anchor::Expiry => resource.term.as_ref().map(|term| term.known_at),
        Anchor::Arrears => resource.arrears_known_at,
        Anchor::Entry => Some(resource.entered_at),
    };
    let after =
        known_at.map_or(resource.slots_until, |known_at| known_at.max(resource.slots_until));
    offsets
        .iter()
        .filter_map(|offset| offset.from(from, policy.zone))
        .filter(|slot| *slot > after && !resource.was_told(&rule.kind, *slot))
        .collect()
}

/// Whether a resource is one that the rule is about.
pub(super) fn fits(policy: &Policy, rule: &NoticeRule, resource: &Resource) -> bool {
    let in_phase = rule.phases.contains(&resource.phase)
        || (rule.phases.is_empty() && policy.class(&resource.phase) != PhaseClass::Gone);
    in_phase && rule.auto_renew.is_none_or(|on| on == resource.renews_itself())
}
