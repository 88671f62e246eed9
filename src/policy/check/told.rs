//! Nothing is lost in silence: before every irreversible step of the clock there is a notice, on every path to it.

use std::collections::BTreeMap;

use super::notices::phases;
use super::window::{Windows, at_least, bounds};
use crate::engine::id::PhaseName;
use crate::engine::policy::{Anchor, Cause, NoticeTrigger, Offset, Policy, Step};
use crate::policy::error::Mistakes;
use crate::policy::read::Draft;

pub(super) fn check(draft: &Draft, mistakes: &mut Mistakes) {
    let mut refused = Vec::new();
    for auto_renew in [true, false] {
        let told = Told::of(&draft.policy, auto_renew);
        for (step, places) in draft.policy.steps.iter().zip(&draft.steps) {
            // What was told before an import counts as told where the policy tells it on the way there.
            let by_clock = matches!(
                step.when.entered_by,
                None | Some(Cause::Clock | Cause::Recovery | Cause::Start | Cause::Import)
            );
            let matches = step.when.auto_renew.is_none_or(|wanted| wanted == auto_renew);
            if step.irreversible
                && by_clock
                && matches
                && !told.before(step)
                && !refused.contains(&places.number)
            {
                refused.push(places.number);
                mistakes
                    .add(
                        places.to.clone(),
                        format!(
                            "`{}` to `{}` loses data, and nobody is told before",
                            step.from, step.to
                        ),
                    )
                    .expected("a [[notice]] that comes before this step on every path to it")
                    .help("slots before it, on = \"arrears\", or a notice with an earlier step");
            }
        }
    }
}

/// In which phases contacts have heard of the trouble, whatever path led there.
struct Told<'p> {
    policy: &'p Policy,
    auto_renew: bool,
    windows: Windows<'p>,
    phases: BTreeMap<&'p PhaseName, bool>,
}

impl<'p> Told<'p> {
    fn of(policy: &'p Policy, auto_renew: bool) -> Self {
        let mut phases: BTreeMap<_, _> =
            policy.phases.iter().map(|phase| (&phase.name, true)).collect();
        phases.insert(policy.initial(), false);
        // Whoever comes back starts anew.
        for way in &policy.recoveries {
            phases.insert(&way.to, false);
        }
        let windows = Windows::of(policy, auto_renew);
        let mut told = Self { policy, auto_renew, windows, phases };
        // Each round can only take away; there is at most one to take from each phase.
        for _ in &policy.phases {
            for step in told.windows.steps() {
                if step.notice.is_none() && !told.before(step) {
                    told.phases.insert(&step.to, false);
                }
            }
        }
        told
    }

    /// Whether contacts have been told before `step`.
    fn before(&self, step: &Step) -> bool {
        self.phases.get(&step.from).copied().unwrap_or(false) || self.in_phase_before(step)
    }

    /// Whether a notice of the phase itself comes before the step out of it.
    fn in_phase_before(&self, step: &Step) -> bool {
        let due = self.windows.due(step);
        self.policy.notices.iter().any(|rule| {
            let here = rule.auto_renew.is_none_or(|wanted| wanted == self.auto_renew)
                && phases(self.policy, rule).contains(&&step.from);
            here && match &rule.on {
                NoticeTrigger::ArrearsStarted => true,
                NoticeTrigger::Slots { anchor: Anchor::Entry, offsets } => {
                    let out = bounds(step.at.offset).latest;
                    let counted = step.at.from.contains(&Anchor::Entry);
                    offsets.iter().any(|offset| counted && bounds(*offset).latest < out)
                }
                NoticeTrigger::Slots { anchor: Anchor::Expiry | Anchor::Arrears, offsets } => {
                    offsets.iter().map(|offset| bounds(*offset).latest).any(|slot| {
                        due.is_some_and(|due| slot < due.latest)
                            && self.windows.holds(&step.from, slot)
                    })
                }
                NoticeTrigger::Ahead { to, offsets } => {
                    // One that may be switched to at any time may come before its slot.
                    let lead = |offset: &Offset| -bounds(*offset).earliest;
                    *to == step.to
                        && step.when.auto_renew.is_none()
                        && offsets.iter().any(|offset| lead(offset) < at_least(step))
                }
                NoticeTrigger::Step
                | NoticeTrigger::ChargeFailed
                | NoticeTrigger::BalanceCheck
                | NoticeTrigger::Renewed
                | NoticeTrigger::Restored
                | NoticeTrigger::Terminated
                | NoticeTrigger::TerminationScheduled
                | NoticeTrigger::Returned => false,
            }
        })
    }
}
