//! The tables of the in-memory store, and the changes that the contract names. Knows no transaction.
//!
//! A change either happens or leaves everything as it was: it checks first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::account::Account;
use crate::engine::effect::Notice;
use crate::engine::id::{AccountId, EventKey, PolicyKey, ResourceId};
use crate::engine::resource::Resource;
use crate::store::chain::{self, Link};
use crate::store::{
    Command, CommandState, DeliveryRow, IntentKey, IntentRow, LedgerHead, LedgerLink, LedgerRow,
    PolicyRow, PublicationRow, QuarantineRow, Quarantined, Receipt, ReceiptRow, Result,
    SentMessage, StoreError, Versioned, due, instant, past, policy_changed,
};

/// Everything. Rows carry instants in microseconds, as every backend keeps them.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) inbox: BTreeMap<EventKey, Taken>,
    pub(super) quarantine: BTreeMap<i64, QuarantineRow>,
    pub(super) accounts: BTreeMap<AccountId, Versioned<Account>>,
    pub(super) resources: BTreeMap<(AccountId, ResourceId), Versioned<Resource>>,
    /// When, whose, and of which resource if not the account's own.
    pub(super) wakes: BTreeSet<(i64, AccountId, Option<ResourceId>)>,
    pub(super) decisions: Vec<LedgerRow>,
    /// Where the chain of each account ends.
    pub(super) heads: BTreeMap<AccountId, LedgerHead>,
    pub(super) publications: BTreeMap<u64, Queued>,
    pub(super) notices: BTreeMap<String, Arc<Notice>>,
    /// Those that were erased since they were decided.
    pub(super) erased: BTreeSet<String>,
    pub(super) deliveries: BTreeMap<String, Delivery>,
    /// Deliveries that are not final: when, in which order, which.
    pub(super) pending: BTreeSet<(i64, u64, String)>,
    pub(super) sent: BTreeMap<String, SentMessage>,
    pub(super) policies: BTreeMap<PolicyKey, PolicyRow>,
    /// By account, resource and phase.
    pub(super) intents: BTreeMap<IntentKey, IntentRow>,
    /// By name and key.
    pub(super) registers: BTreeMap<(String, String), String>,
    pub(super) commands: BTreeMap<i64, Command>,
    quarantined: i64,
    pub(super) sequence: u64,
}

/// An event of the inbox.
#[derive(Clone)]
pub(super) struct Taken {
    pub(super) print: [u8; 32],
    pub(super) at: i64,
    pub(super) event_type: String,
}

#[derive(Clone)]
pub(super) struct Queued {
    pub(super) row: PublicationRow,
    pub(super) next_at: i64,
}

#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) notice: String,
    pub(super) sequence: u64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) next_at: i64,
    pub(super) row: DeliveryRow,
    pub(super) receipts: Vec<ReceiptRow>,
}

/// What a column of microseconds keeps of an instant.
pub(super) fn kept(micros: i64) -> DateTime<Utc> {
    instant(micros).expect("it was an instant before")
}

fn conflict(what: &'static str, id: &str, expected: u64) -> StoreError {
    StoreError::Conflict { what, id: id.to_owned(), expected }
}

impl State {
    pub(super) fn receive(&mut self, key: &EventKey, taken: &Taken) -> Receipt {
        match self.inbox.get(key) {
            Some(known) if known.print == taken.print => Receipt::Copy,
            Some(_) => Receipt::Conflict,
            None => {
                self.inbox.insert(key.clone(), taken.clone());
                Receipt::New
            }
        }
    }

    pub(super) fn forget_inbox(&mut self, before: i64, limit: usize) -> usize {
        let mut old: Vec<_> = self.inbox.iter().filter(|(_, taken)| taken.at < before).collect();
        old.sort_by_key(|(_, taken)| taken.at);
        let old: Vec<_> = old.into_iter().take(limit).map(|(key, _)| key.clone()).collect();
        for key in &old {
            self.inbox.remove(key);
        }
        old.len()
    }

    pub(super) fn quarantine(&mut self, message: &Quarantined, kept_bytes: usize) -> i64 {
        self.quarantined += 1;
        let mut message = message.clone();
        let body_bytes = u64::try_from(message.body.len()).unwrap_or(u64::MAX);
        message.body.truncate(kept_bytes);
        message.received_at = kept(past(message.received_at));
        let id = self.quarantined;
        self.quarantine.insert(id, QuarantineRow { id, body_bytes, message });
        id
    }

    pub(super) fn forget_quarantined(&mut self, before: i64, limit: usize) -> usize {
        let old = |row: &&QuarantineRow| past(row.message.received_at) < before;
        let mut old: Vec<_> = self.quarantine.values().filter(old).collect();
        old.sort_by_key(|row| (row.message.received_at, row.id));
        let old: Vec<_> = old.into_iter().take(limit).map(|row| row.id).collect();
        for id in &old {
            self.quarantine.remove(id);
        }
        old.len()
    }

