//! Rows that a group has loaded: read once, decided on many times, written once.
//!
//! Every write names the version that was read, so a second writer is noticed and nothing is overwritten.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::engine::account::Account;
use crate::engine::decision::{Decision, Portfolio, Scope};
use crate::engine::id::{AccountId, ResourceId};
use crate::engine::resource::Resource;
use crate::store::{Result, Selection, Transaction};

/// The accounts of one group.
#[derive(Debug, Default)]
pub(super) struct Cache {
    accounts: BTreeMap<AccountId, Loaded>,
}

#[derive(Debug)]
struct Loaded {
    account: Account,
    account_version: u64,
    account_dirty: bool,
    /// The version that was read; 0 for a resource that is not stored yet.
    resources: BTreeMap<ResourceId, (Resource, u64)>,
    dirty: BTreeSet<ResourceId>,
    /// Everything that the account has is here.
    complete: bool,
    /// Everything that is due up to here is here.
    due_until: Option<DateTime<Utc>>,
}

impl Cache {
    /// The account as it is by now.
    pub(super) fn account(&mut self, tx: &dyn Transaction, id: &AccountId) -> Result<&Account> {
        Ok(&self.loaded(tx, id)?.account)
    }

    fn loaded(&mut self, tx: &dyn Transaction, id: &AccountId) -> Result<&mut Loaded> {
        if !self.accounts.contains_key(id) {
            let stored = tx.account(id)?;
            let account_version = stored.as_ref().map_or(0, |row| row.version);
            let loaded = Loaded {
                account: stored.map_or_else(|| Account::unknown(id.clone()), |row| row.value),
                account_version,
                account_dirty: false,
                resources: BTreeMap::new(),
                dirty: BTreeSet::new(),
                // An account that was never stored has nothing.
                complete: account_version == 0,
                due_until: None,
            };
            self.accounts.insert(id.clone(), loaded);
        }
        Ok(self.accounts.get_mut(id).expect("it was put there just now"))
    }

    /// What a decision has to see, loading what is not here yet.
    pub(super) fn portfolio(
        &mut self,
        tx: &dyn Transaction,
        id: &AccountId,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> Result<Portfolio> {
        let loaded = self.loaded(tx, id)?;
        let due_missing = scope.due && loaded.due_until.is_none_or(|until| until < now);
        let missing: Vec<ResourceId> =
            scope.named.iter().filter(|id| !loaded.resources.contains_key(*id)).cloned().collect();
        let is_asked = scope.all || due_missing || scope.gated || !missing.is_empty();
        if !loaded.complete && is_asked {
            let selection = Selection {
                all: scope.all,
                named: &missing,
                due: due_missing.then_some(now),
                gated: scope.gated,
            };
            for row in tx.resources(id, &selection)? {
                // What this group has changed is newer than what is stored.
                loaded.resources.entry(row.value.id.clone()).or_insert((row.value, row.version));
            }
            loaded.complete |= scope.all;
        }
        if due_missing {
            loaded.due_until = Some(now);
        }
        let seen = |(id, (resource, _)): &(&ResourceId, &(Resource, u64))| {
            scope.all
                || scope.named.contains(id)
                || (scope.due && resource.wake_at.is_some_and(|at| at <= now))
                || (scope.gated && resource.is_gated())
        };
        let resources = loaded
            .resources
            .iter()
            .filter(seen)
            .map(|(id, (resource, _))| (id.clone(), resource.clone()))
            .collect();
        Ok(Portfolio { account: loaded.account.clone(), resources })
    }

    /// Takes over what a decision changed.
    pub(super) fn apply(&mut self, id: &AccountId, decision: &Decision) {
        let Some(loaded) = self.accounts.get_mut(id) else { return };
        if decision.account_changed {
            loaded.account = decision.after.account.clone();
            loaded.account_dirty = true;
        }
        for id in &decision.resources_changed {
            let Some(resource) = decision.after.resources.get(id) else { continue };
            let version = loaded.resources.get(id).map_or(0, |(_, version)| *version);
            loaded.resources.insert(id.clone(), (resource.clone(), version));
            loaded.dirty.insert(id.clone());
        }
    }

    /// Writes everything that changed since the last time.
    pub(super) fn write(&mut self, tx: &mut dyn Transaction) -> Result<()> {
        for loaded in self.accounts.values_mut() {
            if std::mem::take(&mut loaded.account_dirty) {
                loaded.account_version = tx.put_account(&loaded.account, loaded.account_version)?;
            }
            for id in std::mem::take(&mut loaded.dirty) {
                if let Some((resource, version)) = loaded.resources.get_mut(&id) {
                    *version = tx.put_resource(resource, *version)?;
                }
            }
        }
        Ok(())
    }
}
