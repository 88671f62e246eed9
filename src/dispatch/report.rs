//! What became of a send, on its way back: an input like any other, never a call.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::engine::effect::Notice;
use crate::engine::policy::Channel;
use crate::store::{AttemptOutcome, SentMessage};

/// What became of a send.
#[derive(Debug)]
pub enum Report {
    /// An attempt to tell one contact on one channel.
    Delivery(DeliveryReport),
    /// An attempt to publish.
    Publication(PublicationReport),
    /// An attempt that is made only once this is durable.
    Begun(BegunReport),
    /// An attempt that had begun was provably not made; it may begin again.
    Withdrawn {
        /// Which delivery.
        delivery: String,
    },
}

/// An attempt to tell somebody over a channel that cannot tell a repeat: to be on record before it is made (SAFE-2).
#[derive(Debug)]
pub struct BegunReport {
    /// Which delivery.
    pub delivery: String,
    /// When its notice was first due.
    pub due_at: DateTime<Utc>,
    /// Told once the mark is durable. Dropped untold: the attempt must not be made.
    pub durable: oneshot::Sender<()>,
}

/// An attempt to tell one contact on one channel.
#[derive(Debug)]
pub struct DeliveryReport {
    /// Which delivery.
    pub delivery: String,
    /// Which notice.
    pub notice_id: String,
    /// What it was about.
    pub notice: Arc<Notice>,
    /// How.
    pub channel: Channel,
    /// Counts attempts, from 1.
    pub attempt: u32,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What the other side said. No address.
    pub receipt: String,
    /// When to try again; without it the outcome is final.
    pub next_at: Option<DateTime<Utc>>,
    /// What was sent, if it was.
    pub sent: Option<SentMessage>,
}

impl DeliveryReport {
    /// The same without what the person can be told by, who was erased meanwhile. It is final: nobody is told any more.
    pub fn erased(&self) -> Self {
        Self {
            delivery: self.delivery.clone(),
            notice_id: self.notice_id.clone(),
            notice: Arc::clone(&self.notice),
            channel: self.channel,
            attempt: self.attempt,
            outcome: self.outcome,
            receipt: "erased".to_owned(),
            next_at: None,
            sent: None,
        }
    }
}

/// An attempt to publish.
#[derive(Debug)]
pub struct PublicationReport {
    /// Id of the message.
    pub id: String,
    /// Its lane, in flight until this is committed.
    pub lane: String,
    /// Why it has to be tried again, and when; `None` once the broker has it.
    pub retry: Option<(String, DateTime<Utc>)>,
}

impl Report {
    /// When what this is about was first due; unknown for a message to the broker.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Delivery(report) => Some(report.notice.due_at(report.channel)),
            Self::Begun(report) => Some(report.due_at),
            Self::Publication(_) | Self::Withdrawn { .. } => None,
        }
    }

    /// What dispatch has in hand until this is committed: a delivery, or a lane. Nothing where it goes on from there.
    pub fn settles(&self) -> Option<&str> {
        match self {
            Self::Delivery(report) => Some(&report.delivery),
            Self::Publication(report) => Some(&report.lane),
            Self::Withdrawn { delivery } => Some(delivery),
            Self::Begun(_) => None,
        }
    }

    /// It is committed: tells who waits for that. Never waits.
    pub fn committed(self) {
        match self {
            // Nobody listens only where dispatch has ended: the mark stays, and the next start finds it.
            Self::Begun(report) => drop(report.durable.send(())),
            Self::Delivery(_) | Self::Publication(_) | Self::Withdrawn { .. } => {}
        }
    }
}
