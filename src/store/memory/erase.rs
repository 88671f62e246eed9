//! Erasure in the in-memory store.

use std::sync::Arc;

use serde_json::Value;

use super::state::State;
use crate::engine::id::AccountId;
use crate::store::{AttemptOutcome, CommandState, DeliveryState, ERASED, erased};

impl State {
    pub(super) fn erase(&mut self, account: &AccountId) {
        for (id, notice) in &mut self.notices {
            if notice.account == *account {
                *notice = Arc::new(erased(notice));
                self.erased.insert(id.clone());
            }
        }
        for (id, delivery) in &mut self.deliveries {
            if !self.erased.contains(&delivery.notice) {
                continue;
            }
            if delivery.row.state == DeliveryState::Pending {
                self.pending.remove(&(delivery.next_at, delivery.sequence, id.clone()));
                delivery.row.state = DeliveryState::Final(AttemptOutcome::Failed);
                delivery.row.begun_at = None;
            }
            delivery.row.last_error = Some(ERASED.to_owned());
            delivery.receipts.iter_mut().for_each(|one| one.receipt = ERASED.to_owned());
            self.sent.remove(id);
        }
        for row in self.quarantine.values_mut() {
            if row.message.account.as_deref() == Some(account.as_str()) {
                row.message.body.clear();
                row.message.headers.clear();
            }
        }
        for row in &mut self.decisions {
            if row.decision.account == *account {
                (row.text, row.decision.text) = (None, None);
            }
        }
        for command in self.commands.values_mut() {
            if command.state != CommandState::Waiting
                && let Ok(mut body) = serde_json::from_str::<Value>(&command.body)
                && names(&body, account.as_str())
                && let Some(reason) = body.get_mut("reason")
            {
                *reason = ERASED.into();
                command.body = body.to_string();
            }
        }
    }
}

/// Whether the value of anything in it is this.
fn names(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(all) => all.iter().any(|one| names(one, wanted)),
        Value::Object(all) => all.values().any(|one| names(one, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
