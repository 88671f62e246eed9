//! Events of a story, one a line of text: `2026-03-01T00:00:00Z prepaid 2026-03-20T06:00:00Z auto`.
//!
//! All are of one account, `acc-1`, and one resource, `ins-1`, unless another is named.

use chrono::{DateTime, Utc};
use dunlin::engine::id::{AccountId, EventKey, PolicyId, ResourceId};
use dunlin::engine::input::{
    Activation, AutoRenew, Body, Downgrade, Event, HoldScope, Order, OrderKind, Profile, RenewMode,
    TerminationMode, Traits, Usage,
};
use dunlin::engine::money::Money;
use rust_decimal::Decimal;

pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The events of a story, `;` between them, after the account's own.
pub(super) fn events(story: &str) -> Vec<Event> {
    let lines = story.split(';').map(str::trim).filter(|line| !line.is_empty());
    let account = Body::AccountUpdated(Profile {
        currency: "CNY".parse().expect("in use"),
        contacts: Vec::new(),
        locale: None,
        name: None,
    });
    let told = lines.map(|line| line.split_once(' ').unwrap_or_else(|| panic!("no event: {line}")));
    let told = told.map(|(time, what)| (instant(time), body(instant(time), what)));
    let all = [(instant("2016-01-01T00:00:00Z"), account)].into_iter().chain(told);
    all.enumerate().map(|(index, (time, body))| event(index, time, body)).collect()
}

/// One more event.
pub(super) fn another(time: DateTime<Utc>, what: &str) -> Event {
    event(1_000_000, time, body(time, what))
}

fn event(index: usize, time: DateTime<Utc>, body: Body) -> Event {
    let key = EventKey { source: "/billing".into(), id: format!("e-{index:07}") };
    Event { key, time, account: AccountId::from("acc-1"), body }
}

fn money(text: &str) -> Money {
    let amount = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    Money { amount, currency: "CNY".parse().expect("in use") }
}

fn body(time: DateTime<Utc>, what: &str) -> Body {
    let words: Vec<&str> = what.split_whitespace().collect();
    let resource = ResourceId::from("ins-1");
    match words[..] {
        ["balance", amount] => Body::BalanceReported { balance: money(amount), sequence: None },
        ["usage", amount, from, to] => Body::UsageCharged(Usage {
            amount: money(amount),
            period_start: instant(from),
            period_end: instant(to),
            resource: None,
            traffic: false,
        }),
        ["expiry", at] => Body::ExpiryChanged { resource, expires_at: instant(at), sequence: None },
        ["auto", on] => Body::AutoRenewChanged { resource, auto_renew: auto(on == "on") },
        ["renew", months] => renewal(resource, months, None),
        ["renew", months, field] => renewal(resource, months, Some(field)),
        ["paid", charge] => Body::ChargeSucceeded { resource, charge: charge.into() },
        ["failed", charge] => Body::ChargeFailed { resource, charge: charge.into(), reason: None },
        ["terminate"] => termination(resource, TerminationMode::Recycle),
        ["end"] => termination(resource, TerminationMode::Immediate),
        ["schedule", at] => Body::TerminationScheduled { resource, at: instant(at) },
        ["cancel"] => Body::TerminationCancelled { resource },
        ["restore"] => Body::RestoreRequested { resource },
        ["release"] => Body::ReleaseRequested { resource },
        ["return"] => Body::ReturnRequested { resource },
        ["sync", day] => {
            let day_of_month = day.parse().unwrap_or_else(|error| panic!("{day}: {error}"));
            Body::ExpirySyncRequested { resources: vec![resource], day_of_month }
        }
        ["hold", scope, until] => Body::HoldPlaced {
            resource: Some(resource),
            hold: None,
            reason: "a case".into(),
            scope: if scope == "all" { HoldScope::All } else { HoldScope::Release },
            until: Some(instant(until)),
        },
        [policy, ref how @ ..] => activated(time, policy, how),
        [] => panic!("an event without words"),
    }
}

fn auto(on: bool) -> AutoRenew {
    AutoRenew { mode: if on { RenewMode::Auto } else { RenewMode::Manual }, months: None }
}

fn renewal(resource: ResourceId, months: &str, field: Option<&str>) -> Body {
    let months = months.parse().unwrap_or_else(|error| panic!("{months}: {error}"));
    let downgrade = field.map(|field| Downgrade { field: field.into(), to: "less".into() });
    Body::RenewalRequested { resource, months, downgrade: downgrade.into_iter().collect() }
}

fn termination(resource: ResourceId, mode: TerminationMode) -> Body {
    Body::TerminationRequested { resources: vec![resource], mode }
}

/// `prepaid EXPIRY`, `subscription months N auto`, `postpaid-24h`: activated, and bought, at the time of the event.
fn activated(time: DateTime<Utc>, policy: &str, how: &[&str]) -> Body {
    let policy = match policy {
        "prepaid" => "tencent-cvm-prepaid",
        "subscription" => "alibaba-ecs-subscription",
        "postpaid-15d" => "tencent-cvm-postpaid-15d",
        "postpaid-24h" => "tencent-cvm-postpaid-24h",
        "network" => "tencent-network-traffic",
        "berlin" => "prepaid-in-berlin",
        other => panic!("no policy is called {other} here"),
    };
    let (term_months, expires_at, rest) = match how {
        ["months", months, rest @ ..] => (months.parse().ok(), None, rest),
        [at, rest @ ..] => (None, Some(instant(at)), rest),
        [] => (None, None, how),
    };
    let order = Order {
        id: "o-1".into(),
        kind: OrderKind::New,
        cash: Decimal::from(51),
        revenue: Decimal::ZERO,
        complimentary: Decimal::ZERO,
        vouchers: Decimal::ZERO,
        starts_at: time,
        term_days: 30,
    };
    Body::ResourceActivated(Box::new(Activation {
        resource: ResourceId::from("ins-1"),
        policy: PolicyId::from(policy),
        currency: None,
        traits: Traits { price: Some(Decimal::from(51)), ..Traits::default() },
        purchased_at: Some(time),
        expires_at,
        term_months,
        auto_renew: Some(auto(rest.contains(&"auto"))),
        orders: vec![order],
    }))
}
