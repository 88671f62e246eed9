//! The breaker on both stores, as the worker's groups use it: whole sets, over pages and restarts, and the word of a person.

mod falls;
mod overtaken;
mod steps;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Breaker, BreakerSettings};
use crate::engine::account::Account;
use crate::engine::breaker::{Kind, Limit};
use crate::engine::decision::Proofs;
use crate::engine::policy::PolicySet;
use crate::engine::resource::Resource;
use crate::event;
use crate::intake::{Delivery, Tag};
use crate::order::{BatchOrder, Order};
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{
    BATCHES, Batch, BatchState, CommandState, DecisionQuery, IntentsOf, Limits, NewCommand, Store,
};
use crate::worker::group::{Group, Taken};
use crate::worker::serve::live;
use crate::worker::settings::Settings;
use crate::worker::world::World;

/// Stopped at E, told a day later, released after two.
const EXPIRES: &str = r#"
id = "own"
version = 1
title = "Own"
zone = "Asia/Shanghai"
clock = "expiry"
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "stopped"
class = "suspended"
[[phase]]
name = "released"
class = "gone"
[[step]]
from = "active"
to = "stopped"
at = { from = "expiry" }
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "2d" }
[[notice]]
kind = "expired"
slots = { from = "expiry", after = ["0d", "1d"] }
channels = ["email"]
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[renewal]
months = [1]
first_term_end = "same_time"
"#;

/// In grace at A, stopped two hours later.
const OWES: &str = r#"
id = "owes"
version = 1
title = "Owes"
zone = "Asia/Shanghai"
clock = "arrears"
[[phase]]
name = "active"
class = "working"
[[phase]]
name = "grace"
class = "unpaid"
[[phase]]
name = "stopped"
class = "suspended"
[[phase]]
name = "recycled"
class = "retained"
[[phase]]
name = "removed"
class = "gone"
[[step]]
from = "active"
to = "grace"
at = { from = "arrears" }
[[step]]
from = "grace"
to = "stopped"
at = { from = "arrears", after = "2h" }
[[step]]
from = "recycled"
to = "removed"
at = { from = "entry", after = "2h" }
[[notice]]
kind = "arrears"
on = "arrears"
channels = ["email"]
[[recovery]]
from = "grace"
to = "active"
when = "balance >= 0"
[[recovery]]
from = "stopped"
to = "active"
when = "balance > 0"
[termination]
bin = "recycled"
bin_for = "2h"
restore_to = "active"
[termination.to_bin]
actions = ["shutdown"]
[termination.to_gone]
actions = ["release"]
"#;

fn at(minutes: i64) -> DateTime<Utc> {
    let expiry: DateTime<Utc> = "2026-03-10T00:00:00Z".parse().unwrap();
    expiry + TimeDelta::minutes(minutes)
}

/// The settings of a small fleet: five are not too many.
fn five() -> BreakerSettings {
    let five = Limit { number: 5, share_percent: 100, floor: 0 };
    BreakerSettings {
        stops: (five, five),
        releases: (five, five),
        arrears: five,
        patience: TimeDelta::minutes(5),
        ..BreakerSettings::default()
    }
}

struct Bench {
    store: Box<dyn Store>,
    policies: PolicySet,
    settings: Settings,
    world: World,
    breaker: Breaker,
    events: usize,
}

impl Bench {
    fn new(store: Box<dyn Store>, breaker: BreakerSettings) -> Self {
        let mut policies = PolicySet::default();
        for text in [EXPIRES, OWES] {
            match crate::policy::parse("own.toml", text) {
                Ok((policy, _)) => policies.insert(policy),
                Err(errors) => panic!("{errors}"),
            }
        }
        let settings = Settings { breaker, group_max: 3, ..Settings::default() };
        let breaker = load(store.as_ref(), &settings, at(-999));
        Self { store, policies, settings, world: World::open(), breaker, events: 0 }
    }

    /// Dies and begins again.
    fn restart(&mut self, now: DateTime<Utc>) {
        self.breaker = load(self.store.as_ref(), &self.settings, now);
    }

    /// One group; whether there is more to do.
    fn group(&mut self, taken: Vec<Taken>, now: DateTime<Utc>) -> bool {
        let tx = self.store.begin().unwrap();
        let mut group =
            Group::new(tx, &self.policies, &self.settings, Proofs::Recorded, &mut self.world)
                .guarded_by(Some(&mut self.breaker));
        let more = live(&mut group, (taken, Vec::new()), now, self.settings.group_max).unwrap();
        group.commit().unwrap();
        more
    }

    /// Groups until there is nothing more to do.
    fn settle(&mut self, now: DateTime<Utc>) {
        for _ in 0..999 {
            if !self.group(Vec::new(), now) {
                return;
            }
        }
        panic!("it never comes to an end");
    }

    fn tell(&mut self, events: &[(&str, &str, Value)], now: DateTime<Utc>) {
        let taken = events.iter().map(|(kind, account, data)| {
            self.events += 1;
            taken(self.events, (kind, account), data, now)
        });
        let taken = taken.collect();
        let more = self.group(taken, now);
        assert!(!more || self.settings.group_max < 9);
        self.settle(now);
    }

    /// Accounts a00, a01, … with one resource each, under a policy.
    fn fleet(&mut self, policy: &str, count: usize) {
        for number in 0..count {
            self.add(policy, number, at(0));
        }
    }

