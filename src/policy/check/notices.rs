//! Notices that cannot be sent, or that would be sent twice.

use super::window::{Windows, bounds};
use crate::engine::id::PhaseName;
use crate::engine::policy::{Anchor, NoticeRule, NoticeTrigger, Offset, PhaseClass, Policy};
use crate::policy::error::Mistakes;
use crate::policy::read::Draft;

pub(super) fn check(draft: &Draft, mistakes: &mut Mistakes) {
    let policy = &draft.policy;
    let windows = [Windows::of(policy, true), Windows::of(policy, false)];
    for (index, (rule, places)) in policy.notices.iter().zip(&draft.notices).enumerate() {
        if let NoticeTrigger::Slots { anchor, offsets } = &rule.on {
            for (offset, place) in offsets.iter().zip(&places.slots) {
                if !fits(policy, &windows, rule, *anchor, *offset) {
                    mistakes
                        .add(place.clone(), format!("this slot of `{}` cannot fit", rule.kind))
                        .help("no resource is in one of its phases then, unless a hold keeps it");
                }
            }
        }
        if policy.notices[..index].iter().any(|other| twice(rule, other)) {
            mistakes.add(places.kind.clone(), format!("`{}` would be sent twice", rule.kind));
        }
    }
}

/// The phases in which a rule applies.
pub(super) fn phases<'p>(policy: &'p Policy, rule: &'p NoticeRule) -> Vec<&'p PhaseName> {
    if rule.phases.is_empty() {
        let live = policy.phases.iter().filter(|phase| phase.class != PhaseClass::Gone);
        live.map(|phase| &phase.name).collect()
    } else {
        rule.phases.iter().collect()
    }
}

fn fits(
    policy: &Policy,
    windows: &[Windows<'_>; 2],
    rule: &NoticeRule,
    anchor: Anchor,
    offset: Offset,
) -> bool {
    let slot = bounds(offset);
    let phases = phases(policy, rule);
    [true, false].iter().zip(windows).any(|(auto_renew, windows)| {
        rule.auto_renew.is_none_or(|wanted| wanted == *auto_renew)
            && phases.iter().any(|phase| match anchor {
                Anchor::Entry => slot.earliest <= windows.stay(phase),
                Anchor::Expiry | Anchor::Arrears => {
                    windows.holds(phase, slot.earliest) || windows.holds(phase, slot.latest)
                }
            })
    })
}

fn twice(left: &NoticeRule, right: &NoticeRule) -> bool {
    let meet = left.auto_renew.is_none()
        || right.auto_renew.is_none()
        || left.auto_renew == right.auto_renew;
    let phases = left.phases.is_empty()
        || right.phases.is_empty()
        || left.phases.iter().any(|phase| right.phases.contains(phase));
    let trigger = match (&left.on, &right.on) {
        (
            NoticeTrigger::Slots { anchor, offsets },
            NoticeTrigger::Slots { anchor: other_anchor, offsets: others },
        ) => anchor == other_anchor && offsets.iter().any(|offset| others.contains(offset)),
        (left, right) => left == right,
    };
    left.kind == right.kind && meet && phases && trigger
}
