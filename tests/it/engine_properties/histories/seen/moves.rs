//! Changes of phase: each is one that the policy allows from the phase before (SAFE-10), by the clock neither early nor late,
//! not before what was promised (SAFE-9), not against a hold (SAFE-7), and none leads out of the end (SAFE-8).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use dunlin::engine::effect::{Effect, Transition};
use dunlin::engine::id::{PhaseName, PolicyKey, ResourceId};
use dunlin::engine::input::Body;
use dunlin::engine::policy::{Anchor, Cause, PhaseClass, Policy, RecoverWhen, Step};
use dunlin::engine::resource::Resource;

use super::super::world::policies;
use super::dates::{self, Since};
use super::gates::{Gates, Taken};
use super::holds::Holds;
use super::{Moment, policy_of};

/// A change of phase that a policy allows, and the word that it is told by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Way {
    pub(in super::super) from: PhaseName,
    pub(in super::super) to: PhaseName,
    pub(in super::super) reason: &'static str,
}

/// Every change of phase that a policy allows.
pub(in super::super) fn ways(policy: &Policy) -> &'static [Way] {
    static WAYS: OnceLock<BTreeMap<PolicyKey, Vec<Way>>> = OnceLock::new();
    let all = WAYS.get_or_init(|| {
        policies().iter().map(|policy| (policy.key.clone(), ways_of(policy))).collect()
    });
    &all[&policy.key]
}

fn ways_of(policy: &Policy) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut way = |from: &PhaseName, to: &PhaseName, reason| {
        ways.push(Way { from: from.clone(), to: to.clone(), reason });
    };
    for step in &policy.steps {
        way(&step.from, &step.to, clock_reason(step));
    }
    for back in &policy.recoveries {
        let is_renewal = back.when == RecoverWhen::Renewed;
        way(&back.from, &back.to, if is_renewal { "renewed" } else { "balance_recovered" });
    }
    let gone = policy.gone().expect("a shipped policy ends");
    for phase in &policy.phases {
        if let Some(termination) = &policy.termination {
            if phase.class < PhaseClass::Retained {
                way(&phase.name, &termination.bin, "terminated");
                way(&phase.name, gone, "terminated");
            }
            if phase.class == PhaseClass::Retained {
                way(&phase.name, &termination.restore_to, "restored");
            }
        }
        if phase.class == PhaseClass::Retained {
            way(&phase.name, gone, "released_on_request");
        }
        // What was asked for while it worked may have waited for a hold meanwhile.
        if let (Some(returns), PhaseClass::Working | PhaseClass::Unpaid) =
            (&policy.returns, phase.class)
        {
            way(&phase.name, &returns.bin, "returned");
        }
    }
    ways.sort();
    ways.dedup();
    ways
}

fn clock_reason(step: &Step) -> &'static str {
    match step.at.from.first() {
        Some(Anchor::Expiry) => "expired",
        Some(Anchor::Arrears) => "arrears",
        Some(Anchor::Entry) | None => "deadline",
    }
}

pub(super) fn is_by_clock(change: &Transition) -> bool {
    ["expired", "arrears", "deadline"].contains(&change.reason.as_str())
}

fn cause_of(change: &Transition) -> Cause {
    match change.reason.as_str() {
        "renewed" | "balance_recovered" => Cause::Recovery,
        "terminated" => Cause::Termination,
        "returned" => Cause::Return,
        "restored" | "released_on_request" => Cause::Request,
        _ => Cause::Clock,
    }
}

/// The latest date that a notice of the episode named for each step.
#[derive(Debug, Default)]
pub(super) struct Promises {
    promised: BTreeMap<(ResourceId, PhaseName), DateTime<Utc>>,
    /// The instant of the decision before.
    looked: Option<DateTime<Utc>>,
}

/// Where a resource is, while the changes of one decision are followed.
struct Place {
    phase: PhaseName,
    entered_at: DateTime<Utc>,
    entered_by: Cause,
    sequence: u64,
    is_first: bool,
}

