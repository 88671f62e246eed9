//! What waits to go out, and what became of it: rows of both outboxes. Plain data, the same for every backend.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::dispatch::message::Publication;
use crate::engine::effect::Notice;
use crate::engine::policy::Channel;

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
    /// When it was first due: decided, or the end of the quiet hours.
    pub created_at: DateTime<Utc>,
    /// When an attempt began of which no outcome is known. Of what is not *in flight* it began before the last crash: nobody
    /// can tell whether it was sent, and it must not be sent again (SAFE-2).
    pub begun_at: Option<DateTime<Utc>>,
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
    /// Taken by the other side, and came back.
    Bounced,
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
    /// When the attempt began that has no outcome yet, where that is marked.
    pub begun_at: Option<DateTime<Utc>>,
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
    /// When the oldest of them was first due.
    pub oldest_delivery: Option<DateTime<Utc>>,
}

impl core::fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SentMessage").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

/// What stands where something was erased.
pub(super) const ERASED: &str = "erased";

/// A notice without what a person can be told by. Its contacts keep their places: deliveries name them by those.
pub(super) fn erased(notice: &Notice) -> Notice {
    let mut erased = notice.clone();
    for contact in &mut erased.contacts {
        (contact.email, contact.phone, contact.locale) = (None, None, None);
        contact.name.clear();
    }
    erased.items.iter_mut().for_each(|item| item.name = None);
    (erased.account_name, erased.locale) = (None, None);
    (erased.balance, erased.daily_consumption) = (None, None);
    erased
}

impl Attempt<'_> {
    /// Where this attempt takes a delivery: what is final stays, what was sent is never tried again (SAFE-2).
    pub(super) fn state_after(&self, before: DeliveryState) -> DeliveryState {
        match (before, self.outcome, self.next_at) {
            (_, AttemptOutcome::Bounced, _) => DeliveryState::Final(AttemptOutcome::Bounced),
            (DeliveryState::Final(_), _, _) => before,
            (DeliveryState::Pending, AttemptOutcome::Failed | AttemptOutcome::Unknown, Some(_)) => {
                DeliveryState::Pending
            }
            (DeliveryState::Pending, outcome, _) => DeliveryState::Final(outcome),
        }
    }
}
