//! The breaker on both stores, as the worker's groups use it: whole sets, over pages and restarts, and the word of a person.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Breaker, BreakerSettings};
use crate::engine::account::Account;
use crate::engine::breaker::Limit;
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
use crate::worker::group::{Group, Settings, Taken};
use crate::worker::serve::live;
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
            Group::new(tx, &self.policies, &self.settings, Proofs::Recorded, &self.world)
                .guarded_by(Some(&mut self.breaker));
        let more = live(&mut group, taken, now, self.settings.group_max).unwrap();
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
        rows.into_iter().map(|row| row.body).collect()
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

#[test]
fn as_many_as_are_not_too_many_come_and_one_more_within_the_window_is_held_also_after_a_restart() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 5);
        bench.add("own", 5, at(30));
        bench.settle(at(0));
        assert_eq!(bench.phases(6), count([("stopped", 5), ("active", 1)]));
        assert_eq!(bench.batches().len(), 0);
        bench.restart(at(29));
        bench.settle(at(30));
        assert_eq!(bench.resource(5).phase.as_str(), "active");
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, batch.admitted, batch.limit, batch.tracked), (1, 5, 5, 6));
    });
}

#[test]
fn what_was_admitted_counts_no_more_once_the_window_is_over() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 5);
        bench.add("own", 5, at(62));
        bench.settle(at(0));
        bench.restart(at(1));
        bench.settle(at(62));
        assert_eq!(bench.phases(6), count([("stopped", 6)]));
    });
}

#[test]
fn nothing_of_a_set_comes_before_all_of_it_was_judged_however_many_groups_that_takes() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        // Three a group: after two groups it has not seen more than are allowed.
        assert!(bench.group(Vec::new(), at(0)));
        assert!(bench.group(Vec::new(), at(0)));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        bench.restart(at(0));
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, bench.members(&batch.hash)), (10, 10));
        assert_eq!(bench.published("lifecycle.breaker.tripped"), 1);
        assert_eq!(bench.published("lifecycle.resource.changed"), 0);
        assert_eq!(bench.breaker.open_batches(), 1);
    });
}

#[test]
fn a_set_larger_than_a_group_comes_whole_where_it_is_not_too_large() {
    on_each_store(|store| {
        let ten = Limit { number: 10, share_percent: 100, floor: 0 };
        let mut bench = Bench::new(store, BreakerSettings { stops: (ten, ten), ..five() });
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert_eq!(bench.published("lifecycle.transition.held"), 0);
        assert!(!bench.breaker.has_admitted() && !bench.breaker.has_asked());
        // They count once.
        let since = at(0) - bench.settings.breaker.window;
        let kind = crate::engine::breaker::Kind::Stop;
        assert_eq!(bench.breaker.book.admitted(kind, None, since), 10);
    });
}

#[test]
fn while_a_set_is_held_notices_go_on_and_it_is_said_once_that_each_waits() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!((bench.told(), bench.published("lifecycle.transition.held")), (10, 0));
        bench.settle(at(5));
        assert_eq!(bench.published("lifecycle.transition.held"), 10);
        bench.settle(at(24 * 60));
        assert_eq!((bench.told(), bench.published("lifecycle.transition.held")), (20, 10));
        assert_eq!(bench.resource(0).held.unwrap().because, "breaker");
        assert_eq!(bench.phases(10), count([("active", 10)]));
    });
}

