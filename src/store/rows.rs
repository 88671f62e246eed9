//! What the store takes and gives, in the words of the engine and of dispatch. Plain data, the same for every backend.
//!
//! Instants are UTC; the store keeps microseconds. What is due is rounded up, so that nothing is ever early.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::dispatch::message::Publication;
use crate::engine::effect::Notice;
use crate::engine::id::{AccountId, EventKey, PolicyKey, ResourceId};
use crate::engine::policy::Channel;

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
    /// Reasons and effects, as JSON. Notices go in without their contacts: addresses belong to accounts and notices only.
    pub body: &'a str,
}

/// A recorded decision.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// A message for the broker to be kept until it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPublication {
    /// What to publish; its id makes the row unique.
    pub publication: Publication,
    /// The resource, or the account: in order, at most one unconfirmed at a time.
    pub lane: String,
    /// When it was decided; due at once.
    pub created_at: DateTime<Utc>,
}

/// A message for the broker that may be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationRow {
    /// What to publish.
    pub publication: Publication,
    /// To be kept as *in flight* until the commit that finishes or retries it has returned.
    pub lane: String,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt was not confirmed.
    pub last_error: Option<String>,
}

/// One delivery of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// Derived from the notice, the contact and the channel.
    pub id: String,
    /// Position in the notice's contacts.
    pub contact: usize,
    /// How.
    pub channel: Channel,
    /// Not before.
    pub next_at: DateTime<Utc>,
}

/// A delivery that may be tried now, with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyDelivery {
    /// To be kept as *in flight* until the commit that records its outcome has returned.
    pub id: String,
    /// Id of the notice.
    pub notice_id: String,
    /// What it says; shared by the deliveries of one notice.
    pub notice: Arc<Notice>,
    /// Position in the notice's contacts.
    pub contact: usize,
    /// How.
    pub channel: Channel,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
}

/// How one attempt to deliver ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttemptOutcome {
    /// Taken by the other side.
    Sent,
    /// Provably not sent.
    Failed,
    /// Nobody can tell.
    Unknown,
}

/// One attempt to deliver, to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Which delivery.
    pub delivery: &'a str,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What the other side said, without personal data.
    pub receipt: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// When to try again; without it the outcome is final. What was sent is final in any case.
    pub next_at: Option<DateTime<Utc>>,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// To be tried (again).
    Pending,
    /// Over, so.
    Final(AttemptOutcome),
}

/// A delivery and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// Position in the notice's contacts.
    pub contact: usize,
    /// How.
    pub channel: Channel,
    /// Where it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// Not before; meaningless once final.
    pub next_at: DateTime<Utc>,
    /// What the last attempt that did not succeed said.
    pub last_error: Option<String>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// From 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What the other side said.
    pub receipt: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What was sent, word for word. Holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct SentMessage {
    /// Which delivery.
    pub delivery: String,
    /// How.
    pub channel: Channel,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The HTML part of an e-mail.
    pub html: Option<String>,
    /// When.
    pub sent_at: DateTime<Utc>,
}

/// What waits to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Messages for the broker that it has not confirmed.
    pub publications: u64,
    /// When the oldest of them was decided.
    pub oldest_publication: Option<DateTime<Utc>>,
    /// Deliveries that are not final.
    pub deliveries: u64,
    /// When the oldest of them was decided.
    pub oldest_delivery: Option<DateTime<Utc>>,
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

impl core::fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SentMessage").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

impl Attempt<'_> {
    /// Where this attempt takes a delivery: what is final stays, what was sent is never tried again (SAFE-2).
    pub(super) fn state_after(&self, before: DeliveryState) -> DeliveryState {
        match (before, self.outcome, self.next_at) {
            (DeliveryState::Final(_), _, _) => before,
            (DeliveryState::Pending, AttemptOutcome::Failed | AttemptOutcome::Unknown, Some(_)) => {
                DeliveryState::Pending
            }
            (DeliveryState::Pending, outcome, _) => DeliveryState::Final(outcome),
        }
    }
}
