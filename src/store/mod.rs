//! What dunlin knows and owes, durably: the traits that a backend implements, and what they promise.
//!
//! Knows no event format, decides nothing and reads no clock. SQL lives in [`sqlite`] and `migrations/` only.
//! `tests/it/store_contract.rs` is the contract: every backend passes the same suite.
//!
//! * One writer: whoever holds the [`Store`]. Everything that one group of inputs changes goes into one [`Transaction`];
//!   once [`Transaction::commit`] has returned it survives any crash, and dropped without it nothing happened (SAFE-1).
//! * Any number of [`Reader`]s, on other threads: they see the last commit and never make the writer wait.
//! * Synchronous. A backend that waits for a network hides it behind its own thread.

mod ask;
pub mod chain;
#[cfg(test)]
pub(crate) mod counted;
mod error;
mod intents;
pub mod memory;
mod outbox;
mod rows;
pub mod sqlite;

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use self::error::StoreError;
pub use self::intents::*;
pub use self::outbox::*;
pub use self::rows::*;
use crate::engine::account::Account;
use crate::engine::breaker::Kind;
use crate::engine::effect::Notice;
use crate::engine::gate::Because;
use crate::engine::hold::Holds;
use crate::engine::id::{AccountId, EventKey, PolicyId, PolicyKey, ResourceId};
use crate::engine::moratorium::{Moratoria, Target};
use crate::engine::policy::Channel;
use crate::engine::resource::Resource;

/// What the store answers.
pub type Result<T, E = StoreError> = core::result::Result<T, E>;

/// Sizes and times of a store. The defaults are right unless measured otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection waits for a lock before it fails. Only start, checkpoints and commands can meet one.
    pub busy_timeout: Duration,
    /// How many prepared statements a connection keeps; more than there are statements.
    pub statement_cache: usize,
    /// Page cache of the writer, in KiB.
    pub writer_cache_kib: u32,
    /// Page cache of each reader, in KiB.
    pub reader_cache_kib: u32,
    /// After how many pages of 4 KiB in the write-ahead log the writer moves them into the database.
    pub checkpoint_pages: u32,
    /// How many bytes of a quarantined body are kept.
    pub quarantine_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            statement_cache: 128,
            writer_cache_kib: 64 * 1024,
            reader_cache_kib: 4 * 1024,
            checkpoint_pages: 4_000,
            quarantine_body_bytes: 256 * 1024,
        }
    }
}

/// How long things are kept. The worker applies it through the `forget_*` calls, some rows at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Event ids: longer than any broker, dead-letter queue or backup can hold a copy back.
    pub inbox: Duration,
    /// Messages as they were sent.
    pub sent: Duration,
    /// What could not be taken in.
    pub quarantine: Duration,
    /// Rows that one `forget_*` call removes at most, so that no commit takes long.
    pub rows_per_sweep: usize,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self { inbox: 90 * DAY, sent: 90 * DAY, quarantine: 90 * DAY, rows_per_sweep: 1_000 }
    }
}

/// A store and the right to write to it.
pub trait Store: Send {
    /// Starts the one transaction that may be open. It takes the write lock at once.
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>>;

    /// Before a clean end: leaves on the disk only what is needed. Nothing is lost where this never comes, and where a reader
    /// is in the way it is left undone.
    fn wind_up(&mut self) -> Result<()>;

    /// A connection for reading, to be used from another thread.
    fn reader(&self) -> Result<Box<dyn Reader>>;
}

/// A view of the last commit, for dispatch, HTTP and tools. Each call sees one commit; two calls may see two.
pub trait Reader: Read + Send {}

/// What can be asked. Inside a transaction the answers include what it wrote so far.
pub trait Read {
    /// The account, if anything is known of it.
    fn account(&self, id: &AccountId) -> Result<Option<Versioned<Account>>>;

    /// The selected resources of an account, by id, each once.
    fn resources(
        &self,
        account: &AccountId,
        selection: &Selection<'_>,
    ) -> Result<Vec<Versioned<Resource>>>;

    /// Every resource of this id, whoever pays for it, by account.
    fn find_resource(&self, id: &ResourceId) -> Result<Vec<Resource>>;

    /// Resources whose ids stand next to this one in the order of all ids, at most `each_side` before and after it, by id and
    /// account: for whoever mistyped one.
    fn neighbours(&self, id: &ResourceId, each_side: usize)
    -> Result<Vec<(ResourceId, AccountId)>>;

