//! The gates, by what was said outside alone: no step of the clock that cannot be undone comes without its proofs (SAFE-4),
//! on facts that are not complete (SAFE-5), unadmitted (SAFE-6), under a moratorium (SAFE-7) or by clocks that differ
//! (SAFE-11); what is held is said once and for its reason; and what nothing holds has happened.
//!
//! Never asks the engine's gate. Where the trouble of a resource is over is said in `receipts`.

mod closed;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use dunlin::engine::act::What;
use dunlin::engine::effect::{Effect, Transition};
use dunlin::engine::id::{PhaseName, ResourceId};
use dunlin::engine::input::{Body, Event};
use dunlin::engine::policy::{Anchor, Cause, Clock, PhaseClass, Step};
use dunlin::engine::resource::{Asked, Resource};

use self::closed::is_stopped;
use super::dates::{self, Since};
use super::holds::Holds;
use super::moves::{class_of, is_by_clock};
use super::receipts::{self, Proven, Receipts};
use super::{Moment, policy_of};

type Key = (ResourceId, PhaseName);

/// What may be in the way, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// SAFE-7.
    Hold,
    /// SAFE-7.
    Moratorium,
    /// SAFE-4.
    Proof,
    /// SAFE-11.
    Clock,
    /// SAFE-5.
    Freshness,
    /// SAFE-6.
    Breaker,
    /// SAFE-6: a fall below zero.
    Crossing,
    /// SAFE-9: an operator put it off.
    Extension,
    /// SAFE-4: held for proof, and let go by an operator alone.
    Approval,
}

impl Gate {
    /// Each of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Hold,
        Self::Moratorium,
        Self::Proof,
        Self::Clock,
        Self::Freshness,
        Self::Breaker,
        Self::Crossing,
        Self::Extension,
        Self::Approval,
    ];

    /// As it is told and printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Moratorium => "moratorium",
            Self::Proof => "proof",
            Self::Clock => "clock",
            Self::Freshness => "freshness",
            Self::Breaker => "breaker",
            Self::Crossing => "crossing",
            Self::Extension => "extension",
            Self::Approval => "approval",
        }
    }
}

/// How often each gate was seen to hold a step and to let one go that it had held.
pub(crate) type Tally = BTreeMap<Gate, (u64, u64)>;

/// A change of phase that was just taken.
pub(super) struct Taken<'t> {
    pub(super) change: &'t Transition,
    /// The step, and when the policy wanted it, if it was the clock's.
    pub(super) by_clock: Option<(&'t Step, DateTime<Utc>)>,
    /// The latest date that was told for it.
    pub(super) promised: Option<DateTime<Utc>>,
    /// What had brought the resource to where it was.
    pub(super) entered_by: Cause,
}

/// What a step waits for, and what was said of it.
#[derive(Debug, Default)]
struct Waiting {
    by: BTreeSet<Gate>,
    said: BTreeSet<String>,
    /// Since when nothing but its admission is missing.
    asks_since: Option<DateTime<Utc>>,
}

/// What was seen of the gates of one account.
#[derive(Debug, Default)]
pub(in super::super) struct Gates {
    receipts: Receipts,
    approved: BTreeSet<Key>,
    extended: BTreeMap<Key, DateTime<Utc>>,
    erased_at: Option<DateTime<Utc>>,
    /// A resource came over in the middle of its life: since when it owes is its own matter.
    has_imported: bool,
    /// From when on arrears count that were held.
    counted_from: Option<DateTime<Utc>>,
    waiting: BTreeMap<Key, Waiting>,
    pub(in super::super) tally: Tally,
}