#[test]
fn an_approval_lets_exactly_its_batch_go_on_and_is_on_record() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        for number in 10..16 {
            bench.add("own", number, at(30));
        }
        bench.settle(at(0));
        bench.settle(at(30));
        let first = bench.batches().remove(0);
        assert_eq!(bench.batches().len(), 1, "what comes later waits behind it");
        // One of them pays.
        let paid = json!({ "account": "a03", "resource": "r03",
            "expires_at": at(9999).to_rfc3339() });
        bench.tell(&[("expiry.changed", "a03", paid)], at(31));
        assert_eq!(bench.members(&first.hash), 9);

        let (state, said) = bench.approve(&first.hash, at(40));
        assert_eq!(state, CommandState::Done, "{said}");
        assert!(said.contains("9 go on, 1 had left"), "{said}");
        assert_eq!(bench.phases(10), count([("stopped", 9), ("active", 1)]));
        // The six that came later are judged as a set of their own, and are too many.
        assert_eq!(bench.phases(16), count([("stopped", 9), ("active", 7)]));
        let batches = bench.batches();
        assert_eq!((batches.len(), batches[1].count), (2, 6));
        assert_eq!(batches[0].state, BatchState::Approved);
        let record = bench.record(0).join("\n");
        assert!(
            record.contains("SAFE-6") && record.contains("olga: a real sale ended"),
            "{record}"
        );
        assert!(!bench.record(3).join("\n").contains("olga"), "it was not in it any more");

        let (state, _) = bench.approve(&first.hash, at(41));
        assert_eq!(state, CommandState::Refused);
        assert_eq!(bench.approve("ff", at(41)).0, CommandState::Refused);
    });
}

#[test]
fn what_a_person_approved_does_not_count_against_what_comes_next() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        for number in 10..15 {
            bench.add("own", number, at(30));
        }
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        bench.settle(at(30));
        bench.approve(&hash, at(40));
        assert_eq!(bench.phases(15), count([("stopped", 15)]));
    });
}

#[test]
fn a_rejected_batch_stays_and_can_be_approved_after_all() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        assert_eq!(bench.reject(&hash, at(10)).0, CommandState::Done);
        assert!(bench.record(0).join("\n").contains("rejected by olga: the feed lied"));
        assert_eq!(bench.breaker.open_batches(), 0);
        bench.restart(at(11));
        bench.settle(at(24 * 60));
        assert_eq!(bench.phases(10), count([("active", 10)]));
        assert_eq!((bench.batches().len(), bench.members(&hash)), (1, 10));
        // Others are not kept by it.
        bench.add("own", 10, at(24 * 60 + 1));
        bench.settle(at(24 * 60 + 1));
        assert_eq!(bench.resource(10).phase.as_str(), "stopped");
        assert_eq!(bench.approve(&hash, at(24 * 60 + 2)).0, CommandState::Done);
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
    });
}

#[test]
fn a_batch_of_which_all_have_paid_keeps_nobody_waiting() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 6);
        bench.add("own", 6, at(30));
        bench.settle(at(0));
        bench.settle(at(30));
        for number in 0..6 {
            let (account, resource) = (format!("a{number:02}"), format!("r{number:02}"));
            let data = json!({ "account": account, "resource": resource,
                "expires_at": at(9999).to_rfc3339() });
            bench.tell(&[("expiry.changed", &account, data)], at(40));
        }
        assert_eq!(bench.batches().remove(0).state, BatchState::Withdrawn);
        assert_eq!(bench.resource(6).phase.as_str(), "stopped");
    });
}

#[test]
fn a_resource_that_was_paid_and_is_due_again_is_not_part_of_the_batch_any_more() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 10);
        bench.settle(at(0));
        let hash = bench.batches().remove(0).hash;
        let paid =
            json!({ "account": "a03", "resource": "r03", "expires_at": at(60).to_rfc3339() });
        bench.tell(&[("expiry.changed", "a03", paid)], at(10));
        bench.settle(at(60));
        assert_eq!(bench.members(&hash), 9);
        bench.approve(&hash, at(61));
        // Alone it is not too much: it was judged for itself.
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert!(!bench.record(3).join("\n").contains("olga"));
    });
}

#[test]
fn releases_have_a_limit_of_their_own_also_where_a_customer_asked_for_them() {
    on_each_store(|store| {
        let many = Limit { number: 99, share_percent: 100, floor: 0 };
        let mut bench = Bench::new(store, BreakerSettings { stops: (many, many), ..five() });
        bench.fleet("own", 10);
        bench.settle(at(0));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        bench.settle(at(2 * 24 * 60));
        assert_eq!(bench.phases(10), count([("stopped", 10)]));
        assert_eq!(bench.batches().remove(0).kind, crate::engine::breaker::Kind::Release);
    });
}

