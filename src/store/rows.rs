//! What the store takes and gives, in the words of the engine and of dispatch. Plain data, the same for every backend.
//!
//! Instants are UTC; the store keeps microseconds. What is due is rounded up, so that nothing is ever early.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::chain::Hash;
use crate::engine::id::{AccountId, EventKey, PolicyKey, ResourceId};

/// A stored state and how often it was stored: what a write has to name to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// From 1. A write that expects 0 expects that there is none yet.
    pub version: u64,
    /// The state.
    pub value: T,
}

/// Which resources of an account to load. What is asked for adds up; nothing asked for loads nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Selection<'a> {
    /// All of them.
    pub all: bool,
    /// These, where they exist.
    pub named: &'a [ResourceId],
    /// Those whose wake is due at this instant.
    pub due: Option<DateTime<Utc>>,
    /// Those with a step that waits at a gate.
    pub gated: bool,
}

/// In which sense a resource waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A step is due and does not happen.
    Held,
    /// It has a hold of its own that was not lifted; its time may be over.
    OnHold,
}

/// An event to be taken in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Identifies it.
    pub key: &'a EventKey,
    /// Of its meaning: tells a copy from another event under the same key.
    pub fingerprint: &'a [u8; 32],
    /// When it was read.
    pub received_at: DateTime<Utc>,
    /// Its CloudEvents type.
    pub event_type: &'a str,
    /// Whose it is.
    pub account: &'a str,
}

/// An event that was taken in and is not forgotten yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its CloudEvents type.
    pub event_type: String,
    /// When it was read.
    pub at: DateTime<Utc>,
}

/// What the inbox says about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Never seen.
    New,
    /// Seen before with the same fingerprint: it changes nothing.
    Copy,
    /// Seen before with another fingerprint: to be quarantined.
    Conflict,
}

/// A message that could not be taken in. The body may hold personal data: it is shown to operators only.
#[derive(Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// When it was read.
    pub received_at: DateTime<Utc>,
    /// Where it came from, for people.
    pub origin: String,
    /// A stable word for the reason.
    pub code: String,
    /// The field that it is about.
    pub field: Option<String>,
    /// Why, in a sentence without personal data.
    pub reason: String,
    /// CloudEvents `source`, as far as it could be read.
    pub source: Option<String>,
    /// CloudEvents `id`, as far as it could be read.
    pub event_id: Option<String>,
    /// CloudEvents `type`, as far as it could be read.
    pub event_type: Option<String>,
    /// The account, as far as it could be read.
    pub account: Option<String>,
    /// AMQP `content_type`.
    pub content_type: Option<String>,
    /// AMQP headers.
    pub headers: BTreeMap<String, String>,
    /// The body; cut by the store at [`super::Limits::quarantine_body_bytes`].
    pub body: Vec<u8>,
}

/// A stored [`Quarantined`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Names it for the tools; grows.
    pub id: i64,
    /// The length of the body as received; more than what is kept if it was cut.
    pub body_bytes: u64,
    /// The message. Lists leave the body out.
    pub message: Quarantined,
}

/// A decision to be recorded (SAFE-12).
#[derive(Debug, Clone, Copy)]
pub struct NewDecision<'a> {
    /// About whom.
    pub account: &'a AccountId,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The events that caused it; none for a due wake.
    pub causes: &'a [EventKey],
    /// The resources it is about.
    pub resources: &'a [ResourceId],
    /// Reasons and effects, as JSON: ids, dates and words of dunlin's own. Notices go in without their contacts: addresses
    /// belong to accounts and notices only.
    pub body: &'a str,
    /// What a person can be told by, as JSON: kept where it can be erased.
    pub text: Option<&'a str>,
}

/// A recorded decision.
#[derive(Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Grows with time.
    pub id: i64,
    /// About whom.
    pub account: AccountId,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The events that caused it.
    pub causes: Vec<EventKey>,
    /// Reasons and effects, as JSON, as they were given.
    pub body: String,
    /// What is kept apart, unless that is erased.
    pub text: Option<String>,
}

/// Which decisions to read, newest first.
#[derive(Debug, Clone, Copy)]
pub struct DecisionQuery<'a> {
    /// About whom.
    pub account: &'a AccountId,
    /// Only those about this resource.
    pub resource: Option<&'a ResourceId>,
    /// Only those with a smaller id: where the page before ended.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// A recorded decision with its place in the chain of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// The decision.
    pub decision: DecisionRow,
    /// The resources that it is about, sorted.
    pub resources: Vec<ResourceId>,
    /// Its link; `None` where it is older than the chain.
    pub link: Option<LedgerLink>,
    /// What is kept apart, unless that is erased.
    pub text: Option<LedgerText>,
}

/// The place of a record in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLink {
    /// From 1, in the account.
    pub number: u64,
    /// The hash of the record before it, or of the beginning.
    pub previous: Hash,
    /// Its own.
    pub hash: Hash,
    /// Of what is kept apart, if anything is.
    pub text_hash: Option<Hash>,
}

/// What a record keeps apart.
#[derive(Clone, PartialEq, Eq)]
pub struct LedgerText {
    /// Hashed with it.
    pub salt: Vec<u8>,
    /// JSON, as it was given. Holds personal data.
    pub text: String,
}

/// Where the chain of an account ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerHead {
    /// How many records are in the chain.
    pub number: u64,
    /// Hash of the last; `None` before the first.
    pub hash: Option<Hash>,
    /// How many records are older than the chain.
    pub before: u64,
}

/// A command that an operator gives.
#[derive(Debug, Clone, Copy)]
pub struct NewCommand<'a> {
    /// When it was given.
    pub at: DateTime<Utc>,
    /// Who gave it.
    pub by: &'a str,
    /// Which kind: says what the body holds.
    pub kind: &'a str,
    /// What exactly, as JSON.
    pub body: &'a str,
}

/// A command that an operator gave. They are kept: who did what is part of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Grows in the order in which they were given; never given twice.
    pub id: i64,
    /// When it was given.
    pub at: DateTime<Utc>,
    /// Who gave it.
    pub by: String,
    /// Which kind.
    pub kind: String,
    /// What exactly, as JSON.
    pub body: String,
    /// What became of it.
    pub state: CommandState,
    /// What the worker said to it, for people.
    pub answer: Option<String>,
    /// When it said so.
    pub done_at: Option<DateTime<Utc>>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// Nobody has taken it yet.
    Waiting,
    /// It was carried out.
    Done,
    /// It was not, and changed nothing.
    Refused,
}

impl CommandState {
    /// As tables and JSON spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

/// A policy as it was when it was first used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Which.
    pub key: PolicyKey,
    /// Of the text.
    pub hash: [u8; 32],
    /// The file.
    pub text: String,
    /// When it was first used.
    pub at: DateTime<Utc>,
}

impl core::fmt::Debug for Quarantined {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Quarantined")
            .field("code", &self.code)
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for DecisionRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DecisionRow")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("at", &self.at)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for LedgerText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LedgerText").finish_non_exhaustive()
    }
}
