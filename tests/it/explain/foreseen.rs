//! What is foreseen is what the engine then does: for every resource of the example month, and for every lifecycle that ships.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use dunlin::engine::effect::Effect;
use dunlin::engine::forecast::{Coming, forecast};
use dunlin::engine::id::ResourceId;
use dunlin::engine::input::{Body, Event};
use dunlin::engine::moratorium::Moratoria;
use dunlin::engine::policy::{Clock, Policy};
use dunlin::event::{Limits, decode};
use dunlin::intake::{Delivery, Tag};
use dunlin::policy::Policies;
use dunlin::simulate::{Decided, Simulation};
use serde_json::{Value, json};

use super::MONTH;

/// One line of what happens to a resource by itself.
type Happened = BTreeSet<(DateTime<Utc>, String)>;

fn foreseen(
    simulation: &Simulation<'_>,
    policies: &Policies,
    now: DateTime<Utc>,
) -> Vec<(ResourceId, Happened)> {
    let mut all = Vec::new();
    for portfolio in simulation.accounts() {
        for resource in portfolio.resources.values() {
            let policy = policies.set.get(&resource.policy).expect("it ships");
            let ahead =
                forecast(policy, (&portfolio.account, &Moratoria::default()), resource, now)
                    .into_iter();
            let said = ahead.filter_map(|one| {
                let what = match one.what {
                    Coming::Step { from, to, .. } => format!("{from} -> {to}"),
                    Coming::Wish { to: Some(to) } => format!("{} -> {to}", resource.phase),
                    Coming::Notice { kind, .. } => format!("told {kind}"),
                    Coming::Charge { attempt, .. } => format!("charge {attempt}"),
                    Coming::Held { .. } | Coming::Look { .. } | Coming::Wish { to: None } => {
                        return None;
                    }
                };
                Some((one.at, what))
            });
            all.push((resource.id.clone(), said.collect()));
        }
    }
    all
}

fn happened(decided: &[Decided], id: &ResourceId) -> Happened {
    let mut all = Happened::new();
    for one in decided {
        for effect in &one.decision.effects {
            let what = match effect {
                Effect::Transition(change) if change.resource == *id => {
                    format!("{} -> {}", change.from, change.to)
                }
                Effect::ChargeRequested(charge) if charge.resource == *id => {
                    format!("charge {}", charge.attempt)
                }
                Effect::Notice(notice)
                    if notice.items.iter().any(|item| item.resource == *id)
                        && notice.kind.as_str() != "balance-warning" =>
                {
                    format!("told {}", notice.kind)
                }
                _ => continue,
            };
            all.insert((one.at, what));
        }
    }
    all
}

fn event(line: &str) -> Event {
    let delivery = Delivery {
        body: line.as_bytes().to_vec(),
        content_type: None,
        headers: Default::default(),
        user_id: None,
        origin: String::new(),
        tag: Tag { session: 0, number: 1 },
    };
    decode(&delivery, &Limits::default()).expect("a good event").event
}

fn start() -> DateTime<Utc> {
    "2026-03-01T00:00:00Z".parse().expect("an instant")
}

/// Lets events happen up to `now`, foresees, lets time run on, and compares; how many things happened.
fn compare(policies: &Policies, events: &[Event], now: DateTime<Utc>) -> usize {
    let mut simulation = Simulation::new(&policies.set);
    for event in events.iter().filter(|event| event.time <= now) {
        simulation.read(event.clone());
    }
    simulation.run_until(now);
    let foreseen = foreseen(&simulation, policies, now);
    let decided = simulation.run_until(now + TimeDelta::days(400));
    let mut things = 0;
    for (id, expected) in foreseen {
        let actual = happened(&decided, &id);
        assert_eq!(expected, actual, "{id} as of {now}");
        things += actual.len();
    }
    things
}

