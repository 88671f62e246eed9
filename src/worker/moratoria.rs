//! Moratoria: taken in like events, kept in a register of the store, and handed to the gates (SAFE-7).

use chrono::{DateTime, Utc};
use serde_json::json;

use super::WorkerError;
use super::group::Group;
use crate::engine::decision::Reason;
use crate::engine::gate::Because;
use crate::engine::id::AccountId;
use crate::engine::input::{Body, Event};
use crate::engine::moratorium::{Moratoria, Target};
use crate::ledger::apart;
use crate::store::{self, NewDecision};

impl Group<'_> {
    /// Takes in an event that places a moratorium or lifts one (SAFE-7), and what a person said to it; `false` if it does neither.
    pub(super) fn take_moratorium(
        &mut self,
        event: &Event,
        said: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<bool, WorkerError> {
        let mut all = self.moratoria.as_ref().unwrap_or_else(|| self.world.moratoria()).clone();
        let Some(target) = all.take(event) else { return Ok(false) };
        store::put_moratorium(&mut *self.tx, &target, all.on(target.clone()))?;
        tracing::warn!(
            target = %target,
            in_force = all.on(target.clone()).in_force(event.time).count(),
            source = event.key.source,
            id = event.key.id,
            "a moratorium was placed or lifted"
        );
        self.record_moratorium(&target, (event, said), now)?;
        self.moratoria = Some(all);
        self.world.looks.at(Because::Moratorium, DateTime::<Utc>::MAX_UTC);
        Ok(true)
    }

    /// On the record of the store itself: it is about no account, or about all.
    fn record_moratorium(
        &mut self,
        target: &Target,
        (event, said): (&Event, Option<String>),
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let (what, reason) = match &event.body {
            Body::MoratoriumPlaced { reason, .. } => ("placed", Some(reason)),
            _ => ("lifted", None),
        };
        let said = said.or_else(|| reason.map(|reason| format!(": {reason}")));
        let reason = Reason {
            rule: "SAFE-7".into(),
            resource: None,
            because: format!("a moratorium on {target} is {what}"),
            said,
            event: Some(event.key.clone()),
            at: now,
        };
        let (reasons, effects, apart) = apart::split(&[reason], &[]);
        let body = json!({ "number": 0, "reasons": reasons, "effects": effects }).to_string();
        let text = apart.map(|apart| serde_json::to_string(&apart)).transpose()?;
        self.tx.append_decision(&NewDecision {
            account: &AccountId::new(""),
            at: now,
            causes: std::slice::from_ref(&event.key),
            resources: &[],
            body: &body,
            text: text.as_deref(),
        })?;
        Ok(())
    }

    /// Moratoria as they are by now.
    pub(super) fn moratoria(&self) -> &Moratoria {
        self.moratoria.as_ref().unwrap_or_else(|| self.world.moratoria())
    }
}
