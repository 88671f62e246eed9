//! Generated histories: few accounts, few hours, many ties; late events, facts and requests of every kind.

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::id::{AccountId, EventKey, PolicyId, ResourceId};
use dunlin::engine::input::{
    Activation, AutoRenew, Body, Event, HoldScope, Profile, RenewMode, TerminationMode, Traits,
    Usage,
};
use dunlin::engine::money::Money;
use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::world::{Load, World, at, policies};

/// Events happen in the hours before this one.
const HOURS: i64 = 72;
/// Nothing is due any more at this hour, but what repeats.
pub(super) const END: i64 = 24 * 22;

const RESOURCES: [(&str, &str); 6] = [
    ("r0", "tencent-cvm-prepaid"),
    ("r1", "tencent-cvm-postpaid-24h"),
    ("r2", "tencent-cvm-postpaid-15d"),
    ("r3", "tencent-network-traffic"),
    ("r4", "tencent-cvm-postpaid-24h"),
    ("r5", "tencent-cvm-prepaid"),
];

/// One event to be, and when it happens and is read.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) op: Op,
    pub(super) hour: i64,
    /// Hours until it is read.
    pub(super) late: i64,
}

/// What happens. Resources are positions in `RESOURCES`, instants are hours.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Balance(i64, Option<u64>),
    OtherCurrency(i64),
    Usage(Option<usize>, i64, i64),
    Activate(usize, i64, bool),
    Removed(usize),
    Expiry(usize, i64, Option<u64>),
    Auto(usize, bool, Option<u32>),
    Renew(usize, u32),
    Charge(usize, bool),
    Terminate(Vec<usize>, bool),
    Schedule(usize, Option<i64>),
    Restore(usize),
    Release(usize),
    Hold(Option<usize>, Option<u8>, bool, Option<i64>),
    Lift(Option<usize>, Option<u8>),
}

/// An event on its way.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) at: DateTime<Utc>,
    pub(super) event: Event,
}

fn resource() -> impl Strategy<Value = usize> {
    0..RESOURCES.len()
}

fn expiry() -> impl Strategy<Value = i64> {
    prop_oneof![Just(24_i64), Just(25), Just(48), -10_i64..280]
}

fn hold() -> impl Strategy<Value = Op> {
    let until = prop::option::of(0_i64..120);
    (prop::option::of(resource()), prop::option::of(0_u8..2), any::<bool>(), until)
        .prop_map(|(resource, id, all, until)| Op::Hold(resource, id, all, until))
}

fn lift() -> impl Strategy<Value = Op> {
    (prop::option::of(resource()), prop::option::of(0_u8..2)).prop_map(|(r, id)| Op::Lift(r, id))
}

fn balance() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(-5_i64), 2 => Just(0), 2 => Just(5), 1 => Just(500)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (balance(), prop::option::weighted(0.2, 0_u64..4)).prop_map(|(b, s)| Op::Balance(b, s)),
        1 => balance().prop_map(Op::OtherCurrency),
        3 => (prop::option::of(resource()), -3_i64..2, 1_i64..4).prop_map(|(r, b, n)| Op::Usage(r, b, n)),
        2 => (resource(), expiry(), any::<bool>()).prop_map(|(r, e, auto)| Op::Activate(r, e, auto)),
        1 => resource().prop_map(Op::Removed),
        3 => (resource(), expiry(), prop::option::weighted(0.2, 0_u64..4)).prop_map(|(r, e, s)| Op::Expiry(r, e, s)),
        2 => (resource(), any::<bool>(), prop::option::of(1_u32..3)).prop_map(|(r, on, m)| Op::Auto(r, on, m)),
        2 => (resource(), 1_u32..3).prop_map(|(r, months)| Op::Renew(r, months)),
        2 => (resource(), any::<bool>()).prop_map(|(r, paid)| Op::Charge(r, paid)),
        2 => (vec(resource(), 1..3), any::<bool>()).prop_map(|(r, now)| Op::Terminate(r, now)),
        2 => (resource(), prop::option::weighted(0.7, 0_i64..100)).prop_map(|(r, at)| Op::Schedule(r, at)),
        1 => resource().prop_map(Op::Restore),
        1 => resource().prop_map(Op::Release),
        3 => hold(),
        2 => lift(),
    ]
}

/// Whole histories.
pub(super) fn histories() -> impl Strategy<Value = Vec<Fact>> {
    let late = prop_oneof![4 => Just(0_i64), 1 => 1_i64..30];
    let fact = (op(), 1..HOURS, late).prop_map(|(op, hour, late)| Fact { op, hour, late });
    vec(fact, 1..22)
}

/// The account, its balance and its resources.
pub(super) fn beginning() -> Vec<Event> {
    let contacts = Vec::new();
    let currency = "CNY".parse().expect("in use");
    let profile = Profile { currency, contacts, locale: None, name: None };
    let mut events = vec![event(1_000, at(0), Body::AccountUpdated(profile))];
    events.push(event(1_001, at(0), body(&Op::Balance(5, None), at(0), None)));
    for index in 0..4 {
        let activate = Op::Activate(index, 200, true);
        events.push(event(1_002 + index, at(0), body(&activate, at(0), None)));
    }
    events
}

