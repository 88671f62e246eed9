//! The resource: where it is in its lifecycle. The other of the two aggregates.
//!
//! State only. What follows from it is decided in `step` and the modules of the rules.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::account::Register;
use super::act::Hand;
use super::gate::{Because, Patience};
use super::hold::Holds;
use super::id::{AccountId, EventKey, NoticeKind, PhaseName, PolicyKey, ResourceId};
use super::input::{Attachment, AutoRenew, Order, RenewMode, Traits};
use super::policy::Cause;

/// One resource, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// Who pays for it.
    pub account: AccountId,
    /// The lifecycle that it follows, in the version that its case was started with.
    pub policy: PolicyKey,
    /// Where it is.
    pub phase: PhaseName,
    /// Since when, by the clock.
    pub entered_at: DateTime<Utc>,
    /// What brought it there.
    pub entered_by: Cause,
    /// When it became active, by the event's time.
    pub activated_at: DateTime<Utc>,
    /// What it is.
    #[serde(default)]
    pub traits: Traits,
    /// When it was bought, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchased_at: Option<DateTime<Utc>>,
    /// What was paid for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    /// The running term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Term>,
    /// When the arrears that it is in began for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears_since: Option<DateTime<Utc>>,
    /// When dunlin learned of these arrears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrears_known_at: Option<DateTime<Utc>>,
    /// Slots up to here are dealt with: sent, or skipped for a reason.
    pub slots_until: DateTime<Utc>,
    /// Up to when the system before dunlin told of each kind of notice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: BTreeMap<NoticeKind, DateTime<Utc>>,
    /// Whether and how it renews itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_renew: Option<Register<AutoRenew>>,
    /// For how many months it renews itself: a fact of its own, since a later change of mode may leave it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_months: Option<Register<u32>>,
    /// A termination that was scheduled, or not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Register<Option<DateTime<Utc>>>>,
    /// A step that a customer asked for and that has not happened yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Charge attempts of the running term.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
    /// What was detached and has to be configured again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detached: Vec<Attachment>,
    /// The latest date that a notice of this episode named for each step (SAFE-9).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub promised: BTreeMap<PhaseName, DateTime<Utc>>,
    /// Dates beyond those, which notices of this episode named while proof was missing for the step (SAFE-4).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named: BTreeMap<PhaseName, DateTime<Utc>>,
    /// What was told of it in this episode, of the kinds that its policy asks proof of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notified: BTreeMap<NoticeKind, Notified>,
    /// What operators decided about it, as far as it is in force.
    #[serde(default, skip_serializing_if = "Hand::is_empty")]
    pub hand: Hand,
    /// Holds on it alone.
    #[serde(default)]
    pub holds: Holds,
    /// A step that is due and held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStep>,
    /// Steps that were said to be held and still wait behind that one: they are not said again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_before: Vec<HeldStep>,
    /// What the clock's next step waits for, if that is no event of its own and no instant: its account is looked at when it
    /// changes. What a customer's wish waits for is said in that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated: Option<Gated>,
    /// When a step comes, or is said to be held, that was late on a day without work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_off: Option<DateTime<Utc>>,
    /// Counts state changes.
    #[serde(default)]
    pub sequence: u64,
    /// When the engine wants to look at it again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<DateTime<Utc>>,
}

/// A paid term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Its end (UTC).
    pub expires_at: DateTime<Utc>,
    /// The day of the month of the first expiry, which later months return to.
    pub day: u32,
    /// Orders this against other facts about the expiry.
    pub stamp: Stamp,
    /// The best fact of the other kind, numbered by the pipeline or not: the later of the two counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Box<(Stamp, DateTime<Utc>)>>,
    /// When dunlin learned of this expiry: what lies before is not due (PRE-8).
    pub known_at: DateTime<Utc>,
    /// The resource was given back: this expiry means nothing any more.
    #[serde(default)]
    pub closed: bool,
}

/// Orders facts of one kind: by `sequence` where both have one, else by time, else by event. Where some have one and some do
/// not, the best of either kind are compared by time: one by one they could go in a circle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The pipeline's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// When it happened.
    pub time: DateTime<Utc>,
    /// Who said so.
    pub key: EventKey,
}

impl Stamp {
    /// Whether a fact with this stamp replaces one with the other.
    pub fn replaces(&self, other: &Self) -> bool {
        match (self.sequence, other.sequence) {
            (Some(mine), Some(theirs)) if mine != theirs => mine > theirs,
            _ => (self.time, &self.key) > (other.time, &other.key),
        }
    }
}

/// A charge attempt that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Its name, as in `lifecycle.charge.requested`.
    pub name: String,
    /// Position in the series, from 1.
    pub attempt: u32,
    /// For how many months: what it pays for, whatever is set meanwhile.
    pub months: u32,
    /// What became of it.
    pub state: ChargeState,
}

/// What became of a charge attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeState {
    /// Asked for, not answered.
    Asked,
    /// Refused.
    Failed,
    /// Its instant passed and it was not asked for.
    Skipped,
}

/// A step that a customer asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The phase that it enters.
    pub to: PhaseName,
    /// What kind of wish it was.
    pub cause: Cause,
    /// When it was made, by the event's time: what is counted up to the wish is counted up to here.
    pub at: DateTime<Utc>,
    /// Counts the wishes of an account in the order in which they arrived.
    pub number: u64,
    /// It was found right, and waits for a hold to end.
    pub waits: bool,
    /// It was set for an instant, and a later word about that takes it back while something holds it (TERM-3).
    pub scheduled: bool,
    /// What it waits for, if that is no event of its own and no instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gated: Option<Gated>,
}

