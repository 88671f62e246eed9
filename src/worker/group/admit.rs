//! What of a group the breaker has to admit (SAFE-6): few steps at once, sets once they are judged.
//!
//! Decides nothing: `engine::breaker` judges, and the engine's gate is told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Group;
use crate::engine::decision::{Circumstances, Input, Portfolio, Scope};
use crate::engine::gate::{Because, Gates};
use crate::engine::id::{AccountId, EventKey, ResourceId};
use crate::engine::input::{Body, Event};
use crate::engine::resource::Resource;
use crate::engine::{scope, step};
use crate::order::BatchOrder;
use crate::store::{BatchState, Command};
use crate::worker::WorkerError;
use crate::worker::breaker::{Before, Breaker, Count, Here, Leave, Steps, guarded};

impl<'t> Group<'t> {
    /// The same, where nothing comes that the breaker has not admitted (SAFE-6).
    pub(in crate::worker) fn guarded_by(self, breaker: Option<&'t mut Breaker>) -> Self {
        Self { breaker, ..self }
    }

    /// What the breaker has to know before a decision, and what it allows.
    pub(super) fn leave(
        &mut self,
        account: &AccountId,
        before: &Portfolio,
    ) -> Result<(Option<Before>, Leave), WorkerError> {
        let Some(breaker) = &self.breaker else { return Ok((None, Leave::default())) };
        let cleared = self.cleared.remove(account).unwrap_or_default();
        let leave = breaker.leave(&*self.tx, account, cleared)?;
        Ok((Some(Before::of(before, self.policies)), leave))
    }

    /// What the gates are told, the breaker's answer among it.
    pub(super) fn gates<'g>(&'g self, leave: &'g Leave) -> Gates<'g> {
        let gates = self.world.gates(self.moratoria.as_ref());
        match self.breaker.as_deref() {
            Some(breaker) => breaker.gates(gates, leave),
            None => gates,
        }
    }

    /// What waits to be admitted and would be overtaken by what happened after it was due: it comes first, as it would have come
    /// without waiting, if all that waits is not too much. Nothing that cannot be taken back does, and what holds it overtakes
    /// nothing.
    pub(super) fn overtaken(
        &mut self,
        account: &AccountId,
        input: Input<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<Leave>, WorkerError> {
        // Most of the time nothing waits, and nobody is looked up for that.
        let has_unjudged = self.breaker.as_deref().is_some_and(Breaker::has_unjudged);
        if !has_unjudged || input.events.is_empty() {
            return Ok(None);
        }
        let known = self.cache.account(&*self.tx, account)?;
        let scope = scope(known, input, self.policies, now);
        let before = self.cache.portfolio(&*self.tx, account, &scope, now)?;
        if before.account.doubted.is_none() && !before.resources.values().any(waits) {
            return Ok(None);
        }
        let is_hold = |event: &Event| matches!(event.body, Body::HoldPlaced { .. });
        let Some(time) = input.events.iter().map(|event| event.time).min() else { return Ok(None) };
        if input.events.iter().any(is_hold) {
            return Ok(None);
        }
        let Some(breaker) = self.breaker.as_deref() else { return Ok(None) };
        let Some(leave) = breaker.leave_of_waiting(&*self.tx, account, time)? else {
            return Ok(None);
        };
        let is_asked = input.events.iter().any(|event| event.body.request().is_some());
        if !is_asked && !self.is_withdrawn_by(&before, input, now) {
            return Ok(None);
        }
        let Some(breaker) = self.breaker.as_deref_mut() else { return Ok(None) };
        if !breaker.has_room_for_all(&*self.tx, now)? {
            return Ok(None);
        }
        if let Some(crossing) = leave.crossing {
            breaker.count_fall(crossing.since, now);
        }
        Ok(Some(leave))
    }

    /// Whether something that waits to be admitted would not come any more after this.
    fn is_withdrawn_by(&self, before: &Portfolio, input: Input<'_>, now: DateTime<Utc>) -> bool {
        let nothing = Leave::default();
        let circumstances = Circumstances { now, proofs: self.proofs, gates: self.gates(&nothing) };
        let after = step(before.clone(), input, self.policies, circumstances).after;
        let is_moot = |(id, was): (&ResourceId, &Resource)| {
            let is = after.resources.get(id);
            waits(was) && is.is_none_or(|is| !is.is_gated() && is.held.is_none())
        };
        (before.account.doubted.is_some() && after.account.doubted.is_none())
            || before.resources.iter().any(is_moot)
    }

    /// Lets everything come that is due for these accounts, if that is all that is due and cannot be too many.
    pub(super) fn clear<'a>(
        &mut self,
        accounts: impl Iterator<Item = &'a AccountId>,
        now: DateTime<Utc>,
    ) -> Result<(), WorkerError> {
        let Some(breaker) = &self.breaker else { return Ok(()) };
        let (mut counts, mut phases) = (BTreeMap::new(), BTreeMap::new());
        let mut cleared: BTreeMap<AccountId, Steps> = BTreeMap::new();
        let scope = Scope { due: true, ..Scope::default() };
        for account in accounts {
            let portfolio = self.cache.portfolio(&*self.tx, account, &scope, now)?;
            // What waits already is part of a set that is judged as a whole.
            let free = portfolio.resources.values().filter(|resource| !resource.is_gated());
            for resource in free {
                let Some(policy) = self.policies.get(&resource.policy) else { continue };
                let guarded = phases.entry(&policy.key).or_insert_with(|| guarded(policy));
                let count: &mut Count = counts.entry(policy.key.id.clone()).or_default();
                let steps = cleared.entry(account.clone()).or_default();
                for (phase, one) in guarded {
                    count.stops += one.stops;
                    count.releases += one.releases;
                    steps.insert((resource.id.clone(), (*phase).clone()));
                }
            }
        }
        if breaker.has_room(&counts, now) {
            self.cleared = cleared;
        }
        Ok(())
    }

