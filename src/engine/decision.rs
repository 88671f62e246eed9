//! What the engine concluded from one input, and what it has to see to conclude it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::act::{Act, Answer};
use super::breaker::Intent;
use super::effect::{Effect, Notice};
use super::gate::Gates;
use super::id::{EventKey, ResourceId};
use super::input::Event;
use super::resource::Resource;

/// An account and those of its resources that a decision has to see (see [`super::scope`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portfolio {
    /// The account; one that nothing is known of if there is none.
    pub account: Account,
    /// The resources that were loaded.
    pub resources: BTreeMap<ResourceId, Resource>,
}

/// What happened: what a decision is about. Nothing happened: it is a wake.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'i> {
    /// Events of one account and one instant, in arrival order.
    pub events: &'i [Event],
    /// Notices to the account that were accepted for at least one contact, since the last decision that knew of them. One
    /// that is named again changes nothing.
    pub accepted: &'i [&'i Notice],
    /// What operators decided about the account, in the order in which they did.
    pub acts: &'i [Act],
    /// Notices to the account of which a message that had counted as accepted came back.
    pub bounced: &'i [Bounced<'i>],
    /// What the gates are told may have changed: what is gated is looked at.
    pub gates_moved: bool,
}

/// A notice of which a message came back.
#[derive(Debug, Clone, Copy)]
pub struct Bounced<'i> {
    /// Which.
    pub notice: &'i Notice,
    /// When another of its messages was accepted that did not come back; `None` if there is none.
    pub still: Option<DateTime<Utc>>,
}

impl<'i> Input<'i> {
    /// Nothing but these events.
    pub fn events(events: &'i [Event]) -> Self {
        Self { events, ..Self::default() }
    }
}

/// Under what circumstances a decision is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances<'c> {
    /// The clock.
    pub now: DateTime<Utc>,
    /// What counts as proof.
    pub proofs: Proofs,
    /// What the gates are told of the world outside.
    pub gates: Gates<'c>,
}

/// What counts as proof that a notice was accepted (SAFE-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proofs {
    /// Every notice counts as accepted when it is due, and no step waits for proof: where nothing is really sent.
    Assumed,
    /// Only what is reported as accepted.
    Recorded,
}

/// Which resources a decision has to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// All that the account has.
    pub all: bool,
    /// These by name.
    pub named: Vec<ResourceId>,
    /// Those whose wake is due.
    pub due: bool,
    /// Those with a step that waits for something that is no event of theirs.
    pub gated: bool,
}

/// What the engine concluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The account and the resources afterwards.
    pub after: Portfolio,
    /// Whether the account differs from before and must be stored.
    pub account_changed: bool,
    /// The resources that differ from before and must be stored.
    pub resources_changed: Vec<ResourceId>,
    /// Number of this decision, where it has effects: with the account and the effect's index it names each effect.
    pub number: u64,
    /// What became of each event, in the order in which they were given.
    pub verdicts: Vec<Verdict>,
    /// What became of each act, in the order in which they were given.
    pub answers: Vec<Answer>,
    /// What is to be done, in the order of a trace.
    pub effects: Vec<Effect>,
    /// Steps that are due and ask to be admitted (SAFE-6), of the resources in sight.
    pub intents: Vec<Intent>,
    /// Why (SAFE-12).
    pub reasons: Vec<Reason>,
    /// Facts that had waited and turned out to contradict what they are about, with the reason.
    pub set_aside: Vec<(Event, String)>,
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken in; a request may still have been rejected.
    Applied,
    /// It says nothing new: older than what is known, or known already.
    Stale,
    /// It waits until its account or resource is known.
    Parked,
    /// It contradicts what it is about: set it aside, with this reason.
    Quarantined(String),
}

/// One step of the reasoning, for the decision record (SAFE-12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: String,
    /// The resource, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// What was concluded from which facts. No personal data.
    pub because: String,
    /// What a person said about it, in their words; reads on from `because`. The record keeps it where it can be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The event that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventKey>,
    /// When (UTC).
    pub at: DateTime<Utc>,
}
