//! Proof on its way into the engine (SAFE-4): with the receipt or not at all, once, and only where a policy asks for it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::group::{Group, Taken};
use super::settings::Settings;
use super::world::World;
use crate::dispatch::report::{DeliveryReport, Report};
use crate::engine::decision::Proofs;
use crate::engine::gate::Because;
use crate::engine::policy::{Channel, PolicySet};
use crate::engine::resource::{Notified, Resource};
use crate::event;
use crate::intake::{Delivery, Tag};
use crate::store::memory::{MemoryDisk, MemoryStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{AttemptOutcome, DecisionQuery, Limits, ReadyDelivery, Store};

/// Warned at E, and released two days later if somebody heard of it a day before.
pub(crate) const POLICY: &str = r#"
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
notice = "stopped"
[[step]]
from = "stopped"
to = "released"
at = { from = "entry", after = "2d" }
proof = { notices = ["stopped"], lead = "1d" }
[[notice]]
kind = "stopped"
on = "step"
channels = ["email", "sms"]
[[recovery]]
from = "stopped"
to = "active"
when = "renewed"
[renewal]
months = [1]
first_term_end = "same_time"
"#;

pub(crate) fn at(hours: i64) -> DateTime<Utc> {
    let expiry: DateTime<Utc> = "2026-03-10T00:00:00Z".parse().unwrap();
    expiry + TimeDelta::hours(hours)
}

fn policies(text: &str) -> PolicySet {
    let mut set = PolicySet::default();
    match crate::policy::parse("own.toml", text) {
        Ok((policy, _)) => set.insert(policy),
        Err(errors) => panic!("{errors}"),
    }
    set
}

/// One store and the worker's groups on it, each with a clock of its own.
pub(crate) struct Bench {
    pub(crate) store: Box<dyn Store>,
    policies: PolicySet,
    settings: Settings,
    pub(super) world: World,
    pub(super) given: i64,
}

impl Bench {
    /// An account with two contacts, whose resource stopped at E: four deliveries wait.
    pub(crate) fn stopped(store: Box<dyn Store>, policy: &str) -> Self {
        let mut bench = Self {
            store,
            policies: policies(policy),
            settings: Settings::default(),
            world: World::open(),
            given: 0,
        };
        let person = |name: &str| {
            json!({ "name": name, "role": "creator", "email": format!("{name}@a.example"),
                "phone": "+8613800000001" })
        };
        let account = json!({ "account": "acc", "currency": "CNY", "name": "Gu Yizhou",
            "contacts": [person("ann"), person("bo")] });
        let resource = json!({ "account": "acc", "resource": "ins", "policy": "own", "name": "gus-web",
            "expires_at": at(0).to_rfc3339() });
        let mut group = bench.group();
        for (number, (kind, data)) in
            [("account.updated", account), ("resource.activated", resource)].into_iter().enumerate()
        {
            let received = group.receive(taken(number, kind, &data), at(-99)).unwrap().unwrap();
            group.decide(&"acc".into(), vec![received], at(-99)).unwrap();
        }
        group.commit().unwrap();
        bench.wake(at(0));
        bench
    }

    pub(super) fn group(&mut self) -> Group<'_> {
        let begun = self.store.begin().unwrap();
        Group::new(begun, &self.policies, &self.settings, Proofs::Recorded, &mut self.world)
    }

    pub(crate) fn wake(&mut self, now: DateTime<Utc>) {
        let mut group = self.group();
        group.wake(now, 10).unwrap();
        group.commit().unwrap();
    }

    /// What waits to be sent, e-mails first.
    pub(crate) fn waiting(&self) -> Vec<ReadyDelivery> {
        let reader = self.store.reader().unwrap();
        let of = |channel| reader.ready_deliveries(at(999), channel, 99, &HashSet::new()).unwrap();
        [Channel::Email, Channel::Sms].into_iter().flat_map(of).collect()
    }

    /// An attempt for one delivery ended so; in the commit, unless dunlin dies before it. Whether it was worth a decision.
    pub(crate) fn report(
        &mut self,
        delivery: &ReadyDelivery,
        outcome: AttemptOutcome,
        (now, survives): (DateTime<Utc>, bool),
    ) -> bool {
        let report = Report::Delivery(DeliveryReport {
            delivery: delivery.id.clone(),
            notice_id: delivery.notice_id.clone(),
            notice: Arc::clone(&delivery.notice),
            channel: delivery.channel,
            attempt: 1,
            outcome,
            receipt: "so".into(),
            next_at: None,
            sent: None,
        });
        let mut group = self.group();
        assert!(group.report(&report, now).unwrap());
        let is_proof = !group.accepted.is_empty();
        group.decide_about_notices(now).unwrap();
        if survives {
            group.commit().unwrap();
        }
        is_proof
    }

    /// A message came back, as the pipeline tells it. How many events are in quarantine then.
    fn come_back(&mut self, number: usize, message: &str, now: DateTime<Utc>) -> u64 {
        let data = json!({ "message": message, "reason": "550 <ann@a.example> is unknown" });
        let mut group = self.group();
        let taken = taken(number, "notice.bounced", &data);
        assert!(group.receive(taken, now).unwrap().is_none(), "it is about no account");
        group.decide_about_notices(now).unwrap();
        group.commit().unwrap();
        self.store.reader().unwrap().quarantine_count().unwrap()
    }

    pub(super) fn resource(&self) -> Resource {
        self.store.reader().unwrap().find_resource(&"ins".into()).unwrap().remove(0)
    }

    pub(super) fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.resource().notified.get(&"stopped".into()).and_then(Notified::accepted_at)
    }

    pub(super) fn decisions(&self) -> usize {
        let query =
            DecisionQuery { account: &"acc".into(), resource: None, before: None, limit: 99 };
        self.store.reader().unwrap().decisions(&query).unwrap().len()
    }

    fn receipts(&self, delivery: &str) -> usize {
        self.store.reader().unwrap().receipts(delivery).unwrap().len()
    }
}

