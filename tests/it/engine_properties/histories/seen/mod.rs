//! The ledger of what was seen of one account, and what no decision may do in the light of it.
//!
//! A second reading of the rules: written from the specification, over policies as data and with the engine's calendar, but
//! with none of its decisions. Each submodule holds one subject; each assertion begins with the rule or the word for it.

mod balance;
mod charges;
mod dates;
mod gates;
mod holds;
mod moves;
mod quiet;
mod receipts;
mod refunds;
mod runway;
mod slots;
mod told;

use chrono::{DateTime, Utc};
use dunlin::engine::decision::{Decision, Portfolio};
use dunlin::engine::effect::Effect;
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::{Body, Event, Import};
use dunlin::engine::policy::{PhaseClass, Policy};
use dunlin::engine::resource::Resource;

pub(super) use self::gates::Gates;
pub(crate) use self::gates::{Gate, Tally};
pub(super) use self::moves::{Way, ways};
use super::outside::{Arrived, Outside};
use super::world::policies;

/// One decision and what it was made from.
pub(super) struct Moment<'a> {
    /// All of the account, as it was before.
    pub(super) whole: &'a Portfolio,
    pub(super) decision: &'a Decision,
    pub(super) events: &'a [Event],
    pub(super) now: DateTime<Utc>,
    /// The world outside and what came from there with this decision, if there is one.
    pub(super) outside: Option<(&'a Outside, &'a Arrived)>,
}

impl Moment<'_> {
    pub(super) fn before(&self, id: &ResourceId) -> Option<&Resource> {
        self.whole.resources.get(id)
    }

    /// As it is afterwards; what was out of sight is as it was.
    pub(super) fn after(&self, id: &ResourceId) -> &Resource {
        self.decision.after.resources.get(id).unwrap_or_else(|| &self.whole.resources[id])
    }

    /// Everything in sight, as it is afterwards.
    fn touched(&self) -> impl Iterator<Item = (&ResourceId, &Resource, &'static Policy)> {
        let all = self.decision.after.resources.iter();
        all.map(|(id, resource)| (id, resource, policy_of(resource)))
    }

    /// How a resource that was not known before was taken over from elsewhere, perhaps after it had waited.
    fn imported(&self, id: &ResourceId) -> Option<&Import> {
        let waited = self.whole.account.parked.iter().chain(self.events).map(|event| &event.body);
        let entered = waited.filter_map(|body| match body {
            Body::ResourceImported(import) => Some((&import.activation, Some(&**import))),
            Body::ResourceActivated(activation) => Some((&**activation, None)),
            _ => None,
        });
        // Of several the first that was not set aside for a contradiction is where it came from.
        let after = self.after(id);
        let mut began = entered.filter(|(activation, _)| {
            activation.resource == *id
                && activation.traits == after.traits
                && activation.purchased_at == after.purchased_at
        });
        began.next().filter(|_| self.before(id).is_none())?.1
    }

    fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.events.iter().map(|event| &event.body)
    }
}

pub(super) fn policy_of(resource: &Resource) -> &'static Policy {
    policies().get(&resource.policy).expect("a shipped policy")
}

/// Whether clocks bring a resource out of this phase for the better no more: the bin, or the end.
fn is_over(resource: &Resource) -> bool {
    policy_of(resource).class(&resource.phase) >= PhaseClass::Retained
}

/// What was seen of one account.
#[derive(Debug, Default)]
pub(super) struct Seen {
    balance: balance::Reports,
    holds: holds::Holds,
    promises: moves::Promises,
    charges: charges::Charges,
    refunds: refunds::Refunds,
    usage: runway::Usage,
    told: told::Told,
    pub(super) gates: Gates,
}

impl Seen {
    /// Takes note of a decision, and panics if it breaks a promise.
    pub(super) fn check(&mut self, moment: &Moment<'_>) {
        self.balance.check(moment);
        self.holds.note(moment);
        check_order(&moment.decision.effects);
        for ((id, to), until) in self.gates.note(moment, self.promises.dates()) {
            self.promises.put_off(&id, &to, until);
        }
        self.promises.check(moment, &self.holds, &mut self.gates);
        // Where proof moves a step, the last warnings before it move as well.
        if moment.outside.is_none() {
            slots::check(moment);
            quiet::check(moment);
        }
        self.charges.check(moment);
        self.refunds.check(moment);
        self.usage.check(moment);
        self.told.check(moment);
        self.gates.check(moment, &self.holds);
        self.promises.note(moment);
    }
}

/// The order of a trace at one instant: by kind, then by resource (spec §5).
fn check_order(effects: &[Effect]) {
    assert!(
        effects.is_sorted_by_key(|effect| (rank(effect), subject(effect))),
        "order: effects are not in the order of a trace: {effects:?}"
    );
}

fn subject(effect: &Effect) -> Option<&ResourceId> {
    match effect {
        Effect::Transition(one) => Some(&one.resource),
        Effect::ChargeRequested(one) => Some(&one.resource),
        Effect::ChargeCancelled { resource, .. } => Some(resource),
        Effect::Renewal(one) => Some(&one.resource),
        Effect::Refund(one) => Some(&one.resource),
        Effect::Rejected(one) => one.resource.as_ref(),
        Effect::Held(one) => Some(&one.resource),
        Effect::Notice(one) => one.items.first().map(|item| &item.resource),
        Effect::Unreachable { resources, .. } => resources.first(),
    }
}

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