#[test]
fn accounts_that_fall_below_zero_are_told_once_it_is_judged_and_clocks_run_from_the_fall() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 5);
        for number in 0..5 {
            bench.balance(number, "-1", (0, 10));
        }
        assert_eq!((bench.told(), bench.phases(5)), (0, count([("active", 5)])));
        let later = at(10) + bench.settings.breaker.settle;
        assert_eq!(bench.breaker.judges_at(), Some(later));
        bench.settle(later);
        assert_eq!((bench.told(), bench.phases(5)), (5, count([("grace", 5)])));
        assert_eq!(bench.resource(0).wake_at, Some(at(120)), "two hours after the fall");
        bench.settle(at(120));
        assert_eq!(bench.phases(5), count([("stopped", 5)]));
    });
}

#[test]
fn too_many_accounts_below_zero_are_held_before_anybody_is_told_and_count_from_the_approval() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 8);
        for number in 0..8 {
            bench.balance(number, "-1", (i64::try_from(number).unwrap() * 8, 60));
        }
        bench.settle(at(61));
        assert_eq!((bench.told(), bench.phases(8)), (0, count([("active", 8)])));
        let batch = bench.batches().remove(0);
        assert_eq!((batch.count, batch.limit, batch.tracked), (8, 5, 8));
        assert_eq!(bench.published("lifecycle.breaker.tripped"), 1);
        assert!(bench.account(0).arrears.is_none() && bench.account(0).doubted.is_some());

        // It was a mistake about one of them.
        bench.balance(2, "10", (62, 62));
        bench.restart(at(63));
        bench.settle(at(300));
        assert_eq!((bench.told(), bench.phases(8)), (0, count([("active", 8)])));
        bench.approve(&batch.hash, at(600));
        assert_eq!((bench.told(), bench.phases(8)), (7, count([("grace", 7), ("active", 1)])));
        assert_eq!(bench.resource(0).wake_at, Some(at(720)), "the waiting was not counted");
        assert_eq!(bench.account(0).arrears.unwrap().since, at(0));
        assert!(bench.record(0).join("\n").contains("olga"));
        bench.balance(0, "1", (601, 601));
        assert_eq!(bench.resource(0).phase.as_str(), "active");
    });
}

#[test]
fn accounts_that_fall_later_wait_behind_a_batch_and_a_second_fall_is_not_part_of_it() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 9);
        for number in 0..8 {
            bench.balance(number, "-1", (0, 0));
        }
        bench.settle(at(1));
        let hash = bench.batches().remove(0).hash;
        bench.balance(8, "-1", (200, 200));
        bench.balance(7, "1", (201, 201));
        bench.balance(7, "-1", (202, 202));
        bench.settle(at(210));
        assert_eq!((bench.told(), bench.members(&hash)), (0, 7));
        bench.approve(&hash, at(211));
        bench.settle(at(212));
        assert_eq!(bench.told(), 9, "two are not too many");
        assert!(!bench.record(7).join("\n").contains("olga"));
        assert_eq!(bench.account(7).arrears.unwrap().counts_from(), at(202));
    });
}

#[test]
fn falls_of_one_hour_add_up_however_slowly_they_are_read() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("owes", 7);
        for number in 0..5 {
            bench.balance(number, "-1", (0, 60));
        }
        bench.settle(at(61));
        assert_eq!(bench.told(), 5);
        bench.restart(at(200));
        // Three hours later, about the same hour; and about another one.
        bench.balance(5, "-1", (59, 200));
        bench.settle(at(201));
        assert_eq!((bench.told(), bench.batches().len()), (5, 1));
        bench.reject(&bench.batches()[0].hash.clone(), at(202));
        bench.balance(6, "-1", (190, 203));
        bench.settle(at(204));
        assert_eq!(bench.told(), 6);
    });
}

#[test]
fn an_account_with_nothing_to_stop_asks_for_nothing() {
    on_each_store(|store| {
        let mut bench = Bench::new(store, five());
        bench.fleet("own", 1);
        bench.balance(0, "-1", (-60, -60));
        assert!(bench.account(0).arrears.is_some() && bench.account(0).doubted.is_none());
        assert_eq!(bench.breaker.judges_at(), None);
    });
}
