//! The changes to both outboxes of the in-memory store.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::state::{Delivery, Queued, State, kept};
use crate::engine::effect::Notice;
use crate::store::{
    Attempt, AttemptOutcome, DeliveryRow, DeliveryState, NewDelivery, NewPublication,
    PublicationRow, ReceiptRow, Result, SentMessage, StoreError, due, past,
};

fn missing(delivery: &str) -> StoreError {
    StoreError::Missing { what: "delivery", id: delivery.to_owned() }
}

impl State {
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
            self.add_delivery(id, notice.due_at(delivery.channel), delivery);
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
            begun_at: None,
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

    pub(super) fn begin_attempt(&mut self, id: &str, at: i64) -> Result<bool> {
        let row = &mut self.deliveries.get_mut(id).ok_or_else(|| missing(id))?.row;
        let may_begin = row.state == DeliveryState::Pending && row.begun_at.is_none();
        if may_begin {
            row.begun_at = Some(kept(at));
        }
        Ok(may_begin)
    }

    pub(super) fn withdraw_attempt(&mut self, id: &str) -> bool {
        self.deliveries.get_mut(id).is_some_and(|delivery| delivery.row.begun_at.take().is_some())
    }

    pub(super) fn record_attempt(&mut self, attempt: &Attempt<'_>) -> Result<DeliveryState> {
        let Some(delivery) = self.deliveries.get_mut(attempt.delivery) else {
            return Err(missing(attempt.delivery));
        };
        self.pending.remove(&(delivery.next_at, delivery.sequence, attempt.delivery.to_owned()));
        let row = &mut delivery.row;
        row.attempts = row.attempts.saturating_add(1);
        row.state = attempt.state_after(row.state);
        row.begun_at = None;
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
}