impl Promises {
    /// Checks every change of phase, and that nothing that is due is left undone.
    pub(super) fn check(&mut self, moment: &Moment<'_>, holds: &Holds, gates: &mut Gates) {
        let mut places: BTreeMap<&ResourceId, Place> = BTreeMap::new();
        for (id, after, _) in moment.touched() {
            self.forget_what_is_cured(moment, id, after);
        }
        for effect in &moment.decision.effects {
            if let Effect::Transition(change) = effect {
                let place = places.entry(&change.resource).or_insert_with(|| start(moment, change));
                self.check_change(moment, (holds, gates), change, place);
            }
            if let Effect::Held(held) = effect
                && held.because == "hold"
            {
                let is_irreversible =
                    class_of(moment.after(&held.resource), &held.to) == PhaseClass::Gone;
                assert!(
                    holds.stop(&held.resource, is_irreversible, moment.now) || says_holds(moment),
                    "SAFE-7: nothing holds {held:?}"
                );
            }
        }
        for (id, after, policy) in moment.touched() {
            let before = moment.before(id);
            let was = before.map(|one| &one.phase);
            let end = places.get(id).map(|place| &place.phase).or(was);
            let is_gone = before.is_some_and(|one| class_of(one, &one.phase) == PhaseClass::Gone);
            // A receipt for what was told before it was removed may still be taken note of.
            let is_same = match moment.outside {
                Some(_) => {
                    before.map(|one| (&one.phase, one.sequence))
                        == Some((&after.phase, after.sequence))
                }
                None => before == Some(after),
            };
            assert!(!is_gone || is_same, "SAFE-8: something changes {id}, which is gone");
            let is_removed = after.entered_by == Cause::Removed;
            assert!(
                is_removed || end.is_none_or(|end| *end == after.phase),
                "SAFE-10: {id} is in {} without a change to it",
                after.phase
            );
            let is_in_bin = policy.class(&after.phase) >= PhaseClass::Retained;
            let is_by_clock = after.entered_by == Cause::Clock;
            assert!(
                !is_in_bin || is_by_clock || after.arrears_since.is_none(),
                "POST-6: {id} owes in the bin: {after:?}"
            );
            if moment.outside.is_none() {
                check_nothing_is_left(moment, holds, after, policy);
            }
        }
    }

    fn check_change(
        &self,
        moment: &Moment<'_>,
        (holds, gates): (&Holds, &mut Gates),
        change: &Transition,
        place: &mut Place,
    ) {
        let (id, now) = (&change.resource, moment.now);
        let resource = moment.after(id);
        let policy = policy_of(resource);
        let is_over = policy.class(&change.from) == PhaseClass::Gone;
        assert!(!is_over, "SAFE-8: {id} came back: {change:?}");
        assert_eq!(change.from, place.phase, "SAFE-10: {id} skipped a phase: {change:?}");
        assert_eq!(change.sequence, place.sequence + 1, "sequence: {change:?}");
        let is_way = |way: &Way| {
            way.from == change.from && way.to == change.to && way.reason == change.reason
        };
        assert!(ways(policy).iter().any(is_way), "SAFE-10: no way of the policy: {change:?}");
        if cause_of(change) == Cause::Return {
            let waited = moment.before(id).and_then(|before| before.asked.as_ref());
            let is_late = waited.is_some_and(|asked| asked.waits && asked.cause == Cause::Return);
            let is_working = policy.class(&change.from) == PhaseClass::Working;
            assert!(is_working || is_late, "RET: asked for in no working phase: {change:?}");
        }
        let class = policy.class(&change.to);
        let takes_away = class > PhaseClass::Unpaid;
        assert_eq!(change.irreversible, class == PhaseClass::Gone, "irreversible: {change:?}");
        let mut by_clock = None;
        if is_by_clock(change) {
            by_clock = Some(check_time(moment, change, place, policy, self.looked));
            let promised = self.promised.get(&(id.clone(), change.to.clone()));
            assert!(
                !takes_away || promised.is_none_or(|promised| *promised <= now),
                "SAFE-9: {id} enters {} at {now}, promised not before {promised:?}",
                change.to
            );
        }
        if takes_away && (is_by_clock(change) || !says_holds(moment)) {
            let is_held = holds.stop(id, class == PhaseClass::Gone, now);
            assert!(!is_held, "SAFE-7: a hold did not stop {change:?}");
        }
        if moment.outside.is_some() {
            let promised = self.promised.get(&(id.clone(), change.to.clone())).copied();
            gates.check_taken(
                moment,
                &Taken { change, by_clock, promised, entered_by: place.entered_by },
            );
        }
        *place = Place {
            phase: change.to.clone(),
            entered_at: now,
            entered_by: cause_of(change),
            sequence: change.sequence,
            is_first: false,
        };
    }

