//! Slots of notices: each fires at its instant, once, where the resource fits it; none passes unseen (PRE-1, PRE-2, PRE-8, REN-1).

use chrono::{DateTime, Utc};
use dunlin::engine::effect::{Effect, NoticeItem};
use dunlin::engine::id::NoticeKind;
use dunlin::engine::policy::{NoticeRule, NoticeTrigger, PhaseClass, Policy};
use dunlin::engine::resource::Resource;

use super::{Moment, dates, policy_of};

pub(super) fn check(moment: &Moment<'_>) {
    for effect in &moment.decision.effects {
        let Effect::Notice(notice) = effect else { continue };
        for item in &notice.items {
            check_instant(moment, &notice.kind, item);
        }
    }
    for (id, after, policy) in moment.touched() {
        let before = moment.before(id);
        for rule in &policy.notices {
            check_fired(moment, before, after, rule);
        }
        if let Some(before) = before {
            check_none_passed(moment, before, policy);
        }
    }
}

/// The instants of a rule: around the running term, or before the step that comes next; and since when they can be known.
fn slots(
    policy: &Policy,
    rule: &NoticeRule,
    resource: &Resource,
) -> Option<(Vec<DateTime<Utc>>, DateTime<Utc>)> {
    let (from, known_at, offsets) = match &rule.on {
        NoticeTrigger::Slots { offsets, .. } => {
            (resource.expiry()?, resource.term.as_ref()?.known_at, offsets)
        }
        NoticeTrigger::Ahead { to, offsets } => {
            let (step, at, known_at) = dates::next(policy, resource)?;
            (step.to == *to).then_some((at, known_at, offsets))?
        }
        _ => return None,
    };
    let instants = offsets.iter().filter_map(|offset| offset.from(from, policy.zone));
    Some((instants.collect(), known_at))
}

/// Whether a rule wants a notice about a resource at this very instant.
pub(super) fn is_slot_now(
    moment: &Moment<'_>,
    policy: &Policy,
    rule: &NoticeRule,
    resource: &Resource,
) -> bool {
    let Some((instants, known_at)) = slots(policy, rule, resource) else { return false };
    // A step that is due again since this instant, by a date that can be long known: its last warning is late.
    let before = moment.before(&resource.id);
    let was = before.and_then(|before| slots(policy, rule, before));
    let open_from = before.map(|before| before.slots_until.max(known_at));
    let is_late = matches!(rule.on, NoticeTrigger::Ahead { .. })
        && was.is_none_or(|(was, _)| was != instants)
        && instants.iter().any(|slot| Some(*slot) > open_from && *slot < moment.now);
    fits(rule, resource) && (is_late || instants.contains(&moment.now))
}

/// A notice of a slot comes at a slot: time stops at each, so there is no other instant for it.
fn check_instant(moment: &Moment<'_>, kind: &NoticeKind, item: &NoticeItem) {
    let resource = moment.after(&item.resource);
    let policy = policy_of(resource);
    let mut rules = policy.notices.iter().filter(|rule| rule.kind == *kind).peekable();
    assert!(rules.peek().is_some(), "notice: {kind} is none of its policy");
    let is_meant = rules.any(|rule| match rule.on {
        NoticeTrigger::Slots { .. } | NoticeTrigger::Ahead { .. } => {
            is_slot_now(moment, policy, rule, resource)
        }
        _ => true,
    });
    assert!(is_meant, "slot: {kind} at {} does not fit {resource:?}", moment.now);
}

fn fits(rule: &NoticeRule, resource: &Resource) -> bool {
    rule.phases.contains(&resource.phase)
        && rule.auto_renew.is_none_or(|on| on == resource.renews_itself())
}

/// A slot that is open falls due in this very instant, and what it counts from is what it was: it is told.
fn check_fired(
    moment: &Moment<'_>,
    before: Option<&Resource>,
    after: &Resource,
    rule: &NoticeRule,
) {
    let policy = policy_of(after);
    let Some(before) = before.filter(|before| before.term == after.term) else { return };
    let was = slots(policy, rule, before);
    let Some((instants, known_at)) =
        was.filter(|was| Some(was) == slots(policy, rule, after).as_ref())
    else {
        return;
    };
    // It was never due before what it counts from was known (PRE-8).
    let is_open = known_at.max(before.slots_until) < moment.now;
    if is_open && fits(rule, after) && instants.contains(&moment.now) {
        let told = moment.decision.effects.iter().any(|effect| {
            matches!(effect, Effect::Notice(notice) if notice.kind == rule.kind
                && notice.items.iter().any(|item| item.resource == after.id))
        });
        assert!(told, "slot: no {} about {} at {}", rule.kind, after.id, moment.now);
    }
}

fn check_none_passed(moment: &Moment<'_>, before: &Resource, policy: &Policy) {
    if policy.class(&before.phase) == PhaseClass::Gone {
        return;
    }
    for rule in &policy.notices {
        let Some((instants, known_at)) = slots(policy, rule, before) else { continue };
        let after = known_at.max(before.slots_until);
        let passed = instants.into_iter().find(|slot| *slot > after && *slot < moment.now);
        assert_eq!(passed, None, "slot: {} about {} passed unseen", rule.kind, before.id);
    }
}
