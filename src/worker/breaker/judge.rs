//! One transaction admits or holds everything that waits, before any of it runs (SAFE-6).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::book::{self, FALLS_KEPT, minute};
use super::{Breaker, each_intent, show};
use crate::engine::breaker::{self, Kind, Scope, Standing, Trip};
use crate::engine::id::PolicyId;
use crate::event::out::{self, Tripped, lane_of_breaker};
use crate::store::{
    BATCHES, Batch, BatchState, IntentRow, IntentState, IntentsOf, NewPublication, StoreError,
    Transaction,
};
use crate::worker::WorkerError;

/// How many resources an alert names.
const NAMED_MAX: usize = 10;

/// A clock, and what this dunlin calls itself.
#[derive(Clone, Copy)]
pub(in crate::worker) struct Here<'h> {
    pub(in crate::worker) now: DateTime<Utc>,
    pub(in crate::worker) source: &'h str,
    /// Nothing is left to be published.
    pub(in crate::worker) shadow: bool,
}

/// The accounts that wait for a judgement, by the minute of their fall below zero, and how many they are.
pub(super) fn falls_by_minute(
    tx: &dyn Transaction,
    now: DateTime<Utc>,
) -> Result<(BTreeMap<i64, u64>, u64), StoreError> {
    let oldest = now - FALLS_KEPT;
    let (mut waiting, mut count) = (BTreeMap::new(), 0);
    for (at, fell) in tx.waiting_falls()? {
        *waiting.entry(minute(at.max(oldest))).or_default() += fell;
        count += fell;
    }
    Ok((waiting, count))
}

impl Breaker {
    /// Judges what waits: steps if nothing more is due, accounts below zero once no more have fallen for a while.
    pub(in crate::worker) fn judge(
        &mut self,
        tx: &mut dyn Transaction,
        here: Here<'_>,
        more_due: bool,
    ) -> Result<(), WorkerError> {
        if std::mem::take(&mut self.has_left) {
            self.close_what_is_empty(tx, here)?;
        }
        if self.has_asked && !more_due {
            (self.has_asked, self.is_full) = (false, false);
            self.judge_steps(tx, here)?;
        }
        // Where the clock was set back nobody waits for it.
        let is_settled = |at: DateTime<Utc>| {
            at <= here.now || self.falls.is_some_and(|(_, last)| here.now < last)
        };
        if self.judges_at().is_some_and(is_settled) {
            (self.falls, self.is_full) = (None, false);
            self.judge_falls(tx, here)?;
        }
        Ok(())
    }

    fn judge_steps(&mut self, tx: &mut dyn Transaction, here: Here<'_>) -> Result<(), WorkerError> {
        let waiting = tx.waiting_intents()?;
        for (kind, limits) in
            [(Kind::Stop, self.settings.stops), (Kind::Release, self.settings.releases)]
        {
            let since = here.now - self.settings.window;
            let standing = |scope: Scope, policy: Option<&PolicyId>, waiting: u64| Standing {
                waiting,
                admitted: self.book.admitted(kind, policy, since),
                tracked: self.book.tracked(policy),
                is_open: self.open.contains_key(&(scope, kind)),
            };
            let of_kind = waiting.iter().filter(|(one, ..)| *one == kind);
            let policies: BTreeMap<PolicyId, Standing> = of_kind
                .map(|(_, id, count)| {
                    (id.clone(), standing(Scope::Policy(id.clone()), Some(id), *count))
                })
                .collect();
            if policies.is_empty() {
                continue;
            }
            let judgement = breaker::judge(&policies, standing(Scope::All, None, 0), limits);
            for id in &judgement.admit {
                tx.judge_intents((kind, id), IntentState::Admitted, None)?;
                self.book.admit(kind, id, (here.now, policies[id].waiting));
                self.has_admitted = true;
            }
            for trip in &judgement.trips {
                self.hold(tx, kind, trip, here)?;
            }
        }
        Ok(())
    }

    fn judge_falls(&mut self, tx: &mut dyn Transaction, here: Here<'_>) -> Result<(), WorkerError> {
        if self.open.contains_key(&(Scope::All, Kind::Arrears)) {
            return Ok(());
        }
        let (waiting, count) = falls_by_minute(tx, here.now)?;
        let most = breaker::most_in_an_hour(&self.book.falls(), &waiting);
        let limit = self.settings.arrears.of(self.book.accounts());
        let accounts = book::accounts();
        if most > limit {
            let standing = Standing {
                waiting: count,
                admitted: most.saturating_sub(count),
                tracked: self.book.accounts(),
                is_open: false,
            };
            let trip = Trip { scope: Scope::All, policies: vec![accounts], count, standing, limit };
            return self.hold(tx, Kind::Arrears, &trip, here);
        }
        tx.judge_intents((Kind::Arrears, &accounts), IntentState::Admitted, None)?;
        self.has_admitted |= count > 0;
        for (minute, fell) in waiting {
            let at = DateTime::from_timestamp(minute.saturating_mul(60), 0).unwrap_or(here.now);
            self.book.admit(Kind::Arrears, &accounts, (at, fell));
        }
        Ok(())
    }