    /// Accounts with a wake at or before `now`, of their own or of a resource, earliest first, and their earliest wake.
    /// The cost follows `limit` and what is due, never what is tracked.
    fn due_accounts(
        &self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<(AccountId, DateTime<Utc>)>>;

    /// The earliest wake of all.
    fn next_wake(&self) -> Result<Option<DateTime<Utc>>>;

    /// Accounts with a step that waits for this and was due at or before `until`, by id, after `after`.
    /// The cost follows what waits.
    fn gated_accounts(
        &self,
        by: Because,
        until: DateTime<Utc>,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>>;

    /// The facts of one name that belong to no account, by key.
    fn registers(&self, name: &str) -> Result<Vec<(String, String)>>;

    /// Resources that wait in this sense, by account and id, after one. The cost follows what waits.
    fn resources_that(
        &self,
        wait: Waiting,
        after: Option<(&AccountId, &ResourceId)>,
        limit: usize,
    ) -> Result<Vec<Resource>>;

    /// Accounts with a hold on them that was not lifted, by id, after one. The cost follows what is held.
    fn accounts_on_hold(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<Account>>;

    /// What waits to be admitted (SAFE-6), by account, resource and phase after `after`.
    fn intents(
        &self,
        of: IntentsOf<'_>,
        after: Option<&IntentKey>,
        limit: usize,
    ) -> Result<Vec<IntentRow>>;

    /// How many intents of each kind and policy wait to be judged. The cost follows what waits.
    fn waiting_intents(&self) -> Result<Vec<(Kind, PolicyId, u64)>>;

    /// How many accounts that wait to be judged fell below zero when. The cost follows what waits.
    fn waiting_falls(&self) -> Result<Vec<(DateTime<Utc>, u64)>>;

    /// Accounts with intents that are admitted and have not gone on. The cost follows those.
    fn admitted_accounts(&self, limit: usize) -> Result<Vec<AccountId>>;
    /// Commands of operators that nobody has answered yet, in the order in which they were given. The cost follows what waits.
    fn waiting_commands(&self, limit: usize) -> Result<Vec<Command>>;

    /// A command that was given.
    fn command(&self, id: i64) -> Result<Option<Command>>;

    /// An event that was taken in, unless it is forgotten.
    fn received(&self, key: &EventKey) -> Result<Option<Received>>;

    /// Quarantined messages with a smaller id than `before`, newest first, without their bodies.
    fn quarantined(&self, before: Option<i64>, limit: usize) -> Result<Vec<QuarantineRow>>;

    /// One quarantined message with its body.
    fn quarantined_message(&self, id: i64) -> Result<Option<QuarantineRow>>;

    /// How many messages are in quarantine.
    fn quarantine_count(&self) -> Result<u64>;

    /// Recorded decisions, newest first.
    fn decisions(&self, query: &DecisionQuery<'_>) -> Result<Vec<DecisionRow>>;

    /// Recorded decisions of an account with their links, oldest first, after the one with this id.
    fn ledger(
        &self,
        account: &AccountId,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<LedgerRow>>;

    /// Where the chain of an account ends; `None` if nothing was ever recorded of it.
    fn ledger_head(&self, account: &AccountId) -> Result<Option<LedgerHead>>;

    /// Every account that something is known of or on record, by id, after this one. The cost follows `limit`.
    fn account_ids(&self, after: Option<&AccountId>, limit: usize) -> Result<Vec<AccountId>>;

    /// The oldest publication of each lane, where it is due and the lane is not in flight; longest due first.
    fn ready_publications(
        &self,
        now: DateTime<Utc>,
        limit: usize,
        lanes_in_flight: &HashSet<String>,
    ) -> Result<Vec<PublicationRow>>;

    /// The publications of one lane that are not confirmed, oldest first, at most `limit`.
    fn waiting_publications(&self, lane: &str, limit: usize) -> Result<Vec<PublicationRow>>;

    /// When [`Self::ready_publications`] has something to give, by what is stored now.
    fn next_publication(&self, lanes_in_flight: &HashSet<String>) -> Result<Option<DateTime<Utc>>>;

    /// Deliveries of a channel that are due and not in flight; longest due first. A channel that is down hides none of another.
    fn ready_deliveries(
        &self,
        now: DateTime<Utc>,
        channel: Channel,
        limit: usize,
        in_flight: &HashSet<String>,
    ) -> Result<Vec<ReadyDelivery>>;

    /// When [`Self::ready_deliveries`] has something to give, by what is stored now.
    fn next_delivery(
        &self,
        channel: Channel,
        in_flight: &HashSet<String>,
    ) -> Result<Option<DateTime<Utc>>>;

    /// A notice, as it was decided.
    fn notice(&self, id: &str) -> Result<Option<Notice>>;

    /// The notice that a delivery belongs to.
    fn notice_of(&self, delivery: &str) -> Result<Option<String>>;

    /// The last notices of an account with their ids, newest first.
    fn last_notices(&self, account: &AccountId, limit: usize) -> Result<Vec<(String, Notice)>>;

    /// Whether a notice was erased since it was decided.
    fn is_erased(&self, notice: &str) -> Result<bool>;

    /// The deliveries of a notice, in the order in which they were stored.
    fn deliveries(&self, notice: &str) -> Result<Vec<DeliveryRow>>;

    /// What became of each attempt of a delivery, in order.
    fn receipts(&self, delivery: &str) -> Result<Vec<ReceiptRow>>;

    /// What was sent for a delivery, unless it is forgotten.
    fn sent_message(&self, delivery: &str) -> Result<Option<SentMessage>>;

    /// What waits to go out. The cost follows what waits.
    fn backlog(&self) -> Result<Backlog>;

    /// Every policy that was ever used, by id and version.
    fn policies(&self) -> Result<Vec<PolicyRow>>;
}

/// One group of changes: all of it or nothing.
pub trait Transaction: Read {
    /// Makes everything durable; then, and only then, inputs may be acknowledged and outboxes sent. On an error nothing
    /// is stored, except where [`StoreError::is_fatal`]: then only a restart can tell.
    fn commit(self: Box<Self>) -> Result<()>;

    /// Takes an event into the inbox (SAFE-2).
    fn receive(&mut self, arrival: &Arrival<'_>) -> Result<Receipt>;

    /// Forgets at most `limit` events that were received before `before`; how many it was.
    fn forget_inbox(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize>;

    /// Sets a message aside; its id for the tools.
    fn quarantine(&mut self, message: &Quarantined) -> Result<i64>;

    /// Forgets at most `limit` quarantined messages that were received before `before`; how many it was.
    fn forget_quarantined(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize>;

    /// Stores an account if it is at version `expected` (0: not there yet); its new version.
    fn put_account(&mut self, account: &Account, expected: u64) -> Result<u64>;

    /// Stores a resource if it is at version `expected` (0: not there yet); its new version.
    fn put_resource(&mut self, resource: &Resource, expected: u64) -> Result<u64>;

    /// Removes a resource if it is at version `expected`.
    fn remove_resource(
        &mut self,
        account: &AccountId,
        id: &ResourceId,
        expected: u64,
    ) -> Result<()>;

    /// Keeps a fact that belongs to no account, in place of what was kept under the same name and key.
    fn put_register(&mut self, name: &str, key: &str, body: &str) -> Result<()>;

    /// Forgets such a fact; one that is not there is no error.
    fn remove_register(&mut self, name: &str, key: &str) -> Result<()>;

    /// Replaces what a resource, or (`None`) its account, asks to be admitted. What is asked again keeps its state.
    fn ask_admission(
        &mut self,
        account: &AccountId,
        resource: Option<&ResourceId>,
        asked: &[IntentRow],
    ) -> Result<AskOutcome>;

    /// Settles all that waits of a kind and policy; how many it was.
    fn judge_intents(
        &mut self,
        of: (Kind, &PolicyId),
        state: IntentState,
        batch: Option<&str>,
    ) -> Result<usize>;

    /// Settles what is left of a batch; how many it is.
    fn decide_batch(&mut self, batch: &str, state: IntentState) -> Result<usize>;

    /// Forgets what is admitted of an account: it has gone on, or there is nothing to go on with.
    fn forget_admitted(&mut self, account: &AccountId) -> Result<usize>;

    /// Puts a command where the worker looks for some; its id. A tool beside the worker has no transaction: the backend gives
    /// it a way of its own.
    fn give_command(&mut self, command: &NewCommand<'_>) -> Result<i64>;

    /// Answers a command, once, in the commit of what it did; `false` if it has its answer or was never given.
    fn answer_command(
        &mut self,
        id: i64,
        answer: (CommandState, &str),
        at: DateTime<Utc>,
    ) -> Result<bool>;

    /// Records a decision; its id.
    fn append_decision(&mut self, decision: &NewDecision<'_>) -> Result<i64>;

    /// Erases from everything that is kept of an account what its person can be told by: from notices the contacts, names and
    /// amounts, with what of them was sent or waits to be; bodies in quarantine; what records keep apart; what operators said.
    /// Decisions, ids and the outcomes of attempts stay.
    fn erase(&mut self, account: &AccountId) -> Result<()>;

    /// Puts a message for the broker at the end of its lane. One whose id is already there changes nothing: `false`.
    fn push_publication(&mut self, publication: &NewPublication) -> Result<bool>;

    /// The broker confirmed it: the next of its lane becomes ready. `false` if it was not there.
    fn finish_publication(&mut self, id: &str) -> Result<bool>;

    /// It was not confirmed: again at `next_at`, before anything else of its lane. `false` if it was not there.
    fn retry_publication(&mut self, id: &str, next_at: DateTime<Utc>, reason: &str)
    -> Result<bool>;

    /// Stores a notice and its deliveries. One whose id is already there changes nothing: `false`.
    fn push_notice(
        &mut self,
        id: &str,
        notice: &Notice,
        deliveries: &[NewDelivery],
    ) -> Result<bool>;

    /// Marks a delivery before it is handed to somebody who could not tell a repeat (SAFE-2): an attempt has begun at `at`.
    /// `false` if one has already, or if the delivery is final: then it must not be handed over.
    fn begin_attempt(&mut self, delivery: &str, at: DateTime<Utc>) -> Result<bool>;

    /// The attempt was provably not made: as if it had never begun. `false` if none had.
    fn withdraw_attempt(&mut self, delivery: &str) -> Result<bool>;

    /// Records an attempt, which is over with that: the mark of [`Self::begin_attempt`] goes. A delivery that is already
    /// final keeps its state, the receipt is kept all the same.
    fn record_attempt(&mut self, attempt: &Attempt<'_>) -> Result<DeliveryState>;

    /// Keeps what was sent; what was kept of an earlier attempt of the same delivery is replaced.
    fn keep_sent(&mut self, message: &SentMessage) -> Result<()>;

    /// Forgets at most `limit` sent messages from before `before`; how many it was. Receipts stay.
    fn forget_sent(&mut self, before: DateTime<Utc>, limit: usize) -> Result<usize>;

    /// Remembers the text of a policy version; whether it is news. Refuses another text for one that is known.
    fn remember_policy(&mut self, policy: &PolicyRow) -> Result<bool>;

    /// Makes every resource due at `at` that follows an older version of a policy: for once, and all in one.
    fn wake_older_versions(&mut self, newer: &PolicyKey, at: DateTime<Utc>) -> Result<usize>;
}

/// The name of the register of moratoria (SAFE-7): by target, each with its holds.
const MORATORIA: &str = "moratorium";

/// Every moratorium that was placed or lifted.
///
/// # Errors
///
/// If the store cannot be read.
pub fn moratoria(store: &dyn Read) -> Result<Moratoria> {
    let mut all = Moratoria::default();
    for (_, body) in store.registers(MORATORIA)? {
        let (target, holds): (Target, Holds) = serde_json::from_str(&body).map_err(|error| {
            let during = "reading the moratoria";
            StoreError::Corrupt { during, reason: format!("{:?} error", error.classify()) }
        })?;
        *all.on(target) = holds;
    }
    Ok(all)
}

/// Keeps what is known of one target.
///
/// # Errors
///
/// If the store cannot be written to.
pub fn put_moratorium(tx: &mut dyn Transaction, target: &Target, holds: &Holds) -> Result<()> {
    let encode = |source| StoreError::Encode { what: "a moratorium", source };
    let body = serde_json::to_string(&(target, holds)).map_err(encode)?;
    tx.put_register(MORATORIA, &target.to_string(), &body)
}

/// Microseconds since 1970, rounded down: when something was.
fn past(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// Microseconds since 1970, rounded up: when something is due, never early.
fn due(at: DateTime<Utc>) -> i64 {
    let micros = at.timestamp_micros();
    if at.timestamp_subsec_nanos().is_multiple_of(1_000) { micros } else { micros + 1 }
}

/// Back from [`past`] or [`due`].
fn instant(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// The text of a hash.
fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn policy_changed(key: &PolicyKey, known: &[u8; 32], given: &[u8; 32]) -> StoreError {
    StoreError::PolicyChanged {
        id: key.id.as_str().to_owned(),
        version: key.version,
        known: hex(known),
        given: hex(given),
    }
}
