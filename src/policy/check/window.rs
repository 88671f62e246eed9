//! When a resource that nobody pays for can be in which phase, in seconds around the policy's own anchor.
//!
//! Approximate by design (a day has 24 hours, a wall-clock time lies within its day): bounds are never tighter than what
//! the engine does, so that what they exclude is really impossible.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::engine::hours::WorkingDays;
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
    /// The steps that the clock makes with these resources, when nobody asked for anything.
    steps: Vec<&'p Step>,
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
        let steps = policy.steps.iter().filter(|step| {
            step.when.auto_renew.is_none_or(|wanted| wanted == auto_renew)
                && causes(policy, &step.from).any(|cause| is_for(step, cause))
        });
        let mut windows = Self { policy, steps: steps.collect(), entered };
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
        for step in self.steps.clone() {
            let Some(window) = self.due(step) else { continue };
            let entry = self.entered.entry(&step.to).or_insert(window);
            entry.earliest = entry.earliest.min(window.earliest);
            entry.latest = entry.latest.max(window.latest);
        }
        before != self.entered
    }

    /// The steps that the clock makes with these resources, when nobody asked for anything.
    pub(in crate::policy) fn steps(&self) -> impl Iterator<Item = &'p Step> {
        self.steps.iter().copied()
    }

    /// When a step is due; `None` if its phase is never entered by the clock.
    pub(in crate::policy) fn due(&self, step: &Step) -> Option<Window> {
        let entered = *self.entered.get(&step.from)?;
        Some(due(self.policy, &step.at, entered))
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
        let left = self.latest(phase, |step| self.due(step).map(|due| due.latest));
        (earliest..=left).contains(&seconds)
    }

    /// The longest stay in `phase`, where every way out counts from the entry.
    pub(in crate::policy) fn stay(&self, phase: &PhaseName) -> i64 {
        self.latest(phase, |step| {
            (step.at.from == [Anchor::Entry]).then(|| after_entry(self.policy, &step.at).latest)
        })
    }

    /// The longest that the clock leaves a resource in a phase before it takes `step`.
    pub(super) fn before(&self, step: &Step) -> i64 {
        if step.at.from == [Anchor::Entry] {
            return after_entry(self.policy, &step.at).latest;
        }
        let stay = self.entered.get(&step.from).zip(self.due(step));
        stay.map_or(NO_END, |(entered, due)| due.latest - entered.earliest)
    }

    /// The latest way out of `phase`, whatever brought it there, where each takes the earliest that is for it.
    fn latest(&self, phase: &PhaseName, leaves: impl Fn(&Step) -> Option<i64>) -> i64 {
        let first_out = |cause| {
            let out = self.steps().filter(|step| step.from == *phase && is_for(step, cause));
            out.filter_map(&leaves).min().unwrap_or(NO_END)
        };
        causes(self.policy, phase).map(first_out).max().unwrap_or(NO_END)
    }
}

/// What brings a resource into a phase when nobody asked for anything, as far as the policy says.
fn causes(policy: &Policy, phase: &PhaseName) -> impl Iterator<Item = Cause> {
    let start = (policy.initial() == phase).then_some(Cause::Start);
    let clock = policy.steps.iter().any(|step| step.to == *phase).then_some(Cause::Clock);
    let back = policy.recoveries.iter().any(|way| way.to == *phase).then_some(Cause::Recovery);
    start.into_iter().chain(clock).chain(back)
}

fn is_for(step: &Step, cause: Cause) -> bool {
    step.when.entered_by.is_none_or(|wanted| wanted == cause)
}

fn due(policy: &Policy, at: &Deadline, entered: Window) -> Window {
    let offset = bounds(at.offset);
    let base = |anchor: &Anchor| match anchor {
        Anchor::Expiry | Anchor::Arrears => Window { earliest: 0, latest: 0 },
        Anchor::Entry => entered,
    };
    let later = |end: fn(Window) -> i64| at.from.iter().map(base).map(end).max().unwrap_or(0);
    let stay = at.at_least.map_or(NEVER_BEFORE, |stay| stay.num_seconds());
    let earliest =
        (later(|base| base.earliest) + offset.earliest).max(entered.earliest.saturating_add(stay));
    let latest =
        (later(|base| base.latest) + offset.latest).max(entered.latest.saturating_add(stay));
    Window {
        earliest: earliest.clamp(NEVER_BEFORE, NO_END),
        latest: (latest + closed(policy, at)).clamp(NEVER_BEFORE, NO_END),
    }
}

/// How long after the entry a step that counts from it is due.
fn after_entry(policy: &Policy, at: &Deadline) -> Window {
    let offset = bounds(at.offset);
    let stay = at.at_least.map_or(0, |stay| stay.num_seconds());
    Window {
        earliest: offset.earliest.max(stay),
        latest: offset.latest.max(stay) + closed(policy, at),
    }
}

/// The shortest stay in a phase before a step out of it, however late the phase was entered.
pub(super) fn at_least(step: &Step) -> i64 {
    let stay = step.at.at_least.map_or(0, |stay| stay.num_seconds());
    if step.at.from.contains(&Anchor::Entry) {
        bounds(step.at.offset).earliest.max(stay)
    } else {
        stay
    }
}

/// The longest that a deadline waits for a working day.
fn closed(policy: &Policy, at: &Deadline) -> i64 {
    if at.working_days_only { longest_break(&policy.working_days) * DAY } else { 0 }
}

/// The longest run of days without work.
fn longest_break(days: &WorkingDays) -> i64 {
    // A week without holidays shows what weekends do; the end of chrono's range holds none that anybody listed.
    let quiet_week = NaiveDate::MIN.iter_days().take(14);
    let mut longest = 0;
    let mut counted_to = None;
    for day in quiet_week.chain(days.holidays.iter().copied()) {
        if days.include(day) || counted_to.is_some_and(|end| day < end) {
            continue;
        }
        let first = std::iter::successors(Some(day), NaiveDate::pred_opt)
            .take_while(|day| !days.include(*day))
            .last()
            .unwrap_or(day);
        let end = days.first_from(day).unwrap_or(NaiveDate::MAX);
        longest = longest.max((end - first).num_days());
        counted_to = Some(end);
    }
    longest
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