    pub(super) fn put_account(&mut self, account: &Account, expected: u64) -> Result<u64> {
        let id = &account.id;
        let before = self.accounts.get(id);
        if before.map_or(0, |before| before.version) != expected {
            return Err(conflict("account", id.as_str(), expected));
        }
        let wake = before.and_then(|before| before.value.wake_at);
        self.move_wake(id, None, wake, account.wake_at);
        let version = expected + 1;
        self.accounts.insert(id.clone(), Versioned { version, value: account.clone() });
        Ok(version)
    }

    pub(super) fn put_resource(&mut self, resource: &Resource, expected: u64) -> Result<u64> {
        let key = (resource.account.clone(), resource.id.clone());
        let before = self.resources.get(&key);
        if before.map_or(0, |before| before.version) != expected {
            return Err(conflict("resource", resource.id.as_str(), expected));
        }
        let wake = before.and_then(|before| before.value.wake_at);
        self.move_wake(&key.0, Some(&key.1), wake, resource.wake_at);
        let version = expected + 1;
        self.resources.insert(key, Versioned { version, value: resource.clone() });
        Ok(version)
    }

    pub(super) fn remove_resource(
        &mut self,
        account: &AccountId,
        id: &ResourceId,
        expected: u64,
    ) -> Result<()> {
        let key = (account.clone(), id.clone());
        let Some(row) = self.resources.get(&key).filter(|row| row.version == expected) else {
            return Err(conflict("resource", id.as_str(), expected));
        };
        let wake = row.value.wake_at;
        self.move_wake(account, Some(id), wake, None);
        self.resources.remove(&key);
        Ok(())
    }

    fn move_wake(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
    ) {
        let row = |at| (due(at), account.clone(), resource.cloned());
        if let Some(at) = from {
            self.wakes.remove(&row(at));
        }
        if let Some(at) = to {
            self.wakes.insert(row(at));
        }
    }

    pub(super) fn give_command(&mut self, command: &Command) -> i64 {
        let id = self.commands.last_key_value().map_or(1, |(last, _)| last + 1);
        let mut command = command.clone();
        (command.id, command.at) = (id, kept(past(command.at)));
        self.commands.insert(id, command);
        id
    }

    pub(super) fn answer_command(
        &mut self,
        id: i64,
        (state, answer): (CommandState, &str),
        at: DateTime<Utc>,
    ) -> bool {
        let waits = |command: &&mut Command| command.state == CommandState::Waiting;
        let Some(command) = self.commands.get_mut(&id).filter(waits) else { return false };
        (command.state, command.answer) = (state, Some(answer.to_owned()));
        command.done_at = Some(kept(past(at)));
        true
    }

    /// Its link is made here: only what is stored knows what it follows on.
    pub(super) fn append_decision(&mut self, decision: &LedgerRow) -> i64 {
        let id = i64::try_from(self.decisions.len()).map_or(i64::MAX, |count| count + 1);
        let mut row = decision.clone();
        (row.decision.id, row.decision.at) = (id, kept(past(row.decision.at)));
        let account = &row.decision.account;
        let head = self.heads.get(account).copied().unwrap_or_default();
        let previous = head.hash.unwrap_or_else(|| chain::genesis(account, head.before));
        let text_hash = row.text.as_ref().map(|one| chain::text_hash(&one.salt, &one.text));
        let number = head.number + 1;
        let link = Link {
            account,
            number,
            at: row.decision.at,
            causes: &row.decision.causes,
            resources: &row.resources,
            body: &row.decision.body,
            text_hash: text_hash.as_ref(),
        };
        let hash = chain::hash(&previous, &link);
        self.heads.insert(account.clone(), LedgerHead { number, hash: Some(hash), ..head });
        row.link = Some(LedgerLink { number, previous, hash, text_hash });
        self.decisions.push(row);
        id
    }

    pub(super) fn wake_older_versions(
        &mut self,
        newer: &PolicyKey,
        at: DateTime<Utc>,
    ) -> Result<usize> {
        let is_older = |row: &&Versioned<Resource>| {
            let key = &row.value.policy;
            key.id == newer.id && key.version < newer.version
        };
        let rows: Vec<_> = self.resources.values().filter(is_older).cloned().collect();
        for row in &rows {
            let woken = Resource { wake_at: Some(kept(due(at))), ..row.value.clone() };
            self.put_resource(&woken, row.version)?;
        }
        Ok(rows.len())
    }

    pub(super) fn remember_policy(&mut self, policy: &PolicyRow) -> Result<bool> {
        match self.policies.get(&policy.key) {
            Some(known) if known.text == policy.text => Ok(false),
            Some(known) => Err(policy_changed(&policy.key, &known.hash, &policy.hash)),
            None => {
                let mut policy = policy.clone();
                policy.at = kept(past(policy.at));
                self.policies.insert(policy.key.clone(), policy);
                Ok(true)
            }
        }
    }
}