impl Asked {
    /// A wish that was just made.
    pub(super) fn new(to: PhaseName, cause: Cause, at: DateTime<Utc>, number: u64) -> Self {
        Self { to, cause, at, number, waits: false, scheduled: false, gated: None }
    }
}

/// That a kind of notice was told, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// When the first notice of the episode was decided.
    pub first_at: DateTime<Utc>,
    /// When each of them, by the instant at which it was decided, was first known to be accepted for at least one contact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted: BTreeMap<DateTime<Utc>, DateTime<Utc>>,
}

impl Notified {
    /// None was accepted so far; the first was decided at this instant.
    pub(super) fn from(first_at: DateTime<Utc>) -> Self {
        Self { first_at, accepted: BTreeMap::new() }
    }

    /// When one of them was first known to be accepted for at least one contact.
    pub fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.accepted.values().min().copied()
    }
}

/// What a step that is due waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gated {
    /// What is in the way.
    pub by: Because,
    /// When the step was due.
    pub due_at: DateTime<Utc>,
}

/// A step that is due and held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldStep {
    /// The phase that it enters.
    pub to: PhaseName,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What holds it.
    pub because: Because,
}

impl HeldStep {
    /// Whether this was said: that a step into this phase is held, and by what.
    pub(super) fn is_for(&self, to: &PhaseName, because: Because) -> bool {
        self.to == *to && self.because == because
    }
}

impl Term {
    /// Takes a fact in; what counts now, which may be one of the other kind, or `None` if that is what counted before (SAFE-3).
    pub fn settle(
        &mut self,
        stamp: Stamp,
        expires_at: DateTime<Utc>,
    ) -> Option<(Stamp, DateTime<Utc>)> {
        let is_numbered = |stamp: &Stamp| stamp.sequence.is_some();
        let counts = (self.stamp.clone(), self.expires_at);
        let other = self.other.take().map(|other| *other);
        let (same, other) = if is_numbered(&stamp) == is_numbered(&counts.0) {
            (Some(counts), other)
        } else {
            (other, Some(counts))
        };
        if let Some(same) = same.filter(|same| !stamp.replaces(&same.0)) {
            // As it was.
            let is_first = same.0 == self.stamp;
            self.other = if is_first { other.map(Box::new) } else { Some(Box::new(same)) };
            return None;
        }
        let new = (stamp, expires_at);
        let (winner, loser) = match other {
            Some(other) if (other.0.time, &other.0.key) > (new.0.time, &new.0.key) => {
                (other, Some(new))
            }
            other => (new, other),
        };
        self.other = loser.map(Box::new);
        // What counts already may even be over: it is not said anew.
        Some(winner).filter(|winner| winner.0 != self.stamp)
    }
}

impl Gated {
    /// When it is said that the step is held; `None`: at once.
    pub(super) fn said_at(&self, patience: Patience) -> Option<DateTime<Utc>> {
        let patience = match self.by {
            Because::Freshness => patience.facts,
            Because::Breaker => patience.admission,
            Because::Hold | Because::Moratorium | Because::Proof | Because::Clock => return None,
        };
        self.due_at.checked_add_signed(patience)
    }
}

impl Resource {
    /// What the customer's wish waits for that is no event of its own and no instant.
    pub fn wish_gate(&self) -> Option<Gated> {
        self.asked.as_ref()?.gated
    }

    /// The same of all its steps: the wish, then the clock's step.
    pub fn gates(&self) -> impl Iterator<Item = Gated> {
        self.wish_gate().into_iter().chain(self.gated)
    }

    /// Whether one of its steps waits for something that is no event of its own and no instant.
    pub fn is_gated(&self) -> bool {
        self.gates().next().is_some()
    }

    /// Takes note of a step that is due and held; `false` if that was said before.
    pub(super) fn hold(&mut self, step: HeldStep) -> bool {
        let is_same = |held: &HeldStep| held.is_for(&step.to, step.because);
        if self.held.as_ref().is_some_and(is_same) {
            return false;
        }
        let known = self.held_before.iter().position(is_same);
        let known = known.map(|index| self.held_before.remove(index));
        let is_news = known.is_none();
        self.held_before.extend(self.held.replace(known.unwrap_or(step)));
        is_news
    }

    /// Nothing that was held or put off is due any more.
    pub(super) fn forget_held(&mut self) {
        self.held = None;
        self.held_before.clear();
        self.put_off = None;
    }

    /// Whether dunlin asks for its renewal.
    pub fn renews_itself(&self) -> bool {
        self.auto_renew.as_ref().is_some_and(|setting| setting.value.mode == RenewMode::Auto)
    }

    /// Whether the system before dunlin told what was to be told at this instant.
    pub fn was_told(&self, kind: &NoticeKind, wanted_at: DateTime<Utc>) -> bool {
        self.told.get(kind).is_some_and(|until| wanted_at <= *until)
    }

    /// The trouble is over: what was told of it neither binds (SAFE-9) nor proves (SAFE-4) anything for the next.
    pub(super) fn end_episode(&mut self) {
        self.promised.clear();
        self.named.clear();
        self.notified.clear();
        self.hand.end_episode();
    }

    /// It owes nothing any more, and what was told of that is over with it.
    pub(super) fn end_arrears(&mut self) {
        self.arrears_known_at = None;
        if self.arrears_since.take().is_some() {
            self.end_episode();
        }
    }

    /// The end of the running term; none after it was given back.
    pub fn expiry(&self) -> Option<DateTime<Utc>> {
        self.term.as_ref().filter(|term| !term.closed).map(|term| term.expires_at)
    }
}