pub(super) fn taken(number: usize, kind: &str, data: &Value) -> Taken {
    let body = json!({ "specversion": "1.0", "id": number.to_string(), "source": "/billing",
        "type": format!("billing.{kind}"), "subject": "acc", "time": at(-99).to_rfc3339(), "data": data });
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
pub(crate) fn on_each_store(check: impl Fn(Box<dyn Store>)) {
    check(Box::new(MemoryStore::open(&MemoryDisk::default(), Limits::default()).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dunlin.db");
    check(Box::new(SqliteStore::open(&path, Limits::default()).unwrap()));
}

#[test]
fn one_contact_that_was_told_is_proof_and_the_others_add_nothing() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let waiting = bench.waiting();
        assert_eq!(waiting.len(), 4);
        bench.report(&waiting[0], AttemptOutcome::Failed, (at(1), true));
        bench.report(&waiting[1], AttemptOutcome::Unknown, (at(2), true));
        assert_eq!(bench.accepted_at(), None, "refused, or nobody can tell");
        assert!(bench.report(&waiting[2], AttemptOutcome::Sent, (at(30), true)));
        assert_eq!(bench.accepted_at(), Some(at(30)));
        let decisions = bench.decisions();
        assert!(!bench.report(&waiting[3], AttemptOutcome::Sent, (at(31), true)));
        assert_eq!((bench.accepted_at(), bench.decisions()), (Some(at(30)), decisions));
        // Due at 48, and a day after it was taken at 30.
        bench.wake(at(48));
        assert_eq!(bench.resource().held.map(|held| held.because), Some(Because::Proof));
        assert_eq!(bench.resource().wake_at, Some(at(54)));
        bench.wake(at(54));
        assert_eq!(bench.resource().phase.as_str(), "released");
    });
}

