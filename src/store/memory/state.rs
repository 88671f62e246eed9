//! The tables of the in-memory store, and the changes that the contract names. Knows no transaction.
//!
//! A change either happens or leaves everything as it was: it checks first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::account::Account;
use crate::engine::effect::Notice;
use crate::engine::id::{AccountId, EventKey, PolicyKey, ResourceId};
use crate::engine::resource::Resource;
use crate::store::{
    Attempt, AttemptOutcome, DecisionRow, DeliveryRow, DeliveryState, NewDelivery, NewPublication,
    PolicyRow, PublicationRow, QuarantineRow, Quarantined, Receipt, ReceiptRow, Result,
    SentMessage, StoreError, Versioned, due, instant, past, policy_changed,
};

/// Everything. Rows carry instants in microseconds, as every backend keeps them.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) inbox: BTreeMap<EventKey, ([u8; 32], i64)>,
    pub(super) quarantine: BTreeMap<i64, QuarantineRow>,
    pub(super) accounts: BTreeMap<AccountId, Versioned<Account>>,
    pub(super) resources: BTreeMap<(AccountId, ResourceId), Versioned<Resource>>,
    /// When, whose, and of which resource if not the account's own.
    pub(super) wakes: BTreeSet<(i64, AccountId, Option<ResourceId>)>,
    pub(super) decisions: Vec<(DecisionRow, Vec<ResourceId>)>,
    pub(super) publications: BTreeMap<u64, Queued>,
    pub(super) notices: BTreeMap<String, Arc<Notice>>,
    pub(super) deliveries: BTreeMap<String, Delivery>,
    /// Deliveries that are not final: when, in which order, which.
    pub(super) pending: BTreeSet<(i64, u64, String)>,
    pub(super) sent: BTreeMap<String, SentMessage>,
    pub(super) policies: BTreeMap<PolicyKey, PolicyRow>,
    quarantined: i64,
    sequence: u64,
}

#[derive(Clone)]
pub(super) struct Queued {
    pub(super) row: PublicationRow,
    pub(super) next_at: i64,
}

#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) notice: String,
    pub(super) sequence: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) next_at: i64,
    pub(super) row: DeliveryRow,
    pub(super) receipts: Vec<ReceiptRow>,
}

/// What a column of microseconds keeps of an instant.
pub(super) fn kept(micros: i64) -> DateTime<Utc> {
    instant(micros).expect("it was an instant before")
}

fn conflict(what: &'static str, id: &str, expected: u64) -> StoreError {
    StoreError::Conflict { what, id: id.to_owned(), expected }
}

fn missing(delivery: &str) -> StoreError {
    StoreError::Missing { what: "delivery", id: delivery.to_owned() }
}

impl State {
    pub(super) fn receive(&mut self, key: &EventKey, print: [u8; 32], at: i64) -> Receipt {
        match self.inbox.get(key) {
            Some((known, _)) if *known == print => Receipt::Copy,
            Some(_) => Receipt::Conflict,
            None => {
                self.inbox.insert(key.clone(), (print, at));
                Receipt::New
            }
        }
    }

    pub(super) fn forget_inbox(&mut self, before: i64, limit: usize) -> usize {
        let mut old: Vec<_> = self.inbox.iter().filter(|(_, (_, at))| *at < before).collect();
        old.sort_by_key(|(_, (_, at))| *at);
        let old: Vec<_> = old.into_iter().take(limit).map(|(key, _)| key.clone()).collect();
        for key in &old {
            self.inbox.remove(key);
        }
        old.len()
    }

    pub(super) fn quarantine(&mut self, message: &Quarantined, kept_bytes: usize) -> i64 {
        self.quarantined += 1;
        let mut message = message.clone();
        let body_bytes = u64::try_from(message.body.len()).unwrap_or(u64::MAX);
        message.body.truncate(kept_bytes);
        message.received_at = kept(past(message.received_at));
        let id = self.quarantined;
        self.quarantine.insert(id, QuarantineRow { id, body_bytes, message });
        id
    }

