//! What will happen to one resource under a policy: a timeline as data, and how it looks as a table, a picture, a page.
//!
//! ```text
//! policy + story ─▶ world ─▶ Simulation ─▶ collect ─▶ Timeline ─▶ table · svg · html
//!                   events    the engine    effects
//! ```
//!
//! Nothing here reads a deadline out of a policy: what a timeline holds is what the worker's own engine decided on generated
//! events, so that a picture cannot promise what the product does not. Pure: no clock, no file.

mod collect;
mod given;
pub mod html;
mod layout;
mod markup;
mod measure;
pub mod svg;
pub mod table;
mod words;
mod world;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use self::collect::collect;
pub use self::given::{Given, MalformedEvent};
use crate::engine::effect::{RejectCode, Request};
use crate::engine::id::{NoticeKind, PhaseName, PolicyKey};
use crate::engine::input::Attachment;
use crate::engine::money::Money;
use crate::engine::policy::{Channel, Clock, PhaseClass};
use crate::engine::refund::Payout;

/// What the resource's owner and the pipeline do.
#[derive(Debug, Clone)]
pub struct Story {
    /// When the term ends (E), or arrears begin (A), by the clock of the policy.
    pub anchor: DateTime<Utc>,
    /// Whether the resource renews itself.
    pub auto_renew: bool,
    /// How charge requests are answered.
    pub answer: Answer,
    /// What else happens.
    pub given: Vec<Given>,
    /// How far to look; without it to the end of the resource or of the trouble.
    pub until: Option<DateTime<Utc>>,
}

/// How the pipeline answers a charge request, an hour after it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The money was not there.
    Refused,
    /// The renewal was paid.
    Paid,
    /// Not at all.
    Never,
}

/// What happens to one resource, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The policy.
    pub policy: PolicyKey,
    /// What it is, for people; free text of a file.
    pub title: String,
    /// Whose local times are shown.
    pub zone: Tz,
    /// What the policy runs on.
    pub clock: Clock,
    /// E or A.
    pub anchor: DateTime<Utc>,
    /// Whether the resource renews itself, under a policy where that means anything.
    pub auto_renew: Option<bool>,
    /// How charges are answered, where some are asked for.
    pub answer: Option<Answer>,
    /// The phases that it was in, in order; the last one has no end.
    pub stays: Vec<Stay>,
    /// What happened, by instant.
    pub entries: Vec<Entry>,
}

/// A time in one phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The phase.
    pub phase: PhaseName,
    /// What it means.
    pub class: PhaseClass,
    /// From when; `None` for the one that the timeline begins in.
    pub since: Option<DateTime<Utc>>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// What.
    pub what: What,
}

/// What happened. Everything but [`What::Given`] was decided by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// An event that the story holds, as it was given.
    Given(String),
    /// The phase changed.
    Phase(Box<Move>),
    /// A renewal was asked for.
    Charge {
        /// Position in the series, from 1.
        attempt: u32,
        /// Length of the series.
        of: u32,
        /// Until when it may be answered.
        until: DateTime<Utc>,
        /// What it is collected from, in order.
        tenders: Vec<String>,
    },
    /// A charge without an answer was called back.
    ChargeCancelled {
        /// Why, in a word.
        reason: String,
    },
    /// The term was changed.
    Renewal {
        /// Its first instant.
        starts_at: DateTime<Utc>,
        /// Its end.
        expires_at: DateTime<Utc>,
        /// Its length in calendar months.
        months: u32,
    },
    /// Something is paid back for what was returned.
    Refund {
        /// How much.
        amount: Money,
        /// How.
        payout: Payout,
    },
    /// A request was not followed.
    Rejected {
        /// Which.
        request: Request,
        /// Why.
        code: RejectCode,
    },
    /// A step was due and did not happen.
    Held {
        /// The phase it was to enter.
        to: PhaseName,
        /// What holds it.
        because: String,
    },
    /// Contacts were told.
    Notice {
        /// What.
        kind: NoticeKind,
        /// How.
        channels: Vec<Channel>,
        /// Channels that wait for the end of the quiet hours, and until when (UTC).
        waiting: BTreeMap<Channel, DateTime<Utc>>,
    },
}

/// A change of phase and what provisioning is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// From.
    pub from: PhaseName,
    /// To.
    pub to: PhaseName,
    /// What provisioning does.
    pub actions: Vec<String>,
    /// What is detached; on the way back, what must be configured again.
    pub detached: Vec<Attachment>,
    /// Whether this is the way back.
    pub back: bool,
    /// What is destroyed.
    pub destroyed: Vec<Attachment>,
    /// What is kept.
    pub retained: Vec<Attachment>,
    /// What is kept and may cost.
    pub retained_billable: Vec<Attachment>,
    /// What the customer must look at.
    pub hints: Vec<String>,
    /// Data is lost with it.
    pub irreversible: bool,
}

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// A given event cannot be understood.
    #[error("the event `{event}`: {reason}")]
    Event {
        /// As it was given.
        event: String,
        /// Why.
        reason: String,
    },
    /// It would be too long to look at.
    #[error("{0} instants at which something is due, and no end: name an earlier `--until`")]
    TooLong(usize),
    /// An instant is out of range.
    #[error("the calendar ends before this")]
    OutOfRange,
}

#[cfg(test)]
mod tests;
