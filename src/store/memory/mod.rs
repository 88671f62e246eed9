//! A store in memory, for tests and simulation: the same contract, nothing on a disk.
//!
//! [`MemoryDisk`] is what survives a crash; dropping the [`MemoryStore`] is the crash. A transaction works on the writer's
//! own copy and keeps what it did as a list; a commit does the same to the published copy, which readers see.

mod erase;
mod intents;
mod outbox;
mod read;
mod state;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};

use self::state::{State, Taken};
use super::ask::Asks;
use super::chain;
use super::{
    Arrival, AskOutcome, Attempt, Command, CommandState, DecisionRow, DeliveryState, IntentRow,
    IntentState, LedgerRow, LedgerText, Limits, NewCommand, NewDecision, NewDelivery,
    NewPublication, PolicyRow, Quarantined, Reader, Receipt, Result, SentMessage, Store,
    StoreError, Transaction, due, past,
};
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::id::{AccountId, PolicyId, PolicyKey, ResourceId};
use crate::engine::resource::Resource;

/// What survives when the store is dropped. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Published>);

#[derive(Default)]
struct Published {
    state: RwLock<State>,
    owned: AtomicBool,
}

impl Published {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("no holder of this lock can panic")
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("no holder of this lock can panic")
    }
}

/// A store in memory, and the right to write to it.
pub struct MemoryStore {
    disk: MemoryDisk,
    working: State,
    limits: Limits,
}

impl MemoryStore {
    /// Opens what is on `disk`; refused while another store has it open.
    pub fn open(disk: &MemoryDisk, limits: Limits) -> Result<Self> {
        if disk.0.owned.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Owned {
                path: "memory".into(),
                holder: "this process".to_owned(),
            });
        }
        let working = disk.0.read().clone();
        Ok(Self { disk: disk.clone(), working, limits })
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.disk.0.owned.store(false, Ordering::Release);
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        Ok(Box::new(MemoryTransaction { store: self, done: Vec::new() }))
    }

    fn wind_up(&mut self) -> Result<()> {
        Ok(())
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(MemoryReader(self.disk.clone())))
    }
}

/// Sees the last commit.
struct MemoryReader(MemoryDisk);

impl Reader for MemoryReader {}

type Change = Box<dyn Fn(&mut State) -> Result<()>>;

struct MemoryTransaction<'s> {
    store: &'s mut MemoryStore,
    /// What was done to the working copy, to be done to the published one.
    done: Vec<Change>,
}