    /// Holds a set that is too large, and raises the alarm.
    fn hold(
        &mut self,
        tx: &mut dyn Transaction,
        kind: Kind,
        trip: &Trip,
        here: Here<'_>,
    ) -> Result<(), WorkerError> {
        let mut members = Vec::new();
        for policy in &trip.policies {
            let of = IntentsOf::Waiting(kind, policy);
            each_intent(&*tx, of, |row| members.push(row.clone()))?;
        }
        members.sort_by_cached_key(IntentRow::key);
        let hash = hash(&trip.scope, kind, here.now, &members);
        for policy in &trip.policies {
            tx.judge_intents((kind, policy), IntentState::Held, Some(&hash))?;
        }
        let batch = Batch {
            hash: hash.clone(),
            scope: trip.scope.clone(),
            kind,
            tripped_at: here.now,
            count: trip.count,
            admitted: trip.standing.admitted,
            tracked: trip.standing.tracked,
            limit: trip.limit,
            state: BatchState::Held,
            decided: None,
        };
        keep(tx, &batch)?;
        let scope = trip.scope.word();
        tracing::error!(
            scope,
            kind = kind.word(),
            count = trip.count,
            limit = trip.limit,
            batch = hash,
            "the breaker tripped: too many at once are held until a person decides (dunlin breaker show)"
        );
        show(&trip.scope, kind, true);
        self.open.insert((trip.scope.clone(), kind), hash);
        let named = members.iter().filter_map(|row| row.resource.as_ref());
        let named: Vec<_> = named.take(NAMED_MAX).collect();
        if here.shadow {
            return Ok(());
        }
        let tripped = Tripped { batch: &batch, resources: &named };
        let publication = out::breaker_tripped(here.source, &tripped);
        let lane = lane_of_breaker();
        tx.push_publication(&NewPublication { publication, lane, created_at: here.now })?;
        Ok(())
    }

    /// A batch of which nothing is left needs nobody's word.
    fn close_what_is_empty(
        &mut self,
        tx: &mut dyn Transaction,
        here: Here<'_>,
    ) -> Result<(), WorkerError> {
        for hash in self.open.values().cloned().collect::<Vec<_>>() {
            if tx.intents(IntentsOf::Batch(&hash), None, 1)?.is_empty()
                && let Some(batch) = find(tx, &hash)?
            {
                keep(tx, &Batch { state: BatchState::Withdrawn, ..batch.clone() })?;
                self.close(&batch, here.now);
            }
        }
        Ok(())
    }

    /// A batch waits for nobody any more: what waited behind it is judged anew.
    pub(super) fn close(&mut self, batch: &Batch, now: DateTime<Utc>) {
        let scope = (batch.scope.clone(), batch.kind);
        if self.open.get(&scope) == Some(&batch.hash) {
            self.open.remove(&scope);
            show(&batch.scope, batch.kind, false);
        }
        self.has_asked = true;
        if batch.kind == Kind::Arrears {
            self.falls.get_or_insert((now, now));
        }
    }
}

/// A batch that was held.
pub(super) fn find(tx: &dyn Transaction, hash: &str) -> Result<Option<Batch>, WorkerError> {
    let found = tx.registers(BATCHES)?.into_iter().find(|(key, _)| key == hash);
    Ok(found.map(|(_, body)| serde_json::from_str(&body)).transpose()?)
}

/// Writes a batch down.
pub(super) fn keep(tx: &mut dyn Transaction, batch: &Batch) -> Result<(), WorkerError> {
    let body = serde_json::to_string(batch)?;
    tx.put_register(BATCHES, &batch.hash, &body).map_err(StoreError::into)
}

/// Names exactly these members: each by its place, what it asks for and when that was due.
fn hash(scope: &Scope, kind: Kind, at: DateTime<Utc>, members: &[IntentRow]) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    };
    part(scope.word());
    part(kind.word());
    part(&at.timestamp_micros().to_string());
    for member in members {
        part(member.account.as_str());
        part(member.resource.as_ref().map_or("", |id| id.as_str()));
        part(member.to.as_str());
        part(&member.due_at.timestamp_micros().to_string());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