impl Gates {
    /// Takes note of what came from outside, and of whose trouble is over.
    pub(super) fn note(
        &mut self,
        moment: &Moment<'_>,
        promised: &BTreeMap<Key, DateTime<Utc>>,
    ) -> Vec<(Key, DateTime<Utc>)> {
        let Some((outside, arrived)) = moment.outside else { return Vec::new() };
        self.receipts.note(moment);
        let mut put_off = Vec::new();
        for (act, answer) in arrived.acts.iter().zip(&moment.decision.answers) {
            match (&act.what, answer) {
                (What::ApproveRelease(id), Ok(_)) => {
                    let before = moment.before(id).expect("known");
                    let gone = policy_of(before).gone().expect("a shipped policy ends").clone();
                    let is_held = is_stopped(&outside.said, before, true, moment.now);
                    assert!(!is_held, "SAFE-7: approved under a moratorium: {before:?}");
                    self.count_held(Gate::Approval);
                    self.approved.insert((id.clone(), gone));
                }
                (What::Extend(id, until), Ok(answer)) => {
                    let policy = policy_of(moment.before(id).expect("known"));
                    let to = policy.phases.iter().map(|phase| &phase.name);
                    let mut to = to.filter(|name| answer.starts_with(&format!("{name} does not")));
                    let key = (id.clone(), to.next().expect("a phase").clone());
                    self.extended.insert(key.clone(), *until);
                    self.count_held(Gate::Extension);
                    put_off.push((key, *until));
                }
                (What::Erase, Ok(_)) => {
                    self.erased_at = Some(moment.now);
                    for id in moment.whole.resources.keys() {
                        self.receipts.forget(id, moment.now);
                    }
                }
                _ => {}
            }
        }
        for event in moment.events {
            match &event.body {
                Body::AccountUpdated(profile) if !profile.contacts.is_empty() => {
                    self.erased_at = self.erased_at.filter(|erased| event.time <= *erased);
                }
                Body::ResourceImported(_) => self.has_imported = true,
                _ => {}
            }
        }
        for id in receipts::cured(moment, promised) {
            self.receipts.forget(&id, moment.now);
            self.approved.retain(|(of, _)| *of != id);
            self.extended.retain(|(of, _), _| *of != id);
        }
        self.check_crossing(moment);
        put_off
    }

    fn count_held(&mut self, gate: Gate) {
        self.tally.entry(gate).or_default().0 += 1;
    }

    fn count_let_go(&mut self, gate: Gate) {
        self.tally.entry(gate).or_default().1 += 1;
    }

    /// Nobody is in arrears whose fall below zero was not admitted, where arrears would stop something (SAFE-6).
    fn check_crossing(&mut self, moment: &Moment<'_>) {
        let Some((outside, _)) = moment.outside else { return };
        let (before, after) = (&moment.whole.account, &moment.decision.after.account);
        if before.doubted.is_none() && after.doubted.is_some() {
            self.count_held(Gate::Crossing);
        }
        let since = |arrears: dunlin::engine::account::Arrears| arrears.since;
        let begun = after.arrears.filter(|_| after.arrears.map(since) > before.arrears.map(since));
        let Some(begun) = begun else {
            if after.arrears.is_none() {
                self.counted_from = None;
            }
            return;
        };
        self.counted_from = None;
        if before.doubted.is_some() {
            self.count_let_go(Gate::Crossing);
        }
        let is_threatened = |one: &Resource| {
            policy_of(one).clock == Clock::Arrears
                && policy_of(one).class(&one.phase) < PhaseClass::Retained
        };
        let admitted = outside.crossing.filter(|admitted| begun.since <= admitted.since);
        if !outside.asks().1 {
            return;
        }
        match admitted {
            Some(admitted) => self.counted_from = admitted.held.then_some(moment.now),
            None => assert!(
                self.has_imported || !moment.whole.resources.values().any(is_threatened),
                "SAFE-6: {begun:?} was not admitted"
            ),
        }
    }

