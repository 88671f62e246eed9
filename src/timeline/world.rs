//! The events of an ordinary customer: an account, one resource, paid for until E, and, before arrears, a balance that is used
//! up by the hour.
//!
//! Nothing here knows what a policy does with them.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::Story;
use crate::engine::id::EventKey;
use crate::engine::input::{
    Activation, AutoRenew, Body, Contact, Event, Order, OrderKind, Profile, RenewMode, Role,
    Traits, Usage,
};
use crate::engine::money::{Currency, Money};
use crate::engine::policy::{Clock, Policy};

pub(super) const ACCOUNT: &str = "acc-1";
pub(super) const RESOURCE: &str = "res-1";
pub(super) const CURRENCY: &str = "EUR";

/// The resource began this long before E or A, so that every warning can be in time.
const BEGAN_BEFORE: TimeDelta = TimeDelta::days(TERM_DAYS as i64);
/// The days from then to E or A.
const TERM_DAYS: u32 = 400;
/// A balance that covers every renewal.
const RICH: i64 = 1_000_000;
/// The price of a month.
const PRICE: i64 = 100;
/// The price of an hour, in cents.
const PRICE_OF_AN_HOUR: i64 = 20;
/// What was paid in cash for the time until E: thirteen months, nearly.
const PAID: i64 = 1300;

/// What happens before the anchor and at it, in order.
pub(super) fn events(policy: &Policy, story: &Story) -> Option<Vec<Event>> {
    let mut events = Events(Vec::new());
    match policy.clock {
        Clock::Expiry => {
            let start = story.anchor.checked_sub_signed(BEGAN_BEFORE)?;
            events.begin(policy, story, start);
            events.tell(start, balance(Decimal::from(RICH)));
        }
        Clock::Arrears => arrears(policy, story, &mut events)?,
    }
    Some(events.0)
}

/// A balance that pays for exactly the hours before A: the deduction of the last one takes it below zero.
fn arrears(policy: &Policy, story: &Story, events: &mut Events) -> Option<()> {
    // Long enough to see every warning, and a full window of consumption before the first.
    let warned = policy.balance_check.as_ref().map(|check| check.under + check.over);
    let hours = warned.map_or(24, |warned| warned.num_hours() + 48);
    let hour = |before: i64| story.anchor.checked_sub_signed(TimeDelta::hours(before));
    let start = story.anchor.checked_sub_signed(BEGAN_BEFORE)?;
    events.begin(policy, story, start);
    for before in (0..=hours).rev() {
        let (at, began) = (hour(before)?, hour(before + 1)?);
        if policy.balance_check.is_some() {
            events.tell(at, usage(began, at));
        }
        // One an hour, and one too little.
        events.tell(at, balance(Decimal::from(before) - Decimal::new(5, 1)));
    }
    Some(())
}

/// Events in the making, numbered.
struct Events(Vec<Event>);

impl Events {
    fn begin(&mut self, policy: &Policy, story: &Story, at: DateTime<Utc>) {
        self.tell(at, Body::AccountUpdated(profile()));
        self.tell(at, Body::ResourceActivated(Box::new(activation(policy, story, at))));
    }

    fn tell(&mut self, time: DateTime<Utc>, body: Body) {
        let key = EventKey { source: "/world".to_owned(), id: self.0.len().to_string() };
        self.0.push(Event { key, time, account: ACCOUNT.into(), body });
    }
}

/// The charge request of this name is answered.
pub(super) fn answer(name: &str, time: DateTime<Utc>, paid: bool) -> Event {
    let (resource, charge) = (RESOURCE.into(), name.to_owned());
    let body = if paid {
        Body::ChargeSucceeded { resource, charge }
    } else {
        Body::ChargeFailed { resource, charge, reason: None }
    };
    let key = EventKey { source: "/world".to_owned(), id: format!("answer-{name}") };
    Event { key, time, account: ACCOUNT.into(), body }
}

fn currency() -> Currency {
    CURRENCY.parse().expect("the euro is in use")
}

fn balance(amount: Decimal) -> Body {
    let balance = Money { amount, currency: currency() };
    Body::BalanceReported { balance, sequence: None }
}

fn usage(period_start: DateTime<Utc>, period_end: DateTime<Utc>) -> Body {
    let amount = Money { amount: Decimal::ONE, currency: currency() };
    Body::UsageCharged(Usage { amount, period_start, period_end, resource: None, traffic: false })
}

/// What is attached is left open: then the engine names every kind that the policy names.
///
/// Bought when it began, and with every price that a refund is counted from.
fn activation(policy: &Policy, story: &Story, at: DateTime<Utc>) -> Activation {
    let expires = policy.clock == Clock::Expiry;
    let mode = if story.auto_renew { RenewMode::Auto } else { RenewMode::None };
    Activation {
        resource: RESOURCE.into(),
        policy: policy.key.id.clone(),
        currency: None,
        traits: Traits {
            price: Some(Decimal::from(PRICE)),
            hourly_price: Some(Decimal::new(PRICE_OF_AN_HOUR, 2)),
            ..Traits::default()
        },
        purchased_at: None,
        expires_at: expires.then_some(story.anchor),
        term_months: None,
        auto_renew: expires.then_some(AutoRenew { mode, months: None }),
        orders: if expires { vec![order(at)] } else { Vec::new() },
    }
}

/// What was paid for the time until E.
fn order(starts_at: DateTime<Utc>) -> Order {
    Order {
        id: "order-1".to_owned(),
        kind: OrderKind::New,
        cash: Decimal::from(PAID),
        revenue: Decimal::ZERO,
        complimentary: Decimal::ZERO,
        vouchers: Decimal::ZERO,
        starts_at,
        term_days: TERM_DAYS,
    }
}

fn profile() -> Profile {
    let contact = Contact {
        name: "Customer".to_owned(),
        role: Role::Creator,
        email: Some("customer@example.com".to_owned()),
        phone: Some("+4930123456".to_owned()),
        locale: None,
    };
    Profile { currency: currency(), contacts: vec![contact], locale: None, name: None }
}
