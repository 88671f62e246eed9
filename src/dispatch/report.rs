//! What became of a send, on its way back: an input like any other, never a call.

use std::sync::Arc;

use chrono::{DateTime, Utc};

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
            Self::Publication(_) => None,
        }
    }

    /// What dispatch has in hand until this is committed: a delivery, or a lane.
    pub fn name(&self) -> &str {
        match self {
            Self::Delivery(report) => &report.delivery,
            Self::Publication(report) => &report.lane,
        }
    }
}