    fn add(&mut self, policy: &str, number: usize, expires_at: DateTime<Utc>) {
        let (account, resource) = (format!("a{number:02}"), format!("r{number:02}"));
        let person = json!({ "name": "ann", "role": "creator", "email": "ann@a.example" });
        let profile = json!({ "account": account, "currency": "CNY", "contacts": [person] });
        let mut active = json!({ "account": account, "resource": resource, "policy": policy });
        if policy == "own" {
            active["expires_at"] = expires_at.to_rfc3339().into();
        }
        let events = [("account.updated", profile), ("resource.activated", active)];
        for (kind, data) in events {
            self.tell(&[(kind, &account, data)], at(-99));
        }
    }

    fn balance(&mut self, number: usize, balance: &str, (time, now): (i64, i64)) {
        let account = format!("a{number:02}");
        let data = json!({ "account": account, "balance": balance, "currency": "CNY" });
        self.events += 1;
        let taken = taken(self.events, ("balance.changed", &account), &data, at(time));
        self.group(vec![taken], at(now));
        self.settle(at(now));
    }

    fn resource(&self, number: usize) -> Resource {
        let id = format!("r{number:02}");
        self.store.reader().unwrap().find_resource(&id.as_str().into()).unwrap().remove(0)
    }

    fn account(&self, number: usize) -> Account {
        let id = format!("a{number:02}");
        self.store.reader().unwrap().account(&id.as_str().into()).unwrap().unwrap().value
    }

    /// How many are in each phase.
    fn phases(&self, count: usize) -> BTreeMap<String, usize> {
        let mut phases = BTreeMap::new();
        for number in 0..count {
            *phases.entry(self.resource(number).phase.to_string()).or_default() += 1;
        }
        phases
    }

    fn batches(&self) -> Vec<Batch> {
        let rows = self.store.reader().unwrap().registers(BATCHES).unwrap();
        let mut batches: Vec<Batch> =
            rows.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
        batches.sort_by_key(|batch| batch.tripped_at);
        batches
    }

    fn members(&self, hash: &str) -> usize {
        self.store.reader().unwrap().intents(IntentsOf::Batch(hash), None, 99).unwrap().len()
    }

    fn published(&self, kind: &str) -> usize {
        let lanes = (0..30).flat_map(|n| [format!("a{n:02}"), format!("a{n:02}/r{n:02}")]);
        let reader = self.store.reader().unwrap();
        let rows = lanes
            .chain(["breaker".into()])
            .flat_map(|lane| reader.waiting_publications(&lane, 99).unwrap());
        rows.filter(|row| row.publication.event_type == kind).count()
    }

    fn told(&self) -> u64 {
        self.store.reader().unwrap().backlog().unwrap().deliveries
    }

    fn order(&mut self, order: &Order, now: DateTime<Utc>) -> (CommandState, String) {
        let (kind, body) = order.written().unwrap();
        let mut tx = self.store.begin().unwrap();
        let command = NewCommand { at: now, by: "olga", kind: &kind, body: &body };
        let id = tx.give_command(&command).unwrap();
        tx.commit().unwrap();
        self.settle(now);
        let command = self.store.reader().unwrap().command(id).unwrap().unwrap();
        (command.state, command.answer.unwrap())
    }

    fn approve(&mut self, hash: &str, now: DateTime<Utc>) -> (CommandState, String) {
        let order = BatchOrder { batch: hash.into(), reason: "a real sale ended".into() };
        self.order(&Order::ApproveBatch(order), now)
    }

    fn reject(&mut self, hash: &str, now: DateTime<Utc>) -> (CommandState, String) {
        let order = BatchOrder { batch: hash.into(), reason: "the feed lied".into() };
        self.order(&Order::RejectBatch(order), now)
    }

    fn record(&self, number: usize) -> Vec<String> {
        let account = format!("a{number:02}");
        let query = DecisionQuery {
            account: &account.as_str().into(),
            resource: None,
            before: None,
            limit: 99,
        };
        let rows = self.store.reader().unwrap().decisions(&query).unwrap();
        rows.into_iter().map(|row| row.body + &row.text.unwrap_or_default()).collect()
    }
}

fn load(store: &dyn Store, settings: &Settings, now: DateTime<Utc>) -> Breaker {
    let reader = store.reader().unwrap();
    Breaker::load(reader.as_ref(), settings.breaker.clone(), now).unwrap()
}

fn taken(number: usize, (kind, account): (&str, &str), data: &Value, time: DateTime<Utc>) -> Taken {
    let body = json!({ "specversion": "1.0", "id": number.to_string(), "source": "/billing",
        "type": format!("billing.{kind}"), "subject": account, "time": time.to_rfc3339(),
        "data": data });
    let delivery = Delivery {
        body: body.to_string().into_bytes(),
        content_type: None,
        headers: BTreeMap::new(),
        user_id: None,
        origin: "a test".into(),
        tag: Tag { session: 0, number: 0 },
        mark: None,
    };
    Taken { decoded: event::decode(&delivery, &event::Limits::default()), delivery }
}

/// Does it on every kind of store.
fn on_each_store(check: impl Fn(Box<dyn Store>)) {
    check(Box::new(MemoryStore::open(&MemoryDisk::default(), Limits::default()).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dunlin.db");
    check(Box::new(SqliteStore::open(&path, Limits::default()).unwrap()));
}

fn count<const N: usize>(phases: [(&str, usize); N]) -> BTreeMap<String, usize> {
    phases.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}
