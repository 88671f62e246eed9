//! What a group cannot take in: into quarantine, in the same commit, with the reason.

use chrono::{DateTime, Utc};

use super::Group;
use crate::engine::input::Event;
use crate::event::{self, Refusal};
use crate::intake::Delivery;
use crate::store::Quarantined;
use crate::worker::WorkerError;

impl Group<'_> {
    pub(in crate::worker) fn refuse(
        &mut self,
        delivery: Delivery,
        refusal: Refusal,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let event_type = refusal.event_type.as_deref().map_or("unknown", event::event_type_label);
        let code = refusal.code.label();
        let (source, event_id) = refusal.key.map(|key| (key.source, key.id)).unzip();
        let message = Quarantined {
            received_at: now,
            origin: delivery.origin,
            code: code.into(),
            field: refusal.field,
            reason: refusal.reason,
            source,
            event_id,
            event_type: refusal.event_type,
            account: refusal.account.map(|account| account.as_str().to_owned()),
            content_type: delivery.content_type,
            headers: delivery.headers,
            body: delivery.body,
        };
        self.quarantine(&message, event_type)
    }

    pub(in crate::worker) fn set_aside(
        &mut self,
        event: &Event,
        event_type: &'static str,
        (code, reason): (&str, String),
        delivery: Delivery,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let message = Quarantined {
            received_at: now,
            origin: delivery.origin,
            code: code.into(),
            field: None,
            reason,
            source: Some(event.key.source.clone()),
            event_id: Some(event.key.id.clone()),
            event_type: Some(event_type.into()),
            account: Some(event.account.as_str().to_owned()),
            content_type: delivery.content_type,
            headers: delivery.headers,
            body: delivery.body,
        };
        self.quarantine(&message, event_type)
    }

    fn quarantine(
        &mut self,
        message: &Quarantined,
        event_type: &'static str,
    ) -> Result<(), WorkerError> {
        let id = self.tx.quarantine(message)?;
        tracing::warn!(
            quarantine = id,
            origin = message.origin,
            code = message.code,
            field = message.field,
            event_type,
            reason = message.reason,
            "a message was set aside"
        );
        *self.tally.quarantined.entry(message.code.clone()).or_default() += 1;
        self.count(event_type, "quarantined");
        Ok(())
    }
}
