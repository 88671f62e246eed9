//! Erasure: the person is nowhere any more, the chain holds, and nothing is released by it (SAFE-4).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::dispatch::report::{DeliveryReport, Report};
use crate::engine::gate::Because;
use crate::engine::policy::Channel;
use crate::ledger::verify::verify;
use crate::order::{About, Erase, Order};
use crate::store::{AttemptOutcome, CommandState, DeliveryState, SentMessage};
use crate::worker::tests::{Bench, POLICY, at, on_each_store, taken};

fn erase() -> Order {
    Order::Erase(Erase { account: "acc".into(), reason: "asked for by letter".into() })
}

fn without_proof() -> String {
    POLICY.replace("proof = { notices = [\"stopped\"], lead = \"1d\" }\n", "")
}

impl Bench {
    fn erase(&mut self, hours: i64) {
        let id = self.give(&erase());
        self.obey(hours, true);
        assert_eq!(self.command(id).state, CommandState::Done, "{:?}", self.command(id));
    }

    /// Somebody tells who the account is, as of an instant.
    fn told(&mut self, (number, time): (usize, DateTime<Utc>), now: DateTime<Utc>) {
        let data = json!({ "account": "acc", "currency": "CNY", "name": "Gu Yizhou",
            "contacts": [{ "name": "ann", "role": "creator", "email": "ann@a.example" }] });
        let mut one = taken(number, "account.updated", &data);
        one.decoded.as_mut().unwrap().event.time = time;
        let mut group = self.group();
        let received = group.receive(one, now).unwrap().unwrap();
        group.decide(&"acc".into(), vec![received], now).unwrap();
        group.commit().unwrap();
    }

    fn contacts(&self) -> usize {
        let account = self.store.reader().unwrap().account(&"acc".into()).unwrap().unwrap();
        account.value.profile.unwrap().value.contacts.len()
    }
}

#[test]
fn what_was_proven_before_an_erasure_releases_nothing_and_an_operator_can() {
    for policy in [POLICY.to_owned(), without_proof()] {
        on_each_store(|store| {
            let mut bench = Bench::stopped(store, &policy);
            let first = bench.waiting().remove(0);
            bench.report(&first, AttemptOutcome::Sent, (at(1), true));
            bench.erase(2);
            bench.wake(at(48));
            bench.wake(at(999));
            let held = bench.resource();
            assert_eq!(held.phase.as_str(), "stopped");
            assert_eq!(held.held.map(|held| held.because), Some(Because::Proof));
            let (account, resource) = ("acc".into(), "ins".into());
            let about = About { account, resource, reason: "the law".into() };
            let id = bench.give(&Order::ApproveRelease(about));
            bench.obey(1000, true);
            assert_eq!(bench.command(id).state, CommandState::Done, "{:?}", bench.command(id));
            assert_eq!(bench.resource().phase.as_str(), "released");
        });
    }
}

#[test]
fn newer_contacts_bring_the_account_back_and_older_ones_bring_nothing_back() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, &without_proof());
        bench.erase(2);
        bench.told((7, at(1)), at(3));
        assert_eq!(bench.contacts(), 0, "from before the erasure, read after it");
        bench.told((8, at(2)), at(3));
        assert_eq!(bench.contacts(), 0, "of its very instant");
        bench.wake(at(48));
        assert_eq!(bench.resource().phase.as_str(), "stopped");
        bench.told((9, at(49)), at(50));
        assert_eq!(bench.contacts(), 1);
        assert_eq!(bench.resource().phase.as_str(), "released", "its policy asks for no proof");
    });
}