    /// What a notice named binds until the trouble that it was about is over.
    fn forget_what_is_cured(&mut self, moment: &Moment<'_>, id: &ResourceId, after: &Resource) {
        let Some(before) = moment.before(id) else { return };
        let Some(first) = first_ahead(&self.promised, before) else { return };
        let is_cured = if after.term.is_some() {
            let is_answered = moment.decision.effects.iter().any(|effect| match effect {
                Effect::Renewal(renewal) => renewal.resource == *id,
                Effect::Refund(refund) => refund.resource == *id,
                _ => false,
            });
            let says = |body: &Body| match body {
                Body::ExpiryChanged { resource, expires_at, .. } => {
                    resource == id && *expires_at > first
                }
                _ => false,
            };
            // An older word than what is known changes nothing; of several of one instant one may have counted meanwhile.
            let is_about = |body: &&Body| matches!(body, Body::ExpiryChanged { resource, .. } if resource == id);
            let is_taken =
                after.expiry() != before.expiry() || moment.bodies().filter(is_about).count() > 1;
            is_answered || (is_taken && moment.bodies().any(says))
        } else {
            after.arrears_since.is_none() || after.arrears_since > before.arrears_since
        };
        // What was paid or begun again within this instant too.
        let came_back = moment.decision.effects.iter().any(|effect| {
            matches!(effect, Effect::Transition(change) if change.resource == *id && cause_of(change) == Cause::Recovery)
        });
        if is_cured || came_back {
            self.promised.retain(|(of, _), _| of != id);
        }
    }

    /// The latest date that was told for each step.
    pub(super) fn dates(&self) -> &BTreeMap<(ResourceId, PhaseName), DateTime<Utc>> {
        &self.promised
    }

    /// Nothing sooner than this was granted for a step.
    pub(super) fn put_off(&mut self, id: &ResourceId, to: &PhaseName, until: DateTime<Utc>) {
        let promised = self.promised.entry((id.clone(), to.clone())).or_insert(until);
        *promised = until.max(*promised);
    }

    /// Remembers what the notices of a decision named.
    pub(super) fn note(&mut self, moment: &Moment<'_>) {
        self.looked = Some(moment.now);
        for effect in &moment.decision.effects {
            let Effect::Notice(notice) = effect else { continue };
            for item in &notice.items {
                let resource = moment.after(&item.resource);
                // What is late already and named for now may come now, and nothing is put off by that.
                let next = dates::next(policy_of(resource), resource);
                let late = next.filter(|(_, at, _)| *at <= moment.now).map(|(step, ..)| &step.to);
                for promise in item.promises.iter().filter(|one| one.class > PhaseClass::Unpaid) {
                    assert!(promise.at >= moment.now, "SAFE-9: promised for the past: {promise:?}");
                    if late != Some(&promise.to) || promise.at > moment.now {
                        self.put_off(&item.resource, &promise.to, promise.at);
                    }
                }
            }
        }
    }
}

/// The first date that was named of what is still to come.
pub(super) fn first_ahead(
    promised: &BTreeMap<(ResourceId, PhaseName), DateTime<Utc>>,
    resource: &Resource,
) -> Option<DateTime<Utc>> {
    let here = class_of(resource, &resource.phase);
    let is_ahead = |to: &PhaseName| class_of(resource, to) > here;
    let mine = promised.iter().filter(|((of, to), _)| *of == resource.id && is_ahead(to));
    mine.map(|(_, at)| *at).min()
}

pub(super) fn class_of(resource: &Resource, phase: &PhaseName) -> PhaseClass {
    policy_of(resource).class(phase)
}

/// Whether this very instant says something about holds: requests are decided in arrival order, before or after it.
pub(super) fn says_holds(moment: &Moment<'_>) -> bool {
    moment.bodies().any(|body| {
        matches!(
            body,
            Body::HoldPlaced { .. }
                | Body::HoldLifted { .. }
                | Body::ResourceActivated(_)
                | Body::ResourceImported(_)
        )
    })
}

