//! The embedded store: one SQLite file in WAL mode, synced at every commit.
//!
//! One process works on it (a lock file beside the database says who), on one connection and one thread; beside it operators
//! may only put commands in ([`SqliteCommands`]). Readers have
//! read-only connections of their own and never wait for the writer, nor the writer for them. Not for network file systems.

mod codec;
mod commands;
mod decisions;
mod erase;
mod gates;
mod inbox;
mod intents;
mod ledger;
mod notices;
mod open;
#[cfg(test)]
mod plans;
mod publications;
mod read;
mod state;

use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, TransactionBehavior};

use self::codec::failed;
pub use self::commands::SqliteCommands;
use super::ask::Asks;
use super::{
    Arrival, AskOutcome, Attempt, CommandState, DeliveryState, IntentRow, IntentState, Limits,
    NewCommand, NewDecision, NewDelivery, NewPublication, PolicyRow, Quarantined, Reader, Receipt,
    Result, SentMessage, Store, Transaction,
};
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::id::{AccountId, PolicyId, PolicyKey, ResourceId};
use crate::engine::resource::Resource;

/// A store in one file, and the right to write to it.
#[derive(Debug)]
pub struct SqliteStore {
    // Closed before the lock is given back: fields are dropped in this order.
    connection: Connection,
    path: PathBuf,
    limits: Limits,
    _lock: File,
}

impl SqliteStore {
    /// Opens or creates the store, takes the right to write, checks durability, migrates an older schema.
    ///
    /// Refuses when another process has the right, when the schema is newer, and when SQLite does not give durability.
    pub fn open(path: &Path, limits: Limits) -> Result<Self> {
        let lock = open::own(path)?;
        let connection = open::writer(path, &limits)?;
        Ok(Self { connection, path: path.to_owned(), limits, _lock: lock })
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        let inner = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("starting a transaction"))?;
        Ok(Box::new(SqliteTransaction {
            inner,
            quarantine_body_bytes: self.limits.quarantine_body_bytes,
        }))
    }

    /// SQLite empties the write-ahead log by itself only if the writer is the last to go; readers outlive it.
    fn wind_up(&mut self) -> Result<()> {
        open::empty_log(&self.connection)
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(SqliteReader::open(&self.path, &self.limits)?))
    }
}

/// A read-only connection to a store, whether or not a worker is running on it.
#[derive(Debug)]
pub struct SqliteReader(Connection);

impl SqliteReader {
    /// Opens an existing store of exactly this program's schema.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        open::reader(path, limits).map(Self)
    }

    /// The same, and everything that it is asked is answered by one commit: the last one before the first question. To be
    /// dropped soon: what is written meanwhile stays in the write-ahead log.
    pub fn at_one_commit(path: &Path, limits: &Limits) -> Result<Self> {
        let connection = open::reader(path, limits)?;
        connection.execute_batch("BEGIN").map_err(failed("starting to read"))?;
        Ok(Self(connection))
    }
}

impl Reader for SqliteReader {}

/// Rolls back when it is dropped.
struct SqliteTransaction<'s> {
    inner: rusqlite::Transaction<'s>,
    quarantine_body_bytes: usize,
}

impl Asks for SqliteReader {
    type Tables = Connection;

    fn ask<R>(&self, question: impl FnOnce(&Connection) -> R) -> R {
        question(&self.0)
    }
}

