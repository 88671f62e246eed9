//! A message came back: on record as a receipt, told to whoever listens, and what it proved is proven no longer (SAFE-9).
//!
//! Decides nothing: which notice it was is looked up here, what follows from it the engine says.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::WorkerError;
use super::group::{Group, Received};
use super::outbox::{self, Pen};
use crate::dispatch::report::DeliveryReport;
use crate::engine::decision::Proofs;
use crate::engine::effect::Notice;
use crate::mask;
use crate::store::{Attempt, AttemptOutcome, DeliveryRow, DeliveryState, StoreError};

/// What of a notice came back in this commit.
pub(super) struct CameBack {
    pub(super) notice: Arc<Notice>,
    /// When another of its messages was accepted that did not.
    pub(super) still: Option<DateTime<Utc>>,
}

const SENT: DeliveryState = DeliveryState::Final(AttemptOutcome::Sent);
const BOUNCED: DeliveryState = DeliveryState::Final(AttemptOutcome::Bounced);

impl Group<'_> {
    /// Takes in that a delivery came back; one that dunlin does not know is set aside. Said twice it changes nothing.
    pub(super) fn came_back(
        &mut self,
        received: Received,
        (delivery, reason): (&str, Option<&str>),
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let Some(notice_id) = self.tx.notice_of(delivery)? else {
            let reason = "dunlin has sent no message with this id; the account of a bounce is looked up by it".to_owned();
            return self.set_aside(
                &received.event,
                received.event_type,
                ("unknown_message", reason),
                received.delivery,
                now,
            );
        };
        let rows = self.tx.deliveries(&notice_id)?;
        let row = rows.iter().find(|row| row.id == delivery).filter(|row| row.state != BOUNCED);
        self.count(received.event_type, if row.is_some() { "applied" } else { "stale" });
        let Some(row) = row else { return Ok(()) };
        let missing = || StoreError::Missing { what: "notice", id: notice_id.clone() };
        let notice = Arc::new(self.tx.notice(&notice_id)?.ok_or_else(missing)?);
        // Whoever passes a bounce on may quote the whole of it.
        let receipt = if self.tx.is_erased(&notice_id)? {
            "erased".to_owned()
        } else {
            mask::scrubbed(reason.unwrap_or("no reason was given"))
        };
        self.record_bounce(&notice_id, (row, &notice), receipt, now)?;
        if row.state == SENT && self.proofs == Proofs::Recorded {
            let still = self.accepted_still(&rows, delivery)?;
            let account = notice.account.clone();
            self.came_back.entry(account).or_default().push(CameBack { notice, still });
        }
        Ok(())
    }

    fn record_bounce(
        &mut self,
        notice_id: &str,
        (row, notice): (&DeliveryRow, &Arc<Notice>),
        receipt: String,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        self.tx.record_attempt(&Attempt {
            delivery: &row.id,
            outcome: AttemptOutcome::Bounced,
            receipt: &receipt,
            at: now,
            next_at: None,
        })?;
        let report = DeliveryReport {
            delivery: row.id.clone(),
            notice_id: notice_id.to_owned(),
            notice: Arc::clone(notice),
            channel: row.channel,
            attempt: row.attempts.saturating_add(1),
            outcome: AttemptOutcome::Bounced,
            receipt,
            next_at: None,
            sent: None,
        };
        let mut pen = Pen { tx: &mut *self.tx, settings: self.settings, now };
        outbox::tell_outcome(&mut pen, &report)
    }

    /// When the first of the other messages of a notice was accepted, of those that did not come back.
    fn accepted_still(
        &self,
        rows: &[DeliveryRow],
        returned: &str,
    ) -> Result<Option<DateTime<Utc>>, WorkerError> {
        let mut first = None;
        for row in rows.iter().filter(|row| row.state == SENT && row.id != returned) {
            let receipts = self.tx.receipts(&row.id)?;
            let sent = receipts.iter().find(|receipt| receipt.outcome == AttemptOutcome::Sent);
            first = [first, sent.map(|receipt| receipt.at)].into_iter().flatten().min();
        }
        Ok(first)
    }
}