#[test]
fn the_person_is_nowhere_any_more_and_the_chain_holds() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting().remove(0);
        bench.report(&first, AttemptOutcome::Sent, (at(1), true));
        let mut tx = bench.store.begin().unwrap();
        tx.quarantine(&crate::store::Quarantined {
            received_at: at(1),
            origin: "a test".into(),
            code: "contradiction".into(),
            field: None,
            reason: "so".into(),
            source: None,
            event_id: None,
            event_type: None,
            account: Some("acc".into()),
            content_type: None,
            headers: [("x".into(), "ann".into())].into(),
            body: b"Gu Yizhou".to_vec(),
        })
        .unwrap();
        tx.commit().unwrap();
        bench.erase(2);
        assert!(bench.waiting().is_empty(), "nothing waits to be sent");
        let reader = bench.store.reader().unwrap();
        let account = reader.account(&"acc".into()).unwrap();
        let notice = reader.notice(&first.notice_id).unwrap().unwrap();
        let rows = reader.ledger(&"acc".into(), None, 99).unwrap();
        let texts: Vec<_> = rows.iter().map(|row| row.text.as_ref().map(|one| &one.text)).collect();
        let quarantined = reader.quarantined_message(1).unwrap().unwrap().message;
        assert!(quarantined.body.is_empty() && quarantined.headers.is_empty());
        let all = format!("{account:?} {:?} {notice:?} {texts:?} {rows:?}", bench.resource());
        for secret in ["ann@", "Gu Yizhou", "gus-web", "+8613800000001"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        assert_eq!(notice.contacts.len(), 2, "deliveries name them by their places");
        for delivery in reader.deliveries(&first.notice_id).unwrap() {
            assert!(matches!(delivery.state, DeliveryState::Final(_)));
            let receipts = reader.receipts(&delivery.id).unwrap();
            assert!(receipts.iter().all(|receipt| receipt.receipt == "erased"));
        }
        let verified = verify(&*reader, &"acc".into()).unwrap();
        assert_eq!(verified.wrong, None);
        assert!(verified.erased > 0);
        assert!(all.contains("asked for by letter"), "why it was erased is on record");
        // A second time there is nothing left but the reason of the first.
        bench.erase(3);
        let verified = verify(&*bench.store.reader().unwrap(), &"acc".into()).unwrap();
        assert_eq!(verified.wrong, None);
    });
}

#[test]
fn what_was_being_sent_meanwhile_is_not_kept_and_proves_nothing() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let first = bench.waiting().remove(0);
        bench.erase(2);
        let sent = SentMessage {
            delivery: first.id.clone(),
            channel: Channel::Email,
            subject: None,
            text: "Dear ann".into(),
            html: None,
            sent_at: at(3),
        };
        let report = Report::Delivery(DeliveryReport {
            delivery: first.id.clone(),
            notice_id: first.notice_id.clone(),
            notice: Arc::clone(&first.notice),
            channel: first.channel,
            attempt: 1,
            outcome: AttemptOutcome::Sent,
            receipt: "250 <ann@a.example>".into(),
            next_at: None,
            sent: Some(sent),
        });
        let mut group = bench.group();
        group.report(&report, at(3)).unwrap();
        group.decide_about_notices(at(3)).unwrap();
        group.commit().unwrap();
        let reader = bench.store.reader().unwrap();
        assert_eq!(reader.sent_message(&first.id).unwrap(), None);
        let receipts = reader.receipts(&first.id).unwrap();
        assert!(receipts.iter().all(|one| !one.receipt.contains("ann@")), "{receipts:?}");
        assert_eq!(bench.accepted_at(), None);
        bench.wake(at(999));
        assert_eq!(bench.resource().phase.as_str(), "stopped");
    });
}

#[test]
fn an_account_that_nobody_knows_cannot_be_erased() {
    on_each_store(|store| {
        let mut bench = Bench::stopped(store, POLICY);
        let order = Order::Erase(Erase { account: "other".into(), reason: "x".into() });
        let id = bench.give(&order);
        bench.obey(2, true);
        assert_eq!(bench.command(id).state, CommandState::Refused);
        assert!(bench.store.reader().unwrap().account(&"other".into()).unwrap().is_none());
    });
}