    pub(super) fn forget_quarantined(&mut self, before: i64, limit: usize) -> usize {
        let old = |row: &&QuarantineRow| past(row.message.received_at) < before;
        let mut old: Vec<_> = self.quarantine.values().filter(old).collect();
        old.sort_by_key(|row| (row.message.received_at, row.id));
        let old: Vec<_> = old.into_iter().take(limit).map(|row| row.id).collect();
        for id in &old {
            self.quarantine.remove(id);
        }
        old.len()
    }

    pub(super) fn put_account(&mut self, account: &Account, expected: u64) -> Result<u64> {
        let id = &account.id;
        let before = self.accounts.get(id);
        if before.map_or(0, |before| before.version) != expected {
            return Err(conflict("account", id.as_str(), expected));
        }
        let wake = before.and_then(|before| before.value.wake_at);
        self.move_wake(id, None, wake, account.wake_at);
        let version = expected + 1;
        self.accounts.insert(id.clone(), Versioned { version, value: account.clone() });
        Ok(version)
    }

    pub(super) fn put_resource(&mut self, resource: &Resource, expected: u64) -> Result<u64> {
        let key = (resource.account.clone(), resource.id.clone());
        let before = self.resources.get(&key);
        if before.map_or(0, |before| before.version) != expected {
            return Err(conflict("resource", resource.id.as_str(), expected));
        }
        let wake = before.and_then(|before| before.value.wake_at);
        self.move_wake(&key.0, Some(&key.1), wake, resource.wake_at);
        let version = expected + 1;
        self.resources.insert(key, Versioned { version, value: resource.clone() });
        Ok(version)
    }

    pub(super) fn remove_resource(
        &mut self,
        account: &AccountId,
        id: &ResourceId,
        expected: u64,
    ) -> Result<()> {
        let key = (account.clone(), id.clone());
        let Some(row) = self.resources.get(&key).filter(|row| row.version == expected) else {
            return Err(conflict("resource", id.as_str(), expected));
        };
        let wake = row.value.wake_at;
        self.move_wake(account, Some(id), wake, None);
        self.resources.remove(&key);
        Ok(())
    }

    fn move_wake(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) {
        let row = |at| (due(at), account.clone(), resource.cloned());
        if let Some(at) = from {
            self.wakes.remove(&row(at));
        }
        if let Some(at) = to {
            self.wakes.insert(row(at));
        }
    }

    pub(super) fn append_decision(&mut self, decision: &DecisionRow, of: &[ResourceId]) -> i64 {
        let id = i64::try_from(self.decisions.len()).map_or(i64::MAX, |count| count + 1);
        let mut row = decision.clone();
        (row.id, row.at) = (id, kept(past(row.at)));
        self.decisions.push((row, of.to_vec()));
        id
    }

    pub(super) fn push_publication(&mut self, new: &NewPublication) -> bool {
        if self.publication(&new.publication.id).is_some() {
            return false;
        }
        self.sequence += 1;
        let row = PublicationRow {
            publication: new.publication.clone(),
            lane: new.lane.clone(),
            created_at: kept(past(new.created_at)),
            attempts: 0,
            last_error: None,
        };
        self.publications.insert(self.sequence, Queued { row, next_at: due(new.created_at) });
        true
    }

    fn publication(&self, id: &str) -> Option<u64> {
        let mut all = self.publications.iter();
        all.find(|(_, queued)| queued.row.publication.id == id).map(|(sequence, _)| *sequence)
    }

    pub(super) fn finish_publication(&mut self, id: &str) -> bool {
        self.publication(id).is_some_and(|sequence| self.publications.remove(&sequence).is_some())
    }

    pub(super) fn retry_publication(&mut self, id: &str, next_at: i64, reason: &str) -> bool {
        let sequence = self.publication(id);
        let Some(queued) = sequence.and_then(|sequence| self.publications.get_mut(&sequence))
        else {
            return false;
        };
        queued.row.attempts = queued.row.attempts.saturating_add(1);
        queued.row.last_error = Some(reason.to_owned());
        queued.next_at = next_at;
        true
    }