impl MemoryTransaction<'_> {
    /// Does it to the working copy and keeps it for the commit. A change that is refused changes nothing.
    fn change<R>(&mut self, op: impl Fn(&mut State) -> Result<R> + 'static) -> Result<R> {
        let answer = op(&mut self.store.working)?;
        self.done.push(Box::new(move |state| op(state).map(drop)));
        Ok(answer)
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        if !self.done.is_empty() {
            self.store.working = self.store.disk.0.read().clone();
        }
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn commit(mut self: Box<Self>) -> Result<()> {
        let done = core::mem::take(&mut self.done);
        let mut published = self.store.disk.0.write();
        done.iter().try_for_each(|change| change(&mut published))
    }

    fn receive(&mut self, arrival: &Arrival<'_>) -> Result<Receipt> {
        let key = arrival.key.clone();
        let taken = Taken {
            print: *arrival.fingerprint,
            at: past(arrival.received_at),
            event_type: arrival.event_type.to_owned(),
        };
        self.change(move |state| Ok(state.receive(&key, &taken)))
    }

    fn forget_inbox(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        self.change(move |state| Ok(state.forget_inbox(past(before), limit)))
    }

    fn quarantine(&mut self, message: &Quarantined) -> Result<i64> {
        let (message, kept) = (message.clone(), self.store.limits.quarantine_body_bytes);
        self.change(move |state| Ok(state.quarantine(&message, kept)))
    }

    fn forget_quarantined(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        self.change(move |state| Ok(state.forget_quarantined(past(before), limit)))
    }

    fn put_account(&mut self, account: &Account, expected: u64) -> Result<u64> {
        let account = account.clone();
        self.change(move |state| state.put_account(&account, expected))
    }

    fn put_resource(&mut self, resource: &Resource, expected: u64) -> Result<u64> {
        let resource = resource.clone();
        self.change(move |state| state.put_resource(&resource, expected))
    }

    fn remove_resource(
        &mut self,
        account: &AccountId,
        id: &ResourceId,
        expected: u64,
    ) -> Result<()> {
        let (account, id) = (account.clone(), id.clone());
        self.change(move |state| state.remove_resource(&account, &id, expected))
    }

    fn put_register(&mut self, name: &str, key: &str, body: &str) -> Result<()> {
        let (row, body) = ((name.to_owned(), key.to_owned()), body.to_owned());
        self.change(move |state| {
            state.registers.insert(row.clone(), body.clone());
            Ok(())
        })
    }

    fn remove_register(&mut self, name: &str, key: &str) -> Result<()> {
        let row = (name.to_owned(), key.to_owned());
        self.change(move |state| {
            state.registers.remove(&row);
            Ok(())
        })
    }

    fn ask_admission(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        asked: &[IntentRow],
    ) -> Result<AskOutcome> {
        let (account, resource, asked) = (account.clone(), resource.cloned(), asked.to_vec());
        self.change(move |state| Ok(state.ask(&account, resource.as_ref(), &asked)))
    }

    fn judge_intents(
        &mut self,
        (kind, policy): (Kind, &PolicyId),
        to: IntentState,
        batch: Option<&str>,
    ) -> Result<usize> {
        let (policy, batch) = (policy.clone(), batch.map(str::to_owned));
        self.change(move |state| Ok(state.judge_intents((kind, &policy), to, batch.as_deref())))
    }

    fn decide_batch(&mut self, batch: &str, to: IntentState) -> Result<usize> {
        let batch = batch.to_owned();
        self.change(move |state| Ok(state.decide_batch(&batch, to)))
    }

    fn forget_admitted(&mut self, account: &AccountId) -> Result<usize> {
        let account = account.clone();
        self.change(move |state| Ok(state.forget_admitted(&account)))
    }

    fn give_command(&mut self, command: &NewCommand<'_>) -> Result<i64> {
        let command = Command {
            id: 0,
            at: command.at,
            by: command.by.to_owned(),
            kind: command.kind.to_owned(),
            body: command.body.to_owned(),
            state: CommandState::Waiting,
            answer: None,
            done_at: None,
        };
        self.change(move |state| Ok(state.give_command(&command)))
    }

    fn answer_command(
        &mut self,
        id: i64,
        (word, answer): (CommandState, &str),
        at: DateTime<Utc>,
    ) -> Result<bool> {
        let answer = answer.to_owned();
        self.change(move |state| Ok(state.answer_command(id, (word, &answer), at)))
    }

    fn append_decision(&mut self, decision: &NewDecision<'_>) -> Result<i64> {
        let resources: BTreeSet<&ResourceId> = decision.resources.iter().collect();
        let text = |text: &str| LedgerText { salt: chain::salt().to_vec(), text: text.to_owned() };
        let row = LedgerRow {
            decision: DecisionRow {
                id: 0,
                account: decision.account.clone(),
                at: decision.at,
                causes: decision.causes.to_vec(),
                body: decision.body.to_owned(),
                text: decision.text.map(str::to_owned),
            },
            resources: resources.into_iter().cloned().collect(),
            link: None,
            text: decision.text.map(text),
        };
        self.change(move |state| Ok(state.append_decision(&row)))
    }

    fn erase(&mut self, account: &AccountId) -> Result<()> {
        let account = account.clone();
        self.change(move |state| {
            state.erase(&account);
            Ok(())
        })
    }

    fn push_publication(&mut self, publication: &NewPublication) -> Result<bool> {
        let publication = publication.clone();
        self.change(move |state| Ok(state.push_publication(&publication)))
    }

    fn finish_publication(&mut self, id: &str) -> Result<bool> {
        let id = id.to_owned();
        self.change(move |state| Ok(state.finish_publication(&id)))
    }

    fn retry_publication(
        &mut self,
        id: &str,
        next_at: DateTime<Utc>,
        reason: &str,
    ) -> Result<bool> {
        let (id, reason) = (id.to_owned(), reason.to_owned());
        self.change(move |state| Ok(state.retry_publication(&id, due(next_at), &reason)))
    }

    fn push_notice(
        &mut self,
        id: &str,
        notice: &Notice,
        deliveries: &[NewDelivery],
    ) -> Result<bool> {
        let (id, notice, deliveries) = (id.to_owned(), notice.clone(), deliveries.to_vec());
        self.change(move |state| state.push_notice(&id, &notice, &deliveries))
    }

    fn begin_attempt(&mut self, delivery: &str, at: DateTime<Utc>) -> Result<bool> {
        let (delivery, at) = (delivery.to_owned(), past(at));
        self.change(move |state| state.begin_attempt(&delivery, at))
    }

    fn withdraw_attempt(&mut self, delivery: &str) -> Result<bool> {
        let delivery = delivery.to_owned();
        self.change(move |state| Ok(state.withdraw_attempt(&delivery)))
    }

    fn record_attempt(&mut self, attempt: &Attempt<'_>) -> Result<DeliveryState> {
        let (delivery, receipt) = (attempt.delivery.to_owned(), attempt.receipt.to_owned());
        let (outcome, at, next_at) = (attempt.outcome, attempt.at, attempt.next_at);
        self.change(move |state| {
            let (delivery, receipt) = (delivery.as_str(), receipt.as_str());
            state.record_attempt(&Attempt { delivery, outcome, receipt, at, next_at })
        })
    }

    fn keep_sent(&mut self, message: &SentMessage) -> Result<()> {
        let message = message.clone();
        self.change(move |state| state.keep_sent(&message))
    }

    fn forget_sent(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        self.change(move |state| Ok(state.forget_sent(past(before), limit)))
    }

    fn remember_policy(&mut self, policy: &PolicyRow) -> Result<bool> {
        let policy = policy.clone();
        self.change(move |state| state.remember_policy(&policy))
    }

    fn wake_older_versions(&mut self, newer: &PolicyKey, at: DateTime<Utc>) -> Result<usize> {
        let newer = newer.clone();
        self.change(move |state| state.wake_older_versions(&newer, at))
    }
}

impl Asks for MemoryReader {
    type Tables = State;

    fn ask<R>(&self, question: impl FnOnce(&State) -> R) -> R {
        question(&self.0.0.read())
    }
}

impl Asks for MemoryTransaction<'_> {
    type Tables = State;

    fn ask<R>(&self, question: impl FnOnce(&State) -> R) -> R {
        question(&self.store.working)
    }
}
