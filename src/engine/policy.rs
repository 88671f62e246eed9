//! A lifecycle, checked: what the engine interprets. Its TOML form and its diagnostics are the `policy` module's.
//!
//! Nothing here names a vendor; nothing here decides.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::calendar;
use super::hours::{QuietHours, WorkingDays};
use super::id::{NoticeKind, PhaseName, PolicyId, PolicyKey};

mod billing;

pub use billing::{
    AllowedChange, BalanceCheck, ChargeWindow, Charges, DayTime, DowngradeRule, Exclusion,
    ExpirySync, Renewal, Returns, TermEnd, Termination,
};

/// One version of one lifecycle.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its id and version.
    pub key: PolicyKey,
    /// What it is, for people.
    pub title: String,
    /// Where its calendar is.
    pub zone: Tz,
    /// What moves a resource towards its end.
    pub clock: Clock,
    /// When nothing is taken away, for the steps that say so.
    pub working_days: WorkingDays,
    /// When nobody is woken by a text.
    pub quiet_hours: Option<QuietHours>,
    /// The first one is where a resource starts.
    pub phases: Vec<Phase>,
    /// What the clock does.
    pub steps: Vec<Step>,
    /// What brings a resource back.
    pub recoveries: Vec<Recovery>,
    /// Who is told what, when.
    pub notices: Vec<NoticeRule>,
    /// The daily look at how long the balance lasts.
    pub balance_check: Option<BalanceCheck>,
    /// When renewals are asked for.
    pub charges: Option<Charges>,
    /// How a term is renewed.
    pub renewal: Option<Renewal>,
    /// How a customer ends it.
    pub termination: Option<Termination>,
    /// How a customer gives it back.
    pub returns: Option<Returns>,
    /// How expiries are synchronised to one day of the month.
    pub expiry_sync: Option<ExpirySync>,
    /// The newest version, if this is an older one: it reaches a case in flight where it is later (SAFE-9). A [`PolicySet`]
    /// knows it, no file says it.
    pub newest: Option<Arc<Self>>,
}

/// What moves a resource towards its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Its own expiry: prepaid.
    Expiry,
    /// Its account's arrears: postpaid.
    Arrears,
}

/// A phase and what the engine knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Its name in this policy.
    pub name: PhaseName,
    /// What it means.
    pub class: PhaseClass,
}

/// What a phase means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseClass {
    /// Paid for and working.
    Working,
    /// Not paid for, still working.
    Unpaid,
    /// Not working; comes back when paid.
    Suspended,
    /// Not working, in the bin; data is kept.
    Retained,
    /// Final (SAFE-8).
    Gone,
}

/// A move that the clock makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// From here.
    pub from: PhaseName,
    /// To here.
    pub to: PhaseName,
    /// When.
    pub at: Deadline,
    /// Only for resources of which this is true.
    pub when: When,
    /// What provisioning does with it.
    pub outcome: Outcome,
    /// Sent with the step.
    pub notice: Option<NoticeKind>,
    /// Cannot be taken back: data is lost.
    pub irreversible: bool,
    /// What must be proven before it, all of it (SAFE-4, SAFE-10).
    pub proofs: Vec<Proof>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// Somebody was told in time: what an irreversible step asks for (SAFE-4), and a stop that leaves its minimum time (SAFE-10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Kinds of notices that were accepted for at least one contact.
    pub notices: Vec<NoticeKind>,
    /// How many of them it takes.
    pub of_them: OfThem,
    /// The step comes at least this long after they were accepted.
    pub lead: TimeDelta,
    /// The step waits for it at most this long beyond its deadline. Only where the step can be taken back, and always there:
    /// who cannot be told at all is not served for nothing for ever.
    pub at_most: Option<TimeDelta>,
}

/// How many of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfThem {
    /// Each.
    All,
    /// One of them is enough.
    Any,
}

/// What a step tells provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What to do (`shutdown`, `stop_billing`).
    pub actions: Vec<String>,
    /// Kinds of attachments that are detached.
    pub detach: Vec<String>,
    /// Kinds of things that are destroyed.
    pub destroy: Vec<String>,
    /// Kinds of things that are kept.
    pub retain: Vec<String>,
    /// Kinds of things that are kept and may cost.
    pub retain_billable: Vec<String>,
}

/// When a step is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// It counts from the latest of these; all of them must exist.
    pub from: Vec<Anchor>,
    /// How far after.
    pub offset: Offset,
    /// Never earlier than this long after the phase was really entered.
    pub at_least: Option<TimeDelta>,
    /// On a day without work it waits for the next one with, at the same local time.
    pub working_days_only: bool,
}

/// An instant that deadlines count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// The end of the running term.
    Expiry,
    /// The deduction that took the balance below zero.
    Arrears,
    /// When the phase was really entered.
    Entry,
}

/// How far from an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// A distance: calendar days that keep the local time of day, then a duration.
    Span {
        /// Calendar days, negative for before.
        days: i32,
        /// Exact time.
        time: TimeDelta,
    },
    /// A wall-clock time on a day: `00:00 on day +8`.
    DayTime {
        /// Counted from the local date of the anchor.
        day: i32,
        /// Local time.
        time: NaiveTime,
    },
}

