//! What the breaker counts: how much is tracked, and what was admitted when. Kept in registers, so that it survives (SAFE-6).
//!
//! By the minute: what was admitted counts up to a minute longer than the window, never shorter.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::breaker::Kind;
use crate::engine::id::PolicyId;
use crate::store::{Read, StoreError, Transaction};

/// Register: by policy, how many resources are not gone; under an empty key, how many accounts arrears would hit.
const TRACKED: &str = "breaker.tracked";
/// Register: by minute, kind and policy, how many were admitted.
const ADMITTED: &str = "breaker.admitted";
/// For how long falls below zero are remembered by their minute; older ones count as if they were so old.
pub(super) const FALLS_KEPT: TimeDelta = TimeDelta::hours(24);

type Minutes = BTreeMap<i64, u64>;

/// The counts, and which of them are not written yet.
#[derive(Debug, Default)]
pub(super) struct Book {
    tracked: BTreeMap<PolicyId, u64>,
    tracked_dirty: BTreeSet<PolicyId>,
    admitted: BTreeMap<(Kind, PolicyId), Minutes>,
    admitted_dirty: BTreeSet<(i64, Kind, PolicyId)>,
}

/// The minute that an instant lies in, counted from 1970.
pub(super) fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

/// Stands for all accounts.
pub(super) fn accounts() -> PolicyId {
    PolicyId::from("")
}

fn corrupt(name: &str, key: &str) -> StoreError {
    StoreError::Corrupt { during: "reading the breaker's counts", reason: format!("{name} {key}") }
}

impl Book {
    pub(super) fn load(store: &(impl Read + ?Sized)) -> Result<Self, StoreError> {
        let mut book = Self::default();
        for (key, body) in store.registers(TRACKED)? {
            let count = body.parse().map_err(|_| corrupt(TRACKED, &key))?;
            book.tracked.insert(PolicyId::new(key), count);
        }
        for (key, body) in store.registers(ADMITTED)? {
            let mut parts = key.splitn(3, '/');
            let minute = parts.next().and_then(|minute| minute.parse::<i64>().ok());
            let word = parts.next();
            let kind = Kind::ALL.into_iter().find(|kind| Some(kind.word()) == word);
            let (Some(minute), Some(kind), Some(policy), Ok(count)) =
                (minute, kind, parts.next(), body.parse::<u64>())
            else {
                return Err(corrupt(ADMITTED, &key));
            };
            let minutes = book.admitted.entry((kind, PolicyId::from(policy))).or_default();
            minutes.insert(minute, count);
        }
        Ok(book)
    }

    /// How many resources of a policy are tracked; of all without one.
    pub(super) fn tracked(&self, policy: Option<&PolicyId>) -> u64 {
        match policy {
            Some(policy) => self.tracked.get(policy).copied().unwrap_or_default(),
            None => {
                let accounts = accounts();
                let resources = self.tracked.iter().filter(|(id, _)| **id != accounts);
                resources.map(|(_, count)| count).sum()
            }
        }
    }

    /// How many accounts are tracked that arrears would hit.
    pub(super) fn accounts(&self) -> u64 {
        self.tracked(Some(&accounts()))
    }

    /// Of those in sight so many were alive before, and so many are after.
    pub(super) fn track(
        &mut self,
        before: &BTreeMap<PolicyId, u64>,
        after: &BTreeMap<PolicyId, u64>,
    ) {
        let ids: BTreeSet<&PolicyId> = before.keys().chain(after.keys()).collect();
        for id in ids {
            let [was, is] =
                [before, after].map(|counts| counts.get(id).copied().unwrap_or_default());
            if was != is {
                let count = self.tracked.entry(id.clone()).or_default();
                *count = count.saturating_add(is).saturating_sub(was);
                self.tracked_dirty.insert(id.clone());
            }
        }
    }

    /// An account came to have, or has no more, what arrears would hit.
    pub(super) fn track_account(&mut self, was: bool, is: bool) {
        let [was, is] = [was, is].map(|yes| BTreeMap::from([(accounts(), u64::from(yes))]));
        self.track(&was, &is);
    }

    /// So many were admitted at an instant.
    pub(super) fn admit(
        &mut self,
        kind: Kind,
        policy: &PolicyId,
        (at, count): (DateTime<Utc>, u64),
    ) {
        let minute = minute(at);
        let minutes = self.admitted.entry((kind, policy.clone())).or_default();
        let known = minutes.entry(minute).or_default();
        *known = known.saturating_add(count);
        self.admitted_dirty.insert((minute, kind, policy.clone()));
    }

    /// How many of a kind were admitted since; of one policy, or of all. What lies ahead of the clock counts too: it was set back.
    pub(super) fn admitted(
        &self,
        kind: Kind,
        policy: Option<&PolicyId>,
        since: DateTime<Utc>,
    ) -> u64 {
        let of = self
            .admitted
            .iter()
            .filter(|((one, id), _)| *one == kind && policy.is_none_or(|policy| policy == id));
        of.flat_map(|(_, minutes)| minutes.range(minute(since)..)).map(|(_, count)| count).sum()
    }

    /// The falls below zero that were admitted, by the minute.
    pub(super) fn falls(&self) -> Minutes {
        self.admitted.get(&(Kind::Arrears, accounts())).cloned().unwrap_or_default()
    }

    /// Writes what changed, and forgets what was admitted so long ago that it counts no more.
    pub(super) fn flush(
        &mut self,
        tx: &mut dyn Transaction,
        (now, window): (DateTime<Utc>, TimeDelta),
    ) -> Result<(), StoreError> {
        let since = now - window;
        for id in std::mem::take(&mut self.tracked_dirty) {
            tx.put_register(TRACKED, id.as_str(), &self.tracked(Some(&id)).to_string())?;
        }
        let dirty = std::mem::take(&mut self.admitted_dirty);
        if dirty.is_empty() {
            return Ok(());
        }
        // Something was admitted: the clock went on, and what is old can go.
        for ((kind, policy), minutes) in &mut self.admitted {
            // An hour of event time reaches back behind what is judged.
            let falls = (now - FALLS_KEPT * 2).min(since);
            let oldest = minute(if *kind == Kind::Arrears { falls } else { since });
            let kept = minutes.split_off(&oldest);
            for old in std::mem::replace(minutes, kept).keys() {
                tx.remove_register(ADMITTED, &key(*old, *kind, policy))?;
            }
        }
        for (minute, kind, policy) in dirty {
            let minutes = self.admitted.get(&(kind, policy.clone()));
            if let Some(count) = minutes.and_then(|minutes| minutes.get(&minute)) {
                tx.put_register(ADMITTED, &key(minute, kind, &policy), &count.to_string())?;
            }
        }
        Ok(())
    }
}

fn key(minute: i64, kind: Kind, policy: &PolicyId) -> String {
    format!("{minute}/{}/{policy}", kind.word())
}
