//! One account and a clock: plays events and wakes into the engine, as the worker does, and checks each decision.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::account::Account;
use dunlin::engine::decision::{Circumstances, Decision, Input, Portfolio, Proofs, Scope};
use dunlin::engine::effect::{Effect, Notice};
use dunlin::engine::gate::Gates;
use dunlin::engine::id::{AccountId, PhaseName, ResourceId};
use dunlin::engine::input::{Body, Event};
use dunlin::engine::policy::{Cause, PhaseClass, PolicySet};
use dunlin::engine::resource::Resource;
use dunlin::engine::{scope, step};
use dunlin::policy::Policies;
use dunlin::simulate::in_sight;

use super::Mail;

/// How much of the account a decision sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Load {
    /// Everything.
    All,
    /// What `scope` names: what the worker does.
    Scope,
}

/// The shipped lifecycles.
pub(super) fn policies() -> &'static PolicySet {
    static POLICIES: OnceLock<PolicySet> = OnceLock::new();
    POLICIES.get_or_init(|| Policies::shipped().set)
}

/// 00:00 in Shanghai, and so many hours.
pub(super) fn at(hour: i64) -> DateTime<Utc> {
    let begin: DateTime<Utc> = "2026-02-28T16:00:00Z".parse().expect("an instant");
    begin + TimeDelta::hours(hour)
}

/// One account.
pub(super) struct World<'p> {
    policies: &'p PolicySet,
    load: Load,
    pub(super) whole: Portfolio,
    /// Everything that was decided, and when.
    pub(super) told: Vec<(DateTime<Utc>, Effect)>,
    /// Whether every decision is checked.
    pub(super) is_checked: bool,
    promised: BTreeMap<(ResourceId, PhaseName), DateTime<Utc>>,
    proofs: Proofs,
    /// What becomes of notices, if proof is asked for.
    pub(super) mail: Mail,
}

impl<'p> World<'p> {
    pub(super) fn new(policies: &'p PolicySet, load: Load) -> Self {
        let account = Account::unknown(AccountId::from("acc"));
        let whole = Portfolio { account, resources: BTreeMap::new() };
        Self {
            policies,
            load,
            whole,
            told: Vec::new(),
            is_checked: false,
            promised: BTreeMap::new(),
            proofs: Proofs::Assumed,
            mail: Mail::default(),
        }
    }

    /// The same world, in which a step waits for proof, and in which this becomes of the notices.
    pub(super) fn with_mail(self, mail: Mail) -> Self {
        Self { mail, proofs: Proofs::Recorded, ..self }
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

    fn next_wake(&self) -> Option<DateTime<Utc>> {
        let resources = self.whole.resources.values().filter_map(|resource| resource.wake_at);
        let wakes = resources.chain(self.whole.account.wake_at);
        wakes.chain(self.mail.next()).min()
    }

    /// One decision.
    pub(super) fn step(&mut self, now: DateTime<Utc>, events: &[Event]) {
        let arrived = self.mail.take(now);
        let accepted: Vec<&Notice> = arrived.iter().collect();
        let input = Input { events, accepted: &accepted, ..Input::default() };
        let scope = match self.load {
            Load::All => Scope { all: true, ..Scope::default() },
            Load::Scope => scope(&self.whole.account, input, self.policies, now),
        };
        let before = in_sight(&self.whole, &scope, now);
        let decision = step(before, input, self.policies, self.circumstances(now));
        self.mail.send(&decision, now);
        if self.is_checked {
            self.check(&decision, events, now);
        }
        self.whole.account = decision.after.account.clone();
        self.whole.resources.extend(decision.after.resources);
        self.told.extend(decision.effects.into_iter().map(|effect| (now, effect)));
        if self.is_checked {
            self.check_rest(now);
        }
    }

    fn circumstances(&self, now: DateTime<Utc>) -> Circumstances<'static> {
        Circumstances { now, proofs: self.proofs, gates: Gates::OPEN }
    }

    fn class(&self, resource: &Resource, phase: &PhaseName) -> PhaseClass {
        self.policies.get(&resource.policy).expect("a shipped policy").class(phase)
    }