#[test]
fn what_is_foreseen_in_the_month_is_what_the_engine_then_does() {
    let policies = Policies::shipped();
    let mut events: Vec<Event> = MONTH.lines().map(event).collect();
    events.retain(|event| !matches!(event.body, Body::Heartbeat));
    let days = [3, 7, 9, 13, 15, 18, 26].map(|days| start() + TimeDelta::days(days));
    let things: usize = days.iter().map(|now| compare(&policies, &events, *now)).sum();
    assert!(things > 1000, "worth comparing: {things}");
}

/// A story of one resource under a policy: what it comes with, then what else happens.
fn story(policy: &Policy, auto_renew: &str, others: &[Value]) -> Vec<Event> {
    let at = |hours| (start() + TimeDelta::hours(hours)).to_rfc3339();
    let mut all = vec![
        json!({"type": "billing.account.updated", "time": at(0), "data": {"currency": "CNY",
            "contacts": [{"name": "A", "role": "creator", "email": "a@acc.example", "phone": "+8613800000001"}]}}),
        json!({"type": "billing.balance.changed", "time": at(1), "data": {"balance": "500.00", "currency": "CNY"}}),
    ];
    let mut activated =
        json!({"resource": "ins-1", "policy": policy.key.id.as_str(), "currency": "CNY"});
    match policy.clock {
        Clock::Expiry => {
            activated["expires_at"] = at(20 * 24 + 5).into();
            activated["purchased_at"] = at(2).into();
            activated["price"] = "100.00".into();
            activated["auto_renew"] = json!({"mode": auto_renew});
        }
        Clock::Arrears => {}
    }
    all.push(json!({"type": "billing.resource.activated", "time": at(2), "data": activated}));
    if policy.clock == Clock::Arrears {
        let owed = json!({"balance": "-1.00", "currency": "CNY"});
        all.push(json!({"type": "billing.balance.changed", "time": at(20 * 24 + 5), "data": owed}));
    }
    for other in others {
        let mut other = other.clone();
        let hours = other["hours"].take().as_i64().expect("a number");
        other["time"] = at(hours).into();
        if let Some(days) = other["data"]["in_days"].take().as_i64() {
            let key = if other["type"] == "billing.hold.placed" { "until" } else { "at" };
            other["data"][key] = at(days * 24).into();
        }
        all.push(other);
    }
    all.sort_by_key(|event| event["time"].as_str().map(str::to_owned));
    let line = |(number, mut event): (usize, Value)| {
        event["specversion"] = "1.0".into();
        event["id"] = number.to_string().into();
        event["source"] = "/billing".into();
        event["subject"] = "acc-1".into();
        event["data"]["account"] = "acc-1".into();
        event["data"].as_object_mut().expect("an object").retain(|key, _| key != "in_days");
        event.as_object_mut().expect("an object").retain(|key, _| key != "hours");
        self::event(&event.to_string())
    };
    all.into_iter().enumerate().map(line).collect()
}

#[test]
fn what_is_foreseen_is_what_the_engine_then_does_in_every_lifecycle_that_ships() {
    let policies = Policies::shipped();
    let hold = |scope: &str, days: Option<i64>| {
        json!({"type": "billing.hold.placed", "hours": 24 * 15, "data": {"resource": "ins-1",
            "hold": "h", "scope": scope, "reason": "a test", "in_days": days}})
    };
    let ends = json!({"type": "billing.termination.scheduled", "hours": 24 * 15,
        "data": {"resource": "ins-1", "in_days": 19}});
    let stories = [
        vec![],
        vec![hold("release", None)],
        vec![hold("all", Some(22))],
        vec![hold("release", Some(60))],
        vec![ends.clone()],
        vec![ends, hold("release", Some(25))],
    ];
    let mut things = 0;
    for policy in policies.set.iter() {
        for (auto_renew, others) in ["manual", "auto"]
            .iter()
            .flat_map(|mode| stories.iter().map(move |story| (mode, story)))
        {
            let events = story(policy, auto_renew, others);
            for days in [14, 16, 18, 20, 21, 22, 23, 26, 30, 37] {
                things += compare(&policies, &events, start() + TimeDelta::days(days));
            }
        }
    }
    assert!(things > 2000, "worth comparing: {things}");
}