#[test]
fn a_receipt_and_what_it_proves_are_durable_together_or_not_at_all() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting().remove(0);
        bench.report(&first, AttemptOutcome::Sent, (at(1), false));
        assert_eq!((bench.receipts(&first.id), bench.accepted_at()), (0, None));
        // It died with it. The same is reported by the next one, which sends it again.
        bench.report(&first, AttemptOutcome::Sent, (at(2), true));
        assert_eq!((bench.receipts(&first.id), bench.accepted_at()), (1, Some(at(2))));
    });
}

#[test]
fn proof_that_comes_while_a_release_is_held_lets_it_go_after_the_lead_time() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        bench.wake(at(48));
        assert_eq!(bench.resource().wake_at, None, "nothing but proof changes it");
        let first = bench.waiting().remove(0);
        bench.report(&first, AttemptOutcome::Sent, (at(100), true));
        assert_eq!(bench.resource().wake_at, Some(at(124)));
        bench.wake(at(124));
        assert_eq!(bench.resource().phase.as_str(), "released");
    });
}

#[test]
fn where_no_policy_asks_for_proof_a_receipt_decides_nothing() {
    on_each_store(|store| {
        let text = POLICY.replace("proof = { notices = [\"stopped\"], lead = \"1d\" }\n", "");
        let mut bench = Bench::stopped(store, &text);
        let (decisions, before) = (bench.decisions(), bench.resource());
        let first = bench.waiting().remove(0);
        assert!(!bench.report(&first, AttemptOutcome::Sent, (at(1), true)));
        assert_eq!((bench.decisions(), bench.resource()), (decisions, before));
        bench.wake(at(48));
        assert_eq!(bench.resource().phase.as_str(), "released");
    });
}

#[test]
fn proof_is_gone_once_everything_that_was_taken_came_back() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let waiting = bench.waiting();
        bench.report(&waiting[0], AttemptOutcome::Sent, (at(1), true));
        bench.report(&waiting[1], AttemptOutcome::Sent, (at(30), true));
        assert_eq!(bench.come_back(50, &format!("<{}@mail.example>", waiting[0].id), at(31)), 0);
        assert_eq!(bench.accepted_at(), Some(at(30)), "the other one did not come back");
        assert_eq!(bench.come_back(51, &waiting[1].id, at(32)), 0);
        assert_eq!(bench.accepted_at(), None);
        bench.wake(at(48));
        assert_eq!(bench.resource().held.map(|held| held.because), Some(Because::Proof));
        // A third one arrives.
        assert!(bench.report(&waiting[2], AttemptOutcome::Sent, (at(60), true)));
        assert_eq!(bench.accepted_at(), Some(at(60)));
        let said = bench.store.reader().unwrap().receipts(&waiting[0].id).unwrap();
        assert_eq!(said[1].outcome, AttemptOutcome::Bounced);
        assert_eq!(said[1].receipt, "550 <a…@a.example> is unknown");
    });
}

#[test]
fn what_came_back_is_said_once_and_what_dunlin_never_sent_is_set_aside() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting().remove(0);
        bench.report(&first, AttemptOutcome::Sent, (at(1), true));
        let failures = |bench: &Bench| {
            let reader = bench.store.reader().unwrap();
            let waiting = reader.waiting_publications("acc", 99).unwrap();
            let types = waiting.iter().map(|row| row.publication.event_type.as_str());
            types.filter(|kind| *kind == "lifecycle.notice.failed").count()
        };
        assert_eq!((bench.come_back(50, &first.id, at(2)), failures(&bench)), (0, 1));
        assert_eq!((bench.come_back(51, &first.id, at(3)), failures(&bench)), (0, 1));
        assert_eq!(bench.come_back(52, "<somebody-elses@mail.example>", at(4)), 1);
        let message = bench.store.reader().unwrap().quarantined(None, 1).unwrap().remove(0).message;
        assert_eq!(message.code, "unknown_message");
    });
}

#[test]
fn what_comes_back_before_its_receipt_is_on_record_never_becomes_proof() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting().remove(0);
        bench.come_back(50, &first.id, at(1));
        assert!(!bench.report(&first, AttemptOutcome::Sent, (at(2), true)));
        assert_eq!(bench.accepted_at(), None);
    });
}
