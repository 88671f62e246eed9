//! What waits to be admitted, in the in-memory store.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{State, kept};
use crate::engine::breaker::Kind;
use crate::engine::id::{AccountId, PolicyId, ResourceId};
use crate::store::{AskOutcome, IntentKey, IntentRow, IntentState, IntentsOf, due, past};

impl State {
    pub(super) fn list_intents(
        &self,
        of: IntentsOf<'_>,
        after: Option<&IntentKey>,
        limit: usize,
    ) -> Vec<IntentRow> {
        let is_of = |row: &IntentRow| match of {
            IntentsOf::Account(id) => row.account == *id,
            IntentsOf::Batch(hash) => row.batch.as_deref() == Some(hash),
            IntentsOf::Waiting(kind, policy) => {
                (row.state, row.kind, &row.policy) == (IntentState::Waiting, kind, policy)
            }
        };
        let rows = self.intents.iter().filter(|(key, _)| after.is_none_or(|after| *key > after));
        rows.filter(|(_, row)| is_of(row)).take(limit).map(|(_, row)| row.clone()).collect()
    }

    pub(super) fn count_waiting<K: Ord>(
        &self,
        by: impl Fn(&IntentRow) -> Option<K>,
    ) -> BTreeMap<K, u64> {
        let mut counts = BTreeMap::new();
        for row in self.intents.values().filter(|row| row.state == IntentState::Waiting) {
            if let Some(key) = by(row) {
                *counts.entry(key).or_default() += 1;
            }
        }
        counts
    }

    pub(super) fn list_admitted(&self, limit: usize) -> Vec<AccountId> {
        let admitted = self.intents.values().filter(|row| row.state == IntentState::Admitted);
        let ids: BTreeSet<&AccountId> = admitted.map(|row| &row.account).collect();
        ids.into_iter().take(limit).cloned().collect()
    }

    pub(super) fn ask(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        asked: &[IntentRow],
    ) -> AskOutcome {
        let mut answer = AskOutcome::default();
        let asked: Vec<IntentRow> = asked
            .iter()
            .map(|new| IntentRow {
                due_at: kept(due(new.due_at)),
                asked_at: kept(past(new.asked_at)),
                ..new.clone()
            })
            .collect();
        let is_still = |old: &IntentRow, new: &IntentRow| old.to == new.to && old.is_still(new);
        let theirs = |key: &IntentKey| key.0 == *account && key.1.as_ref() == resource;
        let known: Vec<IntentRow> = self
            .intents
            .iter()
            .filter(|(key, _)| theirs(key))
            .map(|(_, row)| row.clone())
            .collect();
        for old in known.iter().filter(|old| !asked.iter().any(|new| is_still(old, new))) {
            answer.left_a_batch |= old.batch.is_some();
            self.intents.remove(&old.key());
        }
        for new in asked.iter().filter(|new| !known.iter().any(|old| is_still(old, new))) {
            answer.is_new = true;
            self.intents.insert(new.key(), new.clone());
        }
        answer
    }

    pub(super) fn judge_intents(
        &mut self,
        (kind, policy): (Kind, &PolicyId),
        to: IntentState,
        batch: Option<&str>,
    ) -> usize {
        let mut count = 0;
        for row in self.intents.values_mut() {
            if (row.state, row.kind, &row.policy) == (IntentState::Waiting, kind, policy) {
                (row.state, row.batch) = (to, batch.map(str::to_owned));
                count += 1;
            }
        }
        count
    }

    pub(super) fn decide_batch(&mut self, batch: &str, to: IntentState) -> usize {
        let rows = self.intents.values_mut().filter(|row| row.batch.as_deref() == Some(batch));
        rows.map(|row| row.state = to).count()
    }

    pub(super) fn forget_admitted(&mut self, account: &AccountId) -> usize {
        let before = self.intents.len();
        let is_over =
            |row: &IntentRow| row.account == *account && row.state == IntentState::Admitted;
        self.intents.retain(|_, row| !is_over(row));
        before - self.intents.len()
    }
}