/// Which resources a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// Only with auto-renewal on, or off.
    pub auto_renew: Option<bool>,
    /// Only where this brought it into the phase.
    pub entered_by: Option<Cause>,
}

/// What brought a resource into its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It began there.
    Start,
    /// A deadline.
    Clock,
    /// It was paid for.
    Recovery,
    /// A customer's termination.
    Termination,
    /// A customer's return.
    Return,
    /// A customer's wish: restored or released from the bin.
    Request,
    /// Somebody outside dunlin removed it.
    Removed,
    /// Taken over from the system before dunlin.
    Import,
}

/// What brings a resource back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recovery {
    /// From here.
    pub from: PhaseName,
    /// To here.
    pub to: PhaseName,
    /// When.
    pub when: RecoverWhen,
    /// What provisioning does with it.
    pub actions: Vec<String>,
    /// What the customer must look at (`check_network_settings`).
    pub hints: Vec<String>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// What it takes to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverWhen {
    /// A balance of zero or more.
    BalanceNotNegative,
    /// A balance above zero.
    BalancePositive,
    /// A new term.
    Renewed,
}

/// One thing that contacts are told.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeRule {
    /// Which templates.
    pub kind: NoticeKind,
    /// When.
    pub on: NoticeTrigger,
    /// Only in these phases; in all but the final ones if empty.
    pub phases: Vec<PhaseName>,
    /// Only with auto-renewal on, or off.
    pub auto_renew: Option<bool>,
    /// How.
    pub channels: Vec<Channel>,
    /// The rules that it implements.
    pub rules: Vec<String>,
}

/// When contacts are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoticeTrigger {
    /// At instants around an anchor; each fires once, never "whenever the date is past".
    Slots {
        /// What they are counted from.
        anchor: Anchor,
        /// One slot each, in order.
        offsets: Vec<Offset>,
    },
    /// At instants before the deadline of the next step, where it enters this phase; each fires once for a deadline.
    Ahead {
        /// The phase that the step enters.
        to: PhaseName,
        /// One slot each, in order, all before the deadline.
        offsets: Vec<Offset>,
    },
    /// When an arrears episode begins, or a resource arrives in one.
    ArrearsStarted,
    /// With the steps that name it.
    Step,
    /// When a charge attempt was refused.
    ChargeFailed,
    /// With the daily look at the balance.
    BalanceCheck,
    /// With every new term that dunlin itself decided.
    Renewed,
    /// With every move back into a working phase.
    Restored,
    /// With the move that a customer's termination makes: to the bin, or to the end.
    Terminated,
    /// When a termination is set for an instant.
    TerminationScheduled,
    /// With the move that a customer's return makes.
    Returned,
}

/// A way to tell somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

impl Policy {
    /// The class of a phase of this policy; `Gone` for a name it does not have, so that nothing is done to it.
    pub fn class(&self, phase: &PhaseName) -> PhaseClass {
        self.phases
            .iter()
            .find(|known| known.name == *phase)
            .map_or(PhaseClass::Gone, |known| known.class)
    }

    /// Whether the policy has a phase of this name.
    pub fn has(&self, phase: &PhaseName) -> bool {
        self.phases.iter().any(|known| known.name == *phase)
    }

    /// Whether a step asks for proof that notices of this kind were accepted.
    pub fn asks_for_proof_of(&self, kind: &NoticeKind) -> bool {
        self.steps.iter().flat_map(|step| &step.proofs).any(|proof| proof.notices.contains(kind))
    }

    /// Where a resource starts.
    pub fn initial(&self) -> &PhaseName {
        &self.phases[0].name
    }

    /// The first final phase.
    pub fn gone(&self) -> Option<&PhaseName> {
        self.phases.iter().find(|phase| phase.class == PhaseClass::Gone).map(|phase| &phase.name)
    }
}

impl Offset {
    /// The instant this far from `anchor`, by the calendar of `zone`. `None` outside of chrono's range.
    pub fn from(self, anchor: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Self::Span { days, time } => {
                calendar::add_days(zone, anchor, days)?.checked_add_signed(time)
            }
            Self::DayTime { day, time } => calendar::day_time(zone, anchor, day, time),
        }
    }
}

/// Every policy that a worker knows, by version.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    policies: BTreeMap<PolicyKey, Policy>,
}

impl PolicySet {
    /// Adds or replaces one; older versions of it learn of the newest.
    pub fn insert(&mut self, policy: Policy) {
        let id = policy.key.id.clone();
        self.policies.insert(policy.key.clone(), Policy { newest: None, ..policy });
        let newest = self.newest(&id).map(|newest| Policy { newest: None, ..newest.clone() });
        let Some(newest) = newest.map(Arc::new) else { return };
        for version in self.policies.values_mut().filter(|version| version.key.id == id) {
            version.newest = (version.key != newest.key).then(|| Arc::clone(&newest));
        }
    }

    /// One version: the one that a case in flight was started with.
    pub fn get(&self, key: &PolicyKey) -> Option<&Policy> {
        self.policies.get(key)
    }

    /// The newest version: the one that a new case starts with.
    pub fn newest(&self, id: &PolicyId) -> Option<&Policy> {
        self.policies.values().rev().find(|policy| policy.key.id == *id)
    }

    /// All of them, by id and version.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.policies.values()
    }
}
