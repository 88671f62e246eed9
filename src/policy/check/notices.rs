//! Notices that cannot be sent, or that would be sent twice.

use super::window::{Windows, bounds};
use crate::engine::id::PhaseName;
use crate::engine::policy::{Anchor, NoticeRule, NoticeTrigger, Offset, PhaseClass, Policy, Step};
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
        if let NoticeTrigger::Ahead { to, offsets } = &rule.on {
            let steps: Vec<_> =
                policy.steps.iter().filter(|step| leads(policy, rule, step, to)).collect();
            for (offset, place) in offsets.iter().zip(&places.slots) {
                let lead = -bounds(*offset).latest;
                if steps.is_empty() {
                    mistakes
                        .add(place.clone(), format!("nothing leads to `{to}` for `{}`", rule.kind))
                        .expected("a [[step]] out of one of its phases");
                } else if !steps.iter().any(|step| is_long(&windows, step, lead)) {
                    mistakes
                        .add(place.clone(), format!("this slot of `{}` cannot fit", rule.kind))
                        .help(format!("the step to `{to}` comes sooner after its phase began"));
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

/// Whether a step enters `to` out of a phase of the rule.
fn leads(policy: &Policy, rule: &NoticeRule, step: &Step, to: &PhaseName) -> bool {
    let is_meant = |wanted| step.when.auto_renew.is_none_or(|other| other == wanted);
    step.to == *to
        && phases(policy, rule).contains(&&step.from)
        && rule.auto_renew.is_none_or(is_meant)
}

/// Whether a phase can last longer than `lead` before a step ends it.
fn is_long(windows: &[Windows<'_>; 2], step: &Step, lead: i64) -> bool {
    windows.iter().any(|windows| lead < windows.before(step))
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
        (
            NoticeTrigger::Ahead { to, offsets },
            NoticeTrigger::Ahead { to: other_to, offsets: others },
        ) => to == other_to && offsets.iter().any(|offset| others.contains(offset)),
        (left, right) => left == right,
    };
    left.kind == right.kind && meet && phases && trigger
}