    pub(super) fn push_notice(
        &mut self,
        id: &str,
        notice: &Notice,
        deliveries: &[NewDelivery],
    ) -> Result<bool> {
        if self.notices.contains_key(id) {
            return Ok(false);
        }
        let mut ids = BTreeSet::new();
        for delivery in deliveries {
            if self.deliveries.contains_key(&delivery.id) || !ids.insert(&delivery.id) {
                let source = format!("delivery {} is there already", delivery.id).into();
                return Err(StoreError::Backend { during: "storing a notice", source });
            }
        }
        self.notices.insert(id.to_owned(), Arc::new(notice.clone()));
        for delivery in deliveries {
            self.add_delivery(id, notice.at, delivery);
        }
        Ok(true)
    }

    fn add_delivery(&mut self, notice: &str, at: DateTime<Utc>, new: &NewDelivery) {
        self.sequence += 1;
        let (sequence, next_at) = (self.sequence, due(new.next_at));
        self.pending.insert((next_at, sequence, new.id.clone()));
        let row = DeliveryRow {
            id: new.id.clone(),
            contact: new.contact,
            channel: new.channel,
            state: DeliveryState::Pending,
            attempts: 0,
            next_at: kept(next_at),
            last_error: None,
        };
        let delivery = Delivery {
            notice: notice.to_owned(),
            sequence,
            created_at: kept(past(at)),
            next_at,
            row,
            receipts: Vec::new(),
        };
        self.deliveries.insert(new.id.clone(), delivery);
    }

    pub(super) fn record_attempt(&mut self, attempt: &Attempt<'_>) -> Result<DeliveryState> {
        let Some(delivery) = self.deliveries.get_mut(attempt.delivery) else {
            return Err(missing(attempt.delivery));
        };
        self.pending.remove(&(delivery.next_at, delivery.sequence, attempt.delivery.to_owned()));
        let row = &mut delivery.row;
        row.attempts = row.attempts.saturating_add(1);
        row.state = attempt.state_after(row.state);
        if let Some(at) = attempt.next_at {
            delivery.next_at = due(at);
            row.next_at = kept(delivery.next_at);
        }
        if attempt.outcome != AttemptOutcome::Sent {
            row.last_error = Some(attempt.receipt.to_owned());
        }
        if row.state == DeliveryState::Pending {
            self.pending.insert((delivery.next_at, delivery.sequence, row.id.clone()));
        }
        delivery.receipts.push(ReceiptRow {
            attempt: row.attempts,
            outcome: attempt.outcome,
            receipt: attempt.receipt.to_owned(),
            at: kept(past(attempt.at)),
        });
        Ok(row.state)
    }

    pub(super) fn keep_sent(&mut self, message: &SentMessage) -> Result<()> {
        if !self.deliveries.contains_key(&message.delivery) {
            return Err(missing(&message.delivery));
        }
        let mut message = message.clone();
        message.sent_at = kept(past(message.sent_at));
        self.sent.insert(message.delivery.clone(), message);
        Ok(())
    }

    pub(super) fn forget_sent(&mut self, before: i64, limit: usize) -> usize {
        let old = |message: &&SentMessage| past(message.sent_at) < before;
        let mut old: Vec<_> = self.sent.values().filter(old).collect();
        old.sort_by_key(|message| message.sent_at);
        let old: Vec<_> = old.into_iter().take(limit).map(|m| m.delivery.clone()).collect();
        for delivery in &old {
            self.sent.remove(delivery);
        }
        old.len()
    }

    pub(super) fn remember_policy(&mut self, policy: &PolicyRow) -> Result<()> {
        match self.policies.get(&policy.key) {
            Some(known) if known.text == policy.text => Ok(()),
            Some(known) => Err(policy_changed(&policy.key, &known.hash, &policy.hash)),
            None => {
                let mut policy = policy.clone();
                policy.at = kept(past(policy.at));
                self.policies.insert(policy.key.clone(), policy);
                Ok(())
            }
        }
    }
}