/// The events of a history in the order in which they are read. Answers to charges name the one that is open then.
pub(super) fn resolve(facts: &[Fact]) -> Vec<Arrival> {
    let mut facts: Vec<_> = facts.iter().enumerate().collect();
    facts.sort_by_key(|(_, fact)| fact.hour + fact.late);
    let mut world = World::new(policies(), Load::All);
    let mut arrivals: Vec<Arrival> =
        beginning().into_iter().map(|event| Arrival { at: at(0), event }).collect();
    world.step(at(0), &events(&arrivals));
    for group in
        facts.chunk_by(|(_, one), (_, other)| one.hour + one.late == other.hour + other.late)
    {
        let now = at(group[0].1.hour + group[0].1.late);
        world.wake_up_to(now);
        let read: Vec<_> = group
            .iter()
            .map(|(index, fact)| {
                let time = at(fact.hour);
                Arrival { at: now, event: event(*index, time, body(&fact.op, time, Some(&world))) }
            })
            .collect();
        world.step(now, &events(&read));
        arrivals.extend(read);
    }
    arrivals
}

pub(super) fn events(arrivals: &[Arrival]) -> Vec<Event> {
    arrivals.iter().map(|arrival| arrival.event.clone()).collect()
}

fn event(index: usize, time: DateTime<Utc>, body: Body) -> Event {
    let key = EventKey { source: "/billing".into(), id: format!("e-{index}") };
    Event { key, time, account: AccountId::from("acc"), body }
}

fn money(amount: i64, currency: &str) -> Money {
    Money { amount: Decimal::from(amount), currency: currency.parse().expect("in use") }
}

fn name(index: usize) -> ResourceId {
    ResourceId::from(RESOURCES[index].0)
}

fn body(op: &Op, time: DateTime<Utc>, world: Option<&World<'_>>) -> Body {
    let hours = |hours: i64| TimeDelta::hours(hours);
    match op {
        Op::Balance(amount, sequence) => {
            Body::BalanceReported { balance: money(*amount, "CNY"), sequence: *sequence }
        }
        Op::OtherCurrency(amount) => {
            Body::BalanceReported { balance: money(*amount, "USD"), sequence: None }
        }
        Op::Usage(resource, begin, length) => Body::UsageCharged(Usage {
            amount: money(3, "CNY"),
            period_start: time + hours(*begin),
            period_end: time + hours(begin + length),
            resource: resource.map(name),
            traffic: false,
        }),
        Op::Activate(index, expiry, auto) => {
            Body::ResourceActivated(Box::new(activation(*index, at(*expiry), *auto)))
        }
        Op::Removed(index) => Body::ResourceRemoved { resource: name(*index) },
        Op::Expiry(index, expiry, sequence) => Body::ExpiryChanged {
            resource: name(*index),
            expires_at: at(*expiry),
            sequence: *sequence,
        },
        Op::Auto(index, on, months) => Body::AutoRenewChanged {
            resource: name(*index),
            auto_renew: AutoRenew { mode: mode(*on), months: *months },
        },
        Op::Renew(index, months) => Body::RenewalRequested {
            resource: name(*index),
            months: *months,
            downgrade: Vec::new(),
        },
        Op::Charge(index, paid) => answer(*index, *paid, world),
        Op::Terminate(indexes, now) => Body::TerminationRequested {
            resources: indexes.iter().copied().map(name).collect(),
            mode: if *now { TerminationMode::Immediate } else { TerminationMode::Recycle },
        },
        Op::Schedule(index, Some(hour)) => {
            Body::TerminationScheduled { resource: name(*index), at: at(*hour) }
        }
        Op::Schedule(index, None) => Body::TerminationCancelled { resource: name(*index) },
        Op::Restore(index) => Body::RestoreRequested { resource: name(*index) },
        Op::Release(index) => Body::ReleaseRequested { resource: name(*index) },
        Op::Hold(index, id, all, until) => Body::HoldPlaced {
            resource: index.map(name),
            hold: id.map(|id| format!("h-{id}")),
            reason: "case".into(),
            scope: if *all { HoldScope::All } else { HoldScope::Release },
            until: until.map(at),
        },
        Op::Lift(index, id) => {
            Body::HoldLifted { resource: index.map(name), hold: id.map(|id| format!("h-{id}")) }
        }
    }
}

fn mode(on: bool) -> RenewMode {
    if on { RenewMode::Auto } else { RenewMode::Manual }
}

fn answer(index: usize, paid: bool, world: Option<&World<'_>>) -> Body {
    let resource = name(index);
    let open = world.and_then(|world| world.whole.resources.get(&resource)?.charges.last());
    let charge = open.map_or_else(|| "nobody asked".to_owned(), |charge| charge.name.clone());
    if paid {
        Body::ChargeSucceeded { resource, charge }
    } else {
        Body::ChargeFailed { resource, charge, reason: None }
    }
}

fn activation(index: usize, expires_at: DateTime<Utc>, auto: bool) -> Activation {
    Activation {
        resource: name(index),
        policy: PolicyId::from(RESOURCES[index].1),
        currency: None,
        traits: Traits { price: Some(Decimal::from(5)), ..Traits::default() },
        purchased_at: None,
        expires_at: Some(expires_at),
        term_months: None,
        auto_renew: Some(AutoRenew { mode: mode(auto), months: Some(1) }),
        orders: Vec::new(),
    }
}
