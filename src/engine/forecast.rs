//! What comes next to one resource, and when, if nothing else happens: looked up in the same modules that will do it.
//!
//! Changes nothing and promises nothing: an event, a hold or a late dunlin makes it otherwise. What the account's balance will
//! be is not foreseen: where it matters, it stays as it is.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};

use super::account::Account;
use super::charge;
use super::deadline::{self, Due, Place};
use super::decision::Proofs;
use super::erasure;
use super::gate::Because;
use super::hold::Hold;
use super::id::{NoticeKind, PhaseName};
use super::moratorium::Moratoria;
use super::notice;
use super::policy::{Cause, Channel, NoticeRule, NoticeTrigger, PhaseClass, Policy};
use super::resource::{Asked, HeldStep, Resource};
use super::slot;

/// One thing that will happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// What.
    pub what: Coming,
}

/// What will happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coming {
    /// The clock moves it to another phase.
    Step {
        /// From.
        from: PhaseName,
        /// To.
        to: PhaseName,
        /// Data is lost with it.
        irreversible: bool,
        /// The rules that ask for it.
        rules: Vec<String>,
    },
    /// A step is due, and what holds it has no end that is known: nothing is foreseen beyond it.
    Held {
        /// The phase that waits.
        to: PhaseName,
    },
    /// What the customer asked for: a termination that was set for this instant, or what a hold keeps waiting until then.
    Wish {
        /// The phase that it enters; `None` if it will be refused, since the account owes money.
        to: Option<PhaseName>,
    },
    /// Contacts are told.
    Notice {
        /// Of what.
        kind: NoticeKind,
        /// How.
        channels: Vec<Channel>,
        /// Channels that wait for the end of the quiet hours, and until when (UTC).
        not_before: BTreeMap<Channel, DateTime<Utc>>,
    },
    /// The pipeline is asked to collect a renewal.
    Charge {
        /// Which attempt, from 1.
        attempt: u32,
        /// How many there are.
        of: usize,
    },
    /// The balance is looked at, and this notice sent if it does not last.
    Look {
        /// Which.
        notice: NoticeKind,
    },
}

/// What may be asked for and set at once, and what becomes of it: two wishes, each first asked for and then followed.
const WISHES_MAX: usize = 4;

/// What comes next, in order, up to the end of the resource or to a hold without an end. Empty for what is gone.
pub fn forecast(
    policy: &Policy,
    (account, moratoria): (&Account, &Moratoria),
    resource: &Resource,
    now: DateTime<Utc>,
) -> Vec<Ahead> {
    let resource = resource.clone();
    let mut seer = Seer { policy, account, moratoria, resource, from: now, seen: Vec::new() };
    if policy.class(&seer.resource.phase) != PhaseClass::Gone {
        seer.look_at_the_balance();
        // No policy has a way round by the clock alone; of wishes there are two at most.
        for _ in 0..policy.phases.len() + WISHES_MAX {
            if !seer.stage() {
                break;
            }
        }
    }
    let mut seen = seer.seen;
    seen.sort_by_key(|ahead| (ahead.at, rank(&ahead.what)));
    seen.dedup();
    seen
}

/// The order in which the engine does what is due at one instant.
fn rank(coming: &Coming) -> u8 {
    match coming {
        Coming::Wish { .. } => 0,
        Coming::Step { .. } | Coming::Held { .. } => 1,
        Coming::Charge { .. } => 2,
        Coming::Look { .. } => 3,
        Coming::Notice { .. } => 4,
    }
}

/// Walks ahead, one phase after the other.
struct Seer<'p> {
    policy: &'p Policy,
    account: &'p Account,
    moratoria: &'p Moratoria,
    /// As it will be.
    resource: Resource,
    /// Everything before this is seen.
    from: DateTime<Utc>,
    seen: Vec<Ahead>,
}

impl<'p> Seer<'p> {
    fn see(&mut self, at: DateTime<Utc>, what: Coming) {
        self.seen.push(Ahead { at, what });
    }

    fn look_at_the_balance(&mut self) {
        let Some(check) = &self.policy.balance_check else { return };
        let watched = self.policy.class(&self.resource.phase) < PhaseClass::Retained;
        if let Some(at) = self.account.checks.get(&self.policy.key).filter(|_| watched) {
            self.see((*at).max(self.from), Coming::Look { notice: check.notice.clone() });
        }
    }

