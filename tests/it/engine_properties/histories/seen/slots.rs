//! Slots of notices: each fires at its instant, once, where the resource fits it; none passes unseen (PRE-1, PRE-2, PRE-8, REN-1).

use chrono::{DateTime, Utc};
use dunlin::engine::effect::{Effect, NoticeItem};
use dunlin::engine::id::NoticeKind;
use dunlin::engine::policy::{NoticeRule, NoticeTrigger, PhaseClass, Policy};
use dunlin::engine::resource::Resource;

use super::{Moment, policy_of};

pub(super) fn check(moment: &Moment<'_>) {
    for effect in &moment.decision.effects {
        let Effect::Notice(notice) = effect else { continue };
        for item in &notice.items {
            check_instant(moment, &notice.kind, item);
        }
    }
    for (id, after, policy) in moment.touched() {
        let before = moment.before(id);
        for rule in policy.notices.iter().filter(|rule| !slots(policy, rule, after).is_empty()) {
            check_fired(moment, before, after, rule);
        }
        if let Some(before) = before {
            check_none_passed(moment, before, policy);
        }
    }
}

/// The instants of a rule around the running term.
fn slots(policy: &Policy, rule: &NoticeRule, resource: &Resource) -> Vec<DateTime<Utc>> {
    let (NoticeTrigger::Slots { offsets, .. }, Some(expiry)) = (&rule.on, resource.expiry()) else {
        return Vec::new();
    };
    offsets.iter().filter_map(|offset| offset.from(expiry, policy.zone)).collect()
}

/// A notice of a slot comes at a slot: time stops at each, so there is no other instant for it.
fn check_instant(moment: &Moment<'_>, kind: &NoticeKind, item: &NoticeItem) {
    let resource = moment.after(&item.resource);
    let policy = policy_of(resource);
    let rule = policy.notices.iter().find(|rule| rule.kind == *kind);
    let rule = rule.unwrap_or_else(|| panic!("notice: {kind} is none of its policy"));
    if matches!(rule.on, NoticeTrigger::Slots { .. }) {
        let at_slot = slots(policy, rule, resource).contains(&moment.now);
        assert!(at_slot, "slot: {kind} about {} at {}, which is none", item.resource, moment.now);
        assert!(fits(rule, resource), "slot: {kind} does not fit {resource:?}");
    }
}

fn fits(rule: &NoticeRule, resource: &Resource) -> bool {
    rule.phases.contains(&resource.phase)
        && rule.auto_renew.is_none_or(|on| on == resource.renews_itself())
}

/// Since when a slot may be due: it was never due before this expiry was known (PRE-8).
fn after_which(resource: &Resource) -> Option<DateTime<Utc>> {
    Some(resource.term.as_ref()?.known_at.max(resource.slots_until))
}

fn check_fired(
    moment: &Moment<'_>,
    before: Option<&Resource>,
    after: &Resource,
    rule: &NoticeRule,
) {
    let policy = policy_of(after);
    let Some(before) = before.filter(|before| before.term == after.term) else { return };
    let is_open = after_which(before) < Some(moment.now);
    if is_open && fits(rule, after) && slots(policy, rule, after).contains(&moment.now) {
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
        let passed = slots(policy, rule, before);
        let passed =
            passed.into_iter().find(|slot| Some(*slot) > after_which(before) && *slot < moment.now);
        assert_eq!(passed, None, "slot: {} about {} passed unseen", rule.kind, before.id);
    }
}
