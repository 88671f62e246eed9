//! What waits to be admitted (SAFE-6), in the words of the engine. Plain data, the same for every backend.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::engine::breaker::{Intent, Kind, Scope};
use crate::engine::id::{AccountId, PhaseName, PolicyId, ResourceId};

/// A step that is due, or an account that fell below zero, and what has become of its wish to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentRow {
    /// Whose.
    pub account: AccountId,
    /// Of what; `None`: the account itself fell below zero.
    pub resource: Option<ResourceId>,
    /// The phase that it would enter; empty for an account.
    pub to: PhaseName,
    /// What it would be.
    pub kind: Kind,
    /// The lifecycle that it follows; empty for an account.
    pub policy: PolicyId,
    /// When it was due; since when the balance is below zero.
    pub due_at: DateTime<Utc>,
    /// When it asked first.
    pub asked_at: DateTime<Utc>,
    /// How far it is.
    pub state: IntentState,
    /// The set that it was held with.
    pub batch: Option<String>,
}

/// How far an intent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntentState {
    /// Asked, not judged.
    Waiting,
    /// May go on; goes on when its account is next looked at.
    Admitted,
    /// One of too many: a person decides.
    Held,
    /// A person decided that it stays.
    Rejected,
}

impl IntentState {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Admitted => "admitted",
            Self::Held => "held",
            Self::Rejected => "rejected",
        }
    }
}

/// Which intents to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentsOf<'a> {
    /// All of one account.
    Account(&'a AccountId),
    /// Those of one kind and policy that wait to be judged.
    Waiting(Kind, &'a PolicyId),
    /// Those that were held together and still wait, or are admitted and have not gone on.
    Batch(&'a str),
}

/// What changed when a resource, or an account, asked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AskOutcome {
    /// Some of it was not known, or not so: it waits to be judged.
    pub is_new: bool,
    /// Some of it was part of a batch and is not any more.
    pub left_a_batch: bool,
}

/// Where an intent stands among all of a list.
pub type IntentKey = (AccountId, Option<ResourceId>, PhaseName);

impl IntentRow {
    /// One that waits.
    pub fn new(account: &AccountId, intent: &Intent, now: DateTime<Utc>) -> Self {
        Self {
            account: account.clone(),
            resource: Some(intent.resource.clone()),
            to: intent.to.clone(),
            kind: intent.kind,
            policy: intent.policy.clone(),
            due_at: intent.due_at,
            asked_at: now,
            state: IntentState::Waiting,
            batch: None,
        }
    }

    /// An account that fell below zero, waiting.
    pub fn below_zero(account: &AccountId, since: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            account: account.clone(),
            resource: None,
            to: PhaseName::from(""),
            kind: Kind::Arrears,
            policy: PolicyId::from(""),
            due_at: since,
            asked_at: now,
            state: IntentState::Waiting,
            batch: None,
        }
    }

    /// Its place in a list.
    pub fn key(&self) -> IntentKey {
        (self.account.clone(), self.resource.clone(), self.to.clone())
    }

    /// Whether `newer` asks for the same again: then it keeps its state. What is due later than was known is another thing.
    pub(super) fn is_still(&self, newer: &Self) -> bool {
        (self.kind, &self.policy) == (newer.kind, &newer.policy) && newer.due_at <= self.due_at
    }
}

/// Name of the register that keeps every [`Batch`], by its hash.
pub const BATCHES: &str = "breaker.batches";

/// A set that was too large (SAFE-6). Its members are intents that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Of exactly its members as they were held.
    pub hash: String,
    /// Whose limit it breaks.
    pub scope: Scope,
    /// What its members are.
    pub kind: Kind,
    /// When it was held.
    pub tripped_at: DateTime<Utc>,
    /// How many members it had then.
    pub count: u64,
    /// How many had been admitted in the window before.
    pub admitted: u64,
    /// How many were tracked.
    pub tracked: u64,
    /// How many would not have been too many.
    pub limit: u64,
    /// What became of it.
    pub state: BatchState,
    /// Who decided about it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<BatchDecision>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// A person has to decide.
    Held,
    /// Its members go on.
    Approved,
    /// Its members stay, until something else happens to them or it is approved after all.
    Rejected,
    /// Nothing was left of it before anybody decided.
    Withdrawn,
}

impl BatchState {
    /// As it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Who decided about a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDecision {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}