    fn due(&self, proofs: Proofs) -> Option<Due<'p>> {
        deadline::next(self.policy, &self.resource, Place::of(&self.resource), proofs)
    }

    /// Proof that may still come is taken to come in time: what is missing now is said by the step that is held for it. What
    /// came counts from when it did.
    fn proofs(&self) -> Proofs {
        match self.due(Proofs::Recorded) {
            Some(due) if due.proven.missing.is_none() => Proofs::Recorded,
            Some(_) | None => Proofs::Assumed,
        }
    }

    /// Everything up to the next change of phase, and that; whether there is anything beyond.
    fn stage(&mut self) -> bool {
        let policy = self.policy;
        let due = self.due(self.proofs());
        let due = due.map(|due| (due, due.ahead(policy, &self.resource, self.from)));
        let step_at = due.map_or(DateTime::<Utc>::MAX_UTC, |(_, at)| at);
        if let Some(asked) = self.resource.asked.clone()
            && let Some(at) = self.free_for(&asked).filter(|at| *at <= step_at)
        {
            return self.follow(&asked, at);
        }
        if self.is_asked_by(step_at) {
            return true;
        }
        let Some((due, at)) = due else {
            self.see_until(DateTime::<Utc>::MAX_UTC);
            return false;
        };
        match self.free_from(&due, at) {
            Some(at) => {
                self.see_until(at);
                self.take(&due, at);
                policy.class(&self.resource.phase) != PhaseClass::Gone
            }
            None => {
                self.see_until(DateTime::<Utc>::MAX_UTC);
                self.see(at, Coming::Held { to: due.step.to.clone() });
                false
            }
        }
    }

    /// When nothing is in the way of a step that is due `at`; `None` if that is not known: a hold without an end, a proof that is
    /// missing.
    fn free_from(&self, due: &Due<'_>, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut at = at;
        let is_told =
            |held: &&HeldStep| held.because == Because::Proof && due.proven.from.is_some();
        let held = self.resource.held.as_ref().filter(|held| held.to == due.step.to);
        let held = held.filter(|held| !is_told(held));
        let has_an_end = [Because::Hold, Because::Moratorium];
        if held.is_some_and(|held| !has_an_end.contains(&held.because)) {
            return None;
        }
        if self.policy.class(&due.step.to) <= PhaseClass::Unpaid {
            return Some(at);
        }
        // Also before it is said: when facts, clocks or people let it go is not foreseen.
        let is_gated = self.resource.gated.is_some_and(|gated| gated.due_at <= self.from);
        let step = (&due.step.to, due.step.irreversible);
        if is_gated || erasure::holds(self.account, &self.resource, step) {
            return None;
        }
        while let Some(hold) = self.stopping(due.step.irreversible, at) {
            at = due.ahead(self.policy, &self.resource, hold.until?);
        }
        Some(at)
    }

    fn stopping(&self, irreversible: bool, at: DateTime<Utc>) -> Option<&Hold> {
        let holds = [&self.account.holds, &self.resource.holds];
        holds
            .into_iter()
            .filter_map(|holds| holds.stopping(irreversible, at))
            .chain(self.moratoria.stopping(&self.resource, irreversible, at))
            .max_by_key(|hold| (hold.until.is_none(), hold.until))
    }

    /// A termination that was set for an instant not after `before` becomes one that is asked for; whether one did.
    fn is_asked_by(&mut self, before: DateTime<Utc>) -> bool {
        let set = self.resource.schedule.as_ref().and_then(|schedule| schedule.value);
        let Some(at) = set.map(|at| at.max(self.from)).filter(|at| *at <= before) else {
            return false;
        };
        let Some(gone) = self.policy.gone() else { return false };
        self.see_until(at);
        self.from = at;
        self.resource.schedule = None;
        let asked = Asked::new(gone.clone(), Cause::Termination, at, 0);
        self.resource.asked = Some(Asked { scheduled: true, ..asked });
        true
    }

    /// When what the customer asked for comes true; never where a hold has no end, or where it waits for facts or clocks.
    fn free_for(&mut self, asked: &Asked) -> Option<DateTime<Utc>> {
        if asked.gated.is_some() {
            self.see(self.from, Coming::Held { to: asked.to.clone() });
            return None;
        }
        let is_final = self.policy.class(&asked.to) == PhaseClass::Gone;
        let mut at = self.from;
        while let Some(hold) = self.stopping(is_final, at) {
            let Some(until) = hold.until else {
                self.see(self.from, Coming::Held { to: asked.to.clone() });
                return None;
            };
            at = until;
        }
        Some(at)
    }

    /// Follows a wish; whether there is anything beyond.
    fn follow(&mut self, asked: &Asked, at: DateTime<Utc>) -> bool {
        self.see_until(at);
        self.from = at;
        self.resource.asked = None;
        if asked.cause == Cause::Termination && self.account.is_in_arrears() {
            self.see(at, Coming::Wish { to: None });
            return true;
        }
        self.enter(&asked.to, asked.cause, at);
        if asked.cause == Cause::Return
            && let Some(term) = self.resource.term.as_mut()
        {
            term.closed = true;
        }
        self.see(at, Coming::Wish { to: Some(asked.to.clone()) });
        match asked.cause {
            Cause::Termination => self.tell_on(&NoticeTrigger::Terminated, None, at),
            Cause::Return => self.tell_on(&NoticeTrigger::Returned, None, at),
            Cause::Request if self.policy.class(&asked.to) == PhaseClass::Working => {
                self.tell_on(&NoticeTrigger::Restored, None, at);
            }
            Cause::Start
            | Cause::Clock
            | Cause::Recovery
            | Cause::Request
            | Cause::Removed
            | Cause::Import => {}
        }
        self.policy.class(&asked.to) != PhaseClass::Gone
    }

    fn enter(&mut self, to: &PhaseName, by: Cause, at: DateTime<Utc>) {
        let resource = &mut self.resource;
        resource.phase = to.clone();
        resource.entered_at = at;
        resource.entered_by = by;
        resource.gated = None;
        resource.forget_held();
        if self.policy.class(to) >= PhaseClass::Retained {
            resource.asked = None;
            resource.schedule = None;
        }
    }

    /// Takes a step of the clock.
    fn take(&mut self, due: &Due<'p>, at: DateTime<Utc>) {
        let (step, from) = (due.step, self.resource.phase.clone());
        self.enter(&step.to, Cause::Clock, at);
        let (irreversible, rules) = (step.irreversible, step.rules.clone());
        self.see(at, Coming::Step { from, to: step.to.clone(), irreversible, rules });
        let untold = step.notice.as_ref().filter(|kind| !self.resource.was_told(kind, due.at));
        if let Some(kind) = untold {
            self.tell_on(&NoticeTrigger::Step, Some(kind), at);
        }
        self.from = at;
    }

    /// The notices of a trigger, of one kind or of all: each by the rule that fits the phase that was entered.
    fn tell_on(&mut self, trigger: &NoticeTrigger, kind: Option<&NoticeKind>, at: DateTime<Utc>) {
        let rules = self.policy.notices.iter().filter(|rule| rule.on == *trigger);
        let wanted: Vec<&NoticeRule> =
            rules.filter(|rule| kind.is_none_or(|kind| rule.kind == *kind)).collect();
        let mut kinds: Vec<&NoticeKind> = wanted.iter().map(|rule| &rule.kind).collect();
        kinds.dedup();
        for kind in kinds {
            let mut of_kind = wanted.iter().filter(|rule| rule.kind == *kind);
            let fits = of_kind.clone().find(|rule| slot::fits(self.policy, rule, &self.resource));
            let is_for_all = |rule: &&&NoticeRule| {
                rule.phases.is_empty() && slot::is_meant(rule, &self.resource)
            };
            if let Some(rule) = fits.or_else(|| of_kind.find(is_for_all)) {
                self.tell(rule, at);
            }
        }
    }

    fn tell(&mut self, rule: &NoticeRule, at: DateTime<Utc>) {
        let mut not_before = BTreeMap::new();
        notice::wait(&mut not_before, self.policy, rule, at);
        let (kind, channels) = (rule.kind.clone(), rule.channels.clone());
        self.see(at, Coming::Notice { kind, channels, not_before });
    }

    /// Slots and charge attempts of the phase it is in, before `until`.
    fn see_until(&mut self, until: DateTime<Utc>) {
        let (policy, window) = (self.policy, self.from..until);
        for rule in &policy.notices {
            if !slot::fits(policy, rule, &self.resource) {
                continue;
            }
            let slots = slot::open_slots(policy, rule, &self.resource, self.proofs());
            for at in slots.into_iter().filter(|at| window.contains(at)) {
                self.tell(rule, at);
            }
        }
        let Some(charges) = policy.charges.as_ref() else { return };
        if !self.resource.renews_itself() || !charges.phases.contains(&self.resource.phase) {
            return;
        }
        if charges.covered_only && !charge::is_covered(self.account, &self.resource) {
            return;
        }
        let of = charges.attempts.len();
        for attempt in charge::open(policy, charges, &self.resource) {
            if window.contains(&attempt.at) && attempt.at < attempt.until {
                self.see(attempt.at, Coming::Charge { attempt: attempt.number, of });
            }
        }
    }
}