    /// A step that takes something away was taken: nothing was in the way of it.
    pub(super) fn check_taken(&mut self, moment: &Moment<'_>, taken: &Taken<'_>) {
        let Some((outside, _)) = moment.outside else { return };
        let (change, now) = (taken.change, moment.now);
        let resource = moment.after(&change.resource);
        let key = (change.resource.clone(), change.to.clone());
        if class_of(resource, &change.to) <= PhaseClass::Unpaid {
            self.changed(moment, change);
            return;
        }
        let is_final = change.irreversible;
        let is_stopped = is_stopped(&outside.said, resource, is_final, now);
        assert!(!is_stopped, "SAFE-7: a moratorium did not stop {change:?}");
        if is_final || taken.by_clock.is_some() {
            assert!(outside.clocks_agree, "SAFE-11: the clocks do not agree: {change:?}");
        }
        if is_final {
            let due_at = match taken.by_clock {
                Some((_, at)) => taken.promised.map_or(at, |promised| promised.max(at)),
                None => asked_at(moment, &change.resource),
            };
            let complete_until = outside.complete_until(now);
            assert!(
                complete_until >= due_at,
                "SAFE-5: due at {due_at}, complete until {complete_until}: {change:?}"
            );
        }
        if (is_final || taken.by_clock.is_some()) && outside.asks().0 {
            assert!(outside.admitted.contains(&key), "SAFE-6: not admitted: {change:?}");
        }
        if let Some((step, at)) = taken.by_clock {
            self.check_proven(moment, taken, step, at);
            self.check_counted(moment, change, step);
        }
        let waited = self.waiting.remove(&key).unwrap_or_default().by;
        for gate in waited {
            let is_approved = gate == Gate::Proof && self.approved.contains(&key);
            self.count_let_go(if is_approved { Gate::Approval } else { gate });
        }
        if self.extended.remove(&key).is_some_and(|until| taken.by_clock.is_some() && until <= now)
        {
            self.count_let_go(Gate::Extension);
        }
        self.changed(moment, change);
    }

    /// What was said of other steps of a resource that changed its phase is over, but of a wish that goes on waiting.
    fn changed(&mut self, moment: &Moment<'_>, change: &Transition) {
        let asked = moment.after(&change.resource).asked.as_ref();
        let before = moment.before(&change.resource).and_then(|before| before.asked.as_ref());
        let is_same = |asked: &Asked| before.is_some_and(|before| before.number == asked.number);
        let asked = asked.filter(|asked| is_same(asked) && !is_by_clock(change));
        let asked = asked.map(|asked| &asked.to);
        self.waiting.retain(|(of, to), _| *of != change.resource || Some(to) == asked);
        if change.irreversible {
            self.approved.retain(|(of, _)| *of != change.resource);
        }
    }

    fn check_proven(&self, moment: &Moment<'_>, taken: &Taken<'_>, step: &Step, at: DateTime<Utc>) {
        let (change, now) = (taken.change, moment.now);
        let key = (change.resource.clone(), change.to.clone());
        if is_wished(taken.entered_by) || self.approved.contains(&key) {
            return;
        }
        let is_erased = change.irreversible && self.erased_at.is_some();
        assert!(!is_erased, "SAFE-4: the person is erased: {change:?}");
        let proven = self.receipts.of(step, &change.resource, at);
        assert!(
            matches!(proven, Proven::From(from) if from <= now),
            "SAFE-4: {proven:?}: {change:?}: {:?}",
            self.receipts
        );
    }

    /// The time in which a fall below zero was held does not count (SAFE-6).
    fn check_counted(&self, moment: &Moment<'_>, change: &Transition, step: &Step) {
        let Some(counted_from) = self.counted_from.filter(|_| !self.has_imported) else { return };
        let Some(before) = moment.before(&change.resource) else { return };
        if step.at.from.contains(&Anchor::Arrears)
            && policy_of(before).clock == Clock::Arrears
            && before.phase == change.from
        {
            let since = Since { arrears: Some(counted_from), entered_at: before.entered_at };
            let at = dates::due(step, before, since, None);
            assert!(at.is_none_or(|at| at <= moment.now), "SAFE-6: before {at:?}: {change:?}");
        }
    }

