//! One account and a clock: plays events and wakes into the engine, as the worker does, and has each decision checked.
//!
//! Knows no rule. What a decision must not do is said in `seen`, what was covered is counted in `coverage`; what the gates are
//! told is `outside`'s, and without that nothing is in the way.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use dunlin::engine::account::Account;
use dunlin::engine::decision::{Bounced, Circumstances, Decision, Input, Portfolio, Proofs, Scope};
use dunlin::engine::effect::{Effect, Notice};
use dunlin::engine::gate::Gates;
use dunlin::engine::id::{AccountId, ResourceId};
use dunlin::engine::input::Event;
use dunlin::engine::policy::{PhaseClass, PolicySet};
use dunlin::engine::resource::Resource;
use dunlin::engine::{scope, step};
use dunlin::policy::Policies;
use dunlin::simulate::in_sight;

use super::coverage::Coverage;
use super::history::{self, Arrival};
use super::outside::{Arrived, Outside};
use super::seen::{Moment, Seen, policy_of};

/// A state that is written and read back, one decision in so many.
const STORED_EVERY: usize = 64;

/// The shipped lifecycles.
pub(super) fn policies() -> &'static PolicySet {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    POLICIES.get_or_init(|| Policies::shipped().set)
}

/// Where nothing is outside, every notice counts as accepted and nothing is in the way.
fn circumstances(outside: Option<&Outside>, now: DateTime<Utc>) -> Circumstances<'_> {
    match outside {
        Some(outside) => Circumstances { now, proofs: Proofs::Recorded, gates: outside.gates(now) },
        None => Circumstances { now, proofs: Proofs::Assumed, gates: Gates::OPEN },
    }
}

/// One account.
#[derive(Debug)]
pub(super) struct World {
    pub(super) whole: Portfolio,
    /// Everything that was decided, and when.
    pub(super) told: Vec<(DateTime<Utc>, Effect)>,
    /// What was waited for before each decision, whether it happened or a fact prevented it.
    pub(super) due: Vec<DateTime<Utc>>,
    /// What every decision is checked against; nothing is checked without it.
    pub(super) seen: Option<Seen>,
    /// What is counted, if anything is.
    pub(super) coverage: Option<Coverage>,
    /// What the gates are told, if there is a world outside.
    pub(super) outside: Option<Outside>,
    decisions: usize,
}

impl World {
    pub(super) fn new() -> Self {
        let account = Account::unknown(AccountId::from("acc"));
        let whole = Portfolio { account, resources: BTreeMap::new() };
        Self {
            whole,
            told: Vec::new(),
            due: Vec::new(),
            seen: None,
            coverage: None,
            outside: None,
            decisions: 0,
        }
    }

    /// One whose every decision is checked.
    pub(super) fn checked() -> Self {
        Self { seen: Some(Seen::default()), ..Self::new() }
    }

    /// One whose every decision is checked, in a world whose gates close and open.
    pub(super) fn gated(seed: u64) -> Self {
        Self { outside: Some(Outside::new(seed)), ..Self::checked() }
    }

    /// Plays a history and what is due up to `until`.
    pub(super) fn play(&mut self, history: &[Arrival], until: DateTime<Utc>) {
        for group in history.chunk_by(|one, other| one.at == other.at) {
            self.wake_up_to(group[0].at);
            self.step(group[0].at, &history::events(group));
        }
        self.wake_up_to(until);
    }

    /// Wakes whenever something is due before `until`.
    pub(super) fn wake_up_to(&mut self, until: DateTime<Utc>) {
        let mut last = None;
        while let Some(now) = self.next_wake().filter(|wake| *wake < until) {
            assert!(last < Some(now), "a wake at {now} leads to the next one, not to itself");
            last = Some(now);
            self.step(now, &[]);
        }
    }

    /// When the engine wants to look again, or something happens outside.
    pub(super) fn next_wake(&self) -> Option<DateTime<Utc>> {
        let outside = self.outside.as_ref().and_then(Outside::next);
        self.next_due().into_iter().chain(outside).min()
    }

    /// When the engine wants to look again.
    pub(super) fn next_due(&self) -> Option<DateTime<Utc>> {
        let resources = self.whole.resources.values().filter_map(|resource| resource.wake_at);
        resources.chain(self.whole.account.wake_at).min()
    }

    /// One decision, about no more of the account than `scope` names: what the worker does.
    pub(super) fn step(&mut self, now: DateTime<Utc>, events: &[Event]) {
        self.look(now, events, false);
    }