    /// Judges what asked to be admitted, unless more is due that would belong to it, and lets go on what was; whether there is
    /// more to do.
    pub(in crate::worker) fn admit(
        &mut self,
        now: DateTime<Utc>,
        limit: usize,
        more_due: bool,
    ) -> Result<bool, WorkerError> {
        let Some(breaker) = self.breaker.as_deref_mut() else { return Ok(more_due) };
        let here = Here { now, source: &self.settings.source, shadow: self.settings.shadow };
        breaker.judge(&mut *self.tx, here, more_due)?;
        let mut more = more_due;
        if breaker.has_admitted() {
            self.flush()?;
            let accounts = self.tx.admitted_accounts(limit)?;
            for account in &accounts {
                self.decide_on(account, Vec::new(), true, now)?;
                self.tx.forget_admitted(account)?;
            }
            let has_more = accounts.len() == limit;
            more |= has_more;
            if let Some(breaker) = self.breaker.as_deref_mut() {
                breaker.set_admitted(has_more);
            }
        }
        let Some(breaker) = self.breaker.as_deref_mut() else { return Ok(more) };
        breaker.flush(&mut *self.tx, now)?;
        // A step that another one led to at once asks as well.
        Ok(more || breaker.has_asked())
    }

    /// Carries out what a person decided about a batch.
    pub(in crate::worker) fn decide_about_batch(
        &mut self,
        order: (&Command, &BatchOrder),
        decision: (BatchState, EventKey),
        now: DateTime<Utc>,
    ) -> Result<Result<String, String>, WorkerError> {
        match self.breaker.as_deref_mut() {
            Some(breaker) => breaker.decide(&mut *self.tx, order, decision, now),
            None => Ok(Err("nothing is held in a replay".to_owned())),
        }
    }
}

/// Whether a step of it waits to be admitted.
fn waits(resource: &Resource) -> bool {
    resource.gates().any(|gated| gated.by == Because::Breaker)
}