    /// What is held is said once, and what nothing holds has happened.
    pub(super) fn check(&mut self, moment: &Moment<'_>, holds: &Holds) {
        if moment.outside.is_none() {
            return;
        }
        for effect in &moment.decision.effects {
            if let Effect::Held(held) = effect {
                let key = (held.resource.clone(), held.to.clone());
                // Of two wishes of one instant the first may wait where the second leads it away from, and the second then waits too.
                let is_moved = moment.decision.effects.iter().any(|effect| {
                    matches!(effect, Effect::Transition(change) if change.resource == held.resource)
                });
                let waiting = self.waiting.entry(key).or_default();
                let is_news = waiting.said.insert(held.because.clone());
                let is_asked =
                    |event: &&Event| event.body.resources().any(|one| *one == held.resource);
                let is_second = is_moved && moment.events.iter().filter(is_asked).count() > 1;
                assert!(is_news || is_second, "held: said twice: {held:?}");
            }
        }
        let after = &moment.decision.after.resources;
        let ids: BTreeSet<&ResourceId> =
            moment.whole.resources.keys().chain(after.keys()).collect();
        for id in ids {
            let resource = moment.after(id);
            let mut wanted = BTreeSet::new();
            let steps = policy_of(resource).steps.iter();
            for step in steps.filter(|step| dates::applies(step, resource, resource.entered_by)) {
                if self.check_step(moment, holds, (resource, step)) {
                    wanted.insert(step.to.clone());
                }
            }
            if let Some(asked) = resource.asked.as_ref().filter(|asked| asked.waits) {
                self.check_wish(moment, holds, resource);
                wanted.insert(asked.to.clone());
            }
            self.waiting.retain(|(of, to), _| of != id || wanted.contains(to));
            let account = &moment.decision.after.account;
            let owes = account.arrears.is_some() || account.arrears_claimed.is_some();
            let is_in_bin = policy_of(resource).class(&resource.phase) >= PhaseClass::Retained;
            assert!(
                owes || is_in_bin || resource.arrears_since.is_none(),
                "SAFE-6: {id} is in arrears, and its account is not"
            );
        }
    }

    /// A step of the clock: whether it is due and has not happened.
    fn check_step(
        &mut self,
        moment: &Moment<'_>,
        holds: &Holds,
        (resource, step): (&Resource, &Step),
    ) -> bool {
        let (now, policy) = (moment.now, policy_of(resource));
        let key = (resource.id.clone(), step.to.clone());
        let takes_away = policy.class(&step.to) > PhaseClass::Unpaid;
        let bound = resource.promised.get(&step.to).copied().filter(|_| takes_away);
        let wanted = dates::due(step, resource, Since::of(resource), bound);
        let Some(wanted) = wanted.filter(|at| *at <= now) else { return false };
        let is_free = is_wished(resource.entered_by) || self.approved.contains(&key);
        let proven = if is_free {
            Proven::From(wanted)
        } else {
            self.receipts.of(step, &resource.id, wanted)
        };
        let named = resource.named.get(&step.to).copied();
        let from = match proven {
            Proven::From(from) => named.map_or(from, |named| named.max(from)),
            Proven::Not => named.unwrap_or(wanted),
        };
        let at = dates::due(step, resource, Since::of(resource), bound.max(Some(from)));
        let at = at.map_or(wanted, |at| at.max(wanted));
        let put_off = resource.put_off.filter(|until| *until <= now);
        let put_off = put_off.filter(|_| dates::is_day_for(policy, step, now));
        let at = put_off.map_or(at, |until| until.max(at));
        let mut closed = Vec::new();
        if takes_away {
            // Before that nobody asks for facts, clocks and admission.
            let is_asked = at <= now;
            closed = self.closed(moment, holds, resource, (&step.to, step.irreversible, is_asked));
            let is_erased = step.irreversible && !is_free && self.erased_at.is_some();
            if is_erased || !matches!(proven, Proven::From(from) if from <= now) {
                closed.push(Gate::Proof);
            }
            let (outside, _) = moment.outside.expect("a world outside");
            if is_asked && step.irreversible && outside.complete_until(now) < at {
                closed.push(Gate::Freshness);
            }
            if is_asked && outside.asks().0 && !outside.admitted.contains(&key) {
                closed.push(Gate::Breaker);
            }
        }
        closed.sort_unstable();
        let is_put_off = resource.put_off.is_some_and(|until| until > now);
        let is_day = dates::is_day_for(policy, step, now) && !is_put_off;
        let Some(first) = closed.first().copied() else {
            assert!(at > now || !is_day, "late: {} was due at {at}: {resource:?}", step.to);
            let is_told =
                resource.asked.is_some() || at > now || resource.held.is_none() || !is_day;
            assert!(is_told, "held: by nothing: {resource:?}");
            return true;
        };
        self.waits(moment, key.clone(), first);
        let waiting = &self.waiting[&key];
        let patience = moment.outside.expect("a world outside").0.patience;
        // A gate that closes is nothing that anybody looks at: what is held for one reason may meanwhile be for two.
        let is_looked_at = moment.decision.after.resources.contains_key(&resource.id);
        let said_at = match first {
            _ if !is_looked_at && waiting.by.contains(&Gate::Breaker) => return true,
            _ if !is_looked_at => at + patience,
            Gate::Freshness => at + patience,
            Gate::Breaker => waiting.asks_since.unwrap_or(now) + patience,
            _ => now,
        };
        if said_at <= now && is_day && resource.asked.is_none() {
            let is_so = |word: &str| !is_looked_at || word == first.word();
            let held = resource.held.as_ref();
            assert!(
                held.is_some_and(|held| held.to == step.to && is_so(held.because.word())),
                "held: nobody was told that {} waits for {first:?}: {resource:?}",
                step.to
            );
        }
        true
    }