impl Asks for SqliteTransaction<'_> {
    type Tables = Connection;

    fn ask<R>(&self, question: impl FnOnce(&Connection) -> R) -> R {
        question(&self.inner)
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn commit(self: Box<Self>) -> Result<()> {
        self.inner.commit().map_err(failed("committing"))
    }

    fn receive(&mut self, arrival: &Arrival<'_>) -> Result<Receipt> {
        inbox::receive(&self.inner, arrival)
    }

    fn forget_inbox(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        inbox::forget(&self.inner, before, limit)
    }

    fn quarantine(&mut self, message: &Quarantined) -> Result<i64> {
        inbox::quarantine(&self.inner, message, self.quarantine_body_bytes)
    }

    fn forget_quarantined(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        inbox::forget_quarantined(&self.inner, before, limit)
    }

    fn put_account(&mut self, account: &Account, expected: u64) -> Result<u64> {
        state::put_account(&self.inner, account, expected)
    }

    fn put_resource(&mut self, resource: &Resource, expected: u64) -> Result<u64> {
        state::put_resource(&self.inner, resource, expected)
    }

    fn remove_resource(
        &mut self,
        account: &AccountId,
        id: &ResourceId,
        expected: u64,
    ) -> Result<()> {
        state::remove_resource(&self.inner, account, id, expected)
    }

    fn put_register(&mut self, name: &str, key: &str, body: &str) -> Result<()> {
        gates::put_register(&self.inner, name, key, body)
    }

    fn remove_register(&mut self, name: &str, key: &str) -> Result<()> {
        gates::remove_register(&self.inner, name, key)
    }

    fn ask_admission(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        asked: &[IntentRow],
    ) -> Result<AskOutcome> {
        intents::ask(&self.inner, account, resource, asked)
    }

    fn judge_intents(
        &mut self,
        of: (Kind, &PolicyId),
        state: IntentState,
        batch: Option<&str>,
    ) -> Result<usize> {
        intents::judge(&self.inner, of, state, batch)
    }

    fn decide_batch(&mut self, batch: &str, state: IntentState) -> Result<usize> {
        intents::decide(&self.inner, batch, state)
    }

    fn forget_admitted(&mut self, account: &AccountId) -> Result<usize> {
        intents::forget(&self.inner, account)
    }

    fn give_command(&mut self, command: &NewCommand<'_>) -> Result<i64> {
        commands::give(&self.inner, command)
    }

    fn answer_command(
        &mut self,
        id: i64,
        answer: (CommandState, &str),
        at: DateTime<Utc>,
    ) -> Result<bool> {
        commands::answer(&self.inner, id, answer, at)
    }

    fn append_decision(&mut self, decision: &NewDecision<'_>) -> Result<i64> {
        decisions::append(&self.inner, decision)
    }

    fn erase(&mut self, account: &AccountId) -> Result<()> {
        erase::erase(&self.inner, account)
    }

    fn push_publication(&mut self, publication: &NewPublication) -> Result<bool> {
        publications::push(&self.inner, publication)
    }

    fn finish_publication(&mut self, id: &str) -> Result<bool> {
        publications::finish(&self.inner, id)
    }

    fn retry_publication(
        &mut self,
        id: &str,
        next_at: DateTime<Utc>,
        reason: &str,
    ) -> Result<bool> {
        publications::retry(&self.inner, id, next_at, reason)
    }

    fn push_notice(
        &mut self,
        id: &str,
        notice: &Notice,
        deliveries: &[NewDelivery],
    ) -> Result<bool> {
        notices::push(&self.inner, id, notice, deliveries)
    }

    fn begin_attempt(&mut self, delivery: &str, at: DateTime<Utc>) -> Result<bool> {
        notices::begin(&self.inner, delivery, at)
    }

    fn withdraw_attempt(&mut self, delivery: &str) -> Result<bool> {
        notices::withdraw(&self.inner, delivery)
    }

    fn record_attempt(&mut self, attempt: &Attempt<'_>) -> Result<DeliveryState> {
        notices::record(&self.inner, attempt)
    }

    fn keep_sent(&mut self, message: &SentMessage) -> Result<()> {
        notices::keep_sent(&self.inner, message)
    }

    fn forget_sent(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize> {
        notices::forget_sent(&self.inner, before, limit)
    }

    fn remember_policy(&mut self, policy: &PolicyRow) -> Result<bool> {
        decisions::remember_policy(&self.inner, policy)
    }

    fn wake_older_versions(&mut self, newer: &PolicyKey, at: DateTime<Utc>) -> Result<usize> {
        state::wake_older_versions(&self.inner, newer, at)
    }
}