    fn check(&mut self, decision: &Decision, events: &[Event], now: DateTime<Utc>) {
        let ranks: Vec<u8> = decision.effects.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "effects come in the order of a trace: {ranks:?}");
        for (id, after) in &decision.after.resources {
            let before = self.whole.resources.get(id);
            if before.is_some_and(|old| self.class(old, &old.phase) == PhaseClass::Gone) {
                assert_eq!(before.map(|old| &old.phase), Some(&after.phase), "SAFE-8");
            }
            self.forget_what_is_cured(id, before.cloned(), after, events);
            let stored = serde_json::to_string(after).expect("a resource is JSON");
            assert_eq!(&serde_json::from_str::<Resource>(&stored).expect("and back"), after);
        }
        let stored = serde_json::to_string(&decision.after.account).expect("an account is JSON");
        let read: Account = serde_json::from_str(&stored).expect("and back");
        assert_eq!(read, decision.after.account);
        for effect in &decision.effects {
            self.check_effect(effect, decision, now);
        }
    }

    /// What a notice named binds until the trouble that it was about is over (SAFE-9).
    fn forget_what_is_cured(
        &mut self,
        id: &ResourceId,
        before: Option<Resource>,
        after: &Resource,
        events: &[Event],
    ) {
        let first = self.promised.iter().filter(|((of, _), _)| of == id).map(|(_, at)| *at).min();
        let moved = events.iter().any(|event| match &event.body {
            Body::ExpiryChanged { resource, expires_at, .. } => {
                resource == id && Some(*expires_at) > first
            }
            Body::RenewalRequested { resource, .. } | Body::ChargeSucceeded { resource, .. } => {
                resource == id
            }
            _ => false,
        });
        let old_arrears = before.and_then(|old| old.arrears_since);
        let is_prepaid = after.term.is_some();
        let is_over = if is_prepaid {
            moved
        } else {
            after.arrears_since.is_none() || after.arrears_since > old_arrears
        };
        if is_over {
            self.promised.retain(|(resource, _), _| resource != id);
        }
    }

    fn check_effect(&mut self, effect: &Effect, decision: &Decision, now: DateTime<Utc>) {
        match effect {
            Effect::Transition(change) => {
                if self.proofs == Proofs::Recorded {
                    let before = self.whole.resources.get(&change.resource);
                    let policy = self.policies.get(&change.policy).expect("a shipped policy");
                    let entered_by = before.map_or(Cause::Start, |before| before.entered_by);
                    self.mail.check(policy, entered_by, change, now);
                }
                let by_clock = ["expired", "arrears", "deadline"].contains(&change.reason.as_str());
                let promised = self.promised.get(&(change.resource.clone(), change.to.clone()));
                assert!(
                    !by_clock || promised.is_none_or(|promised| *promised <= now),
                    "SAFE-9: {} enters {} at {now}, promised not before {promised:?}",
                    change.resource,
                    change.to
                );
            }
            Effect::Notice(notice) => {
                for item in &notice.items {
                    let again = self.told.iter().any(|(at, told)| {
                        *at == now
                            && matches!(told, Effect::Notice(other) if other.kind == notice.kind
                            && other.items.iter().any(|one| one.resource == item.resource))
                    });
                    assert!(!again, "{} twice at {now}", notice.kind);
                    if ["expiry-warning", "expired"].contains(&notice.kind.as_str()) {
                        let expiry = item.expires_at.expect("a term");
                        let days = (now - expiry).num_days();
                        assert_eq!(expiry + TimeDelta::days(days), now, "a slot fires on time");
                        let slots: &[i64] = match notice.kind.as_str() {
                            "expired" => &[0, 2, 4, 6],
                            _ => &[-7, -5, -3, -1],
                        };
                        assert!(slots.contains(&days), "{} at {days} days", notice.kind);
                    }
                    for promise in item.promises.iter().filter(|one| one.class > PhaseClass::Unpaid)
                    {
                        let key = (item.resource.clone(), promise.to.clone());
                        let promised = self.promised.entry(key).or_insert(promise.at);
                        *promised = promise.at.max(*promised);
                    }
                }
            }
            Effect::ChargeRequested(charge) => {
                let again = self.told.iter().any(|(_, told)| {
                    matches!(told, Effect::ChargeRequested(other) if other.charge == charge.charge)
                });
                let resource = &decision.after.resources[&charge.resource];
                let is_moved_back = resource.term.as_ref().is_some_and(|term| term.known_at == now);
                assert!(!again || is_moved_back, "{} asked for twice", charge.charge);
            }
            _ => {}
        }
    }

    /// A wake that finds nothing due changes nothing, and nothing that is over waits for one.
    fn check_rest(&self, now: DateTime<Utc>) {
        let decision =
            step(self.whole.clone(), Input::default(), self.policies, self.circumstances(now));
        assert_eq!(decision.effects, [], "a second look at {now}");
        assert_eq!(decision.after, self.whole, "a second look at {now}");
        assert!(self.next_wake().is_none_or(|wake| wake > now), "a wake in the past");
        for resource in self.whole.resources.values() {
            if self.class(resource, &resource.phase) == PhaseClass::Gone {
                assert_eq!(resource.wake_at, None);
            }
        }
    }
}

/// The order of kinds in a trace (spec §5).
fn rank(effect: &Effect) -> u8 {
    match effect {
        Effect::Transition(_) => 0,
        Effect::ChargeRequested(_) => 1,
        Effect::ChargeCancelled { .. } => 2,
        Effect::Renewal(_) => 3,
        Effect::Refund(_) => 4,
        Effect::Rejected(_) => 5,
        Effect::Held(_) => 6,
        Effect::Notice(_) => 7,
        Effect::Unreachable { .. } => 8,
    }
}