    /// What a customer asked for and did not get yet.
    fn check_wish(&mut self, moment: &Moment<'_>, holds: &Holds, resource: &Resource) {
        let Some(asked) = &resource.asked else { return };
        let (outside, _) = moment.outside.expect("a world outside");
        let is_final = class_of(resource, &asked.to) == PhaseClass::Gone;
        let key = (resource.id.clone(), asked.to.clone());
        let mut closed = self.closed(moment, holds, resource, (&asked.to, is_final, is_final));
        if is_final && outside.complete_until(moment.now) < asked.at {
            closed.push(Gate::Freshness);
        }
        if is_final && outside.asks().0 && !outside.admitted.contains(&key) {
            closed.push(Gate::Breaker);
        }
        closed.sort_unstable();
        let first = closed.first().copied();
        let first =
            first.unwrap_or_else(|| panic!("late: nothing holds what was asked for: {resource:?}"));
        self.waits(moment, key, first);
    }

    fn waits(&mut self, moment: &Moment<'_>, key: Key, gate: Gate) {
        let waiting = self.waiting.entry(key).or_default();
        let is_asking = gate == Gate::Breaker;
        let since = waiting.asks_since.unwrap_or(moment.now);
        waiting.asks_since = is_asking.then_some(since);
        if waiting.by.insert(gate) {
            self.count_held(gate);
        }
    }
}

/// Whether a customer's wish brought a resource to where it is.
fn is_wished(cause: Cause) -> bool {
    matches!(cause, Cause::Termination | Cause::Return)
}

/// When that was asked for which was just done: now, before, or for an instant that was set.
fn asked_at(moment: &Moment<'_>, id: &ResourceId) -> DateTime<Utc> {
    let before = moment.before(id);
    let waited = before.and_then(|before| before.asked.as_ref()).map(|asked| asked.at);
    let set = before.and_then(|before| before.schedule.as_ref()?.value).map(|_| moment.now);
    let said = moment.events.iter().filter(|event| event.body.resources().any(|one| one == id));
    said.map(|event| event.time).chain(waited).chain(set).min().unwrap_or(moment.now)
}