fn start(moment: &Moment<'_>, first: &Transition) -> Place {
    match moment.before(&first.resource) {
        Some(before) => Place {
            phase: before.phase.clone(),
            entered_at: before.entered_at,
            entered_by: before.entered_by,
            sequence: before.sequence,
            is_first: true,
        },
        None => arrived(moment, first),
    }
}

/// A resource that came in this very instant: at the beginning of its policy, or where it was taken over.
fn arrived(moment: &Moment<'_>, first: &Transition) -> Place {
    let (entered_at, entered_by) = match moment.imported(&first.resource) {
        Some(import) => (import.since, Cause::Import),
        None => (moment.now, Cause::Start),
    };
    Place { phase: first.from.clone(), entered_at, entered_by, sequence: 0, is_first: false }
}

/// A step of the clock is never early, never on a day that is none for it, and without an event or a hold to wait for never
/// late.
///
/// The step, and when it was due by the policy.
fn check_time<'p>(
    moment: &Moment<'_>,
    change: &Transition,
    place: &Place,
    policy: &'p Policy,
    looked: Option<DateTime<Utc>>,
) -> (&'p Step, DateTime<Utc>) {
    let resource = moment.after(&change.resource);
    let before = moment.before(&change.resource);
    let step = policy.steps.iter().find(|step| {
        step.from == change.from
            && step.to == change.to
            && step.when.entered_by.is_none_or(|cause| cause == place.entered_by)
            && step.when.auto_renew.is_none_or(|on| on == resource.renews_itself())
    });
    let Some(step) = step else { panic!("SAFE-10: no step of the policy: {change:?}") };
    // What is gone has no arrears any more: those that it had, or those that the account has.
    let account = moment.decision.after.account.arrears;
    let account = account.map(|arrears| arrears.since.max(resource.activated_at));
    let imported = moment.imported(&change.resource).and_then(|import| import.arrears_since);
    let had = before.map_or(imported, |before| before.arrears_since);
    let arrears = resource.arrears_since.or_else(|| had.into_iter().chain(account).min());
    let since = Since { arrears, entered_at: place.entered_at };
    let at = dates::due(step, resource, since, None);
    let at = at.unwrap_or_else(|| panic!("early: nothing to count from: {change:?}"));
    assert!(at <= moment.now, "early: due at {at}: {change:?}");
    let is_day = dates::is_day_for(policy, step, moment.now);
    assert!(is_day, "working days: not on the day of {}: {change:?}", moment.now);
    let waited = before.is_some_and(|before| before.held.is_some());
    if moment.events.is_empty() && place.is_first && !waited && moment.outside.is_none() {
        let promised = before.and_then(|before| before.promised.get(&change.to)).copied();
        let at = dates::due(step, resource, since, promised).unwrap_or(at);
        // It was due when somebody looked, on a day that is none for it, or before its time on the day that it was put off to.
        let looked = looked.filter(|looked| at <= *looked);
        let at = looked.map_or(at, |looked| dates::ahead(policy, step, at, looked));
        assert_eq!(at, moment.now, "late: {change:?}");
    }
    (step, at)
}

/// What is due has happened, unless a hold stops it or no day and hour for it has come.
fn check_nothing_is_left(moment: &Moment<'_>, holds: &Holds, resource: &Resource, policy: &Policy) {
    let steps = policy.steps.iter();
    for step in steps.filter(|step| dates::applies(step, resource, resource.entered_by)) {
        let promised = resource.promised.get(&step.to).copied();
        let at = dates::due(step, resource, Since::of(resource), promised);
        if let Some(at) = at.filter(|at| *at <= moment.now) {
            let takes_away = policy.class(&step.to) > PhaseClass::Unpaid;
            let is_held = takes_away && holds.stop(&resource.id, step.irreversible, moment.now);
            let is_put_off = resource.put_off.is_some_and(|until| {
                until > moment.now && until == dates::ahead(policy, step, at, moment.now)
            });
            let is_day = dates::is_day_for(policy, step, moment.now) && !is_put_off;
            assert!(is_held || !is_day, "late: {} was due at {at} for {resource:?}", step.to);
            let is_told = resource.held.is_some() || !is_day;
            assert!(is_told, "SAFE-7: nobody was told that {} is held", step.to);
        }
    }
}