    /// The same, and what is gated is looked at if `moved`.
    pub(super) fn look(&mut self, now: DateTime<Utc>, events: &[Event], moved: bool) {
        self.due.extend(self.next_due());
        let mut outside = self.outside.take();
        let arrived = outside.as_mut().map(|outside| outside.take(now, &self.whole));
        let arrived = arrived.unwrap_or_default();
        let accepted: Vec<&Notice> = arrived.accepted.iter().collect();
        let bounced = arrived.bounced.iter();
        let bounced = bounced.map(|back| Bounced { notice: &back.notice, still: back.still });
        let bounced: Vec<Bounced<'_>> = bounced.collect();
        let gates_moved = arrived.moved || moved;
        let (accepted, bounced, acts) = (&accepted[..], &bounced[..], &arrived.acts[..]);
        let input = Input { events, accepted, acts, bounced, gates_moved };
        let decision = self.decide(outside.as_ref(), (input, &arrived), now);
        if let Some(outside) = &mut outside {
            outside.hear(&decision, now);
        }
        let looked_at: Vec<ResourceId> = decision.after.resources.keys().cloned().collect();
        self.whole.account = decision.after.account;
        self.whole.resources.extend(decision.after.resources);
        self.told.extend(decision.effects.into_iter().map(|effect| (now, effect)));
        self.outside = outside;
        if self.seen.is_some() {
            self.check_rest(now, &looked_at);
        }
    }

    fn decide(
        &mut self,
        outside: Option<&Outside>,
        (input, arrived): (Input<'_>, &Arrived),
        now: DateTime<Utc>,
    ) -> Decision {
        let scope = scope(&self.whole.account, input, policies(), now);
        let before = in_sight(&self.whole, &scope, now);
        let decision = step(before, input, policies(), circumstances(outside, now));
        self.decisions += 1;
        let is_sampled = self.decisions.is_multiple_of(3);
        if let Some(seen) = &mut self.seen {
            let outside = outside.map(|outside| (outside, arrived));
            let events = input.events;
            let moment = Moment { whole: &self.whole, decision: &decision, events, now, outside };
            seen.check(&moment);
            if let Some(coverage) = &mut self.coverage {
                coverage.count(&moment);
            }
            if !scope.all && is_sampled {
                self.check_scope(
                    &decision,
                    input,
                    circumstances(moment.outside.map(|one| one.0), now),
                );
            }
        }
        decision
    }

    /// What the scope leaves out changes nothing: with all of the account in sight the same is decided.
    fn check_scope(&self, decision: &Decision, input: Input<'_>, under: Circumstances<'_>) {
        let now = under.now;
        let looked_at: Vec<ResourceId> = decision.after.resources.keys().cloned().collect();
        let may_wait = |one: &Resource| may_wait_anew(one, &looked_at, under);
        if self.whole.resources.values().any(may_wait) {
            return;
        }
        let scope = Scope { all: true, ..Scope::default() };
        let before = in_sight(&self.whole, &scope, now);
        let all = step(before, input, policies(), under);
        assert_eq!(all.effects, decision.effects, "scope: other effects at {now}");
        assert_eq!(all.after.account, decision.after.account, "scope: another account at {now}");
        for (id, after) in &all.after.resources {
            let narrow = decision.after.resources.get(id).or_else(|| self.whole.resources.get(id));
            assert_eq!(Some(after), narrow, "scope: another {id} at {now}");
        }
    }

    /// A wake that finds nothing due changes nothing, nothing waits in the past, and what is stored is what was known.
    fn check_rest(&self, now: DateTime<Utc>, looked_at: &[ResourceId]) {
        assert!(self.next_wake().is_none_or(|wake| wake > now), "wake: one in the past at {now}");
        for resource in self.whole.resources.values() {
            let is_gone = policy_of(resource).class(&resource.phase) == PhaseClass::Gone;
            assert!(
                !is_gone || resource.wake_at.is_none(),
                "wake: for {}, which is gone",
                resource.id
            );
        }
        // A fall below zero that asked to be admitted asks no more once nothing is left that it would stop.
        if self.decisions.is_multiple_of(3) && self.whole.account.doubted.is_none() {
            let under = circumstances(self.outside.as_ref(), now);
            let mut whole = self.whole.clone();
            whole.resources.retain(|_, one| !may_wait_anew(one, looked_at, under));
            let decision = step(whole.clone(), Input::default(), policies(), under);
            assert_eq!(decision.effects, [], "wake: a second look at {now}");
            assert_eq!(decision.after.account, whole.account, "wake: a second look at {now}");
            for (id, one) in &whole.resources {
                assert_eq!(&decision.after.resources[id], one, "wake: a second look at {now}");
            }
        }
        if self.decisions.is_multiple_of(STORED_EVERY) {
            let stored = serde_json::to_string(&self.whole.account).expect("an account is JSON");
            let read: Account = serde_json::from_str(&stored).expect("and back");
            assert_eq!(read, self.whole.account, "stored: an account");
            for resource in self.whole.resources.values() {
                let stored = serde_json::to_string(resource).expect("a resource is JSON");
                let read: Resource = serde_json::from_str(&stored).expect("and back");
                assert_eq!(&read, resource, "stored: a resource");
            }
        }
    }
}

/// Whether a step is held and not looked at: a gate that closes meanwhile is nothing that anybody looks at, and then it waits
/// for that one as well.
fn may_wait_anew(resource: &Resource, looked_at: &[ResourceId], under: Circumstances<'_>) -> bool {
    let waits = resource.is_gated() || resource.held.is_some() || resource.put_off.is_some();
    under.proofs == Proofs::Recorded && waits && !looked_at.contains(&resource.id)
}
