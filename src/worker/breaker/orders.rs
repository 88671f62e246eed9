//! What a person decides about a batch: exactly its members go on, or stay. Each account has it on record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::judge::{find, keep};
use super::{Breaker, each_intent};
use crate::engine::decision::Reason;
use crate::engine::id::{AccountId, EventKey, ResourceId};
use crate::ledger::apart;
use crate::order::BatchOrder;
use crate::store::{
    BatchDecision, BatchState, Command, IntentRow, IntentState, IntentsOf, NewDecision, Transaction,
};
use crate::worker::WorkerError;

impl Breaker {
    /// Lets the batch go on, or keeps it; what was done, or why nothing was.
    pub(in crate::worker) fn decide(
        &mut self,
        tx: &mut dyn Transaction,
        (command, order): (&Command, &BatchOrder),
        (state, cause): (BatchState, EventKey),
        now: DateTime<Utc>,
    ) -> Result<Result<String, String>, WorkerError> {
        let Some(mut batch) = find(tx, &order.batch)? else {
            return Ok(Err(format!("there is no batch {}", order.batch)));
        };
        let goes_on = state == BatchState::Approved;
        let may =
            batch.state == BatchState::Held || (batch.state == BatchState::Rejected && goes_on);
        if !may {
            return Ok(Err(format!("the batch is {} already", batch.state.word())));
        }
        let mut members: BTreeMap<AccountId, Vec<IntentRow>> = BTreeMap::new();
        each_intent(&*tx, IntentsOf::Batch(&batch.hash), |row| {
            members.entry(row.account.clone()).or_default().push(row.clone());
        })?;
        let what = format!("batch {} {}", batch.hash, state.word());
        let said = format!(" by {}: {}", command.by, order.reason);
        for (account, rows) in &members {
            record(tx, account, (rows, &what, &said), &cause, now)?;
        }
        let next = if goes_on { IntentState::Admitted } else { IntentState::Rejected };
        let count = tx.decide_batch(&batch.hash, next)?;
        self.has_admitted |= goes_on;
        batch.state = state;
        let (by, reason) = (command.by.clone(), order.reason.clone());
        batch.decided = Some(BatchDecision { at: now, by, reason });
        keep(tx, &batch)?;
        self.close(&batch, now);
        let gone = batch.count.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(Ok(format!(
            "{} of {}: {count} {}, {gone} had left it before",
            batch.kind.word(),
            batch.scope.word(),
            if goes_on { "go on" } else { "stay held" },
        )))
    }
}

/// Puts the decision about its part of a batch on an account's record.
fn record(
    tx: &mut dyn Transaction,
    account: &AccountId,
    (rows, what, said): (&[IntentRow], &str, &str),
    cause: &EventKey,
    now: DateTime<Utc>,
) -> Result<(), WorkerError> {
    let number = tx.account(account)?.map_or(0, |known| known.value.decisions);
    let reasons: Vec<Reason> = rows
        .iter()
        .map(|row| Reason {
            rule: "SAFE-6".into(),
            resource: row.resource.clone(),
            because: match &row.resource {
                Some(_) => format!("{}: {what}", row.to),
                None => format!("below zero since {}: {what}", row.due_at),
            },
            said: Some(said.to_owned()),
            event: Some(cause.clone()),
            at: now,
        })
        .collect();
    let resources: Vec<ResourceId> = rows.iter().filter_map(|row| row.resource.clone()).collect();
    let (reasons, effects, apart) = apart::split(&reasons, &[]);
    let body = json!({ "number": number, "reasons": reasons, "effects": effects }).to_string();
    let text = apart.map(|apart| serde_json::to_string(&apart)).transpose()?;
    tx.append_decision(&NewDecision {
        account,
        at: now,
        causes: std::slice::from_ref(cause),
        resources: &resources,
        body: &body,
        text: text.as_deref(),
    })?;
    Ok(())
}
