//! When a resource that nobody pays for can be in which phase, in seconds around the policy's own anchor.
//!
//! Approximate by design (a day has 24 hours, a wall-clock time lies within its day): bounds are never tighter than what
//! the engine does, so that what they exclude is really impossible.

use std::collections::BTreeMap;

use crate::engine::id::PhaseName;
use crate::engine::policy::{Anchor, Cause, Clock, Deadline, Offset, PhaseClass, Policy, Step};

const DAY: i64 = 86_400;
/// Before everything, after everything.
pub(in crate::policy) const NEVER_BEFORE: i64 = i64::MIN / 4;
pub(in crate::policy) const NO_END: i64 = i64::MAX / 4;

/// A stretch of time in which something happens, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Window {
    pub(in crate::policy) earliest: i64,
    pub(in crate::policy) latest: i64,
}

/// When phases are entered and left by the clock alone, for resources with auto-renewal on or off.
pub(in crate::policy) struct Windows<'p> {
    policy: &'p Policy,
    auto_renew: bool,
    entered: BTreeMap<&'p PhaseName, Window>,
}

impl<'p> Windows<'p> {
    pub(in crate::policy) fn of(policy: &'p Policy, auto_renew: bool) -> Self {
        // Arrears begin in whatever phase a resource is, and no slot of theirs comes before.
        let start = match policy.clock {
            Clock::Expiry => NEVER_BEFORE,
            Clock::Arrears => 0,
        };
        let first = Window { earliest: NEVER_BEFORE, latest: start };
        let entered = BTreeMap::from([(policy.initial(), first)]);
        let mut windows = Self { policy, auto_renew, entered };
        // A path visits each phase once; what still moves then goes in circles.
        for _ in &policy.phases {
            windows.advance();
        }
        let settled = windows.entered.clone();
        if windows.advance() {
            for (phase, window) in &mut windows.entered {
                if settled.get(*phase) != Some(window) {
                    window.latest = NO_END;
                }
            }
        }
        windows
    }

    fn advance(&mut self) -> bool {
        let before = self.entered.clone();
        for step in self.steps() {
            let Some(window) = self.due(step) else { continue };
            let entry = self.entered.entry(&step.to).or_insert(window);
            entry.earliest = entry.earliest.min(window.earliest);
            entry.latest = entry.latest.max(window.latest);
        }
        before != self.entered
    }

    /// The steps that the clock makes with these resources, when nobody asked for anything.
    pub(in crate::policy) fn steps(&self) -> impl Iterator<Item = &'p Step> + use<'p> {
        let auto_renew = self.auto_renew;
        self.policy.steps.iter().filter(move |step| {
            step.when.auto_renew.is_none_or(|wanted| wanted == auto_renew)
                && matches!(step.when.entered_by, None | Some(Cause::Clock))
        })
    }

    /// When a step is due; `None` if its phase is never entered by the clock.
    pub(in crate::policy) fn due(&self, step: &Step) -> Option<Window> {
        let entered = *self.entered.get(&step.from)?;
        Some(due(&step.at, entered))
    }

    /// Whether a resource can be in `phase` `seconds` after the policy's anchor.
    pub(in crate::policy) fn holds(&self, phase: &PhaseName, seconds: i64) -> bool {
        let Some(entered) = self.entered.get(phase) else { return false };
        if self.policy.class(phase) == PhaseClass::Gone {
            return false;
        }
        let earliest = match self.policy.clock {
            Clock::Expiry => entered.earliest,
            Clock::Arrears => 0,
        };
        (earliest..=self.left(phase)).contains(&seconds)
    }

    /// The latest instant at which a resource leaves `phase`, if nothing holds it.
    fn left(&self, phase: &PhaseName) -> i64 {
        let out = self.steps().filter(|step| step.from == *phase);
        out.filter_map(|step| self.due(step)).map(|due| due.latest).min().unwrap_or(NO_END)
    }

    /// The longest stay in `phase`, where every way out counts from the entry.
    pub(in crate::policy) fn stay(&self, phase: &PhaseName) -> i64 {
        let out =
            self.steps().filter(|step| step.from == *phase && step.at.from == [Anchor::Entry]);
        out.map(|step| bounds(step.at.offset).latest).min().unwrap_or(NO_END)
    }
}

fn due(at: &Deadline, entered: Window) -> Window {
    let offset = bounds(at.offset);
    let base = |anchor: &Anchor| match anchor {
        Anchor::Expiry | Anchor::Arrears => Window { earliest: 0, latest: 0 },
        Anchor::Entry => entered,
    };
    let later = |end: fn(Window) -> i64| at.from.iter().map(base).map(end).max().unwrap_or(0);
    Window {
        earliest: (later(|base| base.earliest) + offset.earliest).clamp(NEVER_BEFORE, NO_END),
        latest: (later(|base| base.latest) + offset.latest).clamp(NEVER_BEFORE, NO_END),
    }
}

/// How far from its anchor an offset can lie.
pub(in crate::policy) fn bounds(offset: Offset) -> Window {
    match offset {
        Offset::Span { days, time } => {
            let seconds = i64::from(days) * DAY + time.num_seconds();
            Window { earliest: seconds, latest: seconds }
        }
        Offset::DayTime { day, time } => {
            let of_day = (time - chrono::NaiveTime::MIN).num_seconds();
            let latest = i64::from(day) * DAY + of_day;
            Window { earliest: latest - DAY, latest }
        }
    }
}
